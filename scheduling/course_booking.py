"""The sessions of a course in time: when each takes place, and the window in which the next one may."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from clinic.times import local_date
from scheduling.models import Appointment
from treatments import courses
from treatments.courses import CourseRefused
from treatments.models import Course, CourseSession
from treatments.windows import Window, refresher_window, refreshers_within_a_year, session_window

MOST_REFRESHERS_A_YEAR = 2  # the owner's document: one or two; for a third the clinical lead gives a reason


@dataclass(frozen=True)
class Conflict:
    """What a day would break: `session` would leave its `window`; without one, be one refresher too many in a year."""

    session: CourseSession
    window: Window | None


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
    if session.is_refresher:
        return refresher_window(previous=previous, per_year=course.refreshers_per_year or 1)
    return session_window(
        previous=previous,
        weeks_min=course.protocol.interval_weeks_min,
        weeks_typical=course.protocol.interval_weeks_typical,
        weeks_max=course.protocol.interval_weeks_max,
    )


def conflict_on(
    day: date, *, session: CourseSession, sessions: Collection[CourseSession], days: dict[int, date]
) -> Conflict | None:
    """What the course would break if `session` took place on `day`, or None. `sessions` are all of the course, `days`
    those on which they are.

    A session lies in the window that the one before opens, and leaves the one after in its own. No more refreshers than
    two lie within twelve months.
    """
    days = days | {session.number: day}
    for each in sessions:
        if each.number in (session.number, session.number + 1) and each.number in days:
            window = window_of(each, days)
            if window and days[each.number] not in window:
                return Conflict(each, window)
    if session.is_refresher:
        refreshers = [each for each in sessions if each.is_refresher and each.number in days]
        for each in refreshers:
            year_of = days[each.number]
            earlier = [days[other.number] for other in refreshers if other.number < each.number]
            is_touched = each.number == session.number or (
                each.number > session.number and refreshers_within_a_year(day=year_of, earlier=[day])
            )
            if is_touched and refreshers_within_a_year(day=year_of, earlier=earlier) >= MOST_REFRESHERS_A_YEAR:
                return Conflict(each, None)
    return None


def plan_refresher(*, course: Course, per_year: int) -> CourseSession:
    """Add a refresher once every session before it is booked or done, or return the one that waits to be booked.

    Raises CourseRefused as `treatments.courses` does, and while a planned session has no time yet.
    """
    waiting = next_to_book(course, course_days(course))
    if waiting and not waiting.is_refresher:
        raise CourseRefused(
            _("Session %(number)d has no time yet. Refreshers follow the whole course.") % {"number": waiting.number}
        )
    return courses.plan_refresher(course=course, per_year=per_year)


def next_to_book(course: Course, days: dict[int, date]) -> CourseSession | None:
    """The first session of the course that has no time yet. One query."""
    return course.sessions.select_related("course__protocol").exclude(number__in=days).order_by("number").first()
