from datetime import date, timedelta

import pytest

from clinic.times import plus_months_clear
from scheduling import booking
from scheduling.course_booking import conflict_on, course_days, next_to_book, window_of
from scheduling.course_booking import plan_refresher as plan_a_refresher
from scheduling.models import Appointment
from tests.factories import (
    NOW,
    make_appointment,
    make_clinic,
    make_patient,
    make_practitioner,
    make_protocol,
    make_user,
)
from treatments.courses import CourseRefused, SessionsOutsideRange, plan_refresher
from treatments.models import Course, Visit

pytestmark = pytest.mark.django_db

FIRST = NOW + timedelta(days=7, hours=3)  # Monday 19 January 2026; moderate acne scars: 4 to 8 weeks apart


@pytest.fixture
def scene():
    class Scene:
        clinic = make_clinic()
        practitioner = make_practitioner(clinic)
        patient = make_patient(clinic)
        receptionist = make_user("receptionist", location=clinic)
        lead = make_user("lead", location=clinic)

        def start(self, planned=3, **wish):
            first = booking.book_appointment(
                **{"patient": self.patient, "protocol": make_protocol(), "zones": [], "location": self.clinic}
                | {"practitioner": self.practitioner, "starts_at": FIRST, "by": self.receptionist, "now": NOW}
                | {"planned_sessions": planned}
                | wish
            )
            self.course = first.session.course
            return first

        def session(self, number):
            return self.course.sessions.get(number=number)

        def book(self, number, day, **wish):
            return booking.book_session(
                **{"session": self.session(number), "location": self.clinic, "practitioner": self.practitioner}
                | {"starts_at": FIRST + timedelta(days=day), "by": self.receptionist, "now": NOW}
                | wish
            )

        def move(self, appointment, day, **wish):
            return booking.move_appointment(
                **{"appointment": appointment, "starts_at": FIRST + timedelta(days=day), "by": self.receptionist}
                | {"practitioner": self.practitioner, "revision": appointment.revision, "now": NOW}
                | wish
            )

    return Scene()


def test_a_course_plans_its_sessions_and_books_the_first(scene):
    first = scene.start(planned=3)
    assert [session.number for session in scene.course.sessions.all()] == [1, 2, 3]
    assert (first.session.number, first.session.position) == (1, "1 of 3")


@pytest.mark.parametrize("planned", [2, 5])  # moderate acne scars take three or four
def test_a_number_of_sessions_outside_the_range_is_refused(scene, planned):
    with pytest.raises(SessionsOutsideRange):
        scene.start(planned=planned)
    assert (Course.objects.count(), Appointment.objects.count()) == (0, 0)


@pytest.mark.parametrize(("day", "is_inside"), [(27, False), (28, True), (56, True), (57, False)])
def test_the_next_session_lies_in_its_window(scene, day, is_inside):
    scene.start()
    if is_inside:
        assert scene.book(2, day).session.number == 2
    else:
        with pytest.raises(booking.OutsideWindow, match="from 16 February 2026 to 16 March 2026"):
            scene.book(2, day)


def test_the_lead_leaves_the_window_with_a_reason_and_nobody_else(scene):
    scene.start()
    for exception in ({"by": scene.lead}, {"by": scene.lead, "reason": "  "}, {"reason": "she travels"}):
        with pytest.raises(booking.OutsideWindow):
            scene.book(2, 60, **exception)
    booked = scene.book(2, 60, by=scene.lead, reason="she travels")
    assert booked.exception_reason == "she travels"


def test_sessions_are_booked_in_their_order(scene):
    scene.start()
    with pytest.raises(booking.OutsideWindow, match="Book session 2 first"):
        scene.book(3, 60)


def test_a_session_is_booked_once(scene):
    scene.start()
    scene.book(2, 28)
    with pytest.raises(booking.ChangedMeanwhile, match="booked already"):
        scene.book(2, 29)


def test_a_move_keeps_the_session_after_in_its_window(scene):
    first = scene.start()
    scene.book(2, 28)
    with pytest.raises(booking.OutsideWindow, match="Session 2 then fits from 17 February 2026"):
        scene.move(first, 1)


def test_a_move_of_the_second_keeps_to_the_window_of_the_first(scene):
    scene.start()
    second = scene.book(2, 28)
    with pytest.raises(booking.OutsideWindow):
        scene.move(second, 57)
    assert scene.move(second, 56).starts_at == FIRST + timedelta(days=56)


def test_next_to_book_and_its_window(scene):
    scene.start()
    days = course_days(scene.course)
    session = next_to_book(scene.course, days)
    assert session.number == 2
    assert window_of(session, days).ideal == (FIRST + timedelta(days=28)).date()
    assert window_of(scene.session(1), days) is None
    assert window_of(scene.session(3), days) is None


def test_a_cancelled_session_is_to_be_booked_again(scene):
    first = scene.start()
    booking.cancel_appointment(appointment=first, revision=0, by=None, now=NOW)
    assert next_to_book(scene.course, course_days(scene.course)).number == 1


