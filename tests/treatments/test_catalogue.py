import re
from decimal import Decimal

import pytest

from clinic.models import Tone
from tests.factories import text_with_the_owners_rules
from treatments.catalogue import (
    CatalogueError,
    Outcome,
    Override,
    QuestionKind,
    Stage,
    Tag,
    TestKind,
    load,
    read,
    shipped_text,
)
from treatments.screening import TESTS

SHIPPED = shipped_text()

# Smallest, usual, largest number of sessions; then weeks between them.
SESSIONS = {
    "acne_scar_moderate": ((3, 3, 4), (4, 4, 8)),
    "acne_scar_mild": ((2, 3, 4), (4, 4, 8)),
    "acne_scar_severe": ((4, 5, 6), (4, 6, 8)),
    "scar_surgical": ((2, 3, 6), (4, 4, 8)),
    "scar_hypertrophic": ((3, 4, 6), (4, 4, 6)),
    "scar_thermal_burn": ((1, 4, 5), (4, 6, 8)),
    "stretch_marks": ((3, 5, 5), (4, 4, 6)),
    "wrinkles_fine": ((4, 4, 6), (4, 4, 6)),
    "wrinkles_deep": ((4, 6, 6), (4, 4, 6)),
    "pigmentation": ((1, 3, 4), (4, 4, 8)),
    "melasma": ((2, 3, 4), (4, 4, 6)),
    "sagging": ((4, 4, 6), (4, 4, 6)),
    "rejuvenation": ((3, 3, 6), (4, 4, 6)),
}
PARTS = {60: (10, 30, 20), 75: (15, 30, 30), 90: (15, 30, 45), 120: (30, 30, 60)}


def numbers(range_):
    return (range_.min, range_.typical, range_.max)


# What ships


def test_shipped_counts_of_the_owners_document():
    """3 to 4 for moderate acne scars, up to 5 for burns and stretch marks, 4 to 6 for wrinkles and 1 to 2 a year."""
    protocols = read().protocols
    assert (protocols["acne_scar_moderate"].sessions.min, protocols["acne_scar_moderate"].sessions.max) == (3, 4)
    assert protocols["scar_thermal_burn"].sessions.max == 5
    assert protocols["stretch_marks"].sessions.max == 5
    for code in ("wrinkles_fine", "wrinkles_deep"):
        assert (protocols[code].sessions.min, protocols[code].sessions.max) == (4, 6)
        assert (protocols[code].refreshers.min_per_year, protocols[code].refreshers.max_per_year) == (1, 2)
        assert protocols[code].refreshers.tag == Tag.SEED
    assert {code for code, protocol in protocols.items() if protocol.sessions.tag == Tag.SEED} == {
        "acne_scar_moderate",
        "scar_thermal_burn",
        "stretch_marks",
        "wrinkles_fine",
        "wrinkles_deep",
    }


def test_shipped_protocols_have_their_sessions_and_intervals():
    shipped = {code: (numbers(p.sessions), numbers(p.interval_weeks)) for code, p in read().protocols.items()}
    assert shipped == SESSIONS


def test_shipped_depths_follow_the_owners_document():
    defaults = read().defaults
    assert (defaults.depth_hard_max_mm, defaults.depth_default_mm) == (Decimal("3.0"), Decimal("0.5"))
    assert max(protocol.depth_mm.max for protocol in read().protocols.values()) == Decimal("3.0")
    assert numbers(read().protocols["wrinkles_fine"].depth_mm) == (Decimal("0.25"), Decimal("0.5"), Decimal("1.0"))


@pytest.mark.parametrize("code", SESSIONS)
def test_shipped_parts_fill_the_slot_and_leave_ten_minutes_to_clean_up(code):
    protocol = read().protocols[code]
    assert (protocol.preparation, protocol.numbing, protocol.needling) == PARTS[protocol.slot_minutes]
    assert protocol.clean_up == 10


def test_shipped_protocols_that_need_a_plan():
    needing = {code for code, protocol in read().protocols.items() if protocol.needs_clinician_plan}
    assert needing == {"acne_scar_severe", "scar_hypertrophic", "scar_thermal_burn", "melasma"}


def test_shipped_tones_use_the_whole_board_palette():
    assert {protocol.tone for protocol in read().protocols.values()} == set(Tone)


def test_shipped_zones_are_all_offered_but_the_eyelid():
    zones = read().zones
    assert len(zones) == 13
    assert [code for code, zone in zones.items() if not zone.is_bookable] == ["eyelid"]
    assert (zones["eyelid"].soft_min_mm, zones["eyelid"].soft_max_mm) == (None, None)
    assert {code for code, zone in zones.items() if zone.is_keloid_prone} == {
        "chest",
        "shoulders_upper_back_upper_arms",
    }
    assert zones["cheeks"].scar_soft_max_mm == Decimal("2.5")


