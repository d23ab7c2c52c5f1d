"""Behind the link in a mail: what is shown before and after the date of birth, what is kept, what is sent."""

import json
import logging
import re
from datetime import timedelta
from html import escape
from urllib.parse import urlencode

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
from tests.clinic.test_hostile_input import values_for
from tests.factories import (
    NOW,
    clear_answers,
    make_appointment,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_fact,
    make_link,
    make_patient,
    make_practitioner,
    make_user,
)
from tests.reading import words
from treatments.answers import record_answers
from treatments.catalogue import AnsweredBy, QuestionKind, Stage, shipped_text
from treatments.models import Screening
from treatments.publishing import catalogue_of, publish_catalogue
from treatments.screenings import screen_session

pytestmark = pytest.mark.django_db

START = NOW + timedelta(days=2, hours=3)
BORN = {"day": "17", "month": "5", "year": "1990"}
CLINICAL = ("health", "medicine", "skin", "isotretinoin", "screen", "scar")


@pytest.fixture(autouse=True)
def clock(clinic_clock):
    publish_catalogue(text=shipped_text(), by=None, now=NOW)
    return clinic_clock


def appointment(**wish) -> Appointment:
    clinic = wish.pop("location", None) or make_clinic(address="12 Orchard Row")
    patient = wish.pop("patient", None) or make_clear_patient(clinic, given_name="Olivia")
    return make_appointment(location=clinic, patient=patient, starts_at=START, **wish)


class Visitor(Client):
    """A patient's browser, with the link that her mail brought."""

    def __init__(self, visit=None, purpose="previsit", **options):
        super().__init__(**options)
        self.visit = visit or appointment()
        self.link, self.token = make_link(self.visit, purpose)

    def url(self, name="visit", *about):
        return reverse(f"scheduling:link-{name}", args=[self.link.public_id, *about])

    def enter(self):
        return self.get(reverse("scheduling:link-open", args=[self.token]))

    def pass_the_gate(self):
        self.enter()
        return self.post(self.url(), BORN)

    def answer(self, question, value=None, **fields):
        return self.post(self.url("question", question), {question: value} if value else fields)

    def answer_all(self, **answers):
        """All that is asked, clear unless answered otherwise; ends on the page with all answers."""
        clear, page = (
            clear_answers(Stage.PREVISIT) | clear_answers(Stage.BOOKING) | answers,
            self.get(self.url("start")),
        )
        going = re.search(r'class="big-button" href="([^"]+)"', page.text)[1]
        for _each in range(80):
            if "/questions/" not in going:
                return self.get(going)
            id = going.strip("/").rpartition("/")[2]
            reply = self.post(going, self._fields(id, clear.get(id, "")))
            assert reply.status_code == 302, words(reply)
            going = reply["Location"]
        raise AssertionError("The questions have no end.")

    def _fields(self, id, said):
        kind = catalogue_of(make_catalogue()).questions[id].kind
        if kind in (QuestionKind.PAST_DATE, QuestionKind.LAST_DATE):
            if not said:
                return {f"{id}_unknown": "on"}
            return dict(zip((f"{id}_year", f"{id}_month", f"{id}_day"), said.split("-"), strict=False))
        if kind == QuestionKind.TEXT:
            return {f"{id}_1": "on"} if said == "none" else {f"{id}_0": said}
        return {id: said.split(", ")}

    def send(self):
        page = self.get(self.url("answers"))
        return self.post(self.url("answers"), hidden(page))

    def screenings(self):
        return Screening.objects.filter(session=self.visit.session, cause="answers")


def hidden(page) -> dict:
    return dict(re.findall(r'type="hidden" name="(version|noted)" value="([^"]*)"', page.text))


def kept() -> dict:
    return json.loads(PatientAnswers.objects.get().answers)


# --- The link ---------------------------------------------------------------------------------------------------------


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
    for name in ("visit", "start", "answers", "result"):
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
        assert "This page is closed" in said and "Call 020 7946 0112" in said
        assert "Olivia" not in said and "10:00" not in said
    assert not PatientAnswers.objects.exists()


# --- The date of birth ------------------------------------------------------------------------------------------------


def test_before_the_date_of_birth_a_page_says_when_where_with_whom_and_nothing_about_health():
    visitor = Visitor()
    visitor.enter()
    page = visitor.get(visitor.url())
    said = words(page)
    practitioner = visitor.visit.practitioner.name
    for part in ("Hello Olivia", "Wednesday 14 January 2026", "10:00", practitioner, "12 Orchard Row", "020 7946 0112"):
        assert part in said
    assert [word for word in CLINICAL if word in page.text.lower()] == []
    for name, about in {"start": (), "question": ("P04",), "answers": (), "result": ()}.items():
        for answer in (visitor.get(visitor.url(name, *about)), visitor.post(visitor.url(name, *about))):
            assert answer.status_code in (302, 405)
            assert answer.get("Location", visitor.url()) == visitor.url()


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


