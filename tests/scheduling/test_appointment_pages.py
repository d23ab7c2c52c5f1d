"""The side panel of a visit and what can be done from it, on Monday 12 January 2026 at seven in the morning."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from patients.records import record_fact
from scheduling import booking
from scheduling.calls import ask_for_call
from scheduling.forms import slot_value
from scheduling.rescreening import keep_answers
from scheduling.slots import Slot
from tests.factories import (
    NOW,
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_patient,
    make_practitioner,
    make_user,
    make_visit,
    signed_in,
)
from tests.reading import words
from treatments.decisions import decide_screening

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

HTMX = {"HX-Request": "true"}
START = datetime(2026, 1, 19, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHANGED = "Somebody else changed this appointment meanwhile. Look at it again."


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def patient(clinic):
    """Somebody in whose way nothing stands."""
    return make_clear_patient(clinic, given_name="Marta", family_name="Lindholm")


@pytest.fixture
def booked(clinic, practitioner, patient):
    return make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=START)


@pytest.fixture
def reception(clinic):
    return signed_in("receptionist", location=clinic)


def url(appointment, step="show"):
    return reverse(f"scheduling:appointment-{step}", args=[appointment.public_id])


def on_board(appointment):
    appointment.refresh_from_db()
    return f"{reverse('scheduling:board-day')}?day={appointment.starts_at.date()}&appointment={appointment.public_id}"


def panel(client, appointment):
    return client.get(url(appointment), headers=HTMX)


def do(client, appointment, step, *, headers=HTMX, **data):
    return client.post(url(appointment, step), {"revision": appointment.revision} | data, headers=headers)


def state(appointment):
    appointment.refresh_from_db()
    return appointment.state, appointment.revision


def cancelled(appointment):
    return booking.cancel_appointment(appointment=appointment, revision=appointment.revision, by=None, now=NOW)


# --- The panel --------------------------------------------------------------------------------------------------------


def test_the_panel_says_who_when_with_whom_and_where(reception, booked, practitioner):
    page = words(panel(reception, booked))
    assert "Marta Lindholm Acne scars, moderate Booked Clear" in page
    assert f"When Monday 19 January 10:00 to 11:15 With {practitioner.name}" in page
    assert f"Where {booked.room}, {booked.device} Skin Not said yet Phone {booked.patient.phone}" in page
    assert "Nothing stands in the way." in page
    assert "Confirmation Planned" in page


def test_as_a_page_it_is_the_board_of_its_day(reception, booked):
    assertRedirects(reception.get(url(booked)), on_board(booked))


def test_opening_it_is_written_down_with_who_did(clinic, booked):
    user = make_user("receptionist", location=clinic)
    panel(signed_in(user=user), booked)
    entry = LogEntry.objects.get_for_object(booked.patient).filter(action=LogEntry.Action.ACCESS).get()
    assert entry.actor == user


@pytest.mark.parametrize("role", ["receptionist", "owner"])
def test_those_who_do_not_treat_see_a_light_and_no_reason(clinic, practitioner, role):
    waiting = make_appointment(location=clinic, practitioner=practitioner, starts_at=START)  # nothing was answered
    page = words(panel(signed_in(role, location=clinic), waiting))
    assert "On hold" in page
    assert "The visit waits for a clinician's decision." in page
    assert "S1" not in page
    assert "isotretinoin" not in page.lower()


@pytest.mark.parametrize("role", ["practitioner", "lead"])
def test_those_who_treat_see_what_stands_in_the_way(clinic, practitioner, role):
    waiting = make_appointment(location=clinic, practitioner=practitioner, starts_at=START)
    page = words(panel(signed_in(role, location=clinic), waiting))
    assert "S1 Isotretinoin capsules: The answer to “" in page


def test_once_its_time_has_come_it_is_moved_and_after_its_day_only_looked_at(reception, booked, clinic_clock):
    steps = ("Change the room", "Move", "Cancel the visit")

    def offered():
        return [step for step in steps if step in words(panel(reception, booked))]

    assert offered() == list(steps)
    clinic_clock(days=7, hours=3)
    assert offered() == ["Move"]
    clinic_clock(days=1)
    assert offered() == []


def test_the_panel_asks_the_same_number_of_questions_however_much_there_is(reception, booked, clinic):
    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert panel(reception, booked).status_code == 200
        return len(queries)

    with_one = count_queries()
    for hours in (1, 2):  # two screenings and six messages more
        booking.move_appointment(
            appointment=booked,
            starts_at=START + hours * HOUR,
            practitioner=booked.practitioner,
            revision=hours - 1,
            by=None,
            now=NOW,
        )
    assert count_queries() == with_one


# --- Confirm, cancel, put back ----------------------------------------------------------------------------------------


def test_confirm(reception, booked):
    answer = do(reception, booked, "confirm")
    assert (answer.status_code, answer["HX-Trigger"]) == (200, '{"board-changed": {}}')
    assert "Done: Confirmed." in words(answer)
    assert state(booked) == ("confirmed", 0)


def test_cancel_and_put_back(reception, booked):
    assert "Cancelled. The time is free again." in words(do(reception, booked, "cancel"))
    assert state(booked) == ("cancelled", 1)
    assert "Put back at this time" in words(panel(reception, booked))
    assert "Back at its old time." in words(do(reception, booked, "reactivate"))
    assert state(booked) == ("booked", 2)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("confirm", "Confirmed."),
        ("cancel", "Cancelled. The time is free again."),
        ("reactivate", "Back at its old time."),
    ],
)
def test_without_scripts_the_board_comes_back_and_says_what_was_done(reception, booked, step, said):
    if step == "reactivate":
        booked = cancelled(booked)
    answer = do(reception, booked, step, headers={})
    assertRedirects(answer, on_board(booked), fetch_redirect_response=False)
    assert said in words(reception.get(answer.url))


def test_a_visit_on_hold_is_not_confirmed_and_the_panel_says_why(reception, clinic, practitioner):
    waiting = make_appointment(location=clinic, practitioner=practitioner, starts_at=START)
    answer = do(reception, waiting, "confirm")
    assert answer.status_code == 409
    assert "Not done: The screening is not decided yet. Confirm the visit when it is." in words(answer)
    assert "HX-Trigger" not in answer
    assert state(waiting) == ("booked", 0)


def test_what_is_done_already_is_told(reception, booked):
    gone = cancelled(booked)
    answer = do(reception, gone, "cancel")
    assert (answer.status_code, state(booked)) == (409, ("cancelled", 1))
    assert "Not done: This appointment is cancelled already." in words(answer)


@pytest.mark.parametrize("step", ["confirm", "cancel", "reactivate"])
@pytest.mark.parametrize("revision", ["7", "", "x", "-1", "99999999999", "1.5"])
def test_a_state_that_is_not_the_stored_one_changes_nothing(reception, booked, step, revision):
    answer = do(reception, booked, step, revision=revision)
    assert (answer.status_code, state(booked)) == (409, ("booked", 0))
    assert CHANGED in words(answer)


def test_without_scripts_a_refusal_comes_back_with_the_board(reception, booked):
    answer = do(reception, booked, "cancel", headers={}, revision=7)
    assertRedirects(answer, on_board(booked), fetch_redirect_response=False)
    assert f"Not done: {CHANGED}" in words(reception.get(answer.url))


def test_a_time_that_was_given_away_is_told_with_the_nearest_free_ones(reception, booked, clinic, practitioner):
    gone = cancelled(booked)
    make_appointment(location=clinic, practitioner=practitioner, starts_at=START)
    answer = do(reception, gone, "reactivate")
    assert (answer.status_code, state(booked)) == (409, ("cancelled", 1))
    name = practitioner.name
    assert "Not done: The practitioner is taken at that time." in words(answer)
    assert (
        "The nearest free times "
        f"Mon 19 Jan, 09:30, {name} Mon 19 Jan, 10:30, {name} Mon 19 Jan, 11:15, {name}" in words(answer)
    )


@pytest.mark.parametrize("step", ["confirm", "cancel", "reactivate", "places", "move"])
def test_a_visit_of_another_place_does_not_exist(reception, booked, step):
    foreign = make_appointment()
    assert do(reception, foreign, step).status_code == 404
    assert state(foreign) == ("booked", 0)


# --- Moving -----------------------------------------------------------------------------------------------------------


def slot(start, practitioner):
    return slot_value(Slot(start, practitioner))


def take_isotretinoin(patient, on):
    record_fact(patient=patient, kind="medicine", subject="isotretinoin", answer="yes", on=on, by=None, now=NOW)


def offered(page):
    """The starts on offer, in order."""
    days = [starts for group in page.context["groups"] for _day, starts in group.days]
    return [slot.starts_at for starts in days for _value, slot in starts]


def test_the_move_page_offers_times_from_the_visits_own_day_on(reception, booked, practitioner):
    page = reception.get(url(booked, "move"))
    assert "Move the visit of Marta Lindholm" in words(page)
    assert f"Acne scars, moderate, now Monday 19 January, 10:00 with {practitioner.name}" in words(page)
    assert offered(page)[:2] == [START - HOUR, START - HOUR * 3 / 4]
    assert START + HOUR / 4 in offered(page)  # its own time is not in its way
    assert START not in offered(page)  # and none to move to
    assert len({start.date() for start in offered(page)}) == 6


def test_the_move_page_looks_with_somebody_else_and_from_another_day(reception, booked, clinic, practitioner):
    other = make_practitioner(clinic, hours=[("12:00", "13:15")])
    alone = reception.get(url(booked, "move"), {"practitioner": other.public_id, "from_day": "2026-01-21"})
    assert offered(alone)[0] == datetime(2026, 1, 21, 12, tzinfo=UTC)
    anybody = reception.get(url(booked, "move"), {"practitioner": "", "from_day": "2026-01-21"}, headers=HTMX)
    assert offered(anybody)[0] == datetime(2026, 1, 21, 9, tzinfo=UTC)
    assert "Move the visit of" not in words(anybody)
    assert practitioner.name in words(anybody)


@pytest.mark.parametrize("from_day", ["2025-12-01", "junk", "", "0001-01-01"])
def test_the_move_page_never_looks_into_the_past(reception, booked, from_day):
    page = reception.get(url(booked, "move"), {"from_day": from_day})
    assert page.status_code == 200
    assert min(offered(page)) > NOW


def test_the_move_page_of_a_visit_that_cannot_be_moved_leads_to_its_panel(reception, booked):
    gone = cancelled(booked)
    assertRedirects(reception.get(url(gone, "move")), on_board(gone), fetch_redirect_response=False)


def test_the_move_page_leaves_out_what_comes_before_the_eligible_date(reception, booked, patient):
    take_isotretinoin(patient, on="2025-07-22")
    page = reception.get(url(booked, "move"))
    assert offered(page)[0] == datetime(2026, 1, 22, 9, tzinfo=UTC)
    assert "Not before Thursday 22 January 2026. Earlier times are left out." in words(page)


def test_the_move_page_looks_from_the_eligible_date_on_however_far_it_is(reception, booked, patient):
    take_isotretinoin(patient, on="2025-12-31")
    assert offered(reception.get(url(booked, "move")))[0] == datetime(2026, 7, 1, 8, tzinfo=UTC)


def test_the_move_page_offers_nothing_while_there_is_no_date(reception, booked, patient):
    take_isotretinoin(patient, on="still")
    page = reception.get(url(booked, "move"))
    assert offered(page) == []
    assert "The screening leaves no first possible date, so the visit cannot move." in words(page)


def test_a_move_leads_to_the_board_of_the_new_day(reception, booked, practitioner):
    answer = do(reception, booked, "move", slot=slot(START + timedelta(days=1), practitioner))
    assert answer["HX-Redirect"] == on_board(booked)
    assert (booked.starts_at, booked.revision) == (START + timedelta(days=1), 1)
    assert "Moved. The patient gets a mail with the new time." in words(reception.get(answer["HX-Redirect"]))


def test_a_move_without_scripts(reception, booked, practitioner):
    answer = do(reception, booked, "move", headers={}, slot=slot(START + HOUR, practitioner))
    assertRedirects(answer, on_board(booked))
    assert booked.starts_at == START + HOUR


def test_a_move_of_somebody_without_an_address_promises_no_mail(reception, clinic, practitioner):
    silent = make_appointment(
        location=clinic, practitioner=practitioner, patient=make_patient(clinic, email=""), starts_at=START
    )
    assert "There is no e-mail address: tell the patient by phone." in words(reception.get(url(silent, "move")))
    answer = do(reception, silent, "move", headers={}, slot=slot(START + HOUR, practitioner))
    page = words(reception.get(answer.url))
    assert "Moved. There is no e-mail address: please phone the patient." in page
    assert "gets a mail" not in page


def test_a_move_to_a_taken_time_is_told_with_the_nearest_free_ones(reception, booked, clinic, practitioner):
    make_appointment(location=clinic, practitioner=practitioner, starts_at=START + 3 * HOUR)
    answer = do(reception, booked, "move", slot=slot(START + 3 * HOUR, practitioner))
    assert (answer.status_code, state(booked), booked.starts_at) == (409, ("booked", 0), START)
    assert "The practitioner is taken at that time." in words(answer)
    nearest = [slot.starts_at for _value, slot in answer.context["alternatives"]]
    assert nearest == [START + 1.75 * HOUR, START + 2.5 * HOUR, START + 3.5 * HOUR]


@pytest.mark.parametrize("revision", ["7", "", "x", "-1", "99999999999"])
def test_a_move_from_a_state_that_is_not_the_stored_one_is_told(reception, booked, practitioner, revision):
    answer = do(reception, booked, "move", revision=revision, slot=slot(START + HOUR, practitioner))
    assert (answer.status_code, state(booked), booked.starts_at) == (409, ("booked", 0), START)
    assert CHANGED in words(answer)


def test_a_move_to_no_time_is_asked_again(reception, booked):
    foreign = make_practitioner(make_clinic())
    for chosen in ("", "junk", slot(START + HOUR, foreign), "x" * 200):
        answer = do(reception, booked, "move", slot=chosen)
        assert (answer.status_code, state(booked)) == (422, ("booked", 0))
        assert "Not done: Choose one of the free times." in words(answer)


def test_the_move_page_asks_the_same_number_of_questions_however_full_it_is(reception, booked, clinic):
    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert reception.get(url(booked, "move"), {"practitioner": "", "from_day": ""}).status_code == 200
        return len(queries)

    make_appointment(
        location=clinic, practitioner=booked.practitioner, patient=booked.patient, starts_at=START + 28 * 24 * HOUR
    )
    with_one = count_queries()
    for hours in (2, 4):
        make_appointment(location=clinic, practitioner=make_practitioner(clinic), starts_at=START + hours * HOUR)
    assert count_queries() == with_one


# --- Room and device --------------------------------------------------------------------------------------------------


def place(client, appointment, *, headers=HTMX, **changes):
    appointment.refresh_from_db()
    room, device = appointment.room.public_id, appointment.device.public_id
    seen = {"room": room, "device": device, "seen_room": room, "seen_device": device}
    return do(client, appointment, "places", headers=headers, **seen | changes)


def places(appointment):
    appointment.refresh_from_db()
    return appointment.room, appointment.device


def test_another_room_and_device_for_the_same_time(reception, booked, clinic):
    room, device = clinic.rooms.last(), clinic.devices.last()
    answer = place(reception, booked, room=room.public_id, device=device.public_id)
    assert "Changed. The time stays as it is." in words(answer)
    assert f"Where {room}, {device}" in words(answer)
    assert (places(booked), state(booked)) == ((room, device), ("booked", 0))


def test_a_room_that_is_taken_is_told_by_name(reception, booked, clinic):
    other = make_appointment(location=clinic, practitioner=make_practitioner(clinic), starts_at=START)
    before = places(booked)
    answer = place(reception, booked, room=other.room.public_id)
    assert (answer.status_code, places(booked)) == (409, before)
    assert f"{other.room} is taken at that time." in words(answer)


def test_places_that_somebody_changed_meanwhile_are_told(reception, booked, clinic):
    before = places(booked)
    answer = place(reception, booked, room=clinic.rooms.last().public_id, seen_room=clinic.rooms.last().public_id)
    assert (answer.status_code, places(booked)) == (409, before)
    assert CHANGED in words(answer)


def test_places_of_elsewhere_or_out_of_use_are_not_in_the_lists(reception, booked, clinic):
    foreign, before = make_clinic(), places(booked)
    unused = clinic.devices.last()
    unused.is_active = False
    unused.save()
    for changes in (
        {"room": foreign.rooms.first().public_id},
        {"device": unused.public_id},
        {"room": uuid4()},
        {"room": "junk"},
        {"seen_device": ""},
    ):
        answer = place(reception, booked, **changes)
        assert (answer.status_code, places(booked)) == (422, before)
        assert "Choose a room and a device from the lists." in words(answer)


# --- The day itself ---------------------------------------------------------------------------------------------------


@pytest.fixture
def its_day(clinic_clock, booked):
    """Monday 19 January, half an hour before the visit."""
    clinic_clock(days=7, hours=2, minutes=30)
    return booked


def test_arrived_is_the_first_step_of_the_day_and_of_no_other(reception, booked, clinic_clock):
    assert "Arrived" not in words(panel(reception, booked))
    clinic_clock(days=7)
    assert "Arrived Confirm Move Cancel" in words(panel(reception, booked))
    clinic_clock(hours=5)  # late
    assert "Arrived Move" in words(panel(reception, booked))
    clinic_clock(days=1)
    assert "Arrived" not in words(panel(reception, booked))


def test_who_asked_to_be_called_stands_in_the_panel_until_somebody_has(reception, booked):
    assert "to be called" not in words(panel(reception, booked))
    ask_for_call(appointment=booked, now=NOW)
    assert "Asked on Mon 12 Jan, 07:00 to be called. I have called" in words(panel(reception, booked))
    for _each in range(2):
        done = do(reception, booked, "called")
        assert done.status_code == 200 and "Noted that you called." in words(done)
        assert "to be called" not in words(done)


def test_an_arrival_leads_to_the_check_in(reception, its_day):
    answer = do(reception, its_day, "arrive")
    assert (answer.status_code, answer["HX-Trigger"]) == (200, '{"board-changed": {}}')
    text = words(answer)
    assert "Done: Marked as arrived." in text
    assert "Check-in Not here after all" in text
    assert "Open the visit" not in text
    assert state(its_day) == ("arrived", 0)


@pytest.mark.parametrize(
    ("answers", "words_of_it"),
    [
        ({"Q08": "yes"}, "This visit cannot start before the clinical lead has decided. Ask for that now."),
        ({"Q04": "yes", "Q04b": "2025-12"}, "This visit cannot start today, and nobody can allow it."),
        ({"Q04": "not_sure"}, "This visit cannot start yet: an answer is missing. Open the screening and ask for it."),
    ],
)
def test_an_arrival_that_cannot_start_says_so_at_once(reception, its_day, answers, words_of_it):
    keep_answers(patient=its_day.patient, answers=answers, by=None, now=NOW)
    text = words(do(reception, its_day, "arrive"))
    assert words_of_it in text
    assert "For another time press “Not here after all” and then “Move”. Moving is free." in text
    assert "sotretinoin" not in text
    assert "cannot start" not in words(do(reception, its_day, "undo-arrival"))


def test_an_arrival_that_was_postponed_says_so(reception, its_day):
    keep_answers(patient=its_day.patient, answers={"Q08": "yes"}, by=None, now=NOW)
    decide_screening(
        screening=its_day.session.screenings.newest_first().first(),
        kind="postpone",
        not_before=date(2026, 2, 2),
        zone=its_day.location.zone,
        by=make_user("lead"),
        now=NOW,
    )
    assert "This visit cannot start: it was postponed." in words(do(reception, its_day, "arrive"))


def test_those_who_treat_may_go_straight_to_the_visit(practitioner, its_day):
    treating = signed_in(user=practitioner.user)
    assert "Check-in Open the visit Not here after all" in words(do(treating, its_day, "arrive"))


def test_an_arrival_by_mistake_is_undone(reception, its_day):
    do(reception, its_day, "arrive")
    assert "Not here yet, as before." in words(do(reception, its_day, "undo-arrival"))
    assert state(its_day) == ("booked", 0)
    again = do(reception, its_day, "undo-arrival")
    assert (again.status_code, state(its_day)) == (409, ("booked", 0))
    assert "The patient has not arrived yet." in words(again)


def test_a_second_arrival_does_no_harm_and_one_on_another_day_is_refused(reception, booked, clinic_clock):
    early = do(reception, booked, "arrive")
    assert (early.status_code, state(booked)) == (409, ("booked", 0))
    assert "This visit is on Monday 19 January, 10:00. Move it if the patient comes today." in words(early)
    clinic_clock(days=7)
    for _each in range(2):
        assert do(reception, booked, "arrive").status_code == 200
    assert state(booked) == ("arrived", 0)


@pytest.mark.parametrize("revision", ["7", "", "x"])
def test_an_arrival_from_a_state_that_is_not_the_stored_one_is_told(reception, its_day, revision):
    answer = do(reception, its_day, "arrive", revision=revision)
    assert (answer.status_code, state(its_day)) == (409, ("booked", 0))
    assert CHANGED in words(answer)


def test_what_has_begun_leads_those_who_treat_to_its_record(reception, clinic, practitioner, clinic_clock):
    visit = make_visit(location=clinic, practitioner=practitioner, starts_at=START)
    clinic_clock(days=7, hours=4)
    begun = visit.session.appointments.get()
    assert "Open the visit" in words(panel(signed_in(user=practitioner.user), begun))
    text = words(panel(reception, begun))
    assert "In treatment" in text
    assert not [step for step in ("Open the visit", "Arrived", "Check-in", "Not here after all") if step in text]