def test_shipped_rules_are_all_there_and_active():
    rules = read().rules
    assert len(rules) == 47
    assert all(rule.is_active for rule in rules.values())
    assert [rules[code].override for code in ("S1", "S2", "S3", "S4")] == [
        Override.NONE,
        Override.CLINICIAN,
        Override.CLINICIAN,
        Override.AESTHETICIAN,
    ]
    assert rules["S1"].test.params["months"] == 6
    assert rules["S2"].test.params["hours"] == rules["S3"].test.params["hours"] == 24


def test_active_rules_of_a_stage_include_those_that_only_advise_there():
    catalogue = load(text_with_the_owners_rules())
    codes = {stage: [rule.code for rule in catalogue.active_rules(stage)] for stage in Stage}
    assert codes == {
        Stage.BOOKING: ["S1", "S2", "S3"],
        Stage.PREVISIT: ["S1", "S2", "S3"],
        Stage.CHECKIN: ["S1", "S2", "S3", "S4"],
    }


def test_questions_at_a_stage_are_those_its_rules_need():
    catalogue = load(text_with_the_owners_rules())
    ids = {stage: [question.id for question in catalogue.questions_at(stage)] for stage in Stage}
    assert ids == {
        Stage.BOOKING: ["Q04", "Q04b", "Q05", "Q05b", "Q05c"],
        Stage.PREVISIT: ["Q04", "Q04b", "Q05", "Q05b", "Q05c"],
        Stage.CHECKIN: ["Q04", "Q04b", "Q05", "Q05b", "Q05c", "C01", "C01b", "C02", "C04", "C03"],
    }


def test_answers_of_a_question_by_kind():
    questions = read().questions
    assert questions["Q04"].answers == ("yes", "no", "not_sure")
    assert questions["Q05c"].answers == ("keep_taking", "may_pause", "not_asked")
    assert questions["C02"].answers == ()
    assert questions["Q04b"].ask_if == {"Q04": ("yes",), "C04": ("yes",)}


def test_the_unsure_policy_never_passes():
    assert read().unsure_policy == {
        Stage.BOOKING: Outcome.HOLD,
        Stage.PREVISIT: Outcome.HOLD,
        Stage.CHECKIN: Outcome.BLOCK,
    }


def test_no_shipped_message_tells_a_patient_to_leave_out_a_medicine():
    for question in read().questions.values():
        words = " ".join([question.text, question.patient_message, *question.patient_messages.values()]).lower()
        assert not re.search(r"\b(stop|skip|avoid|miss|leave out|do not take|don't take)\b", words), question.id


@pytest.mark.parametrize(
    "words", ["Please stop it for a day.", "Do not take it today.", "Don’t take it.", "Skip a dose."]
)
def test_a_message_that_could_mean_a_medicine_left_out_is_refused(words):
    said = "We do not treat anybody who is pregnant."
    sentences = [sentence for _line, sentence in load(SHIPPED.replace(said, words)).faults]
    assert [sentence.partition(" says")[0] for sentence in sentences] == ["Q06: the message", "C05: the message"]


def test_what_staff_read_names_no_medicine_that_is_left_out_either():
    said = "Under treatment, no needling."
    [(_line, sentence)] = load(SHIPPED.replace(said, "Tell the patient to stop the medicine for a day.")).faults
    assert sentence == ("E09: staff may pass “stop” on as advice to leave out a medicine. Say it in other words.")


def test_the_shipped_catalogue_has_no_fault():
    assert read().faults == ()


C01_ASKS = "on a sunbed since {since}?"


@pytest.mark.parametrize(
    ("said", "words", "fault"),
    [
        (C01_ASKS, "on a sunbed in the last 24 hours?", "C01 says “24 hours”, write {hours}"),
        (C01_ASKS, "on a sunbed in the last 25 hours?", ""),
        (C01_ASKS, "on a sunbed since yesterday?", ""),
        ("since {since}, by wax", "in the last 7 days, by wax", "P06 says “7 days”, write {hold_until_days}"),
        ("since {since}, by wax", "in the last 3 days, by wax", "P06 says “3 days”, write {days}"),
        ("fake tan since {since}?", "fake tan in the last 2 weeks?", "P04 says “2 weeks”, write {days}"),
        ("{months} have passed", "6 months have passed", "Q04b says “6 months”, write {months}"),
        (
            "In the last 12 months, have you taken",
            "In the last 5 months, have you taken",
            "Q04 says “5 months”, write {months}",
        ),
    ],
)
def test_a_question_says_no_window_in_numbers(said, words, fault):
    faults = [sentence for _line, sentence in load(SHIPPED.replace(said, words, 1)).faults]
    expected = fault.replace(", write", ", which the rule may change. Write") + " instead."
    assert faults == ([expected] if fault else [])


