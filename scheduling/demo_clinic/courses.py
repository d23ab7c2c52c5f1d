"""The courses for which the demo's patients come. Nothing is stored here."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from random import Random

from clinic.models import Practitioner
from clinic.times import at_local, local_date, minus_months
from scheduling.demo_clinic.answers import Answering
from scheduling.demo_clinic.people import Person
from scheduling.demo_clinic.place import Place
from treatments import screening
from treatments.catalogue import Outcome, Stage
from treatments.models import CatalogueVersion, Protocol, Zone
from treatments.windows import Window, refresher_window, session_window


@dataclass(frozen=True)
class Concern:
    """What people of an age come for, how often of a hundred, and where."""

    share: int
    ages: range
    zones: tuple[tuple[str, ...], ...]


CONCERNS = {
    "acne_scar_moderate": Concern(14, range(18, 50), (("cheeks",), ("cheeks", "temple"), ("cheeks", "chin_jaw"))),
    "acne_scar_mild": Concern(10, range(18, 45), (("cheeks",), ("forehead", "cheeks"), ("chin_jaw",))),
    "acne_scar_severe": Concern(4, range(20, 50), (("cheeks", "temple", "chin_jaw"),)),
    "scar_surgical": Concern(6, range(20, 80), (("neck",), ("abdomen_hips_thighs",), ("chest",), ("hands",))),
    "scar_hypertrophic": Concern(4, range(18, 70), (("chest",), ("shoulders_upper_back_upper_arms",))),
    "scar_thermal_burn": Concern(3, range(18, 70), (("hands",), ("shoulders_upper_back_upper_arms",))),
    "stretch_marks": Concern(7, range(20, 50), (("abdomen_hips_thighs",),)),
    "wrinkles_fine": Concern(14, range(32, 65), (("forehead", "periorbital_outer"), ("periorbital_outer",))),
    "wrinkles_deep": Concern(8, range(45, 80), (("forehead", "cheeks"), ("perioral", "chin_jaw"))),
    "pigmentation": Concern(8, range(22, 75), (("cheeks",), ("hands",), ("forehead", "cheeks"))),
    "melasma": Concern(5, range(24, 55), (("cheeks", "forehead"), ("cheeks",))),
    "sagging": Concern(7, range(45, 80), (("chin_jaw", "neck"), ("neck",))),
    "rejuvenation": Concern(10, range(25, 75), (("forehead", "cheeks", "nose", "chin_jaw"), ("neck", "chest"))),
}
ZONES_NOT_KNOWN = 0.05

SINGLE_VISIT, ANOTHER_NUMBER = 0.1, 0.15  # of the courses; most have the typical number of sessions
STAYS_AWAY = 0.1  # do not come for all that was planned
WAITS_TO_BOOK = 0.2  # book no visit ahead
HAS_MORE_TO_TELL = 0.06  # of those without a story, where more rules are active than the stories speak about
HAS_A_TATTOO = 0.06  # of the others without a story
COMES_AGAIN = 0.8  # for something else when the first course is over

# Some came for a whole course long ago. For each in turn: refreshers a year, in how many days from today the window of
# the first one opens, and whether she takes it.
LONG_AGO = ((1, -35, True), (1, 8, True), (2, -25, False), (1, 12, False), (2, -100, True), (1, -150, False))
CAME_LONG_AGO = 0.025  # of all patients


@dataclass(eq=False)
class PlannedCourse:
    """A course in the plan: `days` are those of its sessions, `comes_for` how many of them the patient takes in all.

    She comes from `first_day` to `last_day`, when the course `after` which this one begins is over, and not sooner than
    `rhythm` days after the session before. After the `planned` sessions come refreshers, where the treatment has them.
    """

    person: Person
    protocol: Protocol
    zones: tuple[Zone, ...]
    practitioner: Practitioner
    planned: int
    refreshers_per_year: int | None
    rhythm: int
    comes_for: int
    first_day: date
    last_day: date
    after: "PlannedCourse | None" = None
    is_long_ago: bool = False
    is_on_hold: bool = False
    days: list[date] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """She takes no session any more."""
        return len(self.days) >= self.comes_for

    @property
    def is_whole(self) -> bool:
        return len(self.days) >= self.planned

    @property
    def window(self) -> Window | None:
        """When the next session may be; None before the first."""
        if not self.days:
            return None
        if self.is_whole:
            return refresher_window(previous=self.days[-1], per_year=self.refreshers_per_year)
        return session_window(
            previous=self.days[-1],
            weeks_min=self.protocol.interval_weeks_min,
            weeks_typical=self.protocol.interval_weeks_typical,
            weeks_max=self.protocol.interval_weeks_max,
        )

    def is_to_book(self, today: date) -> bool:
        """Whether a planned session has no time yet, and nothing stands in the way of one."""
        has_begun = bool(self.days) or (self.first_day <= today and (self.after is None or self.after.is_over))
        return bool(self.comes_for) and not self.is_on_hold and not self.is_whole and has_begun

    def may_take_place_on(self, day: date) -> bool:
        if self.is_over or not self.first_day <= day <= self.last_day:
            return False
        if self.days:
            return (day - self.days[-1]).days >= self.rhythm and day in self.window
        return self.after is None or (
            self.after.is_over and (day - self.after.days[-1]).days >= max(self.rhythm, self.after.rhythm)
        )


class Planner:
    """Plans the courses of people from `first_day` on, for the protocols of a catalogue."""

    def __init__(
        self,
        *,
        place: Place,
        catalogue: CatalogueVersion,
        answering: Answering,
        first_day: date,
        today: date,
        rng: Random,
    ):
        self.place, self.answering, self.first_day, self.today, self.rng = place, answering, first_day, today, rng
        self.protocols = {protocol.code: protocol for protocol in catalogue.protocols.all()}
        self.zones = {zone.code: zone for zone in catalogue.zones.all()}
        self.courses: list[PlannedCourse] = []
        self.patients_of: Counter[Practitioner] = Counter()

    def plan(self, people: list[Person]) -> list[PlannedCourse]:
        """A course for each, for many of them a second one, and for a few one that was over long ago."""
        long_ago = 0
        for person in people:
            course = self._plan_course(person)
            if (
                person.has_nothing_to_tell
                and course.comes_for
                and course.refreshers_per_year
                and long_ago < len(people) * CAME_LONG_AGO
            ):
                self._begin_long_ago(course, *LONG_AGO[long_ago % len(LONG_AGO)])
                long_ago += 1
            elif person.has_nothing_to_tell and course.comes_for and self.rng.random() < COMES_AGAIN:
                self._plan_course(person, after=course)
        return self.courses

    def _plan_course(self, person: Person, *, after: PlannedCourse | None = None) -> PlannedCourse:
        rng = self.rng
        protocol = self._protocol(person, after)
        zones = self._zones(protocol)
        self._ask(person, protocol, zones)
        planned = self._planned_sessions(protocol)
        course = PlannedCourse(
            person=person,
            protocol=protocol,
            zones=zones,
            practitioner=self._practitioner(protocol),
            planned=planned,
            refreshers_per_year=protocol.refreshers_min_per_year if planned > 1 else None,
            rhythm=self._rhythm(protocol),
            comes_for=rng.randint(1, planned) if rng.random() < STAYS_AWAY else planned,
            first_day=after.first_day if after else self._first_day(),
            last_day=self.today if rng.random() < WAITS_TO_BOOK else date.max,
            after=after,
        )
        self._screen(course)
        self.patients_of[course.practitioner] += 1
        self.courses.append(course)
        return course

    def _ask(self, person: Person, protocol: Protocol, zones: tuple[Zone, ...]) -> None:
        """Let a person whom somebody has asked answer all that is asked for the protocol."""
        if person.has_nothing_to_tell and person.answers == person.story and self.rng.random() < HAS_MORE_TO_TELL:
            person.story = {**person.story, **self.answering.something_else(protocol.code)}
        elif person.has_nothing_to_tell and person.answers == person.story and self.rng.random() < HAS_A_TATTOO:
            codes = [zone.code for zone in zones]
            person.story = {**person.story, **(self.answering.tattoo_on(codes) if len(codes) > 1 else {})}
        person.answers = person.story | person.answers | self.answering.born_on(person.patient.date_of_birth)
        if person.was_asked:
            person.answers = self.answering.at_booking(person.answers, protocol.code)

    def _protocol(self, person: Person, after: PlannedCourse | None) -> Protocol:
        fitting = {
            code: concern.share
            for code, concern in CONCERNS.items()
            if person.age in concern.ages and not (after and code == after.protocol.code)
        }
        return self.protocols[self.rng.choices(list(fitting), list(fitting.values()))[0]]

    def _zones(self, protocol: Protocol) -> tuple[Zone, ...]:
        if self.rng.random() < ZONES_NOT_KNOWN:
            return ()
        return tuple(self.zones[code] for code in self.rng.choice(CONCERNS[protocol.code].zones))

    def _planned_sessions(self, protocol: Protocol) -> int:
        if self.rng.random() < SINGLE_VISIT:
            return 1
        if self.rng.random() < ANOTHER_NUMBER:
            return self.rng.randint(protocol.sessions_min, protocol.sessions_max)
        return protocol.sessions_typical

    def _rhythm(self, protocol: Protocol) -> int:
        """A little more than what is usual, so that the window stays open for a while after it."""
        usual = min(protocol.interval_weeks_typical, protocol.interval_weeks_max - 1) * 7
        return usual + self.rng.randint(0, 4)

    def _first_day(self) -> date:
        """Most are there when the plan begins; the others come one by one."""
        behind = (self.today - self.first_day).days
        latest = min(30, behind) if self.rng.random() < 0.7 else behind + 30
        return self.first_day + timedelta(days=self.rng.randint(0, latest))

    def _practitioner(self, protocol: Protocol) -> Practitioner:
        """Of those who go as deep as the protocol begins, the one who has the most time for each of her patients."""
        able = [each for each in self.place.practitioners if goes_deep_enough(each, protocol)]
        return min(able, key=lambda each: self.patients_of[each] / self.place.weekly_hours[each])

    def _begin_long_ago(self, course: PlannedCourse, per_year: int, opens_in_days: int, takes_refresher: bool) -> None:
        """Let the whole course be over so long ago that the window of its refresher opens in so many days."""
        last_session = minus_months(self.today + timedelta(days=opens_in_days), 12 // per_year)
        course.first_day = last_session - timedelta(days=(course.planned - 1) * (course.rhythm + 1))
        course.last_day = date.max
        course.is_long_ago = True
        course.refreshers_per_year = per_year
        course.comes_for = course.planned + takes_refresher

    def _screen(self, course: PlannedCourse) -> None:
        """Let the rules say from when on the patient may come, whether only on hold, or not at all."""
        result = self._judge(course)
        if result.not_before and not result.is_blocked_without_date:
            course.first_day = local_date(result.not_before, self.place.zone)
            result = self._judge(course)
        if result.outcome.is_blocking:
            course.comes_for = 0
        elif result.outcome == Outcome.HOLD:
            # Nobody is treated while a question is open: she is new, and her only visit lies ahead.
            course.is_on_hold, course.comes_for = True, 1
            course.first_day = self.today + timedelta(days=self.rng.randint(1, 21))
            course.last_day = date.max

    def _judge(self, course: PlannedCourse) -> screening.Result:
        return screening.evaluate(
            catalogue=self.answering.catalogue,
            answers=course.person.answers,
            stage=Stage.BOOKING,
            visit_start=at_local(course.first_day, time.min, self.place.zone),
            zone=self.place.zone,
            protocol=course.protocol.code,
            zones=[zone.code for zone in course.zones],
        )


def goes_deep_enough(practitioner: Practitioner, protocol: Protocol) -> bool:
    return protocol.depth_start_mm <= practitioner.max_depth_mm
