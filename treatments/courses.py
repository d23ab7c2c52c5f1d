"""Courses and their sessions."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from patients.models import Patient
from treatments.models import Course, CourseSession, Protocol, Zone


def start_course(
    *, patient: Patient, protocol: Protocol, zones: Iterable[Zone], by, now: datetime, planned_sessions: int = 1
) -> CourseSession:
    """Start a course and return its first session. A single booking is a course of one."""
    with transaction.atomic():
        course = Course.objects.create(
            patient=patient, protocol=protocol, planned_sessions=planned_sessions, created_at=now, created_by=by
        )
        course.zones.set(zones)
        return CourseSession.objects.create(course=course, number=1)