def test_words_follow_the_windows_of_the_rules():
    longer = load(SHIPPED.replace("kind: since_last_instant, hours: 24}", "kind: since_last_instant, hours: 48}"))
    assert read().questions["C01"].patient_message.startswith("Your skin needs 24 hours out of the sun")
    assert longer.questions["C01"].patient_message.startswith("Your skin needs 48 hours out of the sun")
    assert longer.questions["C01"].message_as_written.startswith("Your skin needs {hours} out of the sun")
    assert read().questions["Q04b"].patient_message.startswith("We can treat your skin once 6 months have passed")


@pytest.mark.parametrize("id", ["Q04", "Q12", "P02"])
def test_a_question_without_a_window_or_a_visit_says_no_since(id):
    text = SHIPPED.replace(read().questions[id].text.split(",")[0], "Since {since}", 1)
    with pytest.raises(CatalogueError, match=f"{id}: in braces stands one of these or nothing"):
        load(text)


def test_a_message_may_say_that_nothing_is_to_be_stopped():
    said = "We do not treat anybody who is pregnant."
    message = load(SHIPPED.replace(said, "Please do not stop your medicine.")).questions["C05"].patient_message
    assert message.startswith("Please do not stop your medicine.")


def test_an_answer_can_have_a_message_of_its_own():
    questions = read().questions
    still = questions["Q04b"].message_after("still")
    assert still.startswith("We can treat your skin once 6 months have passed")
    assert "call that doctor today" in still and "{clear_from}" in questions["Q04b"].message_after("2026-01")
    assert "doctor" not in questions["Q11"].message_after("controlled")
    assert questions["Q11"].message_after("not_controlled").endswith("Please see your doctor first.")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "      controlled: Thank",
            "      sometimes: Thank",
            "Q11 has a message for an answer that it does not offer.",
        ),
        ("We look at how", "We look {soon} at how", "Q11: in braces stands one of these or nothing: {clear_from}."),
    ],
)
def test_a_message_of_an_answer_is_checked_as_the_others_are(old, new, sentence):
    assert sentence in [problem.partition(": ")[2] for problem in problems_of(SHIPPED.replace(old, new, 1))]


def test_a_message_of_an_answer_may_not_leave_out_a_medicine_either():
    faults = [sentence for _line, sentence in load(SHIPPED.replace("We look at how", "Skip a dose and see how")).faults]
    assert any(sentence.startswith("Q11: the message says “Skip") for sentence in faults)


def test_the_prescriber_is_heard_before_the_hours_begin():
    with pytest.raises(CatalogueError, match="S2 test: the prescriber must be heard before the hours begin"):
        load(SHIPPED.replace("hours: 24, needs: prescriber_plan", "hours: 27, needs: prescriber_plan"))


def test_shipped_questions_use_short_sentences():
    for question in read().questions.values():
        texts = [question.text, question.patient_message, *question.patient_messages.values()]
        for sentence in re.split(r"[.?]\s*", " ".join(texts)):
            assert len(sentence.split()) <= 22, sentence


def test_a_rule_suits_by_protocol():
    young_scar, surgery = read().rules["E34"], read().rules["E17"]
    assert [young_scar.suits(code) for code in ("scar_surgical", "melasma", None)] == [True, False, True]
    assert [surgery.suits(code) for code in ("scar_surgical", "melasma", None)] == [False, True, True]


def test_the_engine_has_every_kind_of_test_that_the_loader_knows():
    assert set(TESTS) == set(TestKind)


# What is refused


def problems_of(text: str) -> list[str]:
    with pytest.raises(CatalogueError) as refused:
        load(text)
    assert str(refused.value) == "\n".join(refused.value.problems)
    return refused.value.problems


def line_of(text: str, start: str) -> int:
    """The line of the first place where a text begins, counted from 1."""
    return text[: text.index(start)].count("\n") + 1


