"""What a patient reads when her answers were sent."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling.calendar_files import PUBLISH, calendar_file
from scheduling.calls import answer_call
from scheduling.models import CallRequest
from scheduling.readiness import read_readiness
from scheduling.rescreening import rescreen_patient
from scheduling.worklists import read_worklists
from tests.factories import NOW, make_catalogue, make_clear_patient, make_clinic, make_fact, make_patient, make_user
from tests.reading import words
from tests.scheduling.patient_pages.visitor import START, Visitor, appointment
from treatments.answers import record_answers
from treatments.catalogue import Stage
from treatments.decisions import decide_screening
from treatments.publishing import catalogue_of
from treatments.screenings import screen_session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


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


def test_two_reasons_to_wait_name_one_day():
    visitor = Visitor()
    record_answers(patient=visitor.visit.patient, answers={"Q04": "yes", "Q04b": "2025-10-31"}, by=None, now=NOW)
    visitor.pass_the_gate()
    visitor.answer_all(P04="yes", P04b="2026-01-10")
    visitor.send()
    said = words(visitor.get(visitor.url("result")))
    assert "The first day we can offer Friday 1 May 2026" in said
    assert said.count("Friday 1 May 2026") == 3  # with either reason, and by itself
    assert "24 January" not in said


def answered(purpose="previsit", visit=None, **answers) -> Visitor:
    visitor = Visitor(visit, purpose)
    visitor.pass_the_gate()
    visitor.answer_all(**answers)
    visitor.send()
    return visitor


def told(visitor) -> str:
    return words(visitor.get(visitor.url("result")))


def script(visitor) -> str:
    """What reception says about the same visit."""
    return read_readiness(appointment=visitor.visit, now=NOW).script


def test_what_passes_moves_the_visit_although_nobody_knows_the_day():
    visitor = answered(P02="yes", P07="yes")
    said = told(visitor)
    assert "We need to move your visit. It is free." in said and "We find a new time together" in said
    assert "The first day" not in said
    assert script(visitor) == "Please do not come on that day. Let us find a new time together. Moving is free."


@pytest.mark.parametrize(
    "answers",
    [
        {"Q06": "yes"},
        {"Q09": "yes"},
        {"Q12": "yes"},
        {"Q17": "metal"},
        {"Q04": "yes", "Q04b": "2025-10-31", "Q06": "yes"},
    ],
)
def test_where_waiting_does_not_help_no_new_time_is_promised(answers):
    visitor = answered("booking", **answers)
    said = told(visitor)
    assert "Please do not come on Wednesday 14 January" in said
    assert "we call you about what comes next" in said
    for promise in ("new time", "We hold", "move your visit", "first day", "1 May"):
        assert promise not in said
    assert to_call(visitor) == [visitor.visit]
    assert "we call you about what comes next" in script(visitor)


def test_a_day_is_named_only_where_nothing_else_is_in_the_way():
    visitor = Visitor()
    record_answers(patient=visitor.visit.patient, answers={"Q10": "yes"}, by=None, now=NOW)
    rescreen_patient(patient=visitor.visit.patient, cause="answers", by=None, now=NOW)
    visitor.pass_the_gate()
    visitor.answer_all(P04="yes", P04b="2026-01-10")
    visitor.send()
    assert "Please do not come on Wednesday 14 January" in told(visitor) and "24 January" not in told(visitor)
    assert "24 January" not in script(visitor)
    readiness = read_readiness(appointment=visitor.visit, now=NOW)
    assert (readiness.headline, readiness.slots) == ("Not before Saturday 24 January", [])
    assert readiness.words == "The visit on 14 January cannot be started. A clinician decides what comes next."


def test_reception_names_the_same_day():
    visitor = sunburnt()
    assert "The first day we can offer Saturday 24 January 2026" in told(visitor)
    assert "The first day we can offer is Saturday 24 January." in script(visitor)


def test_not_sure_where_the_skin_is_sore_is_a_call():
    zones = list(make_catalogue().zones.filter(code__in=("cheeks", "forehead")))
    said = told(answered(visit=appointment(zones=zones), P03="yes", P03b="not_sure"))
    assert "We will call you." in said and "You were not sure about an answer." in said
    assert "do not come" not in said


def test_what_the_lead_has_lifted_is_not_spoken_of_any_more():
    visitor = answered("booking", Q12="yes")
    message = catalogue_of(make_catalogue()).questions["Q12"].patient_message
    assert message in told(visitor)
    lead = make_user("lead", location=visitor.visit.location)
    [screening] = visitor.screenings()
    kind = "lift" if screening.outcome == "block" else "clear"
    zone = visitor.visit.location.zone
    decide_screening(screening=screening, kind=kind, zone=zone, by=lead, now=NOW, reason="Looked at it.")
    assert "All good. See you on Wednesday." in told(visitor) and message not in told(visitor)


# --- A call -----------------------------------------------------------------------------------------------------------


def to_call(visitor, now=NOW):
    lists = read_worklists(location=visitor.visit.location, now=now, for_treating=False)
    return [row.appointment for row in {each.key: each.rows for each in lists}["calls"]]


def sunburnt() -> Visitor:
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer_all(P04="yes", P04b="2026-01-10")
    visitor.send()
    return visitor


def test_who_asks_for_a_call_is_on_receptions_list_and_reads_so():
    visitor = sunburnt()
    assert f'action="{visitor.url("call")}"' in visitor.get(visitor.url("result")).text
    assert to_call(visitor) == []
    for _each in range(2):
        assert visitor.post(visitor.url("call"))["Location"] == visitor.url("result")
    assert to_call(visitor) == [visitor.visit]
    page = visitor.get(visitor.url("result"))
    said = words(page)
    assert f"Who calls The reception of {visitor.visit.location.name}" in said
    assert "You are on the list since Monday 12 January, 07:00" in said
    assert f"The number we have ends in {visitor.visit.patient.phone_digits[-4:]}" in said
    assert visitor.url("call") not in page.text
    answer_call(appointment=visitor.visit, by=make_user("receptionist"), now=NOW)
    assert visitor.url("call") in visitor.get(visitor.url("result")).text


def test_nobody_is_called_before_she_has_sent_her_answers():
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer("P01", "no")
    assert visitor.post(visitor.url("call"))["Location"] == visitor.url("question", "P02")
    assert not CallRequest.objects.exists()


def test_whose_number_is_not_known_is_asked_to_call():
    clinic = make_clinic()
    visitor = Visitor(appointment(patient=make_clear_patient(clinic, phone=""), location=clinic))
    visitor.pass_the_gate()
    visitor.answer_all(P02="not_sure")
    visitor.send()
    page = visitor.get(visitor.url("result"))
    assert "We look at your answers first." in words(page) and "We will call you" not in words(page)
    assert "Call 020 7946 0112" in words(page) and visitor.url("call") not in page.text
    visitor.post(visitor.url("call"))
    assert not CallRequest.objects.exists()


def test_a_hold_that_a_clinician_decides_promises_no_call():
    visitor = Visitor(purpose="booking")
    visitor.pass_the_gate()
    visitor.answer_all(Q10="yes")
    visitor.send()
    page = visitor.get(visitor.url("result"))
    assert "One of our clinicians decides" in words(page) and "We will call you" not in words(page)
    assert visitor.url("call") in page.text
    assert to_call(visitor) == []


def test_who_is_closed_out_is_not_put_on_the_list(clock):
    visitor = sunburnt()
    clock(days=2, hours=3)
    assert visitor.post(visitor.url("call")).status_code == 410
    assert not CallRequest.objects.exists()


# --- What else she can do ---------------------------------------------------------------------------------------------


def test_a_good_visit_goes_into_her_calendar():
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer_all()
    visitor.send()
    page = visitor.get(visitor.url("result"))
    assert "Add to my calendar" in words(page) and "Change my answers" in words(page)
    file = visitor.get(visitor.url("calendar"))
    assert file["Content-Type"] == "text/calendar; charset=utf-8; method=PUBLISH"
    assert file["Content-Disposition"] == 'attachment; filename="visit.ics"'
    mailed = calendar_file(visitor.visit, method=PUBLISH, now=NOW)
    assert undated(file.text) == undated(mailed) and "STATUS:CONFIRMED" in mailed
    assert visitor.post(visitor.url("calendar")).status_code == 405


def undated(file: str) -> str:
    return re.sub("DTSTAMP:[0-9TZ]+", "", file)


def test_a_visit_with_something_in_its_way_is_tentative_in_her_calendar():
    visitor = sunburnt()
    assert "Add to my calendar" not in words(visitor.get(visitor.url("result")))
    assert "STATUS:TENTATIVE" in visitor.get(visitor.url("calendar")).text


# --- A medicine -------------------------------------------------------------------------------------------------------


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
    assert "This skin we leave alone: Cheeks." in said


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
    assert f'href="{visitor.url("question", "Q05c")}"' in page.text and "Tell us what they said" in said
    assert "I cannot reach them: call me" in said


@pytest.mark.parametrize("medicine", ["Eliquis", "doxycycline", "roacutane"])
def test_whoever_names_a_medicine_among_others_is_told_to_keep_taking_it(medicine):
    visitor = Visitor(appointment(patient=make_patient(clinic := make_clinic()), location=clinic), "booking")
    visitor.pass_the_gate()
    visitor.answer_all(Q23=medicine)
    visitor.send()
    said = words(visitor.get(visitor.url("result")))
    assert "Please keep taking what your doctor has given you." in said
    assert medicine not in said


def test_what_the_prescriber_said_is_told_by_changing_the_answer():
    visitor = Visitor(purpose="booking")
    visitor.pass_the_gate()
    visitor.answer_all(Q05="yes", Q05b="Methotrexate", Q05c="not_asked")
    visitor.send()
    assert visitor.answer("Q05c", "may_pause")["Location"] == visitor.url("answers")
    visitor.send()
    said = words(visitor.get(visitor.url("result")))  # who said so is ours to ask and to record
    assert "All good." not in said and "Tell us what they said" not in said
    assert "Please keep taking your medicine as your doctor or nurse says." in said


def test_where_the_prescriber_is_not_asked_about_a_call_is_offered():
    visitor = Visitor()
    record_answers(patient=visitor.visit.patient, answers={"Q05": "yes", "Q05c": "not_asked"}, by=None, now=NOW)
    visitor.pass_the_gate()
    visitor.answer_all()
    visitor.send()
    said = words(visitor.get(visitor.url("result")))
    assert "Do not stop or skip it." in said and "Please call me" in said
    assert "Tell us what they said" not in said


def test_not_sure_is_a_call():
    visitor = Visitor()
    visitor.pass_the_gate()
    visitor.answer_all(P02="not_sure")
    visitor.send()
    said = words(visitor.get(visitor.url("result")))
    assert "We will call you." in said and "You were not sure about an answer." in said
    assert "stay at home" not in said  # the words for a yes
    assert f"ends in {visitor.visit.patient.phone_digits[-4:]}" in said
    assert to_call(visitor) == [visitor.visit]


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
