from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import text_with_the_owners_rules
from treatments.catalogue import Outcome, Stage, load
from treatments.screening import AnswerError, Finding, evaluate, read_visit_start

# The four rules of the owner's document alone.
OWNERS = load(text_with_the_owners_rules())
LONDON = ZoneInfo("Europe/London")
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
JOHANNESBURG = ZoneInfo("Africa/Johannesburg")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
DAY = 86_400  # seconds
CLEAR_ON_ARRIVAL = {"Q04": "no", "C04": "no", "Q05": "no", "C01": "no", "C03": "yes"}


def screen(answers, *, stage=Stage.BOOKING, visit="2026-06-10T10:00", zone=LONDON, rule=None, protocol=None):
    return evaluate(
        catalogue=OWNERS,
        answers=answers,
        stage=stage,
        visit_start=read_visit_start(visit, zone),
        zone=zone,
        rule=rule,
        protocol=protocol,
    )


def find(rule, answers, **where) -> Finding:
    (finding,) = screen(answers, rule=rule, **where).findings
    assert finding.rule == rule
    return finding


def says(rule, answers, **where) -> tuple[str, str | None]:
    """Outcome and date of one rule, as they are written out."""
    finding = find(rule, answers, **where)
    return finding.outcome.value, finding.clear_from and finding.clear_from.isoformat()


# S1: six calendar months


@pytest.mark.parametrize(
    "last, clear_from",
    [
        ("2026-01-15", "2026-07-15"),
        ("2025-08-28", "2026-02-28"),
        ("2025-08-29", "2026-03-01"),
        ("2025-08-31", "2026-03-01"),
        ("2023-08-29", "2024-02-29"),
        ("2023-08-31", "2024-03-01"),
        ("2024-02-29", "2024-08-29"),
        ("2026-02-28", "2026-08-28"),
        ("2026-03-31", "2026-10-01"),
        ("2025-10-31", "2026-05-01"),
        ("2025-12-31", "2026-07-01"),
    ],
)
@pytest.mark.parametrize("stage", Stage)
def test_s1_clears_on_its_date_and_not_a_day_before(last, clear_from, stage):
    answers = {"Q04": "yes", "Q04b": last, "C04": "no"}
    day_before = (date.fromisoformat(clear_from) - timedelta(days=1)).isoformat()
    assert says("S1", answers, stage=stage, visit=f"{day_before}T23:59") == ("hard_block", clear_from)
    assert says("S1", answers, stage=stage, visit=f"{clear_from}T00:00") == ("pass", clear_from)


@pytest.mark.parametrize(
    "last, visit, outcome",
    [
        ("2026-01-15", "2026-07-14", "hard_block"),
        ("2026-01-15", "2026-07-15", "pass"),
        ("2024-02-29", "2024-08-28", "hard_block"),
        ("2024-02-29", "2024-08-29", "pass"),
        ("2024-02-28", "2024-08-31", "pass"),
        ("2025-08-31", "2026-02-28", "hard_block"),
        ("2025-08-31", "2026-03-01", "pass"),
        ("2026-03-01", "2026-09-05", "pass"),  # and the same visit moved earlier:
        ("2026-03-01", "2026-08-20", "hard_block"),
    ],
)
def test_s1_at_its_boundaries(last, visit, outcome):
    assert find("S1", {"Q04": "yes", "Q04b": last}, visit=f"{visit}T10:00").outcome == outcome


def whole_months(since: date, until: date) -> int:
    """Months in another way than the engine's: as one counts a person's age."""
    return (until.year - since.year) * 12 + until.month - since.month - (until.day < since.day)


DAYS = st.dates(date(2019, 1, 1), date(2030, 12, 31))


def test_s1_clears_for_every_last_dose_of_twelve_years_on_the_first_day_of_six_whole_months():
    for days in range((date(2030, 12, 31) - date(2019, 1, 1)).days + 1):
        last = date(2019, 1, 1) + timedelta(days=days)
        first = next(day for n in range(181, 186) if whole_months(last, day := last + timedelta(days=n)) >= 6)
        answers = {"Q04": "yes", "Q04b": last.isoformat()}
        assert says("S1", answers, visit=f"{first}T10:00") == ("pass", first.isoformat())
        assert says("S1", answers, visit=f"{first - timedelta(days=1)}T10:00") == ("hard_block", first.isoformat())


@given(last=DAYS, visit=DAYS)
def test_s1_agrees_with_counting_whole_months(last, visit):
    finding = find("S1", {"Q04": "yes", "Q04b": last.isoformat()}, visit=f"{visit}T10:00")
    assert (finding.outcome == Outcome.PASS) == (visit >= finding.clear_from) == (whole_months(last, visit) >= 6)


@pytest.mark.parametrize(
    "last, clear_from",
    [("2025-08", "2026-03-01"), ("2025-09", "2026-03-30"), ("2024-02", "2024-08-29"), ("2025", "2026-07-01")],
)
def test_s1_takes_the_last_day_of_what_is_known(last, clear_from):
    answers = {"Q04": "yes", "Q04b": last}
    day_before = (date.fromisoformat(clear_from) - timedelta(days=1)).isoformat()
    assert says("S1", answers, visit=f"{day_before}T10:00") == ("hard_block", clear_from)
    assert says("S1", answers, visit=f"{clear_from}T10:00") == ("pass", clear_from)


