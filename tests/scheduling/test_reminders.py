import threading
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar

from clinic import outbox
from clinic.models import OutgoingMail
from scheduling import booking
from scheduling.deciding import decide_visit
from scheduling.messages import Message, messages_for
from scheduling.models import Appointment, PatientLink, Reminder
from scheduling.reminders import mail_due_reminders, plan_aftercare
from scheduling.rescreening import keep_answers
from tests.factories import (
    NOW,
    make_appointment,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_patient,
    make_practitioner,
    make_user,
)
from treatments import catalogue
from treatments.decisions import decide_screening
from treatments.models import Screening, Visit
from treatments.publishing import publish_catalogue

pytestmark = [pytest.mark.both, pytest.mark.django_db]

START = NOW + timedelta(days=7, hours=3)  # Monday 19 January 2026, 10:00 in London
TWO_DAYS_BEFORE = START - timedelta(days=2)
BEFORE_THE_SUN = START - timedelta(hours=26)


def book(*, email="olivia@example.org", now=NOW, starts_at=START, clinic=None, **wish) -> Appointment:
    clinic = clinic or make_clinic(name="Larkfield Skin Clinic", address="12 Orchard Row")
    patient = make_clear_patient(clinic, email=email)
    return make_appointment(location=clinic, patient=patient, starts_at=starts_at, now=now, **wish)


def move(appointment, starts_at, now=NOW) -> Appointment:
    return booking.move_appointment(
        appointment=appointment,
        starts_at=starts_at,
        practitioner=appointment.practitioner,
        revision=appointment.revision,
        by=None,
        now=now,
    )


def cancel(appointment, now=NOW) -> Appointment:
    return booking.cancel_appointment(appointment=appointment, revision=appointment.revision, by=None, now=now)


def reactivate(appointment, now=NOW) -> Appointment:
    return booking.reactivate_appointment(appointment=appointment, revision=appointment.revision, by=None, now=now)


def sweep(now=NOW, machine_now=NOW) -> None:
    mail_due_reminders(now=now)
    outbox.deliver(now=now, machine_now=lambda: machine_now)


def plan() -> list[tuple]:
    return list(Reminder.objects.order_by("pk").values_list("kind", "revision", "state"))


def event_of(mail) -> dict:
    [event] = Calendar.from_ical(mail.calendar).walk("VEVENT")
    return event


# --- When ------------------------------------------------------------------------------------------------------------


def test_booking_plans_a_confirmation_now_and_what_comes_before_the_visit():
    book()
    assert list(Reminder.objects.values_list("kind", "due_at")) == [
        ("confirmation", NOW),
        ("before_48h", TWO_DAYS_BEFORE),
        ("get_ready", BEFORE_THE_SUN),
    ]


@pytest.mark.parametrize(
    ("start", "due"),
    [
        # the clocks change on 29 March and on 25 October 2026; ten in the morning stays ten in the morning
        (datetime(2026, 3, 30, 9, tzinfo=UTC), datetime(2026, 3, 28, 10, tzinfo=UTC)),
        (datetime(2026, 10, 26, 10, tzinfo=UTC), datetime(2026, 10, 24, 9, tzinfo=UTC)),
    ],
    ids=["spring", "autumn"],
)
def test_reminder_keeps_the_time_of_day_across_a_change_of_the_clocks(start, due):
    book(starts_at=start)
    assert Reminder.objects.get(kind="before_48h").due_at == due


@pytest.mark.parametrize(
    ("start", "due"),
    [
        (time(7, 45), datetime(2026, 1, 16, 19, 59, tzinfo=UTC)),
        (time(8), datetime(2026, 1, 17, 8, tzinfo=UTC)),
        (time(19, 45), datetime(2026, 1, 17, 19, 45, tzinfo=UTC)),
        (time(20), datetime(2026, 1, 17, 19, 59, tzinfo=UTC)),
    ],
    ids=str,
)
def test_reminder_comes_earlier_rather_than_in_quiet_hours(start, due):
    clinic = make_clinic()
    practitioner = make_practitioner(clinic, hours=[("06:00", "23:00")])
    book(clinic=clinic, practitioner=practitioner, starts_at=datetime.combine(START.date(), start, UTC))
    assert Reminder.objects.get(kind="before_48h").due_at == due


