import json
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from tests.factories import (
    NOW,
    lift,
    make_location,
    make_patient,
    make_protocol,
    make_user,
    text_with_the_owners_rules,
)
from treatments.answers import record_answers
from treatments.catalogue import Stage, shipped_text
from treatments.courses import start_course
from treatments.models import Screening
from treatments.publishing import publish_catalogue
from treatments.screening import AnswerError
from treatments.screenings import screen_patient, screen_session

pytestmark = pytest.mark.django_db

LONDON = ZoneInfo("Europe/London")
START = datetime(2026, 2, 10, 10, tzinfo=UTC)


@pytest.fixture
def patient():
    publish_catalogue(text=text_with_the_owners_rules(), by=None, now=NOW)
    return make_patient(make_location())


def answer(patient, **answers):
    record_answers(patient=patient, answers=answers, by=None, now=NOW)


def screen(patient, start=START, zone=LONDON):
    return screen_patient(patient=patient, protocol=make_protocol(), stage=Stage.BOOKING, start=start, zone=zone)


def session_of(patient):
    return start_course(patient=patient, protocol=make_protocol(), zones=[], by=None, now=NOW)


def keep(session, start=START, zone=LONDON, now=NOW):
    return screen_session(
        session=session, stage=Stage.BOOKING, start=start, zone=zone, cause=Screening.Cause.ANSWERS, by=None, now=now
    )


def findings(screening):
    return {each.rule_code: (each.outcome, each.clear_from) for each in screening.findings.all()}


# --- Without keeping --------------------------------------------------------------------------------------------------


def test_what_is_known_of_the_patient_decides(patient):
    assert screen(patient).outcome == "hold"  # nothing was asked yet
    answer(patient, Q04="no", Q05="no")
    assert (screen(patient).outcome, screen(patient).not_before) == ("advise", None)  # the sun is told in advance
    answer(patient, Q04="yes", Q04b="2025-08-31")
    result = screen(patient)
    assert (result.outcome, result.not_before) == ("hard_block", datetime(2026, 3, 1, tzinfo=UTC))
    assert Screening.objects.count() == 0


@pytest.mark.parametrize(
    ("start", "outcome"),
    [
        (datetime(2026, 9, 30, 22, 59, tzinfo=UTC), "hard_block"),  # 23:59 in London
        (datetime(2026, 9, 30, 23, 0, tzinfo=UTC), "advise"),  # midnight, the day it is clear
    ],
)
def test_the_visits_day_is_that_of_the_place(patient, start, outcome):
    answer(patient, Q04="yes", Q04b="2026-03-31", Q05="no")
    assert screen(patient, start).outcome == outcome
    assert screen(patient).not_before == datetime(2026, 9, 30, 23, tzinfo=UTC)


def test_the_newest_published_rules_decide(patient):
    answer(patient, Q04="yes", Q04b="2025-08-31", Q05="no")
    publish_catalogue(text=text_with_the_owners_rules().replace("months: 6,", "months: 7,", 1), by=None, now=NOW)
    assert screen(patient).not_before == datetime(2026, 3, 30, 23, tzinfo=UTC)  # 31 March in London


# --- Kept -------------------------------------------------------------------------------------------------------------


def test_a_kept_screening_says_for_what_it_was_and_by_which_rules(patient):
    answer(patient, Q04="yes", Q04b="2025-08-31", Q05="no")
    session = session_of(patient)
    kept = keep(session)
    kept.refresh_from_db()
    assert (kept.session, kept.stage, kept.for_start, kept.catalogue_version.number) == (session, "booking", START, 1)
    assert (kept.outcome, kept.not_before) == ("hard_block", datetime(2026, 3, 1, tzinfo=UTC))
    assert json.loads(kept.answers) == {"Q04": "yes", "Q04b": "2025-08-31", "Q05": "no"}
    assert findings(kept) == {
        "S1": ("hard_block", datetime(2026, 3, 1, tzinfo=UTC)),
        "S2": ("pass", None),
        "S3": ("advise", None),
    }


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("Europe/London", datetime(2026, 3, 29, tzinfo=UTC)),  # the clocks change an hour later
        ("Australia/Lord_Howe", datetime(2026, 3, 28, 13, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 29, 4, tzinfo=UTC)),
    ],
)
def test_a_day_that_clears_is_kept_as_its_midnight_at_the_place(patient, zone, midnight):
    answer(patient, Q04="yes", Q04b="2025-09-29", Q05="no")
    kept = keep(session_of(patient), zone=ZoneInfo(zone))
    assert findings(kept)["S1"] == ("hard_block", midnight)
    assert kept.not_before == midnight


def test_answers_and_reasons_are_unreadable_in_the_database(patient):
    answer(patient, Q04="yes", Q04b="2025-08-31")
    keep(session_of(patient))
    with connection.cursor() as cursor:
        cursor.execute("SELECT answers FROM treatments_screening UNION SELECT reason FROM treatments_screeningfinding")
        assert all(stored.startswith("v1:") for (stored,) in cursor.fetchall())


