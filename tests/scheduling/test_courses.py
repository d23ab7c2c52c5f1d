"""A course in time, read on Monday 12 January 2026; its first session is a week later."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling import booking
from scheduling.courses import courses_in_time
from tests.factories import NOW, make_clinic, make_course, make_patient, make_protocol, make_signed_visit
from treatments.courses import plan_refresher
from treatments.models import Course

pytestmark = pytest.mark.django_db

FIRST = NOW + timedelta(days=7, hours=3)


def read(course, *, now=NOW):
    zone = make_clinic().zone
    [reading] = courses_in_time([Course.objects.get(pk=course.pk)], now=now, zone=zone)
    return reading


def standings(course):
    return [(line.session.number, line.standing) for line in read(course).lines]


def test_the_first_without_a_day_is_next_and_the_others_are_later():
    course = make_course(planned=4, booked=2)
    assert standings(course) == [(1, "booked"), (2, "booked"), (3, "next"), (4, "later")]
    assert read(course).to_book.session.number == 3
    assert read(course).upcoming.session.number == 1


def test_windows_count_from_the_days_and_on_from_the_ideal_ones():
    first, second, third = read(make_course(planned=3)).lines
    assert first.window is None
    assert (second.window.not_before, second.is_expected) == (date(2026, 2, 16), False)
    assert (third.window.not_before, third.is_expected) == (date(2026, 3, 16), True)


def test_what_is_overdue_is_counted_on_from_today():
    course = make_course(planned=3)
    _first, second, third = read(course, now=NOW + timedelta(days=80)).lines
    assert (second.window.not_before, third.window.not_before) == (date(2026, 2, 16), date(2026, 4, 30))


def test_weeks_since_the_session_before_are_rounded():
    assert [line.weeks_after for line in read(make_course(planned=3, booked=2)).lines] == [None, 4, None]


def test_a_cancelled_session_is_to_book_again():
    course = make_course(planned=3, booked=2)
    second = course.sessions.get(number=2).appointments.get()
    booking.cancel_appointment(appointment=second, revision=0, by=None, now=NOW)
    assert standings(course) == [(1, "booked"), (2, "next"), (3, "later")]


def test_what_was_carried_out_is_done():
    visit = make_signed_visit()
    course = visit.session.course
    reading = read(course, now=visit.signed_at)
    assert (reading.done_count, reading.upcoming, reading.to_book) == (1, None, None)
    assert standings(course) == [(1, "done")]


@pytest.mark.parametrize(
    ("code", "planned", "booked", "may"),
    [("wrinkles_fine", 4, 4, True), ("wrinkles_fine", 4, 3, False), ("acne_scar_moderate", 3, 3, False)],
)
def test_a_refresher_follows_a_course_that_is_booked_to_its_end(code, planned, booked, may):
    course = make_course(planned=planned, booked=booked, protocol=make_protocol(code))
    assert read(course).may_plan_refresher is may


def test_a_single_visit_has_no_refresher_and_a_planned_one_is_booked_first():
    assert not read(make_course(planned=1, protocol=make_protocol("wrinkles_fine"))).may_plan_refresher
    course = make_course(planned=4, booked=4, protocol=make_protocol("wrinkles_fine"))
    plan_refresher(course=course)
    assert not read(course).may_plan_refresher
    assert read(course).to_book.session.is_refresher


def test_every_session_has_its_lane_and_a_line_from_the_one_before():
    lanes = read(make_course(planned=3, booked=2)).lanes
    assert [lane.y for lane in lanes] == [62, 118, 174]
    assert [lane.from_x == before.dot for before, lane in zip(lanes, lanes[1:], strict=False)] == [True, True]
    assert [lane.gap for lane in lanes[1:]] == ["at least 4 wk", "at least 4 wk"]


def test_a_course_of_which_nothing_is_booked_can_be_drawn():
    course = make_course(planned=3)
    booking.cancel_appointment(appointment=course.sessions.first().appointments.get(), revision=0, by=None, now=NOW)
    assert [lane.dot for lane in read(course).lanes] == ["", "", ""]


@pytest.mark.parametrize("with_records", [False, True])
def test_queries_do_not_grow_with_courses_and_sessions(with_records):
    def count_queries(*courses):
        found = Course.objects.filter(pk__in=[course.pk for course in courses]).select_related("patient", "protocol")
        with CaptureQueriesContext(connection) as queries:
            readings = courses_in_time(found, now=NOW, zone=make_clinic_zone, with_records=with_records)
            for reading in readings:
                assert reading.lanes
                assert [line.sign for line in reading.lines if line.appointment]
        return len(queries)

    signed = make_signed_visit().session.course
    clinic = make_clinic()
    make_clinic_zone = clinic.zone
    one = count_queries(signed)
    others = [make_course(location=clinic, patient=make_patient(clinic), booked=n) for n in (2, 3)]
    assert count_queries(signed, *others) == one
