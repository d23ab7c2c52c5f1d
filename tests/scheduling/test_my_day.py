"""A practitioner's day, read on Monday 19 January 2026."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling import booking
from scheduling.my_day import Break, Row, Step, open_row, read_day, shade_of
from tests.factories import (
    NOW,
    make_appointment,
    make_arrival,
    make_clear_patient,
    make_clinic,
    make_course,
    make_fact,
    make_practitioner,
    make_ready,
    make_signed_visit,
    make_visit,
)

pytestmark = pytest.mark.django_db

DAY = date(2026, 1, 19)
TEN = NOW + timedelta(days=7, hours=3)
HOUR = timedelta(hours=1)


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic, hours=[("09:00", "13:00"), ("13:45", "18:00")])


def read(practitioner, clinic, *, day=DAY, now=TEN - HOUR):
    return read_day(practitioner=practitioner, location=clinic, day=day, now=now)


def at_ten(clinic, practitioner, make=make_appointment, **wish):
    return make(location=clinic, practitioner=practitioner, starts_at=TEN, **wish)


def test_only_her_own_visits_of_the_day_that_stand_in_order_of_time(clinic, practitioner):
    late = make_appointment(location=clinic, practitioner=practitioner, starts_at=TEN + 4 * HOUR)
    early = at_ten(clinic, practitioner)
    make_appointment(location=clinic, practitioner=make_practitioner(clinic), starts_at=TEN)
    make_appointment(location=clinic, practitioner=practitioner, starts_at=TEN + 24 * HOUR)
    gone = make_appointment(location=clinic, practitioner=practitioner, starts_at=TEN + 6 * HOUR)
    booking.cancel_appointment(appointment=gone, revision=0, by=None, now=NOW)
    assert [row.appointment for row in read(practitioner, clinic).rows] == [early, late]


def test_a_break_stands_between_the_visits(clinic, practitioner):
    at_ten(clinic, practitioner)
    make_appointment(location=clinic, practitioner=practitioner, starts_at=TEN + 4 * HOUR)
    parts = read(practitioner, clinic).parts
    assert [type(part) for part in parts] == [Row, Break, Row]
    assert (parts[1].starts_at, parts[1].ends_at) == (TEN + 3 * HOUR, TEN + 3.75 * HOUR)


@pytest.mark.parametrize(
    ("make", "step"),
    [
        (make_appointment, Step.WAIT),
        (make_arrival, Step.CHECK_IN),
        (make_ready, Step.BEGIN),
        (make_visit, Step.GO_ON),
        (make_signed_visit, Step.READ),
    ],
)
def test_the_next_step_follows_how_a_visit_stands(clinic, practitioner, make, step):
    at_ten(clinic, practitioner, make)
    [row] = read(practitioner, clinic).rows
    assert row.step == step
    assert row.shows_light == (step in (Step.WAIT, Step.CHECK_IN, Step.BEGIN))


def test_today_the_first_that_is_not_carried_out_is_open(clinic, practitioner):
    at_ten(clinic, practitioner, make_signed_visit)
    waiting = make_appointment(location=clinic, practitioner=practitioner, starts_at=TEN + 4 * HOUR)
    assert read(practitioner, clinic).current.appointment == waiting
    assert read(practitioner, clinic, now=TEN + 24 * HOUR).current is None


# --- The one that is open ---------------------------------------------------------------------------------------------


def opened(practitioner, clinic, *, day=DAY):
    [row] = read(practitioner, clinic, day=day).rows
    return open_row(row, now=TEN)


def test_the_last_signed_visit_is_told_zone_by_zone(clinic, practitioner):
    patient = make_clear_patient(clinic)
    last = at_ten(clinic, practitioner, make_signed_visit, patient=patient, depth_mm="0.5")
    make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=TEN + timedelta(days=28))
    found = opened(practitioner, clinic, day=DAY + timedelta(days=28))
    assert (found.last, found.days_since) == (last, 28)
    assert [(zone.name, zone.depth, zone.passes, zone.shade) for zone in found.zones] == [("Cheeks", "0.5", 6, 2)]


def test_a_first_visit_has_no_last_one_and_a_record_without_a_signature_is_none(clinic, practitioner):
    patient = make_clear_patient(clinic)
    at_ten(clinic, practitioner, make_visit, patient=patient)
    assert opened(practitioner, clinic).last is None
    make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=TEN + timedelta(days=28))
    found = opened(practitioner, clinic, day=DAY + timedelta(days=28))
    assert (found.last, found.zones, found.days_since) == (None, [], None)


def test_alerts_are_allergies_and_conditions_of_this_patient(clinic, practitioner):
    patient = make_clear_patient(clinic)
    make_fact(patient, kind="allergy", subject="latex", answer="Rash from gloves")
    make_fact(make_clear_patient(clinic), kind="allergy", subject="nickel")
    at_ten(clinic, practitioner, patient=patient)
    assert [alert.title for alert in opened(practitioner, clinic).alerts] == ["Latex"]


def test_the_course_comes_with_all_its_sessions(clinic, practitioner):
    make_course(location=clinic, practitioner=practitioner, starts_at=TEN, planned=3, booked=2)
    assert [line.standing for line in opened(practitioner, clinic).course.lines] == ["booked", "booked", "next"]


@pytest.mark.parametrize(
    ("depth", "shade"), [("0.1", 1), ("0.3", 1), ("0.31", 2), ("0.5", 2), ("1.5", 4), ("2.51", 7), ("3", 7)]
)
def test_a_depth_has_the_shade_that_goes_as_deep(depth, shade):
    assert shade_of(Decimal(depth)) == shade


def test_queries_do_not_grow_with_the_visits(clinic, practitioner):
    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            my_day = read(practitioner, clinic)
            assert [(row.step, row.sign, row.newest_screening, row.appointment.patient.name) for row in my_day.rows]
            assert open_row(my_day.rows[0], now=TEN).zones == []
        return len(queries)

    at_ten(clinic, practitioner)
    with_one = count_queries()
    for hours in (4, 6):
        make_appointment(location=clinic, practitioner=practitioner, starts_at=TEN + hours * HOUR)
    assert count_queries() == with_one
