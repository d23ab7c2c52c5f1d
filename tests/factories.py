"""Real rows with sensible defaults: a test names only what it is about."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from types import MappingProxyType
from zoneinfo import ZoneInfo

from django.conf import settings
from django.test import Client

from clinic import links
from clinic.models import Device, Location, Practitioner, Room, User
from clinic.times import at_local, local_date
from patients.models import MedicalFact, Patient
from scheduling import booking, day
from scheduling.models import Appointment, PatientLink, WorkingHours
from treatments import catalogue, courses, publishing, visits
from treatments.answers import known_answers, record_answers
from treatments.catalogue import AnsweredBy, QuestionKind, Stage
from treatments.catalogue.spec import NOT_SURE
from treatments.consents import consent_text
from treatments.decisions import decide_screening
from treatments.models import CatalogueVersion, Consent, Course, Protocol, Screening, ScreeningDecision, Visit
from treatments.publishing import catalogue_of

_numbers = count(1)

# A Monday in winter, before the clinic opens; the factories' clinic works every day of the week.
NOW = datetime(2026, 1, 12, 7, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


def make_location(**fields) -> Location:
    number = next(_numbers)
    return Location.objects.create(
        **{"name": f"Clinic {number}", "zone_name": "Europe/London", "phone": "020 7946 0112"} | fields
    )


def make_user(*roles: str, location: Location | None = None, **fields) -> User:
    """A member of staff with the named roles (receptionist, practitioner, lead, owner) at a location."""
    number = next(_numbers)
    user = User(
        **{"username": f"staff{number}", "name": f"Staff Member {number}"}
        | {f"is_{role}": True for role in roles or ("receptionist",)}
        | fields
    )
    user.set_password(PASSWORD)
    user.save()
    if location:
        user.locations.add(location)
    return user


def make_practitioner(location: Location, *, hours=(("09:00", "17:00"),), days=range(7), **fields) -> Practitioner:
    """A practitioner who works the given stretches on each of the given weekdays."""
    practitioner = Practitioner.objects.create(
        **{"user": fields.pop("user", None) or make_user("practitioner", location=location)} | fields
    )
    WorkingHours.objects.bulk_create(
        WorkingHours(
            practitioner=practitioner,
            location=location,
            weekday=day,
            starts=time.fromisoformat(starts),
            ends=time.fromisoformat(ends),
        )
        for day in days
        for starts, ends in hours
    )
    return practitioner


def make_room(location: Location, **fields) -> Room:
    return Room.objects.create(**{"location": location, "name": f"Room {next(_numbers)}"} | fields)


def make_device(location: Location, **fields) -> Device:
    return Device.objects.create(
        **{"location": location, "name": f"Pen {next(_numbers)}", "max_depth_mm": "2.50"} | fields
    )


def make_patient(location: Location, **fields) -> Patient:
    number = next(_numbers)
    patient = Patient(
        **{
            "given_name": "Olivia",
            "family_name": f"Marsh{number}",
            "date_of_birth": date(1990, 5, 17),
            "email": f"patient{number}@example.org",
            "phone": f"07700 {number:06}",
            "created_at": NOW,
        }
        | fields
    )
    patient.fold_for_search()
    patient.save()
    patient.locations.add(location)
    return patient


def make_catalogue() -> CatalogueVersion:
    return publishing.ensure_catalogue(now=NOW)


def make_protocol(code: str = "acne_scar_moderate") -> Protocol:
    """A protocol of the shipped catalogue: moderate acne scars take 15 + 30 + 30 minutes and 10 to clean up."""
    return make_catalogue().protocols.get(code=code)


def make_clinic(**fields) -> Location:
    """A location with two rooms and two devices, and no practitioner yet."""
    location = make_location(**fields)
    for _each in range(2):
        make_room(location)
        make_device(location)
    return location


def make_appointment(
    *, location=None, patient=None, practitioner=None, protocol=None, zones=(), starts_at=None, now=NOW
) -> Appointment:
    """A booked appointment, made by the writer that the application uses; what is not named is made fresh."""
    location = location or make_clinic()
    return booking.book_appointment(
        patient=patient or make_patient(location),
        protocol=protocol or make_protocol(),
        zones=zones,
        location=location,
        practitioner=practitioner or make_practitioner(location),
        starts_at=starts_at or NOW + timedelta(days=7, hours=3),
        by=None,
        now=now,
    )


def signed_in(*roles: str, location: Location | None = None, user: User | None = None) -> Client:
    """A browser in which a member of staff with the roles, or the given one, is signed in."""
    client = Client()
    client.force_login(user or make_user(*roles, location=location), backend=settings.AUTHENTICATION_BACKENDS[-1])
    return client


def make_course(
    *,
    location=None,
    patient=None,
    practitioner=None,
    protocol=None,
    zones=(),
    starts_at=None,
    planned=3,
    booked=1,
    now=NOW,
) -> Course:
    """A course of which the first sessions are `booked`, each four weeks after the one before."""
    location = location or make_clinic()
    where = {"location": location, "practitioner": practitioner or make_practitioner(location), "by": None, "now": now}
    first = booking.book_appointment(
        patient=patient or make_patient(location),
        protocol=protocol or make_protocol(),
        zones=zones,
        starts_at=starts_at or NOW + timedelta(days=7, hours=3),
        planned_sessions=planned,
        **where,
    )
    course, local = first.session.course, first.starts_at.astimezone(location.zone)
    for session in course.sessions.filter(number__gt=1, number__lte=booked):
        day_of_session = local.date() + timedelta(weeks=4 * (session.number - 1))
        booking.book_session(session=session, starts_at=at_local(day_of_session, local.time(), location.zone), **where)
    return course


def make_fact(patient: Patient, **fields) -> MedicalFact:
    return MedicalFact.objects.create(
        **{"patient": patient, "kind": "medicine", "subject": "Cetirizine", "recorded_at": NOW} | fields
    )


S2_AT = "questions: {booking: [Q05, Q05b, Q05c], previsit: [Q05, Q05b, Q05c], checkin: [Q05, Q05b, Q05c, C02]}"


def text_with_the_owners_rules() -> str:
    """The shipped catalogue with the four rules of the owner's document alone, and what they ask by themselves."""
    on = re.compile(r"(?m)^(  - code: E\w+\n    name: .*\n    tag: \w+\n)    active: true\n")
    return on.sub(r"\1", catalogue.shipped_text()).replace(S2_AT.replace("Q05c", "Q05c, Q23"), S2_AT, 1)