@pytest.mark.parametrize("stage", Stage)
def test_s1_while_it_is_still_taken_has_no_date(stage):
    result = screen({"Q04": "yes", "Q04b": "still", "C04": "no"}, stage=stage, rule="S1")
    assert (result.outcome, result.clear_from, result.not_before) == (Outcome.HARD_BLOCK, None, None)
    assert result.is_blocked_without_date
    assert not result.findings[0].ends_only_with_answer


@pytest.mark.parametrize(
    "last, clear_from", [("2026-06-11", "2026-12-11"), ("2026-06", "2026-12-30"), ("2026", "2027-07-01")]
)
def test_s1_with_a_date_after_the_visit_blocks(last, clear_from):
    assert says("S1", {"Q04": "yes", "Q04b": last}) == ("hard_block", clear_from)


@pytest.mark.parametrize("stage, outcome", [("booking", "hold"), ("previsit", "hold"), ("checkin", "block")])
@pytest.mark.parametrize("answers", [{}, {"Q04": "not_sure"}, {"Q04": "yes"}, {"Q04": "not_sure", "Q04b": "2020"}])
def test_s1_without_an_answer_never_passes_and_ends_only_with_the_answer(stage, outcome, answers):
    finding = find("S1", answers | {"C04": "no"}, stage=stage)
    assert (finding.outcome.value, finding.clear_from, finding.ends_only_with_answer) == (outcome, None, True)


def test_s1_answered_no_passes():
    assert says("S1", {"Q04": "no"}) == ("pass", None)
    assert says("S1", {"Q04": "no"}, stage="previsit") == ("pass", None)
    assert says("S1", {"Q04": "no", "C04": "no"}, stage="checkin") == ("pass", None)


def test_s1_judges_a_date_beside_a_no_and_the_worst_wins():
    assert says("S1", {"Q04": "no", "Q04b": "2026-01-15"}) == ("hard_block", "2026-07-15")
    assert says("S1", {"Q04": "not_sure", "Q04b": "2026-01-15"}) == ("hard_block", "2026-07-15")
    assert says("S1", {"Q04": "no", "Q04b": "2025-01-15"}) == ("pass", "2025-07-15")
    assert says("S1", {"Q04": "no", "Q04b": "still"}) == ("hard_block", None)


@pytest.mark.parametrize(
    "answers, said",
    [
        ({"Q04": "no"}, ("block", None)),
        ({"Q04": "no", "C04": "not_sure"}, ("block", None)),
        ({"Q04": "no", "C04": "yes"}, ("block", None)),
        ({"C04": "no"}, ("block", None)),
        ({"Q04": "yes", "Q04b": "2025-01-15"}, ("block", None)),
        ({"Q04": "yes", "Q04b": "2025-01-15", "C04": "no"}, ("pass", "2025-07-15")),
        ({"Q04": "no", "C04": "yes", "Q04b": "2026-06-01"}, ("hard_block", "2026-12-01")),
    ],
)
def test_s1_on_arrival_is_fed_by_the_question_since_booking(answers, said):
    assert says("S1", answers, stage="checkin") == said


def test_s1_counts_the_visits_local_date():
    """Ten in the evening UTC is the next day in Johannesburg and the same day in London's winter."""
    answers, at = {"Q04": "yes", "Q04b": "2025-08-05"}, datetime(2026, 2, 4, 22, 30, tzinfo=UTC)
    outcomes = [
        evaluate(catalogue=OWNERS, answers=answers, stage="booking", visit_start=at, zone=zone, rule="S1").outcome
        for zone in (LONDON, JOHANNESBURG)
    ]
    assert outcomes == [Outcome.HARD_BLOCK, Outcome.PASS]


@pytest.mark.parametrize(
    "visit", ["2026-03-29T00:30", "2026-03-29T23:30", "2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T23:30"]
)
def test_s1_on_the_days_when_the_clocks_change(visit):
    on_the_day = date.fromisoformat(visit[:10])
    first_clear = {3: "2025-09-29", 10: "2026-04-25"}[on_the_day.month]
    a_day_late = {3: "2025-09-30", 10: "2026-04-26"}[on_the_day.month]
    assert says("S1", {"Q04": "yes", "Q04b": first_clear}, visit=visit) == ("pass", visit[:10])
    assert find("S1", {"Q04": "yes", "Q04b": a_day_late}, visit=visit).outcome == Outcome.HARD_BLOCK


# S2: the prescriber's advice, then 24 hours


@pytest.mark.parametrize("stage", Stage)
def test_s2_answered_no_passes_at_every_stage(stage):
    assert says("S2", {"Q05": "no"}, stage=stage) == ("pass", None)
    assert says("S2", {"Q05": "no", "Q05c": "keep_taking", "C02": "2026-06-10"}, stage=stage) == ("pass", None)


