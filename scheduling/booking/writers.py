"""The writers of appointments: lock, check, write and commit in one short transaction.

Whoever may take the same time waits for the same rows in the same order (practitioner, rooms, devices, patient); the
constraints on `Occupancy` have the last word.
"""

import uuid
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import wraps

from django.db import IntegrityError, OperationalError, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.models import Device, Location, Practitioner, Room, User
from patients.models import Patient
from scheduling import reminders
from scheduling.booking.refusals import ChangedMeanwhile, OnHold, Taken, TreatmentStays
from scheduling.booking.wishes import Wish, check, check_in_place, days_that_fit
from scheduling.models import Appointment, Occupancy
from scheduling.rescreening import rescreen, visits_to_come
from scheduling.slots import Slot, free_places, nearest_slots, needs_of_protocol
from treatments.catalogue import Stage
from treatments.courses import CourseRefused, SessionsOutsideRange, change_course, start_course
from treatments.models import CourseSession, Protocol, Screening, Zone
from treatments.screenings import screen_session


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
    by: User | None,
    now: datetime,
    room: Room | None = None,
    device: Device | None = None,
    key: uuid.UUID | None = None,
    planned_sessions: int = 1,
) -> Appointment:
    """Start a course and book its first session at `starts_at` (UTC); a single visit is a course of one.

    Without `room` and `device` the first free ones are taken. `key` makes a repeated call harmless: it becomes the
    appointment's public id, and the second call returns the first one's appointment. Raises a BookingRefused: Taken,
    OutsideHours, InThePast, NotEligible or TooSoon.
    """
    wish = Wish(patient, protocol, tuple(zones), location, practitioner, starts_at, by, now)

    def first_session() -> CourseSession:
        return start_course(
            patient=patient, protocol=protocol, zones=wish.zones, by=by, now=now, planned_sessions=planned_sessions
        )

    return _book(wish, first_session, room=room, device=device, key=key)


@_once_more_after_deadlock
def book_session(
    *,
    session: CourseSession,
    location: Location,
    practitioner: Practitioner,
    starts_at: datetime,
    by: User | None,
    now: datetime,
    key: uuid.UUID | None = None,
    reason: str = "",
) -> Appointment:
    """Book a session of a course that has begun. With a `reason` the clinical lead may leave its window.

    Raises as `book_appointment` does, and OutsideWindow; ChangedMeanwhile when the session is booked already.
    """
    wish = Wish.of_session(
        session, location=location, practitioner=practitioner, starts_at=starts_at, by=by, now=now, reason=reason
    )
    return _book(wish, lambda: session, key=key)


def _book(wish: Wish, session_of, *, room=None, device=None, key=None) -> Appointment:
    with _telling_what_is_free(wish), transaction.atomic():
        _lock_resources(wish)
        if key and (earlier := Appointment.objects.with_everything().filter(public_id=key).first()):
            if (earlier.patient, earlier.starts_at) != (wish.patient, wish.starts_at):
                raise ChangedMeanwhile(_("Another visit was booked with this form. Open the page again."))
            return earlier
        if wish.session and wish.session.appointments.taking_time().exists():
            raise ChangedMeanwhile(_("This session is booked already. Open its appointment to move it."))
        if wish.session and not _is_as_planned(wish):
            raise ChangedMeanwhile(_("This course was changed meanwhile. Open it again."))
        check(wish)
        appointment = Appointment(
            public_id=key or uuid.uuid4(), session=session_of(), created_at=wish.now, created_by=wish.by
        )
        _place(appointment, wish, room=room, device=device)
        wish.patient.locations.add(wish.location)
        reminders.plan_for_booking(appointment=appointment, now=wish.now)
        return appointment


def _is_as_planned(wish: Wish) -> bool:
    """Whether the session is still there, and of the same treatment."""
    return CourseSession.objects.filter(pk=wish.session.pk, course__protocol=wish.protocol).exists()


@_once_more_after_deadlock
def move_appointment(
    *,
    appointment: Appointment,
    starts_at: datetime,
    practitioner: Practitioner,
    revision: int,
    by: User | None,
    now: datetime,
    reason: str = "",
) -> Appointment:
    """Move an appointment to another start or practitioner; its room and device stay where they are free then.

    `revision` is the one that the mover saw. Raises as `book_session` does.
    """
    wish = Wish.again(appointment, by=by, now=now, practitioner=practitioner, starts_at=starts_at, reason=reason)
    with _telling_what_is_free(wish), transaction.atomic():
        moving = _locked_ahead(appointment, revision)
        if (moving.starts_at, moving.practitioner) == (starts_at, practitioner):
            raise ChangedMeanwhile(_("The visit is at this time already. Choose another one."))
        _lock_resources(wish)
        check(wish)
        moving.occupancies.all().delete()
        moving.revision += 1
        _place(moving, wish, room=moving.room, device=moving.device, is_place_open=True)
        reminders.plan_for_move(appointment=moving, now=now)
        return moving


