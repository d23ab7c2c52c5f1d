from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.models import OutgoingMail
from scheduling import booking, day
from scheduling.calls import answer_call, answer_call_of_lead, ask_for_call, ask_lead_to_call
from scheduling.models import CallRequest, PatientLink, Reminder
from scheduling.rescreening import keep_answers
from scheduling.worklists import count_waiting, read_worklists
from tests.factories import (
    NOW,
    chart,
    lift,
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_patient,
    make_practitioner,
    make_protocol,
    make_signed_visit,
    make_user,
    make_visit,
)
from treatments.answers import record_answers
from treatments.catalogue import Stage
from treatments.courses import sign_plan
from treatments.decisions import decide_screening
from treatments.models import Screening, ScreeningDecision
from treatments.screenings import screen_session
from treatments.visits import sign_visit

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 19, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def book(clinic, practitioner):
    """Books for somebody in whose way nothing stands, unless told for whom."""

    def at(start=START, patient=None, **where):
        where = {"location": clinic, "practitioner": practitioner} | where
        patient = patient or make_clear_patient(where["location"])
        return make_appointment(patient=patient, starts_at=start, **where)

    return at


@pytest.fixture
def rows(clinic):
    """The rows of one list, at a moment, for those who treat unless told otherwise."""

    def of(key, *, now=NOW, for_treating=True):
        lists = read_worklists(location=clinic, now=now, for_treating=for_treating)
        waiting = sum(len(each.rows) for each in lists if not each.is_offer)
        assert count_waiting(location=clinic, now=now, for_treating=for_treating) == waiting
        return {each.key: each.rows for each in lists}[key]

    return of


def waiting(rows):
    return [row.appointment for row in rows]


def cancel(appointment, now=NOW):
    return booking.cancel_appointment(appointment=appointment, revision=appointment.revision, by=None, now=now)


def on_a_medicine(clinic):
    """Somebody whose medicine stands in the way by one rule."""
    patient = make_clear_patient(clinic)
    record_answers(patient=patient, answers={"Q05": "yes", "Q05c": "not_asked"}, by=None, now=NOW)
    return patient


def test_nothing_waits_in_an_empty_clinic(clinic):
    lists = read_worklists(location=clinic, now=NOW, for_treating=True)
    assert [(each.title, each.rows) for each in lists] == [
        ("Screening to review", []),
        ("To move", []),
        ("To call back", []),
        ("Forms missing", []),
        ("Eligible soon", []),
        ("Plans to write", []),
        ("Unsigned records", []),
        ("Failed mails", []),
        ("Locked links", []),
        ("To confirm by phone", []),
    ]
    assert count_waiting(location=clinic, now=NOW, for_treating=True) == 0


def test_reception_has_no_list_of_records(clinic):
    lists = read_worklists(location=clinic, now=NOW, for_treating=False)
    assert [each.key for each in lists] == [
        *("screening", "move", "calls", "forms", "eligible"),
        *("mails", "links", "phone"),
    ]


# --- Plans to write ---------------------------------------------------------------------------------------------------


def test_a_treatment_that_the_lead_plans_waits_for_its_plan(clinic, book, rows):
    late = book(START + DAY, protocol=make_protocol("melasma"))
    visit = book(protocol=make_protocol("acne_scar_severe"))
    book(START + 2 * HOUR)
    cancel(book(START + 4 * HOUR, protocol=make_protocol("melasma")))
    assert waiting(rows("plans")) == [visit, late]
    row = rows("plans", now=START - HOUR)[0]
    assert (row.why, row.action, row.is_pressing) == ("Acne scars, severe", "Open the course", True)
    assert row.url == reverse("scheduling:course-show", args=[visit.session.course.public_id])
    sign_plan(course=visit.session.course, text="Shallow first.", by=make_user("lead"), now=NOW)
    assert waiting(rows("plans")) == [late]
    assert waiting(rows("plans", now=late.ends_at)) == []


# --- Screening to review ----------------------------------------------------------------------------------------------


def test_held_visits_wait_for_a_decision_the_next_one_first(clinic, book, rows):
    book(START)
    later, sooner = book(START + DAY, make_patient(clinic)), book(START + 2 * HOUR, make_patient(clinic))
    assert waiting(rows("screening")) == [sooner, later]


