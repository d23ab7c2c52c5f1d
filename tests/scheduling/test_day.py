from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic.editing import EditedMeanwhile
from scheduling import booking, day
from scheduling.models import Appointment, Reminder
from scheduling.reminders import mail_due_reminders
from tests.factories import (
    NOW,
    chart,
    check_in,
    clear_answers,
    lift,
    make_appointment,
    make_arrival,
    make_clear_patient,
    make_clinic,
    make_practitioner,
    make_ready,
    make_user,
    make_visit,
    sign,
    text_with_the_owners_rules,
)
from tests.races import outcomes
from treatments import visits
from treatments.answers import known_answers, record_answers
from treatments.catalogue import Stage, shipped_text
from treatments.consents import OtherName, consent_text
from treatments.models import Consent, Screening, Visit
from treatments.publishing import publish_catalogue
from treatments.screening import AnswerError

pytestmark = [pytest.mark.both, pytest.mark.django_db]

State = Appointment.State
START = NOW + timedelta(days=7, hours=3)  # Monday 19 January 2026, 10:00 in London


def stored(appointment) -> Appointment:
    return Appointment.objects.get(pk=appointment.pk)


def arrive(appointment, now=None, **changes):
    return day.arrive(
        **{"appointment": appointment, "revision": appointment.revision, "by": None}
        | {"now": now or appointment.starts_at - timedelta(minutes=10)}
        | changes
    )


def leave(appointment):
    return day.undo_arrival(appointment=appointment, by=None, now=appointment.starts_at)


def ask(appointment, start=None, now=None, **answers):
    return day.answer_checkin(
        appointment=appointment,
        start=start or appointment.starts_at,
        answers=answers,
        by=None,
        now=now or appointment.starts_at - timedelta(minutes=5),
    )


def clear(appointment):
    return clear_answers(Stage.CHECKIN, known_answers(appointment.patient))


def begin(appointment, by=None, **changes):
    return day.start_treatment(
        **{"appointment": appointment, "by": by or appointment.practitioner.user, "now": appointment.starts_at}
        | changes
    )


def end(visit, minutes=60, **changes):
    return day.end_treatment(
        **{"appointment": visit.session.appointments.get(), "revision": visit.revision}
        | {"by": visit.practitioner.user, "now": visit.started_at + timedelta(minutes=minutes)}
        | changes
    )


def change(writer, appointment, **changes):
    return writer(**{"appointment": appointment, "revision": appointment.revision, "by": None, "now": NOW} | changes)


# --- Arriving ---------------------------------------------------------------------------------------------------------


def test_arrival_is_kept_with_its_time_and_tells_the_patient_nothing():
    booked = make_appointment()
    told = list(booked.reminders.values_list("kind", "state"))
    arrived = arrive(booked)
    assert (arrived.state, arrived.arrived_at) == (State.ARRIVED, START - timedelta(minutes=10))
    assert (stored(booked).state, stored(booked).revision) == (State.ARRIVED, 0)
    assert list(booked.reminders.values_list("kind", "state")) == told


def test_a_second_arrival_keeps_the_first():
    booked = make_appointment()
    arrive(booked)
    assert arrive(booked, START).arrived_at == START - timedelta(minutes=10)


def test_a_confirmed_patient_arrives():
    patient = make_clear_patient(clinic := make_clinic())
    confirmed = change(booking.confirm_appointment, make_appointment(location=clinic, patient=patient))
    assert arrive(confirmed).state == State.ARRIVED


@pytest.mark.parametrize(
    ("now", "is_its_day"),
    [
        (datetime(2026, 1, 18, 23, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 19, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 1, 19, 23, 59, tzinfo=UTC), True),
        (datetime(2026, 1, 20, 0, 0, tzinfo=UTC), False),
    ],
)
def test_arrival_is_on_the_day_of_the_visit(now, is_its_day):
    booked = make_appointment()
    if is_its_day:
        assert arrive(booked, now).arrived_at == now
    else:
        with pytest.raises(day.NotItsDay, match="This visit is on Monday 19 January, 10:00"):
            arrive(booked, now)
        assert stored(booked).state == State.BOOKED


