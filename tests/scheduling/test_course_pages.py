"""The page of a course that begins on Monday 19 January 2026, read a week before."""

from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from tests.factories import (
    NOW,
    make_appointment,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_course,
    make_practitioner,
    make_protocol,
    make_signed_visit,
    make_user,
    signed_in,
)
from tests.reading import words
from treatments.answers import record_answers
from treatments.models import CoursePlan, CourseSession

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

FIRST = NOW + timedelta(days=7, hours=3)


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def reception(clinic):
    return signed_in("receptionist", location=clinic)


def course_of(clinic, practitioner, **wish):
    patient = wish.pop("patient", None) or make_clear_patient(clinic, given_name="Marta", family_name="Lindholm")
    return make_course(location=clinic, practitioner=practitioner, patient=patient, **wish)


def page_of(client, course, step="show"):
    return client.get(reverse(f"scheduling:course-{step}", args=[course.public_id]))


def post(client, course, step, **fields):
    return client.post(reverse(f"scheduling:course-{step}", args=[course.public_id]), fields)


# --- The page ---------------------------------------------------------------------------------------------------------


def test_the_page_says_what_comes_next_and_when_each_session_may_be(reception, clinic, practitioner):
    page = words(page_of(reception, course_of(clinic, practitioner, planned=4)))
    assert "Acne scars, moderate 3 to 4 sessions, 4 to 8 weeks apart, best at 4. Protocol version 1." in page
    assert f"Next step, in 7 days Session 1 on Monday 19 January, 10:00 With {practitioner.name}" in page
    assert "0 of 4 done" in page
    assert "16 Feb to 16 Mar" in page
    assert "Book session 2" in page
    assert "Marta Lindholm" in page


def test_the_next_session_is_one_click_away(reception, clinic, practitioner):
    course = course_of(clinic, practitioner, planned=3, booked=2)
    assert (
        reverse("scheduling:session-book", args=[course.sessions.get(number=3).public_id])
        in page_of(reception, course).text
    )
    assert "Book session 4" not in words(page_of(reception, course))


def test_a_window_that_has_closed_is_told(reception, clinic, practitioner, clinic_clock):
    course = make_signed_visit(location=clinic, practitioner=practitioner, starts_at=FIRST).session.course
    type(course).objects.filter(pk=course.pk).update(planned_sessions=3)
    CourseSession.objects.create(course=course, number=2)
    clinic_clock(days=70)
    page = words(page_of(reception, course))
    assert "Next step Book session 2 From 16 February to 16 March 2026, best from Monday 16 February on" in page
    assert "The window has closed" in page


def test_what_was_done_is_for_those_who_treat(clinic, practitioner, reception):
    visit = make_signed_visit(location=clinic, practitioner=practitioner, starts_at=FIRST)
    course = visit.session.course
    treating = words(page_of(signed_in("practitioner", location=clinic), course))
    assert "Cheeks 0.5 mm" in treating
    asking = words(page_of(reception, course))
    assert "Signed" in asking
    assert "Cheeks 0.5" not in asking


def test_a_session_at_another_place_is_told_and_not_opened(reception, clinic, practitioner):
    course = course_of(clinic, practitioner, planned=3)
    elsewhere = make_clinic(name="Harbour")
    first = course.sessions.get(number=1).appointments.get()
    type(first).objects.filter(pk=first.pk).update(location=elsewhere)
    page = page_of(reception, course)
    assert "Mon 19 Jan 10:00" in words(page)
    assert "Harbour" in words(page)
    assert str(first.public_id) not in page.text


def test_a_course_of_elsewhere_does_not_exist(clinic):
    foreign = make_course()
    for client in (signed_in("lead", "receptionist", location=clinic),):
        assert page_of(client, foreign).status_code == 404
        assert post(client, foreign, "plan", text="Shallow.").status_code == 404
        assert post(client, foreign, "refresher", per_year="1").status_code == 404
    assert (CoursePlan.objects.count(), foreign.sessions.count()) == (0, 3)


def test_opening_a_course_is_written_down(clinic, practitioner):
    user, course = make_user("receptionist", location=clinic), course_of(clinic, practitioner)
    page_of(signed_in(user=user), course)
    entry = LogEntry.objects.get_for_object(course.patient).filter(action=LogEntry.Action.ACCESS).get()
    assert entry.actor == user


@pytest.mark.parametrize("role", ["receptionist", "lead"])
def test_the_page_asks_the_same_number_of_questions_however_long_the_course(clinic, practitioner, role):
    client = signed_in(role, location=clinic)

    def count_queries(course):
        with CaptureQueriesContext(connection) as queries:
            assert page_of(client, course).status_code == 200
        return len(queries)

    signed = make_signed_visit(location=clinic, practitioner=practitioner, starts_at=FIRST).session.course
    short, long = (
        course_of(
            clinic,
            practitioner,
            planned=planned,
            booked=planned - 1,
            patient=make_clear_patient(clinic),
            starts_at=FIRST + timedelta(hours=hour),
            protocol=make_protocol("scar_surgical"),
        )
        for planned, hour in ((2, 2), (4, 4))
    )
    count_queries(short)
    assert count_queries(short) == count_queries(long)
    assert count_queries(signed) <= count_queries(long) + 2  # what was done at it, for those who treat


