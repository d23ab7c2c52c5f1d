"""Free times, held against the booking itself: what is offered can be booked, and nothing else can."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from clinic.times import at_local, exists, local_date
from patients.records import record_fact
from scheduling import booking
from scheduling.models import Closure, Occupancy, TimeOff
from scheduling.slots import by_day, find_slots, free_places, nearest_slots, needs_of_protocol, next_slots
from tests.factories import (
    NOW,
    make_appointment,
    make_catalogue,
    make_clinic,
    make_device,
    make_location,
    make_patient,
    make_practitioner,
    make_protocol,
    make_room,
)
from treatments.catalogue import Stage
from treatments.screenings import screen_patient

pytestmark = pytest.mark.django_db

DAY = date(2026, 1, 19)  # a Monday, a week after NOW
START = datetime(2026, 1, 19, 10, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def patient(clinic):
    return make_patient(clinic)


def search_of(clinic, patient, **wish):
    return {"location": clinic, "patient": patient, "protocol": make_protocol(), "zones": [], "now": NOW} | wish


def find(clinic, patient, first_day=DAY, days=1, **wish):
    return find_slots(first_day=first_day, days=days, **search_of(clinic, patient, **wish))


def clock_times(slots, zone):
    """Starts as the wall of the clinic shows them: "19 10:30"."""
    return [f"{slot.starts_at.astimezone(zone):%d %H:%M}" for slot in slots]


def can_be_booked(clinic, patient, practitioner, start, **wish) -> bool:
    """Whether the booking takes it. Whatever it wrote is undone."""
    wish = search_of(clinic, patient, practitioner=practitioner, starts_at=start, by=None) | wish
    try:
        with transaction.atomic():
            booking.book_appointment(**wish)
            transaction.set_rollback(True)
    except booking.BookingRefused:
        return False
    return True


def first_possible(clinic, patient):
    return screen_patient(
        patient=patient, protocol=make_protocol(), stage=Stage.BOOKING, start=NOW, zone=clinic.zone
    ).not_before


# --- Against the booking ----------------------------------------------------------------------------------------------


@pytest.fixture
def busy():
    """Monday and Tuesday of a clinic with breaks, an absence and a full hour; on Wednesday it is closed."""
    clinic = make_location()
    make_room(clinic)
    room = make_room(clinic)
    device = make_device(clinic)
    make_device(clinic, is_active=False)
    anna = make_practitioner(clinic, hours=[("09:00", "12:00"), ("12:30", "16:10")])
    beth = make_practitioner(clinic, hours=[("10:05", "15:00")])
    TimeOff.objects.create(
        practitioner=beth, starts_at=START + timedelta(days=1, hours=2), ends_at=START + timedelta(days=1, hours=3)
    )
    Closure.objects.create(location=clinic, first_day=date(2026, 1, 21), last_day=date(2026, 1, 21), reason="Stock")
    make_appointment(location=clinic, practitioner=anna, starts_at=START)
    make_appointment(location=clinic, practitioner=beth, starts_at=START + timedelta(hours=3, minutes=5))
    booking.book_appointment(
        **search_of(clinic, make_patient(clinic), practitioner=anna, starts_at=START + timedelta(days=1), by=None),
        room=room,
        device=device,
    )
    return clinic, (anna, beth)


def nobody_in_particular(clinic):
    return make_patient(clinic), []


def rests_until_tuesday(clinic):
    patient, cheeks = make_patient(clinic), list(make_catalogue().zones.filter(code="cheeks"))
    earlier = make_location()
    make_room(earlier), make_device(earlier)
    make_appointment(
        location=earlier, patient=patient, zones=cheeks, starts_at=START - timedelta(days=27), now=NOW - timedelta(30)
    )
    return patient, cheeks


def eligible_from_tuesday(clinic):
    patient = make_patient(clinic)
    said = {"subject": "isotretinoin", "answer": "yes", "on": "2025-07-20"}
    record_fact(patient=patient, kind="medicine", by=None, now=NOW, **said)
    return patient, []


def has_another_visit(clinic):
    patient, zones = make_patient(clinic), make_catalogue().zones
    elsewhere = make_location()
    make_room(elsewhere), make_device(elsewhere)
    make_appointment(location=elsewhere, patient=patient, zones=zones.filter(code="hands"), starts_at=START + QUARTER)
    return patient, list(zones.filter(code="cheeks"))


@pytest.mark.parametrize(
    "who",
    [
        pytest.param(nobody_in_particular, marks=pytest.mark.both),
        rests_until_tuesday,
        eligible_from_tuesday,
        has_another_visit,
    ],
)
def test_what_is_offered_can_be_booked_and_nothing_else_can(busy, who):
    clinic, practitioners = busy
    patient, zones = who(clinic)
    wish = {"zones": zones, "now": START - timedelta(minutes=30)}  # half past nine on Monday
    offered = {
        (slot.starts_at, slot.practitioner)
        for slot in find(clinic, patient, days=3, not_before=first_possible(clinic, patient), **wish)
    }
    tried = {
        (START.replace(day=day, hour=8, minute=30 + start_of_grid) + n * QUARTER, practitioner)
        for day in (19, 20, 21)
        for practitioner, start_of_grid in zip(practitioners, (0, 5), strict=True)
        for n in range(32)
    }
    assert offered
    assert offered <= tried
    assert {each for each in tried if can_be_booked(clinic, patient, each[1], each[0], **wish)} == offered


def test_a_busy_monday_worked_out_by_hand(busy):
    """So that search and booking cannot both be wrong in the same way."""
    clinic, (anna, _beth) = busy
    patient = make_patient(clinic)

    def hers():
        return clock_times(find(clinic, patient, practitioner=anna), clinic.zone)

    # The one device is taken from 10:45 to 11:25 and from 13:50 to 14:30, and needed from 45 to 85 minutes after a
    # start: in the morning no start leaves both it and Anna's hands free.
    assert hers() == ["19 13:45", "19 14:00", "19 14:15", "19 14:30", "19 14:45"]
    # With a second device her hands decide, full from 10:00 to 10:15 and from 10:45 to 11:15. After the break the visit
    # must end by 16:10.
    clinic.devices.update(is_active=True)
    afternoon = [f"19 {minute // 60}:{minute % 60:02}" for minute in range(12 * 60 + 30, 14 * 60 + 46, 15)]
    assert hers() == ["19 09:30", "19 10:30", *afternoon]


# --- Limits -----------------------------------------------------------------------------------------------------------


def test_the_present_moment_is_not_offered_and_the_next_quarter_is(clinic, practitioner, patient):
    at_ten = find(clinic, patient, now=START)
    assert clock_times(at_ten, clinic.zone)[0] == "19 10:15"
    a_moment_later = find(clinic, patient, now=START + timedelta(milliseconds=1))
    a_moment_before = find(clinic, patient, now=START - timedelta(milliseconds=1))
    assert clock_times(a_moment_later, clinic.zone)[0] == "19 10:15"
    assert clock_times(a_moment_before, clinic.zone)[0] == "19 10:00"


def test_nothing_before_the_first_possible_moment(clinic, practitioner, patient):
    assert find(clinic, patient, not_before=START)[0].starts_at == START
    assert find(clinic, patient, not_before=START + timedelta(seconds=1))[0].starts_at == START + QUARTER
    assert find(clinic, patient, not_before=START + timedelta(days=1)) == []


def test_nothing_further_ahead_than_can_be_booked(clinic, practitioner, patient):
    last_day = local_date(NOW, clinic.zone) + timedelta(days=730)
    offered = find(clinic, patient, last_day, days=2)
    assert {local_date(slot.starts_at, clinic.zone) for slot in offered} <= {last_day}
    assert [each for each in offered if not can_be_booked(clinic, patient, practitioner, each.starts_at)] == []


def test_cleaning_up_after_midnight_meets_the_first_visit_of_the_next_day(patient, clinic):
    night = make_practitioner(clinic, hours=[("00:00", "02:00"), ("21:59", "23:59")])
    clinic.rooms.exclude(pk=clinic.rooms.first().pk).delete()
    make_appointment(location=clinic, practitioner=night, starts_at=datetime(2026, 1, 20, tzinfo=UTC))
    assert clock_times(find(clinic, patient), clinic.zone)[-1] == "19 22:29"  # 22:44 would be clean at 00:09


def test_with_one_practitioner_and_with_all(clinic, practitioner, patient):
    other = make_practitioner(clinic, hours=[("09:00", "10:15")])
    assert find(clinic, patient, practitioner=other) == [find(clinic, patient, practitioner=other)[0]]
    nine = [slot.practitioner for slot in find(clinic, patient) if slot.starts_at == START - timedelta(hours=1)]
    assert nine == sorted([practitioner, other], key=lambda each: each.name)


def test_whoever_cannot_be_booked_is_not_offered(clinic, patient):
    make_practitioner(make_clinic())
    for changes in ({"is_active": False}, {"is_practitioner": False, "is_owner": True}):
        gone = make_practitioner(clinic)
        type(gone.user).objects.filter(pk=gone.user_id).update(**changes)
    assert find(clinic, patient) == []


def test_without_a_room_or_a_device_in_use_there_is_no_time(clinic, practitioner, patient):
    clinic.devices.update(is_active=False)
    assert find(clinic, patient) == []
    clinic.devices.update(is_active=True)
    clinic.rooms.update(is_active=False)
    assert find(clinic, patient) == []


def test_an_appointment_about_to_move_is_not_in_its_own_way(clinic, practitioner, patient):
    booked = make_appointment(location=clinic, practitioner=practitioner, patient=patient)
    assert find(clinic, patient) == []  # the same skin, on the same day
    starts = [slot.starts_at for slot in find(clinic, patient, ignoring=booked)]
    assert {START - QUARTER, START + QUARTER} <= set(starts)
    assert START not in starts  # it is there already
    assert len(starts) + 1 == len(find(clinic, make_patient(clinic), DAY + timedelta(days=1)))  # as on an empty day


def test_an_appointment_may_move_to_its_own_time_with_somebody_else(clinic, practitioner, patient):
    booked = make_appointment(location=clinic, practitioner=practitioner, patient=patient)
    other = make_practitioner(clinic)
    slots = find(clinic, patient, ignoring=booked)
    assert [slot.practitioner for slot in slots if slot.starts_at == START] == [other]


# --- Days on which the clocks change ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone_name", "day", "hours", "starts"),
    [
        ("Europe/London", date(2026, 3, 28), 6, 20),
        ("Europe/London", date(2026, 3, 29), 5, 16),
        ("Europe/London", date(2026, 10, 25), 7, 24),
        ("Australia/Lord_Howe", date(2026, 10, 4), 5.5, 18),
        ("Australia/Lord_Howe", date(2026, 4, 5), 6.5, 22),
    ],
)
def test_a_night_of_work_is_as_long_as_it_really_is(zone_name, day, hours, starts):
    """Work from midnight to six, over the change of the clocks, in quarters of real time."""
    clinic = make_clinic(zone_name=zone_name)
    practitioner = make_practitioner(clinic, hours=[("00:00", "06:00")])
    slots = [slot.starts_at for slot in find(clinic, make_patient(clinic), day)]
    opens, closes = (at_local(day, at, clinic.zone) for at in (time(0), time(6)))
    assert closes - opens == timedelta(hours=hours)
    assert slots == [opens + n * QUARTER for n in range(starts)]  # no instant twice
    assert slots[-1] + timedelta(minutes=75) == closes
    assert all(exists(start.astimezone(clinic.zone).replace(tzinfo=None), clinic.zone) for start in slots)
    patients = (make_patient(clinic) for _each in slots)
    assert all(can_be_booked(clinic, next(patients), practitioner, start) for start in slots)
    assert not can_be_booked(clinic, make_patient(clinic), practitioner, closes - 4 * QUARTER)


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25)])
def test_the_day_begins_at_nine_on_the_wall(clinic, practitioner, patient, day):
    assert clock_times(find(clinic, patient, day), clinic.zone)[0] == f"{day:%d} 09:00"


# --- How free times are asked for -------------------------------------------------------------------------------------


def close(clinic, first_day, days):
    Closure.objects.create(
        location=clinic, first_day=first_day, last_day=first_day + timedelta(days=days - 1), reason="Rebuilding"
    )


def next_days(clinic, patient):
    slots = next_slots(first_day=DAY, **search_of(clinic, patient))
    return slots and (local_date(slots[0].starts_at, clinic.zone), local_date(slots[-1].starts_at, clinic.zone))


def test_next_slots_looks_on_by_four_weeks_for_as_long_as_there_is_nothing(clinic, practitioner, patient):
    assert next_days(clinic, patient) == (DAY, DAY + timedelta(days=27))
    close(clinic, DAY, 28)
    assert next_days(clinic, patient) == (DAY + timedelta(days=28), DAY + timedelta(days=55))
    close(clinic, DAY + timedelta(days=28), 55)
    assert next_days(clinic, patient) == (DAY + timedelta(days=83), DAY + timedelta(days=83))
    close(clinic, DAY + timedelta(days=83), 1)
    assert next_days(clinic, patient) == []


def nearest(clinic, patient, to, **wish):
    return clock_times(nearest_slots(to=to, **search_of(clinic, patient, **wish)), clinic.zone)


def test_nearest_slots_are_on_both_sides_in_order_of_time(clinic, practitioner, patient):
    make_appointment(location=clinic, practitioner=practitioner)
    assert nearest(clinic, patient, START) == ["19 09:30", "19 10:30", "19 11:15"]
    assert nearest(clinic, patient, START, count=1) == ["19 09:30"]


def test_nearest_slots_are_within_a_week_and_never_in_the_past(clinic, practitioner, patient):
    close(clinic, DAY, 8)
    assert nearest(clinic, patient, START) == ["18 15:15", "18 15:30", "18 15:45"]
    assert nearest(clinic, patient, START, now=START - timedelta(hours=1)) == []
    close(clinic, DAY - timedelta(days=7), 7)
    assert nearest(clinic, patient, START) == []


def test_by_day_gives_each_start_once_and_only_so_many_days(clinic, practitioner, patient):
    make_practitioner(clinic, hours=[("09:00", "10:30")])
    days = by_day(find(clinic, patient, days=4), clinic.zone, limit=3)
    assert [day for day, _slots in days] == [DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)]
    starts = [slot.starts_at for _day, slots in days for slot in slots]
    assert len(starts) == len(set(starts)) == 3 * 28
    assert by_day([], clinic.zone, limit=3) == []


def test_by_day_goes_by_the_calendar_of_the_clinic():
    island = make_clinic(zone_name="Australia/Lord_Howe")
    make_practitioner(island, hours=[("09:00", "10:15")])
    slots = find(island, make_patient(island), days=2)
    assert [slot.starts_at.day for slot in slots] == [18, 19]  # nine in the morning there is the evening before in UTC
    assert [day for day, _slots in by_day(slots, island.zone, limit=9)] == [DAY, DAY + timedelta(days=1)]


def test_free_places_are_those_that_nobody_has_then(clinic, practitioner):
    first, second = clinic.rooms.all()
    pen, other_pen = clinic.devices.all()
    everything = ([first, second], [pen, other_pen])

    def free(start, **search):
        return free_places(location=clinic, needs=needs_of_protocol(make_protocol()), start=start, **search)

    assert free(START) == everything
    booked = make_appointment(location=clinic, practitioner=practitioner)
    assert free(START) == ([second], [other_pen])
    assert free(START, ignoring=booked) == everything
    # its room is clean again at 11:25; by the time a visit from 11:15 on needs a device, so is that
    assert free(START + timedelta(minutes=75)) == ([second], [pen, other_pen])
    assert free(START + timedelta(minutes=84)) == ([second], [pen, other_pen])
    assert free(START + timedelta(minutes=85)) == everything


# --- Queries ----------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_queries_grow_neither_with_visits_nor_with_practitioners(clinic, practitioner, patient):
    search = search_of(clinic, patient)

    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert find_slots(first_day=DAY, days=60, **search)
        return len(queries)

    make_appointment(location=clinic, practitioner=practitioner)
    with_one = count_queries()
    for week in range(1, 30):
        make_appointment(location=clinic, practitioner=practitioner, starts_at=START + timedelta(days=week))
    for _each in range(2):
        TimeOff.objects.create(practitioner=make_practitioner(clinic), starts_at=START, ends_at=START + QUARTER)
    assert Occupancy.objects.count() == 150
    assert count_queries() == with_one
