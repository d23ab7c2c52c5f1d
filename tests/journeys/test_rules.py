"""The clinical lead makes a rule stricter: tried before, published, and on every visit to come by a real worker."""

import re
from datetime import time, timedelta

import pytest
from playwright.sync_api import expect

from clinic import times
from tests.factories import (
    make_appointment,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_practitioner,
    make_user,
)
from tests.servers import beat, environment, worker
from treatments.answers import record_answers

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def background(live_server):
    env = environment(SITE_URL=live_server.url, SWEEP_SECONDS=1)
    with worker(env), beat(env):
        yield


def visits(clinic, now):
    """Somebody whose six months are just over on the day of her visit, and somebody who never took it."""
    practitioner = make_practitioner(clinic)
    start = times.at_local(times.local_date(now, clinic.zone) + timedelta(days=7), time(10), clinic.zone)
    close, clear = make_clear_patient(clinic, given_name="Ida"), make_clear_patient(clinic)
    last = times.minus_months(times.local_date(start, clinic.zone), 6)
    record_answers(patient=close, answers={"Q04": "yes", "Q04b": last.isoformat()}, by=None, now=now)
    booked = {"location": clinic, "practitioner": practitioner, "now": now}
    return (
        make_appointment(patient=close, starts_at=start, **booked),
        make_appointment(patient=clear, starts_at=start + timedelta(hours=2), **booked),
    )


def test_a_stricter_rule_is_tried_published_and_reaches_the_visits(page, sign_in, axe, background, take_pictures):
    make_catalogue()
    clinic = make_clinic(name="Larkfield")
    held, clear = visits(clinic, times.now())
    sign_in(make_user("lead", location=clinic, name="Helen Kovac"))

    page.get_by_role("link", name="Rules").click()
    page.get_by_role("link", name="Isotretinoin capsules").click()
    expect(page.get_by_text("Owner’s document: at least 6 months.")).to_be_visible()

    months = page.locator("[name=months]")
    months.fill("5")
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#rule-trial .alert")).to_contain_text("less strict than the owner’s document")
    months.fill("6")
    page.get_by_role("button", name="Time between it and the visit: more").click()
    expect(months).to_have_value("7")
    page.get_by_role("button", name="Try it").click()
    turned = page.locator("section", has=page.locator("#bookings-title"))
    expect(turned).to_contain_text("visit would be blocked with nobody to lift it")
    expect(turned).to_contain_text("2 visits to come checked, 1 stays as it is.")
    expect(turned.get_by_role("row")).to_have_count(2)
    expect(turned).to_contain_text("Ida")
    axe(page)
    take_pictures(page, "rule-editor")

    page.get_by_role("button", name="Publish version 2").click()
    expect(page.get_by_text("Please fill this in.")).to_be_visible()
    expect(months).to_have_value("7")
    page.locator("[name=note]").fill("A month more, after talking to the dermatologist")
    page.get_by_role("button", name="Publish version 2").click()
    expect(page.get_by_text("Version 2 is in force.")).to_be_visible()
    expect(page.locator("#rule-run")).to_contain_text(
        re.compile(r"Version 2 has looked at 2 visits to come\.\s+1 light has changed\."), timeout=40_000
    )
    lights = [visit.session.screenings.newest_first().first() for visit in (held, clear)]
    assert [(light.catalogue_version.number, light.stands_in_the_way) for light in lights] == [(2, True), (2, False)]

    page.get_by_role("link", name="Versions").click()
    page.get_by_role("link", name="A month more, after talking to the dermatologist").click()
    expect(page.get_by_text("7 months")).to_be_visible()
    axe(page)
