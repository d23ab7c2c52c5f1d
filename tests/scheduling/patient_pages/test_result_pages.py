"""What a patient reads when her answers were sent."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import (
    NOW,
    make_catalogue,
    make_clinic,
    make_fact,
    make_patient,
)
from tests.reading import words
from tests.scheduling.patient_pages.visitor import START, Visitor, appointment
from treatments.catalogue import Stage
from treatments.publishing import catalogue_of
from treatments.screenings import screen_session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_a_check_without_a_finding_is_all_good():
    visitor = Visitor()
    visitor.pass_the_gate()
    page = visitor.answer_all()
    assert "Check your answers" in words(page)
    answer = visitor.send()
    assert answer["Location"] == visitor.url("result")
    said = words(visitor.get(answer["Location"]))
    assert "All good. See you on Wednesday." in said
    assert "From Tuesday 10:00: please stay out of the sun." in said and "clean face" in said
    [screening] = visitor.screenings()
    assert (screening.stage, screening.for_start, screening.outcome) == ("previsit", START, screening.outcome)
    assert screening.created_by is None and not screening.stands_in_the_way
    assert visitor.get(visitor.url())["Location"] == visitor.url("result")


def test_sunburn_moves_the_visit_and_names_the_first_day():
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer_all(P04="yes", P04b="2026-01-10")
    visitor.send()
    said = words(visitor.get(visitor.url("result")))
    assert "We need to move your visit. It is free." in said
    assert "do not come on Wednesday 14 January" in said
    assert "The first day we can offer Saturday 24 January 2026" in said
    assert visitor.screenings().get().outcome == "block"


def test_sore_skin_in_one_place_leaves_the_rest_to_be_treated():
    zones = list(make_catalogue().zones.filter(code__in=("cheeks", "forehead")))
    visitor = Visitor(appointment(zones=zones))
    visitor.pass_the_gate()
    visitor.answer("P03", "yes")
    page = visitor.get(visitor.url("question", "P03b"))
    assert set(re.findall(r'name="P03b" value="(\w+)"', page.text)) == {"cheeks", "forehead", "not_sure"}
    visitor.answer_all(P03="yes", P03b="cheeks")
    visitor.send()
    said = words(visitor.get(visitor.url("result")))
    assert "All good. See you on Wednesday." in said
    assert catalogue_of(make_catalogue()).questions["P03b"].patient_message in said
    assert "Please wait until your skin" not in said


def test_an_immune_medicine_is_never_stopped():
    visitor = Visitor(appointment(patient=make_patient(clinic := make_clinic()), location=clinic), "booking")
    visitor.pass_the_gate()
    visitor.answer_all(Q05="yes", Q05b="Methotrexate", Q05c="not_asked")
    visitor.send()
    page = visitor.get(visitor.url("result"))
    said = words(page)
    assert "Please keep taking your medicine Do not stop or skip it." in said
    assert "I have micro-needling on Wednesday 14 January 2026, 10:00. Is that all right with my medicine?" in said
    assert "Methotrexate" not in page.text


def test_not_sure_is_a_call():
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer_all(P02="not_sure")
    visitor.send()
    said = words(visitor.get(visitor.url("result")))
    assert "We will call you." in said and "You were not sure about an answer." in said
    assert "stay at home" not in said  # the words for a yes
    assert f"ends in {visitor.visit.patient.phone_digits[-4:]}" in said


def test_a_screening_of_the_visit_before_the_check_is_none_of_its_own():
    visitor = Visitor()
    screen_session(
        session=visitor.visit.session,
        stage=Stage.BOOKING,
        start=START,
        zone=visitor.visit.location.zone,
        cause="booking",
        by=None,
        now=NOW,
    )
    visitor.pass_the_gate()
    assert visitor.get(visitor.url("result"))["Location"] == visitor.url("start")


def test_pages_ask_a_constant_number_of_queries():
    counts = []
    for facts in (1, 3):
        visitor = Visitor()
        for number in range(facts):
            make_fact(visitor.visit.patient, subject=f"Medicine {number}")
        visitor.pass_the_gate()
        visitor.answer_all()
        visitor.send()
        found = {}
        for name, about in {"start": (), "question": ("P04",), "answers": (), "result": ()}.items():
            with CaptureQueriesContext(connection) as queries:
                assert visitor.get(visitor.url(name, *about)).status_code == 200
            found[name] = len(queries)
        counts.append(found)
    assert counts[0] == counts[1]
