"""The clock and the calendar, with the clocks of London, Berlin, New York and Lord Howe changing under it.

Lord Howe moves its clocks by half an hour; Johannesburg never does.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from clinic import times

LONDON = ZoneInfo("Europe/London")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
HOUR = timedelta(hours=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


# --- The clock --------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock(settings, tmp_path):
    settings.CLOCK_FILE = tmp_path / "clock"
    return settings.CLOCK_FILE


def test_now_is_the_machines_time_in_utc_until_somebody_moves_it(clock):
    before = times.real_now()
    assert before <= times.now() <= times.real_now()
    assert times.now().tzinfo == UTC


def test_a_moved_clock_moves_now_and_not_the_machines_time(clock):
    before = times.real_now()
    times.move_clock(by=timedelta(days=1))
    assert timedelta(0) <= times.now() - before - timedelta(days=1) < timedelta(minutes=1)
    assert times.real_now() - before < timedelta(minutes=1)


def test_moves_of_the_clock_add_up(clock):
    times.move_clock(by=timedelta(days=1))
    times.move_clock(by=timedelta(hours=-6))
    assert times.offset() == timedelta(hours=18)


def test_a_clock_moved_by_another_process_is_seen_at_the_next_call(clock):
    assert times.offset() == timedelta(0)
    clock.write_text("3600")
    assert times.offset() == HOUR


@pytest.mark.parametrize("content", [b"", b"tomorrow", b"\xff\xfe", b"1e3", b"9" * 30])
def test_a_broken_clock_file_is_no_offset(clock, content):
    clock.write_bytes(content)
    assert times.offset() == timedelta(0)


def test_production_has_no_clock_to_move(settings):
    settings.CLOCK_FILE = None
    with pytest.raises(RuntimeError, match="cannot be moved"):
        times.move_clock(by=HOUR)
    assert times.offset() == timedelta(0)


# --- From the wall to the instant -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "at", "zone", "instant"),
    [
        (date(2026, 1, 12), time(10), LONDON, utc(2026, 1, 12, 10)),
        (date(2026, 7, 13), time(10), LONDON, utc(2026, 7, 13, 9)),
        (date(2026, 3, 29), time(1, 30), LONDON, utc(2026, 3, 29, 1, 30)),  # skipped: 02:30 on the wall
        (date(2026, 10, 25), time(1, 30), LONDON, utc(2026, 10, 25, 0, 30)),  # twice: the first
        (date(2026, 4, 5), time(1, 45), LORD_HOWE, utc(2026, 4, 4, 14, 45)),  # twice: the first
    ],
)
def test_at_local(day, at, zone, instant):
    found = times.at_local(day, at, zone)
    assert (found, found.tzinfo) == (instant, UTC)


@pytest.mark.parametrize(
    ("zone_name", "spring", "autumn", "change"),
    [
        ("Europe/Berlin", date(2026, 3, 29), date(2026, 10, 25), HOUR),
        ("America/New_York", date(2026, 3, 8), date(2026, 11, 1), HOUR),
        ("Australia/Lord_Howe", date(2026, 10, 4), date(2026, 4, 5), HOUR / 2),
        ("Africa/Johannesburg", date(2026, 3, 29), date(2026, 10, 25), timedelta(0)),
    ],
)
def test_days_are_shorter_in_spring_and_longer_in_autumn(zone_name, spring, autumn, change):
    zone = ZoneInfo(zone_name)

    def length(day):
        start, end = times.day_bounds(day, zone)
        return end - start

    assert length(spring) == 24 * HOUR - change
    assert length(autumn) == 24 * HOUR + change
    assert length(date(2026, 6, 15)) == 24 * HOUR


def test_days_follow_each_other_without_a_gap():
    for offset in range(366):
        day = date(2026, 1, 1) + timedelta(days=offset)
        end = times.day_bounds(day, LORD_HOWE)[1]
        assert end == times.day_bounds(day + timedelta(days=1), LORD_HOWE)[0]
        assert times.local_date(end, LORD_HOWE) == day + timedelta(days=1)
        assert times.local_date(end - timedelta(microseconds=1), LORD_HOWE) == day


@pytest.mark.parametrize(
    ("local", "zone", "does"),
    [
        (datetime(2026, 3, 29, 0, 59), LONDON, True),
        (datetime(2026, 3, 29, 1, 0), LONDON, False),
        (datetime(2026, 3, 29, 1, 59), LONDON, False),
        (datetime(2026, 3, 29, 2, 0), LONDON, True),
        (datetime(2026, 10, 25, 1, 30), LONDON, True),
        (datetime(2026, 10, 4, 2, 29), LORD_HOWE, False),
        (datetime(2026, 10, 4, 2, 30), LORD_HOWE, True),
    ],
)
def test_exists(local, zone, does):
    assert times.exists(local, zone) is does


@pytest.mark.parametrize(
    ("local", "zone", "earlier", "later"),
    [
        (datetime(2026, 1, 12, 10), LONDON, utc(2026, 1, 12, 10), utc(2026, 1, 12, 10)),
        (datetime(2026, 10, 25, 1, 30), LONDON, utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30)),
        (datetime(2026, 10, 25, 2, 0), LONDON, utc(2026, 10, 25, 2), utc(2026, 10, 25, 2)),
        (datetime(2026, 3, 29, 1, 30), LONDON, utc(2026, 3, 29, 0, 30), utc(2026, 3, 29, 1, 30)),
        (datetime(2026, 4, 5, 1, 45), LORD_HOWE, utc(2026, 4, 4, 14, 45), utc(2026, 4, 4, 15, 15)),
    ],
)
def test_a_local_time_has_an_earlier_and_a_later_reading(local, zone, earlier, later):
    assert (times.earlier_reading(local, zone), times.later_reading(local, zone)) == (earlier, later)


# --- Before a visit ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "before"),
    [
        (utc(2026, 1, 14, 10), utc(2026, 1, 12, 10)),
        (utc(2026, 3, 30, 9), utc(2026, 3, 28, 10)),  # spring: 10:00 to 10:00 is 47 hours
        (utc(2026, 10, 26, 10), utc(2026, 10, 24, 9)),  # autumn: 49 hours
        (utc(2026, 3, 31, 0, 30), utc(2026, 3, 29, 1, 30)),  # 01:30 did not happen that day
    ],
)
def test_two_days_before_is_the_same_time_of_day(at, before):
    assert times.days_before_by_wall_clock(at, 2, LONDON) == before


@pytest.mark.parametrize(
    ("at", "leaves"),
    [
        (utc(2026, 1, 12, 7, 59), utc(2026, 1, 11, 19, 59)),
        (utc(2026, 1, 12, 8, 0), utc(2026, 1, 12, 8, 0)),
        (utc(2026, 1, 12, 19, 59), utc(2026, 1, 12, 19, 59)),
        (utc(2026, 1, 12, 20, 0), utc(2026, 1, 12, 19, 59)),
        (utc(2026, 1, 13, 0, 0), utc(2026, 1, 12, 19, 59)),
        # the night in which the clocks go forward: from 19:59 GMT to 8:00 BST
        (utc(2026, 3, 29, 6, 59), utc(2026, 3, 28, 19, 59)),
        (utc(2026, 3, 29, 7, 0), utc(2026, 3, 29, 7, 0)),
        (utc(2026, 3, 29, 19, 0), utc(2026, 3, 29, 18, 59)),
        # and back: from 19:59 BST to 8:00 GMT
        (utc(2026, 10, 25, 7, 59), utc(2026, 10, 24, 18, 59)),
        (utc(2026, 10, 25, 8, 0), utc(2026, 10, 25, 8, 0)),
        (utc(2026, 10, 25, 20, 0), utc(2026, 10, 25, 19, 59)),
    ],
)
def test_what_falls_into_the_night_leaves_before_it(at, leaves):
    assert times.before_quiet_hours(at, LONDON) == leaves


@pytest.mark.parametrize(
    ("at", "leaves"),
    [
        (utc(2026, 1, 19, 8), utc(2026, 1, 19, 8)),
        (utc(2026, 1, 19, 19, 59, 59), utc(2026, 1, 19, 19, 59, 59)),
        (utc(2026, 1, 19, 20), utc(2026, 1, 20, 8)),
        (utc(2026, 1, 20, 0, 30), utc(2026, 1, 20, 8)),
        (utc(2026, 1, 20, 7, 59, 59), utc(2026, 1, 20, 8)),
        (utc(2026, 3, 28, 21), utc(2026, 3, 29, 7)),  # the night of spring is an hour shorter
        (utc(2026, 10, 24, 20), utc(2026, 10, 25, 8)),  # and that of autumn an hour longer
    ],
)
def test_what_comes_after_a_visit_waits_for_the_morning(at, leaves):
    assert times.after_quiet_hours(at, LONDON) == leaves


# --- Months -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "months", "found"),
    [
        (date(2026, 7, 15), 6, date(2026, 1, 15)),
        (date(2026, 8, 31), 6, date(2026, 2, 28)),  # the month's end, where the day is missing
        (date(2024, 8, 31), 6, date(2024, 2, 29)),
        (date(2026, 1, 31), 6, date(2025, 7, 31)),
        (date(2026, 3, 1), 0, date(2026, 3, 1)),
        (date(2026, 3, 31), 13, date(2025, 2, 28)),
    ],
)
def test_minus_months(day, months, found):
    assert times.minus_months(day, months) == found


@pytest.mark.parametrize(
    ("last_dose", "clear_from"),
    [
        (date(2026, 1, 15), date(2026, 7, 15)),
        (date(2025, 8, 28), date(2026, 2, 28)),
        (date(2025, 8, 29), date(2026, 3, 1)),
        (date(2025, 8, 31), date(2026, 3, 1)),
        (date(2023, 8, 29), date(2024, 2, 29)),
        (date(2023, 8, 31), date(2024, 3, 1)),
        (date(2024, 2, 29), date(2024, 8, 29)),
        (date(2026, 2, 28), date(2026, 8, 28)),
        (date(2026, 3, 31), date(2026, 10, 1)),
        (date(2025, 10, 31), date(2026, 5, 1)),
        (date(2025, 12, 31), date(2026, 7, 1)),
    ],
)
def test_plus_months_clear(last_dose, clear_from):
    assert times.plus_months_clear(last_dose, 6) == clear_from


def test_looking_back_and_looking_forward_agree_on_every_day():
    for offset in range(366 * 12):
        day = date(2019, 1, 1) + timedelta(days=offset)
        clear_from = times.plus_months_clear(day, 6)
        assert times.minus_months(clear_from, 6) >= day > times.minus_months(clear_from - timedelta(days=1), 6)
