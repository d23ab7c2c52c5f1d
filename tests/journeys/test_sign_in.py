import re

import pytest
from playwright.sync_api import expect

from tests.factories import make_location, make_user


@pytest.fixture
def receptionist(transactional_db):
    return make_user("receptionist", location=make_location())


def test_login_page_has_no_accessibility_faults(page, axe, take_pictures):
    page.goto("/login/")
    axe(page)
    take_pictures(page, "login")


def test_a_wrong_password_is_refused_on_the_page_and_the_right_one_opens_the_board(page, axe, receptionist, sign_in):
    page.goto("/login/")
    page.locator("[name=username]").fill(receptionist.username)
    page.locator("[name=password]").fill("not it at all")
    page.locator("form button:not([type=button])").click()
    expect(page.locator("[name=password]")).to_have_value("")
    expect(page).to_have_url(re.compile(r"/login/"))
    axe(page)
    sign_in(receptionist)
    expect(page).to_have_url(re.compile(r"/board/"))
