"""Interval arithmetic, in seconds, without a database."""

from hypothesis import given
from hypothesis import strategies as st

from scheduling.availability import Needs, grid, needs_of, without_taken

MINUTE = 60


def in_minutes(needs: Needs):
    def minutes(span):
        return span[0] // MINUTE, span[1] // MINUTE

    return {
        "practitioner": [minutes(span) for span in needs.practitioner],
        "room": minutes(needs.room),
        "device": minutes(needs.device),
        "patient": minutes(needs.patient),
    }


# --- What a visit needs -----------------------------------------------------------------------------------------------


def test_the_practitioner_is_free_while_the_cream_works():
    assert in_minutes(needs_of(preparation=15, numbing=30, needling=30, clean_up=10)) == {
        "practitioner": [(0, 15), (45, 75)],
        "room": (0, 85),
        "device": (45, 85),
        "patient": (0, 75),
    }


def test_without_cream_she_stays_from_start_to_end():
    assert in_minutes(needs_of(preparation=10, numbing=0, needling=20, clean_up=0)) == {
        "practitioner": [(0, 30)],
        "room": (0, 30),
        "device": (10, 30),
        "patient": (0, 30),
    }


# --- The grid ---------------------------------------------------------------------------------------------------------


def test_grid_hangs_on_the_start_of_work_and_lets_no_visit_run_over_its_end():
    nine, noon = 9 * 60 * MINUTE, 12 * 60 * MINUTE
    starts = grid((nine + 10 * MINUTE, noon), 75 * MINUTE)
    assert [start // MINUTE - 540 for start in starts] == [10, 25, 40, 55, 70, 85, 100]


def test_a_visit_that_fills_the_stretch_has_one_start_and_a_longer_one_none():
    assert list(grid((0, 75 * MINUTE), 75 * MINUTE)) == [0]
    assert list(grid((0, 75 * MINUTE), 75 * MINUTE + 1)) == []
    assert list(grid((MINUTE, 0), MINUTE)) == []


# --- What is taken ----------------------------------------------------------------------------------------------------


def test_touching_is_not_overlapping():
    assert without_taken([0, 10, 20, 30, 40], taken=[(20, 30)], needs=[(0, 10)]) == [0, 10, 30, 40]
    assert without_taken([0, 10, 20, 30, 40], taken=[(19, 31)], needs=[(0, 10)]) == [0, 40]


def test_a_second_visit_fits_into_the_wait_of_the_first():
    hands = [(0, 15), (45, 75)]
    taken = [(90 + start, 90 + end) for start, end in hands]
    # at 60 the other visit begins within this one's wait, at 120 this one begins within the other's
    assert without_taken(list(range(0, 200, 15)), taken, hands) == [0, 15, 60, 120, 165, 180, 195]


def test_nothing_taken_leaves_everything():
    assert without_taken([1, 2, 3], taken=[], needs=[(0, 9)]) == [1, 2, 3]
    assert without_taken([], taken=[(0, 9)], needs=[(0, 9)]) == []


spans = st.tuples(st.integers(-50, 150), st.integers(1, 40)).map(lambda span: (span[0], span[0] + span[1]))


@given(
    starts=st.lists(st.integers(0, 100), max_size=30).map(sorted),
    taken=st.lists(spans, max_size=6),
    needs=st.lists(spans, max_size=4),
)
def test_a_start_stays_exactly_where_no_need_meets_a_taken_span(starts, taken, needs):
    def is_free(start):
        return not any(
            start + need_from < taken_until and taken_from < start + need_until
            for need_from, need_until in needs
            for taken_from, taken_until in taken
        )

    assert without_taken(starts, taken, needs) == [start for start in starts if is_free(start)]
