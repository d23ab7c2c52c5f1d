"""The check before a visit as a patient does it, and what the clinic sees of it on screens that were open before."""

import re
from datetime import time, timedelta

import pytest
from playwright.sync_api import Page, expect

from clinic import times
from scheduling import booking
from scheduling.models import PatientAnswers, PatientLink
from tests.factories import (
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_link,
    make_practitioner,
    make_user,
    signed_in,
)
from treatments.models import Screening

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def phone(new_context) -> Page:
    page = new_context(viewport=PHONE, locale="en-GB").new_page()
    page.emulate_media(reduced_motion="reduce")
    return page


@pytest.fixture
def at_desk(new_context, live_server):
    """Opens a page as a member of staff, in a browser of her own."""

    def opened(user, path: str) -> Page:
        context = new_context(locale="en-GB")
        cookies = signed_in(user=user).cookies.items()
        context.add_cookies([{"name": name, "value": cookie.value, "url": live_server.url} for name, cookie in cookies])
        page = context.new_page()
        page.goto(live_server.url + path)
        page.wait_for_load_state()
        return page

    return opened


def newest_mail(post, count: int):
    return post.wait_for(lambda mail: mail.recipients == ("olivia@example.org",), timeout=40, count=count)[-1]


def choose(page: Page, label: str) -> None:
    page.locator(".option label", has_text=re.compile(f"^{label}$")).click()
    go_on(page, "Save and go on")