def test_reminder_becomes_a_mail_when_it_is_due_and_not_before():
    book()
    sweep()
    assert mail_due_reminders(now=TWO_DAYS_BEFORE - timedelta(seconds=1)) == 0
    assert mail_due_reminders(now=TWO_DAYS_BEFORE) == 1
    assert mail_due_reminders(now=TWO_DAYS_BEFORE) == 0
    first, second = OutgoingMail.objects.order_by("pk")
    assert (first.subject, first.expires_at, first.calendar_method) == (
        "Booked: Monday 19 January 2026, 10:00",
        START,
        "PUBLISH",
    )
    assert (second.subject, second.expires_at, second.calendar_method) == (
        "Your visit: Monday 19 January 2026, 10:00",
        START,
        "",
    )
    assert "sandpaper" in second.text and "sandpaper" not in first.text


@pytest.mark.parametrize("ahead", [timedelta(days=2), timedelta(days=1, hours=23)], ids=["exactly", "later"])
def test_late_booking_leaves_as_one_mail_at_once(ahead):
    now = START - ahead
    book(now=now)
    assert mail_due_reminders(now=now) == 1
    mail = OutgoingMail.objects.get()
    assert (mail.to, mail.subject) == ("olivia@example.org", "Booked: Monday 19 January 2026, 10:00")
    assert "sandpaper" in mail.text and "sandpaper" in mail.html
    assert set(Reminder.objects.values_list("kind", "state", "mail")) == {
        ("confirmation", "mailed", mail.pk),
        ("before_48h", "mailed", mail.pk),
        ("get_ready", "planned", None),
    }


# --- Out of the sun --------------------------------------------------------------------------------------------------

SUN_NAMED = "From Sunday 18 January 2026, 10:00 please stay out of the sun."
SUN_COUNTS = "Until your visit please stay out of the sun."
MEDICINE_GAP = (
    "If you take a medicine for an autoimmune illness: our rule is a gap of 24 hours, "
    "but only if your doctor has agreed to it. Never stop it by yourself."
)


def test_sun_mail_names_the_hour_and_asks_for_a_clean_face():
    book()
    sweep()
    sweep(now=TWO_DAYS_BEFORE)
    sweep(now=BEFORE_THE_SUN)
    mail = OutgoingMail.objects.last()
    assert (mail.subject, mail.calendar_method) == ("From Sunday 10:00: get ready for your visit", "")
    assert mail.text.count("From Sunday 10:00 please stay out of the sun.") == 1
    assert "Olivia, that is 24 hours before your visit on Monday 19 January 2026, 10:00. No sunbed either." in mail.text
    assert "On Monday: come with a clean face and no make-up." in mail.text
    assert [MEDICINE_GAP in each.text for each in OutgoingMail.objects.order_by("pk")] == [False, False, True]
    assert SUN_NAMED in OutgoingMail.objects.all()[1].text


@pytest.mark.parametrize(
    ("zone", "start", "named", "due"),
    [
        # an hour is missing or repeated between the named time and the start; twenty-four have passed all the same
        ("Europe/London", "2026-03-29T10:00+01:00", "Saturday 09:00", "2026-03-27T19:59+00:00"),
        ("Europe/London", "2026-10-25T10:00+00:00", "Saturday 11:00", "2026-10-24T09:00+01:00"),
        ("America/New_York", "2026-03-08T10:00-04:00", "Saturday 09:00", "2026-03-06T19:59-05:00"),
        ("America/New_York", "2026-11-01T10:00-05:00", "Saturday 11:00", "2026-10-31T09:00-04:00"),
        ("Australia/Lord_Howe", "2026-10-04T10:00+11:00", "Saturday 09:30", "2026-10-02T19:59+10:30"),
        ("Australia/Lord_Howe", "2026-04-05T10:00+10:30", "Saturday 10:30", "2026-04-04T08:30+11:00"),
    ],
)
def test_sun_mail_is_read_before_the_hour_that_it_names_across_a_change_of_the_clocks(zone, start, named, due):
    start = datetime.fromisoformat(start).astimezone(UTC)
    book(clinic=make_clinic(zone_name=zone), starts_at=start)
    reminder = Reminder.objects.get(kind="get_ready")
    assert reminder.due_at == datetime.fromisoformat(due)
    assert reminder.due_at <= start - timedelta(hours=26)
    for due_at in Reminder.objects.values_list("due_at", flat=True):
        mail_due_reminders(now=due_at)
    assert OutgoingMail.objects.last().subject == f"From {named}: get ready for your visit"


