"""A new link for a patient who cannot open hers: she lost the mail, or five wrong dates of birth have locked it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.models import User
from scheduling.booking import BookingRefused, ChangedMeanwhile
from scheduling.models import Appointment, PatientAnswers
from scheduling.reminders import mail_new_link


class NoAddress(BookingRefused):
    """There is no e-mail address that a link could be sent to."""


@dataclass(frozen=True)
class Renewal:
    """A link that can be sent anew; `seen` is the public id of the newest one, empty while there is none."""

    seen: str
    has_address: bool


def renewal_of(appointment: Appointment, now: datetime) -> Renewal | None:
    """None for a visit that needs no link any more. One query, unless the links are prefetched."""
    if not _is_to_come(appointment, now):
        return None
    newest = next(iter(appointment.links.all()), None)
    return Renewal(str(newest.public_id) if newest else "", bool(appointment.patient.email))


def send_new_link(*, appointment: Appointment, seen: UUID | None, by: User, now: datetime) -> None:
    """End the links of a visit and mail a new one. What was typed behind the newest goes on behind it.

    `seen` is the newest link that whoever sends it saw, so that sending it twice sends one. Raises ChangedMeanwhile
    when there is a newer one or the visit is no longer to come, and NoAddress.
    """
    with transaction.atomic():
        stored = (
            Appointment.objects.select_for_update(of=("self",), no_key=True).with_everything().get(pk=appointment.pk)
        )
        if not _is_to_come(stored, now):
            raise ChangedMeanwhile(_("This visit has begun or is cancelled, so its patient needs no link."))
        if not stored.patient.email:
            raise NoAddress(_("There is no e-mail address on file. Enter it with the patient, then send the link."))
        links = list(stored.links.all())
        if (links[0].public_id if links else None) != seen:
            raise ChangedMeanwhile(_("A newer link has left meanwhile. The messages of the visit show it."))
        new = mail_new_link(appointment=stored, now=now)
        PatientAnswers.objects.filter(link__in=links[:1], link__purpose=new.purpose).update(link=new)
        for link in links:
            link.expires_at = min(link.expires_at, now)
            link.save(update_fields=["expires_at"])


def _is_to_come(appointment: Appointment, now: datetime) -> bool:
    return appointment.state in Appointment.State.AHEAD and now < appointment.starts_at