@pytest.mark.parametrize(
    ("start", "first", "last"),
    [
        # 29 March 2026 has 23 hours in London and 25 October has 25
        (datetime(2026, 3, 29, 9, tzinfo=UTC), (2026, 3, 29, 0, 0), (2026, 3, 29, 22, 59)),
        (datetime(2026, 10, 25, 10, tzinfo=UTC), (2026, 10, 24, 23, 0), (2026, 10, 25, 23, 59)),
    ],
)
def test_the_day_is_the_clinics_when_the_clocks_change(start, first, last):
    first, last = datetime(*first, tzinfo=UTC), datetime(*last, tzinfo=UTC)
    booked = make_appointment(starts_at=start)
    for now in (first - timedelta(minutes=1), last + timedelta(minutes=1)):
        with pytest.raises(day.NotItsDay):
            arrive(booked, now)
    assert arrive(booked, first).state == State.ARRIVED
    leave(booked)
    assert arrive(booked, last).state == State.ARRIVED


def test_who_is_cancelled_moved_or_changed_meanwhile_does_not_arrive():
    booked = make_appointment()
    moved = change(
        booking.move_appointment,
        booked,
        starts_at=START + timedelta(hours=2),
        practitioner=booked.practitioner,
    )
    with pytest.raises(booking.ChangedMeanwhile, match="Somebody else changed"):
        arrive(booked)
    cancelled = change(booking.cancel_appointment, moved)
    with pytest.raises(booking.ChangedMeanwhile):
        arrive(cancelled)
    assert stored(booked).state == State.CANCELLED


@pytest.mark.parametrize("writer", ["move_appointment", "cancel_appointment", "confirm_appointment"])
def test_who_has_arrived_is_neither_moved_nor_cancelled_nor_confirmed(writer):
    arrived = make_arrival()
    values = {"starts_at": START + timedelta(hours=2), "practitioner": arrived.practitioner}
    with pytest.raises(booking.ChangedMeanwhile, match="The patient has arrived"):
        change(getattr(booking, writer), arrived, **(values if writer == "move_appointment" else {}))
    assert (stored(arrived).state, stored(arrived).starts_at) == (State.ARRIVED, START)


def test_an_arrival_that_is_undone_may_be_moved_again():
    arrived = make_arrival()
    gone = leave(arrived)
    assert (gone.state, gone.arrived_at) == (State.BOOKED, None)
    with pytest.raises(day.NotArrived, match="has not arrived yet"):
        leave(arrived)
    moved = change(booking.move_appointment, gone, starts_at=START + timedelta(hours=2), practitioner=gone.practitioner)
    assert moved.starts_at == START + timedelta(hours=2)


def test_an_arrival_is_not_undone_once_the_visit_has_begun():
    visit = make_visit()
    with pytest.raises(day.NotArrived, match="This visit has begun already"):
        leave(visit.session.appointments.get())


# --- The questions of the day -----------------------------------------------------------------------------------------


def test_answers_are_kept_as_the_check_in_of_this_start():
    arrived, asker = make_arrival(), make_user("receptionist")
    screening = day.answer_checkin(
        appointment=arrived, start=START, answers=clear(arrived), by=asker, now=START - timedelta(minutes=5)
    )
    assert (screening.stage, screening.for_start, screening.outcome) == ("checkin", START, "pass")
    assert (screening.session, screening.created_by) == (arrived.session, asker)


def test_what_is_true_beyond_the_day_becomes_a_fact():
    arrived = make_arrival()
    assert ask(arrived, **clear(arrived), Q04="yes", Q04b="2025-12-24").outcome == "hard_block"
    known = known_answers(arrived.patient)
    assert (known["Q04"], known["Q04b"]) == ("yes", "2025-12-24")
    assert ask(arrived).outcome == "hard_block"


def test_the_face_is_ticked_after_the_patient_has_answered():
    arrived = make_arrival()
    assert ask(arrived, **clear(arrived) | {"C03": "no"}).outcome == "task"
    assert ask(arrived, C03="yes").outcome == "pass"


