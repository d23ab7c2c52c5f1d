"""Another treatment for a visit: Monday 12 January 2026, for a visit on Monday 19 January, 10:00."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from scheduling import booking
from scheduling.models import Appointment
from scheduling.rescreening import keep_answers
from tests.factories import (
    NOW,
    clear_answers,
    make_appointment,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_course,
    make_patient,
    make_practitioner,
    make_protocol,
    signed_in,
)
from tests.reading import words
from treatments.answers import record_answers
from treatments.catalogue import Stage
from treatments.decisions import standing

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
    assert "So far: Acne scars, moderate, a single visit of 75 minutes." in words(page)


def planned(visit):
    return course(visit).protocol.code, course(visit).planned_sessions, course(visit).sessions.count()


def sessions_proposed(page):
    field = page.context["form"]["sessions"]
    return [number for number, _label in field.field.choices], field.value()


@pytest.fixture
def course_of_three(clinic, practitioner):
    patient = make_clear_patient(clinic)
    wish = {"location": clinic, "practitioner": practitioner, "patient": patient, "starts_at": START}
    return make_course(protocol=make_protocol("rejuvenation"), planned=3, **wish).sessions.first().appointments.get()


def test_the_number_of_sessions_is_asked_for_and_said_to_have_changed(reception, course_of_three):
    page = reception.get(url(course_of_three))
    assert sessions_proposed(page) == ([1, 3, 4, 5, 6], 3)
    assert "So far: Rejuvenation, tone and texture, 3 sessions of" in words(page)
    fetch = reverse("scheduling:booking-sessions")
    assert f'hx-get="{fetch}"' in page.text
    assert 'hx-vals="{&quot;planned&quot;: 3}"' in page.text
    wrinkles, known = {"protocol": "wrinkles_fine"}, {"planned": "3"}
    assert sessions_proposed(reception.get(fetch, wrinkles | known)) == ([1, 4, 5, 6], 4)
    assert sessions_proposed(reception.get(fetch, {"protocol": "stretch_marks"} | known)) == ([1, 3, 4, 5], 3)

    there = change(reception, course_of_three, sessions="4", **wrinkles)
    assert "Changed. Sessions planned: 4, before: 3." in words(reception.get(there["Location"]))
    assert planned(course_of_three) == ("wrinkles_fine", 4, 4)
    back = change(reception, course_of_three, protocol="rejuvenation", sessions="3", revision=1)
    assert "Sessions planned: 3, before: 4." in words(reception.get(back["Location"]))
    assert planned(course_of_three) == ("rejuvenation", 3, 3)


def test_the_number_stays_where_nobody_names_another(reception, course_of_three):
    change(reception, course_of_three, protocol="stretch_marks", zones=[])
    assert planned(course_of_three) == ("stretch_marks", 3, 3)


@pytest.mark.parametrize("sessions", ["3", "7", "many"])
def test_a_number_that_the_treatment_does_not_take_is_asked_again(reception, course_of_three, sessions):
    page = change(reception, course_of_three, protocol="wrinkles_fine", sessions=sessions)
    assert page.status_code == 422
    assert "Fine lines takes 4 to 6 sessions. Plan a number between them." in words(page)
    assert planned(course_of_three) == ("rejuvenation", 3, 3)


def test_a_shorter_visit_that_needs_the_practitioner_earlier_is_told_why_and_when(
    reception, clinic, practitioner, visit
):
    """While the cream works on one, she treats another until 10:45; after less preparation she is needed at 10:40."""
    before = {"patient": make_clear_patient(clinic), "starts_at": START - timedelta(minutes=30)}
    make_appointment(location=clinic, practitioner=practitioner, **before)
    answer = change(reception, visit, protocol="scar_surgical", zones=[])
    assert answer.status_code == 409
    assert (
        "This treatment needs the practitioner from 10:40 to 11:00, who is with somebody else from 10:15 to 10:45."
        " Choose another time for it." in words(answer)
    )
    assert "Choose one, and the visit moves there with the change. One mail tells the patient." in words(answer)

    [(first, slot), *_others] = answer.context["alternatives"]
    moved = change(reception, visit, protocol="scar_surgical", zones=[], slot=first)
    board = words(reception.get(moved["Location"]))
    assert "Changed. Moved. The patient gets a mail with the new time." in board
    visit.refresh_from_db()
    assert (visit.starts_at, visit.practitioner, course(visit).protocol.code) == (
        slot.starts_at,
        slot.practitioner,
        "scar_surgical",
    )
    assert visit.ends_at - visit.starts_at == timedelta(minutes=60)
    assert {each.revision for each in visit.reminders.filter(state="planned")} == {1}
    assert light(visit).for_start == slot.starts_at


@pytest.mark.parametrize("slot", ["junk", "2026-01-19T10:00:00+00:00 nobody"])
def test_a_time_that_is_none_changes_nothing(reception, visit, slot):
    page = change(reception, visit, slot=slot)
    assert (page.status_code, "Choose one of the free times." in words(page)) == (422, True)
    assert course(visit).zones.count() == 0


def test_who_has_arrived_is_not_moved_with_the_change(reception, practitioner, visit):
    start = f"{(START + timedelta(days=1)).isoformat()} {practitioner.public_id}"
    Appointment.objects.update(state="arrived")
    page = change(reception, visit, slot=start)
    assert page.status_code == 409
    assert "The patient has arrived for this appointment, so it stays as it is." in words(page)
    assert change(reception, visit).status_code == 302


def test_a_change_with_a_move_keeps_to_what_a_move_keeps_to(reception, practitioner, visit):
    keep_answers(patient=visit.patient, answers={"Q04": "yes", "Q04b": "2025-08-31"}, by=None, now=NOW)
    for day, status in ((date(2026, 2, 28), 409), (date(2026, 3, 1), 302)):
        start = datetime(day.year, day.month, day.day, 10, tzinfo=UTC)
        slot = f"{start.isoformat()} {practitioner.public_id}"
        assert change(reception, visit, protocol="wrinkles_fine", slot=slot).status_code == status
    assert planned(visit)[0] == "wrinkles_fine"


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
    assert "Nearest free times Mon 19 Jan" in words(answer)
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


# --- Skin that nobody has asked about ---------------------------------------------------------------------------------


OF_SKIN = {"Q15": "no", "Q19": ["none"], "Q20": "no"}


@pytest.fixture
def on_cheeks(clinic, practitioner):
    """A visit for the cheeks, of somebody who was asked about them and about no other skin."""
    patient = make_patient(clinic)
    record_answers(patient=patient, answers=clear_answers(Stage.BOOKING), zones=["cheeks"], by=None, now=NOW)
    cheeks = [make_catalogue().zones.get(code="cheeks")]
    return make_appointment(location=clinic, practitioner=practitioner, patient=patient, zones=cheeks, starts_at=START)


def light(visit):
    return visit.session.screenings.newest_first().with_findings().first()


def waits_for(visit):
    """The rules that hold the visit or stand in its way."""
    return {each.rule_code for each in standing(light(visit).findings.all())}


def test_the_page_asks_about_the_skin_that_is_added_and_nothing_that_is_known(reception, on_cheeks):
    page = reception.get(url(on_cheeks))
    form = page.context["answers"]
    assert [question.id for question in form.questions] == [
        "Q15", "Q15b", "Q20", "Q20b", "Q21", "Q19", "Q19a", "Q19b", "Q19c", "Q19d", "Q19e", "Q19f", "Q19g",
    ]  # fmt: skip
    [(_heading, condition), *_others] = [(group.heading, group.condition) for group in form.groups()]
    assert "zones=chin_jaw" in condition.split()
    assert "zones=cheeks" not in condition.split()


def test_answers_about_the_new_skin_let_the_visit_stay_clear(reception, on_cheeks):
    assert change(reception, on_cheeks, zones=["cheeks", "chin_jaw"], **OF_SKIN).status_code == 302
    assert not light(on_cheeks).stands_in_the_way
    assert (light(on_cheeks).cause, waits_for(on_cheeks)) == ("treatment", set())


def test_new_skin_that_was_not_asked_about_holds_the_visit_until_somebody_asks(reception, on_cheeks):
    answer = change(reception, on_cheeks, zones=["cheeks", "chin_jaw"])
    assert answer.status_code == 302
    assert "The visit now waits for the clinical lead." in words(reception.get(answer["Location"]))
    assert light(on_cheeks).outcome == "hold"
    assert waits_for(on_cheeks) == {"E01", "E03", "E15a", "E15b", "E15c", "E16a", "E16b", "E17", "E24", "E31"}
    again = change(reception, on_cheeks, zones=["cheeks", "chin_jaw"], revision=1, **OF_SKIN)
    assert again.status_code == 302
    assert waits_for(on_cheeks) == set()


def test_what_is_said_of_the_new_skin_takes_it_out_of_the_visit(reception, on_cheeks):
    said = OF_SKIN | {"Q20": "yes", "Q20b": ["chin_jaw"]}
    change(reception, on_cheeks, zones=["cheeks", "chin_jaw"], **said)
    assert light(on_cheeks).zones_left_out == {"chin_jaw"}
    assert not light(on_cheeks).stands_in_the_way


def test_other_skin_instead_is_asked_about_too(reception, on_cheeks):
    change(reception, on_cheeks, zones=["neck"])
    assert "E01" in waits_for(on_cheeks)


def test_less_skin_is_not_asked_about_again(reception, on_cheeks):
    change(reception, on_cheeks, zones=["cheeks", "chin_jaw"], **OF_SKIN)
    assert change(reception, on_cheeks, zones=["chin_jaw"], revision=1).status_code == 302
    assert waits_for(on_cheeks) == set()
    page = reception.get(url(on_cheeks))
    conditions = {group.condition for group in page.context["answers"].groups()}
    assert not any({"zones=cheeks", "zones=chin_jaw"} & set(each.split()) for each in conditions)


def test_an_answer_about_a_later_visit_to_other_skin_does_not_clear_the_new_skin(reception, on_cheeks):
    change(reception, on_cheeks, zones=["cheeks", "chin_jaw"])
    keep_answers(patient=on_cheeks.patient, answers={"Q15": "no"}, zones=["neck"], by=None, now=NOW)
    assert "E01" in waits_for(on_cheeks)


def test_a_mistake_in_an_answer_changes_nothing_and_keeps_what_was_chosen(reception, on_cheeks):
    said = {"Q19": ["laser"], "Q19b": "no day"}
    answer = change(reception, on_cheeks, zones=["cheeks", "chin_jaw"], **said)
    assert answer.status_code == 422
    assert 'value="no day"' in answer.text
    assert [zone.code for zone in course(on_cheeks).zones.all()] == ["cheeks"]