@pytest.mark.parametrize(
    ("start", "due"),
    [
        (time(9, 59), datetime(2026, 1, 17, 19, 59, tzinfo=UTC)),
        (time(10), datetime(2026, 1, 18, 8, tzinfo=UTC)),
        (time(21, 59), datetime(2026, 1, 18, 19, 59, tzinfo=UTC)),
        (time(22), datetime(2026, 1, 18, 19, 59, tzinfo=UTC)),
    ],
    ids=str,
)
def test_sun_mail_comes_earlier_rather_than_in_quiet_hours(start, due):
    clinic = make_clinic()
    practitioner = make_practitioner(clinic, hours=[("06:00", "23:59")])
    book(clinic=clinic, practitioner=practitioner, starts_at=datetime.combine(START.date(), start, UTC))
    assert Reminder.objects.get(kind="get_ready").due_at == due


@pytest.mark.parametrize(
    ("ahead", "sentence"),
    [
        (timedelta(hours=26), SUN_NAMED),
        (timedelta(hours=24, seconds=1), SUN_NAMED),
        (timedelta(hours=24), SUN_COUNTS),
        (timedelta(hours=2), SUN_COUNTS),
    ],
    ids=str,
)
def test_booking_close_to_the_visit_says_all_in_one_mail_and_what_is_still_true(ahead, sentence):
    now = START - ahead
    book(now=now)
    assert mail_due_reminders(now=now) == 1
    assert set(Reminder.objects.values_list("kind", "state")) == {
        ("confirmation", "mailed"),
        ("before_48h", "mailed"),
        ("get_ready", "mailed"),
    }
    mail = OutgoingMail.objects.get()
    assert mail.subject == "Booked: Monday 19 January 2026, 10:00"
    assert sentence in mail.text
    assert mail.text.count("stay out of the sun") == mail.text.count(MEDICINE_GAP) == 1
    assert Reminder.objects.due(START).count() == 0


@pytest.mark.parametrize(
    ("late", "state"),
    [(timedelta(hours=2, seconds=-1), "mailed"), (timedelta(hours=2), "skipped")],
    ids=["just in time", "too late"],
)
def test_sun_mail_is_left_out_once_its_hour_has_come_and_another_mail_named_it(late, state):
    book()
    mail_due_reminders(now=TWO_DAYS_BEFORE)
    mail_due_reminders(now=BEFORE_THE_SUN + late)
    reminder = Reminder.objects.get(kind="get_ready")
    assert reminder.state == state
    assert reminder.mail is None or reminder.mail.expires_at == START - timedelta(hours=24)


@pytest.mark.parametrize("fate", ["failed", "expired"])
def test_sun_mail_is_sent_late_where_no_other_mail_arrived(fate):
    book()
    mail_due_reminders(now=TWO_DAYS_BEFORE)
    OutgoingMail.objects.update(status=fate)
    mail_due_reminders(now=START - timedelta(hours=20))
    mail = OutgoingMail.objects.last()
    assert (mail.subject, mail.expires_at) == ("Get ready for your visit: Monday 19 January 2026, 10:00", START)
    assert "the 24 hours before your visit on Monday 19 January 2026, 10:00 have begun" in mail.text


def test_moved_visit_gets_a_sun_mail_of_its_own():
    appointment = book()
    sweep()
    sweep(now=TWO_DAYS_BEFORE)
    later = START + timedelta(days=2)
    move(appointment, later, now=TWO_DAYS_BEFORE)
    sweep(now=TWO_DAYS_BEFORE)
    sweep(now=later - timedelta(days=2))
    sweep(now=later - timedelta(hours=26))
    assert OutgoingMail.objects.last().subject == "From Tuesday 10:00: get ready for your visit"
    assert plan()[-3:] == [("moved", 1, "mailed"), ("before_48h", 1, "mailed"), ("get_ready", 1, "mailed")]


