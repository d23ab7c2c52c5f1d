import re
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from treatments.catalogue import read
from treatments.question_fields import LastDateField, field_for, read_typed_date
from treatments.screening.reading import read_answers

# --- A date as people type it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "read_as"),
    [
        ("31/08/2025", "2025-08-31"),
        ("1/8/2025", "2025-08-01"),
        ("31.08.2025", "2025-08-31"),
        ("31 08 2025", "2025-08-31"),
        ("08/2025", "2025-08"),
        ("8/2025", "2025-08"),
        ("2025", "2025"),
        ("  2025-08-31 ", "2025-08-31"),
        ("2025-08", "2025-08"),
        ("29/02/2024", "2024-02-29"),
        ("24/7/26", "2026-07-24"),
        ("1.12.59", "2059-12-01"),
        ("3/5/98", "1998-05-03"),
        ("31 August 2025", "2025-08-31"),
        ("1st sept 2025", "2025-09-01"),
        ("July 2026", "2026-07"),
        ("JUL. 2026", "2026-07"),
    ],
)
def test_a_date_or_a_part_of_one_is_read(typed, read_as):
    assert read_typed_date(typed) == read_as


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "summer",
        "31/02/2025",
        "29/02/2025",
        "13/2025",
        "00/2025",
        "08/31/2025",
        "31/13/25",
        "8/25",
        "Ju 2026",
        "Summer 2026",
        "1899",
        "2101",
        "٢٠٢٥",
    ],
)
def test_what_is_no_date_is_told_in_a_sentence(typed):
    with pytest.raises(ValueError, match=r"^[A-Z].*[.]$"):
        read_typed_date(typed)


def test_what_is_no_date_is_asked_for_as_it_is_typed():
    with pytest.raises(ValueError) as refused:
        read_typed_date("last summer")
    assert str(refused.value) == (
        "Write the date as 31/08/2025, or only the month as 08/2025, or only the year as 2025."
    )


@pytest.mark.parametrize(
    ("typed", "found"), [(["08/2025", ""], "2025-08"), (["", "on"], "still"), (["", ""], ""), ([None, None], "")]
)
def test_a_last_date_is_a_date_or_still_or_open(typed, found):
    assert LastDateField().clean(typed) == found


# --- Other answers ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def everything():
    return read()


def clean(everything, question, value, *, is_known=False):
    return field_for(everything.questions[question], is_known=is_known).clean(value)


@pytest.mark.parametrize(
    ("question", "typed", "read_as"),
    [
        ("Q14", ["eczema", "psoriasis"], "eczema, psoriasis"),
        ("Q14", ["none"], "none"),
        ("Q14", ["vitiligo", "not_sure"], "vitiligo, not_sure"),
        ("Q14", [], ""),
        ("Q23", ["Zinc,\r\nIbuprofen ", ""], "Zinc,\nIbuprofen"),
        ("Q23", ["", "on"], "none"),
        ("Q23", [" \u200b ", ""], ""),
        ("Q22b", ["Blisters"], "Blisters"),
        ("Q21", "11/2024", "2024-11"),
        ("Q21", "", ""),
        ("C01b", ["2026-03-28", "10:00"], "2026-03-28T10:00"),
        ("C01b", ["2026-03-28", ""], "2026-03-28"),
        ("C01b", ["", ""], ""),
        ("C03", "on", "yes"),
        ("C03", "", ""),
        ("Q06", "does_not_apply", "does_not_apply"),
    ],
)
def test_what_is_filled_in_becomes_the_text_that_the_rules_read(everything, question, typed, read_as):
    assert clean(everything, question, typed) == read_as
    if read_as:
        read_answers(everything, {question: read_as}, ZoneInfo("Europe/London"))


@pytest.mark.parametrize(
    ("question", "typed"),
    [
        ("Q14", ["eczema", "none"]),
        ("Q14", ["acne"]),
        ("Q14", ["same"]),
        ("Q23", ["Zinc", "on"]),
        ("Q23", ["...", ""]),
        ("Q23", ["x" * 1001, ""]),
        ("Q21", "still"),
        ("Q21", "last summer"),
        ("C01b", ["", "10:00"]),
        ("C01b", ["1899-12-31", ""]),
        ("C01b", ["2101-01-01", "10:00"]),
        ("C01b", ["yesterday", "10:00"]),
        ("C01b", ["2026-03-28", "25:00"]),
        ("Q06", "perhaps"),
    ],
)
def test_what_cannot_be_an_answer_is_told_in_a_sentence(everything, question, typed):
    with pytest.raises(ValidationError) as refused:
        clean(everything, question, typed)
    assert all(re.fullmatch("[A-Z“].*[.]", sentence) for sentence in refused.value.messages)


def test_what_is_known_may_stay_and_stands_alone(everything):
    assert clean(everything, "Q14", ["same"], is_known=True) == "same"
    assert clean(everything, "Q23", ["", "", "on"], is_known=True) == "same"
    assert clean(everything, "Q07", "same", is_known=True) == "same"
    for question, typed in [("Q14", ["same", "eczema"]), ("Q23", ["Zinc", "", "on"]), ("Q23", ["", "on", "on"])]:
        with pytest.raises(ValidationError):
            clean(everything, question, typed, is_known=True)


def test_a_few_short_answers_stand_side_by_side_and_the_others_below_one_another(everything):
    templates = {
        id: field_for(everything.questions[id], is_known=False).template for id in ("Q09", "Q05c", "Q06", "Q24")
    }
    side_by_side, below = "components/_segmented.html", "treatments/_choices_question.html"
    assert templates == {"Q09": side_by_side, "Q06": side_by_side, "Q05c": below, "Q24": below}