# In the entry of a code: what is replaced, by what, in whose line it shows, and the sentence.
CHANGES = [
    # protocols
    (
        "acne_scar_moderate",
        "    tone: clay",
        "    tone: pink",
        "tone",
        "acne_scar_moderate has an unknown “tone”: “pink”. It can be sky, plum, clay, gold, leaf, stone.",
    ),
    ("acne_scar_moderate", "    tone: clay\n", "", "code", "acne_scar_moderate lacks “tone”."),
    (
        "acne_scar_moderate",
        "    tone: clay",
        "    tone: clay\n    shape: round",
        "shape",
        "acne_scar_moderate has an unknown “shape”.",
    ),
    (
        "acne_scar_moderate",
        "    tone: clay",
        "    tone: clay\n    tone: sky",
        "tone: sky",
        "acne_scar_moderate says “tone” twice.",
    ),
    ("acne_scar_moderate", "    tone: clay", "    tone: [clay]", "tone", "acne_scar_moderate needs a text for “tone”."),
    (
        "acne_scar_moderate",
        "name: Acne scars, moderate",
        f"name: {'x' * 81}",
        "name",
        "acne_scar_moderate has a name of more than 80 letters.",
    ),
    (
        "acne_scar_moderate",
        "{min: 3, typical: 3, max: 4, tag: seed}",
        "{min: 4, typical: 3, max: 4, tag: seed}",
        "sessions",
        "acne_scar_moderate sessions: the numbers must rise from min over typical to max.",
    ),
    (
        "acne_scar_moderate",
        "{min: 3, typical: 3, max: 4, tag: seed}",
        "{min: 3, typical: 5, max: 4, tag: seed}",
        "sessions",
        "acne_scar_moderate sessions: the numbers must rise from min over typical to max.",
    ),
    (
        "acne_scar_moderate",
        "{min: 3, typical: 3, max: 4, tag: seed}",
        "{min: 0, typical: 3, max: 4, tag: seed}",
        "sessions",
        "acne_scar_moderate sessions must be above zero.",
    ),
    (
        "acne_scar_moderate",
        "{min: 3, typical: 3, max: 4, tag: seed}",
        "{min: three, typical: 3, max: 4, tag: seed}",
        "sessions",
        "acne_scar_moderate sessions needs a whole number for “min”.",
    ),
    (
        "acne_scar_moderate",
        "{min: 3, typical: 3, max: 4, tag: seed}",
        "{min: -3, typical: 3, max: 4, tag: seed}",
        "sessions",
        "acne_scar_moderate sessions needs a whole number for “min”.",
    ),
    (
        "acne_scar_moderate",
        "{min: 3, typical: 3, max: 4, tag: seed}",
        "{min: ٣, typical: 3, max: 4, tag: seed}",
        "sessions",
        "acne_scar_moderate sessions needs a whole number for “min”.",
    ),
    (
        "acne_scar_moderate",
        "{min: 3, typical: 3, max: 4, tag: seed}",
        "{min: 3, typical: 3, max: 4, tag: ext}",
        "sessions",
        "acne_scar_moderate sessions lacks the grade of its sources.",
    ),
    (
        "acne_scar_moderate",
        "{min: 3, typical: 3, max: 4, tag: seed}",
        "three",
        "sessions",
        "acne_scar_moderate sessions must be a list of names with values.",
    ),
    (
        "acne_scar_moderate",
        "start: 1.5, max: 2.5",
        "start: 1.5, max: 3.01",
        "depth_mm",
        "acne_scar_moderate goes deeper than 3.0 mm in “depth_mm”.",
    ),
    (
        "acne_scar_moderate",
        "start: 1.5, max: 2.5",
        "start: 2.6, max: 2.5",
        "depth_mm",
        "acne_scar_moderate depth_mm: the numbers must rise from min over start to max.",
    ),
    (
        "acne_scar_moderate",
        "start: 1.5, max: 2.5",
        "start: .nan, max: 2.5",
        "depth_mm",
        "acne_scar_moderate depth_mm needs a number such as 0.25 for “start”.",
    ),
    (
        "acne_scar_moderate",
        "needling: 30, clean_up: 10",
        "needling: 31, clean_up: 10",
        "parts_minutes",
        "acne_scar_moderate: preparation, numbing and needling make 76 minutes, the slot has 75.",
    ),
    (
        "acne_scar_moderate",
        "{preparation: 15, numbing: 30, needling: 30",
        "{preparation: 0, numbing: 45, needling: 30",
        "parts_minutes",
        "acne_scar_moderate parts_minutes needs at least a minute for “preparation”.",
    ),
    (
        "acne_scar_moderate",
        "endpoint: uniform_pinpoint",
        "endpoint: blood",
        "endpoint",
        "acne_scar_moderate has an unknown “endpoint”: “blood”. It can be even_redness, uniform_pinpoint.",
    ),
    (
        "acne_scar_moderate",
        "[goodman_baron_qual, gais]",
        "[goodman]",
        "scales",
        "acne_scar_moderate names “goodman” in “scales”, which does not exist.",
    ),
    (
        "acne_scar_moderate",
        "[SEED, R1, R2, R4, R5, R6]",
        "[SEED, R99]",
        "sources",
        "acne_scar_moderate names the unknown source “R99”.",
    ),
    (
        "acne_scar_moderate",
        "[SEED, R1, R2, R4, R5, R6]",
        "[R1, R1]",
        "sources",
        "acne_scar_moderate names something twice in “sources”.",
    ),
    (
        "wrinkles_fine",
        "min_per_year: 1, max_per_year: 2",
        "min_per_year: 3, max_per_year: 2",
        "refreshers",
        "wrinkles_fine refreshers: the smallest number is above the largest.",
    ),
    (
        "melasma",
        "needs_clinician_plan: true",
        "needs_clinician_plan: yes",
        "needs_clinician_plan",
        "melasma needs true or false for “needs_clinician_plan”.",
    ),
    (
        "acne_scar_mild",
        "code: acne_scar_mild",
        "code: acne_scar_moderate",
        "code",
        "acne_scar_moderate is there twice; every code must be used once.",
    ),
    # zones
    (
        "forehead",
        "soft_min_mm: 0.25, soft_max_mm: 0.5",
        "soft_min_mm: 0.6, soft_max_mm: 0.5",
        "code",
        "forehead: the soft range ends before it begins.",
    ),
    (
        "forehead",
        "soft_min_mm: 0.25, soft_max_mm: 0.5",
        "soft_min_mm: 0, soft_max_mm: 0.5",
        "code",
        "forehead: the soft range must begin above zero.",
    ),
    (
        "forehead",
        "soft_min_mm: 0.25, soft_max_mm: 0.5",
        "soft_min_mm: 0.25, soft_max_mm: 3.1",
        "code",
        "forehead goes deeper than 3.0 mm in “soft_max_mm”.",
    ),
    ("forehead", ", soft_max_mm: 0.5", "", "code", "forehead lacks “soft_max_mm”."),
    (
        "cheeks",
        "scar_soft_max_mm: 2.5",
        "scar_soft_max_mm: 1.4",
        "code",
        "cheeks: scars may not be shallower than the rest of the zone.",
    ),
    ("perioral", "ask: [Q13]", "ask: [Q99]", "code", "perioral names “Q99” in “ask”, which does not exist."),
    # questions
    (
        "Q04",
        "kind: yes_no",
        "kind: maybe",
        "kind",
        f"Q04 has an unknown “kind”: “maybe”. It can be {', '.join(QuestionKind.values)}.",
    ),
    (
        "Q04",
        "stage: booking",
        "stage: later",
        "stage",
        "Q04 has an unknown “stage”: “later”. It can be booking, previsit, checkin.",
    ),
    (
        "Q04b",
        "{clear_from}",
        "{name}",
        "patient_message",
        "Q04b: in braces stands one of these or nothing: {clear_from}, {months}.",
    ),
    ("Q04b", '{Q04: ["yes"], C04: ["yes"]}', '{Q44: ["yes"]}', "ask_if", "Q04b follows the unknown question Q44."),
    (
        "Q04b",
        '{Q04: ["yes"], C04: ["yes"]}',
        "{Q04: [perhaps]}",
        "ask_if",
        "Q04b follows an answer that Q04 does not offer.",
    ),
    (
        "Q05c",
        "      not_asked: I have not asked yet\n",
        "",
        None,
        "S2: Q05c must offer keep_taking, may_pause, not_asked.",
    ),
    (
        "C03",
        "kind: staff_tick",
        "kind: staff_tick\n    choices: {done: Done}",
        "choices",
        "C03: choices belong to a choice question, and it needs them.",
    ),
    ("Q06", "group: health", "group: body", "group", "Q06 belongs to the unknown group “body”."),
    ("Q06", '{"yes": "Yes"', '{Yes: "Yes"', "choices", "Q06: “Yes” does not have the form of an answer."),
    ("Q14", "      none: None of these\n", "", "choices", "Q14 needs the choice “none”."),
    (
        "Q09",
        "    keeps: {kind: condition, subject: bleeding or clotting}\n",
        "",
        None,
        "Q09: what is asked at booking, and nothing else, says what it keeps.",
    ),
    (
        "P07",
        "group: now",
        "group: now\n    keeps: {kind: condition, subject: fever}",
        "keeps",
        "P07: what is asked at booking, and nothing else, says what it keeps.",
    ),
    (
        "Q09",
        "subject: bleeding",
        "subject: Bleeding",
        "keeps",
        "Q09 keeps: the subject of an answer begins with a small letter.",
    ),
    (
        "Q09",
        "{kind: condition, subject: bleeding or clotting}",
        "{kind: condition, subject: cancer treatment}",
        "keeps",
        "Q09 keeps its answer where another question keeps its own.",
    ),
    (
        "Q09",
        "kind: condition",
        "kind: rumour",
        "keeps",
        "Q09 keeps has an unknown “kind”: “rumour”. It can be medicine, condition, allergy, procedure.",
    ),
    ("C05", 'means: {"yes"', "means: {perhaps", "means", "C05 does not offer “perhaps”."),
    ("C07", "{Q17: numbing}", "{Q17: pollen}", "means", "C07 means an answer to Q17 that cannot be kept."),
    ("C07", "{Q17: numbing}", '{P02: "yes"}', "means", "C07 means an answer to P02 that cannot be kept."),
    (
        "P01",
        "reopens: booking",
        "reopens: life",
        "reopens",
        "P01 has an unknown “reopens”: “life”. It can be booking, previsit, checkin.",
    ),
    ("C03", "by: staff", "by: nobody", "by", "C03 has an unknown “by”: “nobody”. It can be patient, staff."),
    # rules
    ("S1", "months: 6", "months: 5", "test", "S1 is the owner's rule and needs at least: months 6."),
    (
        "S1",
        "override: none",
        "override: clinician",
        "override",
        "S1 is the owner's rule; the most that “override” may say is “none”.",
    ),
    (
        "S1",
        "override: none",
        "override: anybody",
        "override",
        "S1 has an unknown “override”: “anybody”. It can be none, clinician, aesthetician.",
    ),
    ("S1", "active: true", "active: false", "active", "S1 is the owner's rule and must stay active."),
    (
        "S1",
        "outcome: hard_block",
        "outcome: harder",
        "outcome",
        "S1 has an unknown “outcome”: “harder”. It can be pass, advise, task, hold, block, hard_block.",
    ),
    (
        "S1",
        "outcome: hard_block",
        "outcome: {booking: block, previsit: hard_block, checkin: hard_block}",
        "outcome",
        "S1 is the owner's rule and says at least “hard_block” at booking.",
    ),
    (
        "S1",
        "missing_day: next_month_first",
        "missing_day: month_end",
        "test",
        "S1 test: “missing_day” can only be next_month_first.",
    ),
    (
        "S1",
        "checkin: [Q04, Q04b, C04]",
        "checkin: [Q04, Q04b, C09]",
        "questions",
        "S1 is active and asks C09, which is not in the file.",
    ),
    (
        "S1",
        "previsit: [Q04, Q04b]",
        "previsit: [Q04]",
        "questions",
        "S1: the questions at previsit do not fit its kind of test.",
    ),
    ("S1", "previsit: [Q04, Q04b]", "later: [Q04, Q04b]", "questions", "S1 questions has an unknown “later”."),
    (
        "S1",
        "    override: none",
        "    override: none\n    not_for: [melasma]",
        "code",
        "S1 is the owner's rule and holds for every protocol.",
    ),
    (
        "S2",
        "hours: 24, needs: prescriber_plan",
        "hours: 23, needs: prescriber_plan",
        "test",
        "S2 is the owner's rule and needs at least: hours 24, needs prescriber_plan.",
    ),
    (
        "S2",
        "override: clinician",
        "override: aesthetician",
        "override",
        "S2 is the owner's rule; the most that “override” may say is “clinician”.",
    ),
    (
        "S2",
        "{booking: hold, previsit: hold, checkin: block}",
        "{booking: advise, previsit: hold, checkin: block}",
        "outcome",
        "S2 is the owner's rule and says at least “hold” at booking.",
    ),
    ("S3", "hours: 24", "hours: 12", "test", "S3 is the owner's rule and needs at least: hours 24."),
    (
        "S3",
        "advise_at: [booking, previsit]",
        "advise_at: [booking, checkin]",
        "advise_at",
        "S3 both asks and only advises at the same stage.",
    ),
    (
        "S3",
        "advise_at: [booking, previsit]",
        "advise_at: [tomorrow]",
        "advise_at",
        "S3 has an unknown “advise_at”: “tomorrow”. It can be booking, previsit, checkin.",
    ),
    (
        "S4",
        "test: {kind: staff_tick}",
        "test: {kind: since_last_instant, hours: 24}",
        "test",
        "S4 is the owner's rule and keeps its kind of test.",
    ),
    (
        "S4",
        "test: {kind: staff_tick}",
        "test: {kind: guess}",
        "test",
        f"S4 test has an unknown “kind”: “guess”. It can be {', '.join(TestKind.values)}.",
    ),
    (
        "E05",
        "    tag: ext",
        "    tag: ext\n    active: true\n    lead_days: soon",
        "lead_days",
        "E05 needs a whole number for “lead_days”.",
    ),
    (
        "E05",
        "    tag: ext",
        "    tag: ext\n    scope: face",
        "scope",
        "E05 has an unknown “scope”: “face”. It can be visit, zone.",
    ),
    (
        "E05",
        "{booking: Q09}",
        "{booking: Question 9}",
        "questions",
        "E05 questions: “Question 9” is not the id of a question.",
    ),
    (
        "Q20b",
        'ask_if: {Q20: ["yes"]}',
        'ask_if: {Q20: ["yes"], Q15: ["yes"]}',
        "ask_if",
        "Q20b asks where, so it follows exactly one question.",
    ),
    ("E05", "    grade: A\n", "", "tag", "E05 lacks the grade of its sources."),
    ("E05", 'test: {kind: "yes"}', 'test: {kind: "yes", days: 3}', "test", "E05 test has an unknown “days”."),
    ("E17", "months: 3, hold_until_months: 12", "hold_until_months: 12", "test", "E17 test lacks “months”."),
    ("E17", "[scar_surgical]", "[scar]", "not_for", "E17 names “scar” in “not_for”, which does not exist."),
    (
        "E02b",
        "[perioral, chin_jaw, nose, cheeks]",
        "[lips]",
        "test",
        "E02b test names “lips” in “if_zone”, which does not exist.",
    ),
    ("E40", "code: E40", "code: X40", "code", "“X40” does not have the form of such a code."),
    (
        "E10",
        "    staff: The clinical lead decides.\n",
        "",
        "code",
        "E10 lacks “staff”.",
    ),
]


