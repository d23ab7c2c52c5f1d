"""Every published rule, at each of its stages: clear, refused, a step before and after its boundary, unsure, missing.

A visit on Wednesday 10 June 2026 at ten in London, unless a row names another one.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treatments.catalogue import Catalogue, Effect, Outcome, Override, Scope, Stage, load, read, shipped_text
from treatments.screening import AnswerError, Finding, evaluate, read_visit_start

LONDON = ZoneInfo("Europe/London")
VISIT = "2026-06-10T10:00"
BOOKING, PREVISIT, CHECKIN = Stage.BOOKING, Stage.PREVISIT, Stage.CHECKIN


@cache
def everything() -> Catalogue:
    return read()


def screen(answers, *, stage, visit=VISIT, **given):
    return evaluate(
        catalogue=everything(),
        answers=answers,
        stage=stage,
        visit_start=read_visit_start(visit, LONDON),
        zone=LONDON,
        **given,
    )


def find(rule, answers, **where) -> Finding:
    (finding,) = screen(answers, rule=rule, **where).findings
    assert finding.rule == rule
    return finding


def says(rule, answers, **where) -> tuple[str, str | None]:
    finding = find(rule, answers, **where)
    return finding.outcome.value, finding.clear_from and finding.clear_from.isoformat()


# Rule, stage, answers that are clear, and what others say: outcome, and a date where one ends it.
CLEAR = {
    ("E01", BOOKING): {"Q15": "no"},
    ("E01", PREVISIT): {"P03": "no"},
    ("E01", CHECKIN): {"C06": "none"},
    ("E02a", PREVISIT): {"P02": "no"},
    ("E02a", CHECKIN): {"C06": "spots, tan"},
    ("E02b", BOOKING): {"Q13": "no"},
    ("E03", BOOKING): {"Q15": "no"},
    ("E03", PREVISIT): {"P03": "no"},
    ("E03", CHECKIN): {"C06": "cold_sore"},
    ("E04", BOOKING): {"Q12": "no"},
    ("E05", BOOKING): {"Q09": "no"},
    ("E06", BOOKING): {"Q10": "no", "Q23": "none"},
    ("E07", PREVISIT): {"Q23": "none"},
    ("E08", BOOKING): {"Q06": "does_not_apply"},
    ("E08", CHECKIN): {"C05": "no"},
    ("E08b", BOOKING): {"Q06b": "does_not_apply"},
    ("E08b", CHECKIN): {"Q06b": "no"},
    ("E09", BOOKING): {"Q07": "no"},
    ("E09", CHECKIN): {"Q07": "no"},
    ("E10", BOOKING): {"Q08": "no"},
    ("E11", BOOKING): {"Q11": "no"},
    ("E12", BOOKING): {"Q14": "eczema", "Q14b": "no"},
    ("E12", PREVISIT): {"P03": "no"},
    ("E12", CHECKIN): {"C06": "none"},
    ("E12b", BOOKING): {"Q14": "eczema, rosacea"},
    ("E13", BOOKING): {"Q14": "psoriasis"},
    ("E14", BOOKING): {"Q16": "no"},
    ("E14", CHECKIN): {"C06": "raised_mark"},
    ("E15a", BOOKING): {"Q19": "none"},
    ("E15a", PREVISIT): {"Q19": "laser, deep_peel"},
    ("E15b", BOOKING): {"Q19": "none"},
    ("E15b", PREVISIT): {"Q19": "light_peel"},
    ("E15c", BOOKING): {"Q19": "laser"},
    ("E16a", BOOKING): {"Q19": "filler"},
    ("E16a", PREVISIT): {"Q19": "none"},
    ("E16b", BOOKING): {"Q19": "botulinum"},
    ("E16b", PREVISIT): {"Q19": "none"},
    ("E17", BOOKING): {"Q19": "none"},
    ("E18", PREVISIT): {"P05": "no"},
    ("E18", CHECKIN): {"P05": "no"},
    ("E19", BOOKING): {"Q17": "latex", "Q18": "no"},
    ("E19", CHECKIN): {"Q17": "none", "Q18": "no", "C07": "no"},
    ("E20", BOOKING): {"Q17": "numbing"},
    ("E21", BOOKING): {"Q17": "metal"},
    ("E21", CHECKIN): {"Q17": "none"},
    ("E22", PREVISIT): {"P04": "no"},
    ("E22", CHECKIN): {"C06": "none"},
    ("E23", PREVISIT): {"P06": "no"},
    ("E24", BOOKING): {"Q20": "no"},
    ("E24", CHECKIN): {"Q20": "no"},
    ("E25", CHECKIN): {"C06": "changed_mark"},
    ("E26", PREVISIT): {"P07": "no"},
    ("E26", CHECKIN): {"C08": "alcohol"},
    ("E27", BOOKING): {"Q23": "Vitamin C, a mild cleanser"},
    ("E28", BOOKING): {"Q01": "1990-05-17"},
    ("E29", BOOKING): {"Q22": "no"},
    ("E30", BOOKING): {"Q18": "no"},
    ("E31", BOOKING): {"Q19": "surgery"},
    ("E31", CHECKIN): {"Q19": "none"},
    ("E34", BOOKING): {"Q21": "2024"},
    ("E35", BOOKING): {"Q25": "yes"},
    ("E35", CHECKIN): {"Q25": "yes"},
    ("E36", BOOKING): {"Q24": "III", "Q24b": "none"},
    ("E36", CHECKIN): {"Q24": "I", "Q24b": "none"},
    ("E37", CHECKIN): {"C08": "unwell"},
    ("E40", BOOKING): {"Q23": "none"},
    ("E41", PREVISIT): {"P01": "no"},
}
# Rules whose answers depend on words alone: what flags them, and how badly.
FLAGGED = [
    ("E01", BOOKING, {"Q15": "yes"}, "block"),
    ("E01", PREVISIT, {"P03": "yes"}, "block"),
    *(("E01", CHECKIN, {"C06": seen}, "block") for seen in ("infection", "wound", "rash", "tan, rash")),
    ("E02a", PREVISIT, {"P02": "yes"}, "block"),
    ("E02a", CHECKIN, {"C06": "cold_sore"}, "block"),
    ("E02b", BOOKING, {"Q13": "yes"}, "hold"),
    ("E03", BOOKING, {"Q15": "yes"}, "block"),
    ("E03", PREVISIT, {"P03": "yes"}, "block"),
    ("E03", CHECKIN, {"C06": "spots"}, "block"),
    ("E04", BOOKING, {"Q12": "yes"}, "block"),
    ("E05", BOOKING, {"Q09": "yes"}, "block"),
    ("E06", BOOKING, {"Q10": "yes"}, "hold"),
    *(("E07", PREVISIT, {"Q23": said}, "advise") for said in ("IBUPROFEN 400", "ginkgo; zinc", "Fish  oil")),
    ("E08", BOOKING, {"Q06": "yes"}, "block"),
    ("E08", CHECKIN, {"C05": "yes"}, "block"),
    ("E08", CHECKIN, {"C05": "yes", "Q06": "does_not_apply"}, "block"),
    ("E08b", BOOKING, {"Q06b": "yes"}, "hold"),
    ("E08b", CHECKIN, {"Q06b": "yes"}, "hold"),
    *(("E09", stage, {"Q07": "now"}, "block") for stage in (BOOKING, CHECKIN)),
    *(("E09", stage, {"Q07": "last_12_months"}, "hold") for stage in (BOOKING, CHECKIN)),
    ("E10", BOOKING, {"Q08": "yes"}, "block"),
    ("E11", BOOKING, {"Q11": "not_controlled"}, "block"),
    ("E11", BOOKING, {"Q11": "controlled"}, "advise"),
    ("E12", BOOKING, {"Q14": "rosacea", "Q14b": "yes"}, "block"),
    ("E12", PREVISIT, {"P03": "yes"}, "block"),
    ("E12", CHECKIN, {"C06": "flare"}, "block"),
    *(("E12b", BOOKING, {"Q14": ill}, "hold") for ill in ("psoriasis", "vitiligo", "lichen_planus", "skin_lupus")),
    ("E12b", BOOKING, {"Q14": "vitiligo, not_sure"}, "hold"),
    *(("E13", BOOKING, {"Q14": ill}, "block") for ill in ("scleroderma", "connective_tissue, eczema")),
    ("E14", BOOKING, {"Q16": "yes"}, "block"),
    ("E14", CHECKIN, {"C06": "changed_mark"}, "block"),
    *(("E18", PREVISIT, {"P05": said}, "advise") for said in ("yes", "prescribed")),
    *(("E18", CHECKIN, {"P05": said}, "hold") for said in ("yes", "prescribed")),
    ("E19", BOOKING, {"Q17": "numbing", "Q18": "no"}, "hold"),
    ("E19", BOOKING, {"Q17": "none", "Q18": "yes"}, "hold"),
    *(("E19", CHECKIN, {"Q17": "none", "Q18": "no", "C07": said}, "hold") for said in ("allergy", "used_today")),
    ("E19", CHECKIN, {"Q17": "numbing", "Q18": "no", "C07": "no"}, "hold"),
    ("E20", BOOKING, {"Q17": "latex, metal"}, "block"),
    *(("E21", stage, {"Q17": said}, "hold") for stage in (BOOKING, CHECKIN) for said in ("latex", "products")),
    ("E22", PREVISIT, {"P04": "yes"}, "block"),
    *(("E22", CHECKIN, {"C06": seen}, "block") for seen in ("sunburn", "tan")),
    ("E23", PREVISIT, {"P06": "yes"}, "block"),
    ("E24", BOOKING, {"Q20": "yes"}, "block"),
    ("E24", CHECKIN, {"Q20": "yes"}, "block"),
    ("E25", CHECKIN, {"C06": "raised_mark"}, "block"),
    ("E26", PREVISIT, {"P07": "yes"}, "block"),
    ("E26", CHECKIN, {"C08": "not_eaten, unwell"}, "block"),
    *(("E27", BOOKING, {"Q23": said}, "hold") for said in ("Doxycycline.", "St. John’s Wort", "hydrochlorothiazide/x")),
    ("E29", BOOKING, {"Q22": "yes"}, "hold"),
    ("E30", BOOKING, {"Q18": "yes"}, "hold"),
    *(("E35", stage, {"Q25": "no"}, "hold") for stage in (BOOKING, CHECKIN)),
    *(
        ("E36", stage, {"Q24": type_, "Q24b": "none"}, "advise")
        for stage in (BOOKING, CHECKIN)
        for type_ in ("IV", "V", "VI")
    ),
    *(("E36", BOOKING, {"Q24": "I", "Q24b": said}, "advise") for said in ("melasma", "past_dark_marks")),
    *(("E37", CHECKIN, {"C08": said}, "advise") for said in ("alcohol", "not_eaten")),
    *(("E40", BOOKING, {"Q23": said}, "hold") for said in ("Acitretin", "ROACCUTANE", "bexarotène\nzinc")),
    ("E41", PREVISIT, {"P01": "yes"}, "hold"),
    ("E41", PREVISIT, {"P01": "yes", "P01b": "A new heart tablet"}, "hold"),
]
# Rules that a date decides: the answers around it, the last date that is too late, what it says then and from when on
# that ends. A day earlier is the next step: clear, or the hold that follows.
DATED = [
    ("E15a", BOOKING, {"Q19": "light_peel"}, "Q19a", "2026-05-28", "block", "2026-06-11"),
    ("E15a", PREVISIT, {"Q19": "light_peel, filler"}, "Q19a", "2026-05-28", "block", "2026-06-11"),
    ("E15b", BOOKING, {"Q19": "laser"}, "Q19b", "2026-05-14", "block", "2026-06-11"),
    ("E15b", PREVISIT, {"Q19": "laser"}, "Q19b", "2026-05-14", "block", "2026-06-11"),
    ("E15c", BOOKING, {"Q19": "deep_peel"}, "Q19c", "2026-03-13", "block", "2026-06-11"),
    ("E16a", BOOKING, {"Q19": "botulinum"}, "Q19d", "2026-05-28", "block", "2026-06-11"),
    ("E16a", PREVISIT, {"Q19": "botulinum"}, "Q19d", "2026-05-28", "block", "2026-06-11"),
    ("E16b", BOOKING, {"Q19": "filler"}, "Q19e", "2026-05-14", "block", "2026-06-11"),
    ("E16b", PREVISIT, {"Q19": "filler"}, "Q19e", "2026-05-14", "block", "2026-06-11"),
    ("E17", BOOKING, {"Q19": "surgery"}, "Q19f", "2026-03-11", "block", "2026-06-11"),
    ("E17", BOOKING, {"Q19": "surgery"}, "Q19f", "2025-06-11", "hold", "2026-06-11"),
    ("E22", PREVISIT, {"P04": "yes"}, "P04b", "2026-05-28", "block", "2026-06-11"),
    ("E23", PREVISIT, {"P06": "yes"}, "P06b", "2026-06-08", "block", "2026-06-11"),
    ("E23", PREVISIT, {"P06": "yes"}, "P06b", "2026-06-04", "hold", "2026-06-11"),
    ("E28", BOOKING, {}, "Q01", "2008-06-11", "block", "2026-06-11"),
    ("E31", BOOKING, {"Q19": "needling"}, "Q19g", "2026-05-14", "block", "2026-06-11"),
    ("E31", CHECKIN, {"Q19": "needling"}, "Q19g", "2026-05-14", "block", "2026-06-11"),
    ("E34", BOOKING, {}, "Q21", "2026-04-30", "block", "2026-06-11"),
    ("E34", BOOKING, {}, "Q21", "2025-06-11", "hold", "2026-06-11"),
]


def test_the_tables_name_every_rule_at_every_stage():
    stages = {
        (rule.code, stage) for rule in everything().rules.values() for stage in rule.stages if rule.code[0] == "E"
    }
    assert stages == set(CLEAR) == {(code, stage) for code, stage, *_rest in [*FLAGGED, *DATED]}
    assert all(rule.is_active for rule in everything().rules.values())


@pytest.mark.parametrize("code, stage", CLEAR)
def test_a_clear_answer_passes(code, stage):
    finding = find(code, CLEAR[code, stage], stage=stage)
    assert (finding.outcome, finding.effect, finding.lead_days) == (Outcome.PASS, None, None)


@pytest.mark.parametrize("code, stage, answers, outcome", FLAGGED)
def test_a_flagged_answer_has_its_outcome_and_no_date(code, stage, answers, outcome):
    assert says(code, answers, stage=stage) == (outcome, None)


@pytest.mark.parametrize("code, stage", CLEAR)
def test_a_missing_or_unsure_answer_never_passes(code, stage):
    """One after the other of the answers that a rule needs is left out, or not sure."""
    rule, clear = everything().rules[code], CLEAR[code, stage]
    unsure = "block" if stage == CHECKIN else "hold"
    for id in clear:
        without = {other: said for other, said in clear.items() if other != id}
        tried = [without]
        if "not_sure" in everything().questions[id].answers or id == "Q23":
            tried.append(clear | {id: "not_sure"})
        for answers in tried:
            finding = find(code, answers, stage=stage)
            assert (finding.outcome.value, finding.clear_from) == (unsure, None), answers
            assert finding.ends_only_with_answer == (rule.override == Override.NONE)


def test_who_may_lift_nothing_waits_for_the_answer():
    ends_only_with_answer = {code for code, rule in everything().rules.items() if rule.override == Override.NONE}
    assert ends_only_with_answer == {"S1", "E02a", "E24", "E25", "E28"}


@pytest.mark.parametrize("code, stage, around, when, last, outcome, clear_from", DATED)
def test_a_date_counts_to_the_day(code, stage, around, when, last, outcome, clear_from):
    assert says(code, around | {when: last}, stage=stage) == (outcome, clear_from)
    on_the_day = find(code, around | {when: last}, stage=stage, visit=f"{clear_from}T00:00")
    assert on_the_day.outcome.severity < Outcome(outcome).severity
    day_before = date.fromisoformat(last) - timedelta(days=1)
    assert find(code, around | {when: day_before.isoformat()}, stage=stage).outcome == on_the_day.outcome


@pytest.mark.parametrize(
    "code, around, when, outcomes",
    [
        ("E23", {"P06": "yes"}, "P06b", [("2026-06-07", "hold"), ("2026-06-03", "pass")]),
        ("E17", {"Q19": "surgery"}, "Q19f", [("2026-03-10", "hold"), ("2025-06-10", "pass")]),
        ("E34", {}, "Q21", [("2026-04-29", "hold"), ("2025-06-10", "pass")]),
    ],
)
def test_a_block_turns_into_a_hold_that_ends(code, around, when, outcomes):
    stage = PREVISIT if code == "E23" else BOOKING
    assert [find(code, around | {when: day}, stage=stage).outcome.value for day, _outcome in outcomes] == [
        outcome for _day, outcome in outcomes
    ]


def test_a_year_after_a_day_that_february_lacks_ends_on_the_first_of_march():
    answers = {"Q21": "2024-02-29"}
    assert says("E34", answers, stage=BOOKING, visit="2025-02-28T10:00") == ("hold", "2025-03-01")
    assert says("E34", answers, stage=BOOKING, visit="2025-03-01T10:00") == ("pass", "2024-04-11")


def test_a_part_of_a_date_is_its_last_day():
    assert says("E15b", {"Q19": "laser", "Q19b": "2026-05"}, stage=BOOKING) == ("block", "2026-06-28")
    assert says("E15b", {"Q19": "laser", "Q19b": "2026"}, stage=BOOKING) == ("block", "2027-01-28")
    assert says("E15b", {"Q19": "laser", "Q19b": "2026-04"}, stage=BOOKING) == ("pass", "2026-05-28")


@pytest.mark.parametrize("code, when", [("E15a", "Q19a"), ("E17", "Q19f"), ("E31", "Q19g")])
def test_a_date_after_the_visit_blocks(code, when):
    (kind,) = [values[0] for values in everything().questions[when].ask_if.values()]
    assert find(code, {"Q19": kind, when: "2026-06-11"}, stage=BOOKING).outcome == Outcome.BLOCK


@pytest.mark.parametrize(
    "code, kind", [("E15a", "light_peel"), ("E16b", "filler"), ("E17", "surgery"), ("E31", "needling")]
)
def test_an_earlier_treatment_without_its_date_waits_for_it(code, kind):
    finding = find(code, {"Q19": kind}, stage=BOOKING)
    assert (finding.outcome, finding.clear_from) == (Outcome.HOLD, None)


def test_a_date_is_judged_also_beside_a_none():
    assert says("E31", {"Q19": "none", "Q19g": "2026-06-01"}, stage=BOOKING) == ("block", "2026-06-29")


@given(
    last=st.dates(date(2024, 1, 1), date(2027, 12, 31)),
    visit=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    rule=st.sampled_from(
        [("E15a", "light_peel", "Q19a", 14), ("E15c", "deep_peel", "Q19c", 90), ("E31", "needling", "Q19g", 28)]
    ),
)
def test_days_agree_with_counting_midnights(last, visit, rule):
    code, kind, when, days = rule
    finding = find(code, {"Q19": kind, when: last.isoformat()}, stage=BOOKING, visit=f"{visit}T10:00")
    midnights = visit.toordinal() - last.toordinal()
    assert (finding.outcome == Outcome.PASS) == (midnights >= days)
    assert finding.clear_from.toordinal() == last.toordinal() + days


def test_age_is_counted_in_whole_years_also_on_29_february():
    assert says("E28", {"Q01": "2008-02-29"}, stage=BOOKING, visit="2026-02-28T10:00") == ("block", "2026-03-01")
    assert says("E28", {"Q01": "2008-02-29"}, stage=BOOKING, visit="2026-03-01T10:00") == ("pass", "2026-03-01")
    assert says("E28", {"Q01": "2008-06-10"}, stage=BOOKING) == ("pass", "2026-06-10")


# Where a rule does not speak


def spoken(result) -> set[str]:
    return {finding.rule for finding in result.findings}


@pytest.mark.parametrize(
    "code, protocol, speaks",
    [
        ("E34", "scar_surgical", True),
        ("E34", "scar_thermal_burn", True),
        ("E34", "melasma", False),
        ("E34", None, True),
        ("E17", "scar_surgical", False),
        ("E17", "scar_hypertrophic", True),
        ("E17", None, True),
    ],
)
def test_rules_speak_about_their_protocols(code, protocol, speaks):
    assert (code in spoken(screen({}, stage=BOOKING, protocol=protocol))) == speaks


@pytest.mark.parametrize(
    "zones, speaks",
    [
        (None, True),
        ((), True),
        (("perioral",), True),
        (("forehead", "nose"), True),
        (("forehead", "neck"), False),
    ],
)
def test_cold_sores_matter_near_the_mouth_and_where_no_zone_is_known(zones, speaks):
    assert ("E02b" in spoken(screen({"Q13": "yes"}, stage=BOOKING, zones=zones))) == speaks
    named = find("E02b", {"Q13": "yes"}, stage=BOOKING, zones=zones)
    assert named.outcome == (Outcome.HOLD if speaks else Outcome.PASS)


def test_an_unknown_zone_is_refused():
    with pytest.raises(AnswerError, match="^There is no zone 'lips'.$"):
        screen({}, stage=BOOKING, zones=["lips"])


# What a finding carries


def test_findings_carry_the_zone_the_effect_and_the_time_that_somebody_needs():
    zone_rules = {code for code, rule in everything().rules.items() if rule.scope == Scope.ZONE}
    assert zone_rules == {"E01", "E03", "E12", "E24", "E25"}
    assert find("E24", {"Q20": "yes"}, stage=BOOKING).scope == Scope.ZONE
    assert find("E05", {"Q09": "yes"}, stage=BOOKING).scope == Scope.VISIT
    assert find("E02b", {"Q13": "yes"}, stage=BOOKING).lead_days == 7
    assert find("E19", {"Q17": "numbing"}, stage=BOOKING).effect == Effect.NO_NUMBING
    assert find("E19", {}, stage=CHECKIN).effect == Effect.NO_NUMBING


def test_reasons_repeat_the_answer_that_counts_in_words():
    assert find("E12b", {"Q14": "psoriasis, eczema"}, stage=BOOKING).reason == (
        "Skin disease that follows injury: the answer to Q14 is “Psoriasis”."
    )
    assert find("E27", {"Q23": "zinc, Doxycycline 100 mg"}, stage=BOOKING).reason == (
        "Medicine that makes the skin sensitive to sun: the answer to Q23 is “doxycycline”."
    )
    assert find("E35", {"Q25": "no"}, stage=BOOKING).reason == (
        "Own choice, and time to think: the answer to Q25 is “No”."
    )
    assert find("E29", {"Q22": "yes", "Q22b": "Blisters after a peel"}, stage=BOOKING).reason == (
        "Poor healing or an earlier reaction: the answer to Q22 is “Yes”. Said: “Blisters after a peel”"
    )
    assert find("E23", {"P06": "yes", "P06b": "2026-06-05"}, stage=PREVISIT).reason == (
        "Waxing or hair removal: the last date is 5 June 2026; until 12 June 2026 the clinical lead decides."
    )


def test_no_reason_suggests_leaving_out_a_medicine():
    for code, stage, answers, _outcome in FLAGGED:
        reason = find(code, answers, stage=stage).reason.lower()
        assert not any(word in reason for word in ("stop", "skip", "avoid", "leave out")), code


# Words


@pytest.mark.parametrize(
    "said", ["ibuprofenes", "xibuprofen", "gink go", "oil, fish", "vitamin", "none", "Aspirine", "omega 33"]
)
def test_only_whole_names_match(said):
    assert says("E07", {"Q23": said}, stage=PREVISIT) == ("pass", None)


@pytest.mark.parametrize("said", ["", " ", "-", "\u200b", ",;"])
def test_words_that_say_nothing_are_refused(said):
    with pytest.raises(AnswerError, match="^The answer to Q23 must be in words; “none” is one.$"):
        screen({"Q23": said}, stage=BOOKING)


@pytest.mark.parametrize(
    "said, sentence",
    [
        ("acne", "The answer to Q14 must be some of these with commas between: "),
        ("", "The answer to Q14 must be some of these with commas between: "),
        ("eczema psoriasis", "The answer to Q14 must be some of these with commas between: "),
        ("none, eczema", "The answer to Q14 cannot be none and something else as well."),
    ],
)
def test_several_answers_that_cannot_be_understood_are_refused(said, sentence):
    with pytest.raises(AnswerError) as refused:
        screen({"Q14": said}, stage=BOOKING)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize("said", ["1990", "1990-05", "still", "17.5.1990", "1990-02-30", "2101-01-01"])
def test_a_date_of_birth_must_be_whole(said):
    with pytest.raises(AnswerError, match="^Q01: "):
        screen({"Q01": said}, stage=BOOKING)


def test_a_date_in_the_past_cannot_go_on():
    with pytest.raises(AnswerError, match="^Q21: Write the date as"):
        screen({"Q21": "still"}, stage=BOOKING)


# Medicine that calms the immune system, by name


@pytest.mark.parametrize(
    "answers, outcome",
    [
        ({"Q05": "yes", "Q05b": "Insulin"}, "pass"),
        ({"Q05": "yes", "Q05b": "levothyroxine, Hydrocortisone replacement"}, "pass"),
        ({"Q05": "yes", "Q05b": "insulin and something else"}, "hold"),
        ({"Q05": "yes", "Q05b": "insulin, methotrexate"}, "hold"),
        ({"Q05": "yes", "Q05b": "hydrocortisone"}, "hold"),
        ({"Q05": "yes", "Q05b": "insulin", "Q05c": "keep_taking"}, "pass"),
        ({"Q05": "yes", "Q05b": "Methotrexate", "Q05c": "keep_taking"}, "block"),
        ({"Q05": "yes", "Q05b": "Methotrexate", "Q05c": "may_pause"}, "hold"),
        ({"Q05": "no", "Q05b": "Méthotrexate"}, "hold"),
        ({"Q05": "no", "Q05b": "paracetamol"}, "pass"),
        ({"Q05": "not_sure", "Q05b": "insulin"}, "hold"),
        ({"Q05": "no", "Q23": "zinc, Methotrexate"}, "hold"),
        ({"Q05": "no", "Q23": "zinc"}, "pass"),
        ({"Q05": "yes", "Q05b": "insulin", "Q23": "prednisolone"}, "hold"),
    ],
)
def test_s2_knows_medicines_that_do_not_count_and_a_no_that_cannot_stand(answers, outcome):
    assert says("S2", answers, stage=BOOKING) == (outcome, None)
    assert says("S2", answers, stage=PREVISIT) == (outcome, None)


# Medicines in own words


@pytest.mark.parametrize(
    ("code", "written", "outcome"),
    [
        ("E06", "Warfarin 3 mg", "hold"),
        ("E06", "my eliquis, twice a day", "hold"),
        ("E06", "XARELTO", "hold"),
        ("E06", "Clopidogrel.", "hold"),
        ("E06", "Marcumar", "hold"),
        ("E06", "zinc", "pass"),
        ("E06", "none", "pass"),
        ("E06", "not on warfarins", "pass"),  # whole words alone
        ("S2", "Humira pen", "hold"),
        ("S2", "plaquenil", "hold"),
        ("S2", "Cell-Cept", "pass"),
        ("S2", "CellCept", "hold"),
        ("S2", "metoject", "hold"),
        ("E40", "roacutane", "hold"),
        ("E40", "Acutane since May", "hold"),
        ("E40", "isotretinion", "hold"),
        ("E40", "vitamin A", "pass"),
    ],
)
def test_a_medicine_that_is_named_among_others_is_found(code, written, outcome):
    no = {"Q05": "no", "Q10": "no"}
    assert says(code, no | {"Q23": written}, stage=BOOKING) == (outcome, None)


def test_a_brand_is_the_medicine_of_the_question_too():
    assert says("S2", {"Q05": "no", "Q05b": "Stelara"}, stage=BOOKING) == ("hold", None)
    told = {"Q05": "yes", "Q05b": "Humira", "advice": "may_pause\nHumira"}
    assert "the hours say little" in find("S2", told, stage=BOOKING).reason


@pytest.mark.parametrize(
    ("names", "code"), [("blood_thinners", "E06"), ("immune_calming", "S2"), ("isotretinoin_names", "E40")]
)
def test_every_name_of_a_list_is_found_by_its_rule(names, code):
    no = {"Q05": "no", "Q10": "no"}
    listed = everything().medicine_lists[names]
    assert [name for name in listed if says(code, no | {"Q23": name.upper()}, stage=BOOKING)[0] != "hold"] == []


# Something changed since the booking


FRESH = {"P01": "no", "P02": "no", "P03": "no", "P04": "no", "P05": "no", "P06": "no", "P07": "no"}


def test_a_change_holds_the_visit_also_where_going_through_the_questions_again_found_nothing():
    told = {**FRESH, "P01": "yes", "P01b": "A new heart tablet", "Q09": "no"}
    assert find("E41", told, stage=PREVISIT).reason == (
        "Something has changed since the booking: the answer to P01 is “Yes”. Said: “A new heart tablet”"
    )
    assert says("E41", told, stage=PREVISIT) == ("hold", None)
    assert everything().rules["E41"].override == "aesthetician"


def test_a_rule_may_name_the_answer_that_settles_it():
    start = shipped_text().index("  - code: E41\n")
    text = shipped_text()[:start] + shipped_text()[start:].replace('kind: "yes"', 'kind: "yes", settled_by: C03', 1)
    at = {"stage": PREVISIT, "visit_start": datetime(2026, 6, 10, 9, tzinfo=UTC), "zone": LONDON, "rule": "E41"}
    for tick, outcome in [("yes", "pass"), ("no", "hold")]:
        told = {"P01": "yes", "P01b": "A new heart tablet", "C03": tick}
        assert evaluate(catalogue=load(text), answers=told, **at).outcome == outcome


def test_a_change_lets_the_rules_of_the_booking_speak_again():
    without = screen({**FRESH, "Q09": "yes"}, stage=PREVISIT)
    assert "E05" not in spoken(without)
    changed = screen({**FRESH, "P01": "yes", "Q09": "yes"}, stage=PREVISIT)
    outcomes = {finding.rule: finding.outcome for finding in changed.findings}
    assert outcomes["E05"] == Outcome.BLOCK
    assert set(outcomes) == {rule.code for stage in (BOOKING, PREVISIT) for rule in everything().active_rules(stage)}
    assert len(changed.findings) == len(outcomes)


# The catalogue and its questions


def test_every_question_feeds_a_rule_and_every_rule_has_its_questions():
    catalogue = everything()
    fed = {id for rule in catalogue.rules.values() for ids in rule.questions.values() for id in ids}
    assert set(catalogue.questions) - fed == {"advice"}  # what staff record
    assert fed <= set(catalogue.questions)
    for rule in catalogue.rules.values():
        assert set(rule.questions) == set(rule.stages)
        assert all(rule.questions.values())


def test_a_question_is_asked_where_one_of_its_rules_speaks():
    catalogue = everything()

    def asked(**where):
        return {question.id for question in catalogue.questions_at(BOOKING, **where)}

    assert "Q21" in asked(protocol="scar_surgical") & asked()
    assert "Q21" not in asked(protocol="melasma")
    assert "Q13" in asked(zones=["perioral"]) & asked(zones=["cheeks", "neck"]) & asked(zones=[]) & asked()
    assert "Q13" not in asked(zones=["neck", "hands"])
    near_the_mouth = {"perioral", "chin_jaw", "nose", "cheeks"}
    scars = {"scar_surgical", "scar_hypertrophic", "scar_thermal_burn"}
    assert catalogue.concerns(catalogue.questions["Q13"], BOOKING) == (frozenset(), near_the_mouth)
    assert catalogue.concerns(catalogue.questions["Q21"], BOOKING) == (scars, frozenset())
    assert catalogue.concerns(catalogue.questions["Q09"], BOOKING) == (frozenset(), frozenset())


# Where it is


ZONE_RULES = [
    ("E24", BOOKING, {"Q20": "yes"}, "Q20b"),
    ("E24", CHECKIN, {"Q20": "yes"}, "Q20b"),
    ("E01", BOOKING, {"Q15": "yes"}, "Q15b"),
    ("E03", BOOKING, {"Q15": "yes"}, "Q15b"),
    ("E12", BOOKING, {"Q14": "eczema", "Q14b": "yes"}, "Q14c"),
    *((code, PREVISIT, {"P03": "yes"}, "P03b") for code in ("E01", "E03", "E12")),
    *(
        (code, CHECKIN, {"C06": seen}, "C06b")
        for code, seen in (("E01", "wound"), ("E03", "spots"), ("E12", "flare"), ("E25", "raised_mark"))
    ),
]


@pytest.mark.parametrize("code, stage, answers, where", ZONE_RULES)
@pytest.mark.parametrize(
    "said, treated, outcome, zones",
    [
        ("chin_jaw", ["cheeks", "chin_jaw"], "block", ("chin_jaw",)),
        ("hands, chin_jaw, forehead", ["chin_jaw", "forehead", "nose"], "block", ("forehead", "chin_jaw")),
        ("chin_jaw, cheeks, neck", ["cheeks", "chin_jaw"], "block", ()),
        ("chin_jaw", ["chin_jaw"], "block", ()),
        ("chin_jaw", ["cheeks", "neck"], "pass", ()),
        ("chin_jaw", [], "block", ()),
        ("not_sure", ["cheeks", "chin_jaw"], "block", ()),
        ("chin_jaw, not_sure", ["cheeks", "chin_jaw"], "block", ()),
        (None, ["cheeks", "chin_jaw"], "block", ()),
    ],
)
def test_a_zone_rule_takes_out_what_it_is_about(code, stage, answers, where, said, treated, outcome, zones):
    finding = find(code, answers | ({where: said} if said else {}), stage=stage, zones=treated)
    assert (finding.outcome.value, finding.zones, finding.clear_from) == (outcome, zones, None)


def test_what_takes_out_some_skin_is_advice_for_the_visit():
    tattoo = screen({"Q20": "yes", "Q20b": "chin_jaw"}, stage=BOOKING, rule="E24", zones=["cheeks", "chin_jaw"])
    assert (tattoo.outcome, tattoo.is_blocked_without_date, tattoo.not_before) == (Outcome.ADVISE, False, None)
    whole = screen({"Q20": "yes", "Q20b": "chin_jaw"}, stage=BOOKING, rule="E24", zones=["chin_jaw"])
    assert (whole.outcome, whole.is_blocked_without_date) == (Outcome.BLOCK, True)


def test_beside_an_unsure_answer_nothing_is_narrowed_down():
    answers = {"Q14": "eczema, not_sure", "Q14b": "yes", "Q14c": "chin_jaw"}
    finding = find("E12", answers, stage=BOOKING, zones=["cheeks", "chin_jaw"])
    assert (finding.outcome, finding.zones) == (Outcome.BLOCK, ())


def test_the_reason_names_the_skin():
    answers = {"Q20": "yes", "Q20b": "chin_jaw, hands"}
    assert find("E24", answers, stage=BOOKING, zones=["cheeks", "chin_jaw"]).reason == (
        "Tattoo or permanent make-up in the zone: the answer to Q20 is “Yes”. Where: Chin and jawline, Hands."
    )
    assert find("E24", answers, stage=BOOKING, zones=["neck"]).reason == (
        "Tattoo or permanent make-up in the zone: only on skin that is not treated: Chin and jawline, Hands."
    )


@pytest.mark.parametrize("said", ["eyelid", "lips", "", "none", "chin_jaw cheeks"])
def test_what_is_no_treated_zone_is_not_understood(said):
    with pytest.raises(AnswerError, match="^The answer to Q20b must be some of these with commas between: forehead, "):
        screen({"Q20b": said}, stage=BOOKING)
