import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from clinic import times
from scheduling import booking
from scheduling.rescreening import keep_answers
from tests.factories import (
    clear_answers,
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_patient,
    make_practitioner,
    make_user,
)
from treatments.catalogue import Stage


@pytest.fixture
def appointment(transactional_db):
    """The first of two visits of today in one column, booked long before; a second practitioner is free."""
    location = make_clinic()
    practitioner = make_practitioner(location)
    make_practitioner(location)
    today = times.day_bounds(times.local_date(times.now(), location.zone), location.zone)[0]
    first, _second = (
        make_appointment(
            location=location,
            practitioner=practitioner,
            patient=make_patient(location, given_name=name),
            starts_at=today + timedelta(hours=hour),
            now=today - timedelta(days=30),
        )
        for name, hour in (("Marta", 10), ("Omar", 14))
    )
    return first


@pytest.fixture
def board(page, appointment, sign_in):
    sign_in(make_user("receptionist", location=appointment.location))
    page.wait_for_load_state()  # the scripts have run
    expect(page.locator(".visit")).to_have_count(2)
    return page


def test_panel_opens_beside_the_board_and_gives_the_focus_back(board, appointment, axe, take_pictures):
    board.locator(".visit").first.click()
    expect(board.locator("#panel h2").first).to_have_text(appointment.patient.name)
    expect(board.locator("#panel h2").first).to_be_focused()
    expect(board).to_have_url(re.compile(rf"\?day=[\d-]+&appointment={appointment.public_id}$"))
    expect(board.locator(".visit").first).to_have_attribute("aria-current", "true")
    axe(board)
    take_pictures(board, "board-panel")
    board.keyboard.press("Escape")
    expect(board.locator("#panel h2")).to_have_count(0)
    expect(board.locator(".visit").first).to_be_focused()
    expect(board).to_have_url(re.compile(r"\?day=[\d-]+$"))


def test_address_of_an_open_panel_opens_it_again(board, appointment):
    board.goto(f"/appointments/{appointment.public_id}/")
    expect(board.locator("#panel h2").first).to_have_text(appointment.patient.name)


def test_keys_walk_through_a_column_and_through_the_days(board, axe, take_pictures):
    axe(board)
    take_pictures(board, "board")
    card = board.locator(".visit").first
    card.focus()
    board.keyboard.press("ArrowDown")
    expect(card).not_to_be_focused()
    board.keyboard.press("ArrowUp")
    expect(card).to_be_focused()
    today = board.locator("h1").inner_text()
    board.keyboard.press("ArrowRight")
    expect(board.locator("h1")).not_to_have_text(today)
    board.keyboard.press("t")
    expect(board.locator("h1")).to_have_text(today)


def test_shortcuts_can_be_turned_off(board):
    board.keyboard.press("?")
    board.get_by_label("Shortcuts are on").uncheck()
    board.keyboard.press("Escape")
    board.keyboard.press("ArrowRight")
    board.keyboard.press("?")
    expect(board.locator("dialog[open]")).to_have_count(0)
    board.reload()
    board.keyboard.press("?")
    expect(board.locator("dialog[open]")).to_have_count(0)


def test_board_is_a_list_without_sideways_scrolling_on_a_phone(board):
    board.set_viewport_size({"width": 390, "height": 844})
    expect(board.locator(".board-off").first).to_be_hidden()
    assert board.evaluate("document.documentElement.scrollWidth") == 390
    names = board.locator(".board-column h2")
    assert names.nth(1).bounding_box()["y"] > names.nth(0).bounding_box()["y"]


def test_what_others_do_is_shown_within_five_seconds_and_disturbs_nobody(board, appointment):
    start, location = appointment.starts_at + timedelta(days=1), appointment.location
    tomorrow = make_appointment(
        location=location, practitioner=appointment.practitioner, starts_at=start, now=start - timedelta(days=30)
    )
    by = {"by": None, "now": times.now()}
    board.goto(f"/board/?day={times.local_date(start, location.zone)}&appointment={tomorrow.public_id}")
    card, light = board.locator(f"#visit-{tomorrow.public_id}"), board.locator("#panel .chip").nth(1)
    expect(light).to_have_text("On hold")
    keep_answers(patient=tomorrow.patient, answers=clear_answers(Stage.BOOKING), **by)
    expect(card).to_contain_text("Booked", timeout=6000)
    expect(light).to_have_text("Clear")

    board.get_by_text("Change the room or the device").click()
    room = board.locator("#panel [name=room]")
    room.select_option(index=1)
    chosen = room.input_value()
    booking.cancel_appointment(appointment=tomorrow, revision=0, **by)
    board.wait_for_timeout(5000)
    expect(room).to_have_value(chosen)
    expect(card).to_contain_text("Booked")
    board.keyboard.press("Escape")
    expect(card).to_contain_text("Cancelled", timeout=6000)


def test_the_number_in_the_side_bar_follows_what_is_done_on_the_board(page, sign_in, transactional_db):
    location, now = make_clinic(), times.now()
    start = times.day_bounds(times.local_date(now, location.zone) + timedelta(days=1), location.zone)[0]
    visit = make_appointment(
        location=location,
        patient=make_clear_patient(location, email=""),
        practitioner=make_practitioner(location),
        starts_at=start + timedelta(hours=10),
        now=now,
    )
    sign_in(make_user("receptionist", location=location))
    page.goto(f"/appointments/{visit.public_id}/")
    expect(page.get_by_role("link", name="Worklists , 2 things wait")).to_be_visible()  # her check, and the call
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("link", name="Worklists , 1 thing waits")).to_be_visible()
