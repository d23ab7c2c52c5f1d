"""What spoke against a visit and was taken back: at the check-in of Monday 19 January 2026, 10:00, and at booking."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling import day
from scheduling.rescreening import keep_advice, rescreen, visits_to_come
from tests.factories import (
    NOW,
    clear_answers,
    make_appointment,
    make_arrival,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_practitioner,
    make_user,
    sign,
    tell,
)
from treatments import visits
from treatments.answers import known_answers
from treatments.catalogue import Outcome, Override, Stage
from treatments.decisions import decide_screening, who_may_decide
from treatments.models import Screening, ScreeningDecision

pytestmark = [pytest.mark.both, pytest.mark.django_db]

START = datetime(2026, 1, 19, 10, tzinfo=UTC)
PREGNANT = "Pregnant, or perhaps: this was answered otherwise on 19 January 2026, 09:52 by %s and has been taken back."


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def nurse(practitioner):
    return practitioner.user


@pytest.fixture
def lead(clinic):
    return make_user("lead", location=clinic)


@pytest.fixture
def patient(clinic):
    return make_clear_patient(clinic)


@pytest.fixture
def here(clinic, practitioner, patient):
    zones = make_catalogue().zones.filter(code__in=["cheeks", "neck"])
    return make_arrival(location=clinic, practitioner=practitioner, patient=patient, zones=list(zones), starts_at=START)


def ask(here, minutes, *, by, **answers) -> Screening:
    """The questions of the day, asked once more some minutes before the visit."""
    clear = clear_answers(Stage.CHECKIN, known_answers(here.patient))
    now = START - timedelta(minutes=minutes)
    return day.answer_checkin(appointment=here, start=START, answers=clear | answers, by=by, now=now)


def newest(appointment) -> Screening:
    return appointment.session.screenings.newest_first().select_related("catalogue_version").first()


def held(screening) -> dict[str, str]:
    return {each.rule_code: each.reason for each in screening.findings.all() if each.outcome == Outcome.HOLD}


def clear(screening, by, minutes=1):
    return decide_screening(
        screening=screening,
        kind=ScreeningDecision.Kind.CLEAR,
        zone=screening.session.appointments.get().location.zone,
        by=by,
        now=START - timedelta(minutes=minutes),
    )


def start(here):
    return day.start_treatment(appointment=here, by=here.practitioner.user, now=START)


# --- On arrival -------------------------------------------------------------------------------------------------------


def test_a_yes_that_is_taken_back_waits_for_the_lead(here, nurse, lead):
    assert ask(here, 8, by=nurse, C05="yes").outcome == Outcome.BLOCK
    again = ask(here, 5, by=nurse, C05="no")
    assert held(again) == {"E08": PREGNANT % nurse.name}
    assert (again.outcome, who_may_decide(again)) == (Outcome.HOLD, Override.CLINICIAN)
    sign(here)
    with pytest.raises(visits.CannotStart, match="The clinical lead decides."):
        start(here)
    clear(newest(here), lead)
    assert start(here).started_at == START


def test_what_the_lead_has_cleared_needs_no_second_decision(here, nurse, lead):
    ask(here, 8, by=nurse, C05="yes")
    clear(ask(here, 5, by=nurse, C05="no"), lead, 4)
    again = ask(here, 3, by=nurse, C05="no", C03="yes")
    assert held(again) == {"E08": PREGNANT % nurse.name}
    assert again.goes_ahead


def test_who_answers_yes_once_more_is_blocked_and_the_newest_yes_is_told(here, nurse):
    ask(here, 9, by=None, C05="yes")
    ask(here, 9, by=None, C05="no")
    assert ask(here, 8, by=nurse, C05="yes").outcome == Outcome.BLOCK
    assert held(ask(here, 5, by=None, C05="no")) == {"E08": PREGNANT % nurse.name}


def test_a_third_no_changes_nothing(here, nurse):
    ask(here, 8, by=None, C05="yes")
    ask(here, 5, by=nurse, C05="no")
    assert held(ask(here, 4, by=nurse, C05="no")) == {"E08": PREGNANT % "the patient"}


def test_what_the_lead_corrects_herself_is_clear(here, nurse, lead):
    ask(here, 8, by=nurse, C05="yes")
    assert ask(here, 5, by=lead, C05="no").outcome == Outcome.PASS
    assert ask(here, 4, by=nurse, C05="no").outcome == Outcome.PASS


def test_a_lead_who_only_looks_at_the_rules_again_corrects_nothing(here, nurse, lead):
    ask(here, 8, by=nurse, C05="yes")
    ask(here, 5, by=nurse, C05="no")
    rescreen(visits_to_come(START), cause=Screening.Cause.RULES, by=lead, now=START)
    assert held(newest(here)) == {"E08": PREGNANT % nurse.name}


@pytest.mark.parametrize("first", [{"C05": "not_sure"}, {"C06": "not_sure"}, {"C08": "alcohol"}, {"C07": "used_today"}])
def test_what_never_blocked_by_an_answer_is_not_taken_back(here, nurse, first):
    ask(here, 8, by=nurse, **first)
    assert ask(here, 5, by=nurse).outcome == Outcome.PASS


def test_skin_that_was_left_out_and_is_found_calm_is_no_matter_of_the_visit(here, nurse):
    ask(here, 8, by=nurse, C06="spots", C06b="neck")
    assert ask(here, 5, by=nurse, C06="none").outcome == Outcome.PASS


def test_a_later_hour_that_becomes_an_earlier_one_is_taken_back(here, nurse):
    ask(here, 8, by=nurse, C01="yes", C01b="2026-01-18T10:01")
    assert set(held(ask(here, 5, by=nurse, C01="yes", C01b="2026-01-18T10:00"))) == {"S3"}


# --- At booking -------------------------------------------------------------------------------------------------------


def book(patient, practitioner, now=NOW):
    return make_appointment(
        location=practitioner.user.locations.get(), patient=patient, practitioner=practitioner, starts_at=START, now=now
    )


def test_a_yes_of_the_same_day_takes_the_lead_although_nobody_lifts_the_rule(patient, practitioner, nurse, lead):
    tell(patient, {"Q04": "yes"}, by=nurse, now=NOW - timedelta(minutes=5))
    tell(patient, {"Q04": "no"}, by=nurse, now=NOW - timedelta(minutes=3))
    booked = newest(book(patient, practitioner))
    why = f"this was answered otherwise on 12 January 2026, 06:55 by {nurse.name} and has been taken back."
    assert held(booked) == {"S1": f"Isotretinoin capsules: {why}"}
    assert (booked.outcome, who_may_decide(booked)) == (Outcome.HOLD, Override.CLINICIAN)
    assert clear(booked, lead).decided_by == lead


def test_what_waits_at_booking_waits_on_arrival_and_is_decided_once(patient, practitioner, lead):
    tell(patient, {"Q04": "yes"}, now=NOW - timedelta(minutes=5))
    tell(patient, {"Q04": "no"}, now=NOW - timedelta(minutes=3))
    appointment = book(patient, practitioner)
    here = day.arrive(appointment=appointment, revision=appointment.revision, by=None, now=START - timedelta(minutes=9))
    asked = ask(here, 8, by=None)
    assert set(held(asked)) == {"S1"}
    clear(asked, lead, 5)
    assert ask(here, 4, by=None).goes_ahead


@pytest.mark.parametrize(("hours", "waits"), [(24, False), (23.999, True)])
def test_what_stood_for_a_day_may_change(patient, practitioner, hours, waits):
    tell(patient, {"Q12": "yes"}, now=NOW - timedelta(hours=hours))
    tell(patient, {"Q12": "no"}, now=NOW)
    assert bool(held(newest(book(patient, practitioner)))) == waits


@pytest.mark.parametrize(("hours", "waits"), [(24, False), (23.999, True)])
def test_what_was_taken_back_follows_into_no_later_booking(patient, practitioner, hours, waits):
    tell(patient, {"Q12": "yes"}, now=NOW - timedelta(hours=hours, minutes=5))
    tell(patient, {"Q12": "no"}, now=NOW - timedelta(hours=hours))
    assert bool(held(newest(book(patient, practitioner)))) == waits


@pytest.mark.parametrize(
    ("said", "taken_back", "waits"),
    [
        # 29 March 2026, one hour is skipped
        (datetime(2026, 3, 28, 10, tzinfo=UTC), datetime(2026, 3, 29, 9, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 28, 10, tzinfo=UTC), datetime(2026, 3, 29, 10, tzinfo=UTC), False),
        # 25 October 2026, one hour comes twice
        (datetime(2026, 10, 24, 9, tzinfo=UTC), datetime(2026, 10, 25, 8, 59, tzinfo=UTC), True),
        (datetime(2026, 10, 24, 9, tzinfo=UTC), datetime(2026, 10, 25, 9, tzinfo=UTC), False),
    ],
)
def test_a_day_is_twenty_four_hours_whatever_the_clocks_do(clinic, practitioner, said, taken_back, waits):
    patient = make_clear_patient(clinic)
    tell(patient, {"Q12": "yes"}, now=said)
    tell(patient, {"Q12": "no"}, now=taken_back)
    booked = make_appointment(
        location=clinic,
        patient=patient,
        practitioner=practitioner,
        starts_at=datetime(2026, 11, 16, 10, tzinfo=UTC),
        now=taken_back,
    )
    assert bool(held(newest(booked))) == waits


def test_a_hold_of_the_booking_stays_when_the_day_is_over(patient, practitioner):
    tell(patient, {"Q12": "yes"}, now=NOW - timedelta(minutes=5))
    tell(patient, {"Q12": "no"}, now=NOW)
    appointment = book(patient, practitioner)
    later = NOW + timedelta(days=3)
    tell(patient, {"Q13": "yes"}, now=later)
    rescreen(visits_to_come(later), cause=Screening.Cause.ANSWERS, by=None, now=later)
    assert "E04" in held(newest(appointment))


def test_a_fact_that_the_lead_corrects_is_clear(patient, practitioner, lead):
    tell(patient, {"Q12": "yes"}, now=NOW - timedelta(minutes=5))
    tell(patient, {"Q12": "no"}, by=lead, now=NOW)
    assert held(newest(book(patient, practitioner))) == {}


def test_advice_that_comes_the_same_day_takes_nothing_back(patient, practitioner, nurse):
    tell(patient, {"Q05": "yes", "Q05b": "azathioprine", "Q05c": "not_asked"}, now=NOW)
    appointment = book(patient, practitioner)
    later = NOW + timedelta(hours=2)
    keep_advice(
        patient=patient,
        medicine="azathioprine",
        said="may_pause",
        said_by="Dr Green",
        said_on=NOW.date(),
        today=NOW.date(),
        by=nurse,
        now=later,
    )
    assert held(newest(appointment)) == {}


def test_a_medicine_that_is_taken_back_waits(patient, practitioner):
    tell(patient, {"Q05": "yes", "Q05b": "azathioprine", "Q05c": "not_asked"}, now=NOW - timedelta(minutes=2))
    tell(patient, {"Q05": "no"}, now=NOW)
    assert set(held(newest(book(patient, practitioner)))) == {"S2"}


def test_a_look_again_asks_the_database_as_often_for_three_visits_as_for_one(clinic):
    def count(n):
        for each in range(n):
            patient = make_clear_patient(clinic)
            tell(patient, {"Q12": "yes"}, now=NOW - timedelta(minutes=5))
            tell(patient, {"Q12": "no"}, now=NOW - timedelta(minutes=3))
            make_appointment(
                location=clinic,
                patient=patient,
                practitioner=make_practitioner(clinic),
                starts_at=START + timedelta(days=n, hours=2 * each),
            )
        with CaptureQueriesContext(connection) as queries:
            rescreen(visits_to_come(NOW), cause=Screening.Cause.RULES, by=None, now=NOW)
        return len(queries)

    one = count(1)
    assert count(2) == one
