import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.db import connection
from django.db.models import F

from patients.models import Patient
from tests.factories import make_location, make_patient

pytestmark = pytest.mark.django_db

WORDS = "Reacts to the blue cream.\nZoë says: Δ, 漢, 🌿"


@pytest.fixture
def patient():
    return make_patient(make_location(), note=WORDS)


def read_again(patient) -> str:
    return Patient.objects.get(pk=patient.pk).note


def stored(patient) -> str:
    """What somebody reads who has the database and not the key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM patients_patient WHERE id = %s", [patient.pk])
        return cursor.fetchone()[0]


def test_text_comes_back_as_it_was_written(patient):
    assert read_again(patient) == WORDS
    assert list(Patient.objects.values_list("note", flat=True)) == [WORDS]


def test_stored_text_shows_nothing_of_what_was_written(patient):
    assert stored(patient).startswith("v1:")
    assert not [word for word in ("cream", "Zoë", "blue") if word in stored(patient)]


def test_the_same_words_are_stored_differently_each_time(patient):
    other = make_patient(patient.locations.get(), note=WORDS)
    assert stored(other) != stored(patient)


def test_an_update_is_encrypted_too(patient):
    Patient.objects.filter(pk=patient.pk).update(note="Moved to Leeds")
    assert "Leeds" not in stored(patient)
    assert read_again(patient) == "Moved to Leeds"


def test_no_text_is_stored_as_no_text(patient):
    Patient.objects.filter(pk=patient.pk).update(note="")
    assert (stored(patient), read_again(patient)) == ("", "")


def test_a_new_key_in_front_writes_and_the_old_one_still_reads(patient, settings):
    old = settings.FIELD_ENCRYPTION_KEYS
    new = [Fernet.generate_key().decode()]
    settings.FIELD_ENCRYPTION_KEYS = new + old
    later = make_patient(patient.locations.get(), note="Written later")
    assert (read_again(patient), read_again(later)) == (WORDS, "Written later")
    settings.FIELD_ENCRYPTION_KEYS = new
    assert read_again(later) == "Written later"
    with pytest.raises(ValueError, match="FIELD_ENCRYPTION_KEYS"):
        read_again(patient)


@pytest.mark.parametrize("tampered", ["v1:", "v1:bm90IGEgdG9rZW4=", "Reacts to the blue cream."])
def test_what_no_key_reads_is_an_error_and_never_an_empty_text(patient, tampered):
    Patient.objects.filter(pk=patient.pk).update(note="Reacts")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patients_patient SET note = %s WHERE id = %s", [tampered, patient.pk])
    with pytest.raises(ValueError, match="a key that FIELD_ENCRYPTION_KEYS does not hold"):
        read_again(patient)


@pytest.mark.parametrize(
    "lookup",
    [{"note": WORDS}, {"note__icontains": "cream"}, {"note__in": [WORDS]}, {"note__gt": ""}, {"note": F("email")}],
)
def test_it_cannot_be_searched(patient, lookup):
    with pytest.raises(FieldError, match="note is encrypted and cannot be searched"):
        Patient.objects.filter(**lookup).exists()


def test_it_can_be_asked_whether_there_is_any(patient):
    assert Patient.objects.filter(note__isnull=False).get() == patient
