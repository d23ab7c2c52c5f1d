"""Editing a patient: who she is, and what a changed date of birth means for her visits to come."""

from datetime import UTC, datetime, timedelta

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from clinic.editing import Difference
from patients.models import Patient
from tests.factories import (
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_location,
    make_patient,
    make_protocol,
    make_user,
    signed_in,
)
from tests.reading import words
from treatments.models import Screening

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

EVERY_ROLE = ["receptionist", "practitioner", "lead", "owner"]
START = datetime(2026, 1, 21, 10, tzinfo=UTC)


@pytest.fixture
def location():
    return make_clinic()


@pytest.fixture
def reception(location):
    return signed_in("receptionist", location=location)


def show(patient):
    return reverse("patients:patient-show", args=[patient.public_id])


def edit(patient):
    return reverse("scheduling:patient-edit", args=[patient.public_id])


def edited(patient, **changes):
    return {
        "revision": patient.revision,
        "given_name": patient.given_name,
        "family_name": patient.family_name,
        "date_of_birth": patient.date_of_birth.isoformat(),
        "phone": patient.phone,
        "email": patient.email,
        "note": patient.note,
    } | changes


# --- The form ---------------------------------------------------------------------------------------------------------


def test_edit_stores_the_changes(location, reception):
    patient = make_patient(location)
    assertContains(reception.get(edit(patient)), f'value="{patient.family_name}"')
    assertRedirects(reception.post(edit(patient), edited(patient, given_name="Ada", note="Tea.")), show(patient))
    patient.refresh_from_db()
    assert (patient.given_name, patient.note, patient.revision) == ("Ada", "Tea.", 1)


def test_edit_with_mistakes_keeps_what_was_typed(location, reception):
    patient = make_patient(location)
    answer = reception.post(edit(patient), edited(patient, given_name="1", note="kept"))
    assertContains(answer, "Give a name with at least one letter.", status_code=422)
    assertContains(answer, "kept", status_code=422)
    patient.refresh_from_db()
    assert (patient.given_name, patient.revision) == ("Olivia", 0)


def test_edited_meanwhile_shows_both_versions_and_then_saves_over(location, reception):
    patient = make_patient(location)
    late = edited(patient, given_name="Eva", date_of_birth="1990-05-18")
    reception.post(edit(patient), edited(patient, given_name="Ada"))
    answer = reception.post(edit(patient), late)
    assert answer.status_code == 409
    assert answer.context["differences"] == [
        Difference(label="First name", stored="Ada", typed="Eva"),
        Difference(label="Date of birth", stored="17 May 1990", typed="18 May 1990"),
    ]
    assertContains(answer, 'value="Eva"', status_code=409)
    patient.refresh_from_db()
    assert patient.given_name == "Ada"
    assertContains(answer, '<input type="hidden" name="revision" value="1"', status_code=409)
    assert reception.post(edit(patient), late | {"revision": "1"}).status_code == 302
    patient.refresh_from_db()
    assert (patient.given_name, patient.revision) == ("Eva", 2)


@pytest.mark.parametrize("revision", ["", "-1", "x", "1_0", "9" * 400, "0; DROP"])
def test_edit_with_a_broken_revision_changes_nothing(location, reception, revision):
    patient = make_patient(location)
    assert reception.post(edit(patient), edited(patient, given_name="Eva", revision=revision)).status_code in (409, 422)
    patient.refresh_from_db()
    assert patient.given_name == "Olivia"


# --- A date of birth and the visits to come ---------------------------------------------------------------------------


def light(visit):
    return visit.session.screenings.newest_first().first()


def test_a_child_on_the_day_of_the_visit_turns_the_light_at_once(location, reception):
    patient = make_clear_patient(location)
    visit = make_appointment(location=location, patient=patient, starts_at=START)
    answer = reception.post(edit(patient), edited(patient, date_of_birth="2008-01-22"), follow=True)
    assert "The changes are saved. The visits to come were screened again: look at their lights." in words(answer)
    screened = light(visit)
    assert (screened.outcome, screened.cause, screened.stage) == ("block", "details", "booking")
    assert screened.created_by.is_receptionist
    page = words(reception.get(reverse("scheduling:screening-show", args=[visit.public_id])))
    assert "The screening turned from “clear” to “not possible”. The date of birth was changed." in page