def test_hours_come_from_the_rules_of_the_current_catalogue():
    text = catalogue.shipped_text()
    sun = text.index("code: S3")
    text = text[:sun] + text[sun:].replace("hours: 24", "hours: 30", 1)
    make_catalogue()
    publish_catalogue(text=text, by=None, now=NOW)
    book()
    reminder = Reminder.objects.get(kind="get_ready")
    assert reminder.due_at == datetime(2026, 1, 17, 19, 59, tzinfo=UTC)  # 32 hours before is in the small hours
    mail_due_reminders(now=TWO_DAYS_BEFORE)
    mail_due_reminders(now=reminder.due_at)
    assert OutgoingMail.objects.last().subject == "From Sunday 04:00: get ready for your visit"
    assert "30 hours before your visit" in OutgoingMail.objects.last().text


def test_times_in_a_mail_are_those_of_the_location():
    clinic = make_clinic(zone_name="Europe/Berlin")
    book(clinic=clinic, starts_at=START)
    sweep()
    mail = OutgoingMail.objects.get()
    assert mail.subject == "Booked: Monday 19 January 2026, 11:00"
    assert "Times are Berlin time." in mail.text


# --- Who is told what ------------------------------------------------------------------------------------------------


def test_move_withdraws_what_waits_and_tells_of_the_move():
    moved = book()
    sweep()
    moved = move(moved, START + timedelta(days=1))
    sweep()
    assert plan() == [
        ("confirmation", 0, "mailed"),
        ("before_48h", 0, "withdrawn"),
        ("get_ready", 0, "withdrawn"),
        ("moved", 1, "mailed"),
        ("before_48h", 1, "planned"),
        ("get_ready", 1, "planned"),
    ]
    before, after = OutgoingMail.objects.order_by("pk")
    assert after.subject == "Your new time: Tuesday 20 January 2026, 10:00"
    assert event_of(before)["UID"] == event_of(after)["UID"]
    assert (event_of(before)["SEQUENCE"], event_of(after)["SEQUENCE"]) == (0, 1)
    assert event_of(after).decoded("DTSTART") == START + timedelta(days=1)


def test_move_back_to_the_old_time_is_told_and_reminded_of():
    moved = book()
    sweep()
    moved = move(move(moved, START + timedelta(days=1)), START)
    sweep(now=TWO_DAYS_BEFORE)
    assert [entry for entry in plan() if entry[2] == "mailed"] == [
        ("confirmation", 0, "mailed"),
        ("moved", 2, "mailed"),
        ("before_48h", 2, "mailed"),
    ]


def test_move_before_anything_left_is_a_first_confirmation():
    appointment = book()
    mail_due_reminders(now=NOW)
    move(appointment, START + timedelta(days=1))
    sweep()
    assert plan() == [
        ("confirmation", 0, "withdrawn"),
        ("before_48h", 0, "withdrawn"),
        ("get_ready", 0, "withdrawn"),
        ("confirmation", 1, "mailed"),
        ("before_48h", 1, "planned"),
        ("get_ready", 1, "planned"),
    ]
    assert list(OutgoingMail.objects.order_by("pk").values_list("subject", "status")) == [
        ("Booked: Monday 19 January 2026, 10:00", "withdrawn"),
        ("Booked: Tuesday 20 January 2026, 10:00", "sent"),
    ]


def test_move_into_the_next_two_days_prepares_in_the_same_mail():
    appointment = book()
    sweep()
    move(appointment, NOW + timedelta(days=1, hours=3))
    assert mail_due_reminders(now=NOW) == 1
    mail = OutgoingMail.objects.last()
    assert mail.subject == "Your new time: Tuesday 13 January 2026, 10:00"
    assert "sandpaper" in mail.text