def go_on(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.locator(".big-button", has_text=name).click()


def give_date(page: Page, day: str, month: str, year: str) -> None:
    for label, value in {"Day": day, "Month": month, "Year": year}.items():
        page.get_by_label(label).fill(value)


def test_a_sunburn_two_days_before_is_answered_on_the_phone_seen_at_once_and_moves_the_visit(
    phone, post, set_clock, axe, at_desk
):
    location = make_clinic(name="Larkfield", emergency_phone="999")
    patient = make_clear_patient(location, given_name="Olivia", email="olivia@example.org")
    now = times.now()
    in_four_days = times.local_date(now, location.zone) + timedelta(days=4)
    visit = make_appointment(
        location=location,
        patient=patient,
        practitioner=(practitioner := make_practitioner(location)),
        starts_at=times.at_local(in_four_days, time(14), location.zone),
        now=now,
    )
    newest_mail(post, 1)
    set_clock(visit.starts_at - timedelta(hours=47))
    mail = newest_mail(post, 2)
    [address] = set(re.findall(r"http://\S+/v/[\w-]+/", mail.text))
    token = address.strip("/").rpartition("/")[2]
    assert token not in mail.subject
    assert "Open my visit" in mail.text

    # nothing about her health before the date of birth, which she first mistypes
    phone.goto(address)
    expect(phone).to_have_url(re.compile(r"/v/[0-9a-f-]{36}/$"))
    expect(phone.get_by_role("heading", name="Hello Olivia")).to_be_visible()
    axe(phone)
    give_date(phone, "17", "5", "1991")
    go_on(phone, "Continue")
    expect(phone.get_by_text("You have 4 tries left.")).to_be_visible()
    axe(phone)
    give_date(phone, "17", "5", "1990")
    go_on(phone, "Try again")
    expect(phone.get_by_role("heading", name=re.compile("Before your visit on"))).to_be_visible()
    axe(phone)
    go_on(phone, "Start")

    # one question a page; an answer that is left out is asked for, and what was typed stays
    expect(phone.get_by_text("Question 1 of 7")).to_be_visible()
    axe(phone)
    go_on(phone, "Save and go on")
    expect(phone.get_by_text("Please choose an answer")).to_be_visible()
    axe(phone)
    for _each in ("changed", "cold sore", "sore spots"):
        choose(phone, "No")
    assert PatientAnswers.objects.get().sent_at is None
    assert is_easy_to_hit(phone)
    choose(phone, "Yes")
    expect(phone.get_by_text("Question 4 of 7: one more detail")).to_be_visible()
    burnt_on = times.local_date(times.now(), location.zone) - timedelta(days=1)
    give_date(phone, str(burnt_on.day), "", str(burnt_on.year))
    go_on(phone, "Save and go on")
    expect(phone.get_by_text("Please give the month too")).to_be_visible()
    axe(phone)
    phone.get_by_label("Month").fill(str(burnt_on.month))
    go_on(phone, "Save and go on")

    # she closes the page; the link in the mail brings her back to where she was
    phone.goto(address)
    expect(phone.get_by_text("Question 5 of 7")).to_be_visible()
    for _each in ("creams", "hair", "unwell"):
        choose(phone, "No")
    expect(phone.get_by_role("heading", name="Check your answers")).to_be_visible()
    expect(phone.get_by_role("link", name="Change")).to_have_count(8)
    axe(phone)
    where = f"?day={in_four_days}"
    board = at_desk(make_user("receptionist", location=location), f"/board/{where}&appointment={visit.public_id}")
    her_day = at_desk(practitioner.user, f"/day/{where}")
    expect(board.locator("#panel .chip", has_text="Clear")).to_be_visible()
    expect(her_day.get_by_text("On hold")).to_have_count(0)
    go_on(phone, "Send my answers")
    expect(phone.get_by_role("heading", name="We need to move your visit. It is free.")).to_be_visible()
    first_day = f"{burnt_on + timedelta(days=14):%A {(burnt_on + timedelta(days=14)).day} %B %Y}"
    expect(phone.locator(".first-day")).to_have_text(first_day)
    expect(phone.get_by_text("In an emergency, call 999 first.")).to_be_visible()
    axe(phone)
    screening = Screening.objects.newest_first().first()
    assert (screening.stage, screening.cause, screening.outcome) == ("previsit", "answers", "block")
    assert [link.purpose for link in PatientLink.objects.all()] == ["previsit", "booking"]

    # the screens that were open show it by themselves, to reception without the reason
    expect(board.locator("#panel .chip", has_text="On hold")).to_be_visible(timeout=5000)
    expect(her_day.get_by_text("On hold").first).to_be_visible(timeout=5000)
    assert "sunburn" not in board.content().lower()

    # the visit moves to where it may be, and there the same is asked anew
    moved = booking.move_appointment(
        appointment=visit,
        starts_at=times.at_local(burnt_on + timedelta(days=14), time(14), location.zone),
        practitioner=practitioner,
        revision=visit.revision,
        by=None,
        now=times.now(),
    )
    assert (Screening.objects.newest_first().first().stage, moved.revision) == ("booking", 1)
    newest_mail(post, 3)  # tells the new time
    set_clock(moved.starts_at - timedelta(hours=47))
    [address] = set(re.findall(r"http://\S+/v/[\w-]+/", newest_mail(post, 4).text))
    phone.goto(address)
    give_date(phone, "17", "5", "1990")
    go_on(phone, "Continue")
    go_on(phone, "Start")
    expect(phone.get_by_text("Question 1 of 7")).to_be_visible()
    expect(phone.locator(".option input:checked")).to_have_count(0)


@pytest.fixture
def asked(live_server):
    """A visit in two days of somebody in whose way nothing stands, and the address that her mail holds."""
    location = make_clinic(name="Larkfield")
    patient = make_clear_patient(location, given_name="Olivia")
    day = times.local_date(times.now(), location.zone) + timedelta(days=2)
    starts_at = times.at_local(day, time(14), location.zone)
    visit = make_appointment(location=location, patient=patient, starts_at=starts_at, now=times.now())
    _link, token = make_link(visit, now=times.now())
    return visit, f"{live_server.url}/v/{token}/"


def pass_the_gate(page: Page, address: str) -> None:
    page.goto(address)
    give_date(page, "17", "5", "1990")
    go_on(page, "Continue")
    go_on(page, "Start")


def test_who_is_not_sure_is_called_back(phone, asked, at_desk):
    visit, address = asked
    pass_the_gate(phone, address)
    choose(phone, "No")
    choose(phone, "Not sure")
    for _each in range(5):
        choose(phone, "No")
    go_on(phone, "Send my answers")
    expect(phone.get_by_role("heading", name="We will call you.")).to_be_visible()
    expect(phone.get_by_text("The reception of Larkfield")).to_be_visible()

    desk = at_desk(make_user("receptionist", location=visit.location), "/worklists/")
    row = desk.get_by_role("region", name="To call back").get_by_role("listitem")
    expect(row.get_by_text(visit.patient.phone)).to_be_visible()
    row.get_by_role("link", name="Open the visit").click()
    desk.get_by_role("button", name="I have called").click()
    expect(desk.get_by_text("Noted that you called.")).to_be_visible()
    expect(desk.get_by_role("button", name="I have called")).to_have_count(0)
    phone.reload()
    go_on(phone, "Please call me")
    expect(phone.get_by_text("You are on the list since")).to_be_visible()


def test_a_wide_screen_shows_a_question_among_those_of_its_part(phone, asked):
    _visit, address = asked
    pass_the_gate(phone, address)
    for _each in range(5):
        choose(phone, "No")
    others, question = phone.locator(".question-beside").first, phone.locator("#question")
    expect(question).to_be_in_viewport()
    expect(others).to_be_hidden()
    phone.set_viewport_size({"width": 1440, "height": 700})
    phone.goto(phone.url)
    expect(others.get_by_role("link", name="Change")).to_have_count(5)
    expect(question).to_be_in_viewport()
    expect(phone.locator(".options")).to_be_in_viewport(ratio=1)
    others.get_by_role("link", name="Change").first.click()
    expect(phone.locator("input:checked")).to_have_value("no")
    expect(phone.locator(".question-beside").last.get_by_role("link", name="Change")).to_have_count(4)
    phone.get_by_text("Yes", exact=True).first.click()
    phone.keyboard.press("Enter")
    expect(phone.locator(".question-parts li")).not_to_have_count(1)  # the questions of the booking are asked again


def is_easy_to_hit(page: Page) -> bool:
    """Options of 66 px, buttons of 58, no text under 16, and nothing to scroll sideways for."""
    return page.evaluate(
        """() => {
          const shown = [...document.querySelectorAll(".option label, .big-button")].filter((e) => e.offsetParent);
          const high = (selector) => Math.min(...shown.filter((e) => e.matches(selector)).map((e) => e.offsetHeight));
          const texts = [...document.querySelectorAll("main *, header, footer *")].filter((e) => e.textContent.trim());
          const least = Math.min(...texts.map((e) => parseFloat(getComputedStyle(e).fontSize)));
          return high(".option label") >= 66 && high(".big-button") >= 58 && least >= 16
            && document.documentElement.scrollWidth <= innerWidth;
        }"""
    )
