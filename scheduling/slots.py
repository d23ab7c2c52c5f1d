"""Free times: what is taken is read once, the rest is arithmetic on integers."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from clinic.models import Device, Location, Practitioner, Room
from clinic.times import at_local, day_bounds, local_date
from patients.models import Patient
from scheduling.availability import Needs, Span, grid, needs_of, without_taken
from scheduling.eligibility import Eligibility, earliest_eligible
from scheduling.intervals import needling_days
from scheduling.models import Appointment, Occupancy, TimeOff, WorkingHours
from treatments.models import Protocol, Zone

LONGEST_LEAD_DAYS = 730  # a start further ahead is a typing mistake


@dataclass(frozen=True)
class Slot:
    """A start at which the practitioner, some room, some device and the patient are all free."""

    starts_at: datetime
    practitioner: Practitioner


def needs_of_protocol(protocol: Protocol) -> Needs:
    return needs_of(
        preparation=protocol.preparation_minutes,
        numbing=protocol.numbing_minutes,
        needling=protocol.needling_minutes,
        clean_up=protocol.clean_up_minutes,
    )


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def practitioners_of(location: Location):
    """Those who can be booked at a location."""
    return Practitioner.objects.filter(
        user__locations=location, user__is_active=True, user__is_practitioner=True
    ).select_related("user")


def working_windows(
    *, location: Location, practitioners: Iterable[Practitioner], first_day: date, days: int
) -> dict[int, list[Span]]:
    """The stretches of work by practitioner's key, closures left out, time off not yet. Two queries."""
    last_day = first_day + timedelta(days=days - 1)
    closures = list(location.closures.overlapping_days(first_day, last_day).values_list("first_day", "last_day"))
    hours = defaultdict(list)
    for each in WorkingHours.objects.filter(location=location, practitioner__in=practitioners):
        hours[each.weekday].append(each)
    windows = defaultdict(list)
    for day in (first_day + timedelta(days=offset) for offset in range(days)):
        if any(first <= day <= last for first, last in closures):
            continue
        for each in hours[day.weekday()]:
            start, end = (seconds(at_local(day, at, location.zone)) for at in (each.starts, each.ends))
            windows[each.practitioner_id].append((start, end))
    return windows


def find_slots(
    *,
    location: Location,
    protocol: Protocol,
    patient: Patient,
    zones: Iterable[Zone],
    first_day: date,
    days: int,
    now: datetime,
    not_before: datetime | None = None,
    practitioner: Practitioner | None = None,
    ignoring: Appointment | None = None,
    keeps_apart: bool = True,
) -> list[Slot]:
    """Every free start on the local days asked for, in order of time; with `practitioner`, hers alone.

    What the booking would refuse is not offered: the past, before `not_before`, more than two years ahead, and as long
    as one `keeps_apart` what must not come close together, too close to another needling of the same zones. `ignoring`
    is an appointment about to move: its own time counts as free, and is none to move to. A constant number of queries.
    """
    needs = needs_of_protocol(protocol)
    length = needs.patient[1]
    zone = location.zone
    practitioners = {
        each.pk: each for each in practitioners_of(location) if practitioner is None or each.pk == practitioner.pk
    }
    windows = working_windows(location=location, practitioners=practitioners.values(), first_day=first_day, days=days)
    kept_apart = (
        needling_days(patient=patient, protocol=protocol, zones=zones, zone=zone, ignoring=ignoring)
        if keeps_apart
        else []
    )
    earliest = seconds(now) + 1  # the present moment has passed
    if not_before:
        earliest = max(earliest, seconds(not_before))
    latest = seconds(now + timedelta(days=LONGEST_LEAD_DAYS))
    lo = day_bounds(first_day, zone)[0]
    # the last visit of the last day may be cleaned up after in the first minutes of the next
    hi = day_bounds(first_day + timedelta(days=days), zone)[0] + timedelta(seconds=needs.room[1] - length)
    taken = _taken(location, practitioners, patient, lo, hi, ignoring)
    away = defaultdict(list)
    for key, start, end in (
        TimeOff.objects.filter(practitioner__in=practitioners)
        .overlapping(lo, hi)
        .values_list("practitioner_id", "starts_at", "ends_at")
    ):
        away[key].append((seconds(start), seconds(end)))

    starts_by_practitioner = {}
    for key, spans in windows.items():
        starts = sorted(start for span in spans for start in grid(span, length) if earliest <= start <= latest)
        starts = without_taken(starts, away[key], [needs.patient])
        starts_by_practitioner[key] = without_taken(starts, taken["practitioner", key], needs.practitioner)

    candidates = sorted(set().union(*starts_by_practitioner.values()))
    if kept_apart:
        candidates = [start for start in candidates if not _is_too_close(start, kept_apart, zone)]
    candidates = without_taken(candidates, taken["patient", patient.pk], [needs.patient])
    possible = (
        set(candidates)
        & _free_somewhere(candidates, taken, "room", location.rooms.filter(is_active=True), needs.room)
        & _free_somewhere(candidates, taken, "device", location.devices.filter(is_active=True), needs.device)
    )
    own = ignoring and (seconds(ignoring.starts_at), ignoring.practitioner_id)
    found = sorted(
        (start, practitioners[key].user.name, key)
        for key, starts in starts_by_practitioner.items()
        for start in possible.intersection(starts)
        if (start, key) != own
    )
    return [Slot(datetime.fromtimestamp(start, tz=UTC), practitioners[key]) for start, _name, key in found]


