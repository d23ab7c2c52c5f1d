from datetime import UTC, date, datetime, time, timedelta

import pytest
from auditlog.models import LogEntry
from django.core.exceptions import ValidationError

from clinic.editing import EditedMeanwhile, fingerprint
from scheduling import booking
from scheduling.hours import (
    clean_stretches,
    coming_closures,
    coming_time_off,
    create_closure,
    create_time_off,
    delete_closure,
    delete_time_off,
    set_week,
    week_of,
)
from scheduling.models import Appointment, Closure, TimeOff, WorkingHours
from tests.factories import NOW, make_appointment, make_clinic, make_location, make_practitioner

pytestmark = pytest.mark.django_db


def at(text):
    return time.fromisoformat(text)


def stretches(*texts):
    return [tuple(at(part) if part else None for part in text.split("-")) for text in texts]


def replace_week(practitioner, location, week, seen=None):
    set_week(
        practitioner=practitioner,
        location=location,
        seen=seen or fingerprint(week_of(practitioner, location)),
        week=week,
    )


# --- A day's stretches ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        (["-", "-"], []),
        (["09:00-17:00", "-"], ["09:00-17:00"]),
        (["13:00-17:00", "09:00-12:00"], ["09:00-12:00", "13:00-17:00"]),
        (["09:00-12:00", "12:00-17:00"], ["09:00-12:00", "12:00-17:00"]),
    ],
)
def test_stretches_come_in_order_without_the_empty_ones(given, cleaned):
    assert clean_stretches(stretches(*given)) == stretches(*cleaned)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["09:00-"], "Give both the start and the end, or leave both empty."),
        (["-17:00", "09:00-12:00"], "Give both the start and the end, or leave both empty."),
        (["17:00-09:00"], "The end of work must come after its start."),
        (["09:00-09:00"], "The end of work must come after its start."),
        (["09:00-12:01", "12:00-17:00"], "These two stretches overlap. Leave the break between them."),
        (["09:00-17:00", "09:00-17:00"], "These two stretches overlap. Leave the break between them."),
    ],
)
def test_stretches_that_make_no_day_are_refused(given, sentence):
    with pytest.raises(ValidationError) as refused:
        clean_stretches(stretches(*given))
    assert refused.value.messages == [sentence]


# --- The week ---------------------------------------------------------------------------------------------------------


def test_set_week_stores_these_stretches_and_no_others():
    location = make_location()
    practitioner = make_practitioner(location, days=[0, 1])
    kept = practitioner.working_hours.get(weekday=0)
    week = {0: stretches("09:00-17:00"), 2: stretches("09:00-12:00", "13:00-17:00")}
    replace_week(practitioner, location, week)
    assert week_of(practitioner, location) == {0: week[0], 1: [], 2: week[2], 3: [], 4: [], 5: [], 6: []}
    assert practitioner.working_hours.get(weekday=0) == kept


def test_set_week_leaves_other_places_and_people_alone():
    here, there = make_location(), make_location()
    practitioner = make_practitioner(here, days=[0])
    other = make_practitioner(here, days=[0])
    elsewhere = WorkingHours.objects.create(
        practitioner=practitioner, location=there, weekday=1, starts=at("09:00"), ends=at("17:00")
    )
    replace_week(practitioner, here, {})
    assert list(practitioner.working_hours.all()) == [elsewhere]
    assert other.working_hours.count() == 1


def test_set_week_refuses_two_places_at_once():
    here, there = make_location(), make_location()
    practitioner = make_practitioner(there, days=[1])  # 09:00 to 17:00
    with pytest.raises(ValidationError) as refused:
        replace_week(practitioner, here, {1: stretches("16:59-18:00")})
    assert refused.value.message_dict == {"1": ["Another location has 09:00 to 17:00 on this day."]}
    assert week_of(practitioner, here)[1] == []
    replace_week(practitioner, here, {1: stretches("17:00-18:00")})
    assert week_of(practitioner, here)[1] == stretches("17:00-18:00")


def test_set_week_refuses_when_others_have_saved_meanwhile():
    location = make_location()
    practitioner = make_practitioner(location, days=[0])
    seen = fingerprint(week_of(practitioner, location))
    replace_week(practitioner, location, {0: stretches("10:00-12:00")})
    with pytest.raises(EditedMeanwhile) as refused:
        replace_week(practitioner, location, {}, seen=seen)
    assert refused.value.stored[0] == stretches("10:00-12:00")
    assert week_of(practitioner, location)[0] == stretches("10:00-12:00")


