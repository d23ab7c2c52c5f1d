"""The check-in of Monday 19 January 2026, 10:00: the page of staff, and the page in the patient's hands."""

from datetime import UTC, datetime, timedelta

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from clinic import times
from scheduling import booking, day
from scheduling.models import Appointment
from scheduling.rescreening import keep_answers
from tests.factories import (
    NOW,
    as_posted,
    check_in,
    clear_answers,
    make_arrival,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_practitioner,
    make_ready,
    make_user,
    sign,
    signed_in,
)
from tests.reading import words
from tests.scene import HTMX
from treatments.answers import known_answers
from treatments.catalogue import AnsweredBy, Stage
from treatments.consents import consent_text
from treatments.models import Consent, Screening

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 19, 10, tzinfo=UTC)
SUN = {"C01": "yes", "C01b": "2026-01-18T15:00"}


@pytest.fixture(autouse=True)
def ten_to_ten(settings, tmp_path):
    """Ten minutes before the visit."""
    settings.CLOCK_FILE = tmp_path / "clock"
    times.move_clock(by=START - timedelta(minutes=10) - times.real_now())


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def here(clinic, practitioner):
    patient = make_clear_patient(clinic, given_name="Marta", family_name="Lindholm")
    return make_arrival(location=clinic, practitioner=practitioner, patient=patient, starts_at=START)


@pytest.fixture
def reception(clinic):
    return signed_in("receptionist", location=clinic)


@pytest.fixture
def treating(practitioner):
    return signed_in(user=practitioner.user)


@pytest.fixture
def lead(clinic):
    return signed_in("lead", location=clinic)


def url(appointment, step="show"):
    return reverse(f"scheduling:checkin-{step}", args=[appointment.public_id])


def page(client, appointment, query=""):
    return words(client.get(f"{url(appointment)}{query}"))


def on_the_day(appointment, by=AnsweredBy.PATIENT):
    """The fields of a form in whose answers nothing stands in the way."""
    return as_posted(clear_answers(Stage.CHECKIN, known_answers(appointment.patient), by=by))


def answer(client, appointment, *, part="patient", **answers):
    given = {"start": appointment.starts_at.isoformat(), "part": part} | on_the_day(appointment) | answers
    return client.post(url(appointment), {name: said for name, said in given.items() if said is not None})


def newest(appointment) -> Screening | None:
    return appointment.session.screenings.filter(stage="checkin").newest_first().first()


# --- What staff see ---------------------------------------------------------------------------------------------------


def test_it_says_what_is_missing(reception, here):
    text = page(reception, here)
    assert "Check-in of Marta Lindholm Acne scars, moderate, Monday 19 January, 10:00" in text
    assert "Open: Screening The questions of the day are not answered yet." in text
    assert "Open: Clean face Clean the face and tick it." in text
    assert "Open: Consent The patient has not signed yet." in text


def test_what_is_in_order_says_since_when(treating, here):
    check_in(here)
    sign(here)
    text = page(treating, here)
    assert "Done: Screening Clear. 19 Jan, 09:51 Done: Clean face Ticked. 19 Jan, 09:51" in text
    assert "Done: Consent Signed. 19 Jan, 09:55" in text
    assert "Signed as Marta Lindholm on 19 January, 09:55, text 1." in text


def test_who_looks_is_told_of_skin_that_was_left_out_before(treating, reception, here):
    zones = list(make_catalogue().zones.filter(code__in=["cheeks", "neck"]))
    here.session.course.zones.set(zones)
    hint = "Look at this skin as well, which was left out before today: Neck. If you find nothing on it, it is treated."
    assert hint not in page(treating, here)
    keep_answers(
        patient=here.patient,
        answers={"Q15": "yes", "Q15b": "neck"},
        zones=["cheeks", "neck"],
        by=None,
        now=times.now(),
    )
    assert hint in page(treating, here)
    assert "Neck" not in page(reception, here)
    check_in(here)
    assert hint not in page(treating, here)


def test_opening_it_is_written_down(clinic, here):
    user = make_user("receptionist", location=clinic)
    signed_in(user=user).get(url(here))
    entry = LogEntry.objects.get_for_object(here.patient).filter(action=LogEntry.Action.ACCESS).get()
    assert entry.actor == user


def test_nothing_is_asked_before_the_patient_is_here_and_once_the_visit_has_begun(reception, here):
    day.undo_arrival(appointment=here, by=None, now=times.now())
    assert "The check-in begins once the patient has arrived." in page(reception, here)
    assert 'name="C01"' not in reception.get(url(here)).text
    begun = make_ready(location=here.location, practitioner=here.practitioner, starts_at=START + timedelta(hours=2))
    day.start_treatment(appointment=begun, by=here.practitioner.user, now=begun.starts_at)
    assert "The visit has begun. What matters now goes into its record." in page(reception, begun)
    assert "Hand the tablet to the patient" not in page(reception, begun)


