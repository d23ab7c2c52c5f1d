"""The day board as a page: Monday 12 January 2026, seven in the morning, a week before most of its visits."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from scheduling.day import end_treatment
from tests.factories import (
    check_in,
    make_appointment,
    make_arrival,
    make_clinic,
    make_patient,
    make_practitioner,
    make_user,
    make_visit,
    signed_in,
)
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

BOARD = reverse("scheduling:board-day")
HTMX = {"HX-Request": "true"}
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
def booked(clinic, practitioner):
    patient = make_patient(clinic, given_name="Marta", family_name="Lindholm")
    return make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=START)


def opened(patient) -> int:
    return LogEntry.objects.get_for_object(patient).filter(action=LogEntry.Action.ACCESS).count()


def day(client, text="2026-01-19", **asked):
    return client.get(BOARD, {"day": text} | asked)


def test_the_first_page_is_todays_board(reception, practitioner):
    assertRedirects(reception.get("/"), BOARD)
    assert "Monday 12 January 0 visits, 8 h free" in words(reception.get(BOARD))


def test_a_day_shows_who_comes_to_whom(reception, practitioner, booked):
    page = words(day(reception))
    assert "Monday 19 January 1 visit, 6 h free 1 on hold" in page
    assert f"{practitioner.name} Practitioner Marta Lindholm Acne scars, moderate On hold 10:00 to 11:15" in page
    assert "Lindholm" not in words(day(reception, "2026-01-20"))


def test_a_day_leads_to_its_neighbours_and_refreshes_itself(reception):
    page = day(reception, "2026-03-01").text
    assert f'href="{BOARD}?day=2026-02-28"' in page
    assert f'href="{BOARD}?day=2026-03-02"' in page
    assert f'hx-get="{BOARD}?day=2026-03-01"' in page


def test_a_day_of_another_year_is_named_with_it(reception):
    assert "Friday 1 January 2027" in words(day(reception, "2027-01-01"))


@pytest.mark.parametrize(
    "text", ["", "today", "2026-02-30", "12/01/2026", "0001-01-01", "9999-12-31", "2026-01-19T10:00"]
)
def test_a_day_that_is_none_is_today(reception, text):
    assert "Monday 12 January" in words(day(reception, text))


def test_the_fragment_is_the_board_with_how_the_day_stands(reception, booked):
    fragment = reception.get(BOARD, {"day": "2026-01-19"}, headers=HTMX)
    assert "1 visit, 6 h free" in words(fragment)
    assert "Marta Lindholm" in words(fragment)
    assert "Day board" not in words(fragment)  # nothing of the frame around it
    assert "HX-Request" in fragment["Vary"]


def test_today_begins_at_midnight_of_the_place(clinic_clock):
    island = signed_in("receptionist", location=make_clinic(zone_name="Australia/Lord_Howe"))
    clinic_clock(hours=5, minutes=59)  # 12:59 in UTC, 23:59 there
    assert "Monday 12 January" in words(island.get(BOARD))
    clinic_clock(minutes=1)
    assert "Tuesday 13 January" in words(island.get(BOARD))


def test_a_place_without_practitioners_says_what_to_do(reception):
    assert "Nobody works here yet" in words(reception.get(BOARD))


# --- The panel beside it ----------------------------------------------------------------------------------------------


def test_an_address_can_open_a_visit_beside_the_board(reception, booked):
    assert "Open the patient" in words(day(reception, appointment=booked.public_id))
    assert opened(booked.patient) == 1


def test_the_board_alone_opens_no_patient(reception, booked):
    assert "Open the patient" not in words(day(reception))
    assert opened(booked.patient) == 0


def test_a_visit_that_is_not_ones_own_stays_closed(reception, practitioner):
    foreign = make_appointment()
    for appointment in (foreign.public_id, uuid4(), "junk", ""):
        page = words(day(reception, "2026-01-12", appointment=appointment))
        assert "Monday 12 January" in page
        assert "Open the patient" not in page
    assert opened(foreign.patient) == 0


# --- Several places ---------------------------------------------------------------------------------------------------


def test_the_board_is_that_of_the_place_on_the_screen(clinic, booked):
    elsewhere = make_clinic(name="Zzz, the last by name")
    make_appointment(location=elsewhere, patient=make_patient(elsewhere, family_name="Okafor"), starts_at=START)
    user = make_user("receptionist", location=clinic)
    client = signed_in(user=user)
    assert "Okafor" not in words(day(client))
    user.locations.add(elsewhere)
    client.post(reverse("clinic:location-switch"), {"location": elsewhere.public_id})
    page = words(day(client))
    assert "Okafor" in page
    assert "Lindholm" not in page


# --- Queries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_queries_do_not_grow_with_the_visits(reception, clinic, practitioner, booked, headers):
    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert reception.get(BOARD, {"day": "2026-01-19"}, headers=headers).status_code == 200
        return len(queries)

    with_one = count_queries()
    for hours in (2, 4):
        make_appointment(
            location=clinic, practitioner=make_practitioner(clinic), starts_at=START + timedelta(hours=hours)
        )
    assert count_queries() == with_one


# --- The states of the day --------------------------------------------------------------------------------------------


def test_a_card_says_how_the_day_goes_in_a_word(clinic, practitioner, reception):
    """And to whom a decision is still open: in treatment it no longer is."""
    where = {"location": clinic, "practitioner": practitioner}
    here = make_arrival(**where, starts_at=START)
    assert "Arrived 10:00 to 11:15" in words(day(reception))
    check_in(here, C01="yes", C01b="2026-01-18T15:00")
    page = words(day(reception))
    assert "Arrived On hold 10:00 to 11:15" in page
    assert "1 on hold" in page
    visit = make_visit(**where, starts_at=START + timedelta(hours=2))
    assert "In treatment 12:00 to 13:15" in words(day(reception))
    end_treatment(
        appointment=visit.session.appointments.get(),
        revision=0,
        by=practitioner.user,
        now=visit.started_at + timedelta(hours=1),
    )
    assert "Completed 12:00 to 13:15" in words(day(reception))
