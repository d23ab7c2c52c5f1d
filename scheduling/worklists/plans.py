"""Visits whose treatment the clinical lead plans before it begins."""

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from scheduling.models import Appointment
from scheduling.worklists.rows import Reading, Row

State = Appointment.State


def missing(reading: Reading) -> QuerySet:
    """First sessions to come whose course has no plan yet."""
    return Appointment.objects.of_locations([reading.location]).filter(
        state__in=(*State.AHEAD, State.ARRIVED),
        ends_at__gt=reading.now,
        session__number=1,
        session__course__protocol__needs_clinician_plan=True,
        session__course__plan=None,
    )


def missing_row(reading: Reading, appointment: Appointment) -> Row:
    course = appointment.session.course
    return Row(
        patient=appointment.patient,
        appointment=appointment,
        why=course.protocol.name,
        by_when=reading.words(appointment.starts_at),
        is_pressing=reading.is_today(appointment.starts_at),
        action=_("Open the course"),
        url=reverse("scheduling:course-show", args=[course.public_id]),
    )