@pytest.mark.parametrize("stage, outcome", [("booking", "hold"), ("previsit", "hold"), ("checkin", "block")])
@pytest.mark.parametrize(
    "answers", [{}, {"Q05": "not_sure"}, {"Q05": "yes"}, {"Q05": "yes", "Q05c": "not_asked", "C02": "2026-01-01"}]
)
def test_s2_without_the_answer_or_the_advice_waits(stage, outcome, answers):
    finding = find("S2", answers, stage=stage)
    assert (finding.outcome.value, finding.clear_from) == (outcome, None)
    assert not finding.ends_only_with_answer  # the clinical lead may lift it


@pytest.mark.parametrize("stage", Stage)
def test_s2_keep_taking_blocks_at_every_stage_without_a_date(stage):
    answers = {"Q05": "yes", "Q05c": "keep_taking", "C02": "2026-01-01T10:00"}
    assert says("S2", answers, stage=stage) == ("block", None)
    assert screen(answers, stage=stage, rule="S2").is_blocked_without_date


@pytest.mark.parametrize("stage, outcome", [("booking", "hold"), ("previsit", "hold"), ("checkin", "block")])
@pytest.mark.parametrize("advice", [{}, {"advice": "not_reached\nazathioprine"}])
def test_s2_a_pause_that_only_the_patient_reports_is_no_plan(stage, outcome, advice):
    answers = {"Q05": "yes", "Q05b": "azathioprine", "Q05c": "may_pause", "C02": "2026-01-01T10:00"} | advice
    finding = find("S2", answers, stage=stage)
    assert (finding.outcome.value, finding.clear_from) == (outcome, None)
    assert finding.reason.endswith(
        "the patient says that a pause is fine; it counts once it is recorded who said so, and when."
    )


PAUSE = "may_pause\nazathioprine\nDr Green, 3 March 2026"


@pytest.mark.parametrize("stage, outcome", [("booking", "hold"), ("previsit", "hold"), ("checkin", "block")])
@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"Q05": "no"}, "No"),
        ({"Q05c": "keep_taking"}, "Keep taking it"),
        ({"Q05b": "methotrexate"}, "methotrexate"),
        ({"Q05b": "Azathioprine, methotrexate"}, "Azathioprine, methotrexate"),
    ],
)
def test_s2_what_the_patient_says_does_not_overrule_the_recorded_advice(stage, outcome, answers, said):
    told = {"Q05": "yes", "Q05b": "azathioprine", "Q05c": "may_pause", "C02": "2026-01-01T10:00", "advice": PAUSE}
    finding = find("S2", told | answers, stage=stage)
    assert (finding.outcome.value, finding.clear_from) == (outcome, None)
    assert finding.reason.endswith(
        f"the patient says “{said}”, and on file is: “A pause is fine”, azathioprine, Dr Green, 3 March 2026. "
        "Ask, and record what the prescriber says."
    )


@pytest.mark.parametrize("told", [{"Q05c": "may_pause"}, {"Q05c": "not_asked"}, {}, {"Q05b": "Azathioprine"}])
def test_s2_counts_the_hours_under_the_recorded_advice(told):
    answers = {"Q05": "yes", "advice": PAUSE} | told
    assert says("S2", answers) == ("pass", None)
    assert says("S2", answers | {"C02": "2026-06-09T10:00"}, stage="checkin")[0] == "pass"
    assert says("S2", answers | {"C02": "2026-06-09T10:01"}, stage="checkin")[0] == "block"


@pytest.mark.parametrize("stage", Stage)
def test_s2_a_pause_that_the_patient_reports_does_not_lift_the_prescribers_keep_taking(stage):
    answers = {"Q05": "yes", "Q05b": "azathioprine", "Q05c": "may_pause", "advice": "keep_taking\nazathioprine"}
    assert says("S2", answers, stage=stage) == ("block", None)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"Q05": "no"}, "pass"),
        ({"Q05": "yes", "Q05b": "Levothyroxin 50"}, "pass"),
        ({"Q05": "yes", "Q05b": "azathioprine"}, "hold"),
        ({"Q05": "yes"}, "hold"),
    ],
)
def test_s2_a_medicine_of_which_the_prescriber_said_that_it_does_not_count_is_that_one_alone(answers, outcome):
    assert says("S2", answers | {"advice": "does_not_count\nLevothyroxin 50"}) == (outcome, None)


@pytest.mark.parametrize(
    "name", ["methotrexate", "Adalimumab 40 mg", "azathioprine once a week", "my weekly one", "an injection"]
)
def test_s2_leaves_a_medicine_that_acts_for_long_to_the_clinical_lead(name):
    answers = {"Q05": "yes", "Q05b": name, "advice": f"may_pause\n{name}\nDr Green, 3 March 2026"}
    for stage, more in [("booking", {}), ("previsit", {}), ("checkin", {"C02": "2026-06-01"})]:
        finding = find("S2", answers | more, stage=stage)
        assert (finding.outcome, finding.clear_from) == (Outcome.HOLD, None)
        assert "the hours say little" in finding.reason
    assert says("S2", answers | {"C02": "2026-06-10T09:00"}, stage="checkin")[0] == "block"