@pytest.mark.parametrize("code, old, new, shown, sentence", CHANGES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CHANGES)])
def test_load_refuses_nonsense_by_line_and_reason(code, old, new, shown, sentence):
    start = re.search(rf"\b(code|id): {code}\b", SHIPPED).start()
    assert old in SHIPPED[start:]
    changed = SHIPPED[:start] + SHIPPED[start:].replace(old, new, 1)
    problems = problems_of(changed)
    stated = {problem.partition(": ")[2]: problem.partition(": ")[0] for problem in problems}
    assert sentence in stated, problems
    if shown:
        here = changed[start:].index(shown)
        assert stated[sentence] == f"line {changed[: start + here].count(chr(10)) + 1}"


@pytest.mark.parametrize(
    "code, old, new, sentence",
    [
        ("E05", "{booking: Q09}", "{booking: Q19a}", "E05: the questions at booking do not fit its kind of test."),
        ("E05", "{booking: Q09}", "{booking: Q08b}", "E05 is active and asks Q08b, which is not in the file."),
        ("E05", "{booking: Q09}", "{booking: Q11}", "E05: no answer to Q11 counts for it."),
        ("E09", "checkin: Q07}", "checkin: Q08}", "E09: the questions at checkin do not fit its kind of test."),
        ("E09", "now: block", "later: block", "E09 counts the answer “later”, which none of its questions offers."),
        ("E15a", "[light_peel]", "[scrub]", "E15a counts the answer “scrub”, which none of its questions offers."),
        (
            "E15a",
            "[Q19, Q19a], previsit",
            "[Q19a, Q19b], previsit",
            "E15a: the questions at booking do not fit its kind of test.",
        ),
        ("E17", "[Q19, Q19f]", "[Q19]", "E17: the questions at booking do not fit its kind of test."),
        ("E27", "[sun_sensitising]", "[sweets]", "E27 test names “sweets” in “lists”, which does not exist."),
        ("E27", "{booking: Q23}", "{booking: Q10}", "E27: the questions at booking do not fit its kind of test."),
        ("E28", "{booking: Q01}", "{booking: Q21}", "E28: the questions at booking do not fit its kind of test."),
        (
            "E05",
            "{booking: Q09}",
            "{booking: [Q09, Q20b]}",  # it does not take zones out of a visit
            "E05: the questions at booking do not fit its kind of test.",
        ),
        (
            "E41",
            'kind: "yes"',
            'kind: "yes", settled_by: P99',
            "E41 test names “P99” in “settled_by”, which does not exist.",
        ),
    ],
)
def test_load_refuses_an_active_rule_whose_questions_do_not_feed_it(code, old, new, sentence):
    text = SHIPPED
    start = text.index(f"  - code: {code}\n")
    assert old in text[start:]
    problems = problems_of(text[:start] + text[start:].replace(old, new, 1))
    assert sentence in [problem.partition(": ")[2] for problem in problems], problems