@pytest.mark.parametrize(
    ("fate", "kind"),
    [
        ({"status": "sending", "claim_token": "4" * 32, "leased_until": NOW}, "moved"),
        ({"status": "pending", "is_repeat": True}, "moved"),
        ({"status": "claimed", "claim_token": "4" * 32, "leased_until": NOW}, "confirmation"),
        ({"status": "failed"}, "confirmation"),
        ({"status": "expired"}, "confirmation"),
    ],
    ids=["leaving", "perhaps arrived", "claimed", "refused", "too late"],
)
def test_patient_who_may_have_heard_is_told_of_the_move(fate, kind):
    appointment = book()
    mail_due_reminders(now=NOW)
    OutgoingMail.objects.update(**fate)
    move(appointment, START + timedelta(days=1))
    assert Reminder.objects.filter(revision=1).values_list("kind", flat=True)[0] == kind


def test_cancel_takes_the_visit_out_of_the_calendar():
    appointment = book()
    sweep()
    cancel(appointment)
    sweep()
    mail = OutgoingMail.objects.last()
    assert (mail.subject, mail.calendar_method) == ("Cancelled: your visit on Monday 19 January 2026, 10:00", "CANCEL")
    assert mail.expires_at == START + timedelta(minutes=75)
    event = event_of(mail)
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (
        event_of(OutgoingMail.objects.first())["UID"],
        1,
        "CANCELLED",
    )
    assert plan() == [
        ("confirmation", 0, "mailed"),
        ("before_48h", 0, "withdrawn"),
        ("get_ready", 0, "withdrawn"),
        ("cancelled", 1, "mailed"),
    ]


def test_cancel_before_anything_left_stays_silent():
    appointment = book()
    mail_due_reminders(now=NOW)
    cancel(appointment)
    sweep()
    assert plan() == [("confirmation", 0, "withdrawn"), ("before_48h", 0, "withdrawn"), ("get_ready", 0, "withdrawn")]
    assert OutgoingMail.objects.get().status == OutgoingMail.Status.WITHDRAWN


def test_reactivated_visit_is_confirmed_again():
    appointment = book()
    sweep()
    reactivate(cancel(appointment))
    sweep()
    assert plan() == [
        ("confirmation", 0, "mailed"),
        ("before_48h", 0, "withdrawn"),
        ("get_ready", 0, "withdrawn"),
        ("cancelled", 1, "withdrawn"),
        ("confirmation", 2, "mailed"),
        ("before_48h", 2, "planned"),
        ("get_ready", 2, "planned"),
    ]


def test_visit_that_was_cancelled_twice_is_told_so_once():
    appointment = book()
    sweep()
    cancelled = cancel(appointment)
    sweep()
    cancel(reactivate(cancelled))
    sweep()
    assert [mail.calendar_method for mail in OutgoingMail.objects.order_by("pk")] == ["PUBLISH", "CANCEL"]


# --- Aftercare -------------------------------------------------------------------------------------------------------

ENDED = START + timedelta(minutes=70)  # 11:10 in London
AFTERCARE = [timedelta(hours=2), timedelta(hours=24), timedelta(hours=48)]


def complete(appointment) -> Appointment:
    """As the end of the needling leaves it."""
    Reminder.objects.filter(appointment=appointment).update(state=Reminder.State.SKIPPED)
    Visit.objects.create(
        session=appointment.session,
        practitioner=appointment.practitioner,
        device=appointment.device,
        started_at=START,
        ended_at=ENDED,
    )
    appointment.state = Appointment.State.COMPLETED
    appointment.save()
    plan_aftercare(appointment=appointment, ended_at=ENDED)
    return appointment


def test_aftercare_follows_the_visit_in_three_mails():
    complete(book())
    assert [mail_due_reminders(now=ENDED + after) for after in AFTERCARE] == [1, 1, 1]
    first, second, third = OutgoingMail.objects.order_by("pk")
    assert [mail.subject for mail in (first, second, third)] == [
        "After your visit: the first 24 hours",
        "After your visit: days 2 and 3",
        "Two days after your visit",
    ]
    assert {mail.calendar for mail in (first, second, third)} == {""}
    assert "Until Tuesday 20 January 2026, 11:10" in first.text
    assert "Normal up to 48 hours after your visit, so until Wednesday 21 January 2026, 11:10" in second.text
    assert "no sauna or pool before Thursday 22 January 2026, 11:10" in third.text


