"""Courses and their sessions."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from patients.models import Patient
from treatments.models import Course, CourseSession, Protocol, Zone


class SessionsOutsideRange(Exception):
    """More or fewer sessions than the protocol foresees."""

    def __init__(self, protocol: Protocol):
        super().__init__(protocol.code)
        self.message = _("%(protocol)s takes %(min)d to %(max)d sessions. Plan a number between them.") % {
            "protocol": protocol.name,
            "min": protocol.sessions_min,
            "max": protocol.sessions_max,
        }


def start_course(
    *, patient: Patient, protocol: Protocol, zones: Iterable[Zone], by, now: datetime, planned_sessions: int = 1
) -> CourseSession:
    """Start a course and return its first session. A single booking is a course of one.

    Raises SessionsOutsideRange when more than one session is planned and their number is not in the protocol's range.
    """
    if planned_sessions != 1 and not protocol.sessions_min <= planned_sessions <= protocol.sessions_max:
        raise SessionsOutsideRange(protocol)
    refreshers = protocol.refreshers_min_per_year if planned_sessions > 1 else None
    with transaction.atomic():
        course = Course.objects.create(
            patient=patient,
            protocol=protocol,
            planned_sessions=planned_sessions,
            refreshers_per_year=refreshers,
            created_at=now,
            created_by=by,
        )
        course.zones.set(zones)
        sessions = [CourseSession(course=course, number=number + 1) for number in range(planned_sessions)]
        return CourseSession.objects.bulk_create(sessions)[0]


def plan_refresher(*, course: Course) -> CourseSession:
    """Add a refresher after the last session of a course, or return the one that waits to be booked."""
    with transaction.atomic():
        last = course.sessions.select_for_update().order_by("-number").first()
        if last.kind == CourseSession.Kind.REFRESHER and not hasattr(last, "visit"):
            return last
        return CourseSession.objects.create(course=course, number=last.number + 1, kind=CourseSession.Kind.REFRESHER)
