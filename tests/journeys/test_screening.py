"""A hold on an immune medicine, from the worklist to the clear light; reception reads no word of it."""

from datetime import time, timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from clinic import times
from tests.factories import make_appointment, make_clear_patient, make_clinic, make_practitioner, make_user, signed_in
from treatments.answers import record_answers
from treatments.models import PrescriberAdvice, Screening

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MEDICINE = "azathioprine"


@pytest.fixture
def held():
    """A visit in a week, on hold because nobody but the patient says that the prescriber has agreed."""
    location, now = make_clinic(), times.now()
    patient = make_clear_patient(location, given_name="Nadia", family_name="Rahimi")
    answers = {"Q05": "yes", "Q05b": MEDICINE, "Q05c": "may_pause"}
    record_answers(patient=patient, answers=answers, by=None, now=now)
    return make_appointment(
        location=location,
        patient=patient,
        practitioner=make_practitioner(location),
        starts_at=times.at_local(times.local_date(now, location.zone) + timedelta(days=7), time(10), location.zone),
        now=now,
    )


def test_a_hold_ends_with_the_advice_of_the_prescriber(page, sign_in, held, axe, take_pictures):
    lead = make_user("lead", location=held.location, name="Helen Kovac")
    sign_in(lead)
    page.goto(reverse("scheduling:worklists"))
    expect(page.get_by_role("link", name="Nadia Rahimi").first).to_be_visible()
    page.goto(reverse("scheduling:screening-show", args=[held.public_id]))
    expect(page.get_by_role("heading", name="Nadia Rahimi")).to_be_visible()
    expect(page.get_by_text("Needs a look", exact=True)).to_be_visible()
    expect(page.get_by_text("it counts once it is recorded who said so, and when").first).to_be_visible()
    axe(page)
    take_pictures(page, "screening-review")

    # who said so is asked for, and nothing typed is lost
    form = page.locator("#advice form")
    expect(form.locator("[name=medicine]")).to_have_value(MEDICINE)
    form.get_by_text("A pause is fine").click()
    form.get_by_role("button", name="Write it down").click()
    expect(page.get_by_text("Write who said so")).to_be_visible()
    expect(page.locator("#advice [name=medicine]")).to_have_value(MEDICINE)
    axe(page)
    form = page.locator("#advice form")
    form.locator("[name=said_by]").fill("Dr Amara Obi")
    form.locator("[name=said_on]").fill(times.local_date(times.now(), held.location.zone).isoformat())
    form.get_by_role("button", name="Write it down").click()
    expect(page.get_by_text("Dr Amara Obi").first).to_be_visible()
    take_pictures(page, "screening-advice")
    screening = Screening.objects.newest_first().first()
    assert (screening.cause, screening.stands_in_the_way, screening.created_by) == ("advice", False, lead)
    assert PrescriberAdvice.objects.get().said == "may_pause"

    reception = signed_in("receptionist", location=held.location)
    for address in (
        reverse("scheduling:screening-show", args=[held.public_id]),
        f"{reverse('scheduling:board-day')}?day={times.local_date(held.starts_at, held.location.zone)}",
        reverse("scheduling:worklists"),
        reverse("patients:patient-show", args=[held.patient.public_id]),
    ):
        told = reception.get(address).content.decode().lower()
        assert "rahimi" in told or address == reverse("scheduling:worklists")
        assert [word for word in (MEDICINE, "immune", "prescriber") if word in told] == []
