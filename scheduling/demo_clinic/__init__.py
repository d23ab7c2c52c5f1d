"""A clinic to look at: invented people, months behind and weeks ahead, the same for everybody who starts on one day.

`place` stores the location, its rooms, devices and staff; `people` invents patients and their answers; `diary` works
out their visits in memory; `storing` writes it all down in bulk.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from django.db import transaction

from clinic.models import Location
from clinic.times import local_date
from scheduling.booking import book_appointment
from scheduling.demo_clinic.diary import Diary
from scheduling.demo_clinic.people import Person, invent_people
from scheduling.demo_clinic.place import Place, make_place
from scheduling.demo_clinic.storing import store
from scheduling.slots import find_slots
from treatments.publishing import ensure_catalogue

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
    people = invent_people(count=size.patients, place=place, catalogue=catalogue, first_day=first_day, now=now, rng=rng)
    visits = Diary(place=place, people=people, rng=rng).fill(
        today=today, first_day=first_day, days_ahead=size.days_ahead
    )
    store(place=place, people=people, visits=visits, catalogue=catalogue, now=now, rng=rng)
    _book_some_now(place, people, now, rng)
    return place.location


def _book_some_now(place: Place, people: list[Person], now: datetime, rng: Random) -> None:
    """A few people have just called and got a visit within the next weeks."""
    today = local_date(now, place.zone)
    callers = [
        person
        for person in people
        if person.patient.email and person.wanted and not person.is_on_hold
        if person.first_day <= today and all(day < today for day in person.days)
    ]
    calls = 0
    for person in rng.sample(callers, len(callers)):
        visit = {
            "patient": person.patient,
            "protocol": person.protocol,
            "zones": person.zones,
            "location": place.location,
            "practitioner": person.practitioner,
            "now": now,
        }
        if slots := find_slots(first_day=today + timedelta(days=3), days=28, **visit):
            book_appointment(starts_at=rng.choice(slots).starts_at, by=place.reception, **visit)
            calls += 1
        if calls == JUST_BOOKED:
            return
