"""What waits for somebody at one location: each list says who waits and why, by when, and where to see to it.

A row leaves its list when what it waits for has happened; nothing is ticked off here. Reception learns that a visit is
on hold and until when; why stands only in lists read `for_treating`, as does what waits for a signature.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _

from clinic.models import Location
from clinic.times import local_date
from scheduling.models import Appointment, Reminder
from treatments.catalogue import Outcome
from treatments.decisions import standing
from treatments.models import Screening, Visit

State = Appointment.State

# A confirmation is asked for by phone in the week before the visit.
DAYS_TO_PHONE = timedelta(days=7)
# How long after a visit a refused mail about it is still worth a call, whatever it said.
DAYS_TO_CATCH_UP = timedelta(days=2)


@dataclass(frozen=True)
class Row:
    """One appointment that waits. `code` is the rule that holds it; `is_pressing` is for today, or overdue."""

    appointment: Appointment
    why: str
    by_when: str
    is_pressing: bool
    action: str
    url: str
    code: str = ""
    phone: str = ""

    @property
    def name(self) -> str:
        return self.appointment.patient.name


@dataclass(frozen=True)
class Worklist:
    key: str
    title: str
    icon: str
    nothing: str
    rows: list[Row]


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


def read_worklists(*, location: Location, now: datetime, for_treating: bool) -> list[Worklist]:
    """All lists of a location, what is most urgent first in each. A constant number of queries."""
    reading = Reading(location, now, for_treating)
    lists = [
        Worklist(
            "screening",
            _("Screening to review"),
            "shield-alert",
            _("No visit waits for a decision."),
            _rows(reading, _held(reading), _held_row),
        )
    ]
    if for_treating:
        lists.append(
            Worklist(
                "unsigned",
                _("Unsigned records"),
                "file-pen-line",
                _("Every record is signed."),
                _rows(reading, _unsigned(reading), _unsigned_row),
            )
        )
    return [
        *lists,
        Worklist(
            "mails",
            _("Failed mails"),
            "mail-warning",
            _("No mail was refused."),
            _rows(reading, _refused(reading), _refused_row),
        ),
        Worklist(
            "phone",
            _("To confirm by phone"),
            "phone",
            _("Nobody has to be phoned about the next 7 days."),
            _rows(reading, _to_phone(reading), _to_phone_row),
        ),
    ]


def count_waiting(*, location: Location, now: datetime, for_treating: bool) -> int:
    """How many rows all lists have together, in one query."""
    reading = Reading(location, now, for_treating)
    held, *others = [
        waiting.order_by().values("pk")
        for waiting in (
            _held(reading),
            _refused(reading),
            _to_phone(reading),
            *([_unsigned(reading)] if for_treating else []),
        )
    ]
    return held.union(*others, all=True).count()


def _rows(reading: Reading, waiting: QuerySet, row: Callable[[Reading, Appointment], Row]) -> list[Row]:
    return [row(reading, appointment) for appointment in waiting.with_everything()]


# --- Screening to review ----------------------------------------------------------------------------------------------


def _is_held() -> Exists:
    return Exists(Screening.objects.newest_in_the_way().filter(session=OuterRef("session")))


def _held(reading: Reading) -> QuerySet:
    screenings = Screening.objects.newest_in_the_way().defer("answers")
    if reading.for_treating:
        screenings = screenings.prefetch_related("findings")
    return (
        Appointment.objects.of_locations([reading.location])
        .filter(_is_held(), state__in=(*State.AHEAD, State.ARRIVED), ends_at__gt=reading.now)
        .prefetch_related(Prefetch("session__screenings", queryset=screenings, to_attr="screenings_in_the_way"))
    )


def _held_row(reading: Reading, appointment: Appointment) -> Row:
    [screening] = appointment.session.screenings_in_the_way
    code, why = _found(screening) if reading.for_treating else ("", _light(screening, reading))
    is_here = appointment.state == State.ARRIVED
    page = "scheduling:checkin-show" if is_here else "scheduling:appointment-show"
    return Row(
        appointment=appointment,
        code=code,
        why=why,
        by_when=reading.words(appointment.starts_at),
        is_pressing=reading.is_today(appointment.starts_at),
        action=_("Open the check-in") if is_here else _("Open the visit"),
        url=reverse(page, args=[appointment.public_id]),
    )


def _light(screening: Screening, reading: Reading) -> str:
    if screening.not_before:
        day = format_date(screening.not_before.astimezone(reading.location.zone), "j F Y")
        return _("Not before %(day)s") % {"day": day}
    return _("On hold")


def _found(screening: Screening) -> tuple[str, str]:
    """The code of the rule that weighs most, and what it said; the codes of the others after it."""
    worst, *others = sorted(standing(screening.findings.all()), key=lambda found: -Outcome(found.outcome).severity)
    if not others:
        return worst.rule_code, worst.reason
    codes = ", ".join(found.rule_code for found in others)
    return worst.rule_code, _("%(reason)s Also %(codes)s.") % {"reason": worst.reason, "codes": codes}


# --- Unsigned records -------------------------------------------------------------------------------------------------


def _unsigned(reading: Reading) -> QuerySet:
    return (
        Appointment.objects.of_locations([reading.location])
        .taking_time()
        .filter(session__visit__in=Visit.objects.unsigned())
        .select_related("session__visit__practitioner__user")
        .order_by("session__visit__ended_at", "pk")
    )


def _unsigned_row(reading: Reading, appointment: Appointment) -> Row:
    visit = appointment.session.visit
    return Row(
        appointment=appointment,
        why=_("Treated by %(name)s") % {"name": visit.practitioner.name},
        by_when=_("Ended: %(when)s") % {"when": reading.words(visit.ended_at)},
        is_pressing=not reading.is_today(visit.ended_at),
        action=_("Open the record"),
        url=reverse("scheduling:visit-show", args=[appointment.public_id]),
    )


# --- Failed mails -----------------------------------------------------------------------------------------------------


def _refused(reading: Reading) -> QuerySet:
    refused = Reminder.objects.refused()
    worth_a_call = refused.filter(
        Q(appointment__ends_at__gt=reading.now - DAYS_TO_CATCH_UP) | Q(mail__expires_at__gt=reading.now)
    )
    return (
        Appointment.objects.of_locations([reading.location])
        .filter(Exists(worth_a_call.filter(appointment=OuterRef("pk"))))
        .prefetch_related(Prefetch("reminders", queryset=refused, to_attr="refused_reminders"))
    )


def _refused_row(reading: Reading, appointment: Appointment) -> Row:
    last = appointment.refused_reminders[-1]
    return Row(
        appointment=appointment,
        why=_("Refused: %(mail)s") % {"mail": last.get_kind_display()},
        by_when=reading.words(appointment.starts_at),
        is_pressing=reading.is_today(appointment.starts_at),
        phone=appointment.patient.phone,
        action=_("Open the visit"),
        url=reverse("scheduling:appointment-show", args=[appointment.public_id]),
    )


# --- To confirm by phone ----------------------------------------------------------------------------------------------


def _to_phone(reading: Reading) -> QuerySet:
    """Not those whose visit waits for a decision: it cannot be confirmed before."""
    return Appointment.objects.of_locations([reading.location]).filter(
        ~_is_held(),
        state=State.BOOKED,
        starts_at__gt=reading.now,
        starts_at__lte=reading.now + DAYS_TO_PHONE,
        session__course__patient__email="",
    )


def _to_phone_row(reading: Reading, appointment: Appointment) -> Row:
    return Row(
        appointment=appointment,
        why=_("No e-mail address"),
        by_when=reading.words(appointment.starts_at),
        is_pressing=reading.is_today(appointment.starts_at),
        phone=appointment.patient.phone,
        action=_("Open the visit"),
        url=reverse("scheduling:appointment-show", args=[appointment.public_id]),
    )
