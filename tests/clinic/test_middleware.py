from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from clinic.middleware import keep_private
from tests.factories import NOW, make_appointment, make_clinic, make_user, signed_in

pytestmark = pytest.mark.django_db

BOARD = reverse("scheduling:board-day")


# --- Broken text ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/board/%00", f"{BOARD}?day=%00", f"{BOARD}?day=2026-01-12&x=a%00b", "/%00/login/"])
def test_a_null_character_in_the_address_is_refused_before_anything_else(client, path):
    assert client.get(path).status_code == 400


def test_its_name_written_out_is_plain_text(client):
    """%2500 is the text "%00", which every database stores."""
    assert client.get(f"{BOARD}?day=%2500").status_code == 302


# --- Caches -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [BOARD, reverse("patients:patient-list"), "/no/such/page/"])
def test_pages_stay_out_of_every_cache_and_apart_from_their_fragments(path):
    page = signed_in("receptionist", location=make_clinic()).get(path)
    assert page["Cache-Control"] == "no-store, private"
    assert "HX-Request" in page["Vary"].split(", ")


def test_somebody_who_is_not_signed_in_meets_the_same(client):
    assert client.get(BOARD)["Cache-Control"] == "no-store, private"
    assert "no-store" in client.get(reverse("clinic:login"))["Cache-Control"]


def test_so_does_what_is_answered_before_any_view(client):
    without_its_slash, broken = client.get("/v/a-token"), client.get("/v/%00/")
    assert (without_its_slash.status_code, broken.status_code) == (301, 400)
    assert {answer["Cache-Control"] for answer in (without_its_slash, broken)} == {"no-store, private"}


def test_an_answer_that_says_how_it_may_be_kept_is_left_alone():
    answer = keep_private(lambda request: HttpResponse(headers={"Cache-Control": "max-age=60"}))(
        RequestFactory().get("/")
    )
    assert (answer["Cache-Control"], answer["Vary"]) == ("max-age=60", "HX-Request")


# --- The clock on the wall --------------------------------------------------------------------------------------------


def visits(client, patient) -> str:
    return client.get(reverse("scheduling:patient-visits", args=[patient.public_id])).text


def test_times_are_those_of_the_location_on_the_screen():
    london = make_clinic(name="A London clinic")
    berlin = make_clinic(name="B Berlin clinic", zone_name="Europe/Berlin")
    user = make_user("receptionist", location=london)
    user.locations.add(berlin)
    client = signed_in(user=user)
    booked = make_appointment(location=london, starts_at=NOW + timedelta(days=7, hours=3))  # 10:00 UTC
    assert "Mon 19 Jan 2026, 10:00" in visits(client, booked.patient)
    client.post(reverse("clinic:location-switch"), {"location": berlin.public_id})
    assert "Mon 19 Jan 2026, 11:00" in visits(client, booked.patient)
    assert timezone.get_current_timezone_name() == "UTC"  # nothing of it is left to the next request


def test_an_account_without_a_location_is_told_so():
    answer = signed_in("receptionist").get(BOARD)
    assert answer.status_code == 403
    assert "Your account belongs to no location yet." in answer.text


# --- Addresses that are no pages --------------------------------------------------------------------------------------


def test_the_address_of_a_button_says_what_it_is_and_leads_staff_back():
    answer = signed_in("receptionist", location=make_clinic()).get(reverse("clinic:logout"))
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "Nothing was changed." in answer.text
    assert "To the day board" in answer.text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [("/no/such/page/", 404, "There is nothing here"), ("/about-the-treatment/", 405, "This address is no page")],
)
def test_somebody_who_is_no_staff_is_not_led_to_the_board(client, path, status, words):
    answer = client.post(path)
    assert answer.status_code == status
    assert words in answer.text
    assert "day board" not in answer.text
