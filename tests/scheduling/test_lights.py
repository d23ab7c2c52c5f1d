"""What everybody may know of a visit's screening, and what has turned it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from scheduling.lights import Light, change_of, light_of, what_it_waits_for
from scheduling.rescreening import keep_answers
from tests.factories import (
    NOW,
    lift,
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_patient,
    make_practitioner,
    make_user,
    signed_in,
)
from treatments.answers import record_answers
from treatments.decisions import decide_screening
from treatments.models import ScreeningDecision

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

START = datetime(2026, 1, 19, 10, tzinfo=UTC)
IMMUNE = {"Q05": "yes", "Q05b": "Methotrexate", "Q05c": "not_asked"}


@pytest.fixture
def visit():
    clinic = make_clinic()
    return make_appointment(location=clinic, patient=make_clear_patient(clinic), starts_at=START)


def say(visit, **answers):
    keep_answers(patient=visit.patient, answers=answers, by=None, now=NOW)


def screenings(visit):
    return list(visit.session.screenings.newest_first().with_findings())


def light(visit):
    return light_of(screenings(visit)[0])


def test_a_light_for_each_state(visit):
    assert light_of(None) == Light.UNKNOWN
    assert light(visit) == Light.CLEAR
    say(visit, **IMMUNE)
    assert light(visit) == Light.HOLD
    say(visit, Q05="yes", Q05c="keep_taking")
    assert light(visit) == Light.STOP
    lift(screening=screenings(visit)[0], reason="Discussed.", by=make_user("lead"), now=NOW)
    assert light(visit) == Light.CLEAR


def test_a_postponed_visit_cannot_be_at_its_time(visit):
    say(visit, **IMMUNE)
    decide_screening(
        screening=screenings(visit)[0],
        kind=ScreeningDecision.Kind.POSTPONE,
        zone=visit.location.zone,
        not_before=date(2026, 2, 2),
        by=make_user("lead"),
        now=NOW,
    )
    assert light(visit) == Light.STOP


def test_a_first_light_and_one_that_stayed_are_no_change(visit):
    assert change_of(screenings(visit)) is None
    say(visit, **IMMUNE)
    say(visit, Q05="yes", Q05b="Azathioprine", Q05c="not_asked")
    assert change_of(screenings(visit)) is None


def test_a_change_names_its_cause(visit):
    say(visit, **IMMUNE)
    change = change_of(screenings(visit))
    assert (change.before, change.after, change.at) == (Light.CLEAR, Light.HOLD, NOW)
    sentence = "The screening turned from “clear” to “on hold”. An answer was given."
    assert [change.words(for_treating=each) for each in (True, False)] == [sentence, sentence]


def test_what_is_news_is_said(visit):
    assert what_it_waits_for(visit.session) == ""
    say(visit, **IMMUNE)
    assert what_it_waits_for(visit.session) == "The visit now waits for the clinical lead."
    say(visit, Q05="no")
    assert what_it_waits_for(visit.session) == "Nothing stands in the way any more."


def test_a_move_says_that_the_visit_waits_now(visit):
    say(visit, **IMMUNE)
    say(visit, Q05="no")
    client = signed_in("receptionist", location=visit.location)
    later = START + timedelta(days=1)
    # written down without the visit being screened again, so that the move finds it
    record_answers(patient=visit.patient, answers=IMMUNE, by=None, now=NOW)
    slot = f"{later.isoformat()} {visit.practitioner.public_id}"
    url = reverse("scheduling:appointment-move", args=[visit.public_id])
    [told] = get_messages(client.post(url, {"slot": slot, "revision": 0}).wsgi_request)
    assert str(told) == "Moved. The patient gets a mail with the new time. The visit now waits for the clinical lead."


def test_a_booking_that_is_on_hold_says_so():
    clinic = make_clinic()
    visit = make_appointment(location=clinic, patient=make_patient(clinic), practitioner=make_practitioner(clinic))
    assert what_it_waits_for(visit.session) == "The visit now waits for the clinical lead."
