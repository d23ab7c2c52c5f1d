"""Signing in, and choosing the location on the screen."""

import subprocess
import sys
from uuid import uuid4

import pytest
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from tests.factories import PASSWORD, make_clinic, make_user, signed_in
from tests.servers import ROOT, clean_environment

pytestmark = pytest.mark.django_db

LOGIN = reverse("clinic:login")
BOARD = reverse("scheduling:board-day")
HOME = reverse("scheduling:home")
PATIENTS = reverse("patients:patient-list")
SWITCH = reverse("clinic:location-switch")
WRONG = "This user name and password do not belong together."


def sign_in(client, user, password=PASSWORD, **extra):
    return client.post(LOGIN, {"username": user.username, "password": password} | extra)


# --- Signing in -------------------------------------------------------------------------------------------------------


def test_the_right_password_opens_the_board(client):
    user = make_user("receptionist", location=make_clinic())
    assertRedirects(sign_in(client, user), HOME, target_status_code=302)


def test_signing_in_leads_to_the_page_that_was_asked_for(client):
    user = make_user("receptionist", location=make_clinic())
    asked = client.get(PATIENTS)
    assertRedirects(asked, f"{LOGIN}?next={PATIENTS}")
    assertRedirects(sign_in(client, user, next=PATIENTS), PATIENTS)


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"])
def test_signing_in_never_leads_elsewhere(client, elsewhere):
    user = make_user("receptionist", location=make_clinic())
    assertRedirects(sign_in(client, user, next=elsewhere), HOME, target_status_code=302)


def test_a_wrong_password_is_told_and_the_user_name_stays(client):
    user = make_user("receptionist")
    page = sign_in(client, user, "a guess of mine")
    assertContains(page, WRONG)
    assertContains(page, user.username)
    assertNotContains(page, "a guess of mine")
    assert "_auth_user_id" not in client.session


def test_accounts_that_are_unknown_or_switched_off_get_the_same_answer(client):
    switched_off = make_user("receptionist", is_active=False)
    unknown = make_user("receptionist")
    unknown.delete()
    for user in (switched_off, unknown):
        assertContains(sign_in(client, user), WRONG)
        assert "_auth_user_id" not in client.session


def test_whoever_is_signed_in_needs_no_login_page():
    client = signed_in("receptionist", location=make_clinic())
    assertRedirects(client.get(LOGIN), HOME, target_status_code=302)


def test_ten_wrong_tries_close_an_account_for_a_while_and_no_other(client):
    user, colleague = make_user("receptionist", location=make_clinic()), make_user("owner", location=make_clinic())
    for _each in range(9):
        assert sign_in(client, user, "a guess").status_code == 200
    assert sign_in(client, user, "a guess").status_code == 429
    closed = sign_in(client, user)
    assertContains(closed, "Too many wrong tries for this account.", status_code=429)
    assert "_auth_user_id" not in client.session
    assertRedirects(sign_in(client, colleague), HOME, target_status_code=302)


def test_signing_out_needs_a_post_and_ends_the_session():
    client = signed_in("receptionist", location=make_clinic())
    assert client.get(reverse("clinic:logout")).status_code == 405
    assertRedirects(client.post(reverse("clinic:logout")), LOGIN)
    assertRedirects(client.get(BOARD), f"{LOGIN}?next={BOARD}")


def test_demo_accounts_are_named_in_the_demo_alone(client, tmp_path):
    assertNotContains(client.get(LOGIN), "Demo accounts")
    program = """
import django; django.setup()
from django.test import Client
print(Client(headers={"host": "localhost"}).get("/login/").text)
"""
    env = clean_environment() | {"MODE": "demo", "VAR_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "clinic.settings"}
    page = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "Demo accounts" in page
    assert [name for name in ("reception", "practitioner", "lead", "owner") if f">{name}<" in page] == [
        "reception",
        "practitioner",
        "lead",
        "owner",
    ]


# --- The location on the screen ---------------------------------------------------------------------------------------


@pytest.fixture
def places():
    return [make_clinic(name="Ashgrove"), make_clinic(name="Birchwood")]


@pytest.fixture
def client_of_both(places):
    user = make_user("receptionist", location=places[0])
    user.locations.add(places[1])
    return signed_in(user=user)


def on_screen(client) -> str:
    return client.get(BOARD).context["board"].location.name


def test_the_first_location_is_on_the_screen_until_another_is_chosen(client_of_both, places):
    assert on_screen(client_of_both) == "Ashgrove"
    answer = client_of_both.post(SWITCH, {"location": places[1].public_id, "next": PATIENTS})
    assertRedirects(answer, PATIENTS)
    assert on_screen(client_of_both) == "Birchwood"


@pytest.mark.parametrize("chosen", ["foreign", "unknown", "Birchwood", "", None])
def test_a_location_that_is_not_ones_own_does_not_exist(client_of_both, chosen):
    foreign = make_clinic(name="Foreign")
    known = {"foreign": str(foreign.public_id), "unknown": str(uuid4())}
    answer = client_of_both.post(SWITCH, {} if chosen is None else {"location": known.get(chosen, chosen)})
    assert answer.status_code == 404
    assert on_screen(client_of_both) == "Ashgrove"


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example/", "//elsewhere.example", r"/\elsewhere.example", "javascript:x", ""]
)
def test_a_switch_never_leads_elsewhere(client_of_both, places, elsewhere):
    answer = client_of_both.post(SWITCH, {"location": places[1].public_id, "next": elsewhere})
    assertRedirects(answer, HOME, target_status_code=302)


def test_a_location_that_was_taken_away_leaves_the_screen(client_of_both, places):
    client_of_both.post(SWITCH, {"location": places[1].public_id})
    places[1].staff.clear()
    assert on_screen(client_of_both) == "Ashgrove"


def test_a_link_switches_nothing(client_of_both, places):
    assert client_of_both.get(SWITCH, {"location": places[1].public_id}).status_code == 405
    assert on_screen(client_of_both) == "Ashgrove"
