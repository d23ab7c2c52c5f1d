"""What a draft would do: from when on it looks at an event, what somebody answers, and which visits turn."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling.rule_trials import Turn, earliest_moment, sample_answers, try_on_bookings, try_on_sample
from tests.factories import (
    NOW,
    lift,
    make_appointment,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_practitioner,
    make_user,
    text_with_the_owners_rules,
)
from treatments.answers import record_answers
from treatments.catalogue import Outcome, Stage, load, shipped_text
from treatments.models import Screening
from treatments.publishing import publish_catalogue

LONDON = ZoneInfo("Europe/London")
CATALOGUE = load(shipped_text())


def start(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON).astimezone(UTC)


@pytest.mark.parametrize(
    ("code", "visit", "moment"),
    [
        ("S3", "2026-03-29T10:00", "2026-03-28T09:00"),  # the clocks go forward: 24 hours are not a day
        ("S3", "2026-10-25T10:00", "2026-10-24T11:00"),
        ("E15a", "2026-04-05T10:00", "2026-03-22T00:00"),  # days are counted on the calendar
        ("E15a", "2026-11-01T10:00", "2026-10-18T00:00"),
        ("S1", "2026-08-31T10:00", "2026-02-28T00:00"),
    ],
)
def test_a_rule_looks_at_an_event_from_a_moment_on(code, visit, moment):
    assert earliest_moment(CATALOGUE, code, start=start(visit), zone=LONDON) == start(moment)


def test_a_rule_without_a_window_or_not_in_force_looks_from_no_moment():
    resting = load(text_with_the_owners_rules())
    assert earliest_moment(CATALOGUE, "E08", start=NOW, zone=LONDON) is None
    assert earliest_moment(resting, "E15a", start=NOW, zone=LONDON) is None


@pytest.mark.parametrize(
    ("code", "stage", "answers"),
    [
        ("S3", Stage.CHECKIN, {"C01": "yes", "C01b": "2026-01-17T15:30"}),
        ("S1", Stage.BOOKING, {"Q04": "yes", "Q04b": "2026-01-17T15:30"}),
        ("E09", Stage.BOOKING, {"Q07": "now"}),
        ("E02a", Stage.CHECKIN, {"C06": "cold_sore"}),
    ],
)
def test_a_sample_answers_so_that_the_rule_has_to_judge(code, stage, answers):
    rule = CATALOGUE.rules[code]
    assert sample_answers(CATALOGUE, rule, stage, moment="2026-01-17T15:30", said="") == answers


def test_a_sample_says_what_was_chosen_and_leaves_out_what_is_not_known():
    rule = CATALOGUE.rules["S3"]
    assert sample_answers(CATALOGUE, rule, Stage.CHECKIN, moment="", said="no") == {"C01": "no"}


def test_a_medicine_under_a_plan_is_sampled_with_a_pause_agreed():
    answers = sample_answers(CATALOGUE, CATALOGUE.rules["S2"], Stage.CHECKIN, moment="2026-01-18T10:00", said="yes")
    assert (answers["Q05"], answers["Q05c"], answers["C02"]) == ("yes", "may_pause", "2026-01-18T10:00")
    found = {
        moment: try_on_sample(
            catalogue=CATALOGUE,
            code="S2",
            stage=Stage.CHECKIN,
            start=start("2026-01-19T10:00"),
            zone=LONDON,
            answers=answers | {"C02": moment},
        ).outcome
        for moment in ("2026-01-18T10:00", "2026-01-18T10:01")
    }
    assert found == {"2026-01-18T10:00": Outcome.PASS, "2026-01-18T10:01": Outcome.BLOCK}


@pytest.fixture
def clinic():
    make_catalogue()
    return make_clinic()


def book(clinic, practitioner, days, **answers):
    patient = make_clear_patient(clinic)
    if answers:
        record_answers(patient=patient, answers=answers, by=None, now=NOW)
    starts_at = NOW + timedelta(days=days, hours=3)
    return make_appointment(location=clinic, patient=patient, practitioner=practitioner, starts_at=starts_at)


def longer_wait(months: int) -> str:
    return make_catalogue().source.replace("months: 6,", f"months: {months},", 1)


@pytest.mark.django_db
@pytest.mark.both
def test_the_visits_that_would_turn_come_soonest_first_and_nothing_is_stored(clinic):
    practitioner = make_practitioner(clinic)
    close = {"Q04": "yes", "Q04b": "2025-07-12"}
    later, sooner = book(clinic, practitioner, 9, **close), book(clinic, practitioner, 8, **close)
    book(clinic, practitioner, 7)
    before = Screening.objects.count()
    trial = try_on_bookings(text=longer_wait(7), now=NOW)
    assert (trial.checked, trial.unchanged) == (3, 1)
    assert trial.turns == (
        Turn(sooner, Outcome.PASS, Outcome.HARD_BLOCK),
        Turn(later, Outcome.PASS, Outcome.HARD_BLOCK),
    )
    assert Screening.objects.count() == before


@pytest.mark.django_db
def test_a_decision_that_would_no_longer_hold_turns_its_visit(clinic):
    """The finding would say something else than what the clinical lead has decided about."""
    publish_catalogue(text=shipped_text(), by=None, now=NOW)
    held = book(clinic, make_practitioner(clinic), 7, Q10="yes")
    lead = make_user("lead", location=clinic)
    lift(screening=held.session.screenings.get(), by=lead, now=NOW, reason="Her doctor was asked.")
    same, other = (
        shipped_text(),
        shipped_text().replace("name: Blood thinner", "name: Blood thinners", 1),
    )
    assert try_on_bookings(text=same, now=NOW).turns == ()
    assert try_on_bookings(text=other, now=NOW).turns == (Turn(held, Outcome.PASS, Outcome.HOLD),)


@pytest.mark.django_db
def test_a_trial_asks_as_much_for_three_visits_as_for_one(clinic):
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            try_on_bookings(text=longer_wait(7), now=NOW)
        return len(queries)

    practitioner = make_practitioner(clinic)
    book(clinic, practitioner, 7)
    once = count_queries()
    book(clinic, practitioner, 8)
    book(clinic, practitioner, 9)
    assert count_queries() == once