def test_held_visits_of_another_place_or_cancelled_or_over_do_not_wait(clinic, book, rows):
    elsewhere = make_clinic()
    book(patient=make_patient(elsewhere), location=elsewhere, practitioner=make_practitioner(elsewhere))
    cancel(book(START, make_patient(clinic)))
    held = book(START, make_patient(clinic))
    assert waiting(rows("screening", now=held.ends_at - timedelta(seconds=1))) == [held]
    assert rows("screening", now=held.ends_at) == []


def test_a_decision_ends_the_wait_and_a_newer_screening_begins_it_again(clinic, practitioner, book, rows):
    held = book(patient=on_a_medicine(clinic))
    screening = held.session.screenings.get()
    lift(
        screening=screening,
        reason="The prescriber agrees.",
        by=make_user("lead"),
        now=NOW,
    )
    assert rows("screening") == []
    Screening.objects.create(
        session=held.session,
        stage=screening.stage,
        for_start=START,
        cause="answers",
        catalogue_version=screening.catalogue_version,
        answers=screening.answers,
        outcome="hold",
        created_at=NOW + HOUR,
    ).findings.create(rule_code="S2", outcome="hold", reason="Said again.")
    assert waiting(rows("screening")) == [held]


def test_a_clear_screening_after_a_held_one_ends_the_wait(clinic, book, rows):
    held = book(patient=make_patient(clinic))
    older = held.session.screenings.get()
    Screening.objects.create(
        session=held.session,
        stage=older.stage,
        for_start=START,
        cause="answers",
        catalogue_version=older.catalogue_version,
        answers="{}",
        outcome="pass",
        created_at=older.created_at,  # the same instant: the one that was stored last counts
    )
    assert rows("screening") == []


def test_those_who_treat_read_the_rule_and_reception_that_it_is_on_hold(clinic, book, rows):
    held = book(patient=on_a_medicine(clinic))
    finding = held.session.screenings.get().findings.get(outcome="hold")
    (row,) = rows("screening")
    assert (row.name, row.code, row.why) == (held.patient.name, finding.rule_code, finding.reason)
    (row,) = rows("screening", for_treating=False)
    assert (row.code, row.why, row.by_when, row.is_pressing) == ("", "On hold", "Mon 19 Jan, 10:00", False)
    assert (row.action, row.url) == ("Open the screening", f"/appointments/{held.public_id}/screening/")


def test_what_weighs_most_is_said_first_and_the_other_rules_are_named(clinic, book, rows):
    held = book(patient=on_a_medicine(clinic))
    held.session.screenings.get().findings.create(rule_code="S4", outcome="block", reason="Wash first.")
    (row,) = rows("screening")
    first = held.session.screenings.get().findings.get(outcome="hold").rule_code
    assert (row.code, row.why) == ("S4", f"Wash first. Also {first}.")


def test_many_rules_are_counted(clinic, book, rows):
    held = book(patient=on_a_medicine(clinic))
    findings = held.session.screenings.get().findings
    findings.filter(rule_code__in=("E05", "E06", "E09", "E10")).update(outcome="hold")
    (row,) = rows("screening")
    assert row.why.endswith(" And 4 more.")


def test_reception_is_told_the_day_from_which_a_visit_may_be(clinic, book, rows):
    held = book(patient=make_patient(clinic))
    Screening.objects.filter(session=held.session).update(not_before=datetime(2026, 7, 1, 22, 59, tzinfo=UTC))
    assert [row.why for row in rows("screening", for_treating=False)] == ["Not before 1 July 2026"]
    Screening.objects.filter(session=held.session).update(not_before=datetime(2026, 7, 1, 23, tzinfo=UTC))
    assert [row.why for row in rows("screening", for_treating=False)] == ["Not before 2 July 2026"]


def test_somebody_who_is_here_is_pressing_and_waits_at_the_check_in(clinic, book, rows):
    held = book(patient=make_patient(clinic))
    day.arrive(appointment=held, revision=held.revision, by=None, now=START - HOUR)
    (row,) = rows("screening", now=START)
    assert (row.by_when, row.is_pressing) == ("Today, 10:00", True)
    assert (row.action, row.url) == ("Open the check-in", f"/appointments/{held.public_id}/checkin/")


