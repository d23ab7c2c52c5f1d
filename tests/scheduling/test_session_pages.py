"""Booking the second session of a course that began on Monday 19 January 2026, and moving it."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from scheduling import booking
from scheduling.forms import slot_value
from scheduling.models import Appointment
from scheduling.rescreening import keep_answers
from scheduling.slots import Slot
from tests.factories import (
    NOW,
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_course,
    make_practitioner,
    make_protocol,
    signed_in,
)
from tests.reading import words
from treatments.models import CourseSession

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

FIRST = NOW + timedelta(days=7, hours=3)
DAY = timedelta(days=1)
SECOND = FIRST + 28 * DAY
OUTSIDE = "Session 2 then fits from 16 February 2026 to 16 March 2026."


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def course(clinic, practitioner):
    patient = make_clear_patient(clinic, given_name="Marta", family_name="Lindholm")
    return make_course(location=clinic, practitioner=practitioner, patient=patient, planned=3)


@pytest.fixture
def session(course):
    return course.sessions.get(number=2)


@pytest.fixture
def reception(clinic):
    return signed_in("receptionist", location=clinic)


@pytest.fixture
def lead(clinic):
    return signed_in("lead", location=clinic)


def url(session, exception=False):
    return reverse("scheduling:session-book", args=[session.public_id]) + ("?exception=1" if exception else "")


def book(client, session, start, practitioner, *, exception=False, **fields):
    data = {"key": uuid4(), "slot": slot_value(Slot(start, practitioner))} | fields
    return client.post(url(session, exception), data)


def days_offered(page):
    return [[day for day, _starts in group.days] for group in page.context["groups"]]


# --- Three clicks -----------------------------------------------------------------------------------------------------


def test_the_best_week_stands_first_and_the_days_closest_to_it_below(reception, session):
    page = reception.get(url(session))
    best, others = days_offered(page)
    assert best == [date(2026, 2, 16 + n) for n in range(7)]
    assert others == [date(2026, 2, 23) + n * DAY for n in range(6)]
    assert "Session 2 for Marta Lindholm" in words(page)
    assert "Best week 16 February to 22 February" in words(page)
    assert "From 16 February to 16 March 2026, best from Monday 16 February on" in words(page)


def test_days_on_both_sides_of_a_best_week_in_the_middle(reception, clinic, practitioner):
    course = make_course(
        location=clinic, practitioner=practitioner, protocol=make_protocol("scar_thermal_burn"), planned=4
    )
    best, others = days_offered(reception.get(url(course.sessions.get(number=2))))
    assert best[0] == date(2026, 3, 2)
    assert others == [date(2026, 2, 27) + n * DAY for n in range(3)] + [date(2026, 3, 9) + n * DAY for n in range(3)]


def test_choosing_a_time_books_it_and_leads_back_to_the_course(reception, session, course, practitioner):
    answer = book(reception, session, SECOND, practitioner)
    assertRedirects(answer, reverse("scheduling:course-show", args=[course.public_id]), fetch_redirect_response=False)
    booked = session.appointments.get()
    assert (booked.starts_at, booked.practitioner, booked.exception_reason) == (SECOND, practitioner, "")
    page = words(reception.get(answer.url))
    assert "Booked. A mail confirms it." in page
    assert "Book session 3" in page


def test_sent_twice_it_is_booked_once(reception, session, practitioner):
    key = uuid4()
    first, second = (book(reception, session, SECOND, practitioner, key=key) for _each in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert session.appointments.get().public_id == key


def test_a_time_that_was_taken_meanwhile_is_told_with_the_nearest_in_the_window(
    reception, session, clinic, practitioner
):
    make_appointment(location=clinic, practitioner=practitioner, starts_at=SECOND)
    page = book(reception, session, SECOND, practitioner)
    assert (page.status_code, session.appointments.count()) == (409, 0)
    assert "Not done: The practitioner is taken at that time." in words(page)
    nearest = [slot.starts_at for _value, slot in page.context["alternatives"]]
    assert len(nearest) == 3
    assert min(nearest).date() == date(2026, 2, 16)


def test_a_session_that_somebody_booked_meanwhile_is_told(reception, session, practitioner):
    book(reception, session, SECOND, practitioner)
    page = book(reception, session, SECOND + DAY, practitioner)
    assert (page.status_code, session.appointments.count()) == (409, 1)
    assert "This session is booked already. Open its appointment to move it." in words(page)


def test_a_session_that_is_booked_leads_to_its_course(reception, course):
    booked = course.sessions.get(number=1)
    assertRedirects(reception.get(url(booked)), reverse("scheduling:course-show", args=[course.public_id]))


def test_a_session_waits_for_the_one_before(reception, course, practitioner):
    third = course.sessions.get(number=3)
    page = reception.get(url(third))
    assert "Session 2 has no time yet. Book it first" in words(page)
    assert days_offered(page) == []
    assert book(reception, third, SECOND + 28 * DAY, practitioner).status_code == 409


def test_a_first_session_that_was_cancelled_is_booked_on_any_day(reception, course):
    first = course.sessions.get(number=1)
    booking.cancel_appointment(appointment=first.appointments.get(), revision=0, by=None, now=NOW)
    [days] = days_offered(reception.get(url(first)))
    assert days == [date(2026, 1, 12) + n * DAY for n in range(6)]


@pytest.mark.parametrize("slot", ["", "junk", "2026-02-16T10:00:00+00:00 nobody"])
def test_without_a_time_the_free_ones_are_shown_again(reception, session, slot):
    page = reception.post(url(session), {"key": uuid4(), "slot": slot})
    assert page.status_code == 422
    assert "Not done: Choose one of the free times." in words(page)
    assert len(days_offered(page)) == 2


def starts_of(page):
    return [slot for group in page.context["groups"] for _day, starts in group.days for _value, slot in starts]


def test_at_first_whoever_treated_before_is_looked_for_and_then_anybody(reception, session, clinic, practitioner):
    other = make_practitioner(clinic)
    assert {slot.practitioner for slot in starts_of(reception.get(url(session)))} == {practitioner}
    anybody = reception.get(url(session), {"practitioner": "", "from_day": ""})
    assert {slot.practitioner for slot in starts_of(anybody)} <= {practitioner, other}
    practitioner.working_hours.all().delete()
    page = reception.get(url(session))
    assert {slot.practitioner for slot in starts_of(page)} == {other}
    assert "selected>Anybody free" in page.text


def test_times_with_one_practitioner_from_a_later_day_on(reception, session, clinic):
    other = make_practitioner(clinic, hours=[("12:00", "13:15")])
    query = {"practitioner": other.public_id, "from_day": "2026-02-20"}
    page = reception.get(url(session), query, headers={"HX-Request": "true"})
    starts = [slot.starts_at for slot in starts_of(page)]
    assert starts[0] == datetime(2026, 2, 20, 12, tzinfo=UTC)
    assert {start.hour for start in starts} == {12}
    assert "Session 2 for" not in words(page)


def test_a_session_of_elsewhere_does_not_exist(reception, practitioner):
    foreign = make_course().sessions.get(number=2)
    assert reception.get(url(foreign)).status_code == 404
    assert book(reception, foreign, SECOND, practitioner).status_code == 404
    assert foreign.appointments.count() == 0


def test_opening_the_page_is_written_down(reception, session):
    reception.get(url(session))
    entries = LogEntry.objects.get_for_object(session.course.patient).filter(action=LogEntry.Action.ACCESS)
    assert entries.count() == 1


# --- Another day, for a reason ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["receptionist", "practitioner", "owner"])
def test_nobody_but_the_lead_is_offered_another_day(clinic, session, practitioner, role):
    client = signed_in(role, location=clinic)
    for page in (client.get(url(session)), client.get(url(session, exception=True))):
        assert "?exception=1" not in page.text
        assert "Why another day" not in words(page)
        assert days_offered(page)[0][0] == date(2026, 2, 16)
    refused = book(client, session, FIRST + 60 * DAY, practitioner, exception=True, reason="She travels.")
    assert (refused.status_code, session.appointments.count()) == (409, 0)
    assert OUTSIDE in words(refused)


def test_the_lead_books_another_day_with_a_reason(lead, session, practitioner):
    assert "Another day" in words(lead.get(url(session)))
    page = lead.get(url(session, exception=True))
    assert "Why another day?" in words(page)
    assert days_offered(page) == [[date(2026, 1, 12) + n * DAY for n in range(6)]]
    answer = book(lead, session, FIRST + 60 * DAY, practitioner, exception=True, reason=" She  travels. ")
    assert answer.status_code == 302
    assert session.appointments.get().exception_reason == "She travels."


def test_also_closer_than_the_interval(lead, session, practitioner):
    assert book(lead, session, FIRST + 14 * DAY, practitioner, exception=True, reason="Wedding.").status_code == 302


@pytest.mark.parametrize("reason", ["", "  ", "\u200b", "x" * 201])
def test_without_a_readable_reason_she_is_asked_again(lead, session, practitioner, reason):
    page = book(lead, session, FIRST + 60 * DAY, practitioner, exception=True, reason=reason)
    assert (page.status_code, session.appointments.count()) == (422, 0)
    mistake = "Write at most 200 characters." if "x" in reason else "Write down why this session leaves its window."
    assert mistake in words(page)
    assert "checked" in page.text


def test_inside_the_window_her_reason_is_not_asked_for(lead, session, practitioner):
    assert book(lead, session, SECOND, practitioner).status_code == 302
    refused = book(lead, CourseSession.objects.get(course=session.course, number=3), SECOND + DAY, practitioner)
    assert refused.status_code == 409


# --- Moving -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def second(session, clinic, practitioner):
    return booking.book_session(
        session=session, location=clinic, practitioner=practitioner, starts_at=SECOND + 3 * DAY, by=None, now=NOW
    )


def move_url(appointment, exception=False):
    return reverse("scheduling:appointment-move", args=[appointment.public_id]) + ("?exception=1" if exception else "")


def move(client, appointment, start, *, exception=False, **fields):
    data = {"revision": appointment.revision, "slot": slot_value(Slot(start, appointment.practitioner))} | fields
    return client.post(move_url(appointment, exception), data)


def starts_at(appointment):
    return Appointment.objects.get(pk=appointment.pk).starts_at


def test_a_session_moves_within_its_window(reception, second):
    page = reception.get(move_url(second))
    assert "From 16 February to 16 March 2026, best from Monday 16 February on" in words(page)
    assert days_offered(page)[0][0] == date(2026, 2, 16)
    assert move(reception, second, SECOND).status_code == 302
    assert starts_at(second) == SECOND


@pytest.mark.parametrize("reason", [{}, {"reason": "She travels."}])
def test_reception_moves_it_nowhere_else(reception, second, reason):
    page = move(reception, second, FIRST + 60 * DAY, exception=bool(reason), **reason)
    assert (page.status_code, starts_at(second)) == (409, SECOND + 3 * DAY)
    assert OUTSIDE in words(page)
    assert "?exception=1" not in page.text


def test_the_lead_moves_it_for_a_reason(lead, second):
    assert "Another day" in words(lead.get(move_url(second)))
    assert "Why another day?" in words(lead.get(move_url(second, exception=True)))
    assert move(lead, second, FIRST + 60 * DAY).status_code == 409
    without = move(lead, second, FIRST + 60 * DAY, exception=True)
    assert (without.status_code, starts_at(second)) == (422, SECOND + 3 * DAY)
    tomorrow = NOW + DAY + timedelta(hours=3)
    chosen = slot_value(Slot(tomorrow, second.practitioner))
    assert f'value="{chosen}" checked' in move(lead, second, tomorrow, exception=True).text
    assert move(lead, second, FIRST + 60 * DAY, exception=True, reason="She travels.").status_code == 302
    second.refresh_from_db()
    assert (second.starts_at, second.exception_reason) == (FIRST + 60 * DAY, "She travels.")


def test_a_single_visit_has_no_window_and_no_other_day_to_ask_for(lead, clinic, practitioner):
    single = make_appointment(location=clinic, practitioner=practitioner, starts_at=FIRST)
    page = words(lead.get(move_url(single)))
    assert "best from" not in page
    assert "Another day" not in page


# --- Queries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["receptionist", "lead"])
def test_the_page_asks_the_same_number_of_questions_however_full_the_clinic(clinic, practitioner, session, role):
    client = signed_in(role, location=clinic)

    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url(session)).status_code == 200
        return len(queries)

    make_appointment(location=clinic, practitioner=practitioner, starts_at=SECOND)
    with_one = count_queries()
    for days in (2, 4):
        make_appointment(location=clinic, practitioner=make_practitioner(clinic), starts_at=SECOND + days * DAY)
    assert count_queries() == with_one


def test_whose_next_session_cannot_be_booked_is_called_back(reception, session):
    keep_answers(patient=session.course.patient, answers={"Q06": "yes"}, by=None, now=NOW)
    page = words(reception.get(url(session)))
    assert "nothing can be booked now. The clinical lead can say more. Ask the clinical lead to call back" in page
    reception.post(reverse("scheduling:patient-call", args=[session.course.patient.public_id]))
    assert "The clinical lead calls" in words(reception.get(url(session)))
