from datetime import timedelta
from random import Random
from zoneinfo import ZoneInfo

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
from treatments.answers import answered_at, answers_about, compose_facts, known_answers, on_file, record_answers
from treatments.catalogue import read, shipped_text
from treatments.catalogue.spec import NOT_SURE
from treatments.publishing import publish_catalogue
from treatments.screening import evaluate

pytestmark = pytest.mark.django_db

EVERYTHING = {"Q04": "yes", "Q04b": "2025-08", "Q05": "yes", "Q05c": "may_pause"}


@pytest.fixture
def patient():
    publish_catalogue(text=text_with_the_owners_rules(), by=None, now=NOW)
    return make_patient(make_location())


def answer(patient, *, minutes=0, zones=(), **answers):
    record_answers(patient=patient, answers=answers, by=None, now=NOW + timedelta(minutes=minutes), zones=zones)


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


def test_what_is_known_takes_two_queries(patient, django_assert_num_queries):
    answer(patient, **EVERYTHING)
    with django_assert_num_queries(2):
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


TOLD = [
    {"Q04": "yes", "Q04b": "2025-08", "Q14": "eczema", "Q14b": "yes", "Q14c": "cheeks"},
    {"Q04": "yes", "Q14": "eczema", "Q14b": "no"},
    {"Q04": "no", "Q14": "none"},
    {"Q04": "not_sure", "Q14": "psoriasis"},
]


@pytest.mark.parametrize("last", TOLD)
@pytest.mark.parametrize("first", TOLD)
def test_an_answer_takes_the_place_of_all_that_followed_from_the_one_before(patient, every_rule, first, last):
    answer(patient, zones=["cheeks"], **first)
    answer(patient, minutes=90, zones=["cheeks"], **last)
    assert known_answers(patient) == last | {"Q01": patient.date_of_birth.isoformat()}


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
    of_skin = sum(read().questions[id].of_skin for id in BOOKING)
    # each fact, the skin that it is about, and the line of either in the trail
    with django_assert_max_num_queries(8 + 2 * (len(BOOKING) + of_skin)):
        answer(patient, **BOOKING)
    with django_assert_max_num_queries(2):
        answer(patient, minutes=1, **BOOKING)
    assert patient.facts.count() == len(BOOKING)


def test_words_that_are_too_long_are_refused_and_nothing_is_kept(patient, every_rule):
    with pytest.raises(ValidationError):
        answer(patient, Q09="no", Q23="x" * 4001)
    assert patient.facts.count() == 0


# --- Answers about skin -----------------------------------------------------------------------------------------------


CHEEKS, CHIN, NECK = "cheeks", "chin_jaw", "neck"


def counts(patient, *zones):
    """What is known, as it counts for some skin."""
    return answers_about(zones, on_file(patient), read())


def test_an_answer_about_skin_clears_the_skin_that_was_asked_about_and_no_other(patient, every_rule):
    answer(patient, zones=[CHEEKS, CHIN], Q15="no", Q19="none", Q21="2020", Q09="no")
    for zones in ([CHEEKS], [CHEEKS, CHIN]):
        assert counts(patient, *zones) == known_answers(patient)
    for zones in ([NECK], [CHEEKS, NECK], []):
        other = counts(patient, *zones)
        assert (other["Q15"], other["Q19"], "Q21" in other, other["Q09"]) == ("not_sure", "not_sure", False, "no")


def test_an_answer_about_skin_that_was_not_named_clears_none_that_is(patient, every_rule):
    answer(patient, Q15="no")
    assert (counts(patient)["Q15"], counts(patient, CHEEKS)["Q15"]) == ("no", "not_sure")


def test_what_is_written_down_by_itself_clears_no_skin(patient, every_rule):
    record_fact(
        patient=patient,
        kind="condition",
        subject="sore or broken skin where treatment is wanted",
        answer="no",
        by=None,
        now=NOW,
    )
    assert counts(patient, CHEEKS)["Q15"] == "not_sure"


@pytest.mark.parametrize(
    ("zones", "said"),
    [
        ([CHEEKS], {"Q15": "yes", "Q15b": "cheeks", "Q19": "laser"}),
        ([CHEEKS, CHIN], {"Q15": "yes", "Q15b": "cheeks, not_sure", "Q19": "laser, not_sure"}),
        ([CHIN], {"Q15": "not_sure", "Q15b": "cheeks", "Q19": "laser, not_sure"}),
    ],
)
def test_what_speaks_against_a_visit_goes_on_speaking_beside_other_skin(patient, every_rule, zones, said):
    answer(patient, zones=[CHEEKS], Q15="yes", Q15b="cheeks", Q19="laser", Q19b="2025-12-24")
    assert counts(patient, *zones).items() >= (said | {"Q19b": "2025-12-24"}).items()