@_once_more_after_deadlock
def change_treatment(
    *,
    appointment: Appointment,
    protocol: Protocol,
    zones: Iterable[Zone],
    revision: int,
    by: User | None,
    now: datetime,
    planned_sessions: int | None = None,
    starts_at: datetime | None = None,
    practitioner: Practitioner | None = None,
) -> Appointment:
    """Other zones for the course of an appointment, or another protocol while this is all that there is of it.

    The end, the places and the light follow the treatment, and so does the number of sessions without
    `planned_sessions`. The start stays, so that the patient need not be told; with another one, or another
    `practitioner`, it is a move as well. Raises Taken where the other visit does not fit, OutsideHours, InThePast,
    TooSoon, TreatmentStays and ChangedMeanwhile; with a move, all that `move_appointment` raises.
    """
    wish = Wish.again(appointment, by=by, now=now, practitioner=practitioner, starts_at=starts_at)
    wish = replace(wish, protocol=protocol, zones=tuple(zones))
    with _telling_what_is_free(wish), transaction.atomic():
        changing = _locked(appointment, revision)
        if changing.state not in (*Appointment.State.AHEAD, Appointment.State.ARRIVED):
            raise ChangedMeanwhile(_("This visit has begun or is cancelled, so its treatment stays as it is."))
        is_moving = (changing.starts_at, changing.practitioner) != (wish.starts_at, wish.practitioner)
        if is_moving:
            _check_ahead(changing)
        _lock_resources(wish)
        (check if is_moving else check_in_place)(wish)
        _check_practitioner(wish)
        _change_course(changing, wish, planned_sessions)
        changing.occupancies.all().delete()
        changing.revision += 1
        if is_moving:
            _place(changing, wish, room=changing.room, device=changing.device, is_place_open=True)
            reminders.plan_for_move(appointment=changing, now=now)
        else:
            _stay(changing, wish)
            reminders.keep_for_change(appointment=changing)
        touched = visits_to_come(now).filter(session__course=changing.session.course)
        rescreen(touched, cause=Screening.Cause.TREATMENT, by=by, now=now)
        return changing


def _stay(appointment: Appointment, wish: Wish) -> None:
    """Write what another treatment takes from the same start on."""
    appointment.ends_at = wish.ends_at
    appointment.room, appointment.device = _choose_places(
        wish, appointment.room, appointment.device, is_place_open=True
    )
    appointment.save(update_fields=["revision", "ends_at", "room", "device"])
    Occupancy.objects.bulk_create(compose_occupancies(appointment))


def _check_practitioner(wish: Wish) -> None:
    """Also a shorter visit may need her earlier: while the cream of one works, she treats another."""
    for first, last in needs_of_protocol(wish.protocol).practitioner:
        needed = wish.starts_at + timedelta(seconds=first), wish.starts_at + timedelta(seconds=last)
        taken = wish.practitioner.occupancies.overlapping(*needed).exclude(appointment=wish.ignoring).first()
        if taken:
            hours = zip(("from", "to", "since", "until"), (*needed, taken.starts_at, taken.ends_at), strict=True)
            raise Taken(
                _(
                    "This treatment needs the practitioner from %(from)s to %(to)s, who is with somebody else from"
                    " %(since)s to %(until)s. Choose another time for it."
                )
                % {name: date_format(at.astimezone(wish.location.zone), "H:i") for name, at in hours}
            )


def _change_course(changing: Appointment, wish: Wish, planned_sessions: int | None) -> None:
    course = changing.session.course
    others = Appointment.objects.taking_time().filter(session__course=course).exclude(pk=changing.pk)
    if wish.protocol != course.protocol and others.exists():
        raise TreatmentStays(_("Other visits of this course are booked. Cancel them, or start another course."))
    try:
        change_course(course=course, protocol=wish.protocol, zones=wish.zones, planned_sessions=planned_sessions)
    except (CourseRefused, SessionsOutsideRange) as refused:
        raise TreatmentStays(refused.message) from refused


