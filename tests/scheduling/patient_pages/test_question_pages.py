"""One question a page: what is asked, what is kept, and what is refused by a sentence."""

import re
from html import escape
from urllib.parse import urlencode

import pytest
from django.db import connection

from scheduling.models import PatientAnswers
from tests.clinic.test_hostile_input import values_for
from tests.factories import (
    NOW,
    make_catalogue,
    make_clinic,
    make_patient,
)
from tests.reading import words
from tests.scheduling.patient_pages.visitor import Visitor, appointment, asked_at, kept
from treatments.answers import record_answers
from treatments.catalogue import AnsweredBy
from treatments.publishing import catalogue_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_each_answer_is_kept_encrypted_and_leads_to_the_next_question():
    visitor = Visitor()
    visitor.pass_the_gate()
    answer = visitor.answer("P01", "no")
    assert answer["Location"] == visitor.url("question", "P02")
    assert kept() == {"P01": {"P01": ["no"]}}
    raw = connection.cursor()
    raw.execute("SELECT answers FROM scheduling_patientanswers")
    assert "P01" not in raw.fetchone()[0]
    again = Visitor(visitor.visit)
    again.link, again.token = visitor.link, visitor.token
    assert again.pass_the_gate()["Location"] == visitor.url("question", "P02")


def test_only_what_applies_is_asked():
    visitor = Visitor()
    visitor.pass_the_gate()
    page = visitor.get(visitor.url("question", "P04b"))
    assert (page.status_code, page["Location"]) == (302, visitor.url("question", "P01"))
    visitor.answer("P04", "yes")
    page = visitor.get(visitor.url("question", "P04b"))
    assert "one more detail" in words(page)
    assert visitor.get(visitor.url("question", "Q77")).status_code == 404
    assert visitor.post(visitor.url("question", "Q77"), {"Q77": "yes"}).status_code == 404
    assert set(kept()) == {"P04"}


@pytest.mark.parametrize("value", ["", "maybe", "same", "<script>", "x\x00", "no\ud83d"])
def test_what_is_no_answer_is_refused_by_a_sentence_and_not_kept(value):
    visitor = Visitor()
    visitor.pass_the_gate()
    body = f"P02={value}".encode(errors="surrogatepass")
    answer = visitor.post(visitor.url("question", "P02"), body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 422
    assert "mistake" in answer.text and "<script>" not in answer.text.replace("<script src", "")
    assert not PatientAnswers.objects.exists()


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"day": "1", "month": "1", "year": "2026"}, "1/1/2026"),
        ({"month": "1", "year": "2026"}, "1/2026"),
        ({"year": "2025"}, "2025"),
        ({"unknown": "on"}, ""),
    ],
)
def test_a_date_is_given_as_far_as_it_is_known(parts, text):
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer("P04", "yes")
    answer = visitor.answer("P04b", **{f"P04b_{name}": value for name, value in parts.items()})
    assert answer.status_code == 302
    assert kept()["P04b"] == {"P04b": [text]}


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({}, "Give as much of the date as you know"),
        ({"day": "3", "month": "1"}, "give the year too"),
        ({"day": "3", "year": "2026"}, "give the month too"),
        ({"year": "2026", "unknown": "on"}, "not both"),
        ({"day": "31", "month": "2", "year": "2026"}, ""),
        ({"day": "x", "month": "2", "year": "2026"}, ""),
    ],
)
def test_half_a_date_or_two_answers_are_refused_and_stay_on_the_page(parts, sentence):
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer("P04", "yes")
    answer = visitor.answer("P04b", **{f"P04b_{name}": value for name, value in parts.items()})
    assert answer.status_code == 422
    assert sentence in words(answer)
    for name in ("day", "month", "year"):
        assert f'name="P04b_{name}" id="P04b_{name}" value="{parts.get(name, "")}"' in answer.text
    assert "P04b" not in kept()


def test_beside_a_question_stands_what_was_answered_of_its_part():
    visitor = Visitor(purpose="booking")
    visitor.pass_the_gate()
    for question, said in {"Q04": "no", "Q05": "yes", "Q06": "no"}.items():
        visitor.answer(question, said)

    def answered_at(question):
        page = visitor.get(visitor.url("question", question))
        return [re.findall(r"questions/(\w+)/#question", part) for part in page.text.split('<h1 id="question">')]

    assert answered_at("Q04") == [[], ["Q05"]]
    assert answered_at("Q05") == [["Q04", "Q04"], ["Q04"]]  # the way back is on top and below
    assert answered_at("Q05b") == [["Q05", "Q04", "Q05"], ["Q05"]]
    page = visitor.get(visitor.url("question", "Q05b"))
    assert "Yes Change" in words(page) and "3 answers are saved" in words(page)


