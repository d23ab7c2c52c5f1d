"""Courses, visits and messages on a patient's page, on Monday 12 January 2026 at seven in the morning."""

from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import outbox
from clinic.models import OutgoingMail
from patients.records import update_patient
from scheduling import booking
from scheduling.reminders import mail_due_reminders
from tests.factories import (
    NOW,
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_course,
    make_fact,
    make_practitioner,
    make_protocol,
    make_signed_visit,
    make_user,
    signed_in,
)
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

FIRST = NOW + timedelta(days=7, hours=3)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def patient(clinic):
    return make_clear_patient(clinic, given_name="Marta", family_name="Lindholm")


@pytest.fixture
def reception(clinic):
    return signed_in("receptionist", location=clinic)


def visits(client, patient):
    return client.get(reverse("scheduling:patient-visits", args=[patient.public_id]), headers=HTMX)


def visit_on(days, clinic, practitioner, patient):
    starts_at = FIRST + timedelta(days=days)
    return make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=starts_at)


# --- Visits and courses -----------------------------------------------------------------------------------------------


def test_visits_of_a_patient_soonest_first_and_then_what_was(reception, clinic, practitioner, patient, clinic_clock):
    *_others, fourth = (visit_on(days, clinic, practitioner, patient) for days in (0, 28, 56, 84))
    booking.cancel_appointment(appointment=fourth, revision=0, by=None, now=NOW)
    clinic_clock(days=20)
    page = words(visits(reception, patient)).partition("Messages")[0]
    shown = ["Mon 16 Feb 2026, 10:00", "Mon 16 Mar 2026, 10:00", "Mon 13 Apr 2026, 11:00", "Mon 19 Jan 2026, 10:00"]
    assert sorted(shown, key=page.index) == shown
    assert page.count("Acne scars, moderate") == 4
    assert page.count("Cancelled") == 1
    assert "Next visit Mon 16 Feb, 10:00" in page


def test_a_patient_without_visits(reception, patient):
    page = words(visits(reception, patient))
    assert "No visit yet" in page
    assert "Next visit" not in page
    assert "Messages" not in page


def test_visits_at_another_place_are_not_shown(reception, clinic, practitioner, patient):
    visit_on(0, clinic, practitioner, patient)
    elsewhere = make_clinic()
    make_appointment(location=elsewhere, patient=patient, starts_at=FIRST + timedelta(days=28))
    page = words(visits(reception, patient))
    assert "Mon 16 Feb 2026" not in page
    assert page.count("Acne scars, moderate") == 1
    there = signed_in("receptionist", location=elsewhere)
    assert "Mon 16 Feb 2026, 10:00" in words(visits(there, patient))  # she belongs to both by now


def test_a_course_that_goes_on_offers_its_next_session(reception, clinic, practitioner, patient):
    course = make_course(location=clinic, practitioner=practitioner, patient=patient, planned=3)
    page = visits(reception, patient)
    assert "Acne scars, moderate 0 of 3 done" in words(page)
    assert "Book session 2 from 16 Feb to 16 Mar 2026" in words(page)
    assert reverse("scheduling:session-book", args=[course.sessions.get(number=2).public_id]) in page.text
    assert reverse("scheduling:course-show", args=[course.public_id]) in page.text


def test_a_course_that_is_done_stands_below(reception, clinic, practitioner, patient):
    course = make_course(location=clinic, practitioner=practitioner, patient=patient, planned=3, booked=3)
    for session in course.sessions.all():
        session.appointments.update(state="completed")
    page = words(visits(reception, patient))
    assert "Courses that are done Acne scars, moderate 3 of 3 done" in page
    assert "Book session" not in page


def test_a_course_whose_result_can_be_refreshed_stays_open(reception, clinic, practitioner, patient):
    make_course(
        location=clinic,
        practitioner=practitioner,
        patient=patient,
        protocol=make_protocol("wrinkles_fine"),
        planned=4,
        booked=4,
    )
    assert "Courses that are done" not in words(visits(reception, patient))


def test_what_was_done_is_for_those_who_treat(clinic, practitioner, patient, reception):
    make_signed_visit(location=clinic, practitioner=practitioner, patient=patient, starts_at=FIRST)
    for role, is_told in (("practitioner", True), ("lead", True), ("owner", False), ("receptionist", False)):
        page = words(visits(signed_in(role, location=clinic), patient))
        assert "Signed" in page
        assert ("Cheeks 0.5 mm" in page) is is_told
        assert ("Even redness" in page) is is_told