def test_a_check_in_for_a_moved_visit_is_refused_and_keeps_nothing():
    arrived = make_arrival()
    gone = leave(arrived)
    moved = arrive(
        change(booking.move_appointment, gone, starts_at=START + timedelta(hours=2), practitioner=gone.practitioner)
    )
    before = Screening.objects.count()
    with pytest.raises(booking.ChangedMeanwhile, match="moved to Monday 19 January, 12:00 meanwhile"):
        ask(moved, start=START, **clear(moved), Q04="yes", Q04b="still")
    with pytest.raises(booking.ChangedMeanwhile, match="moved to Monday 19 January, 12:00 meanwhile"):
        day.sign_consent(
            appointment=moved, start=START, typed_name="Olivia", version=1, by=make_user("receptionist"), now=START
        )
    assert (Screening.objects.count(), Consent.objects.count()) == (before, 0)
    assert known_answers(moved.patient)["Q04"] == "no"
    assert ask(moved, **clear(moved)).for_start == moved.starts_at


def test_a_check_in_before_a_move_does_not_count_after_it():
    ready = make_ready()
    gone = leave(ready)
    moved = arrive(
        change(booking.move_appointment, gone, starts_at=START + timedelta(hours=2), practitioner=gone.practitioner)
    )
    with pytest.raises(visits.CannotStart) as refusal:
        begin(moved)
    assert [gate.code for gate in refusal.value.gates] == ["screening", "clean_face"]  # the consent stands


def test_only_who_has_arrived_is_asked_and_signs():
    booked = make_appointment()
    for call in (partial(ask, booked, **clear(booked)), partial(sign, booked)):
        with pytest.raises(day.NotArrived, match="Mark her as arrived first"):
            call()
    cancelled = change(booking.cancel_appointment, booked)
    with pytest.raises(day.NotArrived, match="Put it back first"):
        ask(cancelled, **clear(cancelled))
    begun = make_visit().session.appointments.get()
    with pytest.raises(day.NotArrived, match="has begun already"):
        ask(begun, C01="yes")


def test_nobody_is_asked_on_another_day():
    arrived = make_arrival()
    with pytest.raises(day.NotItsDay):
        ask(arrived, now=START + timedelta(days=1), **clear(arrived))


def test_an_answer_that_cannot_be_read_keeps_nothing():
    arrived = make_arrival()
    before = Screening.objects.count()
    with pytest.raises(AnswerError):
        ask(arrived, **clear(arrived), Q04="no", C01b="yesterday")
    assert Screening.objects.count() == before


def test_a_consent_is_signed_for_the_visit_that_she_came_for():
    arrived = make_arrival()
    consent = sign(arrived)
    assert (consent.session, consent.text_version) == (arrived.session, consent_text()[0])
    with pytest.raises(OtherName):
        day.sign_consent(
            appointment=make_arrival(),
            start=START,
            typed_name="Tom Baker",
            version=1,
            by=make_user("receptionist"),
            now=START,
        )


# --- The treatment ----------------------------------------------------------------------------------------------------


def test_begin_opens_the_record_and_shows_on_the_board():
    ready = make_ready()
    visit = begin(ready)
    assert stored(ready).state == State.IN_TREATMENT
    assert (visit.session, visit.device, visit.started_at) == (ready.session, ready.device, START)
    assert visit.practitioner == ready.practitioner


def test_whoever_begins_treats_and_the_lead_may_begin_for_anybody():
    clinic = make_clinic()
    booked_with, colleague = make_practitioner(clinic), make_practitioner(clinic)
    ready = partial(make_ready, location=clinic, practitioner=booked_with)
    assert begin(ready(), colleague.user).practitioner == colleague
    later = ready(starts_at=START + timedelta(hours=2))
    with pytest.raises(visits.NotForYou):  # a colleague may go deeper, but that is not hers to choose
        begin(later, booked_with.user, practitioner=colleague)
    assert begin(later, make_user("lead")).practitioner == booked_with
    last = ready(starts_at=START + timedelta(hours=4))
    assert begin(last, make_user("lead"), practitioner=colleague).practitioner == colleague


def test_a_lead_who_treats_no_more_begins_for_who_was_booked():
    ready = make_ready()
    lead = make_practitioner(ready.location, user=make_user("lead")).user
    assert begin(ready, lead).practitioner == ready.practitioner


