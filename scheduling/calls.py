"""The only writer of who waits for a call."""

from datetime import datetime

from django.db import transaction

from clinic.models import User
from scheduling.models import Appointment, CallRequest


def ask_for_call(*, appointment: Appointment, now: datetime) -> None:
    """Put the patient on reception's list, about her visit as it stands. Asked twice is asked once.

    Whose number is not known cannot be called, and is not put on it.
    """
    with transaction.atomic():
        stored = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
        if appointment.patient.phone_digits:
            asked = CallRequest(appointment=stored, revision=stored.revision, asked_at=now)
            CallRequest.objects.bulk_create([asked], ignore_conflicts=True)


def answer_call(*, appointment: Appointment, by: User, now: datetime) -> None:
    """Note that the patient was called; she may ask again."""
    CallRequest.objects.waiting().filter(appointment=appointment).update(answered_at=now, answered_by=by)
