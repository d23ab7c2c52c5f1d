from datetime import timedelta
from functools import partial

import pytest
from django.db import connection

from tests.factories import NOW, make_arrival, make_clinic, make_patient, make_user
from tests.races import outcomes
from treatments import consents
from treatments.catalogue import shipped_text
from treatments.models import Consent
from treatments.publishing import publish_catalogue

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def arrival(given="Zoë", family="Åkesson-O’Neil", **wish):
    clinic = make_clinic()
    return make_arrival(
        location=clinic, patient=make_patient(clinic, given_name=given, family_name=family), **wish
    ).session


def sign(session, typed_name="Zoë Åkesson", by=None, **changes):
    return consents.sign_consent(
        **{"session": session, "typed_name": typed_name, "version": consents.consent_text()[0]}
        | {"by": by or make_user("receptionist"), "now": NOW}
        | changes
    )


def test_the_text_is_that_of_the_current_catalogue():
    session = arrival()
    version, text = consents.consent_text()
    assert version == 1
    assert "I may stop at any moment" in text
    publish_catalogue(text=shipped_text().replace("consent:\n  version: 1", "consent:\n  version: 2"), by=None, now=NOW)
    assert consents.consent_text() == (2, text)
    assert sign(session).text_version == 2


def test_a_signature_keeps_the_words_that_were_read():
    session, witness = arrival(), make_user("receptionist")
    consent = sign(session, by=witness)
    version, text = consents.consent_text()
    assert (consent.text_version, consent.text, consent.typed_name) == (version, text, "Zoë Åkesson")
    assert (consent.signed_at, consent.witnessed_by) == (NOW, witness)


def test_a_signature_is_unreadable_in_the_database():
    sign(arrival())
    with connection.cursor() as cursor:
        cursor.execute("SELECT typed_name FROM treatments_consent")
        assert cursor.fetchone()[0].startswith("v1:")


@pytest.mark.parametrize("version", [0, 2])
def test_another_version_than_the_current_one_is_not_signed(version):
    session = arrival()
    with pytest.raises(consents.OtherVersion, match="read the new one"):
        sign(session, version=version)
    assert Consent.objects.count() == 0


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "\u3164\u2800", "42 !"])
def test_a_name_can_be_read(name):
    with pytest.raises(consents.NameMissing, match="type your first and last name"):
        sign(arrival(), typed_name=name)


def test_a_name_that_is_too_long_is_refused_and_not_cut():
    session = arrival()
    with pytest.raises(consents.NameMissing, match="140"):
        sign(session, typed_name="Zoë " + "x" * 137)
    assert len(sign(session, typed_name="Zoë " + "x" * 136).typed_name) == 140


@pytest.mark.parametrize(
    "name",
    [
        "zoe",
        "ÅKESSON",
        "Akesson-ONeil Zoe",
        "Z. O'Neil",
        "  Zoë\u200b   Meyer ",
    ],
)
def test_one_word_of_her_name_is_enough_however_it_is_written(name):
    assert sign(arrival(), typed_name=name).session


@pytest.mark.parametrize("name", ["Tom Baker", "Zo", "Zoëakesson", "O", "Z"])
def test_somebody_elses_name_is_not_hers(name):
    with pytest.raises(consents.OtherName, match="type your own name"):
        sign(arrival(), typed_name=name)


@pytest.mark.parametrize("name", ["李明", "明李", "李 明"])
def test_scripts_without_a_space_between_names(name):
    assert sign(arrival("明", "李"), typed_name=name)


def test_a_signature_posted_twice_is_one():
    session = arrival()
    first = sign(session)
    assert sign(session, now=NOW + timedelta(minutes=1)) == first
    assert Consent.objects.get().signed_at == NOW


def test_a_second_and_different_signature_is_refused():
    session = arrival()
    sign(session)
    with pytest.raises(consents.SignedAlready):
        sign(session, typed_name="Zoë")


def test_a_signature_stands_when_the_text_changes_later():
    session = arrival()
    first = sign(session)
    publish_catalogue(text=shipped_text().replace("consent:\n  version: 1", "consent:\n  version: 2"), by=None, now=NOW)
    assert sign(session, version=1) == first


@pytest.mark.django_db(transaction=True)
def test_the_same_signature_from_many_tabs_is_one():
    session, witness = arrival(), make_user("receptionist")
    assert outcomes([partial(sign, session, by=witness)] * 4) == {"done": 4}
    assert Consent.objects.count() == 1
