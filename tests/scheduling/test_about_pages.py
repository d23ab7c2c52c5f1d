import pytest
from django.test import Client
from django.urls import reverse

from clinic.times import now
from tests.factories import make_catalogue, make_location
from tests.reading import words
from treatments import catalogue
from treatments.publishing import publish_catalogue

pytestmark = pytest.mark.django_db


def leaflet():
    return Client().get(reverse("scheduling:about-treatment"))


def test_leaflet_names_the_only_clinic_and_none_of_several():
    make_location(name="Larkfield Skin Clinic", phone="+44 20 7946 0112", address="12 Orchard Row")
    page = leaflet()
    assert "Call us: +44 20 7946 0112" in words(page) and 'href="tel:+442079460112"' in page.text
    assert "Larkfield Skin Clinic" in words(page) and "Orchard" not in page.text
    make_location(name="Second Clinic", phone="020 7946 0999")
    page = leaflet()
    assert "tel:" not in page.text and "7946" not in page.text and "Clinic" not in page.text
    assert "You find the phone number of your clinic in each of our mails." in words(page)


def test_leaflet_has_the_numbers_of_the_current_catalogue():
    make_catalogue()
    changes = {
        "sessions: {min: 4, typical: 4, max: 6, tag: seed}": "sessions: {min: 6, typical: 6, max: 6, tag: seed}",
        "test: {kind: since_last_date, months: 6, boundary": "test: {kind: since_last_date, months: 8, boundary",
    }
    text = catalogue.shipped_text()
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after, 1)
    publish_catalogue(text=text, by=None, now=now())
    said = words(leaflet())
    assert "Fine lines 6 treatments then 1 to 2 refreshers every year" in said
    assert "Deep wrinkles 4 to 6 treatments" in said
    assert "in the last 8 months" in said


@pytest.mark.parametrize(("number", "named"), [("999", "Call 999 now if"), ("", "Call the emergency number now if")])
def test_leaflet_names_the_emergency_number_of_the_only_clinic(number, named):
    make_location(emergency_phone=number)
    assert named in words(leaflet())


def test_leaflet_stands_before_the_first_catalogue_is_published():
    assert "Burn scar up to 5 treatments" in words(leaflet())


def test_leaflet_knows_nothing_of_who_reads_it(django_assert_num_queries):
    make_catalogue()
    make_location()
    with django_assert_num_queries(2):
        page = leaflet()
    assert page.cookies == {}


def test_contents_lead_to_every_section():
    page = leaflet().text
    anchors = [part.partition('"')[0] for part in page.split('<a href="#')[1:]]
    sections = [part.partition('"')[0] for part in page.split('<section id="')[1:]]
    assert anchors == sections == ["what", "good-for", "for-whom", "before", "during", "after", "call", "how-many"]
