from datetime import UTC, date, datetime, timedelta

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic.models import OutgoingMail
from patients.records import record_fact
from scheduling import booking
from scheduling.models import Appointment, Closure, Occupancy, Reminder, TimeOff
from tests.factories import (
    NOW,
    clear_answers,
    make_appointment,
    make_catalogue,
    make_clinic,
    make_patient,
    make_practitioner,
    make_protocol,
    make_user,
)
from treatments import courses
from treatments.answers import record_answers
from treatments.catalogue import Stage, shipped_text
from treatments.models import Course, Screening
from treatments.publishing import publish_catalogue

pytestmark = [pytest.mark.both, pytest.mark.django_db]

START = NOW + timedelta(days=7, hours=3)  # Monday 19 January 2026, 10:00 in London


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def patient(clinic):
    return make_patient(clinic)


def take_isotretinoin(patient, on):
    record_fact(patient=patient, kind="medicine", subject="isotretinoin", answer="yes", on=on, by=None, now=NOW)


def book(clinic, practitioner, patient, start=START, *, protocol=None, **wish):
    return booking.book_appointment(
        **{"patient": patient, "protocol": protocol or make_protocol(), "zones": [], "location": clinic}
        | {"practitioner": practitioner, "starts_at": start, "by": None, "now": NOW}
        | wish
    )


def move(appointment, start, **changes):
    return booking.move_appointment(
        **{"appointment": appointment, "starts_at": start, "practitioner": appointment.practitioner}
        | {"revision": appointment.revision, "by": None, "now": NOW}
        | changes
    )


def change(writer, appointment, **changes):
    return writer(**{"appointment": appointment, "revision": appointment.revision, "by": None, "now": NOW} | changes)