def test_a_day_is_the_places_own(clinic, book, rows):
    """In summer London's 2 July begins at 23:00 UTC on the 1st."""
    start = datetime(2026, 7, 2, 9, tzinfo=UTC)
    book(start, make_patient(clinic))
    moments = datetime(2026, 7, 1, 22, 59, tzinfo=UTC), datetime(2026, 7, 1, 23, tzinfo=UTC)
    assert [rows("screening", now=now)[0].by_when for now in moments] == ["Thu 2 Jul, 10:00", "Today, 10:00"]
    assert rows("screening", now=datetime(2025, 12, 31, 12, tzinfo=UTC))[0].by_when == "Thu 2 Jul 2026, 10:00"


# --- To move ----------------------------------------------------------------------------------------------------------


def postpone(appointment, day):
    decide_screening(
        screening=appointment.session.screenings.newest_first().first(),
        kind=ScreeningDecision.Kind.POSTPONE,
        zone=appointment.location.zone,
        not_before=day,
        by=make_user("lead"),
        now=NOW,
    )
    return appointment


def test_what_was_postponed_has_to_move(clinic, book, rows):
    visit = postpone(book(patient=on_a_medicine(clinic)), date(2026, 2, 2))
    assert rows("screening") == []
    (row,) = rows("move", for_treating=False)
    assert (row.appointment, row.why) == (visit, "Not before 2 February 2026")
    assert (row.action, row.url) == ("Find times", f"/appointments/{visit.public_id}/move/")


def test_what_nobody_may_lift_has_to_move_and_a_missing_answer_can_still_be_given(clinic, book, rows):
    visit = book()
    keep_answers(patient=visit.patient, answers={"Q04": "not_sure"}, by=None, now=NOW)
    assert (waiting(rows("screening")), rows("move")) == ([visit], [])
    keep_answers(patient=visit.patient, answers={"Q04": "yes", "Q04b": "2025-12-01"}, by=None, now=NOW)
    assert rows("screening") == []
    (row,) = rows("move")
    assert (row.code, row.why) == ("", "Not before 1 June 2026")


# --- Forms missing ----------------------------------------------------------------------------------------------------


def test_who_was_asked_nothing_owes_a_form_three_days_before(clinic, book, rows):
    visit = book(patient=make_patient(clinic))
    assert rows("forms", now=START - 3 * DAY - timedelta(seconds=1)) == []
    (row,) = rows("forms", now=START - 3 * DAY)
    assert (row.appointment, row.why, row.phone) == (visit, "Health form", visit.patient.phone)


def test_the_check_before_the_visit_is_owed_once_it_was_asked_for(clinic, book, rows):
    visit = book()
    assert rows("forms", now=START - 2 * DAY - timedelta(seconds=1)) == []
    (row,) = rows("forms", now=START - 2 * DAY)
    assert (row.appointment, row.why) == (visit, "48-hour check")
    checked = {"session": visit.session, "stage": Stage.PREVISIT, "cause": Screening.Cause.ANSWERS}
    at = {"zone": clinic.zone, "by": None, "now": START - DAY}
    screen_session(start=START - HOUR, **checked, **at)
    assert waiting(rows("forms", now=START - DAY)) == [visit]  # that was about another start
    screen_session(start=START, **checked, **at)
    assert rows("forms", now=START - DAY) == []
    assert rows("forms", now=START) == []


# --- Eligible soon ----------------------------------------------------------------------------------------------------


def eligible(rows, **reading):
    return [(row.patient, row.by_when, row.url) for row in rows("eligible", **reading)]


def test_a_postponed_visit_that_was_cancelled_is_offered_two_weeks_before_its_date(clinic, book, rows):
    visit = postpone(book(patient=on_a_medicine(clinic)), date(2026, 2, 2))
    assert rows("eligible", now=datetime(2026, 1, 19, tzinfo=UTC)) == []  # it is booked still
    cancel(visit)
    offered = (visit.patient, "From Mon 2 Feb", f"/sessions/{visit.session.public_id}/book/")
    assert eligible(rows, now=datetime(2026, 1, 18, 23, 59, tzinfo=UTC)) == []
    assert eligible(rows, now=datetime(2026, 1, 19, tzinfo=UTC)) == [offered]
    assert eligible(rows, now=datetime(2026, 2, 1, 23, 59, tzinfo=UTC)) == [offered]
    assert eligible(rows, now=datetime(2026, 2, 2, tzinfo=UTC)) == []


