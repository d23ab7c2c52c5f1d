"""The only writer of appointments and of what they take.

Every function locks, checks, writes and commits in one short transaction. Whoever may take the same time waits for the
same rows in the same order (practitioner, rooms, devices, patient); the constraints on `Occupancy` have the last word.
A refusal is a `BookingRefused` whose words can be shown to staff as they are, reception included.
"""

import uuid
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps

from django.db import IntegrityError, OperationalError, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.models import Device, Location, Practitioner, Room
from clinic.times import local_date
from patients.models import Patient
from scheduling import reminders
from scheduling.intervals import needling_days
from scheduling.models import Appointment, Occupancy
from scheduling.slots import (
    LONGEST_LEAD_DAYS,
    Slot,
    free_places,
    nearest_slots,
    needs_of_protocol,
    practitioners_of,
    seconds,
    working_windows,
)
from treatments.catalogue import Stage
from treatments.courses import start_course
from treatments.models import Protocol, Zone
from treatments.screenings import screen_patient, screen_session


class BookingRefused(Exception):
    """The booking was not made and nothing was changed. `message` says why and what to do."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


class Taken(BookingRefused):
    """Somebody or something is taken at that time; `alternatives` are the nearest free times."""

    def __init__(self, message: str, alternatives: Iterable[Slot] = ()):
        super().__init__(message)
        self.alternatives = list(alternatives)


class OutsideHours(BookingRefused):
    """The practitioner does not work then, or the clinic is closed."""


class InThePast(BookingRefused):
    """The start is not ahead of now."""


class NotEligible(BookingRefused):
    """The screening stands in the way; `not_before` is the first possible moment, or None while there is no date."""

    def __init__(self, message: str, not_before: datetime | None):
        super().__init__(message)
        self.not_before = not_before


class TooSoon(BookingRefused):
    """Closer than the minimum interval to another needling of the same zone."""


class OnHold(BookingRefused):
    """The screening waits for a decision."""


class ChangedMeanwhile(BookingRefused):
    """Somebody else changed the appointment since it was read."""


@dataclass(frozen=True)
class _Wish:
    """A visit that somebody would like to have."""

    patient: Patient
    protocol: Protocol
    zones: tuple[Zone, ...]
    location: Location
    practitioner: Practitioner
    starts_at: datetime
    now: datetime
    ignoring: Appointment | None = None

    @classmethod
    def again(cls, appointment: Appointment, *, now, practitioner=None, starts_at=None) -> "_Wish":
        """The visit of an appointment that exists, perhaps at another time or with somebody else."""
        course = appointment.session.course
        return cls(
            patient=course.patient,
            protocol=course.protocol,
            zones=tuple(course.zones.all()),
            location=appointment.location,
            practitioner=practitioner or appointment.practitioner,
            starts_at=starts_at or appointment.starts_at,
            now=now,
            ignoring=appointment,
        )


def _once_more_after_deadlock(writer):
    """PostgreSQL ends a deadlock by failing one side, which may simply try again; once is enough."""

    @wraps(writer)
    def persistent_writer(**arguments):
        try:
            return writer(**arguments)
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) != "40P01" or transaction.get_connection().in_atomic_block:
                raise
            return writer(**arguments)

    return persistent_writer


@_once_more_after_deadlock
def book_appointment(
    *,
    patient: Patient,
    protocol: Protocol,
    zones: Iterable[Zone],
    location: Location,
    practitioner: Practitioner,
    starts_at: datetime,
    by,
    now: datetime,
    room: Room | None = None,
    device: Device | None = None,
    key: uuid.UUID | None = None,
) -> Appointment:
    """Book a course of one at `starts_at` (UTC). Without `room` and `device` the first free ones are taken.

    `key` makes a repeated call harmless: it becomes the appointment's public id, and the second call returns the first
    one's appointment. Raises a BookingRefused: Taken, OutsideHours, InThePast, NotEligible or TooSoon.
    """
    wish = _Wish(patient, protocol, tuple(zones), location, practitioner, starts_at, now)
    with _telling_what_is_free(wish), transaction.atomic():
        _lock_resources(wish)
        if key and (earlier := Appointment.objects.with_everything().filter(public_id=key).first()):
            if earlier.patient != patient:
                raise ChangedMeanwhile(_("Another visit was booked with this form. Open the page again."))
            return earlier
        _check(wish)
        appointment = Appointment(
            public_id=key or uuid.uuid4(),
            session=start_course(patient=patient, protocol=protocol, zones=wish.zones, by=by, now=now),
            created_at=now,
            created_by=by,
        )
        _place(appointment, wish, by=by, room=room, device=device)
        patient.locations.add(location)
        reminders.plan_for_booking(appointment=appointment, now=now)
        return appointment


@_once_more_after_deadlock
def move_appointment(
    *, appointment: Appointment, starts_at: datetime, practitioner: Practitioner, revision: int, by, now: datetime
) -> Appointment:
    """Move an appointment to another start or practitioner; its room and device stay where they are free then.

    `revision` is the one that the mover saw. Raises as `book_appointment` does, and ChangedMeanwhile.
    """
    wish = _Wish.again(appointment, now=now, practitioner=practitioner, starts_at=starts_at)
    with _telling_what_is_free(wish), transaction.atomic():
        moving = _locked(appointment, revision)
        if moving.is_cancelled:
            raise ChangedMeanwhile(_("This appointment is cancelled. Put it back first, then move it."))
        _lock_resources(wish)
        _check(wish)
        moving.occupancies.all().delete()
        moving.revision += 1
        _place(moving, wish, by=by, room=moving.room, device=moving.device, is_place_open=True)
        reminders.plan_for_move(appointment=moving, now=now)
        return moving


@_once_more_after_deadlock
def reactivate_appointment(*, appointment: Appointment, revision: int, by, now: datetime) -> Appointment:
    """Put a cancelled appointment back at its old time. Raises as `book_appointment` does, and ChangedMeanwhile."""
    wish = _Wish.again(appointment, now=now)
    with _telling_what_is_free(wish), transaction.atomic():
        back = _locked(appointment, revision)
        if not back.is_cancelled:
            raise ChangedMeanwhile(_("This appointment stands already."))
        _lock_resources(wish)
        if back.session.appointments.taking_time().exists():
            raise ChangedMeanwhile(_("This session was booked again meanwhile. Open the newer appointment."))
        _check(wish)
        back.revision += 1
        _place(back, wish, by=by, room=back.room, device=back.device, is_place_open=True)
        reminders.plan_for_reactivation(appointment=back, now=now)
        return back


@_once_more_after_deadlock
def cancel_appointment(*, appointment: Appointment, revision: int, by, now: datetime) -> Appointment:
    """Cancel an appointment and give its time back. Raises ChangedMeanwhile, also when it is cancelled already."""
    with transaction.atomic():
        cancelled = _locked(appointment, revision)
        if cancelled.is_cancelled:
            raise ChangedMeanwhile(_("This appointment is cancelled already."))
        cancelled.occupancies.all().delete()
        cancelled.state = Appointment.State.CANCELLED
        cancelled.revision += 1
        cancelled.save(update_fields=["state", "revision"])
        reminders.plan_for_cancel(appointment=cancelled, now=now)
        return cancelled


@_once_more_after_deadlock
def confirm_appointment(*, appointment: Appointment, revision: int, by, now: datetime) -> Appointment:
    """The patient said that she comes. Confirming twice changes nothing. Raises OnHold and ChangedMeanwhile."""
    with transaction.atomic():
        confirmed = _locked(appointment, revision)
        if confirmed.is_cancelled:
            raise ChangedMeanwhile(_("This appointment is cancelled. Put it back first, then confirm it."))
        light = confirmed.session.screenings.newest_first().select_related("decision").first()
        if light and light.stands_in_the_way:
            raise OnHold(_("The screening is not decided yet. Confirm the visit when it is."))
        if confirmed.state != Appointment.State.CONFIRMED:
            confirmed.state = Appointment.State.CONFIRMED
            confirmed.save(update_fields=["state"])
        return confirmed


@_once_more_after_deadlock
def change_places(
    *,
    appointment: Appointment,
    room: Room,
    device: Device,
    seen: tuple[Room, Device],
    revision: int,
    by,
    now: datetime,
) -> Appointment:
    """Take another room or device for the same time. The patient need not be told, so the revision stays.

    `seen` are the places that whoever changes them saw. Raises Taken when a wished place is not free, and
    ChangedMeanwhile when somebody changed the appointment or its places since they were read.
    """
    wish = _Wish.again(appointment, now=now)
    try:
        with transaction.atomic():
            placed = _locked(appointment, revision)
            if placed.is_cancelled or (placed.room, placed.device) != seen:
                raise ChangedMeanwhile(_("Somebody else changed this appointment meanwhile. Look at it again."))
            _lock_resources(wish)
            placed.room, placed.device = _choose_places(wish, room, device, is_place_open=False)
            placed.occupancies.all().delete()
            placed.save(update_fields=["room", "device"])
            Occupancy.objects.bulk_create(compose_occupancies(placed))
            return placed
    except IntegrityError as error:
        raise Taken(_sentence_of(error)) from error


def _locked(appointment: Appointment, revision: int) -> Appointment:
    """The appointment as it stands, locked. Raises ChangedMeanwhile unless it is still at `revision`."""
    stored = Appointment.objects.select_for_update(of=("self",)).with_everything().get(pk=appointment.pk)
    if stored.revision != revision:
        raise ChangedMeanwhile(_("Somebody else changed this appointment meanwhile. Look at it again."))
    return stored


def _lock_resources(wish: _Wish) -> None:
    """Wait for everybody else who may take the same time. Always in this order, or two would wait for each other."""
    for rows in (
        Practitioner.objects.filter(pk=wish.practitioner.pk),
        Room.objects.filter(location=wish.location),
        Device.objects.filter(location=wish.location),
        Patient.objects.filter(pk=wish.patient.pk),
    ):
        list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def _check(wish: _Wish) -> None:
    _check_start(wish)
    _check_hours(wish)
    _check_screening(wish)
    _check_interval(wish)


def _check_start(wish: _Wish) -> None:
    if wish.starts_at <= wish.now:
        raise InThePast(_("This time has passed. Choose a later one."))
    if wish.starts_at > wish.now + timedelta(days=LONGEST_LEAD_DAYS):
        raise OutsideHours(_("This date is more than two years ahead. Choose an earlier one."))


def _check_hours(wish: _Wish) -> None:
    """The whole visit lies within one stretch of work, so that nobody sits numbed and alone over a break."""
    start = seconds(wish.starts_at)
    end = start + needs_of_protocol(wish.protocol).patient[1]
    ends_at = wish.starts_at + timedelta(seconds=end - start)
    if not practitioners_of(wish.location).filter(pk=wish.practitioner.pk).exists():
        raise OutsideHours(_("This practitioner does not treat here. Choose another one."))
    day = local_date(wish.starts_at, wish.location.zone)
    windows = working_windows(location=wish.location, practitioners=[wish.practitioner], first_day=day, days=1)
    is_at_work = any(opens <= start and end <= closes for opens, closes in windows[wish.practitioner.pk])
    if not is_at_work or wish.practitioner.time_off.overlapping(wish.starts_at, ends_at).exists():
        raise OutsideHours(_("The practitioner does not work then. Choose a time within working hours."))


def _check_screening(wish: _Wish) -> None:
    zone = wish.location.zone
    result = screen_patient(
        patient=wish.patient, protocol=wish.protocol, stage=Stage.BOOKING, start=wish.starts_at, zone=zone
    )
    if not result.outcome.is_blocking:
        return
    if result.not_before is None:
        raise NotEligible(_("The screening does not allow a booking now. Ask the clinical lead."), None)
    day = date_format(local_date(result.not_before, zone), "j F Y")
    raise NotEligible(
        _("The screening allows no visit before %(day)s. Choose that day or a later one.") % {"day": day},
        result.not_before,
    )


def _check_interval(wish: _Wish) -> None:
    zone = wish.location.zone
    day = local_date(wish.starts_at, zone)
    for needling in needling_days(
        patient=wish.patient, protocol=wish.protocol, zones=wish.zones, zone=zone, ignoring=wish.ignoring
    ):
        if needling.is_too_close_to(day):
            raise TooSoon(
                _("The same skin is treated on %(day)s. Keep %(days)d days between the two visits.")
                % {"day": date_format(needling.day, "j F Y"), "days": needling.days_apart}
            )


def _place(appointment: Appointment, wish: _Wish, *, by, room, device, is_place_open: bool = False) -> None:
    """Write the appointment at its place and time, with all that it takes and a screening for that start."""
    appointment.location = wish.location
    appointment.practitioner = wish.practitioner
    appointment.starts_at = wish.starts_at
    appointment.ends_at = wish.starts_at + timedelta(seconds=needs_of_protocol(wish.protocol).patient[1])
    appointment.state = Appointment.State.BOOKED
    appointment.room, appointment.device = _choose_places(wish, room, device, is_place_open=is_place_open)
    appointment.save()
    Occupancy.objects.bulk_create(compose_occupancies(appointment))
    screen_session(
        session=appointment.session,
        stage=Stage.BOOKING,
        start=wish.starts_at,
        zone=wish.location.zone,
        by=by,
        now=wish.now,
    )


def _choose_places(wish: _Wish, room, device, *, is_place_open: bool) -> tuple[Room, Device]:
    """The wished room and device; the first free ones where none is wished, or where the wish `is_place_open`."""
    chosen = []
    free = free_places(
        location=wish.location, needs=needs_of_protocol(wish.protocol), start=wish.starts_at, ignoring=wish.ignoring
    )
    taken = (_("No room is free at that time."), _("No device is free at that time."))
    for wished, available, sentence in zip((room, device), free, taken, strict=True):
        if wished in available:
            chosen.append(wished)
        elif available and (wished is None or is_place_open):
            chosen.append(available[0])
        else:
            raise Taken(sentence if wished is None else _("%(place)s is taken at that time.") % {"place": wished})
    return tuple(chosen)


def compose_occupancies(appointment: Appointment) -> list[Occupancy]:
    """All that an appointment takes, not stored yet."""
    needs = needs_of_protocol(appointment.session.course.protocol)
    taken = [
        *(("practitioner", appointment.practitioner, span) for span in needs.practitioner),
        ("room", appointment.room, needs.room),
        ("device", appointment.device, needs.device),
        ("patient", appointment.patient, needs.patient),
    ]
    return [
        Occupancy(
            appointment=appointment,
            starts_at=appointment.starts_at + timedelta(seconds=span[0]),
            ends_at=appointment.starts_at + timedelta(seconds=span[1]),
            **{resource: taker},
        )
        for resource, taker, span in taken
    ]


@contextmanager
def _telling_what_is_free(wish: _Wish):
    """Turn the database's refusal into Taken, and give every Taken the nearest free times, read after the rollback."""
    try:
        yield
    except IntegrityError as error:
        raise Taken(_sentence_of(error), _alternatives(wish)) from error
    except Taken as error:
        error.alternatives = _alternatives(wish)
        raise


def _alternatives(wish: _Wish) -> list[Slot]:
    not_before = screen_patient(
        patient=wish.patient,
        protocol=wish.protocol,
        stage=Stage.BOOKING,
        start=wish.now,
        zone=wish.location.zone,
    ).not_before
    return nearest_slots(
        to=wish.starts_at,
        location=wish.location,
        protocol=wish.protocol,
        patient=wish.patient,
        zones=wish.zones,
        now=wish.now,
        not_before=not_before,
        ignoring=wish.ignoring,
    )


def _sentence_of(error: IntegrityError) -> str:
    """The words of the constraint that refused: by its name on PostgreSQL, by the trigger's text on SQLite."""
    diagnosis = getattr(error.__cause__, "diag", None)
    name = diagnosis.constraint_name if diagnosis else str(error)
    for constraint in Occupancy._meta.constraints:
        if constraint.name == name:
            return str(constraint.violation_error_message)
    raise error