def test_s2_may_pause_passes_before_the_visit_and_is_timed_on_arrival():
    answers = {"Q05": "yes", "Q05c": "may_pause", "advice": "may_pause"}
    assert says("S2", answers) == ("pass", None)
    assert says("S2", answers, stage="previsit") == ("pass", None)
    assert says("S2", answers, stage="checkin") == ("block", None)
    on_time = answers | {"C02": "2026-06-09T10:00"}
    assert says("S2", on_time, stage="checkin") == ("pass", "2026-06-10T10:00:00+01:00")
    assert says("S2", on_time, stage="booking") == ("pass", "2026-06-10T10:00:00+01:00")
    too_late = answers | {"C02": "2026-06-09T10:01"}
    assert says("S2", too_late, stage="checkin") == ("block", "2026-06-10T10:01:00+01:00")


# S3: 24 hours out of the sun


@pytest.mark.parametrize("stage", [Stage.BOOKING, Stage.PREVISIT])
@pytest.mark.parametrize("answers", [{}, {"C01": "no"}, {"C01": "not_sure"}, {"C01": "yes"}])
def test_s3_only_advises_before_the_visit(stage, answers):
    assert says("S3", answers, stage=stage) == ("advise", None)


def test_s3_advises_before_the_visit_also_beside_a_known_time():
    assert says("S3", {"C01": "yes", "C01b": "2026-06-10T09:00"}) == ("advise", "2026-06-11T09:00:00+01:00")


@pytest.mark.parametrize(
    "answers, said",
    [
        ({"C01": "no"}, ("pass", None)),
        ({}, ("block", None)),
        ({"C01": "not_sure"}, ("block", None)),
        ({"C01": "yes"}, ("block", None)),
        ({"C01": "no", "C01b": "2026-06-10T09:00"}, ("block", "2026-06-11T09:00:00+01:00")),
        ({"C01": "yes", "C01b": "2026-06-10T10:30"}, ("block", "2026-06-11T10:30:00+01:00")),  # after the visit
        ({"C01": "yes", "C01b": "2026-06-09T10:00:01"}, ("block", "2026-06-10T10:00:01+01:00")),
        ({"C01": "yes", "C01b": "2026-06-09 10:00"}, ("pass", "2026-06-10T10:00:00+01:00")),
    ],
)
def test_s3_on_arrival(answers, said):
    assert says("S3", answers, stage="checkin") == said


@pytest.mark.parametrize(
    "zone, visit, event, said",
    [
        # exactly 24 hours, and a minute short
        (LONDON, "2026-06-09T10:00", "2026-06-08T10:00", ("pass", "2026-06-09T10:00:00+01:00")),
        (LONDON, "2026-06-09T10:00", "2026-06-08T10:01", ("block", "2026-06-09T10:01:00+01:00")),
        # over a leap day and over the end of an ordinary February
        (JOHANNESBURG, "2028-03-01T09:30", "2028-02-29T09:30", ("pass", "2028-03-01T09:30:00+02:00")),
        (JOHANNESBURG, "2026-03-01T09:30", "2026-02-28T09:30", ("pass", "2026-03-01T09:30:00+02:00")),
        (JOHANNESBURG, "2026-03-01T09:30", "2026-02-28T09:31", ("block", "2026-03-01T09:31:00+02:00")),
        # the clocks go forward: the day before ends an hour earlier than the clock says
        (LONDON, "2026-03-29T10:00", "2026-03-28T10:00", ("block", "2026-03-29T11:00:00+01:00")),
        (LONDON, "2026-03-29T10:00", "2026-03-28T09:01", ("block", "2026-03-29T10:01:00+01:00")),
        (LONDON, "2026-03-29T10:00", "2026-03-28T09:00", ("pass", "2026-03-29T10:00:00+01:00")),
        (NEW_YORK, "2026-03-08T10:00", "2026-03-07T10:00", ("block", "2026-03-08T11:00:00-04:00")),
        (NEW_YORK, "2026-03-08T10:00", "2026-03-07T09:00", ("pass", "2026-03-08T10:00:00-04:00")),
        (LORD_HOWE, "2026-10-04T10:00", "2026-10-03T10:00", ("block", "2026-10-04T10:30:00+11:00")),
        (LORD_HOWE, "2026-10-04T10:00", "2026-10-03T09:30", ("pass", "2026-10-04T10:00:00+11:00")),
        # and back
        (LONDON, "2026-10-25T10:00", "2026-10-24T10:30", ("pass", "2026-10-25T09:30:00+00:00")),
        (LONDON, "2026-10-25T10:00", "2026-10-24T11:00", ("pass", "2026-10-25T10:00:00+00:00")),
        (LONDON, "2026-10-25T10:00", "2026-10-24T11:01", ("block", "2026-10-25T10:01:00+00:00")),
        (NEW_YORK, "2026-11-01T10:00", "2026-10-31T11:00", ("pass", "2026-11-01T10:00:00-05:00")),
        (NEW_YORK, "2026-11-01T10:00", "2026-10-31T11:01", ("block", "2026-11-01T10:01:00-05:00")),
        (LORD_HOWE, "2026-04-05T10:00", "2026-04-04T10:30", ("pass", "2026-04-05T10:00:00+10:30")),
        (LORD_HOWE, "2026-04-05T10:00", "2026-04-04T10:31", ("block", "2026-04-05T10:01:00+10:30")),
        # an event in the repeated hour: its later reading
        (LONDON, "2026-10-26T01:15", "2026-10-25T01:30", ("block", "2026-10-26T01:30:00+00:00")),
        (LONDON, "2026-10-26T01:30", "2026-10-25T01:30", ("pass", "2026-10-26T01:30:00+00:00")),
        # a visit in the repeated hour: its earlier reading
        (LONDON, "2026-10-25T01:30", "2026-10-24T01:31", ("block", "2026-10-25T01:31:00+01:00")),
        (LONDON, "2026-10-25T01:30", "2026-10-24T01:30", ("pass", "2026-10-25T01:30:00+01:00")),
        # an event in the skipped hour: its later reading, half past two
        (LONDON, "2026-03-30T02:29", "2026-03-29T01:30", ("block", "2026-03-30T02:30:00+01:00")),
        (LONDON, "2026-03-30T02:30", "2026-03-29T01:30", ("pass", "2026-03-30T02:30:00+01:00")),
        # a day without a time of day: its last minute
        (LONDON, "2026-06-09T10:00", "2026-06-08", ("block", "2026-06-09T23:59:00+01:00")),
        (LONDON, "2026-06-09T23:58", "2026-06-08", ("block", "2026-06-09T23:59:00+01:00")),
        (LONDON, "2026-06-09T23:59", "2026-06-08", ("pass", "2026-06-09T23:59:00+01:00")),
        # the visit moved an hour earlier
        (LONDON, "2026-06-09T10:00", "2026-06-08T09:30", ("pass", "2026-06-09T09:30:00+01:00")),
        (LONDON, "2026-06-09T09:00", "2026-06-08T09:30", ("block", "2026-06-09T09:30:00+01:00")),
    ],
)
def test_24_hours_are_elapsed_hours(zone, visit, event, said):
    where = {"stage": "checkin", "visit": visit, "zone": zone}
    assert says("S3", {"C01": "yes", "C01b": event}, **where) == said
    assert says("S2", {"Q05": "yes", "advice": "may_pause", "C02": event}, **where) == said


