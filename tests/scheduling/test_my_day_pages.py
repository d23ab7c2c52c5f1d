"""A practitioner's own day as she sees it, on Monday 12 January 2026 at seven in the morning."""

import re
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from scheduling import day
from tests.factories import (
    NOW,
    check_in,
    make_appointment,
    make_arrival,
    make_clear_patient,
    make_clinic,
    make_fact,
    make_practitioner,
    make_signed_visit,
    make_user,
    signed_in,
)
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

MY_DAY = reverse("scheduling:day-show")
TEN = NOW + timedelta(days=7, hours=3)
HOUR = timedelta(hours=1)


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def client(practitioner):
    return signed_in(user=practitioner.user)


def on_the_day(client, **query):
    return client.get(MY_DAY, {"day": "2026-01-19"} | query)


def test_the_day_lists_her_visits_with_what_comes_next(client, clinic, practitioner, clinic_clock):
    marta, omar = (make_clear_patient(clinic, given_name=name, family_name="Vega") for name in ("Marta", "Omar"))
    make_arrival(location=clinic, practitioner=practitioner, patient=marta, starts_at=TEN)
    make_appointment(location=clinic, practitioner=practitioner, patient=omar, starts_at=TEN + 3 * HOUR)
    clinic_clock(days=7, hours=3)
    page = words(client.get(MY_DAY))
    assert "Monday 19 January 2 visits, it is 10:00" in page
    assert "10:00 11:15 Marta Vega Acne scars, moderate Here since 09:50 Clear" in page
    assert "this is a first visit" in page
    assert "Check-in Open the visit Screening" in page
    assert "13:00 14:15 Omar Vega Acne scars, moderate Booked Clear" in page


def test_what_was_done_last_time_is_told(client, clinic, practitioner):
    patient = make_clear_patient(clinic)
    make_fact(patient, kind="allergy", subject="latex", answer="Rash from gloves")
    make_signed_visit(location=clinic, practitioner=practitioner, patient=patient, starts_at=TEN)
    again = make_appointment(
        location=clinic, practitioner=practitioner, patient=patient, starts_at=TEN + timedelta(days=28)
    )
    page = words(client.get(MY_DAY, {"day": "2026-02-16", "visit": again.public_id}))
    assert "Last time, 19 January 2026" in page
    assert "Cheeks 0.5 mm 6 passes" in page
    assert "Latex Rash from gloves" in page
    assert "Redness 1 of 4, swelling 0 of 4, pain 2 of 10." in page
    assert "28 days since the last" in page


def test_one_visit_is_open_and_a_second_click_closes_it(client, clinic, practitioner):
    visit = make_appointment(location=clinic, practitioner=practitioner, starts_at=TEN)
    assert "Last time" not in words(on_the_day(client))
    assert "Last time" in words(on_the_day(client, visit=visit.public_id))
    for closed in ("", "junk", make_appointment().public_id):
        assert "Last time" not in words(on_the_day(client, visit=closed))


def test_opening_a_visit_is_written_down_and_the_list_alone_is_not(client, clinic, practitioner):
    visit = make_appointment(location=clinic, practitioner=practitioner, starts_at=TEN)

    def openings():
        return LogEntry.objects.get_for_object(visit.patient).filter(action=LogEntry.Action.ACCESS).count()

    on_the_day(client)
    assert openings() == 0
    on_the_day(client, visit=visit.public_id)
    assert openings() == 1


def main_button(response) -> str:
    [main] = re.findall(r'<(?:a|button)[^>]*class="btn btn-primary[^>]*>(.*?)</(?:a|button)>', response.text, re.DOTALL)
    return re.sub(r"<.*?>", "", main).strip()


def test_the_main_button_is_what_comes_next(client, clinic, practitioner, clinic_clock):
    here = make_appointment(
        location=clinic, practitioner=practitioner, patient=make_clear_patient(clinic), starts_at=TEN
    )
    assert "btn-primary" not in on_the_day(client, visit=here.public_id).text.partition("my-visit-foot")[2]
    clinic_clock(days=7, hours=2, minutes=50)
    assert main_button(client.get(MY_DAY)) == "Arrived"
    arrived = day.arrive(appointment=here, revision=here.revision, by=None, now=TEN - timedelta(minutes=10))
    assert main_button(client.get(MY_DAY)) == "Check-in"
    check_in(arrived)
    assert main_button(client.get(MY_DAY)) == "Open the visit"


def test_where_something_stands_in_the_way_the_screening_comes_next(client, clinic, practitioner, clinic_clock):
    make_appointment(location=clinic, practitioner=practitioner, starts_at=TEN)
    clinic_clock(days=7, hours=2)
    assert main_button(client.get(MY_DAY)) == "Screening"


def test_after_a_check_in_that_is_in_the_way_the_screening_comes_next(client, clinic, practitioner, clinic_clock):
    here = make_arrival(location=clinic, practitioner=practitioner, starts_at=TEN)
    clinic_clock(days=7, hours=2, minutes=55)
    assert main_button(client.get(MY_DAY)) == "Check-in"
    check_in(here, C05="yes")
    assert main_button(client.get(MY_DAY)) == "Screening"


def test_a_day_without_visits_says_so(client):
    assert "No visits on this day" in words(on_the_day(client))


def test_the_days_before_and_after_are_one_click_away(client):
    page = on_the_day(client).text
    assert f"{MY_DAY}?day=2026-01-18" in page
    assert f"{MY_DAY}?day=2026-01-20" in page
    assert "Monday 12 January" in words(client.get(MY_DAY, {"day": "junk"}))


def test_somebody_who_may_treat_and_has_no_column_yet_has_an_empty_day(clinic):
    new = signed_in("practitioner", location=clinic)
    assert "No visits on this day" in words(on_the_day(new))


@pytest.mark.parametrize(
    ("roles", "home"),
    [
        (["practitioner"], "day-show"),
        (["lead", "practitioner"], "day-show"),
        (["receptionist"], "board-day"),
        (["lead"], "board-day"),
        (["owner"], "board-day"),
    ],
)
def test_whoever_treats_begins_with_her_own_day(clinic, roles, home):
    client = signed_in(user=make_user(*roles, location=clinic))
    answer = client.get(reverse("scheduling:home"))
    assertRedirects(answer, reverse(f"scheduling:{home}"))


@pytest.mark.parametrize("role", ["receptionist", "lead", "owner"])
def test_nobody_else_has_such_a_day(clinic, role):
    assert signed_in(role, location=clinic).get(MY_DAY).status_code == 403


def test_the_page_asks_the_same_number_of_questions_however_many_visits(client, clinic, practitioner):
    first = make_appointment(location=clinic, practitioner=practitioner, starts_at=TEN)

    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert on_the_day(client, visit=first.public_id).status_code == 200
        return len(queries)

    count_queries()
    with_one = count_queries()
    for hours in (3, 5):
        make_appointment(location=clinic, practitioner=practitioner, starts_at=TEN + hours * HOUR)
    assert count_queries() == with_one
