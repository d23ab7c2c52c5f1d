from datetime import timedelta

import pytest

from tests.factories import NOW, make_clinic, make_patient, make_user
from treatments.answers import known_answers
from treatments.models import PrescriberAdvice
from treatments.prescribers import AdviceRefused, record_advice

pytestmark = pytest.mark.django_db

TODAY = NOW.date()


@pytest.fixture
def patient():
    return make_patient(make_clinic())


def record(patient, said="may_pause", **words):
    usual = {"medicine": " Azathioprine\n", "said_by": "Dr  Amara Obi", "said_on": TODAY, "today": TODAY}
    return record_advice(patient=patient, by=make_user("lead"), now=NOW, **usual | {"said": said} | words)


@pytest.mark.parametrize(
    ("said", "answers"),
    [
        ("may_pause", {"Q05": "yes", "Q05b": "Azathioprine", "Q05c": "may_pause"}),
        ("keep_taking", {"Q05": "yes", "Q05b": "Azathioprine", "Q05c": "keep_taking"}),
        ("not_reached", {"Q05": "yes", "Q05b": "Azathioprine", "Q05c": "not_asked"}),
    ],
)
def test_what_was_said_is_the_answer_that_the_rules_read(patient, said, answers):
    record(patient, said)
    known = known_answers(patient)
    assert {id: known.get(id) for id in ("Q05", "Q05b", "Q05c")} == answers


def test_a_medicine_that_does_not_count_is_none_of_those(patient):
    record(patient, "keep_taking")
    record(patient, "does_not_count", medicine="Levothyroxine")
    known = known_answers(patient)
    assert {id: known.get(id) for id in ("Q05", "Q05b", "Q05c")} == {"Q05": "no", "Q05b": None, "Q05c": None}


def test_the_newest_advice_is_what_the_rules_read_of_it(patient):
    assert "advice" not in known_answers(patient)
    record(patient, "keep_taking")
    record(patient, said_on=TODAY - timedelta(days=2))
    told = known_answers(patient)["advice"]
    assert told == f"may_pause\nAzathioprine\nDr Amara Obi, {TODAY - timedelta(days=2):%-d %B %Y}"
    record(patient, "not_reached", said_by="", said_on=None)
    assert known_answers(patient)["advice"] == "not_reached\nAzathioprine\n"


def test_it_is_kept_with_who_said_it_and_when_and_an_older_one_stays(patient):
    first = record(patient, note="By phone.")
    assert (first.medicine, first.said_by, first.said_on, first.note) == (
        "Azathioprine",
        "Dr Amara Obi",
        TODAY,
        "By phone.",
    )
    record(patient, "keep_taking")
    assert [each.said for each in patient.prescriber_advice.all()] == ["keep_taking", "may_pause"]


def test_who_was_not_reached_has_said_nothing(patient):
    kept = record(patient, "not_reached")
    assert (kept.said_by, kept.said_on) == ("", None)


@pytest.mark.parametrize(
    ("words", "field", "sentence"),
    [
        ({"medicine": " \u200b"}, "medicine", "Write the name of the medicine."),
        ({"medicine": "a" * 121}, "medicine", "Write the name of the medicine."),
        ({"said_by": ""}, "said_by", "Write who said so, such as the doctor's name."),
        ({"said_on": None}, "said_on", "Write the day on which this was said."),
        (
            {"said_on": TODAY + timedelta(days=1)},
            "said_on",
            "This day is still to come. Write the day on which it was said.",
        ),
    ],
)
def test_what_is_missing_is_refused_and_changes_nothing(patient, words, field, sentence):
    with pytest.raises(AdviceRefused) as refused:
        record(patient, **words)
    assert (refused.value.field, refused.value.message) == (field, sentence)
    assert not PrescriberAdvice.objects.exists()
    assert "Q05c" not in known_answers(patient)


def test_nobody_is_named_or_dated_where_nobody_was_reached(patient):
    assert record(patient, "not_reached", said_by="", said_on=None).said == "not_reached"
