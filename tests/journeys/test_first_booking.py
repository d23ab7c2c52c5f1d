"""From the first call to the reminder: in the browser, with a real worker, a real beat and a real mail server."""

import re
from datetime import UTC, date, datetime, time, timedelta

import pytest
from icalendar import Calendar
from playwright.sync_api import expect

from clinic import times
from scheduling.models import Appointment
from tests.factories import make_catalogue, make_clinic, make_patient, make_practitioner, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def event_of(mail):
    calendar = Calendar.from_ical(mail.calendar)
    return calendar.walk("VEVENT")[0], str(calendar["METHOD"])


def offered(page, location) -> list[datetime]:
    values = page.locator("input[name=slot]").evaluate_all("inputs => inputs.map(input => input.value)")
    return sorted(datetime.fromisoformat(value.split()[0]).astimezone(location.zone) for value in values)


def test_a_patient_who_took_isotretinoin_is_booked_moved_and_reminded(
    page, sign_in, axe, set_clock, post, take_pictures, answer_clearly
):
    location = make_clinic(name="Larkfield")
    make_catalogue()
    for _each in range(2):
        make_practitioner(location, hours=[("09:00", "13:00"), ("14:00", "18:00")])
    today = times.local_date(times.now(), location.zone)
    last_capsule = times.minus_months(today, 4)
    eligible = times.plus_months_clear(last_capsule, 6)

    # a call: she is not known yet
    sign_in(make_user("receptionist", location=location))
    page.get_by_role("link", name="New booking").first.click()
    page.wait_for_load_state()  # the scripts have run
    page.get_by_label("Find the patient").fill("Zofia Nowak-Ångström")
    expect(page.get_by_text("Nobody here fits that.")).to_be_visible()
    axe(page)
    page.locator("#booking-patients").get_by_role("link", name=re.compile("New patient")).click()
    page.locator("[name=date_of_birth]").fill("1996-02-29")
    page.get_by_role("textbox", name="E-mail").fill("zofia@example.org")
    page.get_by_role("textbox", name="Phone").fill("07700 900123")
    page.get_by_role("button", name="Save patient").click()

    # the health questions decide what is possible
    expect(page.get_by_role("heading", name="Zofia Nowak-Ångström")).to_be_visible()
    page.get_by_label("What would the patient like to improve?").select_option("acne_scar_moderate")
    page.locator("label[for=id_Q04_0]").click()
    page.locator("[name=Q04b_0]").fill(f"{last_capsule:%d/%m/%Y}")
    answer_clearly(page, leaving=("Q04",))
    page.get_by_role("button", name="Show free times").click()
    expect(page.get_by_text(f"Not before {eligible:%A} {eligible.day} {eligible:%B %Y}")).to_be_visible()
    assert offered(page, location)[0].date() == eligible
    axe(page)
    take_pictures(page, "booking")

    # asking for tomorrow does not help
    page.get_by_label("From", exact=True).fill((today + timedelta(days=1)).isoformat())
    with page.expect_response("**/bookings/times/"):
        page.get_by_role("button", name="Look again").click()
    expect(page.get_by_text("Earlier times are left out.")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert min(offered(page, location)).date() == eligible

    # booked after that date
    page.locator("label.slot").nth(2).click()
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_text("Booked.")).to_be_visible()
    expect(page.locator("#panel").get_by_role("heading", name="Zofia Nowak-Ångström")).to_be_visible()
    booked = Appointment.objects.get()
    assert booked.starts_at.astimezone(location.zone).date() == eligible
    axe(page)

    [confirmation] = post.wait_for(lambda mail: mail.recipients == ("zofia@example.org",), timeout=30)
    event, method = event_of(confirmation)
    assert (int(event["SEQUENCE"]), method) == (0, "PUBLISH")
    assert event["DTSTART"].dt.astimezone(UTC) == booked.starts_at
    assert f"{booked.starts_at.astimezone(location.zone):%A} {eligible.day}" in confirmation.text
    assert location.phone in confirmation.text

    # moved
    page.locator("#panel").get_by_role("link", name="Move").click()
    page.locator("label.slot").nth(5).click()
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_text("Moved.")).to_be_visible()
    moved = Appointment.objects.get()
    assert moved.starts_at != booked.starts_at
    moved_mail = post.wait_for(lambda mail: mail.recipients == ("zofia@example.org",), timeout=30, count=2)[1]
    moved_event, method = event_of(moved_mail)
    assert (str(moved_event["UID"]), int(moved_event["SEQUENCE"])) == (str(event["UID"]), 1)
    assert moved_event["DTSTART"].dt.astimezone(UTC) == moved.starts_at

    # the clock moves on to two days before
    set_clock(moved.starts_at - timedelta(hours=47))
    reminder = post.wait_for(lambda mail: mail.recipients == ("zofia@example.org",), timeout=30, count=3)[2]
    assert f"{moved.starts_at.astimezone(location.zone):%H:%M}" in reminder.text
    assert "sunburn" in reminder.text
    assert len({mail.message["Message-ID"] for mail in post.messages}) == len(post.messages) == 3
    for mail in post.messages:
        assert "Zofia" not in mail.subject
        assert "isotretinoin" not in (mail.text + mail.html).lower()


