"""A clinic to look at: invented people, months behind and weeks ahead, the same for everybody who starts at one moment.

`place` stores the location, its rooms, devices and staff; `people` invents patients, `answers` what they say, `courses`
for what they come; `diary` works out their visits in memory; `storing` writes it all down in bulk, each subject in its
module; `calls` are those who wait for one; `today` plays the day up to now.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from django.db import transaction

from clinic.models import Location
from clinic.times import local_date
from scheduling.booking import NotEligible, book_appointment, book_session
from scheduling.demo_clinic.answers import Answering
from scheduling.demo_clinic.calls import store_calls
from scheduling.demo_clinic.courses import PlannedCourse, Planner
from scheduling.demo_clinic.diary import Diary
from scheduling.demo_clinic.people import invent_people
from scheduling.demo_clinic.place import Place, make_place
from scheduling.demo_clinic.storing import store
from scheduling.demo_clinic.today import play_today
from scheduling.slots import find_slots, on_days
from treatments.models import CourseSession
from treatments.publishing import catalogue_of, ensure_catalogue

JUST_BOOKED = 6


@dataclass(frozen=True)
class Size:
    patients: int = 600
    days_behind: int = 13 * 7
    days_ahead: int = 6 * 7


@transaction.atomic
def make_demo_clinic(*, now: datetime, passwords: dict[str, str], seed: int = 1, size: Size = Size()) -> Location:
    """Fill an empty database with a clinic dated from `now`; all of it or nothing.

    `passwords` are by user name; the other accounts cannot be signed in to. A few visits are booked at the very end by
    the booking itself, so that their mails are due at once.
    """
    rng = Random(seed)  # noqa: S311  the same clinic for everybody is the point
    catalogue = ensure_catalogue(now=now)
    place = make_place(now=now, passwords=passwords)
    today = local_date(now, place.zone)
    first_day = today - timedelta(days=size.days_behind)
    answering = Answering(catalogue_of(catalogue), today=today, zone=place.zone, rng=rng)
    people = invent_people(count=size.patients, today=today, rng=rng)
    planner = Planner(place=place, catalogue=catalogue, answering=answering, first_day=first_day, today=today, rng=rng)
    courses = planner.plan(people)
    visits = Diary(place=place, courses=courses, now=now, rng=rng).fill(first_day=first_day, days_ahead=size.days_ahead)
    booked = store(
        place=place, people=people, visits=visits, catalogue=catalogue, answering=answering, now=now, rng=rng
    )
    store_calls(booked, now=now)
    play_today(booked, place=place, answering=answering, now=now)
    _book_some_now(place, courses, now, rng)
    return place.location


def _book_some_now(place: Place, courses: list[PlannedCourse], now: datetime, rng: Random) -> None:
    """A few people have just called: some go on with their course, others begin one within the next weeks."""
    today = local_date(now, place.zone)
    newest = {course.person: course for course in courses if course.days}
    has_a_visit = {person for person, course in newest.items() if course.days[-1] >= today}
    callers = [
        course
        for course in courses
        if course.person.patient.email and course.person not in has_a_visit
        if course.is_to_book(today) and newest.get(course.person) in (None, course, course.after)
    ]
    calls = 0
    for course in rng.sample(callers, len(callers)):
        calls += _book(place, course, now, rng)
        if calls == JUST_BOOKED:
            return


def _book(place: Place, course: PlannedCourse, now: datetime, rng: Random) -> bool:
    """Book the next session where a time is free for it, and the patient may come."""
    patient, protocol, window = course.person.patient, course.protocol, course.window
    wish = {"location": place.location, "practitioner": course.practitioner, "now": now}
    skin = {"patient": patient, "protocol": protocol, "zones": course.zones}
    slots = find_slots(first_day=local_date(now, place.zone) + timedelta(days=3), days=28, **wish, **skin)
    slots = on_days(slots, place.zone, lambda day: window is None or day in window)
    if not slots:
        return False
    wish |= {"starts_at": rng.choice(slots).starts_at, "by": place.reception}
    try:
        if window is None:
            book_appointment(planned_sessions=course.planned, **wish, **skin)
        else:
            sessions = CourseSession.objects.select_related("course__patient", "course__protocol")
            next_one = {"course__patient": patient, "course__protocol": protocol, "number": len(course.days) + 1}
            book_session(session=sessions.get(**next_one), **wish)
    except NotEligible:
        return False
    return True
