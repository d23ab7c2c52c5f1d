"""What every worklist is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _

from clinic.models import Location
from clinic.times import local_date
from patients.models import Patient
from scheduling.links import Renewal
from scheduling.models import Appointment


@dataclass(frozen=True)
class Row:
    """Somebody who waits. `code` is the rule that holds a visit; `is_pressing` is for today, or overdue.

    Without an `appointment` there is nothing booked yet. With a `renewal` the patient's link can be sent anew;
    `called_url` is where to note that she was called.
    """

    patient: Patient
    appointment: Appointment | None
    why: str
    by_when: str
    is_pressing: bool
    action: str
    url: str
    code: str = ""
    phone: str = ""
    renewal: Renewal | None = None
    called_url: str = ""

    @property
    def name(self) -> str:
        return self.patient.name


@dataclass(frozen=True)
class Worklist:
    """In a list of offers nobody waits: its patients can be offered something, and nothing is late if they are not."""

    key: str
    title: str
    icon: str
    nothing: str
    rows: list[Row]
    is_offer: bool = False


@dataclass(frozen=True)
class Reading:
    """Where, when and for whom the lists are read."""

    location: Location
    now: datetime
    for_treating: bool

    def is_today(self, at: datetime) -> bool:
        return local_date(at, self.location.zone) == local_date(self.now, self.location.zone)

    def words(self, at: datetime) -> str:
        local, present = at.astimezone(self.location.zone), self.now.astimezone(self.location.zone)
        if self.is_today(at):
            return _("Today, %(time)s") % {"time": f"{local:%H:%M}"}
        return format_date(local, "D j M, H:i" if local.year == present.year else "D j M Y, H:i")


def visit_row(reading: Reading, appointment: Appointment, *, why: str, **others) -> Row:
    """Somebody to call about a visit to come, and the visit to open."""
    return Row(
        patient=appointment.patient,
        appointment=appointment,
        why=why,
        by_when=reading.words(appointment.starts_at),
        is_pressing=reading.is_today(appointment.starts_at),
        phone=appointment.patient.phone,
        action=_("Open the visit"),
        url=reverse("scheduling:appointment-show", args=[appointment.public_id]),
        **others,
    )


def rows_of(reading: Reading, waiting: QuerySet, row: Callable[[Reading, Appointment], Row]) -> list[Row]:
    return [row(reading, appointment) for appointment in waiting.with_everything()]
