"""The clinical lead's pages about rules: Monday 12 January 2026, seven o'clock."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import outbox
from clinic.models import OutgoingMail
from scheduling.models import RuleRun
from scheduling.rule_runs import publish_rules, work_off_runs
from tests.factories import (
    NOW,
    make_appointment,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_practitioner,
    make_user,
    signed_in,
)
from tests.reading import words
from treatments.answers import record_answers
from treatments.catalogue import load, shipped_text
from treatments.models import CatalogueVersion, Screening
from treatments.publishing import publish_catalogue
from treatments.rule_editing import edit_rule, fields_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

LIST, VERSIONS, PROGRESS = (reverse(f"scheduling:rule-{name}") for name in ("list", "versions", "progress"))
HTMX = {"HX-Request": "true"}


def edit_url(code: str) -> str:
    return reverse("scheduling:rule-edit", args=[code])


def try_url(code: str) -> str:
    return reverse("scheduling:rule-try", args=[code])


def typed(code: str, **changes) -> dict:
    """What the page of a rule sends when somebody has changed some of it."""
    version = CatalogueVersion.objects.current()
    fields = fields_of(load(version.source), code)
    sent = {name: field.value for name, field in fields.items() if field.value is not False}
    return sent | {"base": version.number, "note": "Looked at again."} | changes


SAMPLE = {
    "visit_day": "2026-01-19",
    "visit_at": "10:00",
    "stage": "checkin",
    "said_day": "2026-01-17",
    "said_at": "15:30",
}


@pytest.fixture
def clinic():
    make_catalogue()
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def user(clinic):
    return make_user("lead", location=clinic, name="Helen Kovac")


@pytest.fixture
def lead(user):
    return signed_in(user=user)


def close_to_the_wait(clinic, practitioner, days=7, **fields):
    """A visit of somebody whose six months are just over."""
    patient = make_clear_patient(clinic, **fields)
    record_answers(patient=patient, answers={"Q04": "yes", "Q04b": "2025-07-18"}, by=None, now=NOW)
    starts_at = NOW + timedelta(days=days, hours=3)
    return make_appointment(location=clinic, patient=patient, practitioner=practitioner, starts_at=starts_at)


# --- The list ---------------------------------------------------------------------------------------------------------


def test_the_list_shows_each_rule_of_the_version_in_force(lead):
    page = words(lead.get(LIST))
    assert "Rules Version 1, in force since 12 January 2026." in page
    assert "Isotretinoin capsules S1 · the owner's document Window 6 months Booking Blocked for all" in page.replace(
        "’", "'"
    )
    answer = lead.get(LIST)
    for code in load(shipped_text()).rules:
        assert f'href="{edit_url(code)}"' in answer.text


def test_the_side_bar_shows_the_rules_to_the_lead_alone(lead, clinic):
    board = reverse("scheduling:board-day")
    assert f'href="{LIST}"' in lead.get(board).text
    for role in ("receptionist", "practitioner", "owner"):
        assert f'href="{LIST}"' not in signed_in(role, location=clinic).get(board).text


def test_the_list_asks_as_much_with_a_run_as_without(lead, user, clinic, practitioner):
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert lead.get(LIST).status_code == 200
        return len(queries)

    count_queries()
    once = count_queries()
    publish_rules(text=shipped_text(), on_top_of=1, note="The same.", by=user, now=NOW)
    count_queries()
    assert count_queries() == once


# --- One rule ---------------------------------------------------------------------------------------------------------


def test_the_page_of_an_owners_rule_says_what_cannot_be_loosened(lead):
    page = words(lead.get(edit_url("S3")))
    assert "Sun or sunbed Rule S3 · version 1 in force since 12 January 2026" in page
    assert "hours Owner’s document: at least 24 hours. Longer is allowed, shorter is not." in page
    assert "Owner’s document: at least “blocked”." in page
    assert "A rule of the owner’s document is always in force." in page
    assert "Publish version 2" in page
    assert "Published as Helen Kovac, 12 January 2026, in force at once." in page


def test_an_unknown_rule_is_not_there(lead):
    for code in ("S9", "x", "versions-2"):
        assert lead.get(edit_url(code)).status_code == 404
        assert lead.post(try_url(code)).status_code == 404


def test_publishing_makes_the_next_version_with_name_note_and_date(lead, user):
    answer = lead.post(edit_url("S3"), typed("S3", hours="48", note="Stricter after two patchy results"), follow=True)
    version = CatalogueVersion.objects.current()
    assert (version.number, version.published_by, version.note) == (2, user, "Stricter after two patchy results")
    assert NOW <= version.published_at < NOW + timedelta(minutes=5)
    assert load(version.source).rules["S3"].test.params["hours"] == 48
    assert RuleRun.objects.get().version == version
    page = words(answer)
    assert "Version 2 is in force." in page
    assert "Rule S3 · version 2 in force since 12 January 2026" in page


def test_screenings_keep_the_version_that_they_were_made_under(lead, clinic, practitioner):
    appointment = close_to_the_wait(clinic, practitioner)
    lead.post(edit_url("S1"), typed("S1", months="7"))
    work_off_runs(now=NOW)
    versions = appointment.session.screenings.newest_first().values_list("catalogue_version__number", "outcome")
    assert [number for number, _outcome in versions] == [2, 1]
    assert versions[0][1] == "hard_block"


@pytest.mark.parametrize(
    ("code", "change", "sentence"),
    [
        ("S3", {"hours": "23"}, "This is less strict than the owner’s document, which asks for “24 hours”."),
        ("S1", {"override": "clinician"}, "This is less strict than the owner’s document, which asks for “nobody”."),
        ("S3", {"outcome_checkin": "hold"}, "This is less strict than the owner’s document, which asks for “blocked”."),
        ("S3", {"hours": "721"}, "Give a whole number from 1 to 720."),
        ("S3", {"hours": "0"}, "Give a whole number from 1 to 720."),
        ("S3", {"note": " "}, "Please fill this in."),
        ("S3", {}, "The rule is as it was, so there is nothing to publish."),
        ("S1", {"message_Q04": "Stop the capsules."}, "the message says “Stop”"),
        ("S3", {"message_C01b": "From {day}."}, "in braces stands one of these or nothing: {clear_from}, {hours}."),
        (
            "S3",
            {"message_C01b": "Wait 24 hours."},
            "C01b says “24 hours”, which the rule may change. Write {hours} instead.",
        ),
        ("S2", {"staff": "Tell the patient to stop the medicine for 24 hours."}, "S2: staff may pass “stop” on"),
        (
            "S2",
            {"message_Q05": "You need not take your tablets on the morning of the visit."},
            "Q05: the message says “not take”",
        ),
        ("S2", {"hours": "30"}, "the prescriber must be heard before the hours begin"),
    ],
)
def test_a_refusal_stands_at_its_field_and_keeps_what_was_typed(lead, code, change, sentence):
    answer = lead.post(
        edit_url(code), typed(code, **{"staff": "A new word for staff."} | change) if change else typed(code)
    )
    assert answer.status_code == 422
    assert sentence in words(answer)
    for value in ({"staff": "A new word for staff."} | change if change else {}).values():
        assert value.strip() in answer.text
    assert CatalogueVersion.objects.count() == 1


def test_a_refused_publication_keeps_the_sample(lead):
    answer = lead.post(edit_url("S3"), typed("S3", hours="23") | SAMPLE)
    assert answer.status_code == 422
    for value in ("2026-01-19", "2026-01-17", "15:30"):
        assert f'value="{value}"' in answer.text


def test_exactly_the_owners_number_is_no_refusal(lead):
    assert lead.post(edit_url("S3"), typed("S3", hours="24", name="Sun")).status_code == 302


def test_a_version_published_meanwhile_is_told_with_both_versions(lead, user):
    sent = typed("S3", hours="48", staff="Look twice.")
    source = CatalogueVersion.objects.current().source
    other = edit_rule(source=source, catalogue=load(source), code="S3", values={"hours": 36})
    publish_catalogue(text=other, by=user, now=NOW, note="The other's.")
    answer = lead.post(edit_url("S3"), sent)
    assert answer.status_code == 409
    page = words(answer)
    assert "Somebody else saved this meanwhile" in page
    assert "Time between it and the visit 36 hours 48 hours" in page
    assert "Look twice." in answer.text
    assert CatalogueVersion.objects.count() == 2
    again = lead.post(edit_url("S3"), sent | {"base": "2"})
    assert again.status_code == 302
    assert load(CatalogueVersion.objects.current().source).rules["S3"].test.params["hours"] == 48


def test_a_form_without_its_base_is_outdated(lead):
    sent = typed("S3", hours="48")
    del sent["base"]
    assert lead.post(edit_url("S3"), sent).status_code == 409
    assert CatalogueVersion.objects.count() == 1


# --- Trying -----------------------------------------------------------------------------------------------------------


def test_a_trial_shows_what_changes_on_the_sample(lead):
    page = words(lead.post(try_url("S3"), typed("S3", hours="48") | SAMPLE, headers=HTMX))
    assert "What the draft changes Throw the draft away Time between it and the visit" in page
    assert "before: 24 hours now: 48 hours" in page
    assert "Throw the draft away" not in words(lead.get(edit_url("S3")))
    assert "Draft: 48 hours Version 1: 24 hours Visit" in page
    assert "still stands in" not in page
    assert "The mail about the sun moves from 26 to 50 hours before the visit." in page
    assert "Version 1 Clear Sun or sunbed: the last time was 17 January 2026, 15:30, at least 24 hours" in page
    assert "Draft Blocked Sun or sunbed: the last time was 17 January 2026, 15:30, not 48 hours" in page
    assert "0 visits would change their light 0 visits to come checked" in page


def mail_of(visit, status="sent", kind="before_48h"):
    """The mail about a visit that names from when on to stay out of the sun."""
    reminder = visit.reminders.get(kind=kind, revision=visit.revision)
    reminder.mail = outbox.queue_mail(
        to=visit.patient.email, subject="", text="", due_at=NOW, expires_at=visit.starts_at, now=NOW
    )
    reminder.state = "mailed"
    reminder.save()
    OutgoingMail.objects.filter(pk=reminder.mail_id).update(status=status)


def test_whoever_has_a_mail_with_fewer_hours_is_named_before_more_are_published(lead, clinic, practitioner):
    told = close_to_the_wait(clinic, practitioner, given_name="Marta", family_name="Lindholm", phone="07700 900123")
    close_to_the_wait(clinic, practitioner, days=8, given_name="Ada", family_name="Quill")
    mail_of(told)
    page = words(lead.post(try_url("S3"), typed("S3", hours="48") | SAMPLE, headers=HTMX))
    assert "1 patient has a mail that names the shorter time. Please call: Mon 19 Jan, 10:00 , Marta Lindholm" in page
    assert "07700 900123" in page
    assert "Ada Quill" not in page


@pytest.mark.parametrize(
    ("status", "kind"), [("pending", "before_48h"), ("failed", "before_48h"), ("sent", "confirmation")]
)
def test_whom_no_mail_has_told_the_hours_need_not_be_called(lead, clinic, practitioner, status, kind):
    mail_of(close_to_the_wait(clinic, practitioner), status, kind)
    page = words(lead.post(try_url("S3"), typed("S3", hours="48") | SAMPLE, headers=HTMX))
    assert "names the shorter time" not in page


def test_fewer_hours_make_no_mail_wrong(lead, user, clinic, practitioner):
    source = make_catalogue().source
    text = edit_rule(source=source, catalogue=load(source), code="S3", values={"hours": 48})
    publish_rules(text=text, on_top_of=1, note="Longer.", by=user, now=NOW)
    mail_of(close_to_the_wait(clinic, practitioner))
    page = words(lead.post(try_url("S3"), typed("S3", hours="24") | SAMPLE, headers=HTMX))
    assert "The mail about the sun moves from 50 to 26 hours" in page
    assert "names the shorter time" not in page


def test_a_mail_at_a_location_that_is_not_ones_own_is_counted_and_not_named(lead):
    elsewhere = make_clinic()
    far = close_to_the_wait(elsewhere, make_practitioner(elsewhere), given_name="Secretname")
    mail_of(far)
    page = words(lead.post(try_url("S3"), typed("S3", hours="48") | SAMPLE, headers=HTMX))
    assert "1 more has such a mail at a location that is not yours." in page
    assert "Secretname" not in page


@pytest.mark.parametrize(("hours", "light"), [("48", "Clear"), ("49", "Blocked")])
def test_a_trial_is_exact_to_the_hour(lead, hours, light):
    sample = SAMPLE | {"said_at": "10:00"}
    assert f"Draft {light} Sun" in words(lead.post(try_url("S3"), typed("S3", hours=hours) | sample, headers=HTMX))


def test_a_trial_of_an_unchanged_rule_looks_at_no_visit(lead):
    page = words(lead.post(try_url("S3"), typed("S3") | SAMPLE, headers=HTMX))
    assert "Nothing yet: the rule is as it is in force." in page
    assert "Draft Clear Sun" in page
    assert "visits to come checked" not in page


def test_a_long_list_opens_to_its_end(lead, clinic):
    for number in range(7):
        close_to_the_wait(clinic, make_practitioner(clinic), days=7 + number)
    sample = {"visit_day": "2026-01-19", "visit_at": "10:00", "stage": "booking"}
    page = words(lead.post(try_url("S1"), typed("S1", months="9") | sample, headers=HTMX))
    assert page.count("Olivia Marsh") == 7
    assert "Show the other 1" in page


def test_a_trial_counts_the_visits_that_would_turn(lead, clinic, practitioner):
    close_to_the_wait(clinic, practitioner, given_name="Ida", family_name="Sorensen")
    clear = make_clear_patient(clinic)
    make_appointment(
        location=clinic, practitioner=practitioner, patient=clear, starts_at=NOW + timedelta(days=8, hours=3)
    )
    before = Screening.objects.count()
    sample = {"visit_day": "2026-01-19", "visit_at": "10:00", "stage": "booking", "said_day": "2025-07-18"}
    answer = lead.post(try_url("S1"), typed("S1", months="7") | sample, headers=HTMX)
    page = words(answer)
    assert "1 visit would be blocked with nobody to lift it 2 visits to come checked, 1 stays as it is." in page
    assert "Mon 19 Jan 2026, 10:00 Ida Sorensen" in page
    assert Screening.objects.count() == before
    assert CatalogueVersion.objects.count() == 1


def test_a_trial_names_nobody_of_another_location(lead):
    elsewhere = make_clinic()
    close_to_the_wait(elsewhere, make_practitioner(elsewhere), family_name="Ferncastle")
    sample = {"visit_day": "2026-01-19", "visit_at": "10:00", "stage": "booking"}
    page = words(lead.post(try_url("S1"), typed("S1", months="7") | sample, headers=HTMX))
    assert "1 of them is at a location that is not yours." in page
    assert "Ferncastle" not in page


def test_a_trial_that_cannot_be_read_says_so_beside_the_form(lead):
    answer = lead.post(try_url("S3"), typed("S3", hours="12") | SAMPLE, headers=HTMX)
    assert answer.status_code == 422
    assert "Time between it and the visit: This is less strict than the owner’s document" in words(answer)
    answer = lead.post(try_url("S3"), typed("S3") | SAMPLE | {"visit_day": "2026-02-30"}, headers=HTMX)
    assert answer.status_code == 422
    assert "Visit: Give the whole date" in words(answer)


def test_a_trial_without_htmx_is_the_page_with_all_that_was_typed(lead):
    answer = lead.post(try_url("S3"), typed("S3", hours="48", staff="Look twice.") | SAMPLE)
    assert answer.status_code == 200
    page = words(answer)
    assert "The rule" in page
    assert "Draft Blocked" in page
    assert "Look twice." in answer.text
    assert 'value="48"' in answer.text


def test_every_rule_has_its_page_and_can_be_tried(lead):
    for code in load(shipped_text()).rules:
        page = lead.get(edit_url(code))
        assert page.status_code == 200
        sample = {name: page.context["sample"][name].value() for name in page.context["sample"].fields}
        sample |= {"said": page.context["sample"].fields["said"].choices[0][0]} if "said" in sample else {}
        for stage in page.context["rule"].stages:
            tried = lead.post(try_url(code), typed(code) | sample | {"stage": stage.value}, headers=HTMX)
            assert tried.status_code == 200, (code, words(tried))


def test_a_trial_asks_as_much_for_three_visits_as_for_one(lead, clinic, practitioner):
    def count_queries() -> int:
        sample = {"visit_day": "2026-01-19", "visit_at": "10:00", "stage": "booking"}
        with CaptureQueriesContext(connection) as queries:
            assert lead.post(try_url("S1"), typed("S1", months="7") | sample, headers=HTMX).status_code == 200
        return len(queries)

    close_to_the_wait(clinic, practitioner)
    count_queries()
    once = count_queries()
    close_to_the_wait(clinic, practitioner, days=8)
    close_to_the_wait(clinic, practitioner, days=9)
    assert count_queries() == once


def test_what_a_trial_counts_is_what_the_run_changes(lead, clinic, practitioner):
    for days in (7, 8):
        close_to_the_wait(clinic, practitioner, days=days)
    make_appointment(
        location=clinic,
        practitioner=practitioner,
        patient=make_clear_patient(clinic),
        starts_at=NOW + timedelta(days=9, hours=3),
    )
    sample = {"visit_day": "2026-01-19", "visit_at": "10:00", "stage": "booking"}
    page = words(lead.post(try_url("S1"), typed("S1", months="7") | sample, headers=HTMX))
    assert "2 visits would be blocked with nobody to lift it 3 visits to come checked" in page
    lead.post(edit_url("S1"), typed("S1", months="7"))
    work_off_runs(now=NOW)
    assert RuleRun.objects.get().changed == 2


# --- Versions and progress --------------------------------------------------------------------------------------------


def test_versions_say_who_changed_what_and_when(lead):
    lead.post(edit_url("S3"), typed("S3", hours="48", note="Stricter after two patchy results"))
    page = words(lead.get(VERSIONS))
    assert (
        "2 Stricter after two patchy results Helen Kovac, 12 January 2026, 07:00 In force 1 The first version" in page
    )
    page = words(lead.get(reverse("scheduling:rule-version", args=[2])))
    assert "S3 Sun or sunbed: Time between it and the visit before: 24 hours now: 48 hours" in page
    assert "There was none before it." in words(lead.get(reverse("scheduling:rule-version", args=[1])))
    assert lead.get(reverse("scheduling:rule-version", args=[3])).status_code == 404


def test_versions_ask_as_much_for_three_as_for_one(lead, user):
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert lead.get(VERSIONS).status_code == 200
        return len(queries)

    count_queries()
    once = count_queries()
    for number in (1, 2):
        publish_catalogue(text=shipped_text(), by=user, now=NOW, note=f"Number {number}.")
    assert count_queries() == once


def test_progress_is_asked_for_until_the_run_is_through(lead, clinic, practitioner):
    assert words(lead.get(PROGRESS)) == ""
    close_to_the_wait(clinic, practitioner)
    lead.post(edit_url("S1"), typed("S1", months="7"))
    answer = lead.get(PROGRESS)
    assert 'hx-trigger="every 2s"' in answer.text
    assert 'value="0" max="1"' in answer.text
    assert "Version 2 is looking at the visits to come: 0 of 1" in words(answer)
    work_off_runs(now=NOW)
    answer = lead.get(PROGRESS)
    assert "hx-trigger" not in answer.text
    assert words(answer) == "Version 2 has looked at 1 visit to come. 1 light has changed."
