"""Free times for the sessions of a course that began on Monday 19 January 2026: four to eight weeks apart."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic.times import local_date
from patients.records import record_fact
from scheduling import booking
from scheduling.offers import offer_times
from tests.factories import NOW, make_appointment, make_clinic, make_course, make_practitioner, make_protocol
from treatments.models import CourseSession

pytestmark = pytest.mark.django_db

FIRST = NOW + timedelta(days=7, hours=3)
DAY = timedelta(days=1)


@pytest.fixture
def course():
    return make_course(planned=3)


def place_of(course):
    return course.sessions.first().appointments.get().location


def offer(course, number=2, **wish):
    session = CourseSession.objects.get(course=course, number=number)
    return offer_times(**{"session": session, "location": place_of(course), "now": NOW} | wish)


def days_of(offered, course):
    return sorted({local_date(slot.starts_at, place_of(course).zone) for slot in offered.slots})


def test_all_of_the_window_is_offered_and_nothing_else(course):
    offered = offer(course)
    assert days_of(offered, course) == [(FIRST + (28 + n) * DAY).date() for n in range(29)]
    assert (offered.window.not_before, offered.window.not_after) == (date(2026, 2, 16), date(2026, 3, 16))


def test_what_is_offered_can_be_booked(course):
    session, offered = course.sessions.get(number=2), offer(course)
    for slot in (offered.slots[0], offered.slots[-1]):
        booked = booking.book_session(
            session=session,
            location=place_of(course),
            practitioner=slot.practitioner,
            starts_at=slot.starts_at,
            by=None,
            now=NOW,
        )
        booking.cancel_appointment(appointment=booked, revision=0, by=None, now=NOW)


@pytest.mark.parametrize("from_day", [date(2026, 2, 20), date(2026, 3, 16)])
def test_a_later_first_day_is_kept_to(course, from_day):
    assert days_of(offer(course, first_day=from_day), course)[0] == from_day


def test_a_window_that_has_closed_offers_nothing(course):
    assert offer(course, now=FIRST + 57 * DAY).slots == []
    assert offer(course, first_day=date(2026, 3, 17)).slots == []


def test_a_session_waits_for_the_one_before(course):
    offered = offer(course, number=3)
    assert (offered.waits_for, offered.slots, offered.window) == (2, [], None)


def test_the_exception_is_any_day_also_one_that_is_close(course):
    days = days_of(offer(course, is_exception=True), course)
    assert days[0] == date(2026, 1, 12)
    assert (FIRST + DAY).date() in days


def test_a_first_session_that_moves_leaves_the_second_in_its_window():
    course = make_course(planned=3, booked=2)
    moving = course.sessions.get(number=1).appointments.get()
    days = days_of(offer(course, number=1, ignoring=moving), course)
    assert days == [(NOW + n * DAY).date() for n in range(8)]  # until its own day: 28 days before the second


def test_nothing_before_the_screening_allows_it(course):
    patient = course.patient
    said = {"subject": "isotretinoin", "answer": "yes", "on": "2025-08-24"}
    record_fact(patient=patient, kind="medicine", by=None, now=NOW, **said)
    assert days_of(offer(course), course)[0] == date(2026, 2, 24)


def test_while_the_screening_leaves_no_date_nothing_is_offered(course):
    said = {"subject": "isotretinoin", "answer": "yes", "on": "still"}
    record_fact(patient=course.patient, kind="medicine", by=None, now=NOW, **said)
    offered = offer(course)
    assert offered.slots == []
    assert offered.eligibility.is_open_ended


def test_of_a_refreshers_year_twelve_weeks_are_looked_through():
    course = make_course(planned=4, booked=4, protocol=make_protocol("wrinkles_fine"))
    CourseSession.objects.create(course=course, number=5, kind="refresher")
    days = days_of(offer(course, number=5), course)
    assert days[0] == date(2027, 4, 13)
    assert len(days) == 84


def test_queries_do_not_grow_with_the_visits(course):
    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert offer(course).slots
        return len(queries)

    with_one = count_queries()
    for days in (30, 32):
        clinic = place_of(course)
        make_appointment(
            location=clinic, practitioner=make_practitioner(clinic), starts_at=FIRST + timedelta(days=days)
        )
    make_clinic()
    assert count_queries() == with_one
