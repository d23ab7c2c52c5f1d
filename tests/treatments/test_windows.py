from datetime import date, timedelta

import pytest

from treatments.windows import Window, refresher_window, refreshers_within_a_year, session_window


def test_a_session_window_counts_weeks_from_the_session_before():
    assert session_window(previous=date(2026, 1, 5), weeks_min=4, weeks_typical=6, weeks_max=8) == Window(
        not_before=date(2026, 2, 2), ideal=date(2026, 2, 16), not_after=date(2026, 3, 2)
    )


@pytest.mark.parametrize("previous", [date(2026, 3, 16), date(2026, 10, 12)])
def test_a_window_over_a_change_of_the_clocks_counts_the_same_days(previous):
    window = session_window(previous=previous, weeks_min=4, weeks_typical=4, weeks_max=8)
    assert (window.not_before - previous, window.not_after - previous) == (timedelta(days=28), timedelta(days=56))


def test_a_window_holds_both_its_ends_and_nothing_beyond():
    window = session_window(previous=date(2026, 1, 5), weeks_min=4, weeks_typical=4, weeks_max=8)
    day = timedelta(days=1)
    assert window.not_before in window
    assert window.not_after in window
    assert window.not_before - day not in window
    assert window.not_after + day not in window


@pytest.mark.parametrize(
    ("per_year", "not_before", "not_after"),
    [
        (1, date(2027, 8, 31), date(2028, 8, 31)),
        (2, date(2027, 3, 1), date(2027, 8, 31)),  # 31 August and six months: February has no 31st
    ],
)
def test_a_refresher_is_due_after_six_or_twelve_calendar_months(per_year, not_before, not_after):
    window = refresher_window(previous=date(2026, 8, 31), per_year=per_year)
    assert (window.not_before, window.not_after) == (not_before, not_after)


def test_refreshers_are_counted_in_twelve_rolling_months():
    day = date(2027, 3, 15)
    earlier = [date(2026, 3, 15), date(2026, 3, 16), date(2026, 9, 1)]
    assert refreshers_within_a_year(day=day, earlier=earlier) == 2


@pytest.mark.parametrize(
    ("weeks", "best"),
    [
        ((4, 4, 8), (date(2026, 2, 2), date(2026, 2, 8))),
        ((4, 6, 8), (date(2026, 2, 16), date(2026, 2, 22))),
        ((4, 8, 8), (date(2026, 3, 2), date(2026, 3, 2))),
    ],
)
def test_the_best_week_begins_with_the_ideal_day_and_ends_with_the_window(weeks, best):
    names = ("weeks_min", "weeks_typical", "weeks_max")
    window = session_window(previous=date(2026, 1, 5), **dict(zip(names, weeks, strict=True)))
    assert (window.ideal, window.best_until) == best
    days = [window.ideal + timedelta(days=offset) for offset in range(-1, 8)]
    assert [day for day in days if window.is_best(day)] == [day for day in days if best[0] <= day <= best[1]]