@pytest.mark.parametrize(("born", "outcome"), [("2008-01-21", "pass"), ("2008-01-22", "block")])
def test_who_is_eighteen_on_the_day_may_come(location, reception, born, outcome):
    patient = make_clear_patient(location)
    visit = make_appointment(location=location, patient=patient, starts_at=START)
    reception.post(edit(patient), edited(patient, date_of_birth=born))
    assert light(visit).findings.get(rule_code="E28").outcome == outcome


def test_other_details_screen_nothing(location, reception):
    patient = make_clear_patient(location)
    visit = make_appointment(location=location, patient=patient, starts_at=START)
    answer = reception.post(edit(patient), edited(patient, phone="020 7946 0813"), follow=True)
    assert "The changes are saved." in words(answer)
    assert "screened again" not in words(answer)
    assert visit.session.screenings.count() == 1


def test_a_date_of_birth_that_is_refused_screens_nothing(location, reception):
    patient = make_clear_patient(location)
    visit = make_appointment(location=location, patient=patient, starts_at=START)
    late = edited(patient, date_of_birth="2008-01-22")
    reception.post(edit(patient), edited(patient, given_name="Ada"))
    assert reception.post(edit(patient), late).status_code == 409
    assert visit.session.screenings.count() == 1


def test_a_changed_date_of_birth_asks_as_much_for_three_visits_as_for_one(location, reception):
    def queries_for(*protocols):
        patient = make_clear_patient(location)
        for number, code in enumerate(protocols):
            at = START + timedelta(days=60 * number, hours=3)
            make_appointment(location=make_clinic(), patient=patient, protocol=make_protocol(code), starts_at=at)
        with CaptureQueriesContext(connection) as caught:
            reception.post(edit(patient), edited(patient, date_of_birth="1991-05-17"))
        assert Screening.objects.filter(session__course__patient=patient, cause="details").count() == len(protocols)
        return len(caught)

    queries_for("melasma")  # content types are read once a process
    assert queries_for("melasma") == queries_for("acne_scar_moderate", "stretch_marks", "wrinkles_fine")


# --- Doors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_foreign_patient_does_not_exist(role, location):
    foreign = make_patient(make_location(), given_name="Secretname")
    before = Patient.objects.values().get()
    client = signed_in(role, location=location)
    for answer in (client.get(edit(foreign)), client.post(edit(foreign), edited(foreign, given_name="Eva"))):
        assertNotContains(answer, "Secretname", status_code=404)
    assert Patient.objects.values().get() == before
    assert not LogEntry.objects.get_for_object(foreign).filter(action=LogEntry.Action.ACCESS).exists()


def test_every_opening_is_written_down(location):
    user = make_user("receptionist", location=location)
    patient = make_patient(location)
    signed_in(user=user).get(edit(patient))
    openings = LogEntry.objects.get_for_object(patient).filter(action=LogEntry.Action.ACCESS)
    assert [entry.actor for entry in openings] == [user]


def test_name_is_never_a_script(location, reception):
    patient = make_patient(location, given_name="<script>alert(1)</script>", note="<img src=x onerror=alert(1)>")
    page = reception.get(edit(patient))
    assertNotContains(page, "<script>alert")
    assertNotContains(page, "<img src=x")


def test_other_methods_are_refused(location, reception):
    url = edit(make_patient(location))
    methods = ("put", "patch", "delete", "options", "trace")
    assert {getattr(reception, method)(url).status_code for method in methods} == {405}


def test_the_form_asks_for_the_token_and_for_somebody_who_is_signed_in(location, client):
    url = edit(make_patient(location))
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_user("receptionist", location=location), "django.contrib.auth.backends.ModelBackend")
    assert strict.post(url, {}).status_code == 403
    assertRedirects(client.get(url), f"{reverse('clinic:login')}?next={url}", fetch_redirect_response=False)