# --- Messages ---------------------------------------------------------------------------------------------------------


def test_messages_are_told_with_the_visit_that_they_are_about(reception, clinic, practitioner, patient):
    visit_on(0, clinic, practitioner, patient)
    mail_due_reminders(now=NOW)
    outbox.deliver(now=NOW)
    page = words(visits(reception, patient))
    assert "Confirmation about Mon 19 Jan 2026, 10:00 Sent Mon 12 Jan, 07:00" in page
    assert "48 hours before about Mon 19 Jan 2026, 10:00 Planned" in page


def test_a_mail_that_was_refused_asks_for_a_call(reception, clinic, practitioner, patient):
    visit_on(0, clinic, practitioner, patient)
    mail_due_reminders(now=NOW)
    OutgoingMail.objects.update(status=OutgoingMail.Status.FAILED)
    assert "The address was refused: please phone" in words(visits(reception, patient))


# --- Who changed what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "is_told"), [("lead", True), ("owner", True), ("receptionist", False)])
def test_managers_see_who_changed_which_fields_and_never_the_words(clinic, practitioner, patient, role, is_told):
    user = make_user("receptionist", location=clinic, name="Ellie Brooks")
    signed_in(user=user).post(
        reverse("scheduling:patient-edit", args=[patient.public_id]),
        {
            "given_name": "Marta",
            "family_name": "Lindqvist",
            "date_of_birth": "1990-05-17",
            "phone": "020 7946 0812",
            "email": patient.email,
            "note": "Tall",
            "revision": patient.revision,
        },
    )
    visit_on(0, clinic, practitioner, patient)
    make_fact(patient, kind="allergy", subject="Latexwort")
    page = words(visits(signed_in(role, location=clinic), patient))
    assert ("Who changed what" in page) is is_told
    if is_told:
        assert "Contact changed last name, phone, note Ellie Brooks" in page
        assert "Visit booked Automatic" in page
        assert "Health: something added Automatic" in page
    assert "Latexwort" not in page
    assert "Lindholm" not in page


def test_changes_of_others_and_openings_are_left_out(clinic, practitioner, patient):
    other = make_clear_patient(clinic)
    update_patient(
        patient=other,
        revision=0,
        given_name="Nora",
        family_name="Other",
        date_of_birth=other.date_of_birth,
        email="",
        phone="",
        note="",
        now=NOW,
    )
    LogEntry.objects.get_for_object(patient).delete()
    lead = signed_in("lead", location=clinic)
    lead.get(reverse("patients:patient-show", args=[patient.public_id]))
    page = words(visits(lead, patient))
    assert "Contact changed" not in page
    assert "Patient entered" not in page


def test_a_new_fact_and_its_end_are_told_apart(clinic, patient):
    lead = make_user("lead", "practitioner", location=clinic, name="Amelia Hart")
    client = signed_in(user=lead)
    fact = make_fact(patient, kind="allergy", subject="Latexwort")
    client.post(reverse("scheduling:fact-end", args=[patient.public_id, fact.public_id]))
    assert "Health: something ended superseded at Amelia Hart" in words(visits(client, patient))


# --- Openings and queries ---------------------------------------------------------------------------------------------


def test_the_page_writes_the_opening_down_and_its_part_does_so_alone_only(reception, patient):
    def openings():
        return LogEntry.objects.get_for_object(patient).filter(action=LogEntry.Action.ACCESS).count()

    visits(reception, patient)
    assert openings() == 0
    reception.get(reverse("scheduling:patient-visits", args=[patient.public_id]))
    assert openings() == 1


@pytest.mark.parametrize("role", ["receptionist", "lead"])
def test_queries_do_not_grow_with_the_visits(clinic, practitioner, patient, role):
    client = signed_in(role, location=clinic)

    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert visits(client, patient).status_code == 200
        return len(queries)

    make_signed_visit(location=clinic, practitioner=practitioner, patient=patient, starts_at=FIRST)
    count_queries()
    with_one = count_queries()
    for month in (1, 2):
        visit_on(28 * month, clinic, make_practitioner(clinic), patient)
    make_course(
        location=clinic,
        practitioner=practitioner,
        patient=patient,
        starts_at=FIRST + timedelta(days=28 * 3),
        planned=3,
        booked=2,
    )
    assert count_queries() == with_one
