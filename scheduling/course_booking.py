"""The sessions of a course in time: when each takes place, and the window in which the next one may."""

from datetime import date

from clinic.times import local_date
from scheduling.models import Appointment
from treatments.models import Course, CourseSession
from treatments.windows import Window, refresher_window, session_window


def course_days(course: Course) -> dict[int, date]:
    """The local day of each session that is booked or done, by its number. One query."""
    appointments = (
        Appointment.objects.taking_time().filter(session__course=course).select_related("session", "location")
    )
    return {each.session.number: local_date(each.starts_at, each.location.zone) for each in appointments}


def window_of(session: CourseSession, days: dict[int, date]) -> Window | None:
    """The window that the session before opens. None for the first session, and while that one is not booked."""
    previous = days.get(session.number - 1)
    if previous is None:
        return None
    course = session.course
    if session.kind == CourseSession.Kind.REFRESHER:
        return refresher_window(previous=previous, per_year=course.refreshers_per_year or 1)
    return session_window(
        previous=previous,
        weeks_min=course.protocol.interval_weeks_min,
        weeks_typical=course.protocol.interval_weeks_typical,
        weeks_max=course.protocol.interval_weeks_max,
    )


def next_to_book(course: Course, days: dict[int, date]) -> CourseSession | None:
    """The first session of the course that has no time yet. One query."""
    return course.sessions.select_related("course__protocol").exclude(number__in=days).order_by("number").first()
