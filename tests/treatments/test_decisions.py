from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from tests.factories import (
    NOW,
    check_in,
    make_appointment,
    make_arrival,
    make_clear_patient,
    make_clinic,
    make_fact,
    make_patient,
    make_user,
    sign,
)
from tests.races import outcomes
from treatments import decisions, visits
from treatments.answers import record_answers
from treatments.catalogue import Override, shipped_text
from treatments.models import Screening, ScreeningDecision
from treatments.prescribers import record_advice
from treatments.publishing import publish_catalogue
from treatments.screenings import screen_session

pytestmark = [pytest.mark.both, pytest.mark.django_db]

IN_THE_SUN = {"C01": "yes", "C01b": "2026-01-18T15:00"}  # 19 hours before a visit at ten


@pytest.fixture
def lead():
    return make_user("lead")


Kind = ScreeningDecision.Kind
LONDON = ZoneInfo("Europe/London")


def sunny(**answers):
    return check_in(make_arrival(), **IN_THE_SUN | answers)


def decide(screening, by, **changes):
    usual = {"kind": Kind.LIFT, "zone": LONDON, "reason": "No redness, pale skin.", "is_skin_checked": True, "now": NOW}
    return decisions.decide_screening(**usual | {"screening": screening, "by": by} | changes)


def test_the_lead_lifts_the_sun_after_a_look_at_the_skin(lead):
    screening = sunny()
    assert screening.stands_in_the_way
    decision = decide(screening, lead)
    screening.refresh_from_db()
    assert not screening.stands_in_the_way
    assert (decision.decided_by, decision.decided_at) == (lead, NOW)
    assert decision.reason == "No redness, pale skin.\nI have looked at the skin."


def test_without_a_look_at_the_skin_the_sun_is_not_lifted(lead):
    screening = sunny()
    assert decisions.needs_skin_check(screening)
    with pytest.raises(decisions.SkinNotChecked, match="Look at the skin first"):
        decide(screening, lead, is_skin_checked=False)
    assert ScreeningDecision.objects.count() == 0


def test_what_needs_no_look_at_the_skin_asks_for_none(lead):
    patient = make_clear_patient(clinic := make_clinic())
    record_answers(patient=patient, answers={"Q05": "not_sure"}, by=None, now=NOW)
    screening = make_appointment(location=clinic, patient=patient).session.screenings.get()
    assert not decisions.needs_skin_check(screening)
    assert decide(screening, lead, is_skin_checked=False).reason == "No redness, pale skin."


@pytest.mark.parametrize("reason", ["", "   \n", "\u200b\u2060", "\u3164", "--- 24 !"])
def test_a_reason_is_words(lead, reason):
    with pytest.raises(decisions.ReasonMissing, match="Write the reason"):
        decide(sunny(), lead, reason=reason)


def test_a_reason_that_is_too_long_is_refused_and_not_cut(lead):
    screening = sunny()
    with pytest.raises(decisions.ReasonMissing, match="4000"):
        decide(screening, lead, reason="x" * 4001)
    assert len(decide(screening, lead, reason="x" * 4000).reason.splitlines()[0]) == 4000


@pytest.mark.parametrize(
    ("override", "role", "may"),
    [
        ("clinician", "receptionist", False),
        ("clinician", "practitioner", False),
        ("clinician", "owner", False),
        ("clinician", "lead", True),
        ("aesthetician", "receptionist", False),
        ("aesthetician", "practitioner", True),
        ("aesthetician", "lead", True),
        ("aesthetician", "owner", False),
    ],
)
def test_a_rule_is_lifted_by_whom_it_names(override, role, may):
    # no shipped rule that a practitioner may lift stands in the way; a stricter one of the clinic can
    arrived = make_arrival()
    tick = (
        shipped_text()
        .replace("outcome: task", "outcome: hold", 1)
        .replace("override: aesthetician", f"override: {override}", 1)
    )
    publish_catalogue(text=tick, by=None, now=NOW)
    screening = check_in(arrived, C03="no")
    somebody = make_user(role)
    assert decisions.who_may_decide(screening) == override
    assert decisions.may_decide(somebody, screening) is may
    if may:
        assert decide(screening, somebody)
    else:
        with pytest.raises(decisions.NotForYou, match="clinical lead decides"):
            decide(screening, somebody)


