"""What is typed behind a link is kept and sent once, whoever does so at the same time."""

import json

import pytest

from scheduling.models import PatientAnswers, PatientLink
from scheduling.patient_pages.answering import keep_answer, noted_meanwhile, send_answers
from scheduling.patient_pages.gate import LinkClosed
from scheduling.patient_pages.questions import Questionnaire
from tests.factories import NOW, make_appointment, make_catalogue, make_clear_patient, make_clinic, make_link
from tests.races import outcomes
from treatments.models import CatalogueVersion, Screening

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

CHECK = ("P01", "P02", "P03", "P04", "P05", "P06", "P07")


def make_check() -> PatientLink:
    make_catalogue()
    clinic = make_clinic()
    link, _token = make_link(make_appointment(location=clinic, patient=make_clear_patient(clinic)))
    return link


def stored(link) -> PatientLink:
    return PatientLink.objects.with_everything().get(pk=link.pk)


def keep(link, question, value="no"):
    return lambda: keep_answer(
        link=link,
        question=question,
        fields={question: [value]},
        version=CatalogueVersion.objects.current(),
        now=NOW,
    )


def send(link, noted=""):
    version = str(CatalogueVersion.objects.current().number)
    return lambda: send_answers(link=link, version=version, noted=noted, now=NOW)


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
        keep_answer(link=link, question="P02", fields={}, version=CatalogueVersion.objects.current(), now=at)
    with pytest.raises(LinkClosed):
        send_answers(link=link, version="1", noted="", now=at)
    assert json.loads(PatientAnswers.objects.get().answers) == {"P01": {"P01": ["no"]}}


def test_nothing_was_noted_before_anything_is_typed():
    assert noted_meanwhile(stored(make_check())) == ""
    link = make_check()
    keep(link, "P01")()
    assert noted_meanwhile(stored(link)) == ""
    assert PatientAnswers.objects.get().begun_at == NOW
