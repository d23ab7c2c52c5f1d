"""Through the door behind a link in a mail: what is shown before the date of birth and what after it."""

import logging
import re
from datetime import timedelta

import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import links
from clinic.models import OutgoingMail
from scheduling import booking
from scheduling.models import Appointment, PatientAnswers, PatientLink
from scheduling.reminders import mail_due_reminders
from scheduling.worklists import read_worklists
from tests.factories import (
    NOW,
    make_appointment,
    make_clinic,
    make_patient,
)
from tests.reading import words
from tests.scheduling.patient_pages.visitor import BORN, START, Visitor, appointment, kept

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

CLINICAL = ("health", "medicine", "skin", "isotretinoin", "screen", "scar")


def test_the_token_becomes_a_cookie_of_its_own_pages_and_leaves_the_address():
    visitor = Visitor()
    answer = visitor.enter()
    assert (answer.status_code, answer["Location"]) == (302, visitor.url())
    cookie = answer.cookies["visit_link"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (visitor.url(), True, "Lax")
    assert visitor.token not in visitor.get(visitor.url()).text


def test_looking_at_a_link_changes_nothing():
    visitor = Visitor()
    before = list(PatientLink.objects.values())
    url = reverse("scheduling:link-open", args=[visitor.token])
    for method, status in {"GET": 302, "HEAD": 302, "OPTIONS": 405, "TRACE": 405, "POST": 405, "PUT": 405}.items():
        with CaptureQueriesContext(connection) as queries:
            assert visitor.generic(method, url).status_code == status
        assert all(query["sql"].startswith("SELECT") for query in queries)
    for name in ("visit", "start", "answers", "result", "calendar"):
        with CaptureQueriesContext(connection) as queries:
            visitor.get(visitor.url(name))
        assert all(query["sql"].startswith("SELECT") for query in queries)
    assert list(PatientLink.objects.values()) == before


def test_no_tampered_token_opens_anything(django_assert_max_num_queries):
    visitor = Visitor()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    tampered = {
        visitor.token[:at] + letter + visitor.token[at + 1 :] for at in range(len(visitor.token)) for letter in letters
    }
    tampered |= {visitor.token + letter for letter in letters} | {visitor.token[:at] for at in range(1, 43)}
    tampered |= {visitor.token[::-1], visitor.token.swapcase(), links.hash_of(visitor.token), visitor.link.token_hash}
    tampered.discard(visitor.token)
    assert len(tampered) > 2500
    hashes = {links.hash_of(token) for token in tampered}
    assert not PatientLink.objects.filter(token_hash__in=list(hashes)[:900]).exists()
    assert visitor.link.token_hash not in hashes
    pages = {words(Client().get(reverse("scheduling:link-open", args=[token]))) for token in sorted(tampered)[::100]}
    assert len(pages) == 1
    assert "This link opens no page" in pages.pop()


def test_the_cookie_of_another_link_opens_nothing():
    visitor, other = Visitor(), Visitor()
    visitor.enter()
    visitor.cookies["visit_link"] = other.token
    assert visitor.get(visitor.url()).status_code == 404
    assert Client().get(visitor.url()).status_code == 404


@pytest.mark.parametrize("end", ["cancelled", "begun", "expired", "arrived"])
def test_a_link_that_has_ended_shows_the_phone_number_and_no_more(end, clock):
    visitor = Visitor()
    visitor.pass_the_gate()
    if end == "cancelled":
        booking.cancel_appointment(appointment=visitor.visit, revision=visitor.visit.revision, by=None, now=NOW)
    elif end == "expired":
        PatientLink.objects.update(expires_at=NOW - timedelta(seconds=1))
    elif end == "arrived":
        Appointment.objects.update(state="arrived")
    else:
        clock(days=2, hours=3)
    for answer in (visitor.enter(), visitor.get(visitor.url()), visitor.answer("P07", "no"), visitor.send()):
        assert answer.status_code == 410
        said = words(answer)
        assert ("This visit is cancelled" if end == "cancelled" else "This page is closed") in said
        assert "Call 020 7946 0112" in said and "Open today" in said
        assert "Olivia" not in said and "10:00" not in said
    assert not PatientAnswers.objects.exists()


def test_before_the_date_of_birth_a_page_says_when_where_with_whom_and_nothing_about_health():
    visitor = Visitor()
    visitor.enter()
    page = visitor.get(visitor.url())
    said = words(page)
    practitioner = visitor.visit.practitioner.name
    for part in ("Hello Olivia", "Wednesday 14 January 2026", "10:00", practitioner, "12 Orchard Row", "020 7946 0112"):
        assert part in said
    assert [word for word in CLINICAL if word in page.text.lower()] == []
    assert visitor.get(visitor.url("question", "P04"))["Location"] == visitor.url()
    for name in ("start", "answers", "result", "call", "calendar"):
        for answer in (visitor.get(visitor.url(name)), visitor.post(visitor.url(name))):
            assert answer.status_code in (302, 405)
            assert answer.get("Location", visitor.url()) == visitor.url()


def test_what_goes_wrong_behind_a_link_says_whom_to_call_and_nothing_for_staff():
    clinic = make_clinic()
    visitor = Visitor(appointment(location=clinic), enforce_csrf_checks=True)
    visitor.enter()
    failures = {
        404: visitor.get(f"{visitor.url()}nothing/here/"),
        403: visitor.post(visitor.url(), BORN),
    }
    for status, page in failures.items():
        assert page.status_code == status
        assert f"Call {clinic.phone}" in words(page) and "Needlepoint" not in page.text
        assert "location" not in words(page)
    make_clinic()
    for page in (visitor.get(f"{visitor.url()}nothing/here/"), visitor.post(visitor.url(), BORN)):
        assert "020 7946" not in words(page)
    assert "Needlepoint" in visitor.get("/nothing/here/").text


def test_an_answer_that_comes_too_late_waits_behind_the_gate_and_is_kept_after_it():
    visitor = Visitor()
    visitor.enter()
    page = visitor.answer("P02", "no")
    assert "What is your date of birth?" in words(page) and not PatientAnswers.objects.exists()
    assert [word for word in CLINICAL if word in page.text.lower()] == []
    for day, tries in (({**BORN, "day": "x"}, 5), ({**BORN, "day": "18"}, 4)):
        page = visitor.post(visitor.url(), day | carried(page))
        assert page.status_code == 422 and carried(page) == {"question": "P02", "P02": "no"}
        assert PatientLink.objects.get().tries_left == tries
    passed = visitor.post(visitor.url(), BORN | carried(page))
    assert (passed.status_code, passed["Location"]) == (307, visitor.url("question", "P02"))
    visitor.post(passed["Location"], BORN | carried(page))
    assert kept() == {"P02": {"P02": ["no"]}}


def carried(page) -> dict:
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    return {name: value for name, value in fields if name != "csrfmiddlewaretoken"}


@pytest.mark.parametrize("question", ["Q77", "<script>alert(7)</script>", "x\x00", "../result"])
def test_what_is_no_question_waits_behind_no_gate(question):
    visitor = Visitor()
    visitor.enter()
    passed = visitor.post(visitor.url(), BORN | {"question": question, f"{question}_0": "<img src=x>"})
    assert (passed.status_code, passed["Location"]) == (302, visitor.url("start"))
    wrong = visitor.post(visitor.url(), {"question": question, f"{question}_0": "<img src=x>"})
    assert "<script>alert" not in wrong.text and "<img src=x" not in wrong.text


def test_the_right_date_opens_the_questions_for_half_an_hour(monkeypatch):
    visitor = Visitor()
    answer = visitor.pass_the_gate()
    assert answer["Location"] == visitor.url("start")
    cookie = answer.cookies["visit_open"]
    assert (cookie["path"], cookie["httponly"], cookie["max-age"]) == (visitor.url(), True, 1800)
    assert visitor.get(visitor.url("start")).status_code == 200
    later = signing.time.time() + 1801
    monkeypatch.setattr(signing.time, "time", lambda: later)
    assert visitor.get(visitor.url("start"))["Location"] == visitor.url()


def test_a_pass_of_another_link_is_none():
    visitor, other = Visitor(), Visitor()
    visitor.enter()
    other.pass_the_gate()
    visitor.cookies["visit_open"] = other.cookies["visit_open"].value
    assert visitor.get(visitor.url("start"))["Location"] == visitor.url()


@pytest.mark.parametrize(
    "typed",
    [{}, BORN | {"day": ""}, BORN | {"day": "31", "month": "2"}, BORN | {"year": "90"}, BORN | {"day": "١٧"}]
    + [BORN | {"year": "0000"}, BORN | {"month": "<script>"}],
)
def test_what_is_no_date_costs_no_try(typed):
    visitor = Visitor()
    visitor.enter()
    answer = visitor.post(visitor.url(), typed)
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert PatientLink.objects.get().wrong_tries == 0


def locked(location, at):
    """The visits on the clinic's list of links that were locked."""
    lists = read_worklists(location=location, now=at, for_treating=False)
    return [row.appointment for each in lists if each.key == "links" for row in each.rows]


def test_five_wrong_tries_lock_the_link_and_tell_the_clinic():
    visitor = Visitor()
    visitor.enter()
    for left in (4, 3, 2, 1):
        answer = visitor.post(visitor.url(), BORN | {"year": f"198{left}"})
        assert answer.status_code == 422
        assert f"You have {left} tr{'y' if left == 1 else 'ies'} left." in words(answer)
    here = visitor.visit.location
    assert locked(here, NOW) == []
    for attempt in (BORN | {"year": "1980"}, BORN):
        answer = visitor.post(visitor.url(), attempt)
        assert answer.status_code == 403
        assert "We have locked this page" in words(answer) and "Olivia" not in words(answer)
    assert visitor.enter().status_code == 403
    assert locked(here, NOW + timedelta(minutes=1)) == [visitor.visit]
    assert locked(make_clinic(), NOW) == locked(here, START) == []


def test_the_right_date_gives_all_tries_back():
    visitor = Visitor()
    visitor.enter()
    for _each in range(4):
        visitor.post(visitor.url(), BORN | {"year": "1980"})
    assert visitor.post(visitor.url(), BORN).status_code == 302
    assert PatientLink.objects.get().wrong_tries == 0


def test_a_form_without_its_token_is_refused():
    visitor = Visitor(enforce_csrf_checks=True)
    visitor.enter()
    assert visitor.post(visitor.url(), BORN).status_code == 403


def test_no_log_and_no_address_holds_a_token_a_date_of_birth_or_an_answer(caplog):
    caplog.set_level(logging.DEBUG)
    visitor = Visitor(appointment(patient=make_patient(clinic := make_clinic()), location=clinic), "booking")
    address = reverse("scheduling:link-open", args=[visitor.token])
    pages = [visitor.enter(), visitor.put(address), visitor.post(visitor.url(), BORN | {"year": "1980"})]
    pages += [visitor.post(visitor.url(), BORN)]
    pages += [visitor.answer_all(Q05="yes", Q05b="Methotrexate", Q05c="not_asked"), visitor.send()]
    pages += [visitor.get(visitor.url("result")), visitor.get(visitor.url("question", "Q05b"))]
    booking.cancel_appointment(appointment=visitor.visit, revision=visitor.visit.revision, by=None, now=NOW)
    pages += [visitor.enter(), visitor.send()]
    secrets = (visitor.token, visitor.link.token_hash, "1990", "1980", "Methotrexate", "Olivia")
    assert "Method Not Allowed (PUT): /v/…/" in caplog.text and "Gone: /v/…/" in caplog.text
    addresses = [page.get("Location", "") for page in pages]
    addresses += [found for page in pages for found in re.findall(r'(?:href|action|src)="([^"]*)"', page.text)]
    assert len(addresses) > 60
    told = caplog.text + " ".join(addresses)
    assert [secret for secret in secrets if secret in told] == []


def test_a_confirmation_brings_a_link_to_the_questions_of_the_booking(settings):
    visit = make_appointment(starts_at=NOW + timedelta(days=20, hours=3))
    mail_due_reminders(now=NOW)
    mail, link = OutgoingMail.objects.get(), PatientLink.objects.get()
    [token] = set(re.findall(rf"{settings.SITE_URL}/v/([\w-]+)/", mail.text + mail.html))
    assert link.token_hash == links.hash_of(token)
    assert (link.appointment, link.purpose, link.expires_at) == (visit, "booking", visit.starts_at)
    assert token not in mail.subject and "Answer the questions" in mail.text
    mail_due_reminders(now=visit.starts_at - timedelta(days=2))
    assert [each.purpose for each in PatientLink.objects.all()] == ["previsit", "booking"]
    assert "Open my visit" in OutgoingMail.objects.last().text
    mail_due_reminders(now=visit.starts_at - timedelta(hours=25))
    assert PatientLink.objects.count() == 2


def test_a_late_booking_brings_the_check_alone():
    make_appointment(starts_at=NOW + timedelta(hours=30))
    mail_due_reminders(now=NOW)
    assert PatientLink.objects.get().purpose == "previsit"


def test_patient_without_an_address_gets_no_link():
    clinic = make_clinic()
    make_appointment(location=clinic, patient=make_patient(clinic, email=""))
    mail_due_reminders(now=NOW)
    assert not PatientLink.objects.exists()


@pytest.mark.parametrize(("number", "sentence"), [("999", "call 999 first"), ("", "call the emergency number first")])
def test_the_emergency_number_is_the_clinics(number, sentence):
    visitor = Visitor(appointment(location=make_clinic(emergency_phone=number)))
    visitor.enter()
    assert f"In an emergency, {sentence}." in words(visitor.get(visitor.url()))