@_once_more_after_deadlock
def reactivate_appointment(*, appointment: Appointment, revision: int, by, now: datetime) -> Appointment:
    """Put a cancelled appointment back at its old time. Raises as `book_appointment` does, and ChangedMeanwhile."""
    wish = Wish.again(appointment, by=by, now=now, reason=appointment.exception_reason)
    with _telling_what_is_free(wish), transaction.atomic():
        back = _locked(appointment, revision)
        if not back.is_cancelled:
            raise ChangedMeanwhile(_("This appointment stands already."))
        _lock_resources(wish)
        if back.session.appointments.taking_time().exists():
            raise ChangedMeanwhile(_("This session was booked again meanwhile. Open the newer appointment."))
        check(wish)
        back.revision += 1
        _place(back, wish, room=back.room, device=back.device, is_place_open=True)
        reminders.plan_for_reactivation(appointment=back, now=now)
        return back


@_once_more_after_deadlock
def cancel_appointment(*, appointment: Appointment, revision: int, by, now: datetime) -> Appointment:
    """Cancel an appointment and give its time back. Raises ChangedMeanwhile, also when it is cancelled already."""
    with transaction.atomic():
        cancelled = _locked(appointment, revision)
        if cancelled.is_cancelled:
            raise ChangedMeanwhile(_("This appointment is cancelled already."))
        _check_ahead(cancelled)
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
        confirmed = _locked_ahead(appointment, revision)
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
    wish = Wish.again(appointment, by=by, now=now)
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


def _locked_ahead(appointment: Appointment, revision: int) -> Appointment:
    """The appointment, locked, as long as it has neither been cancelled nor begun. Raises ChangedMeanwhile."""
    stored = _locked(appointment, revision)
    if stored.is_cancelled:
        raise ChangedMeanwhile(_("This appointment is cancelled. Put it back first."))
    _check_ahead(stored)
    return stored


def _check_ahead(appointment: Appointment) -> None:
    if appointment.state not in Appointment.State.AHEAD:
        raise ChangedMeanwhile(_("The patient has arrived for this appointment, so it stays as it is."))


def _lock_resources(wish: Wish) -> None:
    """Wait for everybody else who may take the same time. Always in this order, or two would wait for each other."""
    for rows in (
        Practitioner.objects.filter(pk=wish.practitioner.pk),
        Room.objects.filter(location=wish.location),
        Device.objects.filter(location=wish.location),
        Patient.objects.filter(pk=wish.patient.pk),
    ):
        list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def _place(appointment: Appointment, wish: Wish, *, room, device, is_place_open: bool = False) -> None:
    """Write the appointment at its place and time, with all that it takes and a screening for that start."""
    appointment.location = wish.location
    appointment.practitioner = wish.practitioner
    appointment.starts_at = wish.starts_at
    appointment.ends_at = wish.ends_at
    appointment.state = Appointment.State.BOOKED
    appointment.exception_reason = wish.reason if wish.is_exception else ""
    appointment.room, appointment.device = _choose_places(wish, room, device, is_place_open=is_place_open)
    appointment.save()
    Occupancy.objects.bulk_create(compose_occupancies(appointment))
    screen_session(
        session=appointment.session,
        stage=Stage.BOOKING,
        start=wish.starts_at,
        zone=wish.location.zone,
        cause=Screening.Cause.MOVE if appointment.revision else Screening.Cause.BOOKING,
        by=wish.by,
        now=wish.now,
    )


def _choose_places(wish: Wish, room, device, *, is_place_open: bool) -> tuple[Room, Device]:
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
def _telling_what_is_free(wish: Wish):
    """Turn the database's refusal into Taken, and give every Taken the nearest free times, read after the rollback."""
    try:
        yield
    except IntegrityError as error:
        raise Taken(_sentence_of(error), _alternatives(wish)) from error
    except Taken as error:
        error.alternatives = _alternatives(wish)
        raise


def _alternatives(wish: Wish) -> list[Slot]:
    return nearest_slots(
        to=wish.starts_at,
        location=wish.location,
        protocol=wish.protocol,
        patient=wish.patient,
        zones=wish.zones,
        now=wish.now,
        not_before=wish.eligibility(start=wish.now).not_before,
        ignoring=wish.ignoring,
        fits=days_that_fit(wish),
        keeps_apart=not wish.is_exception,
    )


def _sentence_of(error: IntegrityError) -> str:
    """The words of the constraint that refused: by its name on PostgreSQL, by the trigger's text on SQLite."""
    diagnosis = getattr(error.__cause__, "diag", None)
    name = diagnosis.constraint_name if diagnosis else str(error)
    for constraint in Occupancy._meta.constraints:
        if constraint.name == name:
            return str(constraint.violation_error_message)
    raise error
