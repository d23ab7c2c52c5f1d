"""A legal diary for months, worked out in memory: integers, as `scheduling.availability` wants them.

Every visit keeps what the booking would keep: hours and breaks, one thing at a time for each practitioner, room and
device, the window that the session before opens, the first day on which the screening allows a visit.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from clinic.models import Device, Practitioner, Room
from clinic.times import local_date
from scheduling.availability import Needs, Span, grid, without_taken
from scheduling.demo_clinic.courses import PlannedCourse, goes_deep_enough
from scheduling.demo_clinic.place import Place
from scheduling.models import TimeOff
from scheduling.slots import needs_of_protocol, seconds, working_windows

CANCELLED, INTERLEAVED = 0.06, 0.1
FULLEST = 0.92  # of a column's hours; more does not fit between breaks
USUAL_SECONDS = 75 * 60
TIME_TO_DECIDE = timedelta(hours=1)
TRIES = 8  # courses that are offered a column before it counts as full


@dataclass(frozen=True)
class PlannedVisit:
    """The visit for a session of a course, by its number."""

    course: PlannedCourse
    number: int
    practitioner: Practitioner
    room: Room
    device: Device
    start: int
    is_cancelled: bool


class _Day:
    """The columns of one day while they fill."""

    def __init__(self, place: Place, day: date, windows: dict[Practitioner, list[Span]]):
        self.place, self.day, self.windows = place, day, windows
        self.taken: dict[object, list[Span]] = defaultdict(list)
        self.visits: dict[Practitioner, list[Span]] = defaultdict(list)

    def fullness(self, practitioner: Practitioner) -> float:
        """The share of the practitioner's hours in which a patient is there."""
        return covered(self.visits[practitioner]) / covered(self.windows[practitioner])

    def starts(self, practitioner: Practitioner, needs: Needs, *, within_another: bool) -> list[int]:
        """Free starts; `within_another` while the cream works on somebody else, otherwise with nobody else there."""
        starts = [start for window in self.windows[practitioner] for start in grid(window, needs.patient[1])]
        starts = without_taken(starts, self.taken[practitioner], needs.practitioner)
        alone = without_taken(starts, self.visits[practitioner], [needs.patient])
        starts = sorted(set(starts) - set(alone)) if within_another else alone
        return [start for start in starts if all(self.places(start, needs))]

    def places(self, start: int, needs: Needs) -> tuple[Room | None, Device | None]:
        """The first free room and device, as the booking chooses them."""
        return tuple(
            next((place for place in places if without_taken([start], self.taken[place], [need])), None)
            for places, need in ((self.place.rooms, needs.room), (self.place.devices, needs.device))
        )

    def take(self, visit: PlannedVisit, needs: Needs) -> None:
        def at(need: Span) -> Span:
            return visit.start + need[0], visit.start + need[1]

        self.taken[visit.practitioner] += map(at, needs.practitioner)
        self.taken[visit.room].append(at(needs.room))
        self.taken[visit.device].append(at(needs.device))
        self.visits[visit.practitioner].append(at(needs.patient))


def covered(spans: list[Span]) -> int:
    """Seconds that lie in at least one of the spans."""
    total, until = 0, 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, until))
        until = max(until, end)
    return total


def open_windows(place: Place, first_day: date, days: int) -> dict[date, dict[Practitioner, list[Span]]]:
    """By day, the stretches in which somebody works. The demo's people are away for whole days only."""
    by_key = working_windows(location=place.location, practitioners=place.practitioners, first_day=first_day, days=days)
    open_on: dict[date, dict[Practitioner, list[Span]]] = defaultdict(dict)
    for practitioner in place.practitioners:
        away = [
            (seconds(off.starts_at), seconds(off.ends_at)) for off in TimeOff.objects.filter(practitioner=practitioner)
        ]
        for window in by_key[practitioner.pk]:
            if not any(start < window[1] and end > window[0] for start, end in away):
                day = local_date(datetime.fromtimestamp(window[0], tz=place.zone), place.zone)
                open_on[day].setdefault(practitioner, []).append(window)
    return open_on