_CLEAR = {
    QuestionKind.YES_NO: "no",
    QuestionKind.STAFF_TICK: "yes",
    QuestionKind.SEVERAL: "none",
    QuestionKind.TEXT: "none",
    QuestionKind.PAST_DATE: "2020",
}


def clear_answers(
    stage: Stage, known: Mapping[str, str] = MappingProxyType({}), *, by: AnsweredBy | None = None
) -> dict[str, str]:
    """What somebody in whose way nothing stands answers to all that the published rules ask and that is not known.

    With `by` only what the patient answers, or what staff look at.
    """
    answers = {}
    for question in catalogue_of(make_catalogue()).questions_at(stage):
        if by not in (None, question.by):
            continue
        is_asked = not question.ask_if or any((known | answers).get(id) in said for id, said in question.ask_if.items())
        if question.id in known:
            continue
        if question.id == "Q25":
            answers[question.id] = "yes"  # her own choice
        elif is_asked and question.kind not in (QuestionKind.BIRTH_DATE, QuestionKind.INSTANT):
            answers[question.id] = _CLEAR.get(question.kind) or ("no" if "no" in question.answers else "I")
    return answers


def as_posted(answers: Mapping[str, str]) -> dict[str, str | list[str]]:
    """Answers as the question form sends them."""
    questions, posted = catalogue_of(make_catalogue()).questions, {}
    for id, said in answers.items():
        if questions[id].kind == QuestionKind.SEVERAL:
            posted[id] = said.split(", ")
        elif questions[id].kind == QuestionKind.TEXT:
            posted |= {f"{id}_1": "on"} if said == "none" else {f"{id}_0": said}
        else:
            posted[id] = said
    return posted


def tell(patient: Patient, answers: Mapping[str, str], *, by: User | None = None, now: datetime = NOW) -> None:
    """Record answers about whatever skin somebody may think of."""
    everywhere = [*catalogue_of(make_catalogue()).zones, NOT_SURE]
    record_answers(patient=patient, answers=answers, zones=everywhere, by=by, now=now)


