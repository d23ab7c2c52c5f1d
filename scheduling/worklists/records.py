"""Visits that ended and are not signed."""

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from scheduling.models import Appointment
from scheduling.worklists.rows import Reading, Row
from treatments.models import Visit


def unsigned(reading: Reading) -> QuerySet:
    return (
        Appointment.objects.of_locations([reading.location])
        .taking_time()
        .filter(session__visit__in=Visit.objects.unsigned())
        .select_related("session__visit__practitioner__user")
        .order_by("session__visit__ended_at", "pk")
    )


def unsigned_row(reading: Reading, appointment: Appointment) -> Row:
    visit = appointment.session.visit
    return Row(
        patient=appointment.patient,
        appointment=appointment,
        why=_("Treated by %(name)s") % {"name": visit.practitioner.name},
        by_when=_("Ended: %(when)s") % {"when": reading.words(visit.ended_at)},
        is_pressing=not reading.is_today(visit.ended_at),
        action=_("Open the record"),
        url=reverse("scheduling:visit-show", args=[appointment.public_id]),
    )
