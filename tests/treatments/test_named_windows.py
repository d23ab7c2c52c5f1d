"""What a question says of the windows of its rules: since when it asks, before one visit."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from treatments.catalogue import load, read, shipped_text
from treatments.catalogue.named_windows import asked

LONDON, NEW_YORK = ZoneInfo("Europe/London"), ZoneInfo("America/New_York")
LONGER = load(shipped_text().replace("kind: since_last_instant, hours: 24}", "kind: since_last_instant, hours: 48}"))


def text(id, start, zone=LONDON, catalogue=None):
    catalogue = catalogue or read()
    return asked(catalogue, catalogue.questions[id], start=start, zone=zone).text


@pytest.mark.parametrize(
    ("start", "zone", "since"),
    [
        (datetime(2026, 1, 20, 10, tzinfo=UTC), LONDON, "Monday 19 January, 10:00"),
        # the clocks go forward: 24 hours before 10:00 it was 9:00
        (datetime(2026, 3, 29, 9, tzinfo=UTC), LONDON, "Saturday 28 March, 09:00"),
        # and back: it was 11:00
        (datetime(2026, 10, 25, 10, tzinfo=UTC), LONDON, "Saturday 24 October, 11:00"),
        (datetime(2026, 3, 8, 14, tzinfo=UTC), NEW_YORK, "Saturday 7 March, 09:00"),
    ],
)
def test_hours_are_counted_back_from_the_visit(start, zone, since):
    assert text("C01", start, zone) == f"Have you been in the sun or on a sunbed since {since}?"


def test_a_longer_rule_asks_since_an_earlier_moment():
    start = datetime(2026, 1, 20, 10, tzinfo=UTC)
    assert text("C01", start, catalogue=LONGER) == (
        "Have you been in the sun or on a sunbed since Sunday 18 January, 10:00?"
    )


@pytest.mark.parametrize(
    ("id", "since"),
    [
        ("P04", "Wednesday 7 January"),  # 14 days before the 20th are clear, 13 are not
        ("P05", "Sunday 18 January"),
        ("P06", "Wednesday 14 January"),  # until a week has passed the clinical lead decides
    ],
)
def test_days_begin_with_the_first_that_counts(id, since):
    assert f" since {since}" in text(id, datetime(2026, 1, 20, 10, tzinfo=UTC))


def test_days_are_those_of_the_clinic():
    late = datetime(2026, 3, 15, 3, 30, tzinfo=UTC)  # still the 14th in New York
    assert " since Sunday 1 March?" in text("P04", late, NEW_YORK)


def test_without_a_visit_it_says_how_long_before_one():
    assert text("C01", None) == "Have you been in the sun or on a sunbed since 24 hours before the visit?"
    assert " since 14 days before the visit?" in text("P04", None)
    assert " since 7 days before the visit," in text("P06", None)


def test_a_question_without_a_moment_stays_as_it_is():
    question = read().questions["C05"]
    assert asked(read(), question) is question
