"""Interval arithmetic on integers: seconds since the epoch, half-open spans, nothing from the database.

A start is thinned out, never a free span cut: for each thing a visit needs, from `a` to `b` seconds after its start,
a taken span `(x, y)` forbids exactly the starts in the open interval `(x - b, y - a)`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

GRID_SECONDS = 15 * 60

Span = tuple[int, int]


@dataclass(frozen=True)
class Needs:
    """What a visit takes, as spans in seconds after its start.

    The practitioner is free while the numbing cream works; the room is not. The room and the device are taken until
    they are clean again, after the patient has left.
    """

    practitioner: tuple[Span, ...]
    room: Span
    device: Span
    patient: Span


def needs_of(*, preparation: int, numbing: int, needling: int, clean_up: int) -> Needs:
    """The needs of a protocol whose parts are given in minutes."""
    prepared = preparation * 60
    numb = prepared + numbing * 60
    done = numb + needling * 60
    clean = done + clean_up * 60
    with_her = ((0, prepared), (numb, done)) if numbing else ((0, done),)
    return Needs(practitioner=with_her, room=(0, clean), device=(numb, clean), patient=(0, done))


def grid(window: Span, length: int) -> range:
    """The starts on the clinic's grid from which a visit of `length` seconds ends within the window.

    The grid hangs on the window's start, so that it stays on the clock's quarters on days on which the clock changes.
    """
    return range(window[0], window[1] - length + 1, GRID_SECONDS)


def without_taken(starts: list[int], taken: Iterable[Span], needs: Iterable[Span]) -> list[int]:
    """The sorted `starts` from which none of the needs meets a taken span."""
    needs = tuple(needs)
    blocked: set[int] = set()
    for taken_from, taken_until in taken:
        for need_from, need_until in needs:
            first = bisect_right(starts, taken_from - need_until)
            last = bisect_left(starts, taken_until - need_from)
            blocked.update(starts[first:last])
    return [start for start in starts if start not in blocked] if blocked else starts
