"""A browser in a patient's hands: where it may go, and how staff take it back."""

from dataclasses import asdict

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from clinic.handover import KEY, Handover
from tests.clinic.test_access_matrix import MATRIX
from tests.factories import PASSWORD, make_clinic, make_user, signed_in
from tests.scene import CONTACTS, HTMX, Scene, said, stored

pytestmark = pytest.mark.django_db

UNLOCK = reverse("clinic:unlock")
BOARD = reverse("scheduling:board-day")
HOME = reverse("scheduling:home")
LOGIN = reverse("clinic:login")
PLACE = reverse("scheduling:booking-create")  # any page will do; nothing here knows what is handed over
BACK = reverse("patients:patient-list")


def locked(client: Client) -> Client:
    session = client.session
    session[KEY] = asdict(Handover(PLACE, BACK))
    session.save()
    return client


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def user(clinic):
    return make_user("receptionist", location=clinic)


@pytest.fixture
def tablet(user):
    return locked(signed_in(user=user))


def unlock(client, user, password=PASSWORD):
    return client.post(UNLOCK, {"username": user.username, "password": password})


# --- Locked -----------------------------------------------------------------------------------------------------------


def test_the_place_that_was_handed_over_is_open_and_no_other_page_is(tablet):
    assert tablet.get(PLACE).status_code == 200
    assertRedirects(tablet.get(BOARD), PLACE)
    assertRedirects(tablet.get("/no/such/page/"), PLACE)
    assertRedirects(tablet.get("/"), PLACE)


def test_no_address_leads_out_of_it_by_any_method(scene: Scene):
    client = locked(signed_in(user=scene.staff["owner"]))
    before, left = stored(), []
    for name, row in MATRIX.items():
        url = scene.url(name, row.about)
        if url in (PLACE, UNLOCK):
            continue
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
            answer = client.generic(method, url)
            if (answer.status_code, answer.headers.get("Location")) != (302, PLACE):
                left.append(f"{method} {name}: {answer.status_code}")
            fragment = client.generic(method, url, headers=HTMX)
            if fragment.status_code != 403:
                left.append(f"{method} {name} as a fragment: {fragment.status_code}")
            left += [f"{name} says {word}" for word in CONTACTS if word in said(answer) + said(fragment)]
    assert left == []
    assert stored() == before


def test_whatever_keeps_it_in_is_private_and_cannot_be_framed(tablet):
    answer = tablet.get(BOARD)
    assert answer["Cache-Control"] == "no-store, private"
    assert answer["X-Frame-Options"] == "DENY"


def test_nothing_is_locked_for_anybody_else(tablet, user):
    assert signed_in(user=user).get(BOARD).status_code == 200


def test_the_end_of_the_account_ends_the_lock_at_the_login_page(tablet, user):
    user.session_version += 1
    user.save()
    assertRedirects(tablet.get(BOARD), f"{LOGIN}?next={BOARD}")


# --- Taken back -------------------------------------------------------------------------------------------------------


def test_the_own_password_takes_it_back(tablet, user):
    assertContains(tablet.get(UNLOCK), "Take the tablet back")
    assertRedirects(unlock(tablet, user), BACK)
    assert tablet.get(BOARD).status_code == 200


def test_a_colleague_takes_it_back_and_goes_on_as_herself(tablet, clinic):
    colleague = make_user("practitioner", location=clinic)
    assertRedirects(unlock(tablet, colleague), BACK)
    assert tablet.get(BOARD).wsgi_request.user == colleague


def test_a_wrong_password_leaves_it_locked_and_is_told(tablet, user):
    page = unlock(tablet, user, "a guess of mine")
    assertContains(page, "This user name and password do not belong together.")
    assertNotContains(page, "a guess of mine")
    assertRedirects(tablet.get(BOARD), PLACE)


def test_an_account_that_was_switched_off_unlocks_nothing(tablet, clinic):
    unlock(tablet, make_user("receptionist", location=clinic, is_active=False))
    assertRedirects(tablet.get(BOARD), PLACE)


def test_ten_wrong_tries_close_the_account_here_as_at_the_login_page(tablet, user):
    assert [unlock(tablet, user, f"guess {number}").status_code for number in range(10)] == [200] * 9 + [429]
    closed = unlock(tablet, user)
    assertContains(closed, "Too many wrong tries for this account.", status_code=429)
    assertContains(closed, PLACE, status_code=429)
    assertRedirects(tablet.get(BOARD), PLACE)
    assert Client().post(LOGIN, {"username": user.username, "password": PASSWORD}).status_code == 429


def test_the_page_shows_no_way_into_the_clinic(tablet):
    page = tablet.get(UNLOCK).text
    assert "<nav" not in page
    assert 'id="find"' not in page


def test_where_nothing_is_locked_there_is_nothing_to_unlock(user):
    client = signed_in(user=user)
    assertRedirects(client.get(UNLOCK), HOME, target_status_code=302)
    assertRedirects(unlock(client, user), HOME, target_status_code=302)