def test_a_block_keeps_a_visit_from_beginning_until_the_lead_lifts_it():
    arrived = make_arrival()
    screening = check_in(arrived, C01="yes", C01b="2026-01-18T15:00")
    sign(arrived)
    with pytest.raises(visits.CannotStart):
        begin(arrived)
    assert (stored(arrived).state, Visit.objects.count()) == (State.ARRIVED, 0)
    lift(
        screening=screening,
        reason="Pale and calm.",
        is_skin_checked=True,
        by=make_user("lead"),
        now=START,
    )
    assert begin(arrived)


def test_what_is_written_down_after_the_check_in_counts_at_the_start():
    ready = make_ready()
    record_answers(
        patient=ready.patient, answers={"Q04": "yes", "Q04b": "2026-01-02"}, by=None, now=START - timedelta(minutes=1)
    )
    with pytest.raises(visits.CannotStart, match="do not allow the visit"):
        begin(ready)
    assert ready.session.screenings.newest_first().first().outcome == "hard_block"  # and the page says so
    assert stored(ready).state == State.ARRIVED


def test_rules_published_after_the_check_in_count_at_the_start():
    publish_catalogue(text=text_with_the_owners_rules(), by=None, now=NOW)
    ready = make_ready()
    publish_catalogue(text=shipped_text(), by=None, now=NOW)
    with pytest.raises(visits.CannotStart):
        begin(ready)


def test_a_start_after_which_nothing_has_changed_screens_nobody_again():
    ready = make_ready()
    before = ready.session.screenings.count()
    begin(ready)
    assert ready.session.screenings.count() == before


def test_a_decision_holds_over_a_start_when_something_else_has_changed():
    arrived = make_arrival()
    screening = check_in(arrived, C01="not_sure")
    sign(arrived)
    lift(
        screening=screening,
        reason="Pale.",
        is_skin_checked=True,
        by=make_user("lead"),
        now=START,
    )
    publish_catalogue(text=shipped_text(), by=None, now=NOW)
    assert begin(arrived)
    assert arrived.session.screenings.filter(stage="checkin").count() == 2


def test_a_day_goes_through_with_every_rule_switched_on():
    visit = end(chart(make_visit()))
    assert visit.session.screenings.newest_first().first().outcome == "pass"


def test_a_visit_begins_only_after_arrival_on_its_day_and_once():
    booked = make_appointment()
    with pytest.raises(day.NotArrived):
        begin(booked)
    ready = make_ready()
    with pytest.raises(day.NotItsDay):
        begin(ready, now=START + timedelta(days=1))
    visit = begin(ready)
    with pytest.raises(visits.HasStarted) as refusal:
        begin(ready, make_user("lead"))
    assert refusal.value.visit == visit


def test_reception_begins_and_ends_nothing():
    ready, reception = make_ready(), make_user("receptionist")
    with pytest.raises(visits.NotForYou):
        begin(ready, reception)
    visit = begin(ready)
    with pytest.raises(visits.NotForYou):
        end(visit, by=reception)
    assert stored(ready).state == State.IN_TREATMENT


def test_the_end_completes_the_appointment_and_plans_the_aftercare():
    visit = end(chart(make_visit()))
    appointment = visit.session.appointments.get()
    assert (appointment.state, visit.ended_at) == (State.COMPLETED, START + timedelta(hours=1))
    assert list(appointment.reminders.filter(kind__startswith="after").values_list("kind", "due_at", "revision")) == [
        ("after_2h", START + timedelta(hours=3), 0),
        ("after_24h", START + timedelta(hours=25), 0),
        ("after_48h", START + timedelta(hours=49), 0),
    ]


def test_a_second_end_changes_nothing():
    visit = make_visit()
    first = end(visit)
    again = end(visit, minutes=90)
    assert (again.ended_at, again.revision) == (first.ended_at, first.revision)
    assert Reminder.objects.filter(kind="after_2h").count() == 1


def test_who_ends_an_older_record_is_shown_the_stored_one():
    visit = make_visit()
    chart(visit)
    with pytest.raises(EditedMeanwhile) as refusal:
        end(visit)
    assert refusal.value.stored.revision == 3
    assert visit.session.appointments.get().state == State.IN_TREATMENT
    assert not Reminder.objects.filter(kind__startswith="after").exists()


def test_nothing_ends_that_has_not_begun():
    ready = make_ready()
    with pytest.raises(day.NotArrived, match="This visit has not begun"):
        day.end_treatment(appointment=ready, revision=0, by=ready.practitioner.user, now=START)


