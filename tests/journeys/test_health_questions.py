"""The health questions of a booking with every rule on: what is asked follows what is chosen and answered."""

import pytest
from playwright.sync_api import expect

from tests.factories import make_catalogue, make_clinic, make_patient, make_practitioner, make_user
from treatments.answers import known_answers

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def choose(page, question, answer):
    page.locator(f"label[for=id_{question}_{answer}]").click()


def test_the_questions_of_a_booking_follow_the_wishes_and_the_answers(
    page, sign_in, axe, take_pictures, answer_clearly
):
    location = make_clinic()
    make_catalogue()
    make_practitioner(location, hours=[("09:00", "18:00")])
    patient = make_patient(location)
    sign_in(make_user("receptionist", location=location))
    page.goto(f"/bookings/new/?patient={patient.public_id}")

    # what the treatment and the zones leave out
    scar, cold_sores = page.locator("#div_id_Q21"), page.locator("#div_id_Q13")
    expect(scar).to_be_visible()
    page.get_by_label("What would the patient like to improve?").select_option("melasma")
    expect(scar).to_be_hidden()
    page.get_by_label("What would the patient like to improve?").select_option("scar_surgical")
    expect(scar).to_be_visible()
    page.locator("[name=zones][value=neck]").check()
    expect(cold_sores).to_be_hidden()
    page.locator("[name=zones][value=perioral]").check()
    expect(cold_sores).to_be_visible()

    # where a tattoo is, among the zones that are chosen
    where = page.locator("#div_id_Q20b")
    choose(page, "Q20", 0)
    expect(where.locator("label:visible")).to_have_text(["Around the mouth", "Neck", "Not sure"])
    page.locator("[name=zones][value=neck]").uncheck()
    expect(where).to_be_hidden()
    page.locator("[name=zones][value=neck]").check()
    choose(page, "Q20", 1)
    expect(where).to_be_hidden()

    # what an answer brings
    medicine, laser = page.locator("#div_id_Q05b"), page.locator("#div_id_Q19b")
    expect(medicine).to_be_hidden()
    choose(page, "Q05", 0)
    expect(medicine).to_be_visible()
    choose(page, "Q05", 1)
    expect(medicine).to_be_hidden()
    page.get_by_label("Laser, strong light or a medium peel").check()
    page.get_by_label("Needling", exact=True).check()
    expect(laser).to_be_visible()
    expect(page.locator("#div_id_Q19a")).to_be_hidden()
    axe(page)
    take_pictures(page, "health-questions")

    # what is missing is told, and what was typed stays
    page.locator("[name=Q21]").fill("03/2024")
    page.get_by_role("button", name="Show free times").click()
    expect(page.get_by_text("Please tick what is true; “None” is an answer too.").first).to_be_visible()
    expect(page.locator("[name=Q21]")).to_have_value("03/2024")
    expect(laser).to_be_visible()
    axe(page)

    answer_clearly(page, leaving=("Q19", "Q21"))
    page.locator("[name=Q19b]").fill("2024")
    page.locator("[name=Q19g]").fill("2024")
    page.get_by_role("button", name="Show free times").click()
    expect(page.get_by_text("Nothing stands in the way", exact=True)).to_be_visible()
    assert known_answers(patient)["Q19"] == "laser, needling"

    # the next call: one tick for each group
    page.goto(f"/bookings/new/?patient={patient.public_id}")
    expect(page.locator("#div_id_Q09")).to_be_visible()
    page.locator("[name=same-health]").check()
    expect(page.locator("#div_id_Q09")).to_be_hidden()
    take_pictures(page, "health-questions-again")