def test_five_wrong_tries_lock_the_link_and_tell_the_clinic():
    visitor = Visitor()
    visitor.enter()
    for left in (4, 3, 2, 1):
        answer = visitor.post(visitor.url(), BORN | {"year": f"198{left}"})
        assert answer.status_code == 422
        assert f"You have {left} tr{'y' if left == 1 else 'ies'} left." in words(answer)
    here = visitor.visit.location
    assert not PatientLink.objects.links_locked(here, NOW).exists()
    for attempt in (BORN | {"year": "1980"}, BORN):
        answer = visitor.post(visitor.url(), attempt)
        assert answer.status_code == 403
        assert "We have locked this page" in words(answer) and "Olivia" not in words(answer)
    assert visitor.enter().status_code == 403
    assert list(PatientLink.objects.links_locked(here, NOW + timedelta(minutes=1))) == [visitor.link]
    assert not PatientLink.objects.links_locked(make_clinic(), NOW).exists()
    assert not PatientLink.objects.links_locked(here, START).exists()


def test_the_right_date_gives_all_tries_back():
    visitor = Visitor()
    visitor.enter()
    for _each in range(4):
        visitor.post(visitor.url(), BORN | {"year": "1980"})
    assert visitor.post(visitor.url(), BORN).status_code == 302
    assert PatientLink.objects.get().wrong_tries == 0


# --- The questions ----------------------------------------------------------------------------------------------------


def test_each_answer_is_kept_encrypted_and_leads_to_the_next_question():
    visitor = Visitor()
    visitor.pass_the_gate()
    answer = visitor.answer("P01", "no")
    assert answer["Location"] == visitor.url("question", "P02")
    assert kept() == {"P01": {"P01": ["no"]}}
    raw = connection.cursor()
    raw.execute("SELECT answers FROM scheduling_patientanswers")
    assert "P01" not in raw.fetchone()[0]
    again = Visitor(visitor.visit)
    again.link, again.token = visitor.link, visitor.token
    assert again.pass_the_gate()["Location"] == visitor.url("question", "P02")


def test_only_what_applies_is_asked():
    visitor = Visitor()
    visitor.pass_the_gate()
    page = visitor.get(visitor.url("question", "P04b"))
    assert (page.status_code, page["Location"]) == (302, visitor.url("question", "P01"))
    visitor.answer("P04", "yes")
    page = visitor.get(visitor.url("question", "P04b"))
    assert "one more detail" in words(page)
    assert visitor.get(visitor.url("question", "Q77")).status_code == 404
    assert visitor.post(visitor.url("question", "Q77"), {"Q77": "yes"}).status_code == 404
    assert set(kept()) == {"P04"}


@pytest.mark.parametrize("value", ["", "maybe", "same", "<script>", "x\x00", "no\ud83d"])
def test_what_is_no_answer_is_refused_by_a_sentence_and_not_kept(value):
    visitor = Visitor()
    visitor.pass_the_gate()
    body = f"P02={value}".encode(errors="surrogatepass")
    answer = visitor.post(visitor.url("question", "P02"), body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 422
    assert "mistake" in answer.text and "<script>" not in answer.text.replace("<script src", "")
    assert not PatientAnswers.objects.exists()


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"day": "1", "month": "1", "year": "2026"}, "1/1/2026"),
        ({"month": "1", "year": "2026"}, "1/2026"),
        ({"year": "2025"}, "2025"),
        ({"unknown": "on"}, ""),
    ],
)
def test_a_date_is_given_as_far_as_it_is_known(parts, text):
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer("P04", "yes")
    answer = visitor.answer("P04b", **{f"P04b_{name}": value for name, value in parts.items()})
    assert answer.status_code == 302
    assert kept()["P04b"] == {"P04b": [text]}


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({}, "Give as much of the date as you know"),
        ({"day": "3", "month": "1"}, "give the year too"),
        ({"day": "3", "year": "2026"}, "give the month too"),
        ({"year": "2026", "unknown": "on"}, "not both"),
        ({"day": "31", "month": "2", "year": "2026"}, ""),
        ({"day": "x", "month": "2", "year": "2026"}, ""),
    ],
)
def test_half_a_date_or_two_answers_are_refused_and_stay_on_the_page(parts, sentence):
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer("P04", "yes")
    answer = visitor.answer("P04b", **{f"P04b_{name}": value for name, value in parts.items()})
    assert answer.status_code == 422
    assert sentence in words(answer)
    for name in ("day", "month", "year"):
        assert f'name="P04b_{name}" id="P04b_{name}" value="{parts.get(name, "")}"' in answer.text
    assert "P04b" not in kept()


