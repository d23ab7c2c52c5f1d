"""The demo's location, with its rooms, its devices and its people."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from clinic.models import Device, Location, Practitioner, Room, Tone, User
from clinic.times import at_local, local_date
from scheduling.models import Closure, TimeOff, WorkingHours

MON, TUE, WED, THU, FRI, SAT, SUN = range(7)

ROOMS = ("Alder", "Birch", "Cedar", "Elder", "Hazel", "Rowan")
DEVICES = (  # the shallowest still reaches what every protocol begins with
    ("Pen 1", "3.00"),
    ("Pen 2", "2.50"),
    ("Pen 3", "2.50"),
    ("Pen 4", "2.00"),
    ("Pen 5", "1.50"),
)


@dataclass(frozen=True)
class Treats:
    """How somebody treats: her title, how deep, in which colour and when, as days with the stretches of each."""

    title: str
    max_depth_mm: str
    tone: Tone
    hours: dict[tuple[int, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Member:
    """One of the staff; `treats` makes her a practitioner, whatever else she is."""

    username: str
    name: str
    roles: tuple[str, ...]
    treats: Treats | None = None


TEAM = (
    Member("reception", "Tomás Ferreira", ("receptionist",)),
    Member("owner", "Caroline Ashby-Mbeki", ("owner",)),
    Member(
        "lead",
        "Dr Amara Okonkwo",
        ("practitioner", "lead"),
        Treats(
            "Clinical lead",
            "3.00",
            Tone.PLUM,
            {(MON, TUE, WED, THU): ("09:00-13:00", "13:45-16:30"), (FRI,): ("09:00-13:30",)},
        ),
    ),
    Member(
        "practitioner",
        "Hanna Lindqvist",
        ("practitioner",),
        Treats("Senior practitioner", "2.50", Tone.SKY, {(MON, TUE, WED, THU, FRI): ("08:30-12:30", "13:15-16:45")}),
    ),
    Member(
        "rhys",
        "Rhys Penhaligon",
        ("practitioner",),
        Treats("Practitioner", "2.50", Tone.LEAF, {(TUE, WED, THU, FRI, SAT): ("10:00-14:00", "14:45-18:00")}),
    ),
    Member(
        "mei",
        "Mei O'Sullivan",
        ("practitioner",),
        Treats("Practitioner", "2.00", Tone.CLAY, {(MON, TUE, WED, FRI): ("11:00-15:00", "15:45-19:30")}),
    ),
    Member(
        "zofia",
        "Zofia Wiśniewska",
        ("practitioner",),
        Treats(
            "Practitioner",
            "1.50",
            Tone.GOLD,
            {(MON, WED, THU, FRI): ("09:15-12:45", "13:30-16:30"), (SUN,): ("10:00-13:00", "13:30-16:00")},
        ),
    ),
    Member(
        "dev",
        "Dev Raghunathan",
        ("practitioner",),
        Treats(
            "Aesthetician",
            "1.00",
            Tone.STONE,
            {(MON, TUE, THU): ("08:00-12:00", "12:45-16:00"), (SAT, SUN): ("10:00-14:00", "14:30-16:30")},
        ),
    ),
)

# Who is away, from how many days after today, for how many days and why. Never today: its board is the first seen.
AWAY = (
    ("lead", -52, 5, "Congress"),
    ("rhys", -26, 3, "Unwell"),
    ("mei", 8, 2, "Training"),
    ("practitioner", 17, 7, "Annual leave"),
)
CLOSED_AFTER_DAYS = 24
HOLIDAYS = {(12, 25): "Christmas Day", (12, 26): "Boxing Day", (1, 1): "New Year's Day"}


@dataclass
class Place:
    location: Location
    rooms: list[Room] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    practitioners: list[Practitioner] = field(default_factory=list)
    reception: User | None = None
    lead: User | None = None

    @property
    def zone(self) -> ZoneInfo:
        return self.location.zone

    @cached_property
    def weekly_hours(self) -> dict[Practitioner, float]:
        return {
            each: sum(_minutes(stretch.ends) - _minutes(stretch.starts) for stretch in each.working_hours.all()) / 60
            for each in self.practitioners
        }


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def make_place(*, now: datetime, passwords: dict[str, str]) -> Place:
    """Store the location and all that belongs to it. Accounts without a password cannot be signed in to."""
    location = Location.objects.create(
        name="Larkfield",
        zone_name="Europe/London",
        address="14 Tannery Yard, London N0 4LK",
        phone="020 7946 0142",
        emergency_phone="999",
    )
    today = local_date(now, location.zone)
    place = Place(location)
    place.rooms = [Room.objects.create(location=location, name=name) for name in ROOMS]
    place.devices = [
        Device.objects.create(location=location, name=name, max_depth_mm=Decimal(depth)) for name, depth in DEVICES
    ]
    for member in TEAM:
        user = _make_account(member, location, passwords.get(member.username))
        if member.treats:
            place.practitioners.append(_make_practitioner(user, member.treats, location, today))
        if user.is_receptionist:
            place.reception = user
        if user.is_lead:
            place.lead = user
    Closure.objects.bulk_create(
        Closure(location=location, first_day=day, last_day=day, reason=reason)
        for day, reason in _closed_days(today).items()
    )
    return place


def _closed_days(today: date) -> dict[date, str]:
    """One day of training, and the holidays of these years, but for today."""
    training = today + timedelta(days=CLOSED_AFTER_DAYS)
    if training.weekday() >= SAT:
        training += timedelta(days=7 - training.weekday())
    holidays = {
        date(year, *day): reason
        for year in range(today.year - 2, today.year + 2)
        for day, reason in HOLIDAYS.items()
        if date(year, *day) != today
    }
    return {training: "Team training day"} | holidays


def _make_account(member: Member, location: Location, password: str | None) -> User:
    user = User(
        username=member.username,
        name=member.name,
        email=f"{member.username}@larkfield.example",
        **{f"is_{role}": True for role in member.roles},
    )
    user.set_password(password)  # None makes it unusable
    user.save()
    user.locations.add(location)
    return user


def _make_practitioner(user: User, treats: Treats, location: Location, today: date) -> Practitioner:
    practitioner = Practitioner.objects.create(
        user=user, title=treats.title, tone=treats.tone, max_depth_mm=Decimal(treats.max_depth_mm)
    )
    WorkingHours.objects.bulk_create(
        WorkingHours(
            practitioner=practitioner,
            location=location,
            weekday=day,
            **dict(zip(("starts", "ends"), map(time.fromisoformat, stretch.split("-")), strict=True)),
        )
        for days, stretches in treats.hours.items()
        for day in days
        for stretch in stretches
    )
    TimeOff.objects.bulk_create(
        TimeOff(
            practitioner=practitioner,
            starts_at=at_local(today + timedelta(days=after), time.min, location.zone),
            ends_at=at_local(today + timedelta(days=after + days), time.min, location.zone),
            note=note,
        )
        for username, after, days, note in AWAY
        if username == user.username
    )
    return practitioner