def test_who_has_a_visit_ahead_is_not_offered_another(clinic, book, rows):
    visit = postpone(book(patient=on_a_medicine(clinic)), date(2026, 1, 23))
    cancel(visit)
    assert len(eligible(rows)) == 1
    make_appointment(location=clinic, patient=visit.patient, protocol=make_protocol("melasma"), starts_at=START + DAY)
    assert eligible(rows) == []


def test_who_asked_on_the_phone_and_was_never_booked_is_offered_a_booking(clinic, rows):
    patient = make_clear_patient(clinic)
    record_answers(patient=patient, answers={"Q04": "yes", "Q04b": "2025-07-20"}, by=None, now=NOW)
    assert eligible(rows) == [(patient, "From Tue 20 Jan", f"/bookings/new/?patient={patient.public_id}")]
    record_answers(patient=patient, answers={"Q04": "yes", "Q04b": "2025-08-20"}, by=None, now=NOW)
    assert eligible(rows) == []


def test_who_comes_of_age_within_two_weeks_is_offered_a_booking(clinic, rows):
    patient = make_clear_patient(clinic, date_of_birth=date(2008, 1, 20))
    make_clear_patient(clinic, date_of_birth=date(2008, 2, 20))
    assert eligible(rows) == [(patient, "From Tue 20 Jan", f"/bookings/new/?patient={patient.public_id}")]


def test_who_is_kept_by_something_without_a_date_as_well_is_not_offered(clinic, rows):
    patient = make_clear_patient(clinic)
    record_answers(patient=patient, answers={"Q04": "yes", "Q04b": "2025-07-20"}, by=None, now=NOW)
    record_answers(
        patient=patient, answers={"Q05": "yes", "Q05b": "Methotrexate", "Q05c": "keep_taking"}, by=None, now=NOW
    )
    assert eligible(rows) == []


# --- To call back -----------------------------------------------------------------------------------------------------


def test_who_asked_for_a_call_waits_until_somebody_has_called(clinic, book, rows):
    visit = book()
    book(START + DAY)
    ask_for_call(appointment=visit, now=NOW)
    (row,) = rows("calls", for_treating=False)
    assert (row.appointment, row.phone, row.why) == (visit, visit.patient.phone, "Asked: Today, 07:00")
    answer_call(appointment=visit, by=make_user("receptionist"), now=NOW)
    assert rows("calls") == []
    ask_for_call(appointment=visit, now=NOW)
    assert len(rows("calls")) == 1


def test_a_call_is_of_use_until_the_visit_begins_or_is_another(clinic, practitioner, book, rows):
    visit = book()
    ask_for_call(appointment=visit, now=NOW)
    assert len(rows("calls", now=START - timedelta(seconds=1))) == 1
    assert rows("calls", now=START) == []
    wish = {"starts_at": START + DAY, "practitioner": practitioner, "by": None, "now": NOW}
    moved = booking.move_appointment(appointment=visit, revision=0, **wish)
    assert rows("calls") == []
    ask_for_call(appointment=moved, now=NOW)
    assert waiting(rows("calls")) == [moved]
    cancel(moved)
    assert rows("calls") == []


def test_who_has_no_number_cannot_be_called_back(clinic, book, rows):
    ask_for_call(appointment=book(patient=make_clear_patient(clinic, phone="")), now=NOW)
    assert rows("calls") == []


def test_who_cannot_be_booked_waits_for_the_clinical_lead_with_her_number(clinic, rows):
    patient = make_patient(clinic)
    ask_lead_to_call(patient=patient, location=clinic, by=make_user("receptionist", name="Ellie"), now=NOW)
    (row,) = rows("calls", for_treating=False)
    assert (row.patient, row.appointment, row.phone) == (patient, None, patient.phone)
    assert (row.why, row.by_when) == (
        "Nothing can be booked. For the clinical lead, asked by Ellie",
        "Asked: Today, 07:00",
    )
    CallRequest.objects.update(asked_by=None)  # as the first ones were stored
    assert rows("calls")[0].why == "Nothing can be booked. For the clinical lead"
    assert row.called_url == f"/patients/{patient.public_id}/called/"
    assert not row.is_pressing
    midnight = NOW + timedelta(hours=17)
    assert [rows("calls", now=at)[0].is_pressing for at in (midnight - timedelta(seconds=1), midnight)] == [False, True]
    answer_call_of_lead(patient=patient, location=clinic, by=make_user("lead"), now=NOW)
    assert rows("calls") == []