def test_set_week_changes_no_visit():
    appointment = make_appointment()
    before = Appointment.objects.values().get()
    replace_week(appointment.practitioner, appointment.location, {})
    assert Appointment.objects.values().get() == before


def test_set_week_is_written_down_row_by_row():
    location = make_location()
    practitioner = make_practitioner(location, days=[0])
    replace_week(practitioner, location, {1: stretches("09:00-17:00")})
    entries = LogEntry.objects.filter(content_type__model="workinghours").order_by("pk")
    assert [entry.get_action_display() for entry in entries] == ["delete", "create"]


# --- Time off ---------------------------------------------------------------------------------------------------------


def away(practitioner, starts_at, ends_at, note=""):
    return create_time_off(practitioner=practitioner, starts_at=starts_at, ends_at=ends_at, note=note, now=NOW)


def test_time_off_is_stored_once_however_often_it_is_asked_for():
    practitioner = make_practitioner(make_location())
    made = [away(practitioner, NOW, NOW + timedelta(hours=8), note=" Course\u200b ") for _ in range(2)]
    assert made[0] == made[1]
    assert TimeOff.objects.values_list("practitioner", "starts_at", "ends_at", "note").get() == (
        practitioner.pk,
        NOW,
        NOW + timedelta(hours=8),
        "Course",
    )


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "note", "sentence"),
    [
        (NOW, NOW, "", "The end must come after the start."),
        (NOW - timedelta(days=1), NOW, "", "This lies in the past. Check the dates."),
        (NOW, datetime(2101, 1, 2, tzinfo=UTC), "", "Give days between 2000 and 2100."),
        (datetime(1, 1, 1, tzinfo=UTC), NOW, "", "Give days between 2000 and 2100."),
        (NOW, NOW + timedelta(days=1), "x" * 201, "Shorten the note to 200 characters."),
    ],
)
def test_time_off_that_makes_no_sense_is_refused(starts_at, ends_at, note, sentence):
    with pytest.raises(ValidationError) as refused:
        away(make_practitioner(make_location()), starts_at, ends_at, note)
    assert refused.value.messages == [sentence]
    assert TimeOff.objects.count() == 0


def test_time_off_that_has_begun_and_is_not_over_is_taken():
    away(make_practitioner(make_location()), NOW - timedelta(days=1), NOW + timedelta(seconds=1))
    assert TimeOff.objects.count() == 1


def test_time_off_is_encrypted_and_never_told_to_the_audit():
    made = away(make_practitioner(make_location()), NOW, NOW + timedelta(days=1), note="operation")
    told = " ".join(f"{entry.changes}" for entry in LogEntry.objects.get_for_object(made))
    assert "operation" not in told


def test_deleted_time_off_is_gone():
    made = away(make_practitioner(make_location()), NOW, NOW + timedelta(days=1))
    delete_time_off(time_off=made)
    assert TimeOff.objects.count() == 0


def test_coming_time_off_counts_the_visits_inside():
    clinic = make_clinic()
    practitioner = make_practitioner(clinic)
    first = make_appointment(location=clinic, practitioner=practitioner)
    second = make_appointment(
        location=clinic, practitioner=practitioner, starts_at=first.starts_at + timedelta(hours=3)
    )
    cancelled = make_appointment(
        location=clinic, practitioner=practitioner, starts_at=second.starts_at + timedelta(days=1)
    )
    booking.cancel_appointment(appointment=cancelled, revision=cancelled.revision, by=None, now=NOW)
    make_appointment(location=clinic, starts_at=first.starts_at)  # with somebody else
    away(practitioner, NOW - timedelta(days=3), NOW + timedelta(seconds=1))
    away(practitioner, first.ends_at - timedelta(seconds=1), second.starts_at)
    away(practitioner, first.ends_at, second.starts_at + timedelta(seconds=1))
    away(practitioner, first.starts_at, first.starts_at + timedelta(days=3))
    gaps = coming_time_off(practitioner=practitioner, location=clinic, now=NOW)
    assert [gap.visits for gap in gaps] == [0, 2, 1, 1]
    assert gaps[1].first_visit_on == first.starts_at.date()


def test_coming_time_off_leaves_out_what_is_over():
    practitioner = make_practitioner(make_location())
    TimeOff.objects.create(practitioner=practitioner, starts_at=NOW - timedelta(days=2), ends_at=NOW)
    location = practitioner.user.locations.get()
    assert coming_time_off(practitioner=practitioner, location=location, now=NOW) == []


