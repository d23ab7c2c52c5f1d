"""What comes of a patient's answers, in words with the hours of her clinic."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from scheduling.patient_pages.results import CALL, MOVE, result_of, sun_from
from tests.factories import NOW, make_appointment, make_clear_patient, make_clinic, make_user
from treatments.answers import record_answers
from treatments.decisions import decide_screening
from treatments.models import Screening

DAY = timedelta(hours=24)


@pytest.mark.parametrize(
    ("zone", "start", "named"),
    [
        (
            "Europe/London",
            datetime(2026, 3, 29, 9, 0, tzinfo=UTC),
            "Saturday 09:00",
        ),  # forward
        ("Europe/London", datetime(2026, 10, 25, 10, 0, tzinfo=UTC), "Saturday 11:00"),  # back
        ("America/New_York", datetime(2026, 3, 8, 14, 0, tzinfo=UTC), "Saturday 09:00"),
        ("Australia/Lord_Howe", datetime(2026, 4, 5, 0, 0, tzinfo=UTC), "Saturday 11:00"),
        ("Africa/Johannesburg", datetime(2026, 3, 1, 8, 0, tzinfo=UTC), "Saturday 10:00"),
    ],
)
def test_the_sun_counts_from_elapsed_hours_before_the_visit(zone, start, named):
    visit = SimpleNamespace(starts_at=start, location=SimpleNamespace(zone=ZoneInfo(zone)))
    assert sun_from(visit, DAY, start - timedelta(hours=30)) == named
    assert sun_from(visit, DAY, start - DAY - timedelta(seconds=1)) == named
    assert sun_from(visit, DAY, start - DAY) == ""


@pytest.mark.django_db
def test_a_visit_that_was_put_off_is_to_be_moved_to_the_day_that_was_decided():
    clinic = make_clinic()
    patient = make_clear_patient(clinic)
    record_answers(patient=patient, answers={"Q10": "yes"}, by=None, now=NOW)
    visit = make_appointment(location=clinic, patient=patient)
    assert result_of(visit, NOW).kind == CALL
    screening = Screening.objects.get()
    later = (visit.starts_at + timedelta(days=30)).date()
    lead = make_user("lead", location=clinic)
    decide_screening(screening=screening, kind="postpone", not_before=later, zone=clinic.zone, by=lead, now=NOW)
    result = result_of(visit, NOW)
    assert (result.kind, result.first_day) == (MOVE, f"{later:%A} {later.day} {later:%B %Y}")


@pytest.mark.django_db
def test_nobody_knows_yet_what_comes_of_a_visit_that_was_never_screened():
    visit = make_appointment()
    Screening.objects.all().delete()
    assert result_of(visit, NOW).kind == CALL
