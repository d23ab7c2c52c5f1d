"""Where things stand on a drawn time axis. Pure: days in, places out, no clock.

Places across are percentages of the width, so that the drawing fits every screen while its words keep their size.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.formats import date_format

from treatments.windows import Window

MONTHS_WITH_A_NAME_EACH = 14
MARGIN = timedelta(days=7)


@dataclass(frozen=True)
class Axis:
    """A stretch of days; what lies outside is drawn at the nearer end."""

    first: date
    last: date

    def at(self, day: date) -> float:
        """The place of a day in per cent."""
        return min(max((day - self.first) / (self.last - self.first) * 100, 0), 100)

    @property
    def months(self) -> list[tuple[str, str]]:
        """The first of each month with its name; on a long axis of every third."""
        starts, day = [], self.first.replace(day=1)
        while day <= self.last:
            if day > self.first:
                starts.append(day)
            day = (day + timedelta(days=31)).replace(day=1)
        step = 1 if len(starts) <= MONTHS_WITH_A_NAME_EACH else 3
        return [
            (percent(self.at(start)), date_format(start, "M Y" if start.month == 1 else "M"))
            for start in starts[::step]
        ]


@dataclass(frozen=True)
class Bar:
    """A window on an axis: the band from its first day to its last, and in it the best week."""

    x: str
    width: str
    best_x: str
    best_width: str


def percent(place: float) -> str:
    return f"{place:.2f}%"


def axis_over(days: list[date], *, margin: timedelta = MARGIN) -> Axis:
    """An axis on which all of the days find their place, with room at both ends."""
    return Axis(min(days) - margin, max(days) + margin)


def bar_of(window: Window, axis: Axis) -> Bar:
    """All days of a window count whole: it ends where the day after its last begins."""
    day = timedelta(days=1)
    start, end = axis.at(window.not_before), axis.at(window.not_after + day)
    best, best_end = axis.at(window.ideal), axis.at(window.best_until + day)
    return Bar(percent(start), percent(end - start), percent(best), percent(best_end - best))


@dataclass(frozen=True)
class WindowDrawing:
    """A window by itself; `today` is empty where it lies outside."""

    bar: Bar
    today: str


def draw_window(window: Window | None, *, today: date) -> WindowDrawing | None:
    if window is None:
        return None
    axis = axis_over([window.not_before, window.not_after])
    return WindowDrawing(bar_of(window, axis), percent(axis.at(today)) if axis.first <= today <= axis.last else "")
