from datetime import UTC, date, datetime, timedelta

import pytest

from patients.health import Alert, HealthOnFile, alerts_of, date_in_words, fact_lines, health_on_file, in_words
from tests.factories import NOW, make_fact, make_location, make_patient, make_user

pytestmark = pytest.mark.django_db


def test_reception_is_told_how_many_and_since_when():
    location = make_location()
    patient = make_patient(location)
    make_fact(patient, recorded_at=NOW)
    make_fact(patient, recorded_at=datetime(2026, 6, 30, 23, 30, tzinfo=UTC))  # 00:30 on 1 July in London
    make_fact(patient, recorded_at=NOW + timedelta(days=400), superseded_at=NOW + timedelta(days=401))
    assert health_on_file(patient, location.zone) == HealthOnFile(count=2, last_given=date(2026, 7, 1))


def test_nothing_on_file():
    location = make_location()
    assert health_on_file(make_patient(location), location.zone) == HealthOnFile(count=0, last_given=None)


def test_fact_lines_are_current_facts_in_words_by_kind(django_assert_num_queries):
    location, user = make_location(), make_user("practitioner", name="Noor Rahman")
    patient = make_patient(location)
    make_fact(patient, kind="allergy", subject="Latex", recorded_by=user)
    make_fact(patient, subject="isotretinoin", answer="not_sure", on="2025-08", recorded_by=user)
    make_fact(patient, subject="Ended", superseded_at=NOW)
    make_fact(make_patient(location), subject="Somebody else's")
    with django_assert_num_queries(1):
        lines = fact_lines(patient, location.zone)
    assert [(line.kind, line.subject, line.answer, line.on, line.recorded_by) for line in lines] == [
        ("Medicine", "Isotretinoin", "Not sure", "August 2025", "Noor Rahman"),
        ("Allergy", "Latex", "", "", "Noor Rahman"),
    ]


def test_alerts_are_what_a_patient_has_allergies_first(django_assert_num_queries):
    location = make_location()
    patient = make_patient(location)
    make_fact(patient, kind="condition", subject="cold sores", answer="yes", on="2025-03")
    make_fact(patient, kind="condition", subject="diabetes", answer="no")
    make_fact(patient, kind="condition", subject="breastfeeding", answer="does_not_apply")
    make_fact(patient, kind="condition", subject="skin in strong sun", answer="II")
    make_fact(patient, kind="condition", subject="own choice and time to think", answer="yes")
    make_fact(patient, kind="condition", subject="keloids", answer="not_sure")
    make_fact(patient, kind="allergy", subject="allergies", answer="none")
    make_fact(patient, kind="allergy", subject="latex", answer="Rash from gloves")
    make_fact(patient, kind="allergy", subject="nickel", superseded_at=NOW)
    make_fact(patient, subject="cetirizine", answer="yes")
    with django_assert_num_queries(1):
        alerts = alerts_of(patient)
    assert alerts == [
        Alert(is_allergy=True, title="Latex", details="Rash from gloves"),
        Alert(is_allergy=False, title="Keloids", details="Not sure"),
        Alert(is_allergy=False, title="Cold sores", details="March 2025"),
    ]


@pytest.mark.parametrize(
    ("on", "words"),
    [("2025-08-31", "31 August 2025"), ("2025-08", "August 2025"), ("2025", "2025"), ("still", "still"), ("", "")],
)
def test_date_in_words_claims_no_more_than_is_known(on, words):
    assert date_in_words(on) == words


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("keep_taking", "Keep taking"),
        ("yes", "Yes"),
        ("10 mg, as_needed", "10 mg, as_needed"),
        ("", ""),
        ("light_peel, laser", "Light peel, laser"),
        ("last_12_months", "Last 12 months"),
        ("IV", "IV"),
    ],
)
def test_in_words(said, words):
    assert in_words(said) == words