def test_nobody_lifts_isotretinoin(lead):
    clinic = make_clinic()
    patient = make_patient(clinic)
    booked = make_appointment(location=clinic, patient=patient)
    make_fact(patient, subject="immune medicine", answer="no")
    make_fact(patient, subject="isotretinoin", answer="yes", on="2025-12")
    hard = screen_session(
        session=booked.session,
        stage="booking",
        start=booked.starts_at,
        zone=clinic.zone,
        cause=Screening.Cause.ANSWERS,
        by=None,
        now=NOW,
    )
    assert hard.outcome == "hard_block"
    assert decisions.who_may_decide(hard) == Override.NONE
    with pytest.raises(decisions.NobodyMayLift, match="Nobody may lift this"):
        decide(hard, lead)


def test_an_answer_that_is_missing_ends_with_the_answer_alone(lead):
    screening = make_appointment().session.screenings.get()  # nothing was asked
    assert (screening.outcome, decisions.who_may_decide(screening)) == ("hold", Override.NONE)
    assert not decisions.may_decide(lead, screening)
    with pytest.raises(decisions.NobodyMayLift, match="Ask what is missing"):
        decide(screening, lead)


def test_one_finding_that_nobody_may_lift_is_enough(lead):
    screening = sunny(C04="not_sure")
    assert decisions.who_may_decide(screening) == Override.NONE
    with pytest.raises(decisions.NobodyMayLift):
        decide(screening, lead)


def test_where_nothing_stands_in_the_way_there_is_nothing_to_lift(lead):
    screening = check_in(make_arrival(), C03="no")  # a task, which is done and not decided
    assert screening.outcome == "task"
    assert decisions.who_may_decide(screening) is None
    with pytest.raises(decisions.NothingToLift):
        decide(screening, lead)


def test_only_the_newest_screening_is_decided(lead):
    arrived = make_arrival()
    older = check_in(arrived, **IN_THE_SUN)
    newer = check_in(arrived, C01="yes", C01b="2026-01-19T08:00")
    with pytest.raises(decisions.Outdated):
        decide(older, lead)
    assert decide(newer, lead)


def test_the_same_decision_twice_is_one_and_another_is_refused(lead):
    screening = sunny()
    first = decide(screening, lead)
    assert decide(screening, lead, now=NOW + timedelta(minutes=1)) == first
    for by, reason in ((lead, "Another reason"), (make_user("lead"), "No redness, pale skin.")):
        with pytest.raises(decisions.DecidedAlready):
            decide(screening, by, reason=reason)
    assert ScreeningDecision.objects.get() == first


def test_nothing_is_decided_once_the_visit_has_begun(lead):
    arrived = make_arrival()
    screening = check_in(arrived)
    sign(arrived)
    visits.start_visit(
        session=arrived.session,
        start=arrived.starts_at,
        practitioner=arrived.practitioner,
        device=arrived.device,
        by=lead,
        now=arrived.starts_at,
    )
    with pytest.raises(decisions.VisitHasBegun):
        decide(screening, lead)


def test_a_decision_holds_when_the_face_is_ticked_afterwards(lead):
    arrived = make_arrival()
    decide(check_in(arrived, **IN_THE_SUN, C03="no"), lead)
    ticked = check_in(arrived, **IN_THE_SUN, C03="yes")
    assert not ticked.stands_in_the_way
    assert (ticked.decision.decided_by, ticked.decision.reason) == (
        lead,
        "No redness, pale skin.\nI have looked at the skin.",
    )


