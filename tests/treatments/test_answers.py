from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from patients.models import MedicalFact
from patients.records import end_fact, record_fact
from tests.factories import (
    NOW,
    make_fact,
    make_location,
    make_patient,
    make_user,
    text_with_the_owners_rules,
)
from treatments.answers import answered_at, compose_facts, known_answers, record_answers
from treatments.catalogue import read, shipped_text
from treatments.publishing import publish_catalogue

pytestmark = pytest.mark.django_db

EVERYTHING = {"Q04": "yes", "Q04b": "2025-08", "Q05": "yes", "Q05c": "may_pause"}


@pytest.fixture
def patient():
    publish_catalogue(text=text_with_the_owners_rules(), by=None, now=NOW)
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
        known_answers(patient, read())


# --- All questions ----------------------------------------------------------------------------------------------------


BOOKING = {
    "Q04": "no",
    "Q05": "yes",
    "Q05b": "Methotrexate",
    "Q05c": "not_asked",
    "Q10": "no",
    "Q23": "Doxycycline, zinc",
    "Q06": "does_not_apply",
    "Q06b": "does_not_apply",
    "Q07": "last_12_months",
    "Q08": "no",
    "Q09": "not_sure",
    "Q11": "controlled",
    "Q17": "metal, latex",
    "Q17b": "A rash under a watch",
    "Q18": "no",
    "Q12": "no",
    "Q13": "yes",
    "Q14": "psoriasis, eczema",
    "Q14b": "no",
    "Q15": "no",
    "Q16": "no",
    "Q20": "yes",
    "Q20b": "chin_jaw, neck",
    "Q21": "2024-11",
    "Q22": "yes",
    "Q22b": "Blisters",
    "Q24": "IV",
    "Q24b": "past_dark_marks",
    "Q19": "laser, needling",
    "Q19b": "2025-12-24",
    "Q19g": "2025",
    "Q25": "yes",
}


@pytest.fixture
def every_rule(patient):
    return publish_catalogue(text=shipped_text(), by=None, now=NOW)


def test_every_answer_of_a_booking_is_known_at_the_next_one_with_the_date_of_birth(patient, every_rule):
    answer(patient, **BOOKING)
    assert known_answers(patient) == BOOKING | {"Q01": patient.date_of_birth.isoformat()}
    others = {"Q04b", "Q14c", "Q15b", "Q19a", "Q19c", "Q19d", "Q19e", "Q19f"}
    stored = {id for id, question in read().questions.items() if question.keeps}
    assert stored == BOOKING.keys() | others


def test_the_date_of_birth_is_told_only_where_a_rule_reads_it(patient):
    assert known_answers(patient) == {}
    publish_catalogue(text=shipped_text(), by=None, now=NOW)
    assert known_answers(patient) == {"Q01": patient.date_of_birth.isoformat()}


def test_facts_are_of_their_kind_and_dated(patient, every_rule):
    answer(patient, Q19="needling", Q19g="2025-12", Q17="latex", Q09="no")
    assert {(fact.kind, fact.subject, fact.answer, fact.on) for fact in patient.facts.all()} == {
        ("procedure", "earlier treatments of this skin", "needling", ""),
        ("procedure", "needling of this skin", "", "2025-12"),
        ("allergy", "allergies", "latex", ""),
        ("condition", "bleeding or clotting", "no", ""),
    }


def test_what_followed_ends_with_the_answer_it_followed(patient, every_rule):
    answer(patient, Q19="laser, needling", Q19b="2025-12-24", Q19g="2025", Q22="yes", Q22b="Blisters", Q17="latex")
    answer(patient, minutes=90, Q19="needling", Q19g="2025-12", Q22="no")
    assert known_answers(patient).keys() == {"Q01", "Q19", "Q19g", "Q22", "Q17"}
    assert known_answers(patient)["Q19g"] == "2025-12"


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ({"C04": "yes", "Q04b": "2026-01-10"}, {"Q04": "yes", "Q04b": "2026-01-10"}),
        ({"C04": "yes"}, {"Q04": "yes"}),
        ({"C04": "no"}, {"Q04": "yes", "Q04b": "2025-01"}),
        ({"C05": "yes"}, {"Q06": "yes"}),
        ({"C05": "not_sure"}, {"Q06": "not_sure"}),
        ({"C05": "no"}, {"Q06": "no"}),
    ],
)
def test_what_is_said_on_arrival_corrects_the_booking(patient, every_rule, said, known):
    answer(patient, Q04="yes", Q04b="2025-01", Q06="not_sure")
    answer(patient, minutes=90, **said)
    assert {id: word for id, word in known_answers(patient).items() if id in known} == known
    assert ("Q04b" in known_answers(patient)) == (said != {"C04": "yes"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"Q17": "latex", "Q17b": "A rash"}, {"Q17": "latex, numbing", "Q17b": "A rash"}),
        ({"Q17": "none"}, {"Q17": "numbing"}),
        ({"Q17": "numbing"}, {"Q17": "numbing"}),
        ({}, {"Q17": "not_sure, numbing"}),
    ],
)
def test_an_allergy_told_on_arrival_joins_the_others(patient, every_rule, before, after):
    answer(patient, **before)
    answer(patient, minutes=90, C07="allergy")
    known = known_answers(patient)
    del known["Q01"]
    assert known == after
    answer(patient, minutes=180, C07="used_today")
    assert {id: word for id, word in known_answers(patient).items() if id != "Q01"} == after


def test_a_whole_booking_is_kept_under_one_lock(patient, every_rule, django_assert_max_num_queries):
    with django_assert_max_num_queries(6 + 2 * len(BOOKING)):  # each fact, and its line in the trail
        answer(patient, **BOOKING)
    with django_assert_max_num_queries(2):
        answer(patient, minutes=1, **BOOKING)
    assert patient.facts.count() == len(BOOKING)


def test_words_that_are_too_long_are_refused_and_nothing_is_kept(patient, every_rule):
    with pytest.raises(ValidationError):
        answer(patient, Q09="no", Q23="x" * 4001)
    assert patient.facts.count() == 0
