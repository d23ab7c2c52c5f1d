"""Another treatment for a visit: Monday 12 January 2026, for a visit on Monday 19 January, 10:00."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from scheduling import booking
from scheduling.models import Appointment
from tests.factories import make_appointment, make_clear_patient, make_clinic, make_practitioner, signed_in
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

START = datetime(2026, 1, 19, 10, tzinfo=UTC)


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def reception(clinic):
    return signed_in("receptionist", location=clinic)


@pytest.fixture
def visit(clinic, practitioner):
    patient = make_clear_patient(clinic, given_name="Marta", family_name="Lindholm")
    return make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=START)


def url(visit):
    return reverse("scheduling:treatment-change", args=[visit.public_id])


def change(client, visit, **typed):
    return client.post(url(visit), {"revision": 0, "protocol": "acne_scar_moderate", "zones": ["cheeks"]} | typed)


def course(visit):
    return Appointment.objects.get(pk=visit.pk).session.course


def test_the_panel_leads_to_the_page_and_the_page_shows_what_is_planned(reception, visit):
    panel = reception.get(
        reverse("scheduling:appointment-show", args=[visit.public_id]), headers={"HX-Request": "true"}
    )
    assert f'href="{url(visit)}"' in panel.text
    page = reception.get(url(visit))
    assert "Change the treatment of Marta Lindholm Acne scars, moderate, Monday 19 January, 10:00" in words(page)
    assert '<option value="acne_scar_moderate" selected>' in page.text


def test_the_skin_is_changed_and_the_board_opens_on_the_visit(reception, visit):
    answer = change(reception, visit)
    board = f"{reverse('scheduling:board-day')}?day=2026-01-19&appointment={visit.public_id}"
    assertRedirects(answer, board, fetch_redirect_response=False)
    assert "Changed." in words(reception.get(board))
    assert [zone.code for zone in course(visit).zones.all()] == ["cheeks"]


def test_a_longer_visit_that_does_not_fit_is_told_with_the_nearest_times(reception, clinic, practitioner, visit):
    after = START + timedelta(minutes=75)
    make_appointment(location=clinic, practitioner=practitioner, patient=make_clear_patient(clinic), starts_at=after)
    answer = change(reception, visit, protocol="stretch_marks", zones=["abdomen_hips_thighs"])
    assert answer.status_code == 409
    assert "The nearest free times for this treatment Mon 19 Jan" in words(answer)
    assert '<option value="stretch_marks" selected>' in answer.text
    assert course(visit).protocol.code == "acne_scar_moderate"


def test_a_stale_form_is_refused_once_and_keeps_what_was_chosen(reception, visit):
    booking.change_treatment(
        appointment=visit,
        protocol=visit.session.course.protocol,
        zones=[],
        revision=0,
        by=None,
        now=START - timedelta(days=7),
    )
    answer = change(reception, visit)
    assert answer.status_code == 409
    assert "Somebody else changed this appointment meanwhile. Look at it again." in words(answer)
    assert 'name="revision" value="1"' in answer.text
    assert change(reception, visit, revision=1).status_code == 302


@pytest.mark.parametrize("typed", [{"protocol": "nonsense"}, {"zones": ["eyelid"]}])
def test_what_is_not_offered_is_refused(reception, visit, typed):
    assert change(reception, visit, **typed).status_code == 422
    assert course(visit).zones.count() == 0


def test_a_visit_of_elsewhere_does_not_exist(reception):
    foreign = make_appointment(starts_at=START)
    assert (reception.get(url(foreign)).status_code, change(reception, foreign).status_code) == (404, 404)