def test_only_the_answer_ends_a_finding_that_nobody_may_lift(patient):
    kept = keep(session_of(patient))
    assert {each.rule_code: each.ends_only_with_answer for each in kept.findings.all()} == {
        "S1": True,
        "S2": False,
        "S3": False,
    }


def test_another_start_or_answer_makes_another_screening_and_the_newest_counts(patient):
    answer(patient, Q04="yes", Q04b="2025-08-31", Q05="no")
    session = session_of(patient)
    first = keep(session)
    second = keep(session, start=datetime(2026, 3, 1, 10, tzinfo=UTC))  # at the same moment
    assert session.screenings.newest_first().first() == second
    assert (first.stands_in_the_way, second.stands_in_the_way) == (True, False)
    answer(patient, Q04="yes", Q04b="still")
    third = keep(session, now=NOW + timedelta(minutes=1))
    first.refresh_from_db()
    assert list(session.screenings.newest_first()) == [third, second, first]
    assert (first.outcome, third.outcome, third.not_before) == ("hard_block", "hard_block", None)


def test_what_cannot_be_read_is_an_error_and_keeps_nothing(patient):
    session = session_of(patient)
    answer(patient, Q04="perhaps")
    with pytest.raises(AnswerError):
        keep(session)
    assert Screening.objects.count() == 0


def test_what_is_true_of_one_visit_is_screened_beside_what_is_known_and_stands_before_it(patient):
    answer(patient, Q04="no", Q05="no")
    said = {"C01": "yes", "C01b": "2026-02-10T09:00", "C03": "yes", "C04": "yes", "Q04": "yes", "Q04b": "2026-02-01"}
    kept = screen_session(
        session=session_of(patient),
        stage=Stage.CHECKIN,
        start=START,
        zone=LONDON,
        cause=Screening.Cause.ANSWERS,
        by=None,
        now=NOW,
        answers=said,
    )
    assert json.loads(kept.answers) == {"Q04": "no", "Q05": "no"} | said
    assert findings(kept) == {
        "S1": ("hard_block", datetime(2026, 7, 31, 23, tzinfo=UTC)),
        "S2": ("pass", None),
        "S3": ("block", datetime(2026, 2, 11, 9, tzinfo=UTC)),
        "S4": ("pass", None),
    }


@pytest.mark.parametrize(("zones", "speaks"), [((), True), (("cheeks", "neck"), True), (("neck",), False)])
def test_rules_speak_about_the_zones_of_the_course(zones, speaks):
    version = publish_catalogue(text=shipped_text(), by=None, now=NOW)
    patient = make_patient(make_location())
    answer(patient, Q13="yes")
    chosen = list(version.zones.filter(code__in=zones))
    session = start_course(patient=patient, protocol=make_protocol(), zones=chosen, by=None, now=NOW)
    result = screen_patient(
        patient=patient, protocol=make_protocol(), stage=Stage.BOOKING, start=START, zone=LONDON, zones=chosen
    )
    assert ("E02b" in findings(keep(session))) == ("E02b" in {each.rule for each in result.findings}) == speaks


# --- On arrival -------------------------------------------------------------------------------------------------------


def check_in(session, start=START, now=NOW, **said):
    return screen_session(
        session=session,
        stage=Stage.CHECKIN,
        start=start,
        zone=LONDON,
        answers=said,
        cause=Screening.Cause.ANSWERS,
        by=None,
        now=now,
    )


def outcomes(screening):
    return {code: outcome for code, (outcome, _clear_from) in findings(screening).items()}


def test_a_check_in_is_answered_by_what_is_known_and_what_is_said(patient):
    answer(patient, Q04="no", Q05="no")
    kept = check_in(session_of(patient), C01="no", C03="yes", C04="no")
    assert json.loads(kept.answers) == {"Q04": "no", "Q05": "no", "C01": "no", "C03": "yes", "C04": "no"}
    assert outcomes(kept) == {"S1": "pass", "S2": "pass", "S3": "pass", "S4": "pass"}


def test_what_was_said_before_about_the_same_start_counts_until_it_is_said_anew(patient):
    answer(patient, Q04="no", Q05="no")
    session = session_of(patient)
    check_in(session, C01="yes", C01b="2026-02-09T10:00", C03="no", C04="no")
    ticked = check_in(session, C03="yes")
    assert outcomes(ticked) == dict.fromkeys(["S1", "S2", "S3", "S4"], "pass")
    assert outcomes(check_in(session, C01b="2026-02-09T12:00"))["S3"] == "block"


SUN = [{"P04": "yes", "P04b": "2026-01-10"}, {"P04": "yes"}, {"P04": "no"}, {"P04": "yes", "P04b": "2026-02-08"}]
HAIR = [{"P06": "no"}, {"P06": "yes"}, {"P06": "yes", "P06b": "2026-02-01"}]
SHEETS = [sun | hair for sun in SUN for hair in HAIR]