@pytest.mark.parametrize("role", ["receptionist", "practitioner"])
def test_a_zone_that_is_left_out_is_named_and_never_why(clinic, practitioner, role):
    patient = make_clear_patient(clinic)
    record_answers(patient=patient, answers={"Q20": "yes", "Q20b": "chin_jaw"}, by=None, now=NOW)
    zones = make_catalogue().zones.filter(code__in=["cheeks", "chin_jaw"])
    course = course_of(clinic, practitioner, patient=patient, zones=zones)
    page = page_of(signed_in(role, location=clinic), course)
    assert "Skin Cheeks, Chin and jawline (left out at the next visit)" in words(page)
    assert "tattoo" not in page.text.lower()
    panel = reverse("scheduling:appointment-show", args=[course.sessions.get(number=1).appointments.get().public_id])
    shown = signed_in("receptionist", location=clinic).get(panel, headers={"HX-Request": "true"})
    assert "Cheeks, Chin and jawline (left out)" in words(shown)
    assert "tattoo" not in shown.text.lower()


# --- The plan ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def melasma(clinic, practitioner):
    return course_of(clinic, practitioner, protocol=make_protocol("melasma"), planned=3)


def test_without_a_plan_everybody_is_told_and_the_lead_alone_is_asked(clinic, reception, melasma):
    sentence = "This treatment begins with a plan that the clinical lead signs."
    assert f"Plan Missing {sentence}" in words(page_of(reception, melasma))
    assert "Sign the plan" not in words(page_of(reception, melasma))
    assert "Sign the plan" in words(page_of(signed_in("lead", location=clinic), melasma))


def test_what_needs_no_plan_asks_for_none(clinic, practitioner):
    page = words(page_of(signed_in("lead", location=clinic), course_of(clinic, practitioner)))
    assert "Sign the plan" not in page


def test_the_lead_signs_and_those_who_treat_read_it(clinic, reception, melasma):
    lead = make_user("lead", location=clinic, name="Amelia Hart")
    answer = post(signed_in(user=lead), melasma, "plan", text="Shallow first.\nSunscreen all year.")
    assertRedirects(answer, reverse("scheduling:course-show", args=[melasma.public_id]))
    signature = "Signed by Amelia Hart, 12 January 2026, 07:00"
    assert f"Shallow first. Sunscreen all year. {signature}" in words(
        page_of(signed_in("practitioner", location=clinic), melasma)
    )
    assert f"Plan Signed {signature}" in words(page_of(reception, melasma))
    assert "Shallow" not in words(page_of(reception, melasma))


def test_a_plan_without_words_is_asked_again_and_a_second_one_is_refused(clinic, melasma):
    lead = signed_in("lead", location=clinic)
    empty = post(lead, melasma, "plan", text=" ")
    assert (empty.status_code, CoursePlan.objects.count()) == (422, 0)
    assert "Please fill this in." in words(empty)
    post(lead, melasma, "plan", text="Shallow first.")
    second = post(lead, melasma, "plan", text="Deeper.")
    assert second.status_code == 409
    assert "Not done: A plan is signed already. It stays as it was signed." in words(second)
    assert CoursePlan.objects.get().text == "Shallow first."


@pytest.mark.parametrize("role", ["receptionist", "practitioner", "owner"])
def test_nobody_else_signs(clinic, melasma, role):
    assert post(signed_in(role, location=clinic), melasma, "plan", text="Deeper.").status_code == 403
    assert CoursePlan.objects.count() == 0


# --- Refreshers -------------------------------------------------------------------------------------------------------


def wrinkles(clinic, practitioner, **wish):
    return course_of(clinic, practitioner, protocol=make_protocol("wrinkles_fine"), planned=4, **wish)


def test_a_refresher_is_planned_once_the_course_is_booked(reception, clinic, practitioner):
    course = wrinkles(clinic, practitioner, booked=4)
    assert "Plan a refresher" in words(page_of(reception, course))
    answer = post(reception, course, "refresher", per_year="2")
    assertRedirects(answer, reverse("scheduling:course-show", args=[course.public_id]))
    page = words(page_of(reception, course))
    assert "One is planned. It is due from 13 October 2026 to 13 April 2027." in page
    assert "Book the refresher" in page
    assert post(reception, course, "refresher", per_year="2").status_code == 302  # sent twice
    assert course.sessions.count() == 5


def test_a_refresher_waits_for_the_course(reception, clinic, practitioner):
    course = wrinkles(clinic, practitioner, booked=2)
    assert "Plan a refresher" not in words(page_of(reception, course))
    refused = post(reception, course, "refresher", per_year="1")
    assert refused.status_code == 409
    assert "Not done: Session 3 has no time yet. Refreshers follow the whole course." in words(refused)
    assert course.sessions.count() == 4


@pytest.mark.parametrize("per_year", ["", "3", "0", "often"])
def test_once_or_twice_a_year_and_nothing_else(reception, clinic, practitioner, per_year):
    course = wrinkles(clinic, practitioner, booked=4)
    assert post(reception, course, "refresher", per_year=per_year).status_code == 422
    assert course.sessions.count() == 4


def test_what_is_not_refreshed_offers_none(reception, clinic, practitioner):
    course = course_of(clinic, practitioner, planned=3, booked=3)
    assert "Refreshers" not in words(page_of(reception, course))
    assert post(reception, course, "refresher", per_year="1").status_code == 409
    assert course.sessions.count() == 3


# --- From the panel ---------------------------------------------------------------------------------------------------


def test_the_panel_of_a_session_leads_to_the_one_after(reception, clinic, practitioner):
    course = course_of(clinic, practitioner, planned=3, booked=2)
    htmx = {"HX-Request": "true"}

    def panel(appointment):
        return words(reception.get(reverse("scheduling:appointment-show", args=[appointment.public_id]), headers=htmx))

    first, second = (course.sessions.get(number=number).appointments.get() for number in (1, 2))
    assert "Book session 3" in panel(second)
    assert "Book session" not in panel(first)
    single = make_appointment(location=clinic, practitioner=practitioner, starts_at=FIRST + timedelta(hours=3))
    assert "Book session" not in panel(single)
