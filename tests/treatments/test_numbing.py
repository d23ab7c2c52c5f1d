from datetime import timedelta

import pytest

from tests.factories import NOW
from treatments.models import Course, CourseSession, Protocol, Visit
from treatments.numbing import numbing_clock

MINUTE = timedelta(minutes=1)


def clock(minutes, *, takes=30, off_after=None, seconds=0):
    """The clock of a cream that went on at NOW, some minutes later."""
    session = CourseSession(course=Course(protocol=Protocol(numbing_minutes=takes)))
    off_at = None if off_after is None else NOW + off_after * MINUTE
    visit = Visit(session=session, numbing_applied_at=NOW, numbing_removed_at=off_at)
    return numbing_clock(visit, NOW + minutes * MINUTE + timedelta(seconds=seconds))


def test_without_a_cream_there_is_no_clock():
    assert numbing_clock(Visit(), NOW) is None


@pytest.mark.parametrize(
    ("minutes", "on", "left", "percent", "is_ready"),
    [
        (0, 0, 30, 0, False),
        (10, 10, 20, 33, False),
        (29, 29, 1, 96, False),
        (30, 30, 0, 100, True),
        (45, 45, 0, 100, True),
    ],
)
def test_it_counts_up_and_down(minutes, on, left, percent, is_ready):
    found = clock(minutes)
    assert (found.minutes_on, found.minutes_left, found.percent, found.is_ready) == (on, left, percent, is_ready)


def test_a_minute_that_has_begun_is_still_to_come():
    assert clock(29, seconds=1).minutes_left == 1
    assert clock(29, seconds=59).minutes_left == 1
    assert clock(30).minutes_left == 0


def test_once_it_is_off_the_minutes_on_stand_still():
    assert clock(60, off_after=25).minutes_on == 25


def test_a_cream_that_takes_no_time_is_ready_at_once():
    assert (clock(0, takes=0).percent, clock(0, takes=0).minutes_left) == (100, 0)
