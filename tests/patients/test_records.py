from datetime import date, timedelta
from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.core.exceptions import ValidationError

from clinic.editing import EditedMeanwhile
from patients.models import MedicalFact, Patient
from patients.records import AlreadySaved, create_patient, end_fact, record_fact, update_patient
from tests.factories import NOW, make_fact, make_location, make_patient, make_user

pytestmark = pytest.mark.django_db

MARTA = {"given_name": "Marta", "family_name": "Lindholm", "date_of_birth": date(1992, 3, 12)}


def edit(patient, revision=None, **changes):
    details = {
        name: getattr(patient, name)
        for name in ("given_name", "family_name", "date_of_birth", "email", "phone", "note")
    }
    revision = patient.revision if revision is None else revision
    return update_patient(patient=patient, revision=revision, now=NOW, **details | changes)


def test_create_patient_cleans_what_was_typed_and_folds_it_for_search():
    location = make_location()
    patient = create_patient(
        location=location,
        now=NOW,
        given_name=" Zo\u200bë ",
        family_name="Åke\x00sson",
        date_of_birth=date(1992, 3, 12),
        email=" zoe@example.org ",
        phone="+44 (0)20 7946-0812",
        note="Likes to lie flat.\r\nThursdays.",
    )
    patient.refresh_from_db()
    assert (patient.name, patient.email) == ("Zoë Åkesson", "zoe@example.org")
    assert (patient.search_name, patient.phone_digits) == ("zoe akesson", "4402079460812")
    assert patient.note == "Likes to lie flat.\nThursdays."
    assert (patient.created_at, patient.revision) == (NOW, 0)
    assert list(patient.locations.all()) == [location]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("given_name", "\u200b\u3164 ", "Give a name with at least one letter."),
        ("family_name", "123", "Give a name with at least one letter."),
        ("family_name", "x" * 61, "Shorten this name to 60 characters."),
        ("given_name", "\ufdfa" * 60, "Shorten this name to 60 characters."),  # each folds to eighteen characters
        ("date_of_birth", date(1899, 12, 31), "Give a date of birth after 1900."),
        ("date_of_birth", date(1, 1, 1), "Give a date of birth after 1900."),
        ("date_of_birth", NOW.date() + timedelta(days=1), "This date of birth lies in the future. Check the year."),
        ("email", "marta@", "Write the whole e-mail address, such as name@example.org."),
        ("email", "marta@localhost", "Write the whole e-mail address, such as name@example.org."),
        (
            "email",
            f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 10}.org",
            "No e-mail address is this long. Check it for a slip.",
        ),
        ("phone", "call me", "Write the phone number in digits, such as 020 7946 0812 or +44 20 7946 0812."),
        ("phone", "1234", "Write the phone number in digits, such as 020 7946 0812 or +44 20 7946 0812."),
        ("phone", "١٢٣٤٥٦٧", "Write the phone number in digits, such as 020 7946 0812 or +44 20 7946 0812."),
        ("phone", "1" * 31, "Write the phone number in digits, such as 020 7946 0812 or +44 20 7946 0812."),
        ("note", "x" * 4001, "Shorten this text to 4000 characters."),
    ],
)
def test_create_patient_refuses_by_sentence(field, value, sentence):
    with pytest.raises(ValidationError) as refused:
        create_patient(location=make_location(), now=NOW, **MARTA | {field: value})
    assert refused.value.message_dict == {field: [sentence]}
    assert Patient.objects.count() == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("given_name", "x" * 60),
        ("date_of_birth", date(1900, 1, 1)),
        ("date_of_birth", NOW.date()),
        ("phone", "12345"),
        ("note", "x" * 4000),
        ("family_name", "<script>alert(1)</script>"),
    ],
)
def test_create_patient_takes_the_last_value_before_a_refusal(field, value):
    patient = create_patient(location=make_location(), now=NOW, **MARTA | {field: value})
    patient.refresh_from_db()
    assert getattr(patient, field) == value


def test_create_patient_names_every_field_at_fault_at_once():
    with pytest.raises(ValidationError) as refused:
        create_patient(location=make_location(), now=NOW, **MARTA | {"given_name": "1", "email": "x"})
    assert set(refused.value.message_dict) == {"given_name", "email"}


def test_create_patient_twice_with_one_public_id_makes_one_row():
    location, public_id = make_location(), uuid4()
    first = create_patient(location=location, now=NOW, public_id=public_id, **MARTA)
    with pytest.raises(AlreadySaved) as refused:
        create_patient(location=location, now=NOW, public_id=public_id, **MARTA)
    assert refused.value.patient == first
    assert Patient.objects.count() == 1


def test_update_patient_stores_and_raises_the_revision():
    patient = make_patient(make_location(), phone="07700 900001")
    edit(patient, family_name="Berg", phone="")
    patient.refresh_from_db()
    assert (patient.family_name, patient.phone, patient.phone_digits, patient.revision) == ("Berg", "", "", 1)
    assert patient.search_name == "olivia berg"