def test_what_is_known_is_confirmed_without_being_shown():
    visitor = Visitor(purpose="booking")
    visitor.pass_the_gate()
    pages = []
    for answers in ({"Q10": "no"}, {"Q10": "yes"}):
        record_answers(patient=visitor.visit.patient, answers=answers, by=None, now=NOW)
        pages.append(visitor.get(visitor.url("question", "Q10")))
    assert words(pages[0]) == words(pages[1])
    assert "You told us this on 12 January 2026." in words(pages[0])
    assert "checked" not in pages[1].text
    assert visitor.answer("Q10", "same").status_code == 302


def test_a_yes_to_anything_changed_asks_the_questions_of_the_booking():
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer("P01", "yes")
    for id in ("P02", "P03", "P04", "P05", "P06", "P07"):
        answer = visitor.answer(id, "no")
    id = answer["Location"].strip("/").rpartition("/")[2]
    assert id.startswith("Q")
    assert visitor.answer(id, "same").status_code == 302
    assert visitor.get(visitor.url("answers"))["Location"] == visitor.url("question", visitor_next(visitor))


def visitor_next(visitor):
    return visitor.get(visitor.url())["Location"].strip("/").rpartition("/")[2]


# --- Sending ----------------------------------------------------------------------------------------------------------


def test_a_check_without_a_finding_is_all_good():
    visitor = Visitor()
    visitor.pass_the_gate()
    page = visitor.answer_all()
    assert "Check your answers" in words(page)
    answer = visitor.send()
    assert answer["Location"] == visitor.url("result")
    said = words(visitor.get(answer["Location"]))
    assert "All good. See you on Wednesday." in said
    assert "From Tuesday 10:00: please stay out of the sun." in said and "clean face" in said
    [screening] = visitor.screenings()
    assert (screening.stage, screening.for_start, screening.outcome) == ("previsit", START, screening.outcome)
    assert screening.created_by is None and not screening.stands_in_the_way
    assert visitor.get(visitor.url())["Location"] == visitor.url("result")


def test_sunburn_moves_the_visit_and_names_the_first_day():
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer_all(P04="yes", P04b="2026-01-10")
    visitor.send()
    said = words(visitor.get(visitor.url("result")))
    assert "We need to move your visit. It is free." in said
    assert "do not come on Wednesday 14 January" in said
    assert "The first day we can offer Saturday 24 January 2026" in said
    assert visitor.screenings().get().outcome == "block"


def test_sore_skin_in_one_place_leaves_the_rest_to_be_treated():
    zones = list(make_catalogue().zones.filter(code__in=("cheeks", "forehead")))
    visitor = Visitor(appointment(zones=zones))
    visitor.pass_the_gate()
    visitor.answer("P03", "yes")
    page = visitor.get(visitor.url("question", "P03b"))
    assert set(re.findall(r'name="P03b" value="(\w+)"', page.text)) == {"cheeks", "forehead", "not_sure"}
    visitor.answer_all(P03="yes", P03b="cheeks")
    visitor.send()
    said = words(visitor.get(visitor.url("result")))
    assert "All good. See you on Wednesday." in said
    assert catalogue_of(make_catalogue()).questions["P03b"].patient_message in said
    assert "Please wait until your skin" not in said


def test_an_immune_medicine_is_never_stopped():
    visitor = Visitor(appointment(patient=make_patient(clinic := make_clinic()), location=clinic), "booking")
    visitor.pass_the_gate()
    visitor.answer_all(Q05="yes", Q05b="Methotrexate", Q05c="not_asked")
    visitor.send()
    page = visitor.get(visitor.url("result"))
    said = words(page)
    assert "Please keep taking your medicine Do not stop or skip it." in said
    assert "I have micro-needling on Wednesday 14 January 2026, 10:00. Is that all right with my medicine?" in said
    assert "Methotrexate" not in page.text


def test_not_sure_is_a_call():
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer_all(P02="not_sure")
    visitor.send()
    said = words(visitor.get(visitor.url("result")))
    assert "We will call you." in said and "You were not sure about an answer." in said
    assert "stay at home" not in said  # the words for a yes
    assert f"ends in {visitor.visit.patient.phone_digits[-4:]}" in said


