"""One answer to "from when on", whoever asks."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling.eligibility import earliest_eligible
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
)
from treatments.catalogue import Stage
from treatments.decisions import decide_screening
from treatments.models import ScreeningDecision
from treatments.screenings import screen_session

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
START = NOW + timedelta(days=9, hours=3)
FEBRUARY = datetime(2026, 2, 2, 9, tzinfo=UTC)
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
