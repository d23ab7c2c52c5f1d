"""Whom to call: who asked for it, after a refused mail or a locked link, or because there is no other way."""

from datetime import timedelta

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from scheduling.links import renewal_of
from scheduling.models import Appointment, CallRequest, PatientLink, Reminder
from scheduling.worklists.rows import Reading, Row, visit_row
from scheduling.worklists.screenings import is_held

State = Appointment.State


# A confirmation is asked for by phone in the week before the visit.
DAYS_TO_PHONE = timedelta(days=7)
# How long after a visit a refused mail about it is still worth a call, whatever it said.
DAYS_TO_CATCH_UP = timedelta(days=2)


def asked(reading: Reading) -> QuerySet:
    waiting = CallRequest.objects.waiting().select_related("asked_by")
    return (
        Appointment.objects.of_locations([reading.location])
        .filter(Exists(waiting.filter(appointment=OuterRef("pk"))), starts_at__gt=reading.now)
        .prefetch_related(Prefetch("call_requests", queryset=waiting, to_attr="waiting_requests"))
    )


def asked_row(reading: Reading, appointment: Appointment) -> Row:
    [request] = appointment.waiting_requests
    asked = {"at": reading.words(request.asked_at), "name": request.asked_by and request.asked_by.name}
    why = _("For a clinician, asked by %(name)s: %(at)s") if request.asked_by else _("Asked: %(at)s")
    return visit_row(reading, appointment, why=why % asked)


def not_bookable(reading: Reading) -> QuerySet:
    """Patients for whom nothing can be booked, and whom the clinical lead calls."""
    return CallRequest.objects.waiting().about_no_visit(reading.location).select_related("patient", "asked_by")


def not_bookable_row(reading: Reading, call: CallRequest) -> Row:
    why = _("Nothing can be booked. For the clinical lead")
    if call.asked_by:  # who asked for the first ones was not kept
        why = _("Nothing can be booked. For the clinical lead, asked by %(name)s") % {"name": call.asked_by.name}
    return Row(
        patient=call.patient,
        appointment=None,
        why=why,
        by_when=_("Asked: %(at)s") % {"at": reading.words(call.asked_at)},
        is_pressing=not reading.is_today(call.asked_at),
        phone=call.patient.phone,
        called_url=reverse("scheduling:patient-called", args=[call.patient.public_id]),
        action=_("Open the patient"),
        url=reverse("patients:patient-show", args=[call.patient.public_id]),
    )


def refused(reading: Reading) -> QuerySet:
    refused = Reminder.objects.refused()
    worth_a_call = refused.filter(
        Q(appointment__ends_at__gt=reading.now - DAYS_TO_CATCH_UP) | Q(mail__expires_at__gt=reading.now)
    )
    return (
        Appointment.objects.of_locations([reading.location])
        .filter(Exists(worth_a_call.filter(appointment=OuterRef("pk"))))
        .prefetch_related(Prefetch("reminders", queryset=refused, to_attr="refused_reminders"))
    )


def refused_row(reading: Reading, appointment: Appointment) -> Row:
    last = appointment.refused_reminders[-1]
    return visit_row(reading, appointment, why=_("Refused: %(mail)s") % {"mail": last.get_kind_display()})


def locked(reading: Reading) -> QuerySet:
    """Somebody tried too many dates of birth behind a link, and the visit is still to come."""
    locked = PatientLink.objects.filter(appointment=OuterRef("pk"), locked_at__isnull=False, expires_at__gt=reading.now)
    return (
        Appointment.objects.of_locations([reading.location])
        .filter(Exists(locked), state__in=State.AHEAD, starts_at__gt=reading.now)
        .prefetch_related("links")
    )


def locked_row(reading: Reading, appointment: Appointment) -> Row:
    why = _("Five wrong dates of birth. Call, and compare the date on file")
    return visit_row(reading, appointment, why=why, renewal=renewal_of(appointment, reading.now))


def to_phone(reading: Reading) -> QuerySet:
    """Not those whose visit waits for a decision: it cannot be confirmed before."""
    return Appointment.objects.of_locations([reading.location]).filter(
        ~is_held(),
        state=State.BOOKED,
        starts_at__gt=reading.now,
        starts_at__lte=reading.now + DAYS_TO_PHONE,
        session__course__patient__email="",
    )


def to_phone_row(reading: Reading, appointment: Appointment) -> Row:
    return visit_row(reading, appointment, why=_("No e-mail address"))