def test_who_cannot_be_booked_waits_where_it_was_asked(clinic, rows):
    elsewhere = make_clinic()
    patient = make_patient(clinic)
    ask_lead_to_call(patient=patient, location=elsewhere, by=make_user("receptionist", name="Ellie"), now=NOW)
    assert rows("calls") == []
    answer_call_of_lead(patient=patient, location=clinic, by=make_user("lead"), now=NOW)
    [waits] = read_worklists(location=elsewhere, now=NOW, for_treating=False)[2].rows
    assert waits.patient == patient


# --- Locked links -----------------------------------------------------------------------------------------------------


def lock(appointment):
    PatientLink.objects.create(
        appointment=appointment,
        purpose=PatientLink.Purpose.BOOKING,
        token_hash=f"{appointment.pk:064}",
        created_at=NOW,
        expires_at=START + 90 * DAY,
        wrong_tries=PatientLink.MOST_TRIES,
        locked_at=NOW,
    )


def test_a_locked_link_waits_for_a_call_as_long_as_the_visit_is_ahead(book, rows):
    visit = book()
    assert rows("links") == []
    lock(visit)
    (row,) = rows("links", for_treating=False)
    assert (row.appointment, row.phone) == (visit, visit.patient.phone)
    assert rows("links", now=START) == []


# --- Unsigned records -------------------------------------------------------------------------------------------------


def ended(start, **wish):
    visit = chart(make_visit(starts_at=start, **wish))
    appointment = visit.session.appointments.get()
    at = start + HOUR
    return day.end_treatment(appointment=appointment, revision=visit.revision, by=visit.practitioner.user, now=at)


def test_records_wait_from_the_end_of_a_visit_until_they_are_signed(clinic, practitioner, rows):
    wish = {"location": clinic, "practitioner": practitioner}
    make_visit(starts_at=START - DAY, **wish)
    make_signed_visit(starts_at=START + 2 * DAY, **wish)
    ended(START, location=make_clinic())
    later, sooner = ended(START + DAY, **wish), ended(START, **wish)
    now = START + DAY + 2 * HOUR
    found = rows("unsigned", now=now)
    assert waiting(found) == [sooner.session.appointments.get(), later.session.appointments.get()]
    assert [(row.by_when, row.is_pressing) for row in found] == [
        ("Ended: Mon 19 Jan, 11:00", True),
        ("Ended: Today, 11:00", False),
    ]
    assert {row.why for row in found} == {f"Treated by {practitioner.name}"}
    sign_visit(visit=sooner, revision=sooner.revision, by=practitioner.user, now=now)
    (row,) = rows("unsigned", now=now)
    assert row.url == f"/appointments/{later.session.appointments.get().public_id}/visit/"


# --- Failed mails -----------------------------------------------------------------------------------------------------


def refuse(appointment, kind=Reminder.Kind.CONFIRMATION, expires_at=None):
    mail = OutgoingMail.objects.create(
        message_id=f"<{appointment.pk}-{kind}@clinic.example>",
        to="nobody@example.org",
        subject="Your visit",
        text="Hello",
        status=OutgoingMail.Status.FAILED,
        due_at=NOW,
        expires_at=expires_at or appointment.starts_at,
        created_at=NOW,
    )
    appointment.reminders.filter(kind=kind).update(state=Reminder.State.MAILED, mail=mail)
    return mail


def test_refused_mails_are_one_row_a_visit_with_the_phone_number(book, rows):
    refused = book()
    book(START + DAY)
    refuse(refused)
    refuse(refused, Reminder.Kind.BEFORE_48H)
    (row,) = rows("mails")
    assert (row.appointment, row.why, row.phone) == (refused, "Refused: 48 hours before", refused.patient.phone)
    OutgoingMail.objects.update(status=OutgoingMail.Status.SENT)
    assert rows("mails") == []


