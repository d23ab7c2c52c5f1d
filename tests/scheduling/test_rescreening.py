"""The light of a visit to come follows what is known, in the transaction of whatever changed it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from scheduling import booking, day
from scheduling.rescreening import (
    Cause,
    end_known_fact,
    keep_advice,
    keep_answers,
    keep_fact,
    rescreen,
    rescreen_patient,
    rescreen_without_advice,
    visits_to_come,
)
from tests.factories import (
    NOW,
    check_in,
    clear_answers,
    lift,
    make_appointment,
    make_arrival,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_practitioner,
    make_protocol,
    make_user,
)
from treatments.answers import record_answers
from treatments.catalogue import Stage, shipped_text
from treatments.decisions import decide_screening
from treatments.gates import gates
from treatments.models import Screening, ScreeningDecision
from treatments.publishing import publish_catalogue
from treatments.screenings import screen_session

pytestmark = [pytest.mark.django_db, pytest.mark.both]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOW + HOUR
START = datetime(2026, 1, 21, 10, 0, tzinfo=UTC)
ASKS = {"Q05": "yes", "Q05b": "azathioprine", "Q05c": "not_asked"}


@pytest.fixture
def clinic():
    publish_catalogue(text=shipped_text(), by=None, now=NOW)
    return make_clinic()


@pytest.fixture
def patient(clinic):
    return make_clear_patient(clinic)


@pytest.fixture
def visit(clinic, patient):
    return make_appointment(location=clinic, patient=patient, starts_at=START)


def fact_about(patient, subject: str):
    [fact] = [fact for fact in patient.facts.current() if fact.subject == subject]
    return fact


def light(appointment) -> Screening:
    return appointment.session.screenings.newest_first().select_related("decision").first()


def found(appointment) -> dict[str, str]:
    """What the newest screening found, but for what passed."""
    return dict(light(appointment).findings.exclude(outcome__in=["pass", "advise"]).values_list("rule_code", "outcome"))


def moved(appointment, to: datetime, now=LATER):
    return booking.move_appointment(
        appointment=appointment,
        starts_at=to,
        practitioner=appointment.practitioner,
        revision=appointment.revision,
        by=None,
        now=now,
    )


def answered_before(appointment, now=LATER, **said) -> Screening:
    """The check in the days before the visit, clear unless answered otherwise."""
    known = clear_answers(Stage.BOOKING)
    return screen_session(
        session=appointment.session,
        stage=Stage.PREVISIT,
        start=appointment.starts_at,
        zone=appointment.location.zone,
        cause=Cause.ANSWERS,
        answers=clear_answers(Stage.PREVISIT, known) | said,
        by=None,
        now=now,
    )


# --- Answers and facts ------------------------------------------------------------------------------------------------


def test_an_answer_turns_the_light_of_the_visits_to_come(visit, patient):
    assert light(visit).outcome in ("pass", "advise")
    by = make_user("receptionist")
    [screened] = keep_answers(patient=patient, answers={"Q04": "not_sure"}, by=by, now=LATER)
    assert screened == light(visit)
    assert (screened.cause, screened.stage, screened.for_start, screened.created_by) == (
        "answers",
        "booking",
        START,
        by,
    )
    assert found(visit) == {"S1": "hold"}
    assert visit.session.screenings.count() == 2


def test_the_same_answer_again_makes_no_new_screening(visit, patient):
    keep_answers(patient=patient, answers={"Q04": "not_sure"}, by=None, now=LATER)
    assert keep_answers(patient=patient, answers={"Q04": "not_sure"}, by=None, now=LATER + 2 * HOUR) == []
    assert visit.session.screenings.count() == 2


def test_what_is_over_or_cancelled_or_of_somebody_else_keeps_its_light(clinic, visit, patient):
    other = make_appointment(location=clinic, patient=make_clear_patient(clinic), starts_at=START + DAY)
    cancelled = make_appointment(
        location=clinic, patient=patient, starts_at=START + 60 * DAY, protocol=make_protocol("stretch_marks")
    )
    booking.cancel_appointment(appointment=cancelled, revision=0, by=None, now=NOW)
    assert len(keep_answers(patient=patient, answers={"Q04": "not_sure"}, by=None, now=START - HOUR)) == 1
    assert keep_answers(patient=patient, answers={"Q04": "no"}, by=None, now=START) == []
    assert [each.session.screenings.count() for each in (visit, cancelled, other)] == [2, 1, 1]


def test_a_fact_counts_from_when_it_is_written_until_it_ends(visit, patient):
    by = make_user("practitioner")
    keep_fact(patient=patient, kind="condition", subject="pregnancy", answer="yes", on="", by=by, now=LATER)
    assert found(visit) == {"E08": "block"}
    keep_fact(patient=patient, kind="medicine", subject="isotretinoin", answer="yes", on="2025-12", by=by, now=LATER)
    assert found(visit)["S1"] == "hard_block"
    end_known_fact(fact=fact_about(patient, "isotretinoin"), by=by, now=LATER + HOUR)
    assert found(visit)["S1"] == "hold"  # nobody knows any more


def test_what_goes_wrong_leaves_answer_and_light_as_they_were(visit, patient):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        keep_answers(patient=patient, answers={"Q04": "not_sure"}, by=None, now=LATER)
        raise ZeroDivisionError
    assert fact_about(patient, "isotretinoin").answer == "no"
    assert visit.session.screenings.count() == 1


def test_who_has_arrived_is_screened_again_at_the_stage_that_she_has_reached(clinic):
    here = make_arrival(location=clinic)
    check_in(here)
    [screened] = keep_answers(patient=here.patient, answers={"Q04": "not_sure"}, by=None, now=here.starts_at)
    assert (screened.stage, found(here)["S1"]) == ("checkin", "block")


def test_what_becomes_known_after_the_check_before_the_visit_is_judged_by_the_rules_of_the_booking_too(visit, patient):
    answered_before(visit)
    [screened] = keep_answers(patient=patient, answers={"Q09": "yes"}, by=None, now=LATER + HOUR)
    assert (screened.stage, found(visit)) == ("previsit", {"E05": "block"})
    keep_answers(patient=patient, answers={"Q09": "no"}, by=None, now=LATER + 2 * HOUR)
    assert (light(visit).stage, found(visit)) == ("previsit", {"E05": "hold"})  # taken back


def test_what_was_let_pass_in_the_check_before_the_visit_stays_so_when_something_else_is_said(visit, patient):
    keep_answers(patient=patient, answers={"Q10": "yes"}, by=None, now=LATER)
    answered_before(visit, now=LATER + HOUR)
    assert found(visit) == {"E06": "hold"}
    lift(screening=light(visit), reason="I know her doctor.", by=make_user("lead"), now=LATER + HOUR)
    keep_answers(patient=patient, answers={"Q24": "II"}, by=None, now=LATER + 2 * HOUR)
    assert (light(visit).stage, light(visit).stands_in_the_way) == ("previsit", False)


# --- Moves ------------------------------------------------------------------------------------------------------------


def test_a_move_is_screened_for_its_own_start(clinic, patient):
    record_answers(patient=patient, answers={"Q04": "yes", "Q04b": "2026-02"}, by=None, now=NOW)
    late = make_appointment(location=clinic, patient=patient, starts_at=datetime(2026, 9, 5, 10, tzinfo=UTC))
    assert light(late).cause == "booking"
    with pytest.raises(booking.NotEligible) as refused:
        moved(late, datetime(2026, 8, 20, 10, tzinfo=UTC))
    assert refused.value.not_before == datetime(2026, 8, 27, 23, tzinfo=UTC)  # midnight of the 28th in London
    moved(late, datetime(2026, 9, 4, 10, tzinfo=UTC))
    assert (light(late).cause, light(late).for_start) == ("move", datetime(2026, 9, 4, 10, tzinfo=UTC))


def test_what_was_said_of_the_last_24_hours_is_asked_anew_after_a_move(clinic):
    here = make_arrival(location=clinic)
    check_in(here)
    assert not gates(session=here.session, start=here.starts_at)[0].is_open
    gone = day.undo_arrival(appointment=here, by=None, now=here.starts_at)
    later = moved(gone, here.starts_at + 2 * HOUR, now=here.starts_at)
    assert light(later).stage == "booking"
    assert gates(session=later.session, start=later.starts_at)[0].is_open


def test_a_hold_of_the_check_before_the_visit_waits_on_after_a_move(visit):
    answered_before(visit, P01="yes")
    assert found(visit)["E41"] == "hold"
    moved(visit, START + DAY)
    assert (light(visit).stage, found(visit)) == ("booking", {"E41": "hold"})


def test_a_block_of_the_check_before_the_visit_is_asked_anew_for_another_start(visit):
    answered_before(visit, P07="yes")
    assert found(visit) == {"E26": "block"}
    moved(visit, START + DAY)
    assert found(visit) == {}


def test_the_day_that_a_check_has_found_holds_for_a_move(visit):
    answered_before(visit, P04="yes", P04b="2026-01-17")
    with pytest.raises(booking.NotEligible) as refused:
        moved(visit, datetime(2026, 1, 30, 10, tzinfo=UTC))
    assert refused.value.not_before == datetime(2026, 1, 31, tzinfo=UTC)  # fourteen days after
    moved(visit, datetime(2026, 1, 31, 10, tzinfo=UTC))
    assert found(visit) == {}


# --- Decisions that go on holding -------------------------------------------------------------------------------------


def test_a_decision_on_what_was_said_at_booking_holds_for_another_start(visit, patient):
    keep_answers(patient=patient, answers={"Q10": "yes"}, by=None, now=LATER)
    lead = make_user("lead")
    lift(screening=light(visit), reason="Talked to her doctor.", by=lead, now=LATER)
    moved(visit, START + DAY)
    assert not light(visit).stands_in_the_way
    assert (light(visit).decision.decided_by, light(visit).decision.reason) == (lead, "Talked to her doctor.")


def test_a_decision_does_not_hold_for_an_answer_that_came_later(visit, patient):
    keep_answers(patient=patient, answers=ASKS | {"Q05c": "keep_taking"}, by=None, now=LATER)
    lift(screening=light(visit), reason="Low dose.", by=make_user("lead"), now=LATER)
    keep_answers(patient=patient, answers={"Q04": "not_sure"}, by=None, now=LATER + HOUR)
    assert light(visit).stands_in_the_way


@pytest.mark.parametrize("said", ["keep_taking", "not_asked"])
def test_what_was_lifted_stays_lifted_until_the_visit_begins(visit, patient, said):
    keep_answers(patient=patient, answers=ASKS | {"Q05c": said}, by=None, now=NOW)
    lead = make_user("lead")
    lift(screening=light(visit), reason="Low dose.", by=lead, now=NOW)
    answered_before(visit, P01="no")
    assert (light(visit).stage, light(visit).decision.decided_by) == ("previsit", lead)
    here = day.arrive(appointment=visit, revision=visit.revision, by=None, now=START - HOUR)
    check_in(here, C02="2026-01-20")
    assert (light(visit).stage, light(visit).decision.reason) == ("checkin", "Low dose.")
    assert not gates(session=visit.session, start=START)[0].is_open


@pytest.mark.parametrize("answer", [{"Q05b": "methotrexate"}, {"Q23": "ciclosporin"}])
def test_a_new_answer_to_the_same_rule_ends_what_was_lifted(visit, patient, answer):
    keep_answers(patient=patient, answers=ASKS | {"Q05c": "keep_taking"}, by=None, now=LATER)
    lift(screening=light(visit), reason="Low dose.", by=make_user("lead"), now=LATER)
    keep_answers(patient=patient, answers=ASKS | {"Q05c": "keep_taking"} | answer, by=None, now=LATER + 2 * HOUR)
    assert light(visit).stands_in_the_way


def test_something_new_on_arrival_is_no_part_of_what_was_lifted(visit, patient):
    keep_answers(patient=patient, answers=ASKS | {"Q05c": "keep_taking"}, by=None, now=NOW)
    lift(screening=light(visit), reason="Low dose.", by=make_user("lead"), now=NOW)
    here = day.arrive(appointment=visit, revision=visit.revision, by=None, now=START - HOUR)
    check_in(here, C01="not_sure")
    assert light(visit).stands_in_the_way
    check_in(here, C01="no")
    assert not light(visit).stands_in_the_way


def test_a_visit_that_was_put_off_stays_so_when_the_check_before_it_is_answered(visit, patient, clinic):
    keep_answers(patient=patient, answers={"Q10": "yes"}, by=None, now=LATER)
    decide_screening(
        screening=light(visit),
        kind=ScreeningDecision.Kind.POSTPONE,
        not_before=datetime(2026, 2, 2).date(),
        zone=clinic.zone,
        by=make_user("lead"),
        now=LATER,
    )
    answered_before(visit, P01="no")
    assert (light(visit).stage, light(visit).decision.kind) == ("previsit", "postpone")


def test_a_postponed_visit_waits_for_another_start_and_no_earlier_one_is_offered(visit, patient, clinic):
    keep_answers(patient=patient, answers={"Q04": "not_sure"}, by=None, now=LATER)
    keep_answers(patient=patient, answers={"Q04": "no"}, by=None, now=LATER + 2 * HOUR)
    keep_answers(patient=patient, answers=ASKS | {"Q05c": "keep_taking"}, by=None, now=LATER + 3 * HOUR)
    decide_screening(
        screening=light(visit),
        kind=ScreeningDecision.Kind.POSTPONE,
        not_before=datetime(2026, 2, 2).date(),
        zone=clinic.zone,
        by=make_user("lead"),
        now=LATER + 3 * HOUR,
    )
    assert light(visit).stands_in_the_way
    assert gates(session=visit.session, start=visit.starts_at)[0].is_open
    keep_answers(patient=patient, answers={"Q05": "no"}, by=None, now=LATER + 2 * DAY)
    with pytest.raises(booking.NotEligible) as refused:
        moved(visit, datetime(2026, 2, 1, 10, tzinfo=UTC), now=LATER + 2 * DAY)
    assert refused.value.not_before == datetime(2026, 2, 2, tzinfo=UTC)
    moved(visit, datetime(2026, 2, 2, 10, tzinfo=UTC), now=LATER + 2 * DAY)
    assert not light(visit).stands_in_the_way


# --- The prescriber ---------------------------------------------------------------------------------------------------


def advice(said="may_pause", **words):
    usual = {"medicine": "azathioprine", "said_by": "Dr Amara Obi", "said_on": NOW.date(), "today": NOW.date()}
    return usual | {"said": said} | words


def test_the_advice_of_the_prescriber_counts_at_once(visit, patient):
    keep_answers(patient=patient, answers=ASKS, by=None, now=LATER)
    assert found(visit) == {"S2": "hold"}
    lead = make_user("lead")
    kept = keep_advice(patient=patient, by=lead, now=LATER + HOUR, **advice())
    assert found(visit) == {}
    assert (light(visit).cause, light(visit).created_by) == ("advice", lead)
    assert (kept.said_by, kept.recorded_at) == ("Dr Amara Obi", LATER + HOUR)
    keep_advice(patient=patient, by=lead, now=LATER + 2 * HOUR, **advice("keep_taking"))
    assert found(visit) == {"S2": "block"}
    keep_advice(patient=patient, by=lead, now=LATER + 3 * HOUR, **advice("does_not_count"))
    assert found(visit) == {}


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 1, 21, 10, tzinfo=UTC),
        datetime(2026, 3, 29, 9, tzinfo=UTC),  # the clocks went forward eight hours before
        datetime(2026, 10, 25, 10, tzinfo=UTC),  # and back nine hours before
    ],
)
def test_advice_that_is_missing_26_elapsed_hours_before_blocks_the_visit(clinic, patient, start):
    record_answers(patient=patient, answers=ASKS, by=None, now=NOW)
    waits = make_appointment(location=clinic, patient=patient, starts_at=start)
    assert rescreen_without_advice(now=start - 26 * HOUR) == 0
    assert found(waits) == {"S2": "hold"}
    at = start - 26 * HOUR + timedelta(seconds=1)
    assert rescreen_without_advice(now=at) == 1
    assert found(waits) == {"S2": "block"}
    assert (light(waits).cause, light(waits).created_by, light(waits).not_before) == ("time", None, at + 26 * HOUR)
    assert rescreen_without_advice(now=at + HOUR) == 0  # once is enough
    keep_advice(patient=patient, by=make_user("lead"), now=at + HOUR, **advice(today=at.date()))
    assert found(waits) == {}


def test_a_decision_of_the_lead_outlasts_the_26_hours(visit, patient):
    keep_answers(patient=patient, answers=ASKS, by=None, now=LATER)
    lift(screening=light(visit), reason="I know the medicine.", by=make_user("lead"), now=LATER)
    assert rescreen_without_advice(now=START - HOUR) == 0
    assert not light(visit).stands_in_the_way


def test_a_decision_of_the_lead_outlasts_the_26_hours_whatever_else_is_said(visit, patient):
    keep_answers(patient=patient, answers=ASKS, by=None, now=LATER)
    lift(screening=light(visit), reason="I know the medicine.", by=make_user("lead"), now=LATER)
    keep_answers(patient=patient, answers={"Q24": "II"}, by=None, now=START - HOUR)
    assert not light(visit).stands_in_the_way


def test_a_visit_too_close_for_the_prescriber_is_not_booked(clinic, patient):
    record_answers(patient=patient, answers=ASKS, by=None, now=NOW)
    wish = {"location": clinic, "patient": patient, "practitioner": make_practitioner(clinic)}
    with pytest.raises(booking.NotEligible) as refused:
        make_appointment(starts_at=NOW + 4 * HOUR, **wish)
    assert refused.value.not_before == NOW + 26 * HOUR
    make_appointment(starts_at=NOW + 26 * HOUR, **wish)


# --- Rules and numbers ------------------------------------------------------------------------------------------------


def test_new_rules_make_a_new_screening_and_leave_the_old_one_with_its_own(visit, patient):
    before = light(visit)
    publish_catalogue(text=make_catalogue().source + "\n# looked at again\n", by=None, now=LATER)
    [after] = rescreen_patient(patient=patient, cause=Cause.RULES, by=None, now=LATER)
    before.refresh_from_db()
    assert after.catalogue_version.number == before.catalogue_version.number + 1
    assert rescreen_patient(patient=patient, cause=Cause.RULES, by=None, now=LATER) == []


def test_any_number_of_visits_takes_the_same_number_of_queries(clinic):
    def queries(number: int) -> int:
        now = NOW + timedelta(minutes=number)
        publish_catalogue(text=make_catalogue().source + f"\n# version of {number}\n", by=None, now=now)
        appointments = list(visits_to_come(now)[:number])
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert len(rescreen(appointments, cause=Cause.RULES, by=None, now=now)) == number
        return len(captured)

    for days in range(3):
        make_appointment(location=clinic, patient=make_clear_patient(clinic), starts_at=START + days * DAY)
    assert queries(1) == queries(3)
