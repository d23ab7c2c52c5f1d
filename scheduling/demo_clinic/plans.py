"""The plans of the clinical lead for those courses that may not begin without one."""

from datetime import datetime, timedelta

from scheduling.demo_clinic.appointments import Booked
from scheduling.demo_clinic.place import Place
from treatments.models import CoursePlan, Protocol

NOT_YET = timedelta(hours=1)


def store_plans(booked: list[Booked], *, place: Place, now: datetime) -> None:
    """Signed within a day of the first booking. The next course to begin still lacks its own, and cannot."""
    first = {each.course: each for each in reversed(booked) if each.protocol.needs_clinician_plan}
    ahead = [
        each
        for each in first.values()
        if each.appointment.starts_at > now + NOT_YET
        if not each.appointment.is_cancelled and not each.course.is_on_hold
    ]
    without = min(ahead, key=lambda each: each.appointment.starts_at, default=None)
    CoursePlan.objects.bulk_create(
        CoursePlan(
            course=each.appointment.session.course,
            text=_words(each.protocol),
            signed_at=_signed_at(each, now),
            signed_by=place.lead,
        )
        for each in first.values()
        if each is not without
    )


def _signed_at(first: Booked, now: datetime) -> datetime:
    booked_at = first.appointment.created_at
    return booked_at + min(timedelta(days=1), (min(now, first.appointment.starts_at) - booked_at) / 2)


def _words(protocol: Protocol) -> str:
    return (
        f"Begin at {protocol.depth_start_mm:.1f} mm in a small area, and wait for the answer of the skin.\n"
        f"Look at it together again after session {protocol.review_after}."
    )
