from datetime import timedelta

import pytest
from django.db import connection

from patients.models import MedicalFact
from patients.records import end_fact, record_fact
from tests.factories import NOW, make_fact, make_location, make_patient, make_user
from treatments.answers import answered_at, compose_facts, known_answers, record_answers

pytestmark = pytest.mark.django_db

EVERYTHING = {"Q04": "yes", "Q04b": "2025-08", "Q05": "yes", "Q05c": "may_pause"}


@pytest.fixture
def patient():
    return make_patient(make_location())


def answer(patient, *, minutes=0, **answers):
    record_answers(patient=patient, answers=answers, by=None, now=NOW + timedelta(minutes=minutes))


# --- There and back ---------------------------------------------------------------------------------------------------


def test_nothing_is_known_of_a_new_patient(patient):
    assert known_answers(patient) == {}
    assert answered_at(patient, "Q04") is None


def test_what_was_answered_is_known(patient):
    answer(patient, **EVERYTHING)
    assert known_answers(patient) == EVERYTHING
    assert [answered_at(patient, question) for question in ("Q04", "Q05", "Q05c")] == [NOW, NOW, NOW]


def test_who_asked_is_kept_and_the_words_are_encrypted(patient):
    reception = make_user("receptionist")
    record_answers(patient=patient, answers={"Q04": "no"}, by=reception, now=NOW)
    fact = patient.facts.get()
    assert (fact.kind, fact.subject, fact.answer, fact.recorded_by) == ("medicine", "isotretinoin", "no", reception)
    with connection.cursor() as cursor:
        cursor.execute("SELECT subject, answer FROM patients_medicalfact")
        assert all(stored.startswith("v1:") for stored in cursor.fetchone())


def test_facts_composed_for_many_patients_say_the_same(patient):
    MedicalFact.objects.bulk_create(compose_facts(patient=patient, answers=EVERYTHING, by=None, now=NOW))
    assert known_answers(patient) == EVERYTHING


def test_answers_about_the_last_day_are_true_of_one_visit_and_not_kept(patient):
    answer(patient, C01="yes", C01b="2026-01-12T09:00", C03="yes", Q04="no")
    assert known_answers(patient) == {"Q04": "no"}
    assert patient.facts.count() == 1


# --- Answered again ---------------------------------------------------------------------------------------------------


def test_a_newer_answer_takes_the_place_of_the_older_and_both_are_kept(patient):
    answer(patient, Q04="no")
    answer(patient, minutes=5, Q04="yes", Q04b="still")
    assert known_answers(patient) == {"Q04": "yes", "Q04b": "still"}
    assert answered_at(patient, "Q04") == NOW + timedelta(minutes=5)
    assert patient.facts.count() == 2


def test_a_date_goes_with_the_answer_it_belonged_to(patient):
    answer(patient, Q04="yes", Q04b="2025-08-31")
    answer(patient, minutes=5, Q04="yes")
    assert known_answers(patient) == {"Q04": "yes"}


def test_what_was_not_asked_stays_as_it_was(patient):
    answer(patient, **EVERYTHING)
    answer(patient, minutes=5, Q04="no")
    assert known_answers(patient) == {"Q04": "no", "Q05": "yes", "Q05c": "may_pause"}


@pytest.mark.parametrize("said", ["no", "not_sure", "yes"])
def test_a_prescribers_advice_does_not_outlive_the_answer_it_followed(patient, said):
    """Another medicine may be meant by now, and an old “a pause is fine” would speak for it."""
    answer(patient, Q05="yes", Q05c="may_pause")
    answer(patient, minutes=90, Q05=said)
    assert known_answers(patient) == {"Q05": said}
    answer(patient, minutes=180, Q05="yes", Q05c="keep_taking")
    assert known_answers(patient) == {"Q05": "yes", "Q05c": "keep_taking"}


@pytest.mark.parametrize(("minutes", "facts"), [(0, 2), (59, 2), (60, 4)])
def test_the_same_answer_within_an_hour_is_one_answer_sent_twice(patient, minutes, facts):
    answer(patient, Q04="yes", Q04b="2025-08", Q05="no")
    answer(patient, minutes=minutes, Q04="yes", Q04b="2025-08", Q05="no")
    assert patient.facts.count() == facts


def test_another_date_within_the_hour_is_another_answer(patient):
    answer(patient, Q04="yes", Q04b="2025-08")
    answer(patient, minutes=1, Q04="yes", Q04b="2025-09")
    assert known_answers(patient) == {"Q04": "yes", "Q04b": "2025-09"}


# --- Beside other facts -----------------------------------------------------------------------------------------------


def test_a_fact_that_ended_answers_nothing(patient):
    answer(patient, Q04="yes", Q04b="2025-08")
    end_fact(fact=patient.facts.get(), now=NOW)
    assert known_answers(patient) == {}
    assert answered_at(patient, "Q04") is None


def test_other_facts_are_no_answers(patient):
    make_fact(patient, subject="Isotretinoin", answer="20 mg a day, says the letter")  # a note, written by hand
    record_fact(patient=patient, kind="allergy", subject="isotretinoin", answer="rash", by=None, now=NOW)
    make_fact(make_patient(make_location()), subject="isotretinoin", answer="yes")
    assert known_answers(patient) == {}


def test_what_is_known_takes_one_query(patient, django_assert_num_queries):
    answer(patient, **EVERYTHING)
    with django_assert_num_queries(1):
        known_answers(patient)