def test_the_page_asks_the_same_number_of_questions_however_often_it_was_answered(treating, here):
    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert treating.get(url(here)).status_code == 200
        return len(queries)

    check_in(here)
    with_one = count_queries()
    check_in(here, C08="alcohol")
    check_in(here)
    assert count_queries() == with_one


# --- Asked by staff ---------------------------------------------------------------------------------------------------


def test_reception_asks_and_never_reads_the_answers_again(reception, here):
    assertRedirects(answer(reception, here, C01="yes", C01b_0="2026-01-18", C01b_1="15:00"), url(here))
    assert (newest(here).outcome, newest(here).for_start) == ("block", START)
    text = reception.get(f"{url(here)}?again=1").text.partition("<main")[2].partition("</main>")[0]
    assert "The patient’s questions are answered, last at 09:50." in words(reception.get(url(here)))
    assert "checked" not in text
    assert "2026-01-18" not in text
    assert "Findings" not in text
    assert "Lift" not in text


def test_those_who_treat_are_asked_what_they_see_once_the_patient_has_answered(treating, here):
    assert "What we see The face is clean and free of make-up." in page(treating, here)
    answer(treating, here)
    text = page(treating, here)
    assert "The face is clean" in text
    assert "Have you been in the sun" not in text
    seen = {"start": START.isoformat(), "part": "staff"} | on_the_day(here, AnsweredBy.STAFF)
    assertRedirects(treating.post(url(here), seen), url(here))
    assert newest(here).outcome == "pass"
    assert "Have you been in the sun" in page(treating, here, "?again=1")


def test_reception_is_not_asked_what_only_those_who_treat_can_see(reception, here):
    assert "The face is clean" not in page(reception, here)
    answer(reception, here, part="staff", C03="on")
    assert newest(here).findings.get(rule_code="S4").outcome == "task"


def test_an_answer_that_is_missing_is_asked_for_and_the_others_stay(reception, here):
    sent = answer(reception, here, C04=None, C01="yes", C01b_0="2026-01-18", C01b_1="15:00")
    assert sent.status_code == 422
    assert "“Not sure” is one." in words(sent)
    assert 'value="2026-01-18"' in sent.text
    assert newest(here) is None


@pytest.mark.parametrize("start", ["", "yesterday", "2026-01-19T10:00", "2026-01-19T09:00:00+00:00", "9" * 400])
def test_questions_about_another_start_are_refused_with_all_that_was_typed(reception, here, start):
    sent = answer(reception, here, start=start, C01="yes", C01b_0="2026-01-18", C01b_1="15:00")
    assert sent.status_code == 409
    assert "This visit was moved to Monday 19 January, 10:00 meanwhile." in words(sent)
    assert 'value="2026-01-18"' in sent.text
    assert f'name="start" value="{START:%Y-%m-%dT%H:%M:%S}+00:00"' in sent.text
    assert newest(here) is None


def test_a_visit_that_was_moved_meanwhile_is_asked_about_again(reception, here):
    day.undo_arrival(appointment=here, by=None, now=times.now())
    later = START + timedelta(hours=3)
    moved = booking.move_appointment(
        appointment=here, starts_at=later, practitioner=here.practitioner, revision=0, by=None, now=times.now()
    )
    day.arrive(appointment=moved, revision=1, by=None, now=times.now())
    assert answer(reception, here).status_code == 409
    assertRedirects(answer(reception, here, start=later.isoformat()), url(here))
    assert newest(here).for_start == later


def test_somebody_who_left_is_not_checked_in(reception, here):
    day.undo_arrival(appointment=here, by=None, now=times.now())
    sent = answer(reception, here)
    assert sent.status_code == 409
    assert "The patient has not arrived yet. Mark her as arrived first." in words(sent)


def test_the_same_answers_sent_twice_do_no_harm(reception, here):
    answer(reception, here)
    assertRedirects(answer(reception, here), url(here))
    assert newest(here).findings.get(rule_code="S4").outcome == "task"


@pytest.fixture
def took_isotretinoin(here):
    """Her last capsule was long enough ago when she booked."""
    keep_answers(patient=here.patient, answers={"Q04": "yes", "Q04b": "2025-05-30"}, by=None, now=NOW)
    return here


