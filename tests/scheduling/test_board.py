"""What the day board reads. Rows are five minutes and count from 1 at its first hour: 8:00, or earlier."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic.models import OutgoingMail
from scheduling import booking
from scheduling.board import Block, read_board
from scheduling.models import Closure, Reminder, TimeOff, WorkingHours
from tests.factories import (
    NOW,
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_patient,
    make_practitioner,
    make_protocol,
)

pytestmark = pytest.mark.django_db

DAY = date(2026, 1, 19)  # a Monday, a week after NOW
START = datetime(2026, 1, 19, 10, tzinfo=UTC)
TEN = 25  # the row of 10:00


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


def board_of(clinic, day=DAY, now=NOW):
    return read_board(location=clinic, day=day, now=now)


def column_of(clinic, **read):
    (column,) = board_of(clinic, **read).columns
    return column


def off(column):
    return [(block.row, block.span, block.label) for block in column.off]


def slot_times(column):
    return [slot.url.rpartition("&at=")[2].replace("%3A", ":") for slot in column.slots]


def book(clinic, practitioner, start=START, **fields):
    return make_appointment(location=clinic, practitioner=practitioner, starts_at=start, **fields)


def cancel(appointment):
    return booking.cancel_appointment(appointment=appointment, revision=appointment.revision, by=None, now=NOW)


# --- The day ----------------------------------------------------------------------------------------------------------


def test_an_empty_day_shows_eight_to_six_and_what_is_free(clinic, practitioner):
    board = board_of(clinic)
    assert (board.rows, board.hours[0], board.hours[-1], len(board.hours)) == (120, ("08:00", 1), ("17:00", 109), 10)
    assert (board.visit_count, board.on_hold_count, board.mail_refused_count, board.free_hours) == (0, 0, 0, 8)
    (column,) = board.columns
    assert (column.practitioner, column.cards) == (practitioner, [])
    assert off(column) == [(1, 12, ""), (109, 12, "")]
    assert len(column.slots) == 32
    assert column.slots[0] == Block(
        row=13,
        span=3,
        label=f"Book at 09:00 with {practitioner.name}",
        url=f"/bookings/new/?day=2026-01-19&practitioner={practitioner.public_id}&at=09%3A00",
    )


def test_a_clinic_without_practitioners_has_no_columns(clinic):
    assert board_of(clinic).columns == []


@pytest.mark.parametrize(
    ("now", "row"),
    [
        (datetime(2026, 1, 19, 7, 59, 59, tzinfo=UTC), None),
        (datetime(2026, 1, 19, 8, 0, tzinfo=UTC), 1),
        (datetime(2026, 1, 19, 10, 4, tzinfo=UTC), TEN),
        (datetime(2026, 1, 19, 10, 5, tzinfo=UTC), TEN + 1),
        (datetime(2026, 1, 19, 17, 59, tzinfo=UTC), 120),
        (datetime(2026, 1, 19, 18, 0, tzinfo=UTC), None),
        (datetime(2026, 1, 20, 10, 0, tzinfo=UTC), None),
    ],
)
def test_the_line_of_now(clinic, practitioner, now, row):
    board = board_of(clinic, now=now)
    assert (board.now_row, board.now_label, board.is_today) == (row, f"{now:%H:%M}", now.date() == DAY)
    assert (board.previous, board.next) == (date(2026, 1, 18), date(2026, 1, 20))


def test_hours_and_visits_outside_the_usual_widen_the_board(clinic, practitioner):
    make_practitioner(clinic, hours=[("07:30", "12:00"), ("17:00", "20:15")])
    board = board_of(clinic)
    assert (board.hours[0], board.hours[-1][0], board.rows) == (("07:00", 1), "20:00", 14 * 12)
    WorkingHours.objects.filter(practitioner=practitioner).update(starts=time(6))
    booked = book(clinic, practitioner, START.replace(hour=6))
    WorkingHours.objects.filter(practitioner=practitioner).update(starts=time(9))
    board = board_of(clinic)
    assert board.hours[0] == ("06:00", 1)
    assert [(card.appointment, card.row, card.span) for card in board.cards] == [(booked, 1, 15)]


def test_a_board_ends_at_midnight(clinic):
    make_practitioner(clinic, hours=[("20:00", "23:59")])
    board = board_of(clinic)
    assert (board.hours[-1], board.rows) == (("23:00", 181), 16 * 12)


# --- Visits -----------------------------------------------------------------------------------------------------------


def test_a_card_says_who_what_when_and_how_it_stands(clinic, practitioner):
    patient = make_patient(clinic, given_name="Marta", family_name="Lindholm")
    booked = book(clinic, practitioner, patient=patient)
    (card,) = column_of(clinic).cards
    assert (card.name, card.title, card.time) == ("Marta Lindholm", "Acne scars, moderate", "10:00 to 11:15")
    assert (card.state_word, card.is_cancelled, card.is_past) == ("Booked", False, False)
    assert card.url == f"/appointments/{booked.public_id}/"
    assert (card.row, card.span, card.lane, card.lanes) == (TEN, 15, 1, 1)
    assert (card.numbing_row, card.numbing_span) == (4, 6)  # 10:15 to 10:45, counted from the card's own top


def test_a_visit_that_starts_between_two_rows_covers_both(clinic, practitioner):
    book(clinic, practitioner, START + timedelta(minutes=3))
    (card,) = column_of(clinic).cards
    assert (card.row, card.span, card.numbing_row, card.numbing_span) == (TEN, 16, 4, 7)


def test_a_visit_is_past_when_it_has_ended(clinic, practitioner):
    book(clinic, practitioner)
    end = START + timedelta(minutes=75)
    assert [column_of(clinic, now=now).cards[0].is_past for now in (end - timedelta(seconds=1), end)] == [False, True]


def test_visits_at_the_same_time_stand_side_by_side_and_others_have_the_whole_width(clinic, practitioner):
    book(clinic, practitioner)
    book(clinic, practitioner, START + timedelta(minutes=30))
    book(clinic, practitioner, START + timedelta(minutes=105))
    lanes = [(card.time, card.lane, card.lanes) for card in column_of(clinic).cards]
    assert lanes == [("10:00 to 11:15", 1, 2), ("10:30 to 11:45", 2, 2), ("11:45 to 13:00", 1, 1)]


def test_a_lane_is_used_again_within_a_group(clinic, practitioner):
    cancel(book(clinic, practitioner))
    book(clinic, practitioner, START + timedelta(minutes=45))
    book(clinic, practitioner, START + timedelta(minutes=75))
    lanes = [(card.time[:5], card.lane, card.lanes) for card in column_of(clinic).cards]
    assert lanes == [("10:00", 1, 2), ("10:45", 2, 2), ("11:15", 1, 2)]


def test_a_cancelled_visit_stays_beside_the_one_in_its_place_and_does_not_count(clinic, practitioner):
    cancel(book(clinic, practitioner))
    book(clinic, practitioner)
    board = board_of(clinic)
    assert [(card.state_word, card.lane, card.lanes) for card in board.cards] == [("Cancelled", 1, 2), ("Booked", 2, 2)]
    assert board.visit_count == 1


def test_visits_of_other_places_and_days_are_not_on_it(clinic, practitioner):
    make_appointment()
    book(clinic, practitioner, START + timedelta(days=1))
    assert board_of(clinic).cards == []
    assert board_of(clinic, day=DAY + timedelta(days=1)).visit_count == 1


def test_what_waits_for_a_decision_is_marked_unless_it_is_cancelled(clinic, practitioner):
    book(clinic, practitioner, patient=make_clear_patient(clinic))
    waiting = book(clinic, practitioner, START + timedelta(hours=2))  # nothing was answered
    board = board_of(clinic)
    assert [card.is_on_hold for card in board.cards] == [False, True]
    assert board.on_hold_count == 1
    cancel(waiting)
    assert board_of(clinic).on_hold_count == 0


def test_a_refused_mail_is_marked_until_the_patient_is_told_something_newer(clinic, practitioner):
    booked = book(clinic, practitioner)
    refused = OutgoingMail.objects.create(
        message_id="<1@clinic.example>",
        to="nobody@example.org",
        subject="Your visit",
        text="Hello",
        status=OutgoingMail.Status.FAILED,
        due_at=NOW,
        expires_at=START,
        created_at=NOW,
    )
    confirmation = booked.reminders.filter(kind=Reminder.Kind.CONFIRMATION)
    confirmation.update(state=Reminder.State.MAILED, mail=refused)
    assert board_of(clinic).mail_refused_count == 1
    OutgoingMail.objects.update(status=OutgoingMail.Status.SENT)
    assert board_of(clinic).mail_refused_count == 0
    OutgoingMail.objects.update(status=OutgoingMail.Status.FAILED)
    booking.move_appointment(
        appointment=booked,
        starts_at=START + timedelta(hours=1),
        practitioner=practitioner,
        revision=0,
        by=None,
        now=NOW,
    )
    assert board_of(clinic).mail_refused_count == 0


# --- Hours off --------------------------------------------------------------------------------------------------------


def test_a_break_an_absence_and_a_closure_are_named(clinic):
    anna = make_practitioner(clinic, hours=[("09:00", "12:00"), ("13:00", "17:00")])
    assert off(column_of(clinic)) == [(1, 12, ""), (49, 12, "Break"), (109, 12, "")]
    TimeOff.objects.create(practitioner=anna, starts_at=START.replace(hour=15), ends_at=START.replace(hour=16))
    assert off(column_of(clinic)) == [(1, 12, ""), (49, 12, "Break"), (85, 12, "Away"), (109, 12, "")]
    Closure.objects.create(location=clinic, first_day=DAY, last_day=DAY, reason="Stocktaking")
    assert off(column_of(clinic)) == [(1, 120, "Stocktaking")]
    assert column_of(clinic).slots == []


def test_a_whole_day_away_and_a_day_without_work(clinic, practitioner):
    make_practitioner(clinic, days=[5, 6])
    TimeOff.objects.create(
        practitioner=practitioner, starts_at=START - timedelta(days=1), ends_at=START + timedelta(days=1)
    )
    away, at_home = board_of(clinic).columns
    assert (off(away), off(at_home)) == ([(1, 120, "Away")], [(1, 120, "")])
    assert board_of(clinic).free_hours == 0


# --- What is free -----------------------------------------------------------------------------------------------------


def test_free_quarters_leave_out_visits_and_what_has_passed(clinic, practitioner):
    book(clinic, practitioner)
    assert slot_times(column_of(clinic))[:6] == ["09:00", "09:15", "09:30", "09:45", "11:15", "11:30"]
    late = board_of(clinic, now=START.replace(hour=15, minute=7))
    assert slot_times(late.columns[0]) == ["15:15", "15:30", "15:45", "16:00", "16:15", "16:30", "16:45"]
    assert late.free_hours == 1
    at_three = board_of(clinic, now=START.replace(hour=15))
    assert (slot_times(at_three.columns[0])[0], at_three.free_hours) == ("15:15", 2)  # 15:00 is now
    assert board_of(clinic, day=DAY - timedelta(days=8)).free_hours == 0


def test_the_time_of_a_cancelled_visit_is_free(clinic, practitioner):
    cancel(book(clinic, practitioner))
    assert len(column_of(clinic).slots) == 32


def test_free_quarters_begin_where_bookings_may(clinic):
    """On the grid that hangs on the start of work, like the free times that the booking page offers."""
    make_practitioner(clinic, hours=[("09:10", "10:30"), ("13:05", "13:34")])
    assert slot_times(column_of(clinic)) == ["09:10", "09:25", "09:40", "09:55", "10:10", "13:05"]


# --- Somebody who left ------------------------------------------------------------------------------------------------


def test_somebody_who_left_keeps_her_visits_and_offers_nothing(clinic, practitioner):
    gone = make_practitioner(clinic, hours=[("06:00", "22:00")])
    booked = book(clinic, gone)
    gone.user.locations.clear()
    board = board_of(clinic)
    stays, left = board.columns
    assert (stays.practitioner, left.practitioner) == (practitioner, gone)
    assert [card.appointment for card in left.cards] == [booked]
    assert (left.slots, off(left)) == ([], [(1, 120, "")])
    assert board.free_hours == 8
    assert len(board_of(clinic, day=DAY + timedelta(days=1)).columns) == 1


# --- Days on which the clocks change ----------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25)])
def test_the_board_keeps_its_shape_when_the_clocks_change(clinic, practitioner, day):
    ten = datetime.combine(day, time(10), tzinfo=clinic.zone).astimezone(UTC)
    book(clinic, practitioner, ten)
    board = board_of(clinic, day=day, now=ten)
    (column,) = board.columns
    assert off(column) == [(1, 12, ""), (109, 12, "")]
    assert [(card.row, card.span, card.time) for card in column.cards] == [(TEN, 15, "10:00 to 11:15")]
    assert (board.now_row, board.is_today) == (TEN, True)
    assert slot_times(column)[0] == "11:15"


def test_a_night_of_work_is_as_long_as_it_really_is(clinic):
    make_practitioner(clinic, hours=[("00:00", "06:00")])
    assert [board_of(clinic, day=day).free_hours for day in (date(2026, 3, 29), date(2026, 10, 25))] == [5, 7]


def test_a_visit_in_the_repeated_hour_does_not_vanish(clinic):
    """It may end at the wall-clock time at which it began, or before."""
    night = make_practitioner(clinic, hours=[("00:00", "06:00")])
    book(clinic, night, datetime(2026, 10, 25, 0, 45, tzinfo=UTC), protocol=make_protocol("scar_surgical"))
    (card,) = column_of(clinic, day=date(2026, 10, 25)).cards
    assert (card.time, card.row, card.span) == ("01:45 to 01:45", 22, 1)


# --- Queries ----------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_queries_do_not_grow_with_the_board(clinic, practitioner):
    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert [(card.title, card.name, card.is_on_hold) for card in board_of(clinic).cards]
        return len(queries)

    book(clinic, practitioner)
    with_one = count_queries()
    for _each in range(2):
        gone = make_practitioner(clinic)
        book(clinic, gone, START + timedelta(hours=2))
        gone.user.locations.clear()
        book(clinic, make_practitioner(clinic), START + timedelta(hours=4))
    assert count_queries() == with_one