@given(
    visit=st.datetimes(datetime(2026, 1, 2), datetime(2030, 12, 31), timezones=st.just(UTC)),
    seconds=st.integers(-2 * 86_400, 3 * 86_400),
    zone=st.sampled_from([LONDON, NEW_YORK, JOHANNESBURG, LORD_HOWE]),
)
def test_24_hours_pass_only_when_every_reading_of_the_answer_lies_far_enough_back(visit, seconds, zone):
    written = (visit - timedelta(seconds=seconds)).astimezone(zone).replace(microsecond=0, tzinfo=None)
    readings = [written.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1)]
    result = evaluate(
        catalogue=OWNERS,
        answers={"C01": "yes", "C01b": written.isoformat()},
        stage="checkin",
        visit_start=visit,
        zone=zone,
        rule="S3",
    )
    assert (result.outcome == Outcome.PASS) == (visit.timestamp() - max(readings) >= 86_400)
    assert result.findings[0].clear_from.timestamp() == max(readings) + 86_400


def change_days(zone) -> list[date]:
    """The days of 2026 to 2030 that do not have 24 hours."""
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range((date(2031, 1, 1) - date(2026, 1, 1)).days)]
    return [day for day in days if midnight(day + timedelta(days=1), zone) - midnight(day, zone) != DAY]


def midnight(day, zone) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