def test_a_later_capsule_beside_none_since_the_booking_is_asked_about(reception, took_isotretinoin):
    sent = answer(reception, took_isotretinoin, C04="no", Q04b_0="11/2025")
    assert (sent.status_code, newest(took_isotretinoin)) == (422, None)
    assert list(sent.context["answers"].errors) == ["C04"]
    assert "This says no, and a date is given below it. Change one of the two." in words(sent)
    assert known_answers(took_isotretinoin.patient)["Q04b"] == "2025-05-30"


def test_a_later_capsule_is_kept_and_blocks(reception, took_isotretinoin):
    assertRedirects(answer(reception, took_isotretinoin, C04="yes", Q04b_0="11/2025"), url(took_isotretinoin))
    assert known_answers(took_isotretinoin.patient)["Q04b"] == "2025-11"
    assert newest(took_isotretinoin).outcome == "hard_block"


def test_none_since_the_booking_leaves_the_last_capsule_as_it_is(reception, took_isotretinoin):
    assertRedirects(answer(reception, took_isotretinoin, C04="no"), url(took_isotretinoin))
    assert known_answers(took_isotretinoin.patient)["Q04b"] == "2025-05-30"
    assert newest(took_isotretinoin).findings.get(rule_code="S1").outcome == "pass"


def test_a_last_capsule_whose_day_nobody_knew_is_asked_for_and_kept(reception, here):
    keep_answers(patient=here.patient, answers={"Q04": "yes"}, by=None, now=NOW)
    answer(reception, here, Q04b_0="30/05/2025")
    assert known_answers(here.patient) | {"Q04": "yes", "Q04b": "2025-05-30"} == known_answers(here.patient)
    assert newest(here).findings.get(rule_code="S1").outcome == "pass"


def test_what_was_seen_stays_ticked_and_its_button_steps_back(treating, here):
    answer(treating, here)
    form = treating.get(url(here)).context["answers"]
    assert not any(form[name].value() for name in ("C03", "C06", "C06b"))
    assert 'class="btn btn-primary"><svg' in treating.get(url(here)).text.partition('id="questions"')[2]
    answer(treating, here, part="staff", C03="on", C06=["spots", "rash"], C06b=["not_sure"])
    page = treating.get(url(here))
    form = page.context["answers"]
    assert (form["C03"].value(), form["C06"].value()) == (True, ["spots", "rash"])
    assert page.text.count('name="C06" value="spots" class="form-check-input" id="id_C06_4" checked') == 1
    assert "btn-primary" not in page.text.partition('id="questions"')[2].partition("</section>")[0]
    assert 'name="C01"' not in page.text


def test_pregnancy_may_not_apply(reception, here):
    keep_answers(patient=here.patient, answers={"Q06": "no"}, by=None, now=NOW)
    assertRedirects(answer(reception, here, C05="does_not_apply"), url(here))
    assert newest(here).findings.get(rule_code="E08").outcome == "pass"
    assert known_answers(here.patient)["Q06"] == "does_not_apply"


# --- Decided ----------------------------------------------------------------------------------------------------------


def test_those_who_treat_read_the_findings_and_only_who_may_decides(treating, lead, here):
    check_in(here, **SUN)
    for client in (treating, lead):
        text = page(client, here)
        assert "Stops the visit Sun or sunbed S3 · v1 What was said" in text
        assert "Clear from Monday 19 January 2026, 15:00 ." in text
    assert "Your decision" not in page(treating, here)
    assert "Your decision" in page(lead, here)


def test_a_decision_leads_back_to_the_check_in_and_reception_does_not_read_it(reception, treating, lead, here):
    check_in(here, **SUN)
    typed = {"kind": "lift", "reason": "No redness.", "is_skin_checked": "on"}
    decide = reverse("scheduling:screening-decide", args=[here.public_id])
    assertRedirects(lead.post(decide, typed | {"screening": newest(here).public_id}), url(here))
    assert "Done: Screening Decided. 19 Jan, 09:50" in page(reception, here)
    assert "No redness." not in page(reception, here)
    assert "Decided Lifted No redness. I have looked at the skin. Staff Member" in page(treating, here)


# --- In the patient's hands -------------------------------------------------------------------------------------------


@pytest.fixture
def tablet(reception, here):
    assertRedirects(reception.post(url(here, "hand-over")), url(here, "patient"))
    return reception


def tell(client, appointment, headers=None, **answers):
    given = {"start": appointment.starts_at.isoformat()} | on_the_day(appointment) | answers
    return client.post(url(appointment, "patient"), given, headers=headers or {})


def agree(client, appointment, headers=None, **typed):
    given = {"start": appointment.starts_at.isoformat(), "version": consent_text()[0], "typed_name": "Marta Lindholm"}
    return client.post(url(appointment, "patient"), given | typed, headers=headers or {})


