"""The word that tells whether a day has changed: Monday 19 January 2026, as it is seen a week before."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from scheduling import booking, day
from scheduling.board import visits_of_day
from scheduling.live import token_of_day
from scheduling.rescreening import keep_answers
from tests.factories import (
    NOW,
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_practitioner,
    make_protocol,
    make_user,
    signed_in,
)
from tests.scene import HTMX
from treatments.courses import sign_plan
from treatments.decisions import decide_screening
from treatments.models import ScreeningDecision

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

START = datetime(2026, 1, 19, 10, tzinfo=UTC)
BOARD, MY_DAY = reverse("scheduling:board-day"), reverse("scheduling:day-show")


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def visit(clinic, practitioner):
    patient = make_clear_patient(clinic)
    return make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=START)


@pytest.fixture
def token(clinic):
    return lambda now=NOW: token_of_day(visits_of_day(clinic, START.date()), now=now)


def by(visit):
    return {"appointment": visit, "revision": visit.revision, "by": None, "now": NOW}


def say(visit, **answers):
    keep_answers(patient=visit.patient, answers=answers, by=None, now=NOW)


def clear(visit):
    screening = visit.session.screenings.newest_first().first()
    kind, lead = ScreeningDecision.Kind.CLEAR, make_user("lead")
    decide_screening(screening=screening, kind=kind, zone=visit.location.zone, by=lead, now=NOW)


CHANGES = {
    "confirmed": lambda visit: booking.confirm_appointment(**by(visit)),
    "cancelled": lambda visit: booking.cancel_appointment(**by(visit)),
    "arrived": lambda visit: day.arrive(**by(visit) | {"now": START}),
    "moved within the day": lambda visit: booking.move_appointment(
        **by(visit), starts_at=START + timedelta(hours=2), practitioner=visit.practitioner
    ),
    "an answer": lambda visit: say(visit, Q05="yes", Q05b="Methotrexate", Q05c="not_asked"),
    "another visit": lambda visit: make_appointment(
        location=visit.location, practitioner=visit.practitioner, starts_at=START + timedelta(hours=3)
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_the_day_shows_changes_the_word(visit, token, change):
    before = token()
    CHANGES[change](visit)
    assert token() != before


def test_a_plan_changes_the_word(clinic, token):
    planned = make_appointment(location=clinic, protocol=make_protocol("melasma"), starts_at=START)
    before = token()
    sign_plan(course=planned.session.course, text="Shallow first.", by=make_user("lead"), now=NOW)
    assert token() != before


def test_a_decision_changes_the_word(visit, token):
    say(visit, Q10="yes")
    before = token()
    clear(visit)
    assert token() != before


def test_what_the_day_does_not_show_leaves_the_word(visit, token, clinic):
    before = token()
    make_appointment(location=clinic, starts_at=START + timedelta(days=1))
    make_appointment(starts_at=START)
    assert token() == before


def test_the_word_holds_for_the_five_minutes_in_which_the_line_of_the_present_stays(visit, token):
    assert token(NOW) == token(NOW + timedelta(minutes=4, seconds=59))
    assert token(NOW) != token(NOW + timedelta(minutes=5))


@pytest.mark.parametrize(("page", "most_queries"), [(BOARD, 4), (MY_DAY, 5)])
def test_an_open_page_is_drawn_again_only_when_something_has_changed(practitioner, visit, page, most_queries):
    client = signed_in(user=practitioner.user)
    asked = {"day": "2026-01-19", "visit": str(visit.public_id)} if page == MY_DAY else {"day": "2026-01-19"}
    seen = client.get(page, asked, headers=HTMX).text.partition('data-seen="')[2][:16]
    assert f'data-seen="{seen}"' in client.get(page, asked).text
    with CaptureQueriesContext(connection) as queries:
        unchanged = client.get(page, asked | {"seen": seen}, headers=HTMX)
    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert len(queries) <= most_queries
    say(visit, Q05="yes", Q05b="Methotrexate", Q05c="not_asked")
    changed = client.get(page, asked | {"seen": seen}, headers=HTMX)
    assert changed.status_code == 200
    assert "On hold" in changed.text
    assert "<html" not in changed.text
    assert client.get(page, asked | {"seen": seen}).status_code == 200