@pytest.mark.parametrize("answers", [{"C01b": "2026-01-19T08:00"}, {"C04": "not_sure"}])
def test_a_decision_does_not_hold_for_what_it_did_not_lift(lead, answers):
    arrived = make_arrival()
    decide(check_in(arrived, **IN_THE_SUN), lead)
    assert check_in(arrived, **IN_THE_SUN | answers).stands_in_the_way


def test_a_decided_screening_is_kept():
    screening = sunny()
    decide(screening, make_user("lead"))
    with pytest.raises(ProtectedError):
        screening.delete()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_decide_at_once_one_does():
    screening = sunny()
    calls = [partial(decide, screening, make_user("lead")) for _each in range(4)]
    assert outcomes(calls) == {"done": 1, "DecidedAlready": 3}
    assert ScreeningDecision.objects.count() == 1


# --- Clear and postpone -----------------------------------------------------------------------------------------------


def on_hold(answers=None):
    """A visit that waits for a look of the lead."""
    patient = make_clear_patient(clinic := make_clinic())
    record_answers(patient=patient, answers=answers or {"Q05": "not_sure"}, by=None, now=NOW)
    return make_appointment(location=clinic, patient=patient).session.screenings.get()


def test_a_hold_is_cleared_without_a_word(lead):
    screening = on_hold({"Q10": "yes"})
    decision = decide(screening, lead, kind=Kind.CLEAR, reason="")
    assert (decision.kind, decision.reason, decision.not_before) == ("clear", "", None)
    screening.refresh_from_db()
    assert not screening.stands_in_the_way


IMMUNE = {"Q05": "yes", "Q05b": "azathioprine", "Q05c": "not_asked"}


def advise(screening, lead, said, now=NOW):
    record_advice(
        patient=screening.session.course.patient,
        medicine="azathioprine",
        said=said,
        said_by="Dr Obi",
        said_on=NOW.date(),
        today=NOW.date(),
        by=lead,
        now=now,
    )


@pytest.mark.parametrize("said", [None, "keep_taking", "not_reached"])
def test_what_waits_for_a_prescriber_is_not_cleared_but_lifted(lead, said):
    screening = on_hold(IMMUNE)
    if said:
        advise(screening, lead, said)
    assert decisions.waits_for_prescriber(screening)
    with pytest.raises(decisions.NotHeard, match="No prescriber has agreed yet"):
        decide(screening, lead, kind=Kind.CLEAR)
    assert decide(screening, lead, kind=Kind.LIFT, reason="I know the medicine.")


@pytest.mark.parametrize("said", ["may_pause", "does_not_count"])
def test_a_medicine_that_is_settled_is_cleared_until_something_new_is_said_of_it(lead, said):
    screening = on_hold(IMMUNE)
    advise(screening, lead, said)
    assert not decisions.waits_for_prescriber(screening)
    later = NOW + timedelta(hours=2)
    patient = screening.session.course.patient
    record_answers(patient=patient, answers={"Q24": "II"}, by=None, now=later)
    assert not decisions.waits_for_prescriber(screening)
    record_answers(patient=patient, answers={"Q23": "ciclosporin"}, by=None, now=later)
    assert decisions.waits_for_prescriber(screening)
    advise(screening, lead, said, now=later)
    assert decide(screening, lead, kind=Kind.CLEAR)


def test_a_block_is_not_cleared_but_lifted(lead):
    screening = sunny()
    with pytest.raises(decisions.NotMerelyOnHold, match="Lift it with your reason"):
        decide(screening, lead, kind=Kind.CLEAR)
    assert not decisions.is_merely_on_hold(screening)