class Diary:
    """Fills one day after the other with the visits of courses; today most of all, because its board is seen first."""

    def __init__(self, *, place: Place, courses: list[PlannedCourse], now: datetime, rng: Random):
        self.place, self.courses, self.now, self.rng = place, courses, now, rng
        self.today = local_date(now, place.zone)
        self.visits: list[PlannedVisit] = []
        self.courses_of: dict[Practitioner, list[PlannedCourse]] = defaultdict(list)
        for course in courses:
            self.courses_of[course.practitioner].append(course)

    def fill(self, *, first_day: date, days_ahead: int) -> list[PlannedVisit]:
        """All visits until so many days after today, in order of time; before `first_day` those of long ago."""
        earliest = min(first_day, *(course.first_day for course in self.courses))
        days = open_windows(self.place, earliest, (self.today - earliest).days + days_ahead + 1)
        for day, windows in sorted(days.items()):
            board = _Day(self.place, day, windows)
            if day < first_day:
                self._fill_long_ago(board)
            elif day == self.today:
                self._fill_today(board)
            else:
                for practitioner in windows:
                    goal = self._goal((day - self.today).days / max(days_ahead, 1))
                    while self._place_next(board, practitioner, goal):
                        pass
        return sorted(self.visits, key=lambda visit: (visit.start, visit.practitioner.pk))

    def _goal(self, ahead: float) -> float:
        """How full a column becomes: as it comes in the past, thinning out towards the end of what is ahead."""
        return self.rng.uniform(0.5, 0.76) if ahead < 0 else self.rng.uniform(0.72, 0.88) - 0.4 * ahead

    def _fill_long_ago(self, board: _Day) -> None:
        for practitioner in board.windows:
            for course in self.courses_of[practitioner]:
                if course.may_take_place_on(board.day):
                    self._place(board, practitioner, course)

    def _fill_today(self, board: _Day) -> None:
        """Two late visits that wait for a decision, one that was called off, and as many others as fit."""
        waiting = [course for course in self.courses if course.is_on_hold]
        for practitioner in self.rng.sample(list(board.windows), 2):
            fitting = [course for course in waiting if goes_deep_enough(practitioner, course.protocol)]
            placed = next((each for each in fitting if self._place(board, practitioner, each, choose=self._late)), None)
            if placed:
                waiting.remove(placed)
        self._place_somebody(board, self.rng.choice(list(board.windows)), is_cancelled=True)
        filling = list(board.windows)
        while filling:  # in turns, so that nobody takes all rooms and devices
            filling = [each for each in filling if self._place_next(board, each, FULLEST, is_busy=True)]

    def _late(self, starts: list[int]) -> int | None:
        """The last of the starts, as long as the clinic has time to decide until then."""
        return starts[-1] if starts[-1] >= seconds(self.now + TIME_TO_DECIDE) else None

    def _place_next(self, board: _Day, practitioner: Practitioner, goal: float, *, is_busy: bool = False) -> bool:
        """Bring a column nearer to its goal by one visit, unless it is there or nothing fits any more."""
        half_a_visit = USUAL_SECONDS / 2 / covered(board.windows[practitioner])
        return board.fullness(practitioner) + half_a_visit < goal and self._place_somebody(
            board,
            practitioner,
            within_another=self.rng.random() < INTERLEAVED or (is_busy and len(board.visits[practitioner]) == 1),
            choose=min if is_busy or self.rng.random() < 0.6 else self.rng.choice,
            is_cancelled=self.rng.random() < CANCELLED and not is_busy,
        )

    def _place_somebody(self, board: _Day, practitioner: Practitioner, **manner) -> bool:
        """Offer the column to those who may come, to those in the middle of a course more often.

        A practitioner whose own patients have all been here lately sees those of her colleagues.
        """
        able = [course for course in self.courses_of[practitioner] if course.may_take_place_on(board.day)] or [
            course
            for course in self.courses
            if goes_deep_enough(practitioner, course.protocol) and course.may_take_place_on(board.day)
        ]
        for _try in range(min(TRIES, len(able))):
            course = self.rng.choices(able, [5 if each.days else 1 for each in able])[0]
            if self._place(board, practitioner, course, **manner):
                return True
            able.remove(course)
        return False

    def _place(
        self,
        board: _Day,
        practitioner: Practitioner,
        course: PlannedCourse,
        *,
        within_another: bool = False,
        choose: Callable[[list[int]], int | None] = min,
        is_cancelled: bool = False,
    ) -> bool:
        """Write the next session of a course into the day, unless nothing is free for it, or nothing that is chosen."""
        needs = needs_of_protocol(course.protocol)
        starts = board.starts(practitioner, needs, within_another=True) if within_another else []
        starts = starts or board.starts(practitioner, needs, within_another=False)
        start = choose(starts) if starts else None
        if start is None:
            return False
        places = board.places(start, needs)
        visit = PlannedVisit(course, len(course.days) + 1, practitioner, *places, start, is_cancelled)
        self.visits.append(visit)
        if is_cancelled:
            course.first_day = board.day + timedelta(days=self.rng.randint(3, 14))
        else:
            board.take(visit, needs)
            course.days.append(board.day)
        return True
