"""What a practitioner's own day reads: her visits in order, and for the one that is open, what she must know."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from django.db.models import Prefetch

from clinic.models import Location, Practitioner
from clinic.times import day_bounds, local_date
from patients.health import Alert, alerts_of
from patients.models import Patient
from scheduling.board import DayOnScreen, Sign, sign_of
from scheduling.courses import CourseInTime, courses_in_time
from scheduling.models import Appointment
from scheduling.slots import working_windows
from treatments.catalogue import Stage
from treatments.depths import written
from treatments.models import Screening, Visit

SHADES_TO_MM = tuple(map(Decimal, ("0.3", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0")))


class Step(StrEnum):
    """What a practitioner does next with a visit."""

    WAIT = "wait"
    CHECK_IN = "check_in"
    BEGIN = "begin"
    GO_ON = "go_on"
    SIGN = "sign"
    READ = "read"


_STEPS = {
    Appointment.State.BOOKED: Step.WAIT,
    Appointment.State.CONFIRMED: Step.WAIT,
    Appointment.State.ARRIVED: Step.CHECK_IN,
    Appointment.State.IN_TREATMENT: Step.GO_ON,
    Appointment.State.COMPLETED: Step.SIGN,
}


@dataclass(frozen=True)
class Row:
    """One visit of the day."""

    appointment: Appointment

    @property
    def visit(self) -> Visit | None:
        return getattr(self.appointment.session, "visit", None)

    @property
    def step(self) -> Step:
        if self.visit and self.visit.signed_at:
            return Step.READ
        step = _STEPS[Appointment.State(self.appointment.state)]
        return Step.BEGIN if step == Step.CHECK_IN and self.is_asked else step

    @property
    def is_asked(self) -> bool:
        """Whether the questions of the day were answered for this very start."""
        newest = self.newest_screening
        return newest is not None and (newest.stage, newest.for_start) == (Stage.CHECKIN, self.appointment.starts_at)

    @property
    def sign(self) -> Sign:
        return sign_of(self.appointment)

    @property
    def newest_screening(self) -> Screening | None:
        return next(iter(self.appointment.session.newest_screenings), None)

    @property
    def waits_for_decision(self) -> bool:
        """Whether something stands in the way that is decided before anything else can be done."""
        newest = self.newest_screening
        return self.step in (Step.WAIT, Step.BEGIN) and newest is not None and newest.stands_in_the_way

    @property
    def shows_light(self) -> bool:
        """Before it begins; afterwards the screening has been decided."""
        return self.step in (Step.WAIT, Step.CHECK_IN, Step.BEGIN)


@dataclass(frozen=True)
class Break:
    """A stretch of the day between two stretches of work."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class ZoneLine:
    """How deep in mm and how often a zone was needled, and the shade in which that depth is drawn."""

    name: str
    depth: str
    passes: int
    shade: int


def shade_of(depth_mm: Decimal) -> int:
    """The first of the shades that goes as deep, counted from 1."""
    return 1 + next((place for place, deepest in enumerate(SHADES_TO_MM) if depth_mm <= deepest), len(SHADES_TO_MM) - 1)


@dataclass(frozen=True)
class Opened:
    """What there is to know before a visit: alerts, the course, and what was done at the last visit that was signed."""

    row: Row
    alerts: list[Alert]
    last: Visit | None
    course: CourseInTime

    @property
    def zones(self) -> list[ZoneLine]:
        """What was done at the last visit, zone by zone."""
        records = self.last.zone_records.all() if self.last else ()
        return [
            ZoneLine(each.zone.name, written(each.depth_mm), each.passes, shade_of(each.depth_mm)) for each in records
        ]

    @property
    def days_since(self) -> int | None:
        """Days between the last visit and this one."""
        if self.last is None:
            return None
        zone = self.row.appointment.location.zone
        return (local_date(self.row.appointment.starts_at, zone) - local_date(self.last.started_at, zone)).days


@dataclass(frozen=True)
class MyDay(DayOnScreen):
    rows: list[Row]
    breaks: list[Break]

    @property
    def parts(self) -> list[Row | Break]:
        """Visits and breaks in order of time."""
        starts = [(row.appointment.starts_at, 1, row) for row in self.rows]
        starts += [(each.starts_at, 0, each) for each in self.breaks]
        return [part for _at, _kind, part in sorted(starts, key=lambda start: start[:2])]

    @property
    def current(self) -> Row | None:
        """The one that waits for her: of those that have not been carried out, the first."""
        waiting = [row for row in self.rows if row.step not in (Step.READ, Step.SIGN)]
        return waiting[0] if self.is_today and waiting else None


def visits_of(*, practitioner: Practitioner, location: Location, day: date):
    """The appointments of a practitioner on a local day."""
    start, end = day_bounds(day, location.zone)
    return (
        Appointment.objects.of_locations([location])
        .taking_time()
        .filter(practitioner=practitioner, starts_at__gte=start, starts_at__lt=end)
    )


def read_day(*, practitioner: Practitioner, location: Location, day: date, now: datetime) -> MyDay:
    """The visits of a practitioner on a local day. A constant number of queries."""
    newest = Screening.objects.newest_first().select_related("decision").defer("answers")
    appointments = (
        visits_of(practitioner=practitioner, location=location, day=day)
        .with_everything()
        .select_related("session__visit")
        .prefetch_related(Prefetch("session__screenings", queryset=newest, to_attr="newest_screenings"))
    )
    work = sorted(
        working_windows(location=location, practitioners=[practitioner], first_day=day, days=1)[practitioner.pk]
    )
    breaks = [
        Break(*(datetime.fromtimestamp(edge, tz=location.zone) for edge in (first[1], second[0])))
        for first, second in zip(work, work[1:], strict=False)
        if first[1] < second[0]
    ]
    return MyDay(location, day, now, [Row(each) for each in appointments], breaks)


def open_row(row: Row, *, now: datetime) -> Opened:
    """What those who treat must know before a visit. A constant number of queries."""
    appointment, course = row.appointment, row.appointment.session.course
    zone = appointment.location.zone
    [in_time] = courses_in_time([course], now=now, zone=zone)
    return Opened(row, alerts_of(course.patient), _last_signed(course.patient, before=appointment), in_time)


def _last_signed(patient: Patient, *, before: Appointment) -> Visit | None:
    return (
        Visit.objects.filter(session__course__patient=patient, signed_at__isnull=False, started_at__lt=before.starts_at)
        .exclude(session=before.session)
        .select_related("session__course__protocol", "practitioner__user")
        .prefetch_related("zone_records__zone")
        .order_by("-started_at")
        .first()
    )