def test_who_takes_a_medicine_reads_at_once_not_to_stop_it():
    visitor = Visitor(purpose="booking")
    visitor.pass_the_gate()
    visitor.answer("Q05", "yes")
    for question in ("Q05b", "Q05c"):
        said = words(visitor.get(visitor.url("question", question)))
        assert "Please keep taking your medicine as you do now." in said
    assert "Please keep taking your medicine" not in words(visitor.get(visitor.url("question", "Q05")))


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"Q10": "no"}, "No"),
        ({"Q17": "latex, metal"}, "Latex, Metal, such as nickel or steel"),
        ({"Q23": "Vitamin D"}, "Vitamin D"),
    ],
)
def test_what_is_known_is_read_to_her_and_confirmed(answers, said):
    visitor = Visitor(purpose="booking")
    record_answers(patient=visitor.visit.patient, answers=answers, by=None, now=NOW)
    [question] = answers
    assert "12 January" not in visitor.get(visitor.url("question", question)).text  # only past the gate
    visitor.pass_the_gate()
    page = visitor.get(visitor.url("question", question))
    assert f"Our notes of 12 January 2026 say: “{said}”. Is that still true?" in words(page)
    assert "checked" not in page.text
    same = {"Q23": {"Q23_2": "on"}}.get(question, {question: "same"})
    assert visitor.answer(question, **same).status_code == 302


def test_a_yes_to_anything_changed_asks_the_questions_of_the_booking():
    visitor = Visitor()
    visitor.pass_the_gate()
    assert asked_at(visitor.answer("P01", "yes")["Location"]) == "P01b"
    assert visitor.answer("P01b", P01b_0="").status_code == 422
    visitor.answer("P01b", P01b_0="A new heart tablet")
    for id in ("P02", "P03", "P04", "P05", "P06", "P07"):
        answer = visitor.answer(id, "no")
    id = asked_at(answer["Location"])
    assert id.startswith("Q")
    assert visitor.answer(id, "same").status_code == 302
    assert visitor.get(visitor.url("answers"))["Location"] == visitor.url("question", visitor_next(visitor))


def visitor_next(visitor):
    return asked_at(visitor.get(visitor.url())["Location"])


FIELDS = {
    "P02": {"P02": "pick"},
    "P04b": {f"P04b_{name}": "typed" for name in ("day", "month", "year")},
    "Q14": {"Q14": "pick"},
    "Q23": {"Q23_0": "text"},
}


@pytest.mark.parametrize("question", FIELDS)
def test_a_question_survives_whatever_is_typed(question):
    visitor = Visitor(appointment(patient=make_patient(clinic := make_clinic()), location=clinic), "booking")
    if question.startswith("P"):
        visitor = Visitor(visitor.visit)
    visitor.pass_the_gate()
    visitor.answer("P04", "yes")
    for field, kind in FIELDS[question].items():
        for what, value in values_for(kind).items():
            others = {"P04b_year": "2026"} if question == "P04b" and field != "P04b_year" else {}
            body = urlencode({field: value} | others, errors="surrogatepass")
            url = visitor.url("question", question)
            answer = visitor.post(url, body, content_type="application/x-www-form-urlencoded")
            assert answer.status_code in (302, 422), what
            assert "<script>alert" not in answer.text and "<img src=x" not in answer.text, what
            if answer.status_code == 422 and kind != "pick" and "\x00" not in value and "\ud83d" not in value:
                assert escape(value.strip()) in answer.text, what
            if kind == "pick":
                assert answer.status_code == 422, what


def test_a_mistake_is_marked_where_it_is_and_nowhere_before_it_is_made():
    visitor = Visitor(appointment(patient=make_patient(clinic := make_clinic()), location=clinic), "booking")
    visitor.pass_the_gate()
    page = visitor.get(visitor.url("question", "Q23"))
    assert "aria-invalid" not in page.text and "<title>Error:" not in page.text
    refused = visitor.answer("Q23", Q23_0="")
    assert "aria-invalid" in refused.text and "<title>Error:" in refused.text
    assert 'action="#mistake"' in refused.text and 'id="mistake" tabindex="-1"' in refused.text
    visitor.answer("Q04", "yes")
    assert "aria-invalid" not in visitor.get(visitor.url("question", "Q04b")).text
    assert visitor.answer("Q04b", Q04b_day="3").text.count('aria-invalid="true" aria-describedby="mistake"') == 3


def test_who_brings_the_questions_back_reads_how_long_they_take():
    visitor = Visitor()
    visitor.pass_the_gate()
    assert "Before your visit on Wednesday" in words(visitor.get(visitor.url("start")))
    visitor.answer("P01", "yes")
    said = words(visitor.get(visitor.url("question", "P01b")))
    assert "we go through your health questions after this. That takes about 5 minutes." in said
    visitor.answer("P04", "yes")
    assert "5 minutes" not in words(visitor.get(visitor.url("question", "P04b")))


def test_none_and_something_else_are_asked_about():
    visitor = Visitor(appointment(patient=make_patient(clinic := make_clinic()), location=clinic), "booking")
    visitor.pass_the_gate()
    answer = visitor.answer("Q14", ["none", "eczema"])
    assert answer.status_code == 422
    assert answer.text.count("checked") == 2
    assert not PatientAnswers.objects.exists()


def test_who_answers_on_the_way_is_asked_by_the_patients_questions_alone():
    visitor = Visitor()
    visitor.pass_the_gate()
    page = visitor.answer_all()
    ids = set(re.findall(r"/questions/(\w+)/", page.text))
    questions = catalogue_of(make_catalogue()).questions
    assert {questions[id].by for id in ids} == {AnsweredBy.PATIENT}
