"""A rule is changed in the text of its catalogue: the values that differ, and nothing else."""

import pytest

from tests.factories import text_with_the_owners_rules
from treatments.catalogue import CatalogueError, Outcome, Override, load, shipped_text
from treatments.catalogue.named_windows import in_units
from treatments.publishing import drafted_catalogue
from treatments.rule_editing import changes, edit_rule, fields_of, refusals, still_said

TEXT = shipped_text()
CATALOGUE = load(TEXT)


def edited(code, **values):
    return edit_rule(source=TEXT, catalogue=CATALOGUE, code=code, values=values)


def lines_that_differ(text):
    return [(old, new) for old, new in zip(TEXT.splitlines(), text.splitlines(), strict=True) if old != new]


def test_fields_of_the_owners_rule_say_what_it_demands():
    fields = fields_of(CATALOGUE, "S3")
    assert [(name, field.value) for name, field in fields.items() if "message" not in name and name != "staff"] == [
        ("name", "Sun or sunbed"),
        ("hours", 24),
        ("outcome_checkin", Outcome.BLOCK),
        ("override", Override.CLINICIAN),
    ]
    assert [name for name in fields if "message" in name] == ["message_C01", "message_C01b"]
    assert fields["hours"].limit == "Owner’s document: at least 24 hours. Longer is allowed, shorter is not."
    assert fields["outcome_checkin"].limit == "Owner’s document: at least “blocked”."
    assert fields["override"].limit == "Owner’s document: nobody beyond “clinical lead”."
    assert fields["staff"].limit == ""


@pytest.mark.parametrize(
    ("name", "looser", "least"),
    [
        ("hours", 23, 24),
        ("outcome_checkin", Outcome.HOLD, Outcome.BLOCK),
        ("override", Override.AESTHETICIAN, Override.CLINICIAN),
    ],
)
def test_a_field_tells_what_is_looser_than_the_owners_document(name, looser, least):
    field = fields_of(CATALOGUE, "S3")[name]
    assert (field.is_looser(looser), field.is_looser(least)) == (True, False)


def test_other_rules_may_be_switched_off_and_say_nothing_of_the_owner():
    fields = fields_of(CATALOGUE, "E17")
    assert (fields["is_active"].value, fields["months"].value, fields["hold_until_months"].value) == (True, 3, 12)
    assert {field.least for field in fields.values()} == {None}


def test_a_rule_by_choice_has_an_outcome_for_each_answer():
    fields = fields_of(CATALOGUE, "E09")
    assert {name: field.value for name, field in fields.items() if name.startswith("outcome")} == {
        "outcome_now": Outcome.BLOCK,
        "outcome_last_12_months": Outcome.HOLD,
    }


def test_the_same_values_are_the_same_text():
    for code, rule in CATALOGUE.rules.items():
        values = {name: field.value for name, field in fields_of(CATALOGUE, code).items()}
        assert edited(code, **values) == TEXT, rule.code


def test_a_window_changes_its_number_alone():
    text = edited("S3", hours=48)
    assert lines_that_differ(text) == [
        (
            "    test: {kind: since_last_instant, hours: 24}",
            "    test: {kind: since_last_instant, hours: 48}",
        )
    ]
    assert load(text).rules["S3"].test.params == {"hours": 48}
    assert {code: rule for code, rule in load(text).rules.items() if code != "S3"} == {
        code: rule for code, rule in CATALOGUE.rules.items() if code != "S3"
    }


def test_several_values_change_at_once():
    rule = load(edited("E18", days=5, outcome_previsit=Outcome.HOLD, override=Override.NONE, is_active=False)).rules[
        "E18"
    ]
    assert (rule.test.params["days"], rule.override, rule.is_active) == (5, Override.NONE, False)
    assert set(rule.outcome.values()) == {Outcome.HOLD}


def test_a_single_outcome_becomes_one_for_each_stage():
    text = edited("E26", outcome_previsit=Outcome.HOLD)
    assert "    outcome: {previsit: hold, checkin: block}" in text
    assert {stage.value: outcome for stage, outcome in load(text).rules["E26"].outcome.items()} == {
        "previsit": Outcome.HOLD,
        "checkin": Outcome.BLOCK,
    }


def test_the_outcome_of_an_answer_changes():
    assert load(edited("E09", outcome_now=Outcome.HARD_BLOCK)).rules["E09"].test.params["map"] == {
        "now": Outcome.HARD_BLOCK,
        "last_12_months": Outcome.HOLD,
    }