@pytest.mark.parametrize(("zone", "changes"), [(BERLIN, 10), (NEW_YORK, 10), (LORD_HOWE, 10), (JOHANNESBURG, 0)])
def test_24_hours_are_counted_in_seconds_around_every_change_of_the_clocks(zone, changes):
    days = change_days(zone)
    assert len(days) == changes
    for day in days or change_days(BERLIN):  # where the clocks never change, on the days on which others do
        for seconds in range(0, 2 * DAY, 1800):
            visit = datetime.fromtimestamp(midnight(day, zone) + seconds, UTC)
            for back in (DAY, DAY - 60):
                written = datetime.fromtimestamp(visit.timestamp() - back, zone).replace(tzinfo=None)
                latest = max(written.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
                answers = {"C01": "yes", "C01b": written.isoformat(timespec="minutes")}
                result = evaluate(
                    catalogue=OWNERS, answers=answers, stage="checkin", visit_start=visit, zone=zone, rule="S3"
                )
                is_clear = visit.timestamp() - latest >= DAY
                assert result.outcome == (Outcome.PASS if is_clear else Outcome.BLOCK), (visit, written)
                assert result.findings[0].clear_from.timestamp() == latest + DAY


# S4: a clean face


@pytest.mark.parametrize(
    "answers, outcome", [({}, "task"), ({"C03": "no"}, "task"), ({"C03": "not_sure"}, "task"), ({"C03": "yes"}, "pass")]
)
def test_s4_is_a_task_until_it_is_ticked(answers, outcome):
    assert says("S4", answers, stage="checkin") == (outcome, None)


@pytest.mark.parametrize("stage", [Stage.BOOKING, Stage.PREVISIT])
def test_s4_is_not_asked_before_arrival_and_says_so(stage):
    finding = find("S4", {"C03": "no"}, stage=stage)
    assert (finding.outcome, finding.clear_from) == (Outcome.PASS, None)
    assert finding.reason == f"Clean face: this is not asked at the stage “{stage.label}”."


# All rules together


def outcomes(result):
    return {finding.rule: finding.outcome.value for finding in result.findings}


def test_without_answers_nothing_is_clear():
    assert outcomes(screen({})) == {"S1": "hold", "S2": "hold", "S3": "advise"}
    assert outcomes(screen({}, stage="previsit")) == {"S1": "hold", "S2": "hold", "S3": "advise"}
    on_arrival = screen({}, stage="checkin")
    assert outcomes(on_arrival) == {"S1": "block", "S2": "block", "S3": "block", "S4": "task"}
    assert (on_arrival.outcome, on_arrival.clear_from, on_arrival.not_before) == (Outcome.BLOCK, None, None)
    assert on_arrival.is_blocked_without_date


def test_with_everything_answered_the_visit_is_clear():
    result = screen(CLEAR_ON_ARRIVAL, stage="checkin")
    assert outcomes(result) == {"S1": "pass", "S2": "pass", "S3": "pass", "S4": "pass"}
    assert (result.outcome, result.clear_from, result.not_before) == (Outcome.PASS, None, None)
    assert not result.is_blocked_without_date


def test_booking_with_every_answer_only_advises():
    result = screen({"Q04": "no", "Q05": "no"})
    assert (result.outcome, result.clear_from, result.not_before) == (Outcome.ADVISE, None, None)


def test_a_hold_has_no_date_and_is_no_block():
    result = screen({"Q04": "no"})
    assert (result.outcome, result.clear_from, result.not_before) == (Outcome.HOLD, None, None)
    assert not result.is_blocked_without_date


def test_a_date_beside_a_hold_is_still_the_date():
    result = screen({"Q04": "yes", "Q04b": "2026-01-15"})
    assert outcomes(result) == {"S1": "hard_block", "S2": "hold", "S3": "advise"}
    assert (result.outcome, result.clear_from) == (Outcome.HARD_BLOCK, date(2026, 7, 15))
    assert result.not_before == datetime(2026, 7, 14, 23, tzinfo=UTC)


def test_the_latest_date_of_what_blocks_counts():
    sun_later = CLEAR_ON_ARRIVAL | {"Q04": "yes", "Q04b": "2025-12-10", "C01": "yes", "C01b": "2026-06-09T11:00"}
    result = screen(sun_later, stage="checkin", visit="2026-06-09T12:00")
    assert outcomes(result) == {"S1": "hard_block", "S2": "pass", "S3": "block", "S4": "pass"}
    assert result.clear_from == datetime(2026, 6, 10, 11, tzinfo=LONDON)
    assert result.not_before == datetime(2026, 6, 10, 10, tzinfo=UTC)
    date_later = sun_later | {"Q04b": "2025-12-11"}
    result = screen(date_later, stage="checkin", visit="2026-06-09T12:00")
    assert result.clear_from == date(2026, 6, 11)
    assert result.not_before == datetime(2026, 6, 10, 23, tzinfo=UTC)


def test_a_block_without_a_date_leaves_none_but_tells_from_when_the_others_are_clear():
    result = screen({"Q04": "yes", "Q04b": "2026-01-15", "Q05": "yes", "Q05c": "keep_taking"})
    assert (result.outcome, result.clear_from) == (Outcome.HARD_BLOCK, None)
    assert result.is_blocked_without_date
    assert result.not_before == datetime(2026, 7, 14, 23, tzinfo=UTC)


def test_not_before_is_the_first_instant_of_the_day_where_midnight_is_skipped():
    cairo = ZoneInfo("Africa/Cairo")  # on 24 April 2026 the clocks go from 00:00 to 01:00
    result = screen({"Q04": "yes", "Q04b": "2025-10-24"}, visit="2026-04-20T10:00", zone=cairo, rule="S1")
    assert result.clear_from == date(2026, 4, 24)
    assert result.not_before.astimezone(cairo).replace(tzinfo=None) == datetime(2026, 4, 24, 1)


def test_at_the_eligible_date_the_visit_is_no_longer_blocked():
    answers = {"Q04": "yes", "Q04b": "2026-01-15", "Q05": "no"}
    not_before = screen(answers).not_before
    for at, outcome in [(not_before, Outcome.ADVISE), (not_before - timedelta(seconds=1), Outcome.HARD_BLOCK)]:
        result = evaluate(catalogue=OWNERS, answers=answers, stage="booking", visit_start=at, zone=LONDON)
        assert result.outcome == outcome


def test_answers_of_other_stages_are_taken_and_not_counted():
    everything = CLEAR_ON_ARRIVAL | {"C01": "yes", "C03": "no", "C02": "2026-06-10"}
    assert outcomes(screen(everything)) == {"S1": "pass", "S2": "pass", "S3": "advise"}


def test_reasons_say_the_date_in_words():
    assert find("S1", {"Q04": "yes", "Q04b": "2025-12-31"}).reason == (
        "Isotretinoin capsules: the last date is 31 December 2025, less than 6 months before the visit; "
        "clear from 1 July 2026."
    )


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("advice", ["keep_taking", "may_pause", "not_asked"])
def test_no_reason_suggests_leaving_out_a_medicine(stage, advice):
    answers = {"Q04": "yes", "Q04b": "still", "Q05": "yes", "Q05c": advice, "C02": "2026-06-10T09:00", "C04": "yes"}
    recorded = [answers | {"advice": said} for said in ("keep_taking", "may_pause", "may_pause\nweekly")]
    for finding in [each for told in (answers, *recorded) for each in screen(told, stage=stage).findings]:
        assert not any(word in finding.reason.lower() for word in ("stop", "skip", "avoid", "leave out"))


def test_a_protocol_is_checked_and_changes_nothing_of_the_owners_rules():
    assert screen({}, protocol="melasma") == screen({})


def test_a_rule_that_does_not_concern_the_protocol_says_nothing():
    """The owner's rules hold for all; a clinic's own rule of the same kind may be for some."""
    text = text_with_the_owners_rules().replace(
        "  - code: E01\n",
        "  - code: E90\n    name: Clean scar\n    tag: design\n    active: true\n    stages: [checkin]\n"
        "    questions: {checkin: C03}\n    test: {kind: staff_tick}\n    outcome: task\n    override: aesthetician\n"
        "    only_for: [scar_surgical]\n    staff: Clean the scar.\n    sources: []\n\n  - code: E01\n",
        1,
    )
    at = {"answers": {}, "stage": "checkin", "visit_start": datetime(2026, 6, 10, 9, tzinfo=UTC), "zone": LONDON}
    catalogue = load(text)
    assert "E90" in outcomes(evaluate(catalogue=catalogue, protocol="scar_surgical", **at))
    assert "E90" in outcomes(evaluate(catalogue=catalogue, **at))
    assert "E90" not in outcomes(evaluate(catalogue=catalogue, protocol="melasma", **at))
    named = evaluate(catalogue=catalogue, protocol="melasma", rule="E90", **at)
    assert [(f.outcome, f.reason) for f in named.findings] == [
        (Outcome.PASS, "Clean scar: this does not concern the chosen treatment.")
    ]


# What cannot be understood


@pytest.mark.parametrize(
    "answers, sentence",
    [
        ({"Q99": "yes"}, "There is no question 'Q99'."),
        ({"Q66": "yes"}, "There is no question 'Q66'."),
        ({"\x00\ud800": "yes"}, r"There is no question '\x00\ud800'."),
        ({"Q" * 500: "yes"}, f"There is no question '{'Q' * 39}."),
        ({1: "yes"}, "There is no question 1."),
        ({"Q04": "Yes"}, "The answer to Q04 must be one of: yes, no, not_sure."),
        ({"Q04": ""}, "The answer to Q04 must be one of: yes, no, not_sure."),
        ({"Q04": "yes\x00"}, "The answer to Q04 must be one of: yes, no, not_sure."),
        ({"Q04": "\ud800"}, "The answer to Q04 must be one of: yes, no, not_sure."),
        ({"Q05c": "yes"}, "The answer to Q05c must be one of: keep_taking, may_pause, not_asked."),
        (
            {"advice": "perhaps"},
            "The answer to advice must be keep_taking, may_pause, does_not_count, not_reached, with the medicine and "
            "who said so in lines of their own.",
        ),
        (
            {"advice": "may_pause\n1\n2\n3"},
            "The answer to advice must be keep_taking, may_pause, does_not_count, not_reached, with the medicine and "
            "who said so in lines of their own.",
        ),
        ({"C03": "done"}, "The answer to C03 must be one of: yes, no, not_sure."),
        ({"Q04": True}, "The answer to Q04 must be a text in quotes."),
        ({"Q04": 1}, "The answer to Q04 must be a text in quotes."),
        ({"Q04": None}, "The answer to Q04 must be a text in quotes."),
        ({"Q04b": 2025}, "The answer to Q04b must be a text in quotes."),
        ({"Q04": ["yes"]}, "The answer to Q04 must be a text in quotes."),
        (
            {"Q04b": "soon"},
            "Q04b: Write the date as 2025-08-31, or only the month as 2025-08, or only the year as 2025.",
        ),
        (
            {"Q04b": "٢٠٢٥"},
            "Q04b: Write the date as 2025-08-31, or only the month as 2025-08, or only the year as 2025.",
        ),
        ({"Q04b": "2025-02-29"}, "Q04b: This date is not in the calendar; check the day, the month and the year."),
        ({"Q04b": "0001-01-01"}, "Q04b: The year must lie between 1900 and 2100."),
        ({"C01b": "1899-12-31"}, "The year must lie between 1900 and 2100."),
        ({"C02": "2101-01-01T00:00"}, "The year must lie between 1900 and 2100."),
    ],
)
def test_an_answer_that_cannot_be_understood_is_refused(answers, sentence):
    with pytest.raises(AnswerError) as refused:
        screen(answers)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "written",
    ["", "yesterday", "10:00", "2026-06-09T", "2026-06-09T25:00", "2026-06-09T24:00", "2026-06-09T10:60", "2026-02-30"]
    + ["2026-06-09T10", "2026-06-09T10:00Z", "2026-06-09T10:00+01:00", "2026-06-09T10:00\n", "٢٠٢٦-06-09", "2026-6-9"]
    + ["2026-06-09T10:00:00.5", "0000-01-01", "still", "2026-06-09\x00", "\ud800", "9" * 100_000],
)
def test_a_time_that_is_not_written_as_one_is_refused(written):
    with pytest.raises(
        AnswerError, match="^Answer C01b with a local date and time such as 2026-03-28T10:00, or with a"
    ):
        screen({"C01b": written})