def test_what_is_a_fact_is_kept_and_counts_for_every_visit():
    clinic = make_clinic()
    patient, practitioner = make_clear_patient(clinic), make_practitioner(clinic)
    visit = appointment(location=clinic, patient=patient, practitioner=practitioner)
    other = make_appointment(
        location=clinic, patient=patient, practitioner=practitioner, starts_at=START + timedelta(days=40)
    )
    visitor = Visitor(visit, "booking")
    visitor.pass_the_gate()
    visitor.answer_all(Q10="yes")
    visitor.send()
    fact = patient.facts.current().get(recorded_at__gt=NOW)
    assert fact.recorded_by is None
    assert [each.outcome for each in (visitor.screenings().get(), other.session.screenings.newest_first()[0])] == [
        "hold"
    ] * 2


def test_sent_twice_is_one_screening():
    visitor = Visitor()
    visitor.pass_the_gate()
    page = visitor.answer_all()
    for _each in range(2):
        assert visitor.post(visitor.url("answers"), hidden(page))["Location"] == visitor.url("result")
    assert visitor.screenings().count() == 1


def test_a_change_after_sending_is_sent_again():
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer_all()
    visitor.send()
    assert "These answers were sent." in words(visitor.get(visitor.url("answers")))
    visitor.answer("P07", "yes")
    assert visitor.get(visitor.url("result"))["Location"] == visitor.url("answers")
    visitor.send()
    assert [each.outcome for each in visitor.screenings().newest_first()][0] == "block"
    assert visitor.screenings().count() == 2


def test_answers_that_miss_one_are_not_sent():
    visitor = Visitor()
    visitor.pass_the_gate()
    assert visitor.send()["Location"] == visitor.url("question", "P01")
    visitor.answer("P01", "no")
    assert visitor.send()["Location"] == visitor.url("question", "P02")
    assert not visitor.screenings().exists()


def test_other_questions_meanwhile_keep_what_was_typed_and_ask_what_is_new():
    visitor = Visitor()
    visitor.pass_the_gate()
    page = visitor.answer_all()
    new = (
        shipped_text()
        .replace(
            "  - id: P02\n",
            "  - {id: P09, text: Have you slept badly?, kind: yes_no, stage: previsit, group: now}\n\n  - id: P02\n",
        )
        .replace("questions: {previsit: P01}", "questions: {previsit: [P01, P09]}")
    )
    publish_catalogue(text=new, by=None, now=NOW)
    assert visitor.post(visitor.url("answers"), hidden(page))["Location"] == visitor.url("question", "P09")
    assert not visitor.screenings().exists()
    answer = visitor.answer("P09", "no")
    assert answer["Location"] == visitor.url("answers")
    refused = visitor.post(visitor.url("answers"), hidden(page))
    assert refused.status_code == 409 and "Our questions have changed." in words(refused)
    assert visitor.post(visitor.url("answers"), hidden(refused))["Location"] == visitor.url("result")


def test_answers_that_staff_noted_meanwhile_are_told_before_hers_take_their_place(clock):
    visitor = Visitor()
    visitor.pass_the_gate()
    page = visitor.answer_all()
    staff = make_user("receptionist", location=visitor.visit.location)
    record_answers(patient=visitor.visit.patient, answers={"Q13": "yes"}, by=staff, now=NOW + timedelta(minutes=1))
    refused = visitor.post(visitor.url("answers"), hidden(page))
    assert refused.status_code == 409
    assert "somebody at the clinic has written down answers of yours" in words(refused)
    assert not visitor.screenings().exists()
    assert visitor.post(visitor.url("answers"), hidden(refused))["Location"] == visitor.url("result")
    # the rules of the booking hear of what the clinic wrote down
    assert [each.stage for each in visitor.screenings().newest_first()] == ["previsit", "booking"]


def test_the_booking_questions_after_the_check_leave_the_check_standing():
    check = Visitor()
    check.pass_the_gate()
    check.answer_all(P07="yes")
    check.send()
    booked = Visitor(check.visit, "booking")
    booked.pass_the_gate()
    booked.answer_all(Q10="yes")
    booked.send()
    newest = check.screenings().newest_first().first()
    assert newest.stage == "previsit"
    assert newest.outcome == "block"
    assert {"E26", "E06"} <= set(
        newest.findings.filter(outcome__in=("block", "hold")).values_list("rule_code", flat=True)
    )