@pytest.mark.parametrize(
    "words", ["Plain.", "yes", "a: b # c", '“quotes” and "quotes"\nand a new line', "x" * 900, "€ 😀 \ufffe"]
)
def test_words_of_any_kind_are_kept_as_they_are(words):
    catalogue = load(edited("S1", staff=words, name=words[:80]))
    assert (catalogue.rules["S1"].staff, catalogue.rules["S1"].name) == (words, words[:80])
    assert catalogue.rules["S2"] == CATALOGUE.rules["S2"]


def test_what_patients_read_belongs_to_the_question():
    catalogue = load(edited("S3", message_C01="Please find shade.", message_C01b="From {clear_from} on."))
    assert catalogue.questions["C01"].patient_message == "Please find shade."
    assert catalogue.questions["C01b"].patient_message == "From {clear_from} on."
    assert catalogue.rules == CATALOGUE.rules


def test_a_rule_that_waits_for_its_questions_can_be_switched_on():
    source = text_with_the_owners_rules()
    text = edit_rule(source=source, catalogue=load(source), code="E20", values={"is_active": True})
    assert [code for code, rule in load(text).rules.items() if rule.is_active] == ["S1", "S2", "S3", "S4", "E20"]


@pytest.mark.parametrize(
    ("code", "values", "field", "sentence"),
    [
        ("S1", {"months": 5}, "months", "S1 is the owner's rule and needs at least: months 6."),
        (
            "S1",
            {"override": Override.CLINICIAN},
            "override",
            "S1 is the owner's rule; the most that “override” may say",
        ),
        (
            "S3",
            {"outcome_checkin": Outcome.HOLD},
            "outcome_checkin",
            "S3 is the owner's rule and says at least “block”",
        ),
        ("S2", {"advice_hours": 23}, "hours", "S2 test: the prescriber must be heard before the hours begin."),
        ("S2", {"message_Q05": "Please stop taking it."}, "message_Q05", "Q05: the message says “stop”"),
        ("S2", {"staff": "Skip a dose."}, "staff", "S2: staff may pass “Skip” on"),
        ("S1", {"message_Q04": "{name}, wait."}, "message_Q04", "Q04: in braces stands one of these"),
    ],
)
def test_a_refusal_finds_its_field(code, values, field, sentence):
    text = edited(code, **values)
    with pytest.raises(CatalogueError) as refused:
        drafted_catalogue(text, base=CATALOGUE)
    [(found, said)] = refusals(source=text, catalogue=CATALOGUE, code=code, error=refused.value)
    assert found == field
    assert said.startswith(sentence)


def test_changes_are_told_in_words_and_each_once():
    text = edited("E01", outcome_checkin=Outcome.HOLD, message_C06="Your skin is not ready today.")
    found = [(change.rule.code, change.label, change.before, change.after) for change in changes(CATALOGUE, load(text))]
    shipped = CATALOGUE.questions["C06"]
    assert found == [
        ("E01", "At check-in", "blocked", "on hold"),
        (
            "E01",
            f"What the patient reads after “{shipped.text}”",
            shipped.message_as_written,
            "Your skin is not ready today.",
        ),
    ]
    assert changes(CATALOGUE, CATALOGUE) == []


def test_changes_tell_units():
    [change] = changes(CATALOGUE, load(edited("S1", months=7)))
    assert (change.label, change.before, change.after) == ("Time between it and the visit", "6 months", "7 months")


@pytest.mark.parametrize(
    ("setting", "number", "words"),
    [("hours", 1, "1 hour"), ("hold_until_days", 7, "7 days"), ("months", 1, "1 month"), ("years", 18, "18 years")],
)
def test_units_follow_the_number(setting, number, words):
    assert in_units(setting, number) == words


def test_words_that_name_the_old_window_are_found():
    draft = load(edited("S2", hours=25))
    assert [(words, field.name) for words, field in still_said(CATALOGUE, draft, "S2")] == [("24 hours", "staff")]
    assert still_said(CATALOGUE, CATALOGUE, "S2") == []


def test_words_that_follow_the_window_or_only_look_alike_are_not():
    words = {"message_C01": "Wait {hours}.", "staff": "Not 124 hours."}
    assert still_said(CATALOGUE, load(edited("S3", hours=48, **words)), "S3") == []