def spans(appointment):
    minutes = {}
    for row in appointment.occupancies.all():
        kind = next(k for k in ("practitioner", "room", "device", "patient") if getattr(row, f"{k}_id"))
        start, end = (int((at - appointment.starts_at).total_seconds() // 60) for at in (row.starts_at, row.ends_at))
        minutes.setdefault(kind, []).append((start, end))
    return {kind: sorted(found) for kind, found in minutes.items()}


# --- Booking --------------------------------------------------------------------------------------------------------


def test_book_takes_each_resource_for_its_part_of_the_visit(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    assert spans(booked) == {
        "practitioner": [(0, 15), (45, 75)],  # free while the cream works
        "room": [(0, 85)],
        "device": [(45, 85)],
        "patient": [(0, 75)],
    }
    assert (booked.starts_at, booked.ends_at) == (START, START + timedelta(minutes=75))
    assert (booked.state, booked.revision) == (Appointment.State.BOOKED, 0)


def test_book_makes_a_course_of_one_with_its_screening_and_reminders(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    assert (booked.session.number, booked.session.course.planned_sessions) == (1, 1)
    assert booked.session.course.patient == patient
    screening = Screening.objects.get(session=booked.session)
    assert (screening.for_start, screening.stage) == (START, "booking")
    assert set(booked.reminders.values_list("kind", "revision")) == {
        ("confirmation", 0),
        ("before_48h", 0),
        ("get_ready", 0),
    }


def test_book_leaves_a_trail_that_names_the_appointment(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    assert LogEntry.objects.get_for_object(booked).filter(action=LogEntry.Action.CREATE).count() == 1


def test_two_visits_of_one_practitioner_may_interleave_around_the_numbing(clinic, practitioner):
    # her hands: 0 to 15 and 45 to 75 for the first visit, 30 to 45 and 75 to 105 for the second
    book(clinic, practitioner, make_patient(clinic))
    assert book(clinic, practitioner, make_patient(clinic), START + timedelta(minutes=30))
    with pytest.raises(booking.Taken):
        book(clinic, practitioner, make_patient(clinic), START + timedelta(minutes=15))


def test_the_same_key_twice_is_one_booking(clinic, practitioner, patient):
    first = book(clinic, practitioner, patient, key=(key := patient.public_id))
    again = book(clinic, practitioner, patient, key=key)
    assert again == first
    assert Course.objects.count() == 1
    with pytest.raises(booking.ChangedMeanwhile):
        book(clinic, practitioner, patient, START + timedelta(hours=2), key=key)


# --- Refusals -------------------------------------------------------------------------------------------------------


def test_a_taken_practitioner_is_refused_with_the_nearest_free_times(clinic, practitioner, patient):
    book(clinic, practitioner, make_patient(clinic))
    with pytest.raises(booking.Taken) as refusal:
        book(clinic, practitioner, patient)
    assert refusal.value.message == "The practitioner is taken at that time."
    assert [(slot.starts_at - START) // timedelta(minutes=1) for slot in refusal.value.alternatives] == [-30, 30, 75]
    assert Appointment.objects.count() == Course.objects.count() == 1


def test_rooms_that_are_all_taken_are_refused(clinic, patient):
    for _each in clinic.rooms.all():
        book(clinic, make_practitioner(clinic), make_patient(clinic))
    with pytest.raises(booking.Taken, match="No room is free at that time."):
        book(clinic, make_practitioner(clinic), patient)


def test_a_wished_room_that_is_taken_is_refused_by_its_name(clinic, practitioner, patient):
    room = clinic.rooms.first()
    book(clinic, make_practitioner(clinic), make_patient(clinic), room=room)
    with pytest.raises(booking.Taken, match=f"{room} is taken at that time."):
        book(clinic, practitioner, patient, room=room)
    assert book(clinic, practitioner, patient).room != room


def test_hours_hold_to_the_minute(clinic, patient):
    # works 9 to 17; a visit takes 75 minutes
    practitioner = make_practitioner(clinic)
    nine = START.replace(hour=9)
    with pytest.raises(booking.OutsideHours):
        book(clinic, practitioner, patient, nine - timedelta(minutes=1))
    with pytest.raises(booking.OutsideHours):
        book(clinic, practitioner, patient, START.replace(hour=15, minute=46))
    assert book(clinic, practitioner, patient, START.replace(hour=15, minute=45)).ends_at == START.replace(hour=17)


def test_a_visit_does_not_run_over_a_break(clinic, patient):
    practitioner = make_practitioner(clinic, hours=[("09:00", "12:00"), ("13:00", "17:00")])
    with pytest.raises(booking.OutsideHours):
        book(clinic, practitioner, patient, START.replace(hour=11))
    assert book(clinic, practitioner, patient, START.replace(hour=13)).starts_at == START.replace(hour=13)


def test_time_off_and_closures_are_outside_hours(clinic, practitioner, patient):
    TimeOff.objects.create(
        practitioner=practitioner, starts_at=START + timedelta(minutes=75), ends_at=START + timedelta(hours=3)
    )
    Closure.objects.create(location=clinic, first_day=date(2026, 1, 20), last_day=date(2026, 1, 20), reason="Stock")
    with pytest.raises(booking.OutsideHours):
        book(clinic, practitioner, patient, START + timedelta(minutes=15))
    with pytest.raises(booking.OutsideHours):
        book(clinic, practitioner, patient, START + timedelta(days=1))
    assert book(clinic, practitioner, patient).starts_at == START  # ends as the time off begins


def test_the_present_moment_has_passed(clinic, practitioner, patient):
    now = START
    with pytest.raises(booking.InThePast):
        book(clinic, practitioner, patient, START, now=now)
    assert book(clinic, practitioner, patient, START + timedelta(minutes=1), now=now)


def test_nothing_more_than_two_years_ahead(clinic, practitioner, patient):
    with pytest.raises(booking.OutsideHours, match="two years"):
        book(clinic, practitioner, patient, NOW + timedelta(days=731))


def test_nobody_is_booked_before_the_eligible_date(clinic, practitioner, patient):
    take_isotretinoin(patient, "2025-07-20")  # clear from 20 January 2026
    with pytest.raises(booking.NotEligible) as refusal:
        book(clinic, practitioner, patient)
    assert refusal.value.not_before == datetime(2026, 1, 20, tzinfo=UTC)
    assert refusal.value.message.startswith("The screening allows no visit before 20 January 2026.")
    assert Course.objects.count() == 0
    assert book(clinic, practitioner, patient, START + timedelta(days=1)).starts_at.date() == date(2026, 1, 20)


def test_somebody_who_still_takes_it_has_no_date(clinic, practitioner, patient):
    take_isotretinoin(patient, "still")
    with pytest.raises(booking.NotEligible) as refusal:
        book(clinic, practitioner, patient)
    assert refusal.value.not_before is None


@pytest.mark.parametrize(("days", "is_allowed"), [(27, False), (28, True)])
def test_the_same_skin_rests_four_weeks(clinic, practitioner, patient, days, is_allowed):
    book(clinic, practitioner, patient)
    if is_allowed:
        assert book(clinic, practitioner, patient, START + timedelta(days=days))
    else:
        with pytest.raises(booking.TooSoon, match="Keep 28 days"):
            book(clinic, practitioner, patient, START + timedelta(days=days))


def test_other_skin_need_not_rest_and_unknown_skin_must(clinic, practitioner, patient):
    version = make_catalogue()
    cheeks, hands = version.zones.get(code="cheeks"), version.zones.get(code="hands")
    book(clinic, practitioner, patient, zones=[cheeks])
    assert book(clinic, practitioner, patient, START + timedelta(days=1), zones=[hands])
    with pytest.raises(booking.TooSoon):
        book(clinic, practitioner, patient, START + timedelta(days=2), zones=[])
    with pytest.raises(booking.TooSoon):
        book(clinic, practitioner, patient, START + timedelta(days=2), zones=[cheeks])


@pytest.mark.parametrize(
    ("first", "second", "is_allowed"),
    [
        # over the change of the clocks in spring: 28 calendar days are 28 days, though an hour is missing
        (datetime(2026, 3, 16, 10, tzinfo=UTC), datetime(2026, 4, 13, 8, tzinfo=UTC), True),
        (datetime(2026, 3, 16, 10, tzinfo=UTC), datetime(2026, 4, 12, 14, tzinfo=UTC), False),
        # and in autumn
        (datetime(2026, 10, 12, 8, tzinfo=UTC), datetime(2026, 11, 9, 9, tzinfo=UTC), True),
        (datetime(2026, 10, 12, 8, tzinfo=UTC), datetime(2026, 11, 8, 15, tzinfo=UTC), False),
    ],
)
def test_the_rest_counts_calendar_days(clinic, practitioner, patient, first, second, is_allowed):
    book(clinic, practitioner, patient, first)
    if is_allowed:
        assert book(clinic, practitioner, patient, second)
    else:
        with pytest.raises(booking.TooSoon):
            book(clinic, practitioner, patient, second)


def test_hours_are_the_clock_on_the_wall_in_spring_and_autumn(clinic, practitioner):
    # nine o'clock in London is 9:00 UTC in winter and 8:00 UTC in summer
    for start, is_open in [
        (datetime(2026, 3, 28, 9, tzinfo=UTC), True),
        (datetime(2026, 3, 29, 8, tzinfo=UTC), True),
        (datetime(2026, 10, 24, 8, tzinfo=UTC), True),
        (datetime(2026, 10, 25, 8, tzinfo=UTC), False),
        (datetime(2026, 10, 25, 9, tzinfo=UTC), True),
    ]:
        if is_open:
            assert book(clinic, practitioner, make_patient(clinic), start)
        else:
            with pytest.raises(booking.OutsideHours):
                book(clinic, practitioner, make_patient(clinic), start)


# --- Moving ---------------------------------------------------------------------------------------------------------


def test_move_takes_the_new_time_and_frees_the_old(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    moved = move(booked, START + timedelta(hours=2))
    assert (moved.starts_at, moved.revision, moved.room) == (START + timedelta(hours=2), 1, booked.room)
    assert Occupancy.objects.filter(appointment=moved).count() == 5
    assert Screening.objects.filter(session=moved.session).newest_first().first().for_start == moved.starts_at
    assert book(clinic, practitioner, make_patient(clinic)).starts_at == START


def test_move_by_a_quarter_may_overlap_its_own_old_time(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    assert move(booked, START + timedelta(minutes=15)).starts_at == START + timedelta(minutes=15)


def test_a_move_to_where_it_is_changes_nothing(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    with pytest.raises(booking.ChangedMeanwhile, match="at this time already"):
        move(booked, START)
    assert set(booked.reminders.values_list("revision", flat=True)) == {0}


def test_move_takes_another_room_when_its_own_is_taken(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    later = START + timedelta(hours=3)
    book(clinic, make_practitioner(clinic), make_patient(clinic), later, room=booked.room)
    assert move(booked, later).room != booked.room


def test_a_move_that_is_refused_changes_nothing(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    other = book(clinic, practitioner, make_patient(clinic), START + timedelta(hours=3))
    before = spans(booked)
    with pytest.raises(booking.Taken):
        move(booked, other.starts_at)
    booked.refresh_from_db()
    assert (booked.starts_at, booked.revision, spans(booked)) == (START, 0, before)


def test_a_move_re_evaluates_the_screening(clinic, practitioner, patient):
    take_isotretinoin(patient, "2025-07-20")
    booked = book(clinic, practitioner, patient, START + timedelta(days=1))
    with pytest.raises(booking.NotEligible):
        move(booked, START)


def test_a_stale_revision_is_refused(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    move(booked, START + timedelta(hours=1))
    with pytest.raises(booking.ChangedMeanwhile):
        move(booked, START + timedelta(hours=2), revision=0)
    for writer in (booking.confirm_appointment, booking.cancel_appointment, booking.reactivate_appointment):
        with pytest.raises(booking.ChangedMeanwhile):
            change(writer, booked, revision=0)


# --- Cancelling, putting back, confirming ---------------------------------------------------------------------------


def test_cancel_gives_the_time_back_and_reactivate_takes_it_again(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    cancelled = change(booking.cancel_appointment, booked)
    assert (cancelled.state, cancelled.revision, cancelled.occupancies.count()) == ("cancelled", 1, 0)
    back = change(booking.reactivate_appointment, cancelled)
    assert (back.state, back.revision, back.occupancies.count()) == ("booked", 2, 5)


def test_reactivate_finds_its_time_taken(clinic, practitioner, patient):
    cancelled = change(booking.cancel_appointment, book(clinic, practitioner, patient))
    book(clinic, practitioner, make_patient(clinic))
    with pytest.raises(booking.Taken) as refusal:
        change(booking.reactivate_appointment, cancelled)
    assert len(refusal.value.alternatives) == 3


def test_cancelled_twice_and_put_back_twice_are_told(clinic, practitioner, patient):
    cancelled = change(booking.cancel_appointment, book(clinic, practitioner, patient))
    with pytest.raises(booking.ChangedMeanwhile, match="cancelled already"):
        change(booking.cancel_appointment, cancelled)
    back = change(booking.reactivate_appointment, cancelled)
    with pytest.raises(booking.ChangedMeanwhile, match="stands already"):
        change(booking.reactivate_appointment, back)


def test_confirm_stands_until_the_visit_moves(clinic, practitioner, patient):
    record_answers(patient=patient, answers=clear_answers(Stage.BOOKING), by=None, now=NOW)
    booked = book(clinic, practitioner, patient)
    confirmed = change(booking.confirm_appointment, booked)
    assert (confirmed.state, confirmed.revision) == ("confirmed", 0)
    assert change(booking.confirm_appointment, confirmed).state == "confirmed"
    assert move(confirmed, START + timedelta(hours=2)).state == "booked"


def test_a_visit_on_hold_is_not_confirmed(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)  # nothing was answered: every rule that needs an answer holds
    assert Screening.objects.get(session=booked.session).outcome == "hold"
    with pytest.raises(booking.OnHold):
        change(booking.confirm_appointment, booked)


# --- Rooms and devices ----------------------------------------------------------------------------------------------


def places(appointment, room, device, **changes):
    return change(
        booking.change_places,
        appointment,
        room=room,
        device=device,
        **{"seen": (appointment.room, appointment.device)} | changes,
    )


def test_change_places_keeps_the_time_and_the_revision(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    room, device = clinic.rooms.last(), clinic.devices.last()
    placed = places(booked, room, device)
    assert (placed.room, placed.device, placed.revision, placed.starts_at) == (room, device, 0, START)
    assert {row.room or row.device for row in placed.occupancies.all()} - {None} == {room, device}
    assert Reminder.objects.filter(appointment=placed).count() == 3
    assert OutgoingMail.objects.count() == 0


def test_change_places_is_refused_when_taken_or_seen_otherwise(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    other = book(clinic, make_practitioner(clinic), make_patient(clinic))
    with pytest.raises(booking.Taken, match=f"{other.room} is taken"):
        places(booked, other.room, booked.device)
    with pytest.raises(booking.ChangedMeanwhile):
        places(booked, booked.room, booked.device, seen=(other.room, other.device))
    booked.refresh_from_db()
    assert booked.occupancies.count() == 5


# --- Another treatment ------------------------------------------------------------------------------------------------


def treat(appointment, protocol="acne_scar_moderate", *zones, **changes):
    protocol = make_protocol(protocol)
    return change(
        booking.change_treatment,
        appointment,
        protocol=protocol,
        zones=protocol.version.zones.filter(code__in=zones),
        **changes,
    )


def planned(course):
    course.refresh_from_db()
    return course.planned_sessions, sorted(course.sessions.values_list("number", flat=True))


def test_another_protocol_takes_the_time_and_the_sessions_that_it_needs(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient, planned_sessions=3)
    changed = treat(booked, "stretch_marks", "abdomen_hips_thighs")
    course = changed.session.course
    assert (changed.starts_at, changed.ends_at) == (START, START + timedelta(minutes=90))
    assert (course.protocol.code, [zone.code for zone in course.zones.all()]) == (
        "stretch_marks",
        ["abdomen_hips_thighs"],
    )
    assert changed.occupancies.get(patient=patient).ends_at == changed.ends_at
    assert planned(course) == (3, [1, 2, 3])
    assert (changed.revision, Appointment.objects.get().ends_at) == (1, changed.ends_at)


def test_the_number_of_sessions_follows_into_the_range_of_the_protocol(clinic, practitioner, patient):
    course = book(clinic, practitioner, patient, planned_sessions=3).session.course
    treat(Appointment.objects.get(), "wrinkles_deep")
    assert planned(course) == (4, [1, 2, 3, 4])
    treat(Appointment.objects.get(), "melasma")
    assert planned(course) == (4, [1, 2, 3, 4])
    treat(Appointment.objects.get(), "acne_scar_severe")
    assert planned(course) == (4, [1, 2, 3, 4])


def test_a_single_visit_stays_a_single_one(clinic, practitioner, patient):
    course = book(clinic, practitioner, patient).session.course
    treat(Appointment.objects.get(), "wrinkles_deep")
    assert planned(course) == (1, [1])


def test_sessions_that_were_booked_once_stay(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient, protocol=make_protocol("stretch_marks"), planned_sessions=5)
    where = {"location": clinic, "practitioner": practitioner, "by": None, "now": NOW}
    later = [
        booking.book_session(session=session, starts_at=START + timedelta(weeks=4 * (session.number - 1)), **where)
        for session in booked.session.course.sessions.filter(number__gt=1)
    ]
    for each in later:
        change(booking.cancel_appointment, each)
    treat(booked, "acne_scar_mild")
    assert planned(booked.session.course) == (5, [1, 2, 3, 4, 5])


def test_the_visit_is_screened_for_what_it_is_now_and_the_patient_hears_nothing_new(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    told = set(Reminder.objects.values_list("kind", "due_at", "state"))
    publish_catalogue(text=shipped_text(), by=None, now=NOW)
    treat(booked, "acne_scar_moderate", "perioral")
    newest = booked.session.screenings.newest_first().first()
    assert (newest.cause, newest.for_start) == ("treatment", START)
    assert set(Reminder.objects.values_list("kind", "due_at", "state")) == told
    assert set(Reminder.objects.values_list("revision", flat=True)) == {1}


def test_a_longer_visit_that_does_not_fit_is_refused_with_alternatives(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    book(clinic, practitioner, make_patient(clinic), START + timedelta(minutes=75))
    with pytest.raises(booking.Taken) as refused:
        treat(booked, "stretch_marks")
    assert refused.value.alternatives
    assert Appointment.objects.get(pk=booked.pk).session.course.protocol.code == "acne_scar_moderate"
    assert booked.occupancies.count() == 5


def test_a_visit_that_would_outlast_the_working_day_is_refused(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient, START.replace(hour=15, minute=45))
    with pytest.raises(booking.OutsideHours):
        treat(booked, "stretch_marks")


def test_the_same_skin_is_not_needled_too_soon_after_a_change(clinic, practitioner, patient):
    protocol = make_protocol()
    cheeks, chin = (protocol.version.zones.get(code=code) for code in ("cheeks", "chin_jaw"))
    book(clinic, practitioner, patient, zones=[cheeks])
    other = book(clinic, practitioner, patient, START + timedelta(days=7), zones=[chin])
    with pytest.raises(booking.TooSoon):
        treat(other, "acne_scar_moderate", "cheeks")
    assert [zone.code for zone in other.session.course.zones.all()] == ["chin_jaw"]


def test_a_protocol_stays_while_other_visits_or_a_plan_hang_on_it(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient, planned_sessions=3)
    where = {"location": clinic, "practitioner": practitioner, "by": None, "now": NOW}
    second = booked.session.course.sessions.get(number=2)
    other = booking.book_session(session=second, starts_at=START + timedelta(weeks=4), **where)
    with pytest.raises(booking.TreatmentStays, match="Other visits of this course are booked"):
        treat(booked, "melasma")
    assert treat(booked, "acne_scar_moderate", "cheeks").revision == 1  # the skin may change
    change(booking.cancel_appointment, other)
    courses.sign_plan(course=booked.session.course, text="Shallow.", by=make_user("lead"), now=NOW)
    with pytest.raises(booking.TreatmentStays, match="has signed a plan"):
        treat(Appointment.objects.get(pk=booked.pk), "melasma")


def test_a_stale_revision_a_cancelled_visit_and_one_that_is_over_are_refused(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient)
    with pytest.raises(booking.ChangedMeanwhile):
        treat(booked, "melasma", revision=7)
    with pytest.raises(booking.InThePast):
        treat(booked, "melasma", now=START)
    change(booking.cancel_appointment, booked)
    with pytest.raises(booking.ChangedMeanwhile, match="has begun or is cancelled"):
        treat(Appointment.objects.get(), "melasma")


def test_a_session_that_was_planned_otherwise_meanwhile_is_not_booked(clinic, practitioner, patient):
    booked = book(clinic, practitioner, patient, planned_sessions=3)
    second = booked.session.course.sessions.select_related("course__protocol").get(number=2)
    treat(booked, "melasma")
    where = {"location": clinic, "practitioner": practitioner, "by": None, "now": NOW}
    with pytest.raises(booking.ChangedMeanwhile, match="This course was changed meanwhile"):
        booking.book_session(session=second, starts_at=START + timedelta(weeks=4), **where)


# --- Queries --------------------------------------------------------------------------------------------------------


def test_booking_asks_the_same_number_of_questions_in_a_full_clinic(clinic, practitioner):
    def count_queries():
        patient = make_patient(clinic)
        with CaptureQueriesContext(connection) as queries:
            booked = book(clinic, practitioner, patient, START.replace(hour=15))
        change(booking.cancel_appointment, booked)
        return len(queries)

    make_protocol()
    in_an_empty_clinic = count_queries()
    for hour in (9, 11, 13):
        book(clinic, practitioner, make_patient(clinic), START.replace(hour=hour))
    assert count_queries() == in_an_empty_clinic


def test_make_appointment_uses_the_writer():
    assert make_appointment().occupancies.count() == 5
