"""The planned visits as appointments: booked one after the other, and those that are over completed."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from clinic.times import at_local, day_bounds, local_date
from scheduling.booking import compose_occupancies
from scheduling.demo_clinic.courses import PlannedCourse
from scheduling.demo_clinic.diary import PlannedVisit
from scheduling.demo_clinic.place import Place
from scheduling.models import Appointment, Occupancy
from scheduling.slots import needs_of_protocol
from treatments.models import Course, CourseSession, Protocol

State = Appointment.State

# Nothing about a visit is told late when it is booked so long before.
BOOKED_BEFORE = timedelta(days=3)
PLANS_REFRESHER = 0.5  # of those whose course is booked or done to its end


@dataclass(frozen=True)
class Times:
    """When the steps of a visit are taken."""

    arrived_at: datetime
    asked_at: datetime
    consented_at: datetime
    started_at: datetime
    numbed_at: datetime
    wiped_at: datetime
    ended_at: datetime
    signed_at: datetime


@dataclass(frozen=True)
class Booked:
    """A visit of the plan with its appointment. `sits_in_the_sun` whoever did so on the day before."""

    course: PlannedCourse
    appointment: Appointment
    times: Times
    sits_in_the_sun: bool

    @property
    def is_over(self) -> bool:
        return self.appointment.state == State.COMPLETED

    @property
    def protocol(self) -> Protocol:
        return self.course.protocol


class Desk:
    """Books the visits of the plan; nothing is stored before `store`."""

    def __init__(self, *, place: Place, now: datetime, rng: Random):
        self.place, self.now, self.rng = place, now, rng
        self.today = local_date(now, place.zone)
        self.courses: dict[PlannedCourse, Course] = {}
        self.sessions: dict[tuple[PlannedCourse, int], CourseSession] = {}
        self.booked: list[Booked] = []
        self._last: dict[PlannedCourse, Appointment] = {}

    def book(self, visits: list[PlannedVisit]) -> list[Booked]:
        """Appointments for visits in order of time."""
        first_moment, seen_today = day_bounds(self.today, self.place.zone)[0], False
        for visit in visits:
            appointment = self._compose(visit)
            self._last[visit.course] = appointment
            times = self._times(appointment)
            if appointment.state == State.COMPLETED:
                appointment.arrived_at = times.arrived_at
            # one in a hundred, and whoever comes first today
            is_first_today = not visit.is_cancelled and times.arrived_at > first_moment and not seen_today
            seen_today = seen_today or is_first_today
            self.booked.append(Booked(visit.course, appointment, times, is_first_today or self.rng.random() < 0.01))
        self._plan_refreshers()
        return self.booked

    def store(self) -> None:
        Course.objects.bulk_create(self.courses.values())
        in_zone = Course.zones.through
        in_zone.objects.bulk_create(
            in_zone(course=course, zone=zone) for planned, course in self.courses.items() for zone in planned.zones
        )
        CourseSession.objects.bulk_create(self.sessions.values())
        appointments = Appointment.objects.bulk_create(each.appointment for each in self.booked)
        Occupancy.objects.bulk_create(
            occupancy for each in appointments if not each.is_cancelled for occupancy in compose_occupancies(each)
        )

    def _compose(self, visit: PlannedVisit) -> Appointment:
        starts_at = datetime.fromtimestamp(visit.start, tz=UTC)
        ends_at = starts_at + timedelta(seconds=needs_of_protocol(visit.course.protocol).patient[1])
        booked_at = self._booked_at(visit.course, starts_at)
        if visit.course not in self.courses:
            self._begin(visit.course, booked_at)
        return Appointment(
            session=self._session(visit.course, visit.number),
            location=self.place.location,
            practitioner=visit.practitioner,
            room=visit.room,
            device=visit.device,
            starts_at=starts_at,
            ends_at=ends_at,
            state=self._state(visit, starts_at, ends_at),
            revision=1 if visit.is_cancelled else 0,
            created_at=booked_at,
            created_by=self.place.reception,
        )

    def _begin(self, planned: PlannedCourse, booked_at: datetime) -> None:
        self.courses[planned] = Course(
            patient=planned.person.patient,
            protocol=planned.protocol,
            planned_sessions=planned.planned,
            refreshers_per_year=planned.refreshers_per_year,
            created_at=booked_at,
            created_by=self.place.reception,
        )
        for number in range(1, planned.planned + 1):
            self._session(planned, number)

    def _session(self, planned: PlannedCourse, number: int) -> CourseSession:
        kind = CourseSession.Kind.PLANNED if number <= planned.planned else CourseSession.Kind.REFRESHER
        fresh = CourseSession(course=self.courses[planned], number=number, kind=kind)
        return self.sessions.setdefault((planned, number), fresh)

    def _plan_refreshers(self) -> None:
        """After a whole course some have a refresher to book; after one that was long ago all have."""
        for planned in self.courses:
            is_waiting = planned.refreshers_per_year and len(planned.days) == planned.planned
            if is_waiting and (planned.is_long_ago or self.rng.random() < PLANS_REFRESHER):
                self._session(planned, planned.planned + 1)

    def _booked_at(self, planned: PlannedCourse, starts_at: datetime) -> datetime:
        """A first session on some day before; the next ones at the end of the one before or some days later."""
        latest = min(self.now, starts_at - BOOKED_BEFORE)
        before = self._last.get(planned)
        if before is None:
            day = local_date(latest, self.place.zone) - timedelta(days=self.rng.randint(1, 30))
            return in_office_hours(day, self.place, self.rng)
        if before.is_cancelled:  # called off halfway to the visit, and booked again soon after
            ahead = (min(self.now, before.starts_at) - before.created_at) * 0.6
            return (before.created_at + ahead).replace(second=0, microsecond=0)
        talked_at = before.ends_at + timedelta(days=self.rng.randint(0, 10), minutes=5)
        return talked_at if talked_at < latest else before.created_at + timedelta(minutes=5)

    def _state(self, visit: PlannedVisit, starts_at: datetime, ends_at: datetime) -> State:
        """The nearer a visit, the more people have said that they come; nobody has whose screening is open, or whom the
        clinic has to phone about it."""
        if visit.is_cancelled:
            return State.CANCELLED
        if ends_at <= self.now:
            return State.COMPLETED
        days = (starts_at - self.now).days
        chance = 0.8 if days < 4 else 0.5 if days < 14 else 0.2
        may_say_so = visit.course.person.patient.email and not visit.course.is_on_hold
        return State.CONFIRMED if self.rng.random() < chance and may_say_so else State.BOOKED

    def _times(self, appointment: Appointment) -> Times:
        def later(at: datetime, least: int, most: int) -> datetime:
            return at + timedelta(minutes=self.rng.randint(least, most))

        protocol = appointment.session.course.protocol
        arrived_at = later(appointment.starts_at, -14, -4)
        asked_at = later(arrived_at, 3, 6)
        numbed_at = appointment.starts_at + timedelta(minutes=protocol.preparation_minutes)
        ended_at = later(appointment.ends_at, -6, -2)
        return Times(
            arrived_at=arrived_at,
            asked_at=asked_at,
            consented_at=later(asked_at, 2, 4),
            started_at=numbed_at - timedelta(minutes=1),
            numbed_at=numbed_at,
            wiped_at=later(numbed_at, protocol.numbing_minutes, protocol.numbing_minutes + 4),
            ended_at=ended_at,
            signed_at=min(self.now, later(ended_at, 2, 9)),
        )


def in_office_hours(day: date, place: Place, rng: Random) -> datetime:
    return at_local(day, time(rng.randint(9, 16), rng.randint(0, 59)), place.zone)
