from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.factories import NOW, make_location, make_patient
from treatments.answers import record_answers
from treatments.catalogue import Stage, read
from treatments.forms import AnswersForm, LastDateField, read_typed_date

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
    ],
)
def test_a_date_or_a_part_of_one_is_read(typed, read_as):
    assert read_typed_date(typed) == read_as


@pytest.mark.parametrize(
    "typed",
    ["", "summer", "31/02/2025", "29/02/2025", "13/2025", "00/2025", "08/31/2025", "31/08/25", "1899", "2101", "٢٠٢٥"],
)
def test_what_is_no_date_is_told_in_a_sentence(typed):
    with pytest.raises(ValueError, match=r"^[A-Z].*[.]$"):
        read_typed_date(typed)


@pytest.mark.parametrize(
    ("typed", "found"), [(["08/2025", ""], "2025-08"), (["", "on"], "still"), (["", ""], ""), ([None, None], "")]
)
def test_a_last_date_is_a_date_or_still_or_open(typed, found):
    assert LastDateField(required=False).clean(typed) == found


# --- The questions ----------------------------------------------------------------------------------------------------


@pytest.fixture
def patient(db):
    return make_patient(make_location())


def form_of(patient, data=None):
    zone = ZoneInfo("Australia/Lord_Howe")
    return AnswersForm(data, catalogue=read(), stage=Stage.BOOKING, patient=patient, zone=zone)


def answers(patient, **data):
    form = form_of(patient, data)
    assert form.is_valid(), form.errors
    return form.answers


def known(patient, **said):
    record_answers(patient=patient, answers=said, by=None, now=NOW + timedelta(hours=6))  # midnight on Lord Howe


def test_it_asks_what_the_active_rules_ask_at_the_stage(patient):
    assert [(field.name, condition) for field, condition in form_of(patient).rows] == [
        ("Q04", ""),
        ("Q04b", "Q04=yes"),
        ("Q05", ""),
        ("Q05b", "Q05=yes"),
        ("Q05c", "Q05=yes"),
    ]


def test_what_was_answered_comes_out_by_question(patient):
    assert answers(patient, Q04="yes", Q04b_0="08/2025", Q05="yes", Q05c="not_asked") == {
        "Q04": "yes",
        "Q04b": "2025-08",
        "Q05": "yes",
        "Q05c": "not_asked",
    }
    assert answers(patient, Q04="yes", Q04b_1="on", Q05="not_sure") == {
        "Q04": "yes",
        "Q04b": "still",
        "Q05": "not_sure",
    }


def test_what_nobody_can_say_now_stays_open(patient):
    assert answers(patient, Q04="yes", Q05="yes") == {"Q04": "yes", "Q05": "yes"}


def test_what_follows_an_answer_that_was_not_given_is_dropped(patient):
    assert answers(patient, Q04="no", Q04b_0="08/2025", Q05="not_sure", Q05c="may_pause") == {
        "Q04": "no",
        "Q05": "not_sure",
    }


def test_every_question_needs_an_answer_and_not_sure_is_one(patient):
    form = form_of(patient, {"Q04": "", "Q05c": "may_pause"})
    sentence = "Ask this and choose an answer; “Not sure” is one."
    assert form.errors == {"Q04": [sentence], "Q05": [sentence]}


@pytest.mark.parametrize(
    "data", [{"Q04": "perhaps"}, {"Q04": "same"}, {"Q05c": "stop_it"}, {"Q04b_0": "soon"}, {"Q04b_0": "2" * 21}]
)
def test_what_is_not_among_the_answers_is_refused(patient, data):
    form = form_of(patient, {"Q04": "yes", "Q05": "yes"} | data)
    assert list(form.errors) == [next(iter(data)).partition("_")[0]]


def test_a_date_and_still_cannot_both_be_true(patient):
    form = form_of(patient, {"Q04": "yes", "Q04b_0": "08/2025", "Q04b_1": "on", "Q05": "no"})
    assert form.errors == {"Q04b": ["Give the date of the last one, or tick that it is still taken, not both."]}


# --- Answered before --------------------------------------------------------------------------------------------------


def test_a_known_answer_is_shown_as_a_day_and_may_stay(patient):
    known(patient, Q04="yes", Q04b="2025-08", Q05="no")
    form = form_of(patient)
    day = "Answered on 13 January 2026. Ask whether that still holds."  # the day it was on Lord Howe
    assert [form.fields[each].help_text for each in ("Q04", "Q05", "Q04b", "Q05c")] == [day, day, "", ""]
    assert form.fields["Q04"].choices[0] == ("same", "Nothing has changed")
    assert [form[each].value() for each in ("Q04", "Q05")] == [None, None]  # nothing is chosen in advance
    assert answers(patient, Q04="same", Q05="same") == {}


def test_a_known_answer_may_change(patient):
    known(patient, Q04="no", Q05="no")
    assert answers(patient, Q04="yes", Q04b_0="2025", Q05="same") == {"Q04": "yes", "Q04b": "2025"}


def test_what_follows_an_answer_that_stays_is_not_asked_again(patient):
    known(patient, Q04="yes", Q04b="2025-08", Q05="no")
    assert answers(patient, Q04="same", Q04b_0="2020", Q05="same") == {}
