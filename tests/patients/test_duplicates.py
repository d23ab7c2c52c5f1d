from datetime import date

import pytest

from patients.duplicates import MOST_SHOWN, likely_duplicates
from tests.factories import make_location, make_patient

pytestmark = pytest.mark.django_db

BORN = date(1992, 3, 12)
NEW = {"given_name": "Marta", "family_name": "Lindholm", "date_of_birth": BORN, "email": "", "phone": ""}


def likely(location, **known):
    return likely_duplicates(**NEW | known, locations=[location])


@pytest.mark.parametrize(
    ("given", "family"),
    [
        ("Marta", "Lindholm"),
        ("MÁRTA", "Lindholm"),
        ("Martha", "Nordqvist"),
        ("Lindholm", "Marta"),
        ("Tara", "Lindholm"),
        ("Lindholn", "X"),
    ],
)
def test_same_birth_date_and_a_similar_name(given, family):
    location = make_location()
    patient = make_patient(location, given_name=given, family_name=family, date_of_birth=BORN)
    assert likely(location) == [patient]


@pytest.mark.parametrize(
    ("given", "family", "born"), [("Omar", "Haddad", BORN), ("Marta", "Lindholm", date(1992, 12, 3))]
)
def test_neither_the_birth_date_nor_the_name_alone(given, family, born):
    location = make_location()
    make_patient(location, given_name=given, family_name=family, date_of_birth=born)
    assert likely(location) == []


@pytest.mark.parametrize(
    ("stored", "typed"),
    [("020 7946 0812", "02079460812"), ("+44 20 7946 0812", "020 7946 0812"), ("12345", "123-45")],
)
def test_same_phone(stored, typed):
    location = make_location()
    patient = make_patient(location, phone=stored)
    assert likely(location, phone=typed) == [patient]


@pytest.mark.parametrize(("stored", "typed"), [("020 7946 0812", "020 7946 0813"), ("912345", "12345"), ("", "")])
def test_another_phone(stored, typed):
    location = make_location()
    make_patient(location, phone=stored)
    assert likely(location, phone=typed) == []


def test_same_email_whatever_its_case():
    location = make_location()
    patient = make_patient(location, email="Marta.L@example.org")
    make_patient(location, email="xmarta.l@example.org")
    make_patient(location, email="")
    assert likely(location, email="marta.l@EXAMPLE.org") == [patient]


def test_other_locations_are_not_looked_at():
    location, elsewhere = make_location(), make_location()
    make_patient(elsewhere, given_name="Marta", family_name="Lindholm", date_of_birth=BORN)
    assert likely(location) == []


def test_one_query_and_at_most_eight(django_assert_num_queries):
    location = make_location()
    for _ in range(MOST_SHOWN + 1):
        make_patient(location, email="family@example.org")
    with django_assert_num_queries(1):
        assert len(likely(location, email="family@example.org")) == MOST_SHOWN