def test_update_patient_refuses_an_old_revision_and_hands_out_what_is_stored():
    patient = make_patient(make_location())
    edit(patient, given_name="Ada")
    with pytest.raises(EditedMeanwhile) as refused:
        edit(patient, revision=0, given_name="Eva")
    assert refused.value.stored.given_name == "Ada"
    patient.refresh_from_db()
    assert (patient.given_name, patient.revision) == ("Ada", 1)


def test_update_patient_refuses_what_cannot_be_stored():
    patient = make_patient(make_location())
    with pytest.raises(ValidationError):
        edit(patient, given_name="\u200b")
    patient.refresh_from_db()
    assert (patient.given_name, patient.revision) == ("Olivia", 0)


def test_audit_names_the_fields_and_never_their_words():
    patient = make_patient(make_location(), note="prefers Thursdays")
    edit(patient, family_name="Secretname", note="likes tea")
    trail = list(LogEntry.objects.get_for_object(patient).order_by("pk"))
    assert set(trail[-1].changes) == {"family_name", "search_name", "note", "revision"}
    told = " ".join(f"{entry.object_repr} {entry.changes} {entry.additional_data}" for entry in trail)
    for word in ("Secretname", "secretname", "Olivia", "likes tea", "Thursdays", patient.email):
        assert word not in told


def test_record_fact_keeps_who_said_what_and_when():
    user = make_user("practitioner")
    patient = make_patient(make_location())
    fact = record_fact(
        patient=patient,
        kind="medicine",
        subject=" Cetirizine\x00 ",
        answer="10 mg\r\ndaily",
        on="2025-08",
        by=user,
        now=NOW,
    )
    fact.refresh_from_db()
    assert (fact.kind, fact.subject, fact.answer, fact.on) == ("medicine", "Cetirizine", "10 mg\ndaily", "2025-08")
    assert (fact.recorded_at, fact.recorded_by, fact.superseded_at) == (NOW, user, None)


def test_record_fact_takes_the_place_of_the_same_subject_alone():
    patient, later = make_patient(make_location()), NOW + timedelta(days=1)
    old = make_fact(patient, subject="isotretinoin", answer="yes", on="2025")
    by_hand = make_fact(patient, subject="Isotretinoin")
    other_kind = make_fact(patient, subject="isotretinoin", kind="allergy")
    new = record_fact(patient=patient, kind="medicine", subject="isotretinoin", answer="no", by=None, now=later)
    assert set(patient.facts.current()) == {new, by_hand, other_kind}
    old.refresh_from_db()
    assert (old.superseded_at, old.answer) == (later, "yes")


@pytest.mark.parametrize("on", ["", "still", "2025", "2025-08", "2024-02-29"])
def test_record_fact_takes_as_much_of_a_date_as_is_known(on):
    fact = record_fact(patient=make_patient(make_location()), kind="medicine", subject="X", on=on, by=None, now=NOW)
    assert fact.on == on


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"subject": "\u200b"}, "subject"),
        ({"subject": "x" * 121}, "subject"),
        ({"answer": "x" * 4001}, "answer"),
        ({"on": "31.08.2025"}, "on"),
        ({"on": "2025-02-30"}, "on"),
        ({"on": "1066"}, "on"),
    ],
)
def test_record_fact_refuses_what_cannot_be_stored(words, field):
    patient = make_patient(make_location())
    with pytest.raises(ValidationError) as refused:
        record_fact(patient=patient, kind="medicine", by=None, now=NOW, **{"subject": "X"} | words)
    assert list(refused.value.message_dict) == [field]
    assert MedicalFact.objects.count() == 0


def test_record_fact_twice_with_one_public_id_makes_one_row():
    patient, public_id = make_patient(make_location()), uuid4()
    facts = [
        record_fact(patient=patient, kind="allergy", subject="Latex", by=None, now=NOW, public_id=public_id)
        for _ in range(2)
    ]
    assert facts[0] == facts[1]
    assert MedicalFact.objects.count() == 1


def test_end_fact_ends_once():
    fact = make_fact(make_patient(make_location()))
    end_fact(fact=fact, now=NOW)
    end_fact(fact=fact, now=NOW + timedelta(days=1))
    fact.refresh_from_db()
    assert fact.superseded_at == NOW


def test_audit_of_a_fact_never_names_what_it_says():
    patient = make_patient(make_location())
    record_fact(patient=patient, kind="medicine", subject="methotrexate", answer="weekly", by=None, now=NOW)
    record_fact(patient=patient, kind="medicine", subject="methotrexate", answer="ended", by=None, now=NOW)
    entries = LogEntry.objects.filter(content_type__model="medicalfact").order_by("pk")
    assert [set(entry.changes) for entry in entries if entry.action == LogEntry.Action.UPDATE] == [{"superseded_at"}]
    told = " ".join(f"{entry.object_repr} {entry.changes} {entry.additional_data}" for entry in entries)
    for word in ("methotrexate", "weekly"):
        assert word not in told