@pytest.mark.parametrize(
    ("zones", "said", "kept"),
    [
        ([NECK], {"Q20": "no"}, ("yes", "chin_jaw")),
        ([NECK], {"Q20": "yes", "Q20b": "neck"}, ("yes", "chin_jaw, neck")),
        ([NECK, CHEEKS], {"Q20": "yes", "Q20b": "neck"}, ("yes", "chin_jaw, neck")),
        ([NECK], {"Q20": "not_sure"}, ("yes", "chin_jaw, not_sure")),
        ([CHEEKS, CHIN], {"Q20": "no"}, ("no", None)),
        ([], {"Q20": "no"}, ("yes", "chin_jaw")),
    ],
)
def test_places_on_other_skin_stay_known(patient, every_rule, zones, said, kept):
    answer(patient, zones=[CHIN], Q20="yes", Q20b="chin_jaw")
    answer(patient, minutes=5, zones=zones, **said)
    known = known_answers(patient)
    assert (known["Q20"], known.get("Q20b")) == kept


@pytest.mark.parametrize(
    ("zones", "said", "kept"),
    [
        ([NECK], {"Q19": "none"}, {"Q19": "laser", "Q19b": "2025-12-24"}),
        ([NECK], {"Q19": "filler", "Q19e": "2025"}, {"Q19": "laser, filler", "Q19b": "2025-12-24", "Q19e": "2025"}),
        ([NECK], {"Q19": "laser", "Q19b": "2025-06"}, {"Q19": "laser", "Q19b": "2025-12-24"}),
        ([NECK], {"Q19": "laser", "Q19b": "2026-01"}, {"Q19": "laser", "Q19b": "2026-01"}),
        ([NECK], {"Q19": "laser"}, {"Q19": "laser"}),  # on a day that nobody knows
        ([CHEEKS, NECK], {"Q19": "none"}, {"Q19": "none"}),
    ],
)
def test_what_was_done_to_other_skin_stays_known_with_its_latest_day(patient, every_rule, zones, said, kept):
    answer(patient, zones=[CHEEKS], Q19="laser", Q19b="2025-12-24")
    answer(patient, minutes=5, zones=zones, **said)
    assert {id: word for id, word in known_answers(patient).items() if id != "Q01"} == kept


@pytest.mark.parametrize(("said", "kept"), [("2019", "2025-11"), ("2025-12", "2025-12")])
def test_the_younger_of_two_scars_counts_for_both(patient, every_rule, said, kept):
    answer(patient, zones=[CHEEKS], Q21="2025-11")
    answer(patient, minutes=5, zones=[NECK], Q21=said)
    assert counts(patient, CHEEKS, NECK)["Q21"] == kept


def test_the_same_answer_about_more_skin_is_no_repetition(patient, every_rule):
    answer(patient, zones=[CHEEKS], Q15="no")
    answer(patient, minutes=1, zones=[CHEEKS], Q15="no")
    assert patient.facts.count() == 1
    answer(patient, minutes=2, zones=[CHIN], Q15="no")
    assert counts(patient, CHEEKS, CHIN)["Q15"] == "no"


@pytest.mark.parametrize("seed", range(12))
def test_no_visit_passes_on_an_answer_about_other_skin(patient, every_rule, seed):
    """Whatever was said in whatever order: what is found clear was last said to be so of each zone."""
    rng, catalogue = Random(seed), read()
    last = {}
    for turn in range(4):
        zones = rng.sample([CHEEKS, CHIN, NECK], rng.randint(0, 2))
        here = zones or [NOT_SURE]
        said, places = rng.choice(["yes", "no", "no", "not_sure"]), rng.sample(here, rng.randint(1, len(here)))
        done = rng.choice(["none", "none", "laser", "not_sure"])
        dated = {"Q19b": "2026-01-10"} if done == "laser" else {}
        answer(
            patient,
            minutes=60 * turn,
            zones=zones,
            **{"Q15": said, "Q19": done} | ({"Q15b": ", ".join(places)} if said == "yes" else {}) | dated,
        )
        for zone in here:
            is_sore = {"yes": zone in places or NOT_SURE in places, "no": False}.get(said)
            last[zone] = (is_sore, {"none": False, "laser": True}.get(done))
    for visit in ([CHEEKS], [CHIN], [CHEEKS, CHIN], [CHIN, NECK], [CHEEKS, CHIN, NECK], []):
        for rule, about in (("E01", 0), ("E15b", 1)):
            [finding] = evaluate(
                catalogue=catalogue,
                answers=counts(patient, *visit),
                stage="booking",
                visit_start=NOW + timedelta(days=7),
                zone=ZoneInfo("Europe/London"),
                zones=visit,
                rule=rule,
            ).findings
            if finding.outcome == "pass" or finding.zones:
                treated = set(visit or [NOT_SURE]) - set(finding.zones)
                assert {last.get(zone, (None, None))[about] for zone in treated} == {False}
