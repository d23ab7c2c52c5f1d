"""What a patient is or was told about her visits, as staff read it beside them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from clinic.models import Location, OutgoingMail
from patients.models import Patient
from scheduling.models import Appointment, Reminder

State = Reminder.State


@dataclass(frozen=True)
class Message:
    """A line of the side panel: what a patient is or was told, how far it has come, and since or from when."""

    kind: str
    words: str
    at: datetime
    needs_a_call: bool = False
    visit_at: datetime | None = None


def messages_for(appointment: Appointment) -> list[Message]:
    """All that was ever planned for an appointment, oldest first, in one query."""
    has_address = bool(appointment.patient.email)
    return [
        Message(reminder.get_kind_display(), *_progress(reminder, has_address))
        for reminder in appointment.reminders.select_related("mail")
    ]


def messages_to(patient: Patient, *, locations: Collection[Location], limit: int) -> list[Message]:
    """The newest that was planned for a patient's visits at the locations, newest first, in one query."""
    newest = (
        Reminder.objects.filter(appointment__session__course__patient=patient, appointment__location__in=locations)
        .select_related("mail", "appointment")
        .order_by("-due_at", "-pk")[:limit]
    )
    return [
        Message(
            reminder.get_kind_display(),
            *_progress(reminder, bool(patient.email)),
            visit_at=reminder.appointment.starts_at,
        )
        for reminder in newest
    ]


def _progress(reminder: Reminder, has_address: bool) -> tuple[str, datetime, bool]:
    mail = reminder.mail
    Status = OutgoingMail.Status
    if reminder.state == State.WITHDRAWN:
        return _("Withdrawn before it left"), reminder.due_at, False
    if reminder.state in (State.PLANNED, State.SKIPPED) and not has_address:
        return _("No e-mail address: please phone"), reminder.due_at, True
    if reminder.state == State.SKIPPED:
        return _("Left out, because it had lost its point"), reminder.due_at, False
    if reminder.state == State.PLANNED:
        return _("Planned"), reminder.due_at, False
    if mail.status == Status.SENT:
        return _("Sent, perhaps twice") if mail.is_repeat else _("Sent"), mail.sent_at, False
    if mail.status == Status.FAILED:
        return _("The address was refused: please phone"), mail.due_at, True
    if mail.status == Status.EXPIRED:
        return _("It could not leave in time: please phone"), mail.due_at, True
    return _("Not accepted yet, trying again") if mail.last_error else _("On its way"), mail.due_at, False
