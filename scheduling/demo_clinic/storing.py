"""Stores the plan in bulk: the rows that the writers would have left behind, had they been called for months.

The writers themselves store row by row and would take minutes. What they store is composed by their own functions where
there are any, and where the rows are few the writers are called.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from random import Random

from django.db import connection

from clinic.times import local_date
from patients.models import MedicalFact, Patient
from scheduling.demo_clinic.answers import Answering
from scheduling.demo_clinic.appointments import Booked, Desk, in_office_hours
from scheduling.demo_clinic.diary import PlannedVisit
from scheduling.demo_clinic.messages import store_messages
from scheduling.demo_clinic.people import Person
from scheduling.demo_clinic.place import Place
from scheduling.demo_clinic.plans import store_plans
from scheduling.demo_clinic.records import store_records
from scheduling.demo_clinic.screenings import store_screenings
from treatments.answers import compose_facts, compose_skin, skin_of
from treatments.models import AnsweredSkin, CatalogueVersion, PrescriberAdvice

OTHER_FACTS = (
    (MedicalFact.Kind.ALLERGY, "Penicillin", "Rash as a child."),
    (MedicalFact.Kind.ALLERGY, "Nickel", ""),
    (MedicalFact.Kind.CONDITION, "Hay fever", "In spring."),
    (MedicalFact.Kind.CONDITION, "Underactive thyroid", "Well controlled."),
    (MedicalFact.Kind.MEDICINE, "Levothyroxine", "50 micrograms a day."),
    (MedicalFact.Kind.PROCEDURE, "Chemical peel", "At another clinic."),
)


def store(
    *,
    place: Place,
    people: list[Person],
    visits: list[PlannedVisit],
    catalogue: CatalogueVersion,
    answering: Answering,
    now: datetime,
    rng: Random,
) -> list[Booked]:
    """The people with what they answered, and their visits with all that hangs on them."""
    desk = Desk(place=place, now=now, rng=rng)
    booked = desk.book(visits)
    _store_people(people, booked, place, now, rng)
    desk.store()
    store_plans(booked, place=place, now=now)
    store_screenings(booked, place=place, catalogue=catalogue, answering=answering, now=now)
    store_records(booked, place=place, catalogue=catalogue, now=now, rng=rng)
    store_messages(booked, place=place, now=now)
    _tell_the_planner()
    return booked


def _tell_the_planner() -> None:
    """Let the database count what it has got so suddenly. Until it does, it plans as if the tables were empty, and a
    question that takes a moment can take minutes."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _store_people(people: list[Person], booked: list[Booked], place: Place, now: datetime, rng: Random) -> None:
    """Whoever never came has only asked, some time ago; the others were entered with their first booking."""
    today = local_date(now, place.zone)
    first_booked: dict[Person, datetime] = {}
    treated: dict[Person, set[str]] = defaultdict(set)
    for each in booked:
        treated[each.course.person] |= skin_of(zone.code for zone in each.course.zones)
        person, at = each.course.person, each.appointment.created_at
        first_booked[person] = min(at, first_booked.get(person, at))
    for person in people:
        asked_at = in_office_hours(today - timedelta(days=rng.randint(1, 60)), place, rng)
        person.patient.created_at = first_booked.get(person, asked_at)
    patients = Patient.objects.bulk_create(person.patient for person in people)
    at_location = Patient.locations.through
    at_location.objects.bulk_create(at_location(patient=patient, location=place.location) for patient in patients)
    facts, skins = [], []
    advice = [person.advice for person in people if person.advice]
    for each in advice:
        each.recorded_at, each.recorded_by = each.patient.created_at, place.lead
    for person in people:
        said = {"patient": person.patient, "by": place.reception, "now": person.patient.created_at}
        answered = compose_facts(answers=person.answers, **said)
        skins += compose_skin(facts=answered, zones=treated[person])
        facts += answered
        if rng.random() < 0.2:
            kind, subject, answer = rng.choice(OTHER_FACTS)
            facts.append(
                MedicalFact(
                    patient=person.patient,
                    kind=kind,
                    subject=subject,
                    answer=answer,
                    recorded_at=person.patient.created_at,
                    recorded_by=place.reception,
                )
            )
    MedicalFact.objects.bulk_create(facts)
    AnsweredSkin.objects.bulk_create(skins)
    PrescriberAdvice.objects.bulk_create(advice)
