from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from scheduling import booking
from scheduling.intervals import NeedlingDay, needling_days
from tests.factories import NOW, make_appointment, make_catalogue, make_clinic, make_patient, make_protocol
from treatments.models import Protocol

pytestmark = pytest.mark.django_db

LONDON = ZoneInfo("Europe/London")
START = NOW + timedelta(days=7, hours=3)  # Monday 19 January 2026, 10:00 in London


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def patient(clinic):
    return make_patient(clinic)


def zones(*codes):
    return list(make_catalogue().zones.filter(code__in=codes))


def days_of(patient, *codes, protocol=None, zone=LONDON, ignoring=None):
    return needling_days(
        patient=patient, protocol=protocol or make_protocol(), zones=zones(*codes), zone=zone, ignoring=ignoring
    )


@pytest.mark.parametrize(
    ("day", "is_too_close"),
    [
        (date(2025, 12, 22), False),
        (date(2025, 12, 23), True),
        (date(2026, 1, 19), True),
        (date(2026, 2, 15), True),
        (date(2026, 2, 16), False),
    ],
)
def test_days_are_kept_before_and_after(day, is_too_close):
    assert NeedlingDay(date(2026, 1, 19), 28).is_too_close_to(day) is is_too_close


def test_a_patient_without_visits_has_none(patient):
    assert days_of(patient) == []


def test_every_visit_on_the_same_skin_counts(clinic, patient):
    make_appointment(location=clinic, patient=patient, zones=zones("cheeks", "forehead"))
    make_appointment(location=clinic, patient=make_patient(clinic), zones=zones("cheeks"))
    assert days_of(patient, "cheeks") == [NeedlingDay(date(2026, 1, 19), 28)]
    assert days_of(patient, "hands") == []


def test_skin_that_is_not_known_counts_as_the_same(clinic, patient):
    unknown = make_appointment(location=clinic, patient=patient)
    known = make_appointment(
        location=clinic, patient=patient, zones=zones("hands"), starts_at=START + timedelta(days=28)
    )
    assert [each.day for each in days_of(patient, "cheeks")] == [unknown.starts_at.date()]
    assert [each.day for each in days_of(patient)] == [unknown.starts_at.date(), known.starts_at.date()]


def test_the_longer_interval_of_the_two_treatments_holds(clinic, patient):
    Protocol.objects.filter(pk=make_protocol("scar_thermal_burn").pk).update(interval_weeks_min=6)
    make_appointment(location=clinic, patient=patient, protocol=make_protocol("scar_thermal_burn"))
    assert days_of(patient, protocol=make_protocol()) == [NeedlingDay(date(2026, 1, 19), 42)]
    other = make_patient(clinic)
    make_appointment(location=clinic, patient=other, protocol=make_protocol())
    assert days_of(other, protocol=make_protocol("scar_thermal_burn")) == [NeedlingDay(date(2026, 1, 19), 42)]


def test_what_is_cancelled_or_about_to_move_does_not_count(clinic, patient):
    booked = make_appointment(location=clinic, patient=patient)
    assert days_of(patient, ignoring=booked) == []
    booking.cancel_appointment(appointment=booked, revision=0, by=None, now=NOW)
    assert days_of(patient) == []


def test_the_day_is_the_one_on_the_calendar_of_the_clinic(clinic, patient):
    make_appointment(location=clinic, patient=patient, starts_at=datetime(2026, 1, 19, 15, 30, tzinfo=UTC))
    assert [each.day for each in days_of(patient, zone=ZoneInfo("Australia/Lord_Howe"))] == [date(2026, 1, 20)]


def test_queries_do_not_grow_with_the_visits(clinic, patient, django_assert_num_queries):
    protocol = make_protocol()
    for visit in range(3):
        make_appointment(location=clinic, patient=patient, starts_at=START + timedelta(days=28 * visit))
        with django_assert_num_queries(2):
            needling_days(patient=patient, protocol=protocol, zones=[], zone=LONDON)