@pytest.mark.parametrize("answers", [[], None, "Q04", 3, [["Q04", "yes"]]])
def test_answers_that_are_no_object_are_refused(answers):
    with pytest.raises(AnswerError, match="^The answers must be an object from question ids to answers.$"):
        screen(answers)


@pytest.mark.parametrize("stage", ["", "arrival", "BOOKING", None, 1])
def test_an_unknown_stage_is_refused(stage):
    with pytest.raises(AnswerError, match="^The stage must be booking, previsit or checkin.$"):
        screen({}, stage=stage)


def test_an_unknown_or_sleeping_rule_and_an_unknown_protocol_are_refused():
    with pytest.raises(AnswerError, match="^There is no rule 'S9'.$"):
        screen({}, rule="S9")
    with pytest.raises(AnswerError, match="^There is no rule ''.$"):
        screen({}, rule="")
    with pytest.raises(AnswerError, match="^The rule E05 is not active yet.$"):
        screen({}, rule="E05")
    with pytest.raises(AnswerError, match="^There is no protocol 'tattoo'.$"):
        screen({}, protocol="tattoo")


# The start of the visit


@pytest.mark.parametrize(
    "written, zone, instant",
    [
        ("2026-06-10T10:00", LONDON, datetime(2026, 6, 10, 9, tzinfo=UTC)),
        ("2026-06-10 10:00:30", LONDON, datetime(2026, 6, 10, 9, 0, 30, tzinfo=UTC)),
        ("2026-10-25T01:30", LONDON, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-04-05T01:45", LORD_HOWE, datetime(2026, 4, 4, 14, 45, tzinfo=UTC)),
        ("2026-10-25T01:30+00:00", LONDON, datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-10-25T01:30Z", NEW_YORK, datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-03-29T00:59", LONDON, datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        ("2026-03-29T02:00", LONDON, datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ],
)
def test_read_visit_start(written, zone, instant):
    assert read_visit_start(written, zone) == instant


@pytest.mark.parametrize(
    "written, zone",
    [
        ("2026-03-29T01:00", LONDON),
        ("2026-03-29T01:59:59", LONDON),
        ("2026-03-08T02:30", NEW_YORK),
        ("2026-10-04T02:15", LORD_HOWE),
    ],
)
def test_read_visit_start_in_the_skipped_hour_is_refused(written, zone):
    with pytest.raises(AnswerError, match="^The clocks skip this time on that day; choose another start"):
        read_visit_start(written, zone)


@pytest.mark.parametrize(
    "written", ["", "2026-06-10", "tomorrow", "2026-06-10T10:00Z\n", "2026-06-10T10:00Z+01:00", "Z"]
)
def test_read_visit_start_of_another_form_is_refused(written):
    with pytest.raises(
        AnswerError, match="^Write the visit's start as a local date and time, such as 2026-03-29T10:00.$"
    ):
        read_visit_start(written, LONDON)


def test_read_visit_start_with_an_offset_that_no_clock_has_is_refused():
    with pytest.raises(AnswerError, match="^The offset of the visit's start is not one that a clock can have.$"):
        read_visit_start("2026-06-10T10:00+99:00", LONDON)


@pytest.mark.parametrize("year", [1899, 2101])
def test_a_visit_outside_1900_to_2100_is_refused(year):
    with pytest.raises(AnswerError, match="^The year must lie between 1900 and 2100.$"):
        evaluate(
            catalogue=OWNERS, answers={}, stage="booking", visit_start=datetime(year, 6, 1, tzinfo=UTC), zone=LONDON
        )


@pytest.mark.parametrize("visit", ["1900-01-01T00:00", "2100-12-31T23:59"])
def test_the_first_and_the_last_visit_can_be_screened(visit):
    answers = {"Q04": "yes", "Q04b": "2100", "C01": "yes", "C01b": "2100-12-31", "Q05": "no", "C03": "yes", "C04": "no"}
    for zone in (LONDON, LORD_HOWE, NEW_YORK):
        result = screen(answers, stage="checkin", visit=visit, zone=zone)
        assert outcomes(result) == {"S1": "hard_block", "S2": "pass", "S3": "block", "S4": "pass"}
        assert says("S1", answers, stage="checkin", visit=visit, zone=zone) == ("hard_block", "2101-07-01")