LAST_CAPSULE, ELIGIBLE = date(2025, 8, 31), date(2026, 3, 1)  # no 31 February: the half year ends with that month
ITS_NAMES = re.compile("isotretinoin|roaccutane|accutane", re.IGNORECASE)
WITHOUT_THE_QUESTIONS = """() => {
  const page = document.documentElement.cloneNode(true);
  page.querySelector("[aria-labelledby=booking-health]")?.remove();
  return page.innerHTML;
}"""


def test_no_way_leads_to_a_visit_in_february_for_whom_the_half_year_ends_on_1_march(
    page, sign_in, set_clock, post, answer_clearly, take_pictures
):
    location = make_clinic(name="Larkfield")
    make_catalogue()
    make_practitioner(location)
    make_patient(location, given_name="Zofia", family_name="Nowak", email="zofia@example.org", phone="07700 900123")
    set_clock(times.at_local(date(2026, 2, 2), time(9, 30), location.zone))

    def days_offered() -> set[date]:
        assert ITS_NAMES.search(page.evaluate(WITHOUT_THE_QUESTIONS)) is None
        return {at.date() for at in offered(page, location)}

    # she calls, and reception points at a free time on the board
    sign_in(make_user("receptionist", location=location))
    page.goto("/board/?day=2026-02-10")
    page.locator(".board-slot").first.click()
    page.wait_for_load_state()  # the scripts have run
    expect(page.get_by_text("For Tuesday 10 February, 09:00")).to_be_visible()
    page.get_by_label("Find the patient").fill("07700 900123")
    page.locator("#booking-patients").get_by_role("link", name="Zofia Nowak").click()
    page.get_by_label("What would the patient like to improve?").select_option("acne_scar_moderate")
    answer_clearly(page)
    page.get_by_role("button", name="Show free times").click()
    expect(page.locator("input[name=slot]:checked")).to_have_value(re.compile("2026-02-10T09:00"))

    # only now it comes back to her; the time on the screen is not hers any more
    page.locator("label[for=id_Q04_0]").click()
    page.locator("[name=Q04b_0]").fill(f"{LAST_CAPSULE:%d/%m/%Y}")
    with page.expect_response("**/bookings/new/**") as refused:
        page.get_by_role("button", name="Book", exact=True).click()
    assert refused.value.status == 409
    expect(page.get_by_role("alert")).to_have_text(
        re.compile("The screening allows no visit before 1 March 2026. Choose that day or a later one.")
    )
    expect(page.get_by_text("Not before Sunday 1 March 2026")).to_be_visible()
    assert not Appointment.objects.exists()
    assert min(days_offered()) == ELIGIBLE
    take_pictures(page, "february-refused")

    # whichever day she would like
    for wanted in (date(2026, 2, 3), date(2026, 2, 16), date(2026, 2, 28)):
        page.get_by_label("From", exact=True).fill(wanted.isoformat())
        with page.expect_response("**/bookings/times/**"):
            page.get_by_role("button", name="Look again").click()
        page.wait_for_load_state("networkidle")
        expect(page.get_by_text("Not before Sunday 1 March 2026")).to_be_visible()
        assert min(days_offered()) == ELIGIBLE

    # the first hour of the first day
    page.locator("label.slot").first.click()
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_text("Booked.")).to_be_visible()
    booked = Appointment.objects.get()
    assert booked.starts_at == times.at_local(ELIGIBLE, time(9), location.zone)
    [mail] = post.wait_for(lambda mail: mail.recipients == ("zofia@example.org",), timeout=30)
    assert "Sunday 1 March" in mail.text

    # nor is it moved to before that day, and reception reads no reason anywhere
    page.goto(f"/appointments/{booked.public_id}/move/?from_day=2026-02-03")
    assert min(days_offered()) == ELIGIBLE
    patient = f"/patients/{booked.patient.public_id}/"
    for path in (f"/board/?day=2026-03-01&appointment={booked.public_id}", patient, "/worklists/"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert days_offered() == set()
    page.goto(f"/bookings/new/?patient={booked.patient.public_id}")
    assert days_offered() == set()


def test_on_a_phone_the_view_goes_to_the_answer(page, sign_in, answer_clearly):
    location = make_clinic()
    make_catalogue()
    make_practitioner(location)
    patient = make_patient(location)
    sign_in(make_user("receptionist", location=location))
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(reduced_motion="reduce")  # it goes there at once
    page.goto(f"/bookings/new/?patient={patient.public_id}")
    page.get_by_label("What would the patient like to improve?").select_option("acne_scar_moderate")
    answer_clearly(page)
    page.get_by_role("button", name="Show free times").click()
    heading = page.get_by_role("heading", name="Free times")
    expect(heading).to_be_focused()
    below_the_bar, middle = page.locator(".topbar").bounding_box()["height"], 844 / 2
    assert below_the_bar <= heading.bounding_box()["y"] < middle
