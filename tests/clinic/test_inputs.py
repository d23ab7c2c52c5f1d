from datetime import date, time
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from clinic.inputs import ClockField, DayField, DepthField, LineField, ParagraphsField


@pytest.mark.parametrize(
    ("typed", "depth"), [("1.5", "1.5"), ("0,25", "0.25"), ("3", "3"), ("0.1", "0.1"), (" 2 ", "2")]
)
def test_depth_is_read_with_point_or_comma(typed, depth):
    assert DepthField().clean(typed) == Decimal(depth)


@pytest.mark.parametrize(
    "typed", ["0", "0.09", "3.01", "-1", "1_0", "1e0", "NaN", "٣", "1.234", "x" * 10_000, "1.5\x00."]
)
def test_depth_refuses_what_is_none(typed):
    with pytest.raises(ValidationError) as refused:
        DepthField().clean(typed)
    assert refused.value.messages == ["Give a depth in mm between 0.1 and 3, such as 1.5."]


def test_depth_left_empty():
    with pytest.raises(ValidationError) as refused:
        DepthField().clean(" ")
    assert refused.value.messages == ["Please fill this in."]


def test_line_is_refused_when_too_long_and_never_cut():
    field = LineField(longest=5)
    assert field.clean(" ab\u200bcde ") == "abcde"
    with pytest.raises(ValidationError) as refused:
        field.clean("abcdef")
    assert refused.value.messages == ["Write at most 5 characters."]
    assert "maxlength" not in field.widget.attrs


def test_line_of_invisible_characters_counts_as_empty():
    with pytest.raises(ValidationError) as refused:
        LineField().clean("\u200b\u3164")
    assert refused.value.messages == ["Please fill this in."]


def test_paragraphs_keep_lines():
    assert ParagraphsField().clean("one\r\ntwo\x00") == "one\ntwo"


def test_day_and_clock_read_what_browsers_send():
    assert DayField().clean("2026-03-29") == date(2026, 3, 29)
    assert ClockField().clean("09:30") == time(9, 30)
    assert ClockField().clean("09:30:59") == time(9, 30)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        (DayField(), "2026-02-30", "Give the whole date: day, month and year."),
        (ClockField(), "25:00", "Give the time as hours and minutes, such as 09:30."),
    ],
)
def test_day_and_clock_say_what_to_do(field, typed, sentence):
    with pytest.raises(ValidationError) as refused:
        field.clean(typed)
    assert refused.value.messages == [sentence]
