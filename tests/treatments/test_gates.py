from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling import day
from tests.factories import (
    NOW,
    check_in,
    clear_answers,
    lift,
    make_arrival,
    make_protocol,
    make_ready,
    make_user,
    sign,
)
from treatments import courses
from treatments.answers import known_answers
from treatments.catalogue import AnsweredBy, Stage
from treatments.gates import gates

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def told(appointment, start=None):
    return {gate.code: gate for gate in gates(session=appointment.session, start=start or appointment.starts_at)}


def missing(appointment, start=None):
    return [code for code, gate in told(appointment, start).items() if gate.is_open]


def test_all_is_closed_when_asked_ticked_and_signed():
    ready = make_ready()
    found = told(ready)
    assert {code: (gate.is_open, gate.words) for code, gate in found.items()} == {
        "screening": (False, "Clear."),
        "clean_face": (False, "Ticked."),
        "consent": (False, "Signed."),
    }
    nine, five = (ready.starts_at - timedelta(minutes=minutes) for minutes in (9, 5))
    assert [gate.at for gate in found.values()] == [nine, nine, five]


def test_all_is_open_on_arrival():
    arrived = make_arrival()  # the newest screening is the one of the booking, which is clear
    assert missing(arrived) == ["screening", "clean_face", "consent"]
    assert told(arrived)["screening"].words == "The questions of the day are not answered yet."


@pytest.mark.parametrize("minutes", [-1, 1])
def test_answers_for_another_start_do_not_count(minutes):
    ready = make_ready()
    start = ready.starts_at + timedelta(minutes=minutes)
    assert missing(ready, start) == ["screening", "clean_face"]
    assert told(ready, start)["screening"].words.startswith("The questions were answered for another time.")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"C01": "not_sure"}, "The answers stand in the way. The clinical lead decides."),
        ({"C04": "not_sure"}, "The answers do not allow the visit today. Find a new date."),
    ],
)
def test_what_stands_in_the_way_says_who_decides(answers, words):
    arrived = make_arrival()
    check_in(arrived, **answers)
    assert told(arrived)["screening"].words == words
    assert missing(arrived) == ["screening", "consent"]


def test_what_the_patient_answered_decides_nothing_before_somebody_has_looked_at_the_skin():
    arrived = make_arrival()
    answers = clear_answers(Stage.CHECKIN, known_answers(arrived.patient), by=AnsweredBy.PATIENT)
    now = arrived.starts_at - timedelta(minutes=9)
    day.answer_checkin(appointment=arrived, start=arrived.starts_at, answers=answers, by=None, now=now)
    assert told(arrived)["screening"].words == "Nobody has looked at the skin yet."
    check_in(arrived)
    assert told(arrived)["screening"].words == "Clear."


def test_a_decision_closes_the_screening_and_not_the_rest():
    arrived = make_arrival()
    screening = check_in(arrived, C01="not_sure", C03="no")
    lift(
        screening=screening,
        reason="Fine",
        is_skin_checked=True,
        by=make_user("lead"),
        now=NOW,
    )
    gate = told(arrived)["screening"]
    assert (gate.is_open, gate.words, gate.at) == (False, "Decided.", NOW)
    assert missing(arrived) == ["clean_face", "consent"]


@pytest.mark.parametrize("tick", ["no", "not_sure"])
def test_a_face_that_is_not_ticked_stays_open(tick):
    arrived = make_arrival()
    check_in(arrived, C03=tick)
    assert missing(arrived) == ["clean_face", "consent"]
    check_in(arrived, C03="yes")
    assert missing(arrived) == ["consent"]


def test_consent_closes_its_own_gate():
    arrived = make_arrival()
    sign(arrived)
    assert missing(arrived) == ["screening", "clean_face"]


def ready_but_for_a_plan(code):
    arrived = make_arrival(protocol=make_protocol(code))
    check_in(arrived)
    sign(arrived)
    return arrived


@pytest.mark.parametrize("code", ["melasma", "scar_thermal_burn", "scar_hypertrophic", "acne_scar_severe"])
def test_a_plan_is_needed_where_the_protocol_says_so(code):
    arrived = ready_but_for_a_plan(code)
    assert missing(arrived) == ["plan"]
    courses.sign_plan(course=arrived.session.course, text="Shallow, with cream.", by=make_user("lead"), now=NOW)
    assert missing(arrived) == []
    assert told(arrived)["plan"].at == NOW


def test_a_plan_is_needed_before_the_first_session_only():
    arrived = ready_but_for_a_plan("melasma")
    arrived.session.number = 2
    assert "plan" not in told(arrived)


def test_the_words_name_no_answer_and_no_medicine():
    arrived = make_arrival()
    check_in(arrived, C04="yes", Q04b="still")
    words = " ".join(gate.words + gate.title for gate in told(arrived).values()).lower()
    assert not any(said in words for said in ("isotretinoin", "sun", "immune", "still"))


def test_the_number_of_queries_does_not_grow_with_what_was_asked():
    def count_queries(appointment):
        with CaptureQueriesContext(connection) as queries:
            told(appointment)
        return len(queries)

    arrived = make_arrival(protocol=make_protocol("melasma"))
    sign(arrived)
    check_in(arrived)
    once = count_queries(arrived)
    for _each in range(3):
        check_in(arrived, C01="not_sure")
    courses.sign_plan(course=arrived.session.course, text="Shallow.", by=make_user("lead"), now=NOW)
    assert count_queries(arrived) == once
