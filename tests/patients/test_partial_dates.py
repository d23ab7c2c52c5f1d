import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.partial_dates import PartialDate, Precision


@pytest.mark.parametrize(
    "text, precision, earliest, latest",
    [
        ("2025-08-31", Precision.DAY, dt.date(2025, 8, 31), dt.date(2025, 8, 31)),
        ("2025-08", Precision.MONTH, dt.date(2025, 8, 1), dt.date(2025, 8, 31)),
        ("2025", Precision.YEAR, dt.date(2025, 1, 1), dt.date(2025, 12, 31)),
        ("2024-02", Precision.MONTH, dt.date(2024, 2, 1), dt.date(2024, 2, 29)),
        ("2023-02", Precision.MONTH, dt.date(2023, 2, 1), dt.date(2023, 2, 28)),
        ("2024-02-29", Precision.DAY, dt.date(2024, 2, 29), dt.date(2024, 2, 29)),
        ("1900-01-01", Precision.DAY, dt.date(1900, 1, 1), dt.date(1900, 1, 1)),
        ("2100", Precision.YEAR, dt.date(2100, 1, 1), dt.date(2100, 12, 31)),
    ],
)
def test_parse_reads_what_is_known(text, precision, earliest, latest):
    parsed = PartialDate.parse(text)
    assert parsed == PartialDate(earliest, precision)
    assert (parsed.earliest(), parsed.latest()) == (earliest, latest)
    assert str(parsed) == text


@pytest.mark.parametrize(
    "text",
    ["", " ", "still", "25-08-31", "2025-8", "2025-08-1", "2025-08-31 ", "2025-08-31\n", "2025/08/31", "31-08-2025"]
    + ["20250831", "٢٠٢٥", "2025-08-31T10:00", "2025\x00", "\ud800", "+2025", "-2025"],
)
def test_parse_of_another_form_says_how_to_write_it(text):
    with pytest.raises(ValueError, match="^Write the date as 2025-08-31"):
        PartialDate.parse(text)


@pytest.mark.parametrize("text", ["2025-02-29", "2025-13", "2025-00", "2025-04-31", "2025-01-00", "0000"])
def test_parse_of_a_day_that_does_not_exist_is_refused(text):
    with pytest.raises(ValueError, match="^This date is not in the calendar"):
        PartialDate.parse(text)


@pytest.mark.parametrize("text", ["1899-12-31", "1899", "2101-01-01", "2101-01", "0001-01-01", "9999"])
def test_parse_outside_1900_to_2100_is_refused(text):
    with pytest.raises(ValueError, match="^The year must lie between 1900 and 2100.$"):
        PartialDate.parse(text)


def test_a_month_with_a_day_in_it_is_refused():
    with pytest.raises(ValueError, match="^A month is stored as its first day"):
        PartialDate(dt.date(2025, 8, 2), Precision.MONTH)


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31)), st.sampled_from([4, 7, 10]))
def test_every_written_date_comes_back_and_contains_its_day(day, length):
    text = day.isoformat()[:length]
    parsed = PartialDate.parse(text)
    assert str(parsed) == text
    assert parsed.earliest() <= day <= parsed.latest()
