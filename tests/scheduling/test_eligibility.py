"""One answer to "from when on", whoever asks."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.times import local_date
from scheduling import booking
from scheduling.eligibility import earliest_eligible
from scheduling.offers import offer_later_times, offer_times
from scheduling.rescreening import Cause, keep_answers
from scheduling.slots import next_eligible_slots
from tests.factories import (
    NOW,
    clear_answers,
    lift,
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_fact,
    make_patient,
    make_practitioner,
    make_protocol,
    make_user,
    tell,
)
from treatments.catalogue import Outcome, Stage
from treatments.decisions import DecisionRefused, decide_screening, standing
from treatments.models import ScreeningDecision
from treatments.screenings import screen_session

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
START = NOW + timedelta(days=9, hours=3)
FEBRUARY = datetime(2026, 2, 2, 9, tzinfo=UTC)
Kind = ScreeningDecision.Kind
ASKS = {"Q05": "yes", "Q05b": "azathioprine", "Q05c": "not_asked"}
ISOTRETINOIN = {"Q04": "yes", "Q04b": "2025-08-31"}


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def patient(clinic):
    return make_clear_patient(clinic)


def eligible(patient, clinic, *, start=NOW, now=NOW, protocol=None, session=None):
    return earliest_eligible(
        patient=patient,
        protocol=protocol or make_protocol(),
        zones=(),
        zone=clinic.zone,
        start=start,
        now=now,
        session=session,
    )


def newest(appointment):
    return appointment.session.screenings.newest_first().first()


def move(appointment, starts_at):
    return booking.move_appointment(
        appointment=appointment,
        starts_at=starts_at,
        practitioner=appointment.practitioner,
        revision=appointment.revision,
        by=None,
        now=NOW,
    )


def postpone(appointment, day: date, now=NOW, by=None):
    return decide_screening(
        screening=newest(appointment),
        kind=ScreeningDecision.Kind.POSTPONE,
        not_before=day,
        zone=appointment.location.zone,
        by=by or make_user("lead"),
        now=now,
    )


def test_whom_nothing_keeps_may_come_at_once(patient, clinic):
    found = eligible(patient, clinic)
    assert (found.not_before, found.reasons, found.is_open_ended) == (None, (), False)


def test_the_last_capsule_of_31_august_opens_the_book_on_1_march(patient, clinic):
    keep_answers(patient=patient, answers=ISOTRETINOIN, by=None, now=FEBRUARY)
    found = eligible(patient, clinic, start=FEBRUARY, now=FEBRUARY)
    assert found.not_before == datetime(2026, 3, 1, tzinfo=UTC)
    assert [reason.rule for reason in found.reasons] == ["S1"]
    make_practitioner(clinic)
    _eligibility, slots = next_eligible_slots(
        location=clinic,
        protocol=make_protocol(),
        patient=patient,
        zones=(),
        first_day=date(2026, 2, 2),
        now=FEBRUARY,
    )
    assert slots[0].starts_at == datetime(2026, 3, 1, 9, tzinfo=UTC)


def test_the_date_is_reached_at_midnight_of_the_clinic(patient, clinic):
    keep_answers(patient=patient, answers=ISOTRETINOIN, by=None, now=NOW)
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    assert eligible(patient, clinic, start=midnight - timedelta(seconds=1)).not_before == midnight
    assert eligible(patient, clinic, start=midnight).not_before is None


def test_in_summer_midnight_is_that_of_summer_time(patient, clinic):
    keep_answers(patient=patient, answers=ISOTRETINOIN | {"Q04b": "2026-01-15"}, by=None, now=FEBRUARY)
    assert eligible(patient, clinic, start=FEBRUARY).not_before == datetime(2026, 7, 14, 23, tzinfo=UTC)


def test_what_nobody_knows_leaves_no_date(patient, clinic):
    keep_answers(patient=patient, answers={"Q04": "yes", "Q04b": "still"}, by=None, now=NOW)
    found = eligible(patient, clinic)
    assert (found.not_before, found.is_open_ended) == (None, True)


def test_a_postponed_visit_keeps_every_visit_for_the_same_until_then(patient, clinic):
    visit = make_appointment(location=clinic, patient=patient, starts_at=START)
    keep_answers(patient=patient, answers={"Q04": "not_sure"}, by=None, now=NOW)
    lead = make_user("lead", name="Helen Kovac")
    postpone(visit, date(2026, 4, 10), by=lead)
    keep_answers(patient=patient, answers={"Q04": "no"}, by=None, now=NOW + DAY)
    found = eligible(patient, clinic, session=visit.session)
    assert found.not_before == datetime(2026, 4, 9, 23, tzinfo=UTC)
    assert [reason.words for reason in found.reasons] == ["Helen Kovac has postponed the visit."]
    assert eligible(patient, clinic).not_before == found.not_before, "a new booking of it as well"
    assert eligible(patient, clinic, protocol=make_protocol("stretch_marks")).not_before is None
    assert eligible(patient, clinic, start=found.not_before).not_before is None


def test_the_newest_postponement_counts(patient, clinic):
    visit = make_appointment(location=clinic, patient=patient, starts_at=START)
    keep_answers(patient=patient, answers={"Q04": "not_sure"}, by=None, now=NOW)
    postpone(visit, date(2026, 4, 10), now=NOW)
    keep_answers(patient=patient, answers={"Q05": "not_sure"}, by=None, now=NOW + DAY)
    postpone(visit, date(2026, 3, 10), now=NOW + DAY)
    keep_answers(patient=patient, answers={"Q04": "no", "Q05": "no"}, by=None, now=NOW + 2 * DAY)
    assert eligible(patient, clinic).not_before == datetime(2026, 3, 10, tzinfo=UTC)


def test_the_sun_of_a_check_in_is_over_after_its_hours(clinic, patient):
    visit = make_appointment(location=clinic, patient=patient, starts_at=START)
    screen_session(
        session=visit.session,
        stage=Stage.CHECKIN,
        start=START,
        zone=clinic.zone,
        cause=Cause.ANSWERS,
        answers=clear_answers(Stage.CHECKIN, clear_answers(Stage.BOOKING)) | {"C01": "yes", "C01b": "2026-01-20T15:00"},
        by=None,
        now=START,
    )
    found = eligible(patient, clinic, start=START, now=START, session=visit.session)
    assert found.not_before == datetime(2026, 1, 21, 15, tzinfo=UTC)
    assert [reason.rule for reason in found.reasons] == ["S3"]
    lift(screening=newest(visit), reason="Pale.", is_skin_checked=True, by=make_user("lead"), now=START)
    assert eligible(patient, clinic, start=START, now=START, session=visit.session).not_before is None


def test_what_was_lifted_for_a_session_is_no_reason_for_it_any_more(clinic, patient):
    visit = make_appointment(location=clinic, patient=patient, starts_at=START)
    keep_answers(
        patient=patient, answers={"Q05": "yes", "Q05b": "azathioprine", "Q05c": "keep_taking"}, by=None, now=NOW
    )
    assert eligible(patient, clinic, session=visit.session).is_open_ended
    lift(screening=newest(visit), reason="Low dose, stable.", by=make_user("lead"), now=NOW)
    assert not eligible(patient, clinic, session=visit.session).is_open_ended
    assert eligible(patient, clinic).is_open_ended, "a new course is another decision"


LATE = datetime(2026, 3, 1, 10, tzinfo=UTC)  # a visit on the first day that the capsule of 31 August allows
COLD_SORES = {"Q13": "yes"}
DATED = {
    "isotretinoin": ISOTRETINOIN,
    "peel": {"Q19": "laser", "Q19b": "2026-02-01"},
    "deep peel": {"Q19": "deep_peel", "Q19c": "2025-12-01"},
}


@pytest.mark.parametrize("answers", DATED.values(), ids=DATED)
def test_what_was_cleared_for_a_visit_opens_no_day_that_was_closed(clinic, patient, answers):
    tell(patient, answers | COLD_SORES)
    visit = make_appointment(location=clinic, patient=patient, starts_at=LATE)
    assert [each.rule_code for each in standing(newest(visit).findings.all())] == ["E02b"]
    decide_screening(screening=newest(visit), kind=Kind.CLEAR, zone=clinic.zone, by=make_user("lead"), now=NOW)
    assert eligible(patient, clinic, session=visit.session).not_before == datetime(2026, 3, 1, tzinfo=UTC)
    offered = offer_later_times(appointment=visit, screening=newest(visit), now=NOW).slots
    assert local_date(offered[0].starts_at, clinic.zone) == date(2026, 3, 2)
    with pytest.raises(booking.NotEligible):
        move(visit, FEBRUARY)


def test_a_date_that_was_lifted_is_lifted_for_that_start_alone(clinic, patient):
    visit = make_appointment(location=clinic, patient=patient, starts_at=START)
    keep_answers(patient=patient, answers={"Q19": "light_peel", "Q19a": "2026-01-10"}, by=None, now=NOW)
    lift(screening=newest(visit), reason="A very mild one.", by=make_user("lead"), now=NOW)
    assert not newest(visit).stands_in_the_way
    assert eligible(patient, clinic, start=START, session=visit.session).not_before is None
    assert eligible(patient, clinic, start=START - DAY, session=visit.session).not_before == datetime(
        2026, 1, 24, tzinfo=UTC
    )
    moved = move(visit, datetime(2026, 1, 24, 10, tzinfo=UTC))
    assert newest(moved).outcome == "advise"


SAID = st.fixed_dictionaries(
    {},
    optional={
        "S1": st.sampled_from(["2025-06-01", "2025-08-31", "2025-10-15"]).map(lambda day: {"Q04": "yes", "Q04b": day}),
        "peel": st.sampled_from(["2026-01-02", "2026-01-11"]).map(lambda day: {"Q19": "laser", "Q19b": day}),
        "S2": st.sampled_from(["keep_taking", "not_asked"]).map(lambda said: ASKS | {"Q05c": said}),
        "cold sores": st.just(COLD_SORES),
        "thinner": st.just({"Q10": "yes"}),
    },
).map(lambda said: {id: answer for each in said.values() for id, answer in each.items()})


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(booked_with=SAID, learnt=SAID, kind=st.sampled_from(Kind), weeks=st.integers(1, 8))
def test_after_any_decision_nothing_is_offered_in_whose_way_something_undecided_stands(
    booked_with, learnt, kind, weeks
):
    with transaction.atomic():
        clinic = make_clinic()
        patient = make_clear_patient(clinic)
        tell(patient, booked_with)
        start, nowhere = START + weeks * 7 * DAY, make_practitioner(clinic)
        try:
            visit = make_appointment(location=clinic, patient=patient, practitioner=nowhere, starts_at=start)
        except booking.NotEligible:
            transaction.set_rollback(True)
            return
        keep_answers(patient=patient, answers=learnt, by=None, now=NOW)
        with suppress(DecisionRefused):
            decide_screening(
                screening=newest(visit),
                kind=kind,
                zone=clinic.zone,
                reason="Looked at.",
                not_before=local_date(start, clinic.zone) + timedelta(weeks=3) if kind == Kind.POSTPONE else None,
                by=make_user("lead"),
                now=NOW,
            )
        offered = offer_later_times(appointment=visit, screening=newest(visit), now=NOW).slots
        session = offer_times(session=visit.session, location=clinic, now=NOW, ignoring=visit).slots
        for slot in (*offered[:1], *offered[-1:], *session[:1]):
            with transaction.atomic():
                moved = newest(move(visit, slot.starts_at))
                assert moved.goes_ahead or not Outcome(moved.outcome).is_blocking
                transaction.set_rollback(True)
        transaction.set_rollback(True)


def test_however_much_is_known_it_takes_the_same_number_of_queries(clinic):
    def queries(number: int) -> int:
        patient = make_patient(clinic)
        for each in range(number):
            make_fact(patient, subject=f"Medicine {each}")
        practitioner = make_practitioner(clinic)
        visits = [
            make_appointment(
                location=clinic, patient=patient, practitioner=practitioner, starts_at=START + 30 * each * DAY
            )
            for each in range(number)
        ]
        with CaptureQueriesContext(connection) as captured:
            eligible(patient, clinic, session=visits[0].session)
        return len(captured)

    assert queries(1) == queries(3)
