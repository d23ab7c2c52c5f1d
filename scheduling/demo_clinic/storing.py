"""Stores the plan in bulk: the rows that the writers would have left behind, had they been called for months.

The writers themselves store row by row and would take minutes. What they store is composed by their own functions.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from clinic.models import OutgoingMail
from clinic.outbox import compose_mail
from clinic.times import at_local, day_bounds, local_date
from patients.models import MedicalFact, Patient
from scheduling.booking import compose_occupancies
from scheduling.demo_clinic.diary import PlannedVisit
from scheduling.demo_clinic.people import Person
from scheduling.demo_clinic.place import Place
from scheduling.models import Appointment, Occupancy, Reminder
from scheduling.reminders import Gaps, compose_reminders, current_gaps
from scheduling.slots import needs_of_protocol
from treatments.answers import compose_facts
from treatments.catalogue import Stage
from treatments.models import CatalogueVersion, Course, CourseSession, Screening, ScreeningFinding
from treatments.screenings import compose_screening

State = Appointment.State
Booked = tuple[Person, Appointment]

# Reminders that the first sweep still finds to do, so that a newcomer sees mails leave.
LEFT_TO_THE_SWEEP = 4
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
    now: datetime,
    rng: Random,
) -> None:
    """The people with what they answered, and their visits with all that hangs on them."""
    booked = [(visit.person, _compose_appointment(visit, place, now, rng)) for visit in visits]
    _store_people(people, booked, place, now, rng)
    _store_appointments(booked)
    _store_screenings(booked, catalogue, place)
    today = day_bounds(local_date(now, place.zone), place.zone)[0]
    _store_messages([appointment for _person, appointment in booked if appointment.starts_at >= today], now)


def _compose_appointment(visit: PlannedVisit, place: Place, now: datetime, rng: Random) -> Appointment:
    starts_at = datetime.fromtimestamp(visit.start, tz=UTC)
    # Booked three days ahead at least, so that nothing about the visit was told late.
    booked_before = local_date(min(now, starts_at - timedelta(days=3)), place.zone)
    booked_at = _in_office_hours(booked_before - timedelta(days=rng.randint(1, 30)), place, rng)
    by = {"created_at": booked_at, "created_by": place.reception}
    person = visit.person
    course = Course(patient=person.patient, protocol=person.protocol, planned_sessions=1, **by)
    return Appointment(
        session=CourseSession(course=course, number=1),
        location=place.location,
        practitioner=visit.practitioner,
        room=visit.room,
        device=visit.device,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(seconds=needs_of_protocol(person.protocol).patient[1]),
        state=_state(visit, starts_at, now, rng),
        revision=1 if visit.is_cancelled else 0,
        **by,
    )


def _in_office_hours(day: date, place: Place, rng: Random) -> datetime:
    return at_local(day, time(rng.randint(9, 16), rng.randint(0, 59)), place.zone)


def _state(visit: PlannedVisit, starts_at: datetime, now: datetime, rng: Random) -> State:
    """The nearer a visit, the more people have said that they come; nobody has whose screening is open."""
    if visit.is_cancelled:
        return State.CANCELLED
    days = (starts_at - now).days
    chance = 0.96 if days < 0 else 0.8 if days < 4 else 0.5 if days < 14 else 0.2
    return State.CONFIRMED if rng.random() < chance and not visit.person.is_on_hold else State.BOOKED


def _store_people(people: list[Person], booked: list[Booked], place: Place, now: datetime, rng: Random) -> None:
    """Whoever never came has only asked, some time ago; the others were entered with their first booking."""
    today = local_date(now, place.zone)
    for person in people:
        person.patient.created_at = _in_office_hours(today - timedelta(days=rng.randint(1, 60)), place, rng)
    for person, appointments in _by_person(booked).items():
        person.patient.created_at = min(each.created_at for each in appointments)
    patients = Patient.objects.bulk_create(person.patient for person in people)
    at_location = Patient.locations.through
    at_location.objects.bulk_create(at_location(patient=patient, location=place.location) for patient in patients)
    facts = []
    for person in people:
        said = {"patient": person.patient, "by": place.reception, "now": person.patient.created_at}
        facts += compose_facts(answers=person.answers, **said)
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


def _by_person(booked: list[Booked]) -> dict[Person, list[Appointment]]:
    appointments = defaultdict(list)
    for person, appointment in booked:
        appointments[person].append(appointment)
    return appointments


def _store_appointments(booked: list[Booked]) -> None:
    appointments = [appointment for _person, appointment in booked]
    Course.objects.bulk_create(each.session.course for each in appointments)
    in_zone = Course.zones.through
    in_zone.objects.bulk_create(
        in_zone(course=appointment.session.course, zone=zone) for person, appointment in booked for zone in person.zones
    )
    CourseSession.objects.bulk_create(each.session for each in appointments)
    Appointment.objects.bulk_create(appointments)
    Occupancy.objects.bulk_create(
        occupancy for each in appointments if not each.is_cancelled for occupancy in compose_occupancies(each)
    )


def _store_screenings(booked: list[Booked], catalogue: CatalogueVersion, place: Place) -> None:
    composed = [
        compose_screening(
            session=appointment.session,
            version=catalogue,
            answers=person.answers,
            stage=Stage.BOOKING,
            start=appointment.starts_at,
            zone=place.zone,
            by=place.reception,
            now=appointment.created_at,
        )
        for person, appointment in booked
    ]
    Screening.objects.bulk_create(screening for screening, _findings in composed)
    ScreeningFinding.objects.bulk_create(finding for _screening, findings in composed for finding in findings)


def _store_messages(appointments: list[Appointment], now: datetime) -> None:
    """What was told about visits of today and later. All of it has left but the newest few, and what is due later."""
    gaps = current_gaps()
    reminders = [reminder for each in appointments for reminder in _planned(each, gaps, now)]
    due = [each for each in reminders if each.state == Reminder.State.PLANNED and each.due_at <= now]
    has_a_point = [
        each
        for each in due
        if each.kind == Reminder.Kind.BEFORE_48H
        and each.appointment.patient.email
        and each.appointment.starts_at > now + timedelta(hours=1)
    ]
    left_over = sorted(has_a_point, key=lambda each: each.due_at)[-LEFT_TO_THE_SWEEP:]
    for each in due:
        if each not in left_over:
            each.mail = _left(each)
            each.state = Reminder.State.MAILED if each.mail else Reminder.State.SKIPPED
    OutgoingMail.objects.bulk_create(each.mail for each in reminders if each.mail)
    Reminder.objects.bulk_create(reminders)


def _planned(appointment: Appointment, gaps: Gaps, now: datetime) -> list[Reminder]:
    """What the booking planned when it was made, and what calling it off changed."""
    confirmation, *ahead = compose_reminders(
        appointment=appointment, kind=Reminder.Kind.CONFIRMATION, gaps=gaps, now=appointment.created_at
    )
    if not appointment.is_cancelled:
        return [confirmation, *ahead]
    for reminder in ahead:
        reminder.state = Reminder.State.WITHDRAWN
    for reminder in (confirmation, *ahead):
        reminder.revision = 0
    called_off_at = appointment.created_at + (min(now, ahead[0].due_at) - appointment.created_at) / 2
    return [
        confirmation,
        *ahead,
        *compose_reminders(appointment=appointment, kind=Reminder.Kind.CANCELLED, gaps=gaps, now=called_off_at),
    ]


def _left(reminder: Reminder) -> OutgoingMail | None:
    """The mail that a reminder became, long gone and its words forgotten; None without an address."""
    if not reminder.appointment.patient.email:
        return None
    mail = compose_mail(
        to=reminder.appointment.patient.email,
        subject=reminder.get_kind_display(),
        text="",
        due_at=reminder.due_at,
        expires_at=reminder.appointment.starts_at,
        now=reminder.due_at,
    )
    mail.status, mail.sent_at, mail.is_forgotten = OutgoingMail.Status.SENT, reminder.due_at, True
    return mail