def test_a_postponement_needs_a_later_day_and_the_visit_waits_on(lead):
    screening = on_hold()  # on 19 January, 10:00
    for day in (None, date(2026, 1, 12), date(2026, 1, 19)):
        with pytest.raises(decisions.NoLaterDate):
            decide(screening, lead, kind=Kind.POSTPONE, not_before=day)
    decision = decide(screening, lead, kind=Kind.POSTPONE, not_before=date(2026, 1, 20), reason="")
    assert (decision.not_before, decision.reason) == (datetime(2026, 1, 20, tzinfo=UTC), "")
    screening.refresh_from_db()
    assert screening.stands_in_the_way
    assert decide(screening, lead, kind=Kind.POSTPONE, not_before=date(2026, 1, 20), reason="") == decision


def test_what_was_postponed_is_postponed_again_on_a_screening_of_its_own(lead):
    screening = on_hold()
    first = decide(screening, lead, kind=Kind.POSTPONE, not_before=date(2026, 1, 20), reason="")
    second = decide(screening, lead, kind=Kind.POSTPONE, not_before=date(2026, 1, 21), reason="")
    again = second.screening
    assert (first.screening, again.session.screenings.newest_first().first()) == (screening, again)
    assert set(map(decisions.said_by, again.findings.all())) == set(map(decisions.said_by, screening.findings.all()))
    assert (again.outcome, again.answers, again.created_by) == (screening.outcome, screening.answers, lead)
    first.refresh_from_db()
    assert first.not_before == datetime(2026, 1, 20, tzinfo=UTC)
    assert decide(screening, lead, kind=Kind.POSTPONE, not_before=date(2026, 1, 21), reason="") == second
    with pytest.raises(decisions.DecidedAlready):
        decide(again, lead, kind=Kind.LIFT)
    with pytest.raises(decisions.NotForYou):
        decide(again, make_user("practitioner"), kind=Kind.POSTPONE, not_before=date(2026, 1, 22), reason="")


def test_nobody_postpones_by_more_than_two_years(lead):
    screening = on_hold()
    with pytest.raises(decisions.NoLaterDate, match="more than two years ahead"):
        decide(screening, lead, kind=Kind.POSTPONE, not_before=date(2028, 1, 13))
    assert decide(screening, lead, kind=Kind.POSTPONE, not_before=date(2028, 1, 12))


def test_a_postponement_is_to_midnight_of_the_clinic_in_summer_too(lead):
    decision = decide(on_hold(), lead, kind=Kind.POSTPONE, not_before=date(2026, 3, 30))
    assert decision.not_before == datetime(2026, 3, 29, 23, tzinfo=UTC)


def test_nobody_postpones_to_before_what_the_rules_allow(lead):
    screening = sunny()
    Screening.objects.filter(pk=screening.pk).update(not_before=datetime(2026, 1, 22, 12, tzinfo=UTC))
    with pytest.raises(decisions.NoLaterDate, match="rules allow no visit on that day"):
        decide(screening, lead, kind=Kind.POSTPONE, not_before=date(2026, 1, 22))
    assert decide(screening, lead, kind=Kind.POSTPONE, not_before=date(2026, 1, 23))


def test_what_nobody_lifts_the_lead_may_postpone_and_nobody_else(lead):
    screening = on_hold({"Q04": "not_sure"})
    assert decisions.who_may_decide(screening) == Override.NONE
    practitioner = make_user("practitioner")
    assert [decisions.may_postpone(user, screening) for user in (lead, practitioner)] == [True, False]
    with pytest.raises(decisions.NobodyMayLift):
        decide(screening, practitioner, kind=Kind.POSTPONE, not_before=date(2026, 2, 1))
    assert decide(screening, lead, kind=Kind.POSTPONE, not_before=date(2026, 2, 1))


@pytest.mark.both
def test_the_database_keeps_a_decision_as_it_was_signed(lead):
    decision = decide(on_hold(), lead)
    decision.reason = "Another one."
    with pytest.raises(IntegrityError), transaction.atomic():
        decision.save()
    with pytest.raises(ValidationError, match="stays as it was signed"):
        decision.validate_constraints()
    decision.refresh_from_db()
    assert decision.reason == "No redness, pale skin."