@pytest.mark.parametrize(
    ("kind", "useless_at"),
    [
        ("after_2h", ENDED + timedelta(days=1)),
        ("after_24h", ENDED + timedelta(days=2)),
        ("after_48h", ENDED + timedelta(days=7)),
    ],
)
@pytest.mark.parametrize(
    ("late", "state"), [(timedelta(seconds=-1), "mailed"), (timedelta(0), "skipped")], ids=["just in time", "too late"]
)
def test_aftercare_is_left_out_when_the_next_has_taken_its_place(kind, useless_at, late, state):
    appointment = complete(book())
    mail_due_reminders(now=useless_at + late)
    reminder = appointment.reminders.get(kind=kind)
    assert reminder.state == state
    assert reminder.mail is None or reminder.mail.expires_at == useless_at


def test_aftercare_is_left_out_when_the_visit_is_no_longer_completed():
    appointment = complete(book())
    Appointment.objects.update(state=Appointment.State.IN_TREATMENT)
    assert mail_due_reminders(now=ENDED + timedelta(hours=2)) == 0
    assert appointment.reminders.get(kind="after_2h").state == Reminder.State.SKIPPED


def test_panel_names_the_aftercare():
    appointment = complete(book())
    mail_due_reminders(now=ENDED + timedelta(hours=2))
    assert [(message.kind, message.words) for message in messages_for(appointment)][-3:] == [
        ("2 hours after", "On its way"),
        ("24 hours after", "Planned"),
        ("48 hours after", "Planned"),
    ]


# --- What is left out ------------------------------------------------------------------------------------------------


def test_patient_without_an_address_is_left_to_the_phone():
    appointment = book(email="")
    assert {message.words for message in messages_for(appointment)} == {"No e-mail address: please phone"}
    assert mail_due_reminders(now=NOW) == 0
    assert plan() == [("confirmation", 0, "skipped"), ("before_48h", 0, "planned"), ("get_ready", 0, "planned")]
    assert messages_for(appointment)[0] == Message(
        kind="Confirmation", words="No e-mail address: please phone", at=NOW, needs_a_call=True
    )


@pytest.mark.parametrize(
    ("late", "state"), [(timedelta(seconds=-1), "mailed"), (timedelta(0), "skipped")], ids=["just in time", "too late"]
)
def test_reminder_is_left_out_once_the_visit_has_begun(late, state):
    book()
    sweep()
    mail_due_reminders(now=START + late)
    assert Reminder.objects.get(kind="before_48h").state == state


def test_reminder_of_an_older_revision_is_left_out():
    appointment = book()
    sweep()
    Appointment.objects.filter(pk=appointment.pk).update(revision=7)
    assert mail_due_reminders(now=TWO_DAYS_BEFORE) == 0
    assert Reminder.objects.get(kind="before_48h").state == Reminder.State.SKIPPED


def test_booking_on_hold_is_not_called_final():
    clinic = make_clinic()
    make_appointment(location=clinic, patient=make_patient(clinic))  # nobody has asked the health questions yet
    sweep()
    mail = OutgoingMail.objects.get()
    assert mail.subject == "We are keeping a time for you: Monday 19 January 2026, 10:00"
    assert "not final yet" in mail.text and "not final yet" in mail.html
    assert "You are booked" not in mail.text
    assert event_of(mail)["STATUS"] == "TENTATIVE"


def stop(appointment, now, **answers) -> None:
    """Something becomes known that the visit cannot take place with."""
    keep_answers(patient=appointment.patient, answers=answers, by=None, now=now)


def test_who_had_better_not_come_is_told_so_and_not_how_to_get_ready():
    appointment = book()
    sweep()
    stop(appointment, NOW + timedelta(hours=1), Q12="yes")
    sweep(TWO_DAYS_BEFORE)
    mail = OutgoingMail.objects.latest("pk")
    assert mail.subject == "Please call us about your visit: Monday 19 January 2026, 10:00"
    assert "Please do not come on Monday 19 January, " in mail.text
    assert "/v/" not in mail.text and "keep this time" not in mail.text and "clean face" not in mail.text
    assert [link.purpose for link in PatientLink.objects.all()] == ["booking"]
    sweep(BEFORE_THE_SUN)
    assert plan() == [("confirmation", 0, "mailed"), ("before_48h", 0, "mailed"), ("get_ready", 0, "skipped")]