def test_a_refused_mail_is_forgotten_when_the_patient_is_told_something_newer(book, rows):
    refused = book()
    refuse(refused)
    cancelled = cancel(refused)
    assert rows("mails") == []
    assert not cancelled.reminders.filter(kind=Reminder.Kind.CANCELLED).exists()  # she never heard of the visit


def test_a_refused_mail_is_worth_a_call_for_two_days_after_the_visit(book, rows):
    refused = book()
    refuse(refused)
    over = refused.ends_at + 2 * DAY
    assert len(rows("mails", now=over - timedelta(seconds=1))) == 1
    assert rows("mails", now=over) == []


def test_refused_aftercare_is_worth_a_call_as_long_as_it_is_of_use(book, rows):
    refused = book()
    last = START + 8 * DAY
    refuse(refused, expires_at=last)
    assert len(rows("mails", now=last - timedelta(seconds=1))) == 1
    assert rows("mails", now=last) == []


# --- To confirm by phone ----------------------------------------------------------------------------------------------


def test_visits_within_a_week_without_an_address_are_confirmed_by_phone(clinic, book, rows):
    def at(start):
        return book(start, make_clear_patient(clinic, email="", phone="020 7946 0333"))

    book(START + 2 * HOUR)
    visit = at(START)
    at(START + DAY)
    (row,) = rows("phone", now=START - 7 * DAY)
    assert (row.appointment, row.phone, row.why) == (visit, "020 7946 0333", "No e-mail address")
    assert rows("phone", now=START - 7 * DAY - timedelta(seconds=1)) == []
    assert waiting(rows("phone", now=START - HOUR))[0] == visit
    assert visit not in waiting(rows("phone", now=START))


@pytest.mark.parametrize("end_it", [booking.confirm_appointment, booking.cancel_appointment])
def test_a_confirmed_or_cancelled_visit_waits_for_no_call(clinic, book, rows, end_it):
    visit = book(patient=make_clear_patient(clinic, email=""))
    assert waiting(rows("phone", now=START - DAY)) == [visit]
    end_it(appointment=visit, revision=visit.revision, by=None, now=START - DAY)
    assert rows("phone", now=START - DAY) == []


def test_what_cannot_be_confirmed_yet_waits_for_its_decision_alone(clinic, book, rows):
    held = book(patient=make_patient(clinic, email=""))
    assert rows("phone", now=START - DAY) == []
    assert waiting(rows("screening", now=START - DAY)) == [held]


# --- Queries ----------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_lists_and_their_number_ask_as_much_for_three_rows_as_for_one(clinic, practitioner, book):
    def count_queries(read):
        with CaptureQueriesContext(connection) as queries:
            found = read(location=clinic, now=START - DAY, for_treating=True)
        return len(queries), found

    def fill(days):
        wish = {"location": clinic, "practitioner": practitioner, "now": NOW - 30 * DAY}
        ended(START - days * DAY - 8 * DAY, **wish)
        refuse(visit := book(START + days * DAY))
        lock(visit)
        ask_for_call(appointment=visit, now=NOW)
        ask_lead_to_call(patient=make_patient(clinic), location=clinic, by=make_user("receptionist"), now=NOW)
        book(START + days * DAY + 2 * HOUR, make_patient(clinic))
        book(START + (40 + days) * DAY, protocol=make_protocol("melasma"))
        book(START + days * DAY + 4 * HOUR, make_clear_patient(clinic, email=""))
        postpone(book(START + (20 + days) * DAY, on_a_medicine(clinic)), START.date() + (21 + days) * DAY)
        cancel(postpone(book(START + (4 + days) * DAY, on_a_medicine(clinic)), START.date() + (6 + days) * DAY))

    fill(0)
    read_once, lists = count_queries(read_worklists)
    assert [len(each.rows) for each in lists] == [1, 1, 2, 3, 1, 1, 1, 1, 1, 1]
    fill(1)
    fill(2)
    read_thrice, lists = count_queries(read_worklists)
    assert [len(each.rows) for each in lists] == [3, 3, 6, 5, 3, 3, 3, 3, 3, 3]
    assert read_thrice == read_once
    assert count_queries(count_waiting) == (1, sum(len(each.rows) for each in lists if not each.is_offer))
