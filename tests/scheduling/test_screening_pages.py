"""The page of a screening: Monday 12 January 2026, seven o'clock, for a visit on Monday 19 January, 10:00."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from clinic import times
from scheduling import booking
from scheduling.lights import what_it_waits_for
from scheduling.models import CallRequest
from scheduling.offers import whole_day
from scheduling.rescreening import keep_answers, rescreen_without_advice
from tests.factories import (
    NOW,
    check_in,
    clear_answers,
    make_appointment,
    make_arrival,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_patient,
    make_practitioner,
    make_protocol,
    make_user,
    signed_in,
)
from tests.reading import words
from tests.scene import HTMX
from treatments.answers import known_answers
from treatments.catalogue import shipped_text
from treatments.courses import sign_plan
from treatments.decisions import decide_screening
from treatments.models import PrescriberAdvice, ScreeningDecision, Zone
from treatments.publishing import publish_catalogue
from treatments.screenings import screen_session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

START = datetime(2026, 1, 19, 10, tzinfo=UTC)
PEEL = {"Q19": "laser", "Q19b": "2026-01-02"}
BLOOD_THINNER = {"Q10": "yes"}
IMMUNE = {"Q05": "yes", "Q05b": "Hydroxychloroquine", "Q05c": "not_asked"}


@pytest.fixture
def clinic():
    """One whose rules are all switched on, however many the shipped catalogue has by now."""
    publish_catalogue(text=shipped_text(), by=None, now=NOW)
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def reception(clinic):
    return signed_in("receptionist", location=clinic)


@pytest.fixture
def treating(practitioner):
    return signed_in(user=practitioner.user)


@pytest.fixture
def lead(clinic):
    return signed_in("lead", location=clinic)


@pytest.fixture
def visit(clinic, practitioner):
    patient = make_clear_patient(clinic, given_name="Nadia", family_name="Rahimi")
    return make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=START)


def say(visit, **answers):
    keep_answers(patient=visit.patient, answers=answers, by=make_user(name="Tessa Lindgren"), now=times.now())
    return newest(visit)


def newest(visit):
    return visit.session.screenings.newest_first().first()


def url(visit, step="show"):
    return reverse(f"scheduling:screening-{step}", args=[visit.public_id])


def page(client, visit):
    return words(client.get(url(visit)))


# --- Those who treat --------------------------------------------------------------------------------------------------


def test_rules_that_wait_for_answers_stand_behind_what_was_said(lead, clinic, practitioner):
    unasked = make_appointment(
        location=clinic, practitioner=practitioner, patient=make_patient(clinic), starts_at=START
    )
    say(unasked, **IMMUNE)
    text = page(lead, unasked)
    said, waiting = text.index("1 Needs a look Medicine that calms the immune system"), text.index("wait for answers")
    assert said < waiting < text.index("Pregnant, or perhaps E08")
    assert "2 Needs a look" not in text


def test_findings_stand_worst_first_with_what_was_said_by_whom(treating, visit):
    say(visit, **PEEL, **IMMUNE)
    text = page(treating, visit)
    assert "This visit cannot go ahead as booked. 1 finding stops it, 1 needs a look." in text
    peel, immune = text.index("1 Stops the visit"), text.index("2 Needs a look Medicine that calms the immune system")
    assert peel < immune
    assert "“2 January 2026” Tessa Lindgren, 12 January 2026, 07:0" in text
    assert "“Hydroxychloroquine” Tessa Lindgren" in text
    assert "The owner’s rule. R40, R41, R42 R40: Patient organisations on azathioprine" in text
    assert "Clear from Friday 30 January 2026 ." in text


def test_where_published_work_and_the_rule_part_it_is_told(treating, visit):
    say(visit, Q04="yes", Q04b="2025-08-31")
    assert "Clinic and literature Expert groups of 2017 saw too little evidence" in page(treating, visit)


def test_what_was_said_before_is_kept_as_history(treating, visit):
    say(visit, **PEEL)
    keep_answers(patient=visit.patient, answers={"Q19b": "2026-01-04", "Q19": "laser"}, by=None, now=times.now())
    text = page(treating, visit)
    assert "“4 January 2026” The patient, 12 January 2026" in text
    assert "Said before “2 January 2026” Tessa Lindgren, 12 January 2026" in text


def test_a_clear_visit_says_so_and_asks_for_no_decision(treating, visit):
    text = page(treating, visit)
    assert "This visit can go ahead." in text
    assert re.search(r"\d+ rules are clear", text)
    assert "Your decision" not in text


def test_it_says_what_turned_the_light(treating, reception, visit):
    say(visit, **IMMUNE)
    sentence = "The screening turned from “clear” to “on hold”. An answer was given. 12 January, 07:0"
    assert sentence in page(treating, visit)
    assert sentence in page(reception, visit)
    panel = reverse("scheduling:appointment-show", args=[visit.public_id])
    assert "turned from “clear” to “on hold”. An answer was given. 12 Jan, 07:0" in words(
        reception.get(panel, headers=HTMX)
    )


def test_a_prescriber_is_named_as_the_cause_to_those_who_treat_alone(treating, reception, visit):
    say(visit, **IMMUNE)
    give_advice(treating, visit)
    assert "to “not possible”. The prescriber's advice was recorded." in page(treating, visit)
    assert "to “not possible”. Something new is known." in page(reception, visit)


def test_findings_name_the_question_and_not_its_code(treating, visit):
    say(visit, Q10="not_sure")
    listed = words(treating.get(reverse("scheduling:worklists")))
    say(visit, **IMMUNE)
    text = page(treating, visit)
    panel = words(treating.get(reverse("scheduling:appointment-show", args=[visit.public_id]), headers=HTMX))
    for told in (listed, text, panel):
        assert "he answer to “Do you take" in told
        assert not re.search(r"answer to [QCP]\d", told)
    assert "The prescriber has not been asked yet, and the visit waits for that." in text


def test_rules_that_are_clear_and_all_answers_open_as_lists(treating, visit):
    text = page(treating, visit)
    count = newest(visit).findings.filter(outcome="pass").count()
    assert f"{count} rules are clear" in text
    assert "Isotretinoin capsules S1 Answered no." in text
    assert "No The patient, 12 January 2026, 07:00" in text.partition("All answers")[2]


def test_the_lead_goes_from_one_visit_to_review_to_the_next(lead, clinic, practitioner, visit):
    later = make_appointment(
        location=clinic,
        practitioner=practitioner,
        patient=make_clear_patient(clinic),
        starts_at=START + timedelta(days=1),
    )
    say(visit, **BLOOD_THINNER)
    say(later, **BLOOD_THINNER)
    sent = lead.get(url(visit))
    assert "Screening to review, 1 of 2" in words(sent)
    assert f'href="{url(later)}"' in sent.text
    assert "Screening to review, 2 of 2" in page(lead, later)
    decide(lead, visit, kind="clear")
    sent = lead.get(url(visit))
    assert "Screening to review" not in words(sent)
    assert f'href="{url(later)}"' in sent.text
    assert "Next to review" not in page(lead, later)


def test_the_lead_reads_what_the_patient_is_told(lead, visit):
    say(visit, **PEEL)
    text = page(lead, visit)
    assert "What Nadia is told behind the link" in text
    assert "Friday 30 January 2026" in text.partition("What Nadia is told")[2]


def test_opening_it_is_written_down(clinic, visit):
    for role in ("receptionist", "practitioner"):
        user = make_user(role, location=clinic)
        signed_in(user=user).get(url(visit))
        entry = LogEntry.objects.get_for_object(visit.patient).filter(action=LogEntry.Action.ACCESS, actor=user)
        assert entry.count() == 1


@pytest.mark.parametrize("role", ["receptionist", "practitioner", "lead"])
def test_the_page_asks_as_much_however_often_it_was_screened(clinic, visit, role):
    client = signed_in(role, location=clinic)

    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url(visit)).status_code == 200
        return len(queries)

    say(visit, **PEEL, **IMMUNE)
    client.get(url(visit))
    once = count_queries()
    say(visit, Q10="yes")
    say(visit, Q05c="not_asked", Q05="yes", Q05b="Methotrexate")
    assert count_queries() == once


# --- Deciding ---------------------------------------------------------------------------------------------------------


def decide(client, visit, **typed):
    given = {"screening": newest(visit).public_id, "reason": "Seen and discussed."} | typed
    return client.post(url(visit, "decide"), {name: said for name, said in given.items() if said is not None})


def test_a_hold_is_cleared_and_stands_signed(lead, treating, visit):
    say(visit, **BLOOD_THINNER)
    assert 'name="kind" value="clear"' in lead.get(url(visit)).text
    assertRedirects(decide(lead, visit, kind="clear"), url(visit))
    text = page(treating, visit)
    assert "Decided Cleared Seen and discussed. Staff Member" in text
    assert "This visit can go ahead." in text


def test_a_block_is_not_cleared_but_lifted(lead, visit):
    say(visit, **PEEL)
    text = lead.get(url(visit)).text
    assert 'value="clear" disabled' in text
    assert "Not possible while a finding stops it." in page(lead, visit)
    sent = decide(lead, visit, kind="clear")
    assert (sent.status_code, ScreeningDecision.objects.count()) == (409, 0)
    assertRedirects(decide(lead, visit, kind="lift"), url(visit))
    assert newest(visit).goes_ahead


def test_what_waits_for_a_prescriber_leads_to_the_advice(lead, visit):
    say(visit, **IMMUNE)
    sent = lead.get(url(visit))
    assert 'value="clear" disabled' in sent.text
    assert f'href="{url(visit)}#advice"' in sent.text
    assert "Not possible before a prescriber has agreed to a pause" in words(sent)
    sent = decide(lead, visit, kind="clear")
    assert (sent.status_code, ScreeningDecision.objects.count()) == (409, 0)
    assert "No prescriber has agreed yet." in words(sent)
    assertRedirects(decide(lead, visit, kind="lift"), url(visit))


def test_what_nobody_lifts_is_closed_and_can_wait(lead, visit):
    say(visit, Q04="yes", Q04b="2025-08-31")
    text = lead.get(url(visit)).text
    assert 'value="lift" disabled' in text
    assert "Nobody may lift this for one patient." in page(lead, visit)
    assert 'name="not_before" value="2026-03-01"' in text
    assert "First free: Sun 1 Mar, 09:00" in page(lead, visit)
    assert decide(lead, visit, kind="lift").status_code == 409
    assertRedirects(decide(lead, visit, kind="postpone", not_before="2026-03-02"), url(visit))
    assert newest(visit).decision.not_before == datetime(2026, 3, 2, tzinfo=UTC)
    assert "Decided Postponed Not before Monday 2 March 2026" in page(lead, visit)


def test_a_moment_in_the_day_is_offered_as_the_next_whole_day(lead, clinic, practitioner, settings, tmp_path):
    patient = make_clear_patient(clinic)
    here = make_arrival(location=clinic, practitioner=practitioner, patient=patient, starts_at=START)
    check_in(here, C01="yes", C01b="2026-01-18T15:00")
    assert 'name="not_before" value="2026-01-20"' in lead.get(url(here)).text


def test_the_lead_postpones_again_to_another_day(lead, visit):
    say(visit, **PEEL)
    assert "Decided" not in page(lead, visit)
    decide(lead, visit, kind="postpone", not_before="2026-02-02")
    first = newest(visit)
    sent = lead.get(url(visit))
    assert "Postpone to another day" in words(sent)
    assert (sent.text.count('name="kind"'), 'value="postpone" checked' in sent.text) == (1, True)
    for _each in range(2):  # sent twice it is one
        assertRedirects(decide(lead, visit, kind="postpone", not_before="2026-03-03"), url(visit))
    assert newest(visit).decision.not_before == datetime(2026, 3, 3, tzinfo=UTC)
    assert [each.not_before.date() for each in ScreeningDecision.objects.order_by("pk")] == [
        date(2026, 2, 2),
        date(2026, 3, 3),
    ]
    assert decide(lead, visit, kind="postpone", not_before="2026-04-04", screening=first.public_id).status_code == 409
    assert decide(lead, visit, kind="lift").status_code == 409


def test_after_a_decision_nothing_is_said_to_stop_the_visit(lead, treating, visit):
    say(visit, **PEEL, **BLOOD_THINNER)
    decide(lead, visit, kind="lift")
    assert "This visit can go ahead. 2 findings were decided." in page(treating, visit)


@pytest.mark.parametrize(
    ("typed", "status", "sentence"),
    [
        ({"kind": None}, 422, "Choose one of the three."),
        ({"kind": "lift", "reason": ""}, 422, "Write the reason for your decision."),
        ({"kind": "postpone", "not_before": ""}, 422, "Choose the first day on which the visit may take place."),
        ({"kind": "postpone", "not_before": "2026-01-19"}, 422, "The visit would not have to move for this date."),
        ({"kind": "postpone", "not_before": "2028-01-13"}, 422, "This day is more than two years ahead."),
        ({"kind": "postpone", "not_before": "2099-01-01"}, 422, "This day is more than two years ahead."),
        ({"kind": "postpone", "not_before": "2026-01-29"}, 422, "The rules allow no visit on that day yet."),
    ],
)
def test_a_decision_without_what_it_needs_is_refused_and_stays_typed(lead, visit, typed, status, sentence):
    say(visit, **PEEL)
    sent = decide(lead, visit, **typed)
    assert (sent.status_code, ScreeningDecision.objects.count()) == (status, 0)
    assert sentence in words(sent)
    assert typed.get("reason", "Seen and discussed.") in sent.text


def test_the_skin_is_looked_at_first(lead, clinic, practitioner):
    here = make_arrival(location=clinic, practitioner=practitioner, starts_at=START)
    check_in(here, C01="yes", C01b="2026-01-18T15:00")
    sent = decide(lead, here, kind="lift")
    assert sent.status_code == 422
    assert "Look at the skin first and tick that you did." in words(sent)


def test_a_decision_on_answers_that_have_changed_is_refused_once(lead, visit):
    old = say(visit, **IMMUNE)
    say(visit, **PEEL)
    sent = decide(lead, visit, kind="lift", screening=old.public_id)
    assert sent.status_code == 409
    assert "The answers have changed meanwhile. Look at the newest screening." in words(sent)
    assert f'value="{newest(visit).public_id}"' in sent.text
    assert "Seen and discussed." in sent.text


def test_the_words_of_who_came_second_are_not_lost(lead, clinic, visit):
    screening = say(visit, **BLOOD_THINNER)
    other = make_user("lead", location=clinic)
    kind = ScreeningDecision.Kind.CLEAR
    decide_screening(screening=screening, kind=kind, zone=clinic.zone, by=other, now=times.now())
    sent = decide(lead, visit, kind="lift", reason="Mine.")
    assert sent.status_code == 409
    assert "Somebody has decided on this screening already. Look at it again. You had written: Mine." in words(sent)


def test_a_practitioner_does_not_decide_what_is_the_leads(treating, visit):
    say(visit, **IMMUNE)
    assert "The clinical lead decides about this." in page(treating, visit)
    sent = decide(treating, visit, kind="lift")
    assert (sent.status_code, ScreeningDecision.objects.count()) == (409, 0)


def test_a_screening_of_somebody_else_is_not_decided_here(lead, clinic, practitioner, visit):
    say(visit, **IMMUNE)
    later = START + timedelta(hours=3)
    patient = make_patient(clinic)
    foreign = make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=later)
    assert decide(lead, visit, kind="lift", screening=newest(foreign).public_id).status_code == 404
    assert not ScreeningDecision.objects.exists()


# --- The prescriber's advice ------------------------------------------------------------------------------------------


def give_advice(client, visit, **typed):
    given = {"medicine": "Hydroxychloroquine", "said": "keep_taking", "said_by": "Dr Obi", "said_on": "2026-01-10"}
    return client.post(url(visit, "advice"), given | typed)


def test_the_medicine_is_filled_in_and_what_was_said_is_listed(treating, visit):
    say(visit, **IMMUNE)
    assert 'name="medicine" value="Hydroxychloroquine"' in treating.get(url(visit)).text
    assertRedirects(give_advice(treating, visit, note="By phone."), url(visit))
    text = page(treating, visit)
    assert "Keep taking it , Hydroxychloroquine Dr Obi, 10 January 2026 By phone." in text
    assert "What the prescriber said" not in text  # it is no answer beside the others
    assert newest(visit).outcome == "block"


def test_advice_sent_twice_is_one_and_another_word_is_another(treating, visit):
    say(visit, **IMMUNE)
    for _each in range(2):
        give_advice(treating, visit, note="By phone.")
    assert PrescriberAdvice.objects.count() == 1
    give_advice(treating, visit, said="may_pause", note="By phone.")
    assert [each.said for each in PrescriberAdvice.objects.all()] == ["may_pause", "keep_taking"]


def test_a_medicine_that_must_not_end_suddenly_is_named(treating, visit):
    say(visit, Q05="yes", Q05b="prednisolone 5 mg", Q05c="not_asked")
    assert "Never to be stopped suddenly: prednisolone. Only the prescriber decides." in page(treating, visit)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"medicine": ""}, "Please fill this in."),
        ({"said": ""}, "Choose what was said."),
        ({"said_by": ""}, "Write who said so, such as the doctor's name."),
        ({"said_on": ""}, "Write the day on which this was said."),
        ({"said_on": "2026-01-13"}, "This day is still to come. Write the day on which it was said."),
    ],
)
def test_advice_without_what_it_needs_is_refused_and_stays_typed(treating, visit, typed, sentence):
    say(visit, **IMMUNE)
    sent = give_advice(treating, visit, note="By phone.", **typed)
    assert (sent.status_code, PrescriberAdvice.objects.count()) == (422, 0)
    assert sentence in words(sent)
    assert "By phone." in sent.text


def test_where_no_medicine_is_named_nobody_is_asked_for_advice(treating, visit):
    assert "Prescriber’s advice" not in page(treating, visit)


# --- Reception --------------------------------------------------------------------------------------------------------


def test_reception_is_told_the_first_day_what_to_say_and_the_times(reception, visit):
    say(visit, Q04="yes", Q04b="2025-08-31")
    answer = reception.get(url(visit))
    text = words(answer)
    assert "Red: not possible on this date Not before Sunday 1 March" in text
    assert "The visit on 19 January cannot be started. Please move it." in text
    assert "The first day we can offer is Sunday 1 March. Moving is free." in text
    assert "Sun 1 March, 09:00" in text
    assert "Health form received 12 Jan" in text
    assert "Screening red, not before 1 Mar" in text
    assert "48-hour check asked from 17 Jan on" in text
    assert "Consent signed in the clinic" in text
    [link] = re.findall(r'href="([^"]+from_day=2026-03-01[^"]+)"', answer.text)
    move = reception.get(link.replace("&amp;", "&")).text
    assert re.findall(r'name="slot" value="(2026-03-01T09[^"]+)" checked', move)


@pytest.mark.parametrize(
    ("answers", "headline", "script"),
    [
        ({}, "Green: nothing in the way The visit can go ahead", "Nothing stands in the way so far."),
        (IMMUNE, "Amber: waits for a decision Not decided yet", "One of our clinicians looks at your answers first."),
        (
            {"Q04": "yes", "Q04b": "still"},
            "Red: not possible on this date Not possible as booked",
            "we call you about what comes next",
        ),
    ],
)
def test_reception_reads_a_light_for_each_state(reception, visit, answers, headline, script):
    if answers:
        say(visit, **answers)
    text = page(reception, visit)
    assert headline in text
    assert script in text


def test_all_is_in_order_once_the_check_before_the_visit_is_answered(reception, visit):
    assert "We ask you again two days before your visit." in page(reception, visit)
    screen_session(
        session=visit.session,
        stage="previsit",
        start=START,
        zone=visit.location.zone,
        cause="answers",
        answers=clear_answers("previsit", known_answers(visit.patient)),
        by=None,
        now=times.now(),
    )
    assert "“Everything is in order. We look forward to seeing you.”" in page(reception, visit)


def test_skin_that_is_left_out_is_named(reception, clinic, practitioner):
    zones = list(Zone.objects.filter(version=make_catalogue(), code__in=["cheeks", "neck"]))
    patient = make_clear_patient(clinic)
    visit = make_appointment(location=clinic, practitioner=practitioner, patient=patient, zones=zones, starts_at=START)
    keep_answers(patient=patient, answers={"Q20": "yes", "Q20b": "neck"}, zones=["cheeks", "neck"], by=None, now=NOW)
    assert newest(visit).zones_left_out == {"neck"}
    text = page(reception, visit)
    assert "It goes on without this skin: Neck." in text
    assert "“This skin we leave out for now: Neck. Nothing stands in the way so far." in text


def test_a_treatment_that_the_lead_plans_is_not_plainly_green(reception, treating, clinic, practitioner):
    visit = make_appointment(
        location=clinic,
        practitioner=practitioner,
        patient=make_clear_patient(clinic),
        protocol=make_protocol("melasma"),
        starts_at=START,
    )
    text = page(reception, visit)
    assert "Green, but a plan is missing The clinical lead plans it first" in text
    assert "“Our clinical lead plans this treatment before it begins. You keep your time. Nothing stands" in text
    assert "Plan of the clinical lead not signed yet" in text
    panel = reverse("scheduling:appointment-show", args=[visit.public_id])
    assert "Clear, plan missing" in words(reception.get(panel, headers=HTMX))
    board = reverse("scheduling:board-day")
    assert "Plan missing 10:00 to" in words(reception.get(board, {"day": "2026-01-19"}))
    assert "Clear, plan missing" in words(
        treating.get(reverse("scheduling:course-show", args=[visit.session.course.public_id]))
    )
    assert what_it_waits_for(visit.session).startswith("The clinical lead plans it first")
    sign_plan(course=visit.session.course, text="Shallow first.", by=make_user("lead"), now=times.now())
    text = page(reception, visit)
    assert "Green: nothing in the way The visit can go ahead" in text
    assert "Plan of the clinical lead signed 12 Jan" in text


def test_where_no_prescriber_was_heard_in_time_there_is_a_week_to_ask_again(reception, lead, visit, clinic_clock):
    say(visit, **IMMUNE)
    clinic_clock(days=6, hours=2)
    rescreen_without_advice(now=times.now())
    text = page(reception, visit)
    assert "Not before Sunday 25 January" in text
    assert "“We still need to hear from your doctor. Please keep taking all your medicines as before." in text
    assert "The first day we can offer is Sunday 25 January. Moving is free.”" in text
    assert "Your skin" not in text
    assert "Sun 25 January, 09:00" in text
    assert 'name="not_before" value="2026-01-25"' in lead.get(url(visit)).text


def test_a_block_without_a_day_does_not_say_that_the_visit_need_not_move(reception, visit):
    say(visit, Q04="yes", Q04b="still")
    text = page(reception, visit)
    assert "need not move" not in text
    assert "A clinician decides first. A time is offered when a first day is known." in text


def test_somebody_who_was_asked_nothing_is_asked(reception, clinic, practitioner):
    patient = make_patient(clinic)
    visit = make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=START)
    text = page(reception, visit)
    assert "May I ask you a few questions about your health?" in text
    assert "Health form not received yet" in text


def test_reception_reads_no_answer_no_rule_and_no_medicine(reception, lead, treating, visit):
    say(visit, **IMMUNE, **PEEL)
    give_advice(treating, visit, note="Lupus is stable.")
    decide(lead, visit, kind="postpone", not_before="2026-02-02", reason="Wait for the letter.")
    told = reception.get(url(visit)).text.partition("<main")[2]
    for hidden in (
        "ydroxychloroquine",
        "Lupus",
        "Obi",
        "letter",
        "S2",
        "E15b",
        "immune",
        "Laser",
        "2026-01-02",
        "advice",
    ):
        assert hidden not in re.sub(r"<svg.*?</svg>", "", told, flags=re.DOTALL)
    text = page(reception, visit)
    assert "Not before Monday 2 February Decided by Staff Member" in text


def test_reception_asks_a_clinician_to_call_back_once(reception, clinic, visit):
    say(visit, **PEEL)
    assert "Ask a clinician to call back" in page(reception, visit)
    call = reverse("scheduling:appointment-call", args=[visit.public_id])
    for _each in range(2):
        assertRedirects(reception.post(call), url(visit), fetch_redirect_response=False)
    text = page(reception, visit)
    assert "On the list of calls since Mon 12 Jan, 07:0" in text
    assert "Ask a clinician to call back" not in text
    asked = CallRequest.objects.get()
    assert (asked.appointment, asked.asked_by.is_receptionist) == (visit, True)
    listed = words(reception.get(reverse("scheduling:worklists")))
    assert f"For a clinician, asked by {asked.asked_by.name}: Today, 07:0" in listed
    panel = reception.get(reverse("scheduling:appointment-show", args=[visit.public_id]), headers=HTMX)
    assert "A clinician was asked on Mon 12 Jan, 07:0" in words(panel)


def test_nobody_is_asked_to_call_where_no_number_is_known(reception, clinic, practitioner):
    patient = make_clear_patient(clinic, phone="")
    visit = make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=START)
    assert "Ask a clinician to call back" not in page(reception, visit)
    reception.post(reverse("scheduling:appointment-call", args=[visit.public_id]))
    assert "Nobody can call" in page(reception, visit)
    assert not CallRequest.objects.exists()


def test_a_cancelled_visit_offers_no_move(reception, visit):
    say(visit, **PEEL)
    booking.cancel_appointment(appointment=visit, revision=0, by=None, now=NOW)
    assert "Move here" not in page(reception, visit)


def test_a_visit_of_elsewhere_does_not_exist(clinic):
    foreign = make_appointment(starts_at=START)
    client = signed_in("receptionist", "lead", location=clinic)
    assert client.get(url(foreign)).status_code == 404
    for step in ("decide", "advice"):
        assert client.post(url(foreign, step)).status_code == 404


def test_days_are_whole():
    zone = make_clinic().zone
    assert whole_day(datetime(2026, 1, 20, tzinfo=UTC), zone) == date(2026, 1, 20)
    assert whole_day(datetime(2026, 1, 20, 0, 1, tzinfo=UTC), zone) == date(2026, 1, 21)