def test_what_merely_waits_for_a_look_keeps_its_time_and_its_link():
    appointment = book()
    sweep()
    stop(appointment, NOW + timedelta(hours=1), Q10="yes")
    sweep(TWO_DAYS_BEFORE)
    text = OutgoingMail.objects.latest("pk").text
    assert "not final yet" in text and "/v/" in text and "do not come" not in text


def test_a_visit_that_was_put_off_is_not_kept_and_one_that_was_lifted_is():
    appointment = book()
    stop(appointment, NOW, Q10="yes")
    lead = make_user("lead", location=appointment.location)
    [screening] = Screening.objects.newest_first()[:1]
    decide = {"screening": screening, "zone": appointment.location.zone, "by": lead, "now": NOW}
    decide_screening(kind="postpone", not_before=date(2026, 3, 2), **decide)
    sweep(TWO_DAYS_BEFORE)
    assert "please do not come on Monday 19 January" in OutgoingMail.objects.latest("pk").text
    other = book(clinic=make_clinic())
    stop(other, NOW, Q12="yes")
    [screening] = other.session.screenings.newest_first()[:1]
    decide |= {"screening": screening, "by": make_user("lead", location=other.location)}
    decide_screening(kind="lift", reason="A small test area has healed well.", **decide)
    sweep(TWO_DAYS_BEFORE)
    assert "do not come" not in OutgoingMail.objects.latest("pk").text


def let_go_ahead(appointment, kind, now, reason="") -> None:
    [screening] = appointment.session.screenings.newest_first()[:1]
    lead = make_user("lead", location=appointment.location)
    decide_visit(appointment=appointment, screening=screening, kind=kind, reason=reason, by=lead, now=now)


def test_who_was_told_that_her_visit_is_not_final_hears_once_that_it_is():
    appointment = book()
    stop(appointment, NOW, Q10="yes")
    sweep()
    assert event_of(OutgoingMail.objects.get())["STATUS"] == "TENTATIVE"
    later = NOW + timedelta(hours=1)
    let_go_ahead(appointment, "clear", later)
    sweep(later)
    mail = OutgoingMail.objects.latest("pk")
    assert mail.subject == "Your visit is final: Monday 19 January 2026, 10:00"
    assert event_of(mail)["STATUS"] == "CONFIRMED"
    assert "/v/" not in mail.text and "clean face" not in mail.text  # both come two days before
    stop(appointment, later, Q10="not_sure")
    let_go_ahead(appointment, "clear", later + timedelta(hours=1))
    assert Reminder.objects.filter(kind="final").count() == 1


def test_who_has_heard_nothing_yet_hears_no_more_than_the_booking():
    appointment = book()
    stop(appointment, NOW, Q10="yes")
    let_go_ahead(appointment, "clear", NOW)
    assert not Reminder.objects.filter(kind="final").exists()


def test_who_was_told_not_to_come_is_asked_and_prepared_once_it_is_lifted():
    appointment = book()
    sweep()
    stop(appointment, NOW, Q12="yes")
    sweep(TWO_DAYS_BEFORE)
    lifted = TWO_DAYS_BEFORE + timedelta(hours=1)
    let_go_ahead(appointment, "lift", lifted, "A small test area has healed well.")
    sweep(lifted)
    mail = OutgoingMail.objects.latest("pk")
    assert mail.subject == "Your visit is final: Monday 19 January 2026, 10:00"
    assert "/v/" in mail.text and "clean face" in mail.text
    assert PatientLink.objects.latest("pk").purpose == "previsit"


@pytest.mark.parametrize("end", ["move", "cancel", "answer"])
def test_that_it_is_final_is_not_told_once_it_is_not(end):
    appointment = book()
    stop(appointment, NOW, Q10="yes")
    sweep()
    later = NOW + timedelta(hours=1)
    let_go_ahead(appointment, "clear", later)
    if end == "answer":
        stop(appointment, later, Q12="yes")
    elif end == "move":
        move(appointment, START + timedelta(days=1), later)
    else:
        cancel(appointment, later)
    sweep(later)
    assert Reminder.objects.get(kind="final").state == ("skipped" if end == "answer" else "withdrawn")