def test_a_refresher_follows_the_last_session_by_a_year(scene):
    scene.start(planned=4, protocol=make_protocol("wrinkles_fine"))
    for number in (2, 3, 4):
        scene.book(number, 28 * (number - 1))
    refresher = plan_refresher(course=scene.course)
    assert (refresher.number, refresher.position) == (5, "refresher")
    assert plan_refresher(course=scene.course) == refresher
    last = (FIRST + timedelta(days=84)).date()
    assert window_of(refresher, course_days(scene.course)).not_before == last.replace(year=2027)


# --- Refreshers -------------------------------------------------------------------------------------------------------


@pytest.fixture
def whole_course(scene):
    """Four sessions against fine lines, all booked: the last on Monday 13 April 2026."""
    scene.start(planned=4, protocol=make_protocol("wrinkles_fine"))
    for number in (2, 3, 4):
        scene.book(number, 28 * (number - 1))
    return scene


def refresh(scene, day, *, per_year=2, **wish):
    """Book one more refresher, `day` days after the first session of the course."""
    session = plan_a_refresher(course=scene.course, per_year=per_year)
    booked = scene.book(session.number, day, **wish)
    Visit.objects.create(  # as if it had been carried out, so that the next one can be planned
        session=session, practitioner=scene.practitioner, started_at=booked.starts_at, device=booked.device
    )
    return booked


def test_refreshers_wait_until_the_course_is_booked(scene):
    scene.start(planned=4, protocol=make_protocol("wrinkles_fine"))
    with pytest.raises(CourseRefused, match="Session 2 has no time yet"):
        plan_a_refresher(course=scene.course, per_year=1)
    assert scene.course.sessions.count() == 4


@pytest.mark.parametrize(("per_year", "month", "year"), [(1, 4, 2027), (2, 10, 2026)])
def test_a_refresher_is_due_by_how_often_they_are_planned(whole_course, per_year, month, year):
    refresher = plan_a_refresher(course=whole_course.course, per_year=per_year)
    window = window_of(refresher, course_days(whole_course.course))
    assert window.not_before == date(year, month, 13)
    assert plan_a_refresher(course=whole_course.course, per_year=per_year) == refresher


@pytest.mark.parametrize(("days_later", "is_inside"), [(-1, False), (0, True)])
def test_a_refresher_is_not_booked_before_its_window(whole_course, days_later, is_inside):
    due = (date(2026, 10, 13) - FIRST.date()).days
    if is_inside:
        assert refresh(whole_course, due + days_later).session.is_refresher
    else:
        with pytest.raises(booking.OutsideWindow, match="from 13 October 2026"):
            refresh(whole_course, due + days_later)


def test_a_third_refresher_within_twelve_months_needs_the_lead_and_a_reason(whole_course):
    by_the_lead = {"by": whole_course.lead, "reason": "before the wedding"}
    refresh(whole_course, 84 + 90, **by_the_lead)
    second = refresh(whole_course, 84 + 180, **by_the_lead)
    due = plus_months_clear(second.starts_at.date(), 6)
    third = (due - FIRST.date()).days
    with pytest.raises(booking.OutsideWindow, match="the third refresher within twelve months"):
        refresh(whole_course, third)
    with pytest.raises(booking.OutsideWindow, match="the third refresher"):
        refresh(whole_course, third, by=whole_course.lead)
    assert refresh(whole_course, third, **by_the_lead).exception_reason == "before the wedding"


def test_a_year_after_the_first_two_another_refresher_is_one_of_two(whole_course):
    by_the_lead = {"by": whole_course.lead, "reason": "before the wedding"}
    first = refresh(whole_course, 84 + 90, **by_the_lead)
    refresh(whole_course, 84 + 180, **by_the_lead)
    a_year_later = (first.starts_at.date().replace(year=first.starts_at.year + 1) - FIRST.date()).days
    with pytest.raises(booking.OutsideWindow, match="third refresher"):
        refresh(whole_course, a_year_later - 1)
    assert refresh(whole_course, a_year_later).session.is_refresher


# --- Which days fit ---------------------------------------------------------------------------------------------------


def test_a_day_conflicts_with_the_own_window_or_with_that_of_the_session_after(scene):
    scene.start(planned=3)
    scene.book(2, 28)
    sessions, days = list(scene.course.sessions.all()), course_days(scene.course)
    first, second = scene.session(1), scene.session(2)

    def conflict(session, day):
        found = conflict_on((FIRST + timedelta(days=day)).date(), session=session, sessions=sessions, days=days)
        return found and found.session.number

    assert [conflict(first, day) for day in (-29, -28, 0, 1)] == [2, None, None, 2]
    assert [conflict(second, day) for day in (27, 28, 56, 57)] == [2, None, None, 2]


def test_the_nearest_times_of_a_session_lie_in_its_window(scene):
    scene.start()
    make_appointment(location=scene.clinic, practitioner=scene.practitioner, starts_at=FIRST + timedelta(days=28))
    with pytest.raises(booking.Taken) as refusal:
        scene.book(2, 28)
    days = {slot.starts_at.date() for slot in refusal.value.alternatives}
    assert len(refusal.value.alternatives) == 3
    assert min(days) >= (FIRST + timedelta(days=28)).date()


def test_course_days_asks_once(scene, django_assert_num_queries):
    scene.start(planned=3)
    for number in (1, 3):
        if number == 3:
            scene.book(2, 28)
            scene.book(3, 56)
        with django_assert_num_queries(1):
            assert len(course_days(scene.course)) == number
