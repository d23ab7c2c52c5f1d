from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from patients.models import MedicalFact
from tests.factories import make_fact, make_location, make_patient, make_user, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def location():
    return make_location()


@pytest.fixture
def patient(location):
    return make_patient(location)


@pytest.fixture
def practitioner(location):
    return signed_in("practitioner", location=location)


def add(patient):
    return reverse("scheduling:fact-create", args=[patient.public_id])


def end(fact):
    return reverse("scheduling:fact-end", args=[fact.patient.public_id, fact.public_id])


def show(patient):
    return reverse("patients:patient-show", args=[patient.public_id])


def typed(**changes):
    return {
        "public_id": str(uuid4()),
        "kind": "condition",
        "subject": "cold sores",
        "answer": "Last in spring",
        "day": "",
        "month": "3",
        "year": "2026",
    } | changes


@pytest.mark.parametrize("role", ["practitioner", "lead"])
def test_who_treats_adds_a_fact(location, patient, role):
    user = make_user(role, location=location)
    assertRedirects(signed_in(user=user).post(add(patient), typed()), show(patient))
    fact = MedicalFact.objects.get()
    assert (fact.kind, fact.subject, fact.answer, fact.on) == ("condition", "Cold sores", "Last in spring", "2026-03")
    assert (fact.patient, fact.recorded_by) == (patient, user)


@pytest.mark.parametrize(
    ("day", "month", "year", "on"),
    [("", "", "", ""), ("", "", "2025", "2025"), ("", "8", "2025", "2025-08"), ("1", "8", "2025", "2025-08-01")],
)
def test_as_much_of_the_date_as_is_known(patient, practitioner, day, month, year, on):
    practitioner.post(add(patient), typed(day=day, month=month, year=year))
    assert MedicalFact.objects.get().on == on


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"kind": ""}, "kind", "Choose what kind of thing this is."),
        ({"kind": "drug"}, "kind", "Select a valid choice. drug is not one of the available choices."),
        ({"subject": "\u200b"}, "subject", "Say what it is, such as the name of the medicine."),
        ({"subject": "12"}, "subject", "Say what it is, such as the name of the medicine."),
        ({"subject": "x" * 10_000}, "subject", "Shorten this and put the rest into the details."),
        ({"answer": "x" * 10_000}, "answer", "Shorten this text to 4000 characters."),
        ({"year": ""}, "year", "Give the year too, or leave the date empty."),
        ({"day": "1", "month": ""}, "month", "Choose the month too, or leave the day empty."),
        (
            {"day": "31", "month": "2"},
            "year",
            "This date is not in the calendar; check the day, the month and the year.",
        ),
        ({"day": "٣"}, "day", "Write the day in figures, from 1 to 31."),
        ({"year": "25"}, "year", "Write the year in four figures, such as 2025."),
        ({"year": "1066"}, "year", "The year must lie between 1900 and 2100."),
    ],
)
def test_mistakes_come_back_by_sentence_with_what_was_typed(patient, practitioner, changes, field, sentence):
    answer = practitioner.post(add(patient), typed(**{"answer": "kept"} | changes))
    assert answer.status_code == 422
    assert answer.context["form"].errors == {field: [sentence]}
    assertContains(answer, changes.get("answer", "kept"), status_code=422)
    assert MedicalFact.objects.count() == 0


def test_posted_twice_makes_one_row(patient, practitioner):
    data = typed()
    practitioner.post(add(patient), data)
    assertRedirects(practitioner.post(add(patient), data), show(patient))
    assert MedicalFact.objects.count() == 1


def test_id_of_a_foreign_fact_changes_nothing(patient, practitioner):
    foreign = make_fact(make_patient(make_location()), subject="Secret")
    practitioner.post(add(patient), typed(public_id=str(foreign.public_id)))
    foreign.refresh_from_db()
    assert (foreign.subject, foreign.superseded_at) == ("Secret", None)
    assert patient.facts.count() == 0


def test_what_is_written_by_hand_never_takes_the_place_of_an_answer(patient, practitioner):
    answer = make_fact(patient, subject="isotretinoin", answer="no")
    practitioner.post(add(patient), typed(kind="medicine", subject="isotretinoin"))
    assert patient.facts.current().count() == 2
    answer.refresh_from_db()
    assert answer.superseded_at is None


def test_end_keeps_the_record(patient, practitioner):
    fact = make_fact(patient)
    assertRedirects(practitioner.post(end(fact)), show(patient))
    assert list(patient.facts.current()) == []
    assert list(patient.facts.all()) == [fact]


@pytest.mark.parametrize("role", ["receptionist", "owner"])
def test_who_does_not_treat_neither_adds_nor_ends(location, patient, role):
    fact = make_fact(patient, subject="Secretdrug")
    client = signed_in(role, location=location)
    for answer in (client.get(add(patient)), client.post(add(patient), typed()), client.post(end(fact))):
        assertNotContains(answer, "Secretdrug", status_code=403)
    assert list(patient.facts.current()) == [fact]


def test_foreign_patient_and_foreign_fact_do_not_exist(patient, practitioner):
    fact = make_fact(make_patient(make_location()))
    answers = [
        practitioner.get(add(fact.patient)),
        practitioner.post(add(fact.patient), typed()),
        practitioner.post(end(fact)),
        practitioner.post(reverse("scheduling:fact-end", args=[patient.public_id, fact.public_id])),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert list(MedicalFact.objects.current()) == [fact]


def test_other_methods_are_refused(patient, practitioner):
    fact = make_fact(patient)
    assert {getattr(practitioner, m)(end(fact)).status_code for m in ("get", "head", "put", "delete", "options")} == {
        405
    }
    assert {getattr(practitioner, m)(add(patient)).status_code for m in ("put", "patch", "delete", "options")} == {405}


def test_opening_the_form_is_written_down(location, patient, practitioner):
    practitioner.get(add(patient))
    openings = LogEntry.objects.get_for_object(patient).filter(action=LogEntry.Action.ACCESS)
    assert openings.count() == 1