def test_the_tablet_asks_then_reads_the_consent_then_thanks(tablet, here):
    place = url(here, "patient")
    assert "Good morning, Marta" in words(tablet.get(place))
    assert "Have you been in the sun" in words(tablet.get(place))
    assertRedirects(tell(tablet, here), place)
    consent = words(tablet.get(place))
    assert "Your consent Micro-needling makes many tiny channels" in consent
    assert "Text 1" in consent
    assertRedirects(agree(tablet, here), place)
    assert "Thank you Please give the tablet back to us." in words(tablet.get(place))
    assert newest(here).findings.get(rule_code="S4").outcome == "task"
    assert here.session.consent.typed_name == "Marta Lindholm"


def test_with_htmx_each_step_is_a_fragment(tablet, here):
    tell(tablet, here, headers=HTMX)
    step = tablet.get(url(here, "patient"), headers=HTMX)
    assert "<html" not in step.text
    assert "Your consent" in words(step)


def test_the_tablet_shows_nothing_of_the_clinic_and_nothing_that_was_said_before(tablet, here):
    check_in(here, **SUN)
    shown = tablet.get(url(here, "patient"))
    assert "Lindholm" not in words(shown)
    for part in ("<nav", 'id="find"', "2026-01-18", "checked", "S3", here.practitioner.name):
        assert part not in shown.text


def test_everything_else_is_locked_until_staff_take_it_back(tablet, here):
    assertRedirects(tablet.get(url(here)), url(here, "patient"))
    other = make_arrival(location=here.location, practitioner=make_practitioner(here.location), starts_at=START)
    assertRedirects(tablet.get(url(other, "patient")), url(here, "patient"))
    assertRedirects(tablet.post(url(other, "hand-over")), url(here, "patient"))
    assertRedirects(tablet.post(url(here), {}), url(here, "patient"))


def test_without_a_handover_there_is_no_patients_page(reception, here):
    assertRedirects(reception.get(url(here, "patient")), url(here))
    assertRedirects(tell(reception, here), url(here))
    assertRedirects(agree(reception, here), url(here))
    assert newest(here) is None
    assert not Consent.objects.exists()


def test_a_name_that_is_not_hers_is_told_and_stays_typed(tablet, here):
    tell(tablet, here)
    sent = agree(tablet, here, typed_name="Somebody Else")
    assert sent.status_code == 409
    assert "This is not the name that the clinic has on file." in words(sent)
    assert 'value="Somebody Else"' in sent.text
    assert not Consent.objects.exists()


def test_no_name_and_another_version_are_told(tablet, here):
    tell(tablet, here)
    assert (agree(tablet, here, typed_name="  ").status_code, Consent.objects.count()) == (422, 0)
    sent = agree(tablet, here, version=99)
    assert sent.status_code == 409
    assert "The text has changed meanwhile." in words(sent)
    assert 'name="version" value="1"' in sent.text


def test_a_signature_posted_twice_is_one(tablet, here):
    tell(tablet, here)
    assertRedirects(agree(tablet, here), url(here, "patient"))
    assertRedirects(agree(tablet, here), url(here, "patient"))
    assert Consent.objects.count() == 1


def test_a_visit_that_was_moved_while_she_typed_keeps_what_she_typed(tablet, here):
    Appointment.objects.filter(pk=here.pk).update(starts_at=START + timedelta(hours=1))
    sent = tell(tablet, here, C01="yes", C01b_0="2026-01-18", C01b_1="15:00")
    assert sent.status_code == 409
    assert "This visit was moved to Monday 19 January, 11:00 meanwhile." in words(sent)
    assert 'value="2026-01-18"' in sent.text


def test_once_the_visit_is_no_longer_hers_to_answer_the_tablet_thanks(tablet, here):
    day.undo_arrival(appointment=here, by=None, now=times.now())
    assert "Thank you" in words(tablet.get(url(here, "patient")))
    assert tell(tablet, here).status_code == 409


def test_hostile_words_are_shown_as_words(tablet, here):
    tell(tablet, here)
    sent = agree(tablet, here, typed_name="<script>alert(7)</script>")
    assert "<script>alert" not in sent.text
    assert "&lt;script&gt;alert" in sent.text


def test_an_appointment_of_elsewhere_is_not_checked_in(reception, tablet):
    foreign = make_arrival(starts_at=NOW + timedelta(days=7, hours=3))
    client = signed_in("receptionist", "lead", location=make_clinic())
    for step in ("show", "patient"):
        assert client.get(url(foreign, step)).status_code == 404
    assert client.post(url(foreign, "hand-over")).status_code == 404
