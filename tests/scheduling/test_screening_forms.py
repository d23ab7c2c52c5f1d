"""Asking what nobody has answered yet: on Monday 12 January 2026, for a visit on Monday 19 January, 10:00."""

import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from clinic import times
from scheduling import booking
from scheduling.rescreening import keep_answers
from tests.factories import (
    NOW,
    as_posted,
    clear_answers,
    make_appointment,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_patient,
    make_practitioner,
    signed_in,
)
from tests.reading import words
from treatments.answers import known_answers, record_answers
from treatments.catalogue import Stage
from treatments.models import Zone
from treatments.screenings import screen_session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

START = datetime(2026, 1, 19, 10, tzinfo=UTC)
DOOR = "Ask what is missing"


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture(params=["receptionist", "lead"])
def client(request, clinic):
    return signed_in(request.param, location=clinic)


@pytest.fixture
def visit(clinic, practitioner):
    return make_appointment(
        location=clinic, practitioner=practitioner, patient=make_clear_patient(clinic), starts_at=START
    )


def say(visit, **answers):
    keep_answers(patient=visit.patient, answers=answers, by=None, now=times.now())


def url(visit, step="ask"):
    return reverse(f"scheduling:screening-{step}", args=[visit.public_id])


def asked(client, visit) -> set[str]:
    """The questions on the page, by id."""
    return set(re.findall(r'name="([QPC]\d\d[a-z]?)(?:_\d)?"', client.get(url(visit)).text))


def newest(visit):
    return visit.session.screenings.newest_first().first()


def test_an_answer_that_nobody_can_replace_is_asked_and_the_screening_follows(client, visit):
    say(visit, Q04="not_sure")
    assert newest(visit).findings.get(rule_code="S1").ends_only_with_answer
    assert DOOR in client.get(url(visit, "show")).text
    assert asked(client, visit) == {"Q04", "Q04b"}
    assertRedirects(client.post(url(visit), {"Q04": "no"}), url(visit, "show"), fetch_redirect_response=False)
    assert newest(visit).outcome == "advise"
    text = client.get(url(visit, "show")).text
    assert "Kept. The screening follows it." in text
    assert DOOR not in text
    assert "No answer is missing" in client.get(url(visit)).text


def test_what_nobody_was_asked_is_asked(client, clinic, practitioner):
    visit = make_appointment(location=clinic, practitioner=practitioner, patient=make_patient(clinic), starts_at=START)
    assert DOOR in client.get(url(visit, "show")).text
    assert {"Q04", "Q05", "Q10", "Q24"} <= asked(client, visit)
    assertRedirects(client.post(url(visit), as_posted(clear_answers(Stage.BOOKING))), url(visit, "show"))
    assert newest(visit).outcome == "advise"


def test_what_stays_open_holds_the_visit(client, visit):
    say(visit, Q04="not_sure", Q10="not_sure")
    assertRedirects(client.post(url(visit), {"Q04": "no"}), url(visit, "show"))
    assert (newest(visit).outcome, asked(client, visit)) == ("hold", {"Q10"})


def test_a_missing_detail_brings_its_question_so_that_the_page_tells_no_answer(client, visit):
    say(visit, Q04="yes")
    page = client.get(url(visit))
    assert asked(client, visit) == {"Q04", "Q04b"}
    assert " checked" not in page.text.partition('class="card form-wide"')[2].partition("</form>")[0]
    assertRedirects(client.post(url(visit), {"Q04": "yes", "Q04b_0": "2025-01"}), url(visit, "show"))
    assert newest(visit).outcome == "advise"


def test_skin_of_which_nobody_has_spoken_is_asked_about(client, clinic, practitioner):
    patient = make_patient(clinic)
    record_answers(patient=patient, answers=clear_answers(Stage.BOOKING), zones=["cheeks"], by=None, now=NOW)
    zones = Zone.objects.filter(version=make_catalogue(), code__in=["cheeks", "neck"])
    visit = make_appointment(
        location=clinic, practitioner=practitioner, patient=patient, zones=list(zones), starts_at=START
    )
    assert "Q15" in asked(client, visit)
    assert "Q10" not in asked(client, visit)
    client.post(url(visit), as_posted(clear_answers(Stage.BOOKING)))
    assert asked(client, visit) == set()


def test_what_was_unsure_in_the_check_before_the_visit_is_asked_as_well(client, visit):
    def check(**answers):
        return screen_session(
            session=visit.session,
            stage=Stage.PREVISIT,
            start=START,
            zone=visit.location.zone,
            cause="answers",
            answers=clear_answers(Stage.PREVISIT, known_answers(visit.patient)) | answers,
            by=None,
            now=times.now(),
        )

    assert check(P02="not_sure").findings.get(rule_code="E02a").ends_only_with_answer
    assert asked(client, visit) == {"P02"}
    assertRedirects(client.post(url(visit), {"P02": "no"}), url(visit, "show"))
    assert (newest(visit).stage, newest(visit).stands_in_the_way) == ("previsit", False)
    check(P04="not_sure")
    text = words(client.get(url(visit)))
    assert "Have you had sunburn, a sunbed or fake tan since Tuesday 6 January?" in text


def test_an_answer_that_cannot_be_read_is_refused_and_stays_typed(client, visit):
    say(visit, Q04="not_sure")
    sent = client.post(url(visit), {"Q04": "yes", "Q04b_0": "31/02/2025"})
    assert sent.status_code == 422
    assert "31/02/2025" in sent.text
    assert known_answers(visit.patient)["Q04"] == "not_sure"


def test_sending_no_answer_at_all_keeps_nothing_and_says_so(client, visit):
    say(visit, Q04="not_sure")
    before = newest(visit)
    answer = client.post(url(visit), {})
    assert answer.status_code == 422
    assert "Answer at least one of these, or ask later." in words(answer)
    assert newest(visit) == before


def test_a_cancelled_visit_asks_nothing(client, visit):
    say(visit, Q04="not_sure")
    booking.cancel_appointment(appointment=visit, revision=0, by=None, now=NOW)
    assert DOOR not in client.get(url(visit, "show")).text
    for sent in (client.get(url(visit)), client.post(url(visit), {"Q04": "no"})):
        assertRedirects(sent, url(visit, "show"), fetch_redirect_response=False)
    assert "nothing is asked for it any more" in words(client.get(url(visit, "show")))
    assert known_answers(visit.patient)["Q04"] == "not_sure"


def test_a_visit_of_elsewhere_does_not_exist(client):
    foreign = make_appointment(starts_at=START)
    assert client.get(url(foreign)).status_code == 404
    assert client.post(url(foreign), {"Q04": "no"}).status_code == 404


def test_however_much_is_missing_it_takes_the_same_number_of_queries(client, visit):
    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url(visit)).status_code == 200
        return len(queries)

    say(visit, Q04="not_sure")
    client.get(url(visit))
    once = count_queries()
    say(visit, Q10="not_sure", Q12="not_sure")
    assert count_queries() == once
