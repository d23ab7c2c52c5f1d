"""What is typed behind a link is kept and sent once, whoever does so at the same time."""

import json
from datetime import timedelta

import pytest

from scheduling.models import PatientAnswers, PatientLink
from scheduling.patient_pages.answering import NotSent, keep_answer, send_answers
from scheduling.patient_pages.gate import LinkClosed
from scheduling.patient_pages.questions import Questionnaire
from tests.factories import NOW, make_appointment, make_catalogue, make_clear_patient, make_clinic, make_link
from tests.races import outcomes
from tests.scheduling.patient_pages.visitor import Visitor
from treatments.answers import known_answers, record_answers
from treatments.models import CatalogueVersion, Screening

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

MINUTE = timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)
CHECK = ("P01", "P02", "P03", "P04", "P05", "P06", "P07")


def make_check() -> PatientLink:
    make_catalogue()
    clinic = make_clinic()
    link, _token = make_link(make_appointment(location=clinic, patient=make_clear_patient(clinic)))
    return link


def stored(link) -> PatientLink:
    return PatientLink.objects.with_everything().get(pk=link.pk)


def keep(link, question, value="no", now=NOW):
    return lambda: keep_answer(link=link, question=question, fields={question: [value]}, now=now)


def send(link, now=NOW):
    version = str(CatalogueVersion.objects.current().number)
    return lambda: send_answers(link=link, version=version, now=now)


def kept(link) -> dict:
    return json.loads(stored(link).typed.answers)


def test_answers_kept_at_once_are_all_kept():
    link = make_check()
    assert outcomes([keep(link, question) for question in CHECK]) == {"done": 7}
    assert set(json.loads(PatientAnswers.objects.get().answers)) == set(CHECK)


def test_a_check_sent_many_times_at_once_is_one_screening():
    link = make_check()
    for question in CHECK:
        keep(link, question)()
    assert Questionnaire(stored(link)).first_open is None
    assert outcomes([send(link)] * 6) == {"done": 6}
    assert Screening.objects.filter(cause="answers").count() == 1


def test_nothing_is_kept_or_sent_once_the_visit_has_begun():
    link = make_check()
    keep(link, "P01")()
    at = link.appointment.starts_at
    with pytest.raises(LinkClosed):
        keep(link, "P02", now=at)()
    with pytest.raises(LinkClosed):
        send(link, now=at)()
    assert json.loads(PatientAnswers.objects.get().answers) == {"P01": {"P01": ["no"]}}


def test_what_anybody_has_answered_since_takes_the_place_of_what_was_typed():
    link = make_check()
    booked, _token = make_link(link.appointment, "booking")
    for question in ("Q06", "Q10"):
        keep(booked, question)()
    assert Questionnaire(stored(booked)).outdated == set()
    record_answers(patient=link.appointment.patient, answers={"Q06": "yes"}, by=None, now=NOW)
    assert Questionnaire(stored(booked)).outdated == set()  # at that very moment it was in step
    record_answers(patient=link.appointment.patient, answers={"Q06": "no"}, by=None, now=LATER)
    sheet = Questionnaire(stored(booked))
    assert (sheet.outdated, set(sheet.typed)) == ({"Q06"}, {"Q10"})
    keep(booked, "Q24", "I", now=LATER + MINUTE)()
    assert set(kept(booked)) == {"Q10", "Q24"}
    assert stored(booked).typed.as_of == LATER + MINUTE


def test_the_details_of_an_answer_go_with_it():
    link = make_check()
    booked, _token = make_link(link.appointment, "booking")
    keep(booked, "Q05", "yes")()
    keep_answer(link=booked, question="Q05b", fields={"Q05b_0": ["Methotrexate"]}, now=NOW)
    record_answers(patient=link.appointment.patient, answers={"Q05": "no"}, by=None, now=LATER)
    assert not Questionnaire(stored(booked)).typed


def test_a_detail_that_applies_no_longer_is_asked_anew():
    link = make_check()
    keep(link, "P04", "yes")()
    keep_answer(link=link, question="P04b", fields={"P04b": ["1/2026"]}, now=NOW)
    keep(link, "P04", "no")()
    assert set(kept(link)) == {"P04"}
    keep(link, "P04", "yes")()
    assert "P04b" in Questionnaire(stored(link)).form.fields and set(kept(link)) == {"P04"}


def test_answers_behind_another_link_are_not_undone_by_an_older_sheet():
    older = make_check()
    newer, _token = make_link(older.appointment)
    for question in CHECK:
        keep(older, question)()
        keep(newer, question, "yes" if question == "P07" else "no")()
    send(newer, now=LATER)()
    assert Questionnaire(stored(newer)).outdated == set()
    assert Questionnaire(stored(older)).outdated == set(CHECK)
    with pytest.raises(NotSent):
        send(older, now=LATER + MINUTE)()
    assert Screening.objects.newest_first().first().outcome == "block"
    for question in CHECK:
        keep(older, question, now=LATER + MINUTE)()
    send(older, now=LATER + MINUTE)()
    assert stored(older).typed.sent_at == stored(older).typed.as_of == LATER + MINUTE
    assert Questionnaire(stored(newer)).outdated == {"P07"}


@pytest.mark.usefixtures("clock")
def test_what_staff_write_down_while_she_sends_is_never_undone():
    visitor = Visitor(purpose="booking")
    visitor.pass_the_gate()
    visitor.answer_all(Q06="no")
    patient = visitor.visit.patient

    def write_down():
        record_answers(patient=patient, answers={"Q06": "yes"}, by=None, now=LATER)

    ends = outcomes([send(visitor.link, now=NOW + 20 * MINUTE), write_down])
    assert ends in ({"done": 2}, {"done": 1, "NotSent": 1})
    assert known_answers(patient)["Q06"] == "yes"