@pytest.mark.parametrize("last", SHEETS)
def test_however_often_a_check_is_sent_the_last_sheet_alone_counts(last):
    publish_catalogue(text=shipped_text(), by=None, now=NOW)
    patient = make_patient(make_location())
    where = {"stage": Stage.PREVISIT, "start": START, "zone": LONDON, "cause": Screening.Cause.ANSWERS, "by": None}
    alone = screen_session(session=session_of(patient), answers=last, now=NOW, **where)
    again = session_of(patient)
    for minutes, sheet in enumerate(Random(str(last)).sample(SHEETS, 5)):
        screen_session(session=again, answers=sheet, now=NOW + timedelta(minutes=minutes), **where)
    sent = screen_session(session=again, answers=last, now=NOW + timedelta(hours=1), **where)
    assert json.loads(sent.answers) == json.loads(alone.answers)
    assert findings(sent) == findings(alone)


def test_the_hours_before_another_start_are_other_hours(patient):
    answer(patient, Q04="no", Q05="no")
    session = session_of(patient)
    check_in(session, C01="no", C03="yes", C04="no")
    moved = check_in(session, start=START + timedelta(minutes=1))
    assert json.loads(moved.answers) == {"Q04": "no", "Q05": "no"}
    assert outcomes(moved) == {"S1": "block", "S2": "pass", "S3": "block", "S4": "task"}
    # back at the first start, what was said of it is true again
    assert outcomes(check_in(session)) == {"S1": "pass", "S2": "pass", "S3": "pass", "S4": "pass"}


def test_facts_are_read_afresh_whatever_an_earlier_check_in_knew(patient):
    answer(patient, Q04="no", Q05="yes", Q05c="may_pause")
    session = session_of(patient)
    check_in(session, C01="no", C02="2026-02-08T10:00", C03="yes", C04="no")
    answer(patient, Q05="yes")  # another medicine: nobody has been asked about it
    assert outcomes(check_in(session))["S2"] == "block"


@pytest.mark.parametrize(
    ("start", "ended", "outcome"),
    [
        # London's clocks go forward on 29 March and back on 25 October 2026
        (datetime(2026, 3, 29, 9, tzinfo=UTC), "2026-03-28T09:00", "pass"),
        (datetime(2026, 3, 29, 9, tzinfo=UTC), "2026-03-28T09:01", "block"),
        (datetime(2026, 10, 25, 10, tzinfo=UTC), "2026-10-24T11:00", "pass"),
        (datetime(2026, 10, 25, 10, tzinfo=UTC), "2026-10-24T11:01", "block"),
    ],
)
def test_a_day_without_sun_is_24_hours_by_the_clock_that_runs(patient, start, ended, outcome):
    answer(patient, Q04="no", Q05="no")
    assert outcomes(check_in(session_of(patient), start=start, C01="yes", C01b=ended))["S3"] == outcome


BOOKING_ONLY = """rules:
  - code: E99
    name: Within two years
    tag: design
    active: true
    stages: [booking]
    questions: {booking: [Q04, Q04b]}
    test: {kind: since_last_date, months: 24}
    outcome: hold
    override: clinician
    staff: The clinical lead decides.
    sources: []
"""


@pytest.fixture
def held_at_booking(patient):
    """A session that a rule holds which is not asked again on arrival."""
    text = text_with_the_owners_rules().replace("In the last 12 months, have", "In the last {months}, have")
    publish_catalogue(text=text.replace("rules:\n", BOOKING_ONLY, 1), by=None, now=NOW)
    answer(patient, Q04="yes", Q04b="2025-01-15", Q05="no")
    session = session_of(patient)
    assert findings(keep(session))["E99"] == ("hold", datetime(2027, 1, 15, tzinfo=UTC))
    return session


def test_what_nobody_lifted_at_booking_stands_on_arrival(held_at_booking):
    arrived = check_in(held_at_booking, C01="no", C03="yes", C04="no")
    assert (arrived.outcome, arrived.stands_in_the_way) == ("hold", True)
    assert findings(arrived)["E99"] == ("hold", datetime(2027, 1, 15, tzinfo=UTC))
    lift(
        screening=arrived,
        reason="Talked to her.",
        by=make_user("lead"),
        now=NOW,
    )
    assert not check_in(held_at_booking, C03="yes").stands_in_the_way


def test_what_was_lifted_at_booking_is_lifted_on_arrival(held_at_booking):
    booked = held_at_booking.screenings.get()
    lift(
        screening=booked,
        reason="Talked to her.",
        by=make_user("lead"),
        now=NOW,
    )
    arrived = check_in(held_at_booking, C01="no", C03="yes", C04="no")
    assert (arrived.outcome, "E99" in findings(arrived)) == ("pass", False)


def test_what_is_asked_again_on_arrival_is_judged_by_the_new_answer(patient):
    session = session_of(patient)
    assert keep(session).outcome == "hold"  # nothing was asked at booking
    answer(patient, Q04="no", Q05="no")
    assert check_in(session, C01="no", C03="yes", C04="no").outcome == "pass"


def test_a_booking_inherits_nothing_from_an_arrival(patient):
    answer(patient, Q04="no", Q05="no")
    session = session_of(patient)
    assert check_in(session, C01="not_sure").outcome == "block"
    assert keep(session).outcome == "advise"
