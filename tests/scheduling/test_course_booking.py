from datetime import timedelta

import pytest

from scheduling import booking
from scheduling.course_booking import course_days, next_to_book, window_of
from scheduling.models import Appointment
from tests.factories import NOW, make_clinic, make_patient, make_practitioner, make_protocol, make_user
from treatments.courses import SessionsOutsideRange, plan_refresher
from treatments.models import Course

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
    assert scene.move(first, 0).starts_at == FIRST
    with pytest.raises(booking.OutsideWindow, match="Session 2 then fits from 17 February 2026"):
        scene.move(Appointment.objects.get(pk=first.pk), 1)


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


def test_course_days_asks_once(scene, django_assert_num_queries):
    scene.start(planned=3)
    for number in (1, 3):
        if number == 3:
            scene.book(2, 28)
            scene.book(3, 56)
        with django_assert_num_queries(1):
            assert len(course_days(scene.course)) == number