# --- Aftercare --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ended", "due"),
    [
        # two hours later it is night: the mail waits for the morning; a day later it is not
        ((2026, 1, 19, 18, 0), [(2026, 1, 20, 8, 0), (2026, 1, 20, 18, 0), (2026, 1, 21, 18, 0)]),
        ((2026, 1, 19, 17, 59), [(2026, 1, 19, 19, 59), (2026, 1, 20, 17, 59), (2026, 1, 21, 17, 59)]),
        ((2026, 1, 19, 20, 30), [(2026, 1, 20, 8, 0), (2026, 1, 21, 8, 0), (2026, 1, 22, 8, 0)]),
        # London's clocks go forward on 29 March: 24 elapsed hours after 14:00 it is 15:00
        ((2026, 3, 28, 14, 0), [(2026, 3, 28, 16, 0), (2026, 3, 29, 14, 0), (2026, 3, 30, 14, 0)]),
        # and 19:30 becomes 20:30, which is night; it waits until eight, which is 7:00 UTC
        ((2026, 3, 28, 19, 30), [(2026, 3, 29, 7, 0), (2026, 3, 30, 7, 0), (2026, 3, 31, 7, 0)]),
        # back on 25 October: 24 hours after 20:30 it is 19:30
        ((2026, 10, 24, 19, 30), [(2026, 10, 25, 8, 0), (2026, 10, 25, 19, 30), (2026, 10, 26, 19, 30)]),
    ],
)
def test_aftercare_comes_in_elapsed_hours_and_never_at_night(ended, due):
    ended = datetime(*ended, tzinfo=UTC)
    clinic = make_clinic()
    late = make_practitioner(clinic, hours=[("06:00", "23:00")])
    start = ended - timedelta(hours=1)
    visit = make_visit(location=clinic, practitioner=late, starts_at=start)
    end(visit)
    assert list(Reminder.objects.filter(kind__startswith="after").order_by("pk").values_list("due_at", flat=True)) == [
        datetime(*each, tzinfo=UTC) for each in due
    ]


def test_each_of_the_aftercare_leaves_when_it_is_due_and_nothing_else_does():
    end(make_visit())
    for hours in (3, 25, 49):
        assert mail_due_reminders(now=START + timedelta(hours=hours, seconds=-1)) == 0
        assert mail_due_reminders(now=START + timedelta(hours=hours)) == 1
    assert mail_due_reminders(now=START + timedelta(days=30)) == 0


# --- Two people -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_two_who_begin_at_once_one_does():
    ready = make_ready()
    calls = [partial(begin, ready, by) for by in (ready.practitioner.user, make_user("lead"))]
    assert outcomes(calls) == {"done": 1, "HasStarted": 1}
    assert Visit.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_end_posted_many_times_at_once_plans_the_aftercare_once():
    visit = make_visit()
    assert outcomes([partial(end, visit)] * 4) == {"done": 4}
    assert Reminder.objects.filter(kind__startswith="after").count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_who_answer_at_once_lose_nothing_of_each_other():
    arrived = make_arrival()
    said = clear(arrived)
    tick = {"C03": said.pop("C03")}
    assert outcomes([partial(ask, arrived, **said), partial(ask, arrived, **tick)]) == {"done": 2}
    newest = arrived.session.screenings.newest_first().first()
    assert newest.outcome == "pass"


@pytest.mark.django_db(transaction=True)
def test_arrival_and_cancelling_at_once_have_one_winner():
    booked = make_appointment()
    ends = outcomes([partial(arrive, booked), partial(change, booking.cancel_appointment, booked)])
    assert ends == {"done": 1, "ChangedMeanwhile": 1}


# --- Queries ----------------------------------------------------------------------------------------------------------


def test_a_check_in_asks_the_same_number_of_questions_however_often_it_is_changed():
    arrived = make_arrival()

    def count_queries(**answers):
        with CaptureQueriesContext(connection) as queries:
            ask(arrived, **answers)
        return len(queries)

    ask(arrived, C01="no")
    once = count_queries(C03="yes")
    for _each in range(3):
        ask(arrived, C03="no")
    assert count_queries(C03="yes") == once