def test_load_lists_every_problem_in_the_files_order():
    text = SHIPPED.replace("tone: clay", "tone: pink", 1).replace("override: none", "override: clinician", 1)
    tone, override = line_of(text, "    tone: pink"), line_of(text, "    override: clinician")
    assert problems_of(text) == [
        f"line {tone}: acne_scar_moderate has an unknown “tone”: “pink”. It can be sky, plum, clay, gold, leaf, stone.",
        f"line {override}: S1 is the owner's rule; the most that “override” may say is “none”.",
    ]


def test_load_refuses_a_missing_rule_of_the_owner():
    start, end = SHIPPED.index("  - code: S4"), SHIPPED.index("  - code: E01")
    text = SHIPPED[:start] + SHIPPED[end:]
    assert problems_of(text) == [
        f"line {line_of(text, '  - id: C03')}: C03 feeds no rule; a question about health must have a use.",
        f"line {line_of(text, 'rules:')}: The owner's rule S4 is missing.",
    ]


@pytest.mark.parametrize(
    "part", ["protocols", "zones", "question_groups", "questions", "rules", "unsure_policy", "defaults", "sources"]
)
def test_load_refuses_a_catalogue_that_lacks_a_part(part):
    text = re.sub(rf"^{part}:", f"other_{part}:", SHIPPED, count=1, flags=re.MULTILINE)
    problems = problems_of(text)
    assert f"line 8: The catalogue lacks “{part}”." in problems
    assert f"line {line_of(text, f'other_{part}:')}: The catalogue has an unknown “other_{part}”." in problems


