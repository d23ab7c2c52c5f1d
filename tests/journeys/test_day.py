"""The whole day as three people live it: in the browser, with a real worker, a real beat and a real mail server."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from clinic import times
from scheduling import day
from scheduling.models import Appointment
from scheduling.rescreening import keep_answers
from tests.factories import (
    PASSWORD,
    clear_answers,
    make_appointment,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_patient,
    make_practitioner,
    make_user,
)
from treatments.answers import known_answers
from treatments.catalogue import Stage
from treatments.models import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def newest_mail(post, count):
    return post.wait_for(lambda mail: mail.recipients == ("olivia@example.org",), timeout=40, count=count)[-1]


def sign_in(page, user):
    page.goto("/login/")
    page.locator("[name=username]").fill(user.username)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form button:not([type=button])").click()
    expect(page).not_to_have_url(re.compile("/login/"))
    return page


def answer(page, question, value):
    page.locator(f'input[name={question}][value="{value}"] + label').click()


def test_a_day_from_the_sun_mail_to_the_next_session(
    page, new_context, axe, post, set_clock, answer_clearly, take_pictures
):
    location = make_clinic(name="Larkfield")
    zone = location.zone
    make_catalogue()
    practitioner = make_practitioner(location, hours=[("09:00", "18:00")], max_depth_mm="2.00")
    patient = make_clear_patient(location, given_name="Olivia", family_name="Marsh", email="olivia@example.org")
    monday = times.local_date(times.now(), zone) + timedelta(days=7 - times.local_date(times.now(), zone).weekday())
    set_clock(times.at_local(monday, times.QUIET_UNTIL, zone))

    # Monday: reception books a course of three, its first session on Thursday at ten
    reception = sign_in(page, make_user("receptionist", location=location, name="Ellie Brooks"))
    reception.goto(f"/bookings/new/?patient={patient.public_id}&day={monday + timedelta(days=3)}&at=10:00")
    reception.get_by_label("What would the patient like to improve?").select_option("acne_scar_moderate")
    reception.locator("[name=sessions]").select_option("3")
    for group in ("medicines", "health", "skin"):
        reception.locator(f"[name=same-{group}]").check()
    answer(reception, "Q15", "no")
    answer(reception, "Q20", "no")
    answer(reception, "Q19", "none")
    answer(reception, "Q25", "same")
    reception.get_by_role("button", name="Show free times").click()
    expect(reception.locator("input[name=slot]:checked")).to_have_count(1)
    reception.get_by_role("button", name="Book", exact=True).click()
    expect(reception.get_by_text("Booked.")).to_be_visible()
    booked = Appointment.objects.get()
    assert booked.starts_at == times.at_local(monday + timedelta(days=3), times.QUIET_UNTIL, zone) + timedelta(hours=2)
    newest_mail(post, 1)

    # Tuesday: two days before. Wednesday, before ten: the sun mail names the hour and is read before it
    set_clock(booked.starts_at - timedelta(hours=47))
    newest_mail(post, 2)
    set_clock(booked.starts_at - timedelta(hours=25))
    sun = newest_mail(post, 3)
    assert "Wednesday" in sun.text
    assert "10:00" in sun.text
    assert "clean face" in sun.text
    assert times.now() < booked.starts_at - timedelta(hours=24)

    # Thursday: she arrives and answers on the tablet; she was in the sun at six yesterday evening
    set_clock(booked.starts_at - timedelta(minutes=15))
    reception.goto(f"/board/?appointment={booked.public_id}&day={monday + timedelta(days=3)}")
    reception.get_by_role("button", name="Arrived").click()
    reception.locator("#panel").get_by_role("link", name="Check-in").click()
    axe(reception)
    reception.get_by_role("button", name="Hand the tablet to the patient").click()
    answer_clearly(reception, stage=Stage.CHECKIN, known=known_answers(patient), leaving=("C01",))
    answer(reception, "C01", "yes")
    evening = monday + timedelta(days=2)
    for part, value in (("0", evening.isoformat()), ("1", "18:00")):
        reception.locator(f"[name=C01b_{part}]").fill(value)
    axe(reception)
    take_pictures(reception, "checkin-tablet")
    reception.get_by_role("button", name="Next").click()
    reception.locator("[name=typed_name]").fill("Olivia Marsh")
    reception.get_by_role("button", name="I agree and sign").click()
    expect(reception.get_by_text("Please give the tablet back to us.")).to_be_visible()
    reception.goto("/patients/")
    expect(reception).to_have_url(re.compile("checkin/patient"))  # the tablet leads nowhere else
    reception.get_by_role("link", name="For staff").click()
    reception.locator("[name=password]").fill(PASSWORD)
    reception.get_by_role("button").last.click()

    # the clinical lead looks at the skin and lifts the block
    lead = sign_in(new_context().new_page(), make_user("lead", location=location, name="Ada Lead"))
    lead.goto(f"/appointments/{booked.public_id}/checkin/")
    expect(lead.get_by_text("S3").first).to_be_visible()
    take_pictures(lead, "checkin-staff")
    lead.locator("[name=C03]").check()
    answer(lead, "C06", "none")
    lead.get_by_role("button", name="Keep the answers").click()
    lead.locator("[name=kind][value=lift]").check()
    lead.locator("[name=reason]").fill("A walk of ten minutes in the evening sun; the skin is calm and not red.")
    lead.locator("[name=is_skin_checked]").check()
    lead.get_by_role("button", name="Sign the decision").click()
    expect(lead.get_by_text("A walk of ten minutes")).to_be_visible()

    # the practitioner treats
    hands = sign_in(new_context().new_page(), practitioner.user)
    hands.goto(f"/appointments/{booked.public_id}/visit/")
    hands.get_by_role("button", name="Start the visit").click()
    hands.locator("[name=agent]").fill("Lidocaine cream")
    hands.locator("[name=strength_percent]").fill("4")
    hands.locator("#numbing-on").click()
    expect(hands.locator("[name=applied_at]")).not_to_have_value("")
    set_clock(times.now() + timedelta(minutes=30))
    hands.locator("#numbing-off").click()
    expect(hands.locator("[name=removed_at]")).not_to_have_value("")
    cheeks = hands.locator("#zone-cheeks")
    cheeks.locator("[name=depth_mm]").fill("3.1")
    cheeks.locator("[name=passes]").fill("4")
    hands.locator("#zone-cheeks-save").click()
    expect(cheeks.locator(".invalid-feedback").first).to_be_visible()
    expect(cheeks.locator("[name=depth_mm]")).to_have_value("3.1")
    axe(hands)
    cheeks.locator("[name=depth_mm]").fill("1.0")
    hands.locator("#zone-cheeks-save").click()
    expect(cheeks.get_by_text("Set", exact=True)).to_be_visible()
    hands.locator("[name=cartridge_make]").fill("Aurel 12")
    hands.locator("[name=cartridge_lot]").fill("26K-1187")
    hands.locator("[name=cartridge_expires_on]").fill((monday + timedelta(days=300)).isoformat())
    hands.locator("#cartridge-save").click()
    for name, value in {
        "endpoint": "even_redness",
        "bleeding": "none",
        "redness": "2",
        "swelling": "1",
        "pain": "3",
    }.items():
        answer(hands, name, value)
    hands.locator("[name=is_aftercare_given]").check()
    hands.locator("#result-save").click()
    hands.get_by_role("button", name="Needling has ended").click()
    expect(hands.get_by_text("Everything is there")).to_be_visible()
    hands.get_by_role("button", name="Sign the record").click()
    expect(hands.get_by_text("The record stays as it is")).to_be_visible()
    hands.locator("#amendments [name=text]").fill("The left cheek stung a little more than the right.")
    hands.get_by_role("button", name="Sign the amendment").click()
    expect(hands.get_by_text("The left cheek stung")).to_be_visible()
    axe(hands)
    visit = Visit.objects.get()
    assert (visit.signed_by, visit.amendments.count()) == (practitioner.user, 1)
    assert str(visit.zone_records.get().depth_mm) == "1.00"

    # two hours, one day and two days after
    for number, hours in enumerate((2, 24, 48), start=4):
        set_clock(visit.ended_at + timedelta(hours=hours, minutes=1))
        mail = newest_mail(post, number)
        assert location.phone in mail.text
    assert len(post.messages) == 6

    # the course offers its second session four weeks on
    reception.goto(f"/courses/{booked.session.course.public_id}/")
    reception.get_by_role("link", name="Book session 2").first.click()
    values = reception.locator("input[name=slot]").evaluate_all("inputs => inputs.map(input => input.value)")
    assert min(value[:10] for value in values) >= (monday + timedelta(days=3 + 28)).isoformat()
    assert max(value[:10] for value in values) <= (monday + timedelta(days=3 + 56)).isoformat()
    reception.locator("label.slot").first.click()
    reception.get_by_role("button", name="Book", exact=True).click()
    expect(reception.get_by_text("Booked.")).to_be_visible()
    assert Appointment.objects.get(session__number=2).state == "booked"


def test_her_day_follows_what_others_do_within_five_seconds_and_disturbs_nobody(page, sign_in, set_clock):
    location, by = make_clinic(), {"by": None}
    practitioner = make_practitioner(location)
    visit = make_appointment(location=location, practitioner=practitioner, patient=make_patient(location))
    set_clock(visit.starts_at - timedelta(minutes=15))
    sign_in(practitioner.user)
    page.goto("/day/")
    page.evaluate("document.title = 'not loaded again'")
    chips, screening = page.locator(".my-visit-chips .chip"), page.get_by_role("link", name="Screening")
    expect(chips).to_have_text(["Booked", "On hold"])
    screening.focus()

    keep_answers(patient=visit.patient, answers=clear_answers(Stage.BOOKING), now=times.now(), **by)
    expect(chips).to_have_text(["Booked", "Clear"], timeout=5000)
    expect(screening).to_be_focused()
    visit = day.arrive(appointment=visit, revision=visit.revision, now=times.now(), **by)
    expect(page.get_by_role("link", name="Open the visit")).to_be_visible(timeout=5000)
    expect(screening).to_be_focused()
    answers = clear_answers(Stage.CHECKIN, known_answers(visit.patient)) | {"C05": "yes"}
    day.answer_checkin(appointment=visit, start=visit.starts_at, answers=answers, now=times.now(), **by)
    expect(chips.last).to_have_text("On hold", timeout=5000)
    expect(screening).to_be_focused()
    expect(page).to_have_title("not loaded again")