def test_pages_ask_a_constant_number_of_queries():
    counts = []
    for facts in (1, 3):
        visitor = Visitor()
        for number in range(facts):
            make_fact(visitor.visit.patient, subject=f"Medicine {number}")
        visitor.pass_the_gate()
        visitor.answer_all()
        visitor.send()
        found = {}
        for name, about in {"start": (), "question": ("P04",), "answers": (), "result": ()}.items():
            with CaptureQueriesContext(connection) as queries:
                assert visitor.get(visitor.url(name, *about)).status_code == 200
            found[name] = len(queries)
        counts.append(found)
    assert counts[0] == counts[1]


# --- Whatever is typed ------------------------------------------------------------------------------------------------

FIELDS = {
    "P02": {"P02": "pick"},
    "P04b": {f"P04b_{name}": "typed" for name in ("day", "month", "year")},
    "Q14": {"Q14": "pick"},
    "Q23": {"Q23_0": "text"},
}


@pytest.mark.parametrize("question", FIELDS)
def test_a_question_survives_whatever_is_typed(question):
    visitor = Visitor(appointment(patient=make_patient(clinic := make_clinic()), location=clinic), "booking")
    if question.startswith("P"):
        visitor = Visitor(visitor.visit)
    visitor.pass_the_gate()
    visitor.answer("P04", "yes")
    for field, kind in FIELDS[question].items():
        for what, value in values_for(kind).items():
            others = {"P04b_year": "2026"} if question == "P04b" and field != "P04b_year" else {}
            body = urlencode({field: value} | others, errors="surrogatepass")
            url = visitor.url("question", question)
            answer = visitor.post(url, body, content_type="application/x-www-form-urlencoded")
            assert answer.status_code in (302, 422), what
            assert "<script>alert" not in answer.text and "<img src=x" not in answer.text, what
            if answer.status_code == 422 and kind != "pick" and "\x00" not in value and "\ud83d" not in value:
                assert escape(value.strip()) in answer.text, what
            if kind == "pick":
                assert answer.status_code == 422, what


def test_none_and_something_else_are_asked_about():
    visitor = Visitor(appointment(patient=make_patient(clinic := make_clinic()), location=clinic), "booking")
    visitor.pass_the_gate()
    answer = visitor.answer("Q14", ["none", "eczema"])
    assert answer.status_code == 422
    assert answer.text.count("checked") == 2
    assert not PatientAnswers.objects.exists()


@pytest.mark.parametrize("field", ["version", "noted"])
@pytest.mark.parametrize("value", ["", "x\x00", "9" * 400, "<script>alert(7)</script>"])
def test_a_page_that_was_tampered_with_sends_nothing(field, value):
    visitor = Visitor()
    visitor.pass_the_gate()
    page = visitor.answer_all()
    answer = visitor.post(visitor.url("answers"), hidden(page) | {field: value})
    if (field, value) == ("noted", ""):
        assert answer.status_code == 302
    else:
        assert answer.status_code == 409
        assert not visitor.screenings().exists()


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


# --- The mails --------------------------------------------------------------------------------------------------------


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


def test_who_answers_on_the_way_is_asked_by_the_patients_questions_alone():
    visitor = Visitor()
    visitor.pass_the_gate()
    page = visitor.answer_all()
    ids = set(re.findall(r"/questions/(\w+)/", page.text))
    questions = catalogue_of(make_catalogue()).questions
    assert {questions[id].by for id in ids} == {AnsweredBy.PATIENT}


@pytest.mark.parametrize(("number", "sentence"), [("999", "call 999 first"), ("", "call the emergency number first")])
def test_the_emergency_number_is_the_clinics(number, sentence):
    visitor = Visitor(appointment(location=make_clinic(emergency_phone=number)))
    visitor.enter()
    assert f"In an emergency, {sentence}." in words(visitor.get(visitor.url()))


def test_opening_hours_stand_beside_the_number(clock):
    visitor = Visitor()
    visitor.enter()
    assert "Open today from 09:00" in words(visitor.get(visitor.url()))
    clock(hours=5)
    assert "Open today until 17:00" in words(visitor.get(visitor.url()))
    clock(hours=6)
    assert "Closed for today" in words(visitor.get(visitor.url()))


def test_a_screening_of_the_visit_before_the_check_is_none_of_its_own():
    visitor = Visitor()
    screen_session(
        session=visitor.visit.session,
        stage=Stage.BOOKING,
        start=START,
        zone=visitor.visit.location.zone,
        cause="booking",
        by=None,
        now=NOW,
    )
    visitor.pass_the_gate()
    assert visitor.get(visitor.url("result"))["Location"] == visitor.url("start")
