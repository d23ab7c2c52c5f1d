"""When the next session of a course may, should and must take place. Pure: dates in, dates out, no clock.

Weeks and months are counted on the calendar, from the local day of the session before.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from clinic.times import minus_months, plus_months_clear


@dataclass(frozen=True)
class Window:
    """Not before, ideal, not after: local days, all three included."""

    not_before: date
    ideal: date
    not_after: date

    def __contains__(self, day: date) -> bool:
        return self.not_before <= day <= self.not_after

    @property
    def best_until(self) -> date:
        """The last day of the best week, which begins with the ideal day."""
        return min(self.ideal + timedelta(days=6), self.not_after)

    def is_best(self, day: date) -> bool:
        return self.ideal <= day <= self.best_until


def session_window(*, previous: date, weeks_min: int, weeks_typical: int, weeks_max: int) -> Window:
    """The window of a planned session, counted from the day of the one before."""
    return Window(*(previous + timedelta(weeks=weeks) for weeks in (weeks_min, weeks_typical, weeks_max)))


def refresher_window(*, previous: date, per_year: int) -> Window:
    """The window of a refresher after the last session: from month 12 once a year, from month 6 twice a year.

    It stays open for as many months again; then the year has gone without it.
    """
    months = 12 // per_year
    return Window(
        not_before=plus_months_clear(previous, months),
        ideal=plus_months_clear(previous, months),
        not_after=plus_months_clear(previous, 2 * months),
    )


def refreshers_within_a_year(*, day: date, earlier: list[date]) -> int:
    """How many of the earlier refreshers lie in the twelve calendar months that end with `day`."""
    start = minus_months(day, 12)
    return sum(start < each <= day for each in earlier)