def test_load_refuses_an_unsure_answer_that_passes():
    text = SHIPPED.replace(
        "{booking: hold, previsit: hold, checkin: block}", "{booking: pass, previsit: hold, checkin: hold}", 1
    )
    line = line_of(text, "unsure_policy:")
    assert problems_of(text) == [
        f"line {line}: An unsure answer at “booking” must be at least “hold”.",
        f"line {line}: An unsure answer at “checkin” must be at least “block”.",
    ]


def test_load_refuses_a_question_that_feeds_no_rule():
    text = SHIPPED.replace(
        "\nrules:\n",
        '\n  - {id: C77, text: "Do you like tea?", kind: yes_no, stage: checkin, group: now}\n\nrules:\n',
        1,
    )
    line = line_of(text, "  - {id: C77")
    assert problems_of(text) == [f"line {line}: C77 feeds no rule; a question about health must have a use."]


@pytest.mark.parametrize(
    "text, problem",
    [
        ("", "line 1: The catalogue must be a list of names with values."),
        ("[]", "line 1: The catalogue must be a list of names with values."),
        ("# a comment\n- one\n- two", "line 2: The catalogue must be a list of names with values."),
        ("null", "line 1: The catalogue must be a list of names with values."),
        ("? [a]\n: b", "line 1: The catalogue has a name that is not a word."),
        ("protocols: 3", "line 1: “protocols” must be a list."),
        ("protocols: [3]", "line 1: An entry of “protocols” must be a list of names with values."),
        ("rules:\n- {name: x}", "line 2: An entry of “rules” lacks “code”."),
        ("defaults: !!python/object:os.system {}", "line 1: The catalogue defaults lacks “depth_step_mm”."),
    ],
)
def test_load_refuses_what_is_no_catalogue(text, problem):
    assert problem in problems_of(text)


@pytest.mark.parametrize(
    "text, problem",
    [
        ("a: [1, 2", "line 1: This is not valid YAML from here on."),
        ("a: 1\nb: {\n", "line 3: This is not valid YAML from here on."),
        ("a: 1\n\tb: 2", "line 2: This is not valid YAML from here on."),
        ("a: 1\nb: \x00", "line 2: This is not valid YAML from here on."),
        ("a: 1\nb: \ud800", "line 2: This is not valid YAML from here on."),
        ("a: *nowhere", "line 1: This is not valid YAML from here on."),
        ("a: 1\n---\nb: 2", "line 2: This is not valid YAML from here on."),
        ("[" * 20_000, "line 1: This file is nested too deeply to be read."),
    ],
)
def test_load_refuses_what_is_no_yaml(text, problem):
    assert problems_of(text) == [problem]


def test_load_reads_a_list_that_contains_itself_as_nonsense_and_ends():
    assert "line 1: “protocols” must be a list." not in problems_of("protocols: &a [*a]")


def test_load_of_the_shipped_text_twice_is_equal():
    assert load(SHIPPED) == read()
    assert read().questions["Q04b"].kind == QuestionKind.LAST_DATE
