"""All answers, read once more and sent: they count once, over what is known and asked by then."""

from datetime import timedelta

import pytest

from clinic import times
from tests.factories import (
    NOW,
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_practitioner,
    make_user,
)
from tests.reading import words
from tests.scheduling.patient_pages.visitor import START, Visitor, appointment, hidden
from treatments.answers import known_answers, record_answers
from treatments.catalogue import shipped_text
from treatments.publishing import publish_catalogue

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


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
        .replace("questions: {previsit: P07,", "questions: {previsit: [P07, P09],")
    )
    publish_catalogue(text=new, by=None, now=NOW)
    assert visitor.post(visitor.url("answers"), hidden(page))["Location"] == visitor.url("question", "P09")
    assert not visitor.screenings().exists()
    answer = visitor.answer("P09", "no")
    assert answer["Location"] == visitor.url("answers")
    refused = visitor.post(visitor.url("answers"), hidden(page))
    assert refused.status_code == 409 and "Our questions have changed." in words(refused)
    assert visitor.post(visitor.url("answers"), hidden(refused))["Location"] == visitor.url("result")


def test_what_staff_wrote_down_is_asked_once_more_before_anything_is_sent(clock):
    visitor = Visitor(purpose="booking")
    visitor.pass_the_gate()
    visitor.answer_all(Q06="no")
    visitor.send()
    clock(hours=1)
    write_down(visitor, Q06="yes")
    clock(minutes=1)
    assert visitor.get(visitor.url("answers"))["Location"] == visitor.url("question", "Q06")
    assert visitor.answer("Q24", "I")["Location"] == visitor.url("question", "Q06")
    assert visitor.send()["Location"] == visitor.url("question", "Q06")
    page = words(visitor.get(visitor.url("question", "Q06")))
    assert "Our notes of 12 January 2026 say: “Yes”. Is that still true?" in page
    visitor.answer("Q06", "same")
    assert visitor.send()["Location"] == visitor.url("result")
    assert known_answers(visitor.visit.patient)["Q06"] == "yes"
    assert visitor.screenings().newest_first().first().outcome == "block"


def test_what_staff_write_down_between_her_last_page_and_her_send_stops_it_with_a_sentence(clock):
    visitor = Visitor(purpose="booking")
    visitor.pass_the_gate()
    page = visitor.answer_all(Q13="no")
    clock(minutes=2)
    write_down(visitor, Q13="yes")
    clock(minutes=1)
    refused = visitor.post(visitor.url("answers"), hidden(page))
    assert refused["Location"] == visitor.url("question", "Q13")
    page = words(visitor.get(visitor.url("question", "Q13")))
    assert "a newer answer has come in since" in page and "say: “Yes”" in page
    assert not visitor.screenings().exists()
    assert known_answers(visitor.visit.patient)["Q13"] == "yes"


def write_down(visitor, **answers):
    staff = make_user("receptionist", location=visitor.visit.location)
    record_answers(patient=visitor.visit.patient, answers=answers, by=staff, now=times.now())


def test_a_sheet_behind_an_older_link_does_not_undo_what_was_sent_behind_a_newer_one(clock):
    older = Visitor()
    older.pass_the_gate()
    older.answer_all(P07="no")
    newer = Visitor(older.visit)
    newer.pass_the_gate()
    newer.answer_all(P07="yes")
    newer.send()
    assert older.send()["Location"] == older.url("question", "P01")
    page = words(older.get(older.url("question", "P01")))
    assert "a newer answer has come in since" in page and "Our notes" not in page
    assert older.screenings().newest_first().first().outcome == "block"


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


@pytest.mark.parametrize("value", ["", "x\x00", "9" * 400, "<script>alert(7)</script>"])
def test_a_page_that_was_tampered_with_sends_nothing(value):
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer_all()
    assert visitor.post(visitor.url("answers"), {"version": value}).status_code == 409
    assert not visitor.screenings().exists()
