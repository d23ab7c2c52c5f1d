"""The only writer of who waits for a call."""

from datetime import datetime

from django.db import transaction

from clinic.models import Location, User
from patients.models import Patient
from scheduling.models import Appointment, CallRequest


def ask_for_call(*, appointment: Appointment, now: datetime, by: User | None = None) -> None:
    """Put the patient on the list of calls, about her visit as it stands. Asked twice is asked once.

    Without `by` she asks herself; with it, somebody asks a clinician to call. Whose number is not known cannot be
    called, and is not put on it.
    """
    with transaction.atomic():
        stored = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
        if appointment.patient.phone_digits:
            _ask(CallRequest(appointment=stored, revision=stored.revision, asked_at=now, asked_by=by))


def ask_lead_to_call(*, patient: Patient, location: Location, by: User, now: datetime) -> None:
    """Put a patient on the list for whom nothing can be booked at a location. Asked twice is asked once.

    Whose number is not known cannot be called, and is not put on it.
    """
    if patient.phone_digits:
        _ask(CallRequest(patient=patient, location=location, asked_at=now, asked_by=by))


def _ask(request: CallRequest) -> None:
    CallRequest.objects.bulk_create([request], ignore_conflicts=True)


def answer_call(*, appointment: Appointment, by: User, now: datetime) -> None:
    """Note that the patient was called; she may ask again."""
    CallRequest.objects.waiting().filter(appointment=appointment).update(answered_at=now, answered_by=by)


def answer_call_of_lead(*, patient: Patient, location: Location, by: User, now: datetime) -> None:
    """Note that a patient was called for whom nothing could be booked; she may be put on the list again."""
    waiting = CallRequest.objects.waiting().about_no_visit(location).filter(patient=patient)
    waiting.update(answered_at=now, answered_by=by)