def make_clear_patient(location: Location, **fields) -> Patient:
    """Somebody whom no rule keeps from a booking."""
    patient = make_patient(location, **fields)
    tell(patient, clear_answers(Stage.BOOKING))
    return patient


def make_arrival(*, location=None, patient=None, **wish) -> Appointment:
    """An appointment whose patient has arrived ten minutes early; nothing that she said at booking is in the way."""
    location = location or make_clinic()
    booked = make_appointment(location=location, patient=patient or make_clear_patient(location), **wish)
    return day.arrive(
        appointment=booked, revision=booked.revision, by=None, now=booked.starts_at - timedelta(minutes=10)
    )


def check_in(appointment, **answers) -> Screening:
    """What a patient answers on arrival, nine minutes early; clear unless answered otherwise."""
    return day.answer_checkin(
        appointment=appointment,
        start=appointment.starts_at,
        answers=clear_answers(Stage.CHECKIN, known_answers(appointment.patient)) | answers,
        by=None,
        now=appointment.starts_at - timedelta(minutes=9),
    )


def sign(appointment) -> Consent:
    return day.sign_consent(
        appointment=appointment,
        start=appointment.starts_at,
        typed_name=appointment.patient.name,
        version=consent_text()[0],
        by=appointment.practitioner.user,
        now=appointment.starts_at - timedelta(minutes=5),
    )


def make_ready(**wish) -> Appointment:
    """An appointment of which nothing is missing any more before the visit may begin."""
    arrived = make_arrival(**wish)
    check_in(arrived)
    sign(arrived)
    course = arrived.session.course
    if course.protocol.needs_clinician_plan:
        courses.sign_plan(course=course, text="Shallow first.", by=make_user("lead"), now=NOW)
    return arrived


def make_visit(**wish) -> Visit:
    """A visit that its practitioner has just begun."""
    ready = make_ready(**wish)
    return day.start_treatment(appointment=ready, by=ready.practitioner.user, now=ready.starts_at)


def chart(visit: Visit, zone="cheeks", depth_mm="0.5") -> Visit:
    """Record all that a signature needs but the end of the needling."""
    by, at = visit.practitioner.user, visit.started_at
    visit = visits.record_numbing(
        visit=visit,
        revision=visit.revision,
        agent="Lidocaine",
        strength_percent=Decimal(4),
        applied_at=at,
        removed_at=at + timedelta(minutes=30),
        by=by,
        now=at + timedelta(minutes=30),
    )
    visit = visits.set_zone(
        visit=visit,
        revision=visit.revision,
        zone=visit.session.course.protocol.version.zones.get(code=zone),
        depth_mm=Decimal(depth_mm),
        passes=6,
        by=by,
        now=at + timedelta(minutes=40),
    )
    return visits.record_details(
        visit=visit,
        revision=visit.revision,
        cartridge_make="Aurel",
        cartridge_lot=f"26K-{next(_numbers)}",
        cartridge_expires_on=local_date(at, visit.device.location.zone) + timedelta(days=90),
        endpoint=Visit.Endpoint.EVEN_REDNESS,
        bleeding=Visit.Bleeding.NONE,
        redness=1,
        swelling=0,
        pain=2,
        is_aftercare_given=True,
        by=by,
        now=at + timedelta(minutes=60),
    )


def make_signed_visit(*, zone="cheeks", depth_mm="0.5", **wish) -> Visit:
    """A visit that was ended after an hour and signed by whoever treated."""
    visit = chart(make_visit(**wish), zone, depth_mm)
    visit = day.end_treatment(
        appointment=visit.session.appointments.get(),
        revision=visit.revision,
        by=visit.practitioner.user,
        now=visit.started_at + timedelta(hours=1),
    )
    return visits.sign_visit(visit=visit, revision=visit.revision, by=visit.practitioner.user, now=visit.ended_at)


def lift(**decision) -> ScreeningDecision:
    """A decision that lets the visit take place."""
    return decide_screening(kind=ScreeningDecision.Kind.LIFT, zone=ZoneInfo("Europe/London"), **decision)


def make_link(appointment: Appointment, purpose: str = "previsit", now=NOW) -> tuple[PatientLink, str]:
    """The link of a mail about an appointment, and the token that the mail holds."""
    token, token_hash = links.mint()
    times = {"created_at": now, "expires_at": appointment.starts_at}
    return PatientLink.objects.create(appointment=appointment, purpose=purpose, token_hash=token_hash, **times), token
