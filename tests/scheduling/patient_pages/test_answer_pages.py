"""All answers, read once more and sent: they count once, over what is known and asked by then."""

from datetime import timedelta

import pytest

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
from treatments.answers import record_answers
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