@pytest.mark.parametrize(
    ("zone_name", "starts_at", "ends_at", "shown"),
    [
        # the days on which London's clocks go forward and back: 23 and 25 hours
        ("Europe/London", "2026-03-29T00:00Z", "2026-03-29T23:00Z", ("2026-03-29T00:00", "2026-03-30T00:00")),
        ("Europe/London", "2026-10-24T23:00Z", "2026-10-26T00:00Z", ("2026-10-25T00:00", "2026-10-26T00:00")),
        ("America/New_York", "2026-03-08T05:00Z", "2026-03-09T04:00Z", ("2026-03-08T00:00", "2026-03-09T00:00")),
    ],
)
def test_coming_time_off_is_shown_by_the_clock_on_the_wall(zone_name, starts_at, ends_at, shown):
    location = make_location(zone_name=zone_name)
    practitioner = make_practitioner(location)
    away(practitioner, datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at))
    (gap,) = coming_time_off(practitioner=practitioner, location=location, now=NOW)
    assert (gap.starts, gap.ends) == tuple(map(datetime.fromisoformat, shown))
    assert gap.is_whole_days
    assert gap.first_day == gap.last_day


def test_coming_time_off_takes_two_queries_for_one_row_and_for_three(django_assert_num_queries):
    location = make_location()
    practitioner = make_practitioner(location)
    for days in (1, 2, 3):
        away(practitioner, NOW, NOW + timedelta(days=days))
        with django_assert_num_queries(2):
            assert len(coming_time_off(practitioner=practitioner, location=location, now=NOW)) == days


# --- Closures ---------------------------------------------------------------------------------------------------------


def close(location, first_day, last_day, reason="Public holiday", now=NOW):
    return create_closure(location=location, first_day=first_day, last_day=last_day, reason=reason, now=now)


def test_closure_is_stored_once_however_often_it_is_asked_for():
    location = make_location()
    made = [close(location, date(2026, 12, 24), date(2026, 12, 26)) for _ in range(2)]
    assert made[0] == made[1]
    assert Closure.objects.values_list("location", "first_day", "last_day", "reason").get() == (
        location.pk,
        date(2026, 12, 24),
        date(2026, 12, 26),
        "Public holiday",
    )


@pytest.mark.parametrize(
    ("first_day", "last_day", "reason", "field"),
    [
        (date(2026, 12, 26), date(2026, 12, 25), "Holiday", "last_day"),
        (date(2026, 1, 10), date(2026, 1, 11), "Holiday", "last_day"),  # yesterday
        (date(1999, 12, 31), date(2026, 12, 25), "Holiday", "first_day"),
        (date(2026, 12, 26), date(2101, 1, 1), "Holiday", "first_day"),
        (date(2026, 12, 26), date(2026, 12, 26), "\u200b", "reason"),
        (date(2026, 12, 26), date(2026, 12, 26), "x" * 81, "reason"),
    ],
)
def test_closure_that_makes_no_sense_is_refused(first_day, last_day, reason, field):
    with pytest.raises(ValidationError) as refused:
        close(make_location(), first_day, last_day, reason)
    assert list(refused.value.message_dict) == [field]
    assert Closure.objects.count() == 0


def test_today_is_judged_by_the_location():
    late = datetime(2026, 1, 12, 11, 30, tzinfo=UTC)  # 00:30 on the 13th in Auckland
    with pytest.raises(ValidationError):
        close(make_location(zone_name="Pacific/Auckland"), date(2026, 1, 12), date(2026, 1, 12), now=late)
    close(make_location(zone_name="Europe/London"), date(2026, 1, 12), date(2026, 1, 12), now=late)
    assert Closure.objects.count() == 1


def test_deleted_closure_is_gone():
    delete_closure(closure=close(make_location(), date(2026, 12, 24), date(2026, 12, 24)))
    assert Closure.objects.count() == 0


def test_coming_closures_count_the_visits_at_the_location():
    clinic = make_clinic()
    appointment = make_appointment(location=clinic)
    make_appointment(location=make_clinic(), starts_at=appointment.starts_at)
    day = appointment.starts_at.date()
    close(clinic, day - timedelta(days=1), day - timedelta(days=1))
    close(clinic, day, day)
    close(clinic, day + timedelta(days=1), day + timedelta(days=1))
    gaps = coming_closures(location=clinic, now=NOW)
    assert [(gap.visits, gap.first_visit_on) for gap in gaps] == [(0, None), (1, day), (0, None)]


def test_coming_closures_take_two_queries_for_one_row_and_for_three(django_assert_num_queries):
    location = make_location()
    for number in (1, 2, 3):
        close(location, date(2026, 12, 20 + number), date(2026, 12, 28))
        with django_assert_num_queries(2):
            assert len(coming_closures(location=location, now=NOW)) == number
