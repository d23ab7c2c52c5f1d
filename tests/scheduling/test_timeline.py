from datetime import date, timedelta

import pytest

from scheduling.timeline import Axis, axis_over, bar_of, draw_window
from treatments.windows import Window

AXIS = Axis(date(2026, 1, 1), date(2026, 4, 11))  # a hundred days: each is one per cent
WINDOW = Window(not_before=date(2026, 1, 11), ideal=date(2026, 1, 21), not_after=date(2026, 2, 9))


@pytest.mark.parametrize(
    ("day", "place"),
    [(date(2026, 1, 1), 0), (date(2026, 1, 2), 1), (date(2026, 4, 11), 100)]
    + [(date(2025, 12, 31), 0), (date(2026, 4, 12), 100)],
)
def test_a_day_has_its_place_and_what_lies_outside_the_nearer_end(day, place):
    assert AXIS.at(day) == place


def test_a_bar_counts_the_last_day_whole_and_its_best_week_begins_with_the_ideal_day():
    bar = bar_of(WINDOW, AXIS)
    assert (bar.x, bar.width) == ("10.00%", "30.00%")
    assert (bar.best_x, bar.best_width) == ("20.00%", "7.00%")


def test_a_bar_is_cut_where_the_axis_ends():
    bar = bar_of(Window(date(2026, 4, 1), date(2026, 4, 1), date(2027, 4, 1)), AXIS)
    assert (bar.x, bar.width) == ("90.00%", "10.00%")


def test_months_begin_on_their_first_day_and_january_names_its_year():
    axis = Axis(date(2025, 12, 1), date(2026, 3, 11))
    assert axis.months == [("31.00%", "Jan 2026"), ("62.00%", "Feb"), ("90.00%", "Mar")]


def test_a_long_axis_names_every_third_month():
    assert len(Axis(date(2026, 1, 15), date(2027, 3, 15)).months) == 14
    assert len(Axis(date(2026, 1, 15), date(2027, 4, 15)).months) == 5


def test_an_axis_leaves_room_at_both_ends_also_over_a_single_day():
    day = date(2026, 1, 12)
    assert axis_over([day]) == Axis(day - timedelta(days=7), day + timedelta(days=7))


@pytest.mark.parametrize(
    ("today", "is_drawn"),
    [(date(2026, 1, 3), False), (date(2026, 1, 4), True), (date(2026, 2, 16), True), (date(2026, 2, 17), False)],
)
def test_today_is_drawn_beside_a_window_that_is_near(today, is_drawn):
    assert bool(draw_window(WINDOW, today=today).today) == is_drawn


def test_without_a_window_there_is_no_drawing():
    assert draw_window(None, today=date(2026, 1, 12)) is None