# --- The sweep itself ------------------------------------------------------------------------------------------------


def test_many_appointments_leave_in_one_sweep_with_a_constant_number_of_queries():
    clinic = make_clinic()
    practitioner = make_practitioner(clinic, hours=[("06:00", "23:00")])
    queries = []
    for count in (1, 3):
        for number in range(count):
            book(clinic=clinic, practitioner=practitioner, starts_at=START + timedelta(days=count, hours=3 * number))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert mail_due_reminders(now=NOW) == count
        queries.append(len(captured))
    assert queries[0] == queries[1]


def test_appointment_that_cannot_be_rendered_stays_due_and_lets_the_others_pass(caplog):
    broken = book()
    broken.location.zone_name = "Nowhere/Land"
    broken.location.save()
    book(email="second@example.org", clinic=make_clinic())
    assert mail_due_reminders(now=NOW) == 1
    assert OutgoingMail.objects.get().to == "second@example.org"
    assert set(broken.reminders.values_list("state", flat=True)) == {"planned"}
    assert f"appointment {broken.pk} " in caplog.text


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_make_one_mail_of_each_reminder():
    clinic = make_clinic()
    practitioner = make_practitioner(clinic, hours=[("06:00", "23:00")])
    for number in range(12):
        book(
            clinic=clinic,
            practitioner=practitioner,
            starts_at=START + timedelta(days=number // 4, hours=3 * (number % 4)),
            email=f"p{number}@example.org",
        )
    start = threading.Barrier(2)

    def work():
        start.wait()
        try:
            mail_due_reminders(now=NOW)
        finally:
            connection.close()

    sweeps = [threading.Thread(target=work) for _ in range(2)]
    for one in sweeps:
        one.start()
    for one in sweeps:
        one.join()
    mail_due_reminders(now=NOW)  # what one passed over because the other held it, and the other had not reached

    addresses = list(OutgoingMail.objects.values_list("to", flat=True))
    assert sorted(addresses) == sorted(f"p{number}@example.org" for number in range(12))


# --- What staff read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fate", "words", "needs_a_call"),
    [
        ({}, "On its way", False),
        ({"last_error": "451 Later"}, "Not accepted yet, trying again", False),
        ({"status": "sent", "sent_at": NOW}, "Sent", False),
        ({"status": "sent", "sent_at": NOW, "is_repeat": True}, "Sent, perhaps twice", False),
        ({"status": "failed"}, "The address was refused: please phone", True),
        ({"status": "expired"}, "It could not leave in time: please phone", True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_panel_says_how_far_a_mail_has_come(fate, words, needs_a_call):
    appointment = book()
    mail_due_reminders(now=NOW)
    OutgoingMail.objects.update(**fate)
    assert messages_for(appointment) == [
        Message("Confirmation", words, NOW, needs_a_call),
        Message("48 hours before", "Planned", TWO_DAYS_BEFORE, False),
        Message("Out of the sun, clean face", "Planned", BEFORE_THE_SUN, False),
    ]


def test_panel_says_what_was_withdrawn_or_left_out():
    appointment = book()
    mail_due_reminders(now=NOW)
    appointment = move(appointment, START + timedelta(days=1))
    mail_due_reminders(now=START + timedelta(days=1))
    assert [(message.kind, message.words) for message in messages_for(appointment)] == [
        ("Confirmation", "Withdrawn before it left"),
        ("Confirmation", "Left out, because it had lost its point"),
        ("48 hours before", "Withdrawn before it left"),
        ("Out of the sun, clean face", "Withdrawn before it left"),
        ("48 hours before", "Left out, because it had lost its point"),
        ("Out of the sun, clean face", "Left out, because it had lost its point"),
    ]


def test_panel_reads_all_messages_in_one_query(django_assert_num_queries):
    appointment = Appointment.objects.with_everything().get(pk=book().pk)
    with django_assert_num_queries(1):
        assert len(messages_for(appointment)) == 3