def next_slots(*, first_day: date, **search) -> list[Slot]:
    """The free starts of the first four weeks from `first_day` on that have any; twelve weeks are looked through."""
    for weeks in (0, 4, 8):
        if slots := find_slots(first_day=first_day + timedelta(weeks=weeks), days=28, **search):
            return slots
    return []


def next_eligible_slots(*, first_day: date, **search) -> tuple[Eligibility, list[Slot]]:
    """From when on a patient may come, and the next free starts from then on; none while no date is known."""
    zone = search["location"].zone
    eligibility = earliest_eligible(
        patient=search["patient"],
        protocol=search["protocol"],
        zones=search["zones"],
        zone=zone,
        start=search["now"],
        now=search["now"],
    )
    if eligibility.is_open_ended:
        return eligibility, []
    not_before = eligibility.not_before
    if not_before:
        first_day = max(first_day, local_date(not_before, zone))
    return eligibility, next_slots(first_day=first_day, not_before=not_before, **search)


def nearest_slots(
    *, to: datetime, count: int = 3, around_days: int = 7, fits: Callable[[date], bool] = lambda day: True, **search
) -> list[Slot]:
    """The free starts closest to `to` within a week on either side, in order of time, on the days that `fits` takes."""
    zone = search["location"].zone
    day, today = local_date(to, zone), local_date(search["now"], zone)
    first_day = max(day - timedelta(days=around_days), today)
    slots = find_slots(first_day=first_day, days=(day - first_day).days + around_days + 1, **search)
    slots = on_days(slots, zone, fits)
    slots.sort(key=lambda slot: abs(slot.starts_at - to))
    return sorted(slots[:count], key=lambda slot: slot.starts_at)


def on_days(slots: Iterable[Slot], zone: ZoneInfo, fits: Callable[[date], bool]) -> list[Slot]:
    """The slots on the local days that fit; each day is asked about once."""
    days = {}
    for slot in slots:
        day = local_date(slot.starts_at, zone)
        if day not in days:
            days[day] = fits(day)
    return [slot for slot in slots if days[local_date(slot.starts_at, zone)]]


def by_day(slots: Iterable[Slot], zone: ZoneInfo, *, limit: int) -> list[tuple[date, list[Slot]]]:
    """The first `limit` local days that have slots, each start once however many practitioners could take it."""
    days: dict[date, dict[datetime, Slot]] = {}
    for slot in slots:
        days.setdefault(local_date(slot.starts_at, zone), {}).setdefault(slot.starts_at, slot)
    return [(day, list(starts.values())) for day, starts in list(days.items())[:limit]]


def free_places(
    *, location: Location, needs: Needs, start: datetime, ignoring: Appointment | None = None
) -> tuple[list[Room], list[Device]]:
    """The rooms and the devices that are free for a visit at `start`, in their usual order."""
    at = seconds(start)
    spans = {"room": needs.room, "device": needs.device}
    lo = start + timedelta(seconds=min(span[0] for span in spans.values()))
    hi = start + timedelta(seconds=max(span[1] for span in spans.values()))
    taken = _taken(location, (), None, lo, hi, ignoring)
    rooms, devices = location.rooms.filter(is_active=True), location.devices.filter(is_active=True)
    return (
        [room for room in rooms if without_taken([at], taken["room", room.pk], [needs.room])],
        [device for device in devices if without_taken([at], taken["device", device.pk], [needs.device])],
    )


def _taken(location, practitioners, patient, lo, hi, ignoring) -> dict[tuple[str, int], list[Span]]:
    """What is taken between two instants, by kind of resource and key, as seconds. One query."""
    rows = Occupancy.objects.overlapping(lo, hi).filter(
        Q(practitioner__in=practitioners)
        | Q(room__location=location)
        | Q(device__location=location)
        | Q(patient=patient)
        if patient
        else Q(room__location=location) | Q(device__location=location)
    )
    if ignoring:
        rows = rows.exclude(appointment=ignoring)
    taken = defaultdict(list)
    kinds = ("practitioner", "room", "device", "patient")
    for *keys, start, end in rows.values_list(*(f"{kind}_id" for kind in kinds), "starts_at", "ends_at"):
        for kind, key in zip(kinds, keys, strict=True):
            if key is not None:
                taken[kind, key].append((seconds(start), seconds(end)))
    return taken


def _is_too_close(start: int, kept_apart, zone) -> bool:
    day = local_date(datetime.fromtimestamp(start, tz=UTC), zone)
    return any(needling.is_too_close_to(day) for needling in kept_apart)


def _free_somewhere(candidates: list[int], taken, kind: str, places, need: Span) -> set[int]:
    return set().union(*(without_taken(candidates, taken[kind, place.pk], [need]) for place in places))
