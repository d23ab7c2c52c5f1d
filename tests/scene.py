"""One clinic with one of everything, and every address of the application in it, found by walking the URL patterns.

What is true of every page (who may open it, what it survives, what it never says) is tested over this walk, so that a
page that is added tomorrow is tested too, or fails for want of a row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from email.message import EmailMessage
from uuid import uuid4

from auditlog.models import LogEntry
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from clinic import times
from clinic.demo_smtp import folder
from clinic.editing import fingerprint
from clinic.models import Device, Location, Practitioner, Room, User
from clinic.places import details_of as details_of_place
from clinic.staff import details_of as details_of_staff
from patients.models import MedicalFact, Patient
from scheduling import booking, day
from scheduling.calls import ask_for_call, ask_lead_to_call
from scheduling.hours import week_of
from scheduling.models import Appointment, Closure, PatientLink, TimeOff
from tests.factories import (
    PASSWORD,
    as_posted,
    chart,
    clear_answers,
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_course,
    make_device,
    make_fact,
    make_link,
    make_patient,
    make_practitioner,
    make_protocol,
    make_room,
    make_signed_visit,
    make_user,
    make_visit,
)
from treatments import visits
from treatments.answers import known_answers, record_answers
from treatments.catalogue import AnsweredBy, Stage
from treatments.consents import consent_text
from treatments.models import CatalogueVersion, Course
from treatments.publishing import catalogue_of
from treatments.rule_editing import fields_of

ROLES = ("receptionist", "practitioner", "lead", "owner")
PEOPLE = ("anonymous", *ROLES, "stranger")
MAIL_KEY = "20260112T090001000000Z-0000000a"
HTMX = {"HX-Request": "true"}

# Words of the scene that are nobody's business, each found nowhere else.
CONTACTS = ("Wilhelmina", "Quastenbrink", "wilhelmina.q@example.org", "07700 900417", "Quiet room please")
HEALTH = ("Latexwort", "Blistered at once", "March 2024", "2024-03")


@dataclass(frozen=True)
class Scene:
    """`patient` has answered the questions and waits for a decision, `other` is clear; both belong to `location`.

    Today somebody is `expected`, somebody `here` whose answers stand in the way, and somebody `ready`. Of yesterday's
    visits one is `begun`, one `ended` and one `signed`.
    """

    now: datetime
    location: Location
    elsewhere: Location
    staff: dict[str, User]
    stranger: User  # holds every role, at the other location
    colleague: User
    left: User  # may no longer sign in
    patient: Patient
    other: Patient
    fact: MedicalFact
    practitioner: Practitioner
    room: Room
    device: Device
    held: Appointment
    clear: Appointment
    cancelled: Appointment
    expected: Appointment
    here: Appointment
    ready: Appointment
    begun: Appointment
    ended: Appointment
    signed: Appointment
    course: Course  # its first session is booked, the second is to book
    refreshed: Course  # booked to its end, and of a treatment that is refreshed
    token: str  # of the link in a mail about the held visit
    time_off: TimeOff
    closure: Closure

    def at(self, days: int, hour: int = 10) -> datetime:
        """A full hour on a local day to come."""
        day = times.local_date(self.now, self.location.zone) + timedelta(days=days)
        return times.at_local(day, time(hour), self.location.zone)

    def slot(self, days: int, hour: int = 10) -> str:
        return f"{self.at(days, hour).isoformat()} {self.practitioner.public_id}"

    @property
    def visits(self) -> tuple[Appointment, ...]:
        return (self.held, self.clear, self.cancelled)

    @property
    def objects(self) -> dict[str, tuple]:
        """What an address is about, by the word that a table has for it."""
        return {
            "": (),
            "patient": (self.patient.public_id,),
            "other": (self.other.public_id,),
            "fact": (self.patient.public_id, self.fact.public_id),
            "held": (self.held.public_id,),
            "clear": (self.clear.public_id,),
            "cancelled": (self.cancelled.public_id,),
            "expected": (self.expected.public_id,),
            "here": (self.here.public_id,),
            "ready": (self.ready.public_id,),
            "begun": (self.begun.public_id,),
            "ended": (self.ended.public_id,),
            "signed": (self.signed.public_id,),
            "course": (self.course.public_id,),
            "refreshed": (self.refreshed.public_id,),
            "session": (self.course.sessions.get(number=2).public_id,),
            "practitioner": (self.practitioner.public_id,),
            "room": (self.room.public_id,),
            "device": (self.device.public_id,),
            "colleague": (self.colleague.public_id,),
            "left": (self.left.public_id,),
            "token": (self.token,),
            "link": (PatientLink.objects.filter(appointment=self.held).earliest("pk").public_id,),
            "asked": (PatientLink.objects.filter(appointment=self.held).earliest("pk").public_id, "P04"),
            "time_off": (self.time_off.public_id,),
            "closure": (self.closure.public_id,),
            "rule": ("S3",),
            "version": (1,),
            "mail": (MAIL_KEY,),
        }

    def url(self, name: str, about: str = "") -> str:
        return reverse(name, args=self.objects[about])

    @property
    def bodies(self) -> dict[str, dict]:
        """For every address that takes a POST, one that it accepts, field by field."""
        patient = {
            "given_name": "Marta",
            "family_name": "Lindholm",
            "date_of_birth": "1992-03-12",
            "phone": "020 7946 0812",
            "email": "marta@example.org",
            "note": "Likes tea.",
        }
        wish = as_posted(clear_answers(Stage.BOOKING)) | {
            "patient": self.patient.public_id,
            "key": uuid4(),
            "protocol": make_protocol().code,
            "zones": [],
            "practitioner": "",
            "from_day": "",
            "Q04": "yes",
            "Q04b_0": "02/2024",
            "Q05": "yes",
            "Q05c": "not_asked",
        }
        person = details_of_staff(self.colleague)
        record = {name: {"revision": getattr(self, name).session.visit.revision} for name in ("begun", "ended")}
        week = week_of(self.practitioner, self.location)
        return {
            "clinic:login": {"username": self.staff["receptionist"].username, "password": PASSWORD, "next": ""},
            "clinic:logout": {},
            "clinic:unlock": {},
            "clinic:location-switch": {"location": self.location.public_id, "next": "/patients/"},
            "clinic:location-create": {"name": "Lark Hill", "zone_name": "Europe/Berlin", "phone": "030 901820"},
            "clinic:location-edit": _over(details_of_place(self.location), address="12 Orchard Row"),
            "clinic:room-create": {"name": "Garden room"},
            "clinic:room-edit": _over(details_of_place(self.room), name="Garden room"),
            "clinic:device-create": {"name": "New pen", "max_depth_mm": "1.5"},
            "clinic:device-edit": _over(details_of_place(self.device), name="New pen"),
            "clinic:staff-create": {
                "name": "Noor Rahman",
                "username": "noor",
                "email": "noor@example.org",
                "roles": ["practitioner"],
                "locations": [str(self.location.public_id)],
                "title": "Aesthetician",
                "tone": "sky",
                "max_depth_mm": "1.5",
                "password": "velvet-otter-in-june",
            },
            "clinic:staff-edit": _over(person, name="Noor Rahman"),
            "clinic:staff-password": {"password": "velvet-otter-in-june"},
            "clinic:staff-switch-off": {},
            "clinic:staff-switch-on": {},
            "patients:patient-list": {"q": self.patient.family_name[:6].lower()},
            "patients:patient-search": {"q": self.patient.family_name[:6].lower()},
            "patients:patient-prefill": {"q": "marta lindholm"},
            "patients:patient-create": patient | {"public_id": uuid4()},
            "scheduling:patient-edit": patient | {"revision": self.patient.revision},
            "scheduling:fact-create": {
                "public_id": uuid4(),
                "kind": "condition",
                "subject": "cold sores",
                "answer": "Last in spring",
                "day": "1",
                "month": "3",
                "year": "2025",
            },
            **dict.fromkeys([f"scheduling:{name}" for name in ("fact-end", "patient-call", "patient-called")], {}),
            "scheduling:booking-times": wish,
            "scheduling:booking-create": wish | {"slot": self.slot(90, 11)},
            "scheduling:appointment-confirm": {"revision": self.clear.revision},
            "scheduling:appointment-cancel": {"revision": self.held.revision},
            "scheduling:appointment-reactivate": {"revision": self.cancelled.revision},
            "scheduling:appointment-move": {"revision": self.held.revision, "slot": self.slot(9, 14)},
            "scheduling:appointment-places": {
                "revision": self.held.revision,
                "room": self.room.public_id,
                "device": self.device.public_id,
                "seen_room": self.held.room.public_id,
                "seen_device": self.held.device.public_id,
            },
            "scheduling:course-plan": {"text": "Shallow first."},
            "scheduling:course-refresher": {"per_year": "2"},
            "scheduling:session-book": {"key": uuid4(), "slot": self.slot(44, 15)},
            "scheduling:appointment-arrive": {"revision": self.expected.revision},
            "scheduling:appointment-undo-arrival": {},
            "scheduling:appointment-call": {},
            "scheduling:appointment-called": {},
            "scheduling:appointment-link": {"seen": self.held.links.first().public_id},
            "scheduling:treatment-change": {
                "revision": self.held.revision,
                "protocol": self.held.session.course.protocol.code,
                "zones": ["cheeks"],
            },
            "scheduling:checkin-show": as_posted(
                clear_answers(Stage.CHECKIN, known_answers(self.here.patient), by=AnsweredBy.PATIENT)
            )
            | {"start": self.here.starts_at.isoformat(), "part": "patient"},
            "scheduling:screening-decide": {
                "screening": self.here.session.screenings.newest_first().first().public_id,
                "kind": "lift",
                "reason": "The prescriber was asked.",
            },
            "scheduling:screening-ask": {"Q10": "no"},
            "scheduling:screening-advice": {
                "medicine": "Methotrexate",
                "said": "keep_taking",
                "said_by": "Dr Amara Obi",
                "said_on": times.local_date(self.now, self.location.zone),
                "note": "By phone.",
            },
            "scheduling:checkin-hand-over": {},
            "scheduling:checkin-patient": {},
            "scheduling:visit-start": {},
            "scheduling:visit-numbing": record["begun"] | {"none_reason": "Fears creams"},
            "scheduling:visit-zone": record["begun"] | {"zone": "cheeks", "depth_mm": "0.5", "passes": "4"},
            "scheduling:visit-remove-zone": record["ended"] | {"zone": "cheeks"},
            "scheduling:visit-cartridge": record["begun"]
            | {
                "device": self.begun.device.public_id,
                "cartridge_make": "Aurel",
                "cartridge_lot": "27K-1",
                "cartridge_expires_on": self.at(300).date(),
            },
            "scheduling:visit-topical": record["begun"] | {"name": "Calming balm", "lot": "HG-2"},
            "scheduling:visit-remove-topical": record["ended"]
            | {"topical": self.ended.session.visit.topicals.get().pk},
            "scheduling:visit-result": record["begun"]
            | {"endpoint": "even_redness", "bleeding": "none", "redness": "1", "swelling": "0", "pain": "2"}
            | {"reaction": "Calm at once", "is_aftercare_given": "on", "note": "Bring a hat"},
            "scheduling:visit-end": record["begun"],
            "scheduling:visit-sign": record["ended"],
            "scheduling:visit-amend": {"key": uuid4(), "text": "Called the next day: calm."},
            **dict.fromkeys([f"scheduling:link-{page}" for page in ("visit", "question", "answers", "call")], {}),
            "scheduling:hours-edit": {"seen": fingerprint(week)}
            | {f"{day}_0_starts": "10:00" for day in range(5)}
            | {f"{day}_0_ends": "16:00" for day in range(5)},
            "scheduling:time-off-create": {
                "first_day": self.at(45).date(),
                "starts": "12:00",
                "last_day": self.at(46).date(),
                "ends": "13:30",
                "note": "Training",
            },
            "scheduling:time-off-delete": {},
            "scheduling:closure-create": {
                "first_day": self.at(60).date(),
                "last_day": self.at(61).date(),
                "reason": "Painting",
            },
            "scheduling:closure-delete": {},
            "scheduling:rule-edit": _rule("S3", hours=48),
            "scheduling:rule-try": _rule("S3", hours=48)
            | {"visit_day": self.at(6).date(), "visit_at": "10:00", "stage": "checkin"}
            | {"said_day": self.at(4).date(), "said_at": "15:30"},
            "scheduling:clock-move": {},
        }


def _over(details: dict, **changes) -> dict:
    """A form opened over stored details, with some of them changed."""
    typed = {name: value for name, value in details.items() if value is not None and value is not False}
    return typed | changes | {"seen": fingerprint(details)}


def _rule(code: str, **changes) -> dict:
    """The page of a rule with some of it changed."""
    version = CatalogueVersion.objects.current()
    fields = fields_of(catalogue_of(version), code)
    typed = {name: field.value for name, field in fields.items()}
    return typed | {"base": version.number, "note": "Seen again."} | changes


def make_scene(**patient_fields) -> Scene:
    now = times.now()
    location, elsewhere = make_clinic(), make_clinic()
    staff = {role: make_user(role, location=location, name=f"Rowan {role.title()}") for role in ROLES}
    practitioner = make_practitioner(location, user=staff["practitioner"])
    colleague = make_user("practitioner", location=location, name="Rowan Colleague")
    make_practitioner(elsewhere, user=(stranger := make_user(*ROLES, location=elsewhere)))
    contacts = dict(zip(("given_name", "family_name", "email", "phone", "note"), CONTACTS, strict=True))
    patient = make_patient(location, **contacts | {"date_of_birth": date(1986, 11, 23)} | patient_fields)
    other = make_patient(location)
    answers = {"Q04": "yes", "Q04b": "2024-03", "Q05": "yes", "Q05c": "not_asked"}
    record_answers(patient=patient, answers=answers, by=staff["practitioner"], now=now)
    record_answers(patient=other, answers=clear_answers(Stage.BOOKING), by=staff["practitioner"], now=now)
    fact = make_fact(patient, kind="allergy", subject=HEALTH[0], answer=HEALTH[1], recorded_at=now)

    day = times.local_date(now, location.zone)

    def visit(who: Patient, days: int) -> Appointment:
        starts_at = times.at_local(day + timedelta(days=days), time(10), location.zone)
        return make_appointment(location=location, patient=who, practitioner=practitioner, starts_at=starts_at, now=now)

    cancelled = booking.cancel_appointment(appointment=visit(other, 70), revision=0, by=None, now=now)
    course = make_course(
        location=location, practitioner=practitioner, starts_at=_at(location, day, 11, 15), planned=3, now=now
    )
    refreshed = make_course(
        location=location,
        practitioner=practitioner,
        starts_at=_at(location, day, 15, 15),
        protocol=make_protocol("wrinkles_fine"),
        planned=4,
        booked=4,
        now=now,
    )
    away_from, away_until = (times.at_local(day + timedelta(days=days), time(9), location.zone) for days in (40, 42))
    closed = {"first_day": day + timedelta(days=50), "last_day": day + timedelta(days=51), "reason": "Stocktaking"}
    held = visit(patient, 8)
    ask_for_call(appointment=held, now=now)
    ask_lead_to_call(patient=patient, location=location, by=staff["receptionist"], now=now)
    scene = Scene(
        now=now,
        location=location,
        elsewhere=elsewhere,
        staff=staff,
        stranger=stranger,
        colleague=User.objects.get(practitioner=make_practitioner(location, hours=(), user=colleague)),
        left=make_user("receptionist", location=location, name="Rowan Leaver", is_active=False),
        patient=patient,
        other=other,
        fact=fact,
        practitioner=practitioner,
        room=make_room(location),
        device=make_device(location),
        held=held,
        clear=visit(other, 7),
        cancelled=cancelled,
        **_days_at_hand(location, practitioner, staff["receptionist"], now),
        course=course,
        refreshed=refreshed,
        token=make_link(held, now=now)[1],
        time_off=TimeOff.objects.create(practitioner=practitioner, starts_at=away_from, ends_at=away_until),
        closure=Closure.objects.create(location=location, **closed),
    )
    scene.device.refresh_from_db()  # as a form would read it
    _receive_a_mail()
    return scene


def _at(location: Location, day: date, days: int, hour: int) -> datetime:
    return times.at_local(day + timedelta(days=days), time(hour), location.zone)


def _days_at_hand(location: Location, practitioner: Practitioner, by: User, now: datetime) -> dict[str, Appointment]:
    """Visits of today and of yesterday, each at another point of its day."""
    today = times.local_date(now, location.zone)

    def booked(days: int, hour: int) -> dict:
        who = {"location": location, "practitioner": practitioner, "patient": make_clear_patient(location)}
        return who | {"starts_at": _at(location, today, days, hour), "now": now - timedelta(days=30)}

    def arrived(hour: int) -> Appointment:
        return day.arrive(appointment=make_appointment(**booked(0, hour)), revision=0, by=by, now=now)

    def check_in(appointment: Appointment, **answers: str) -> dict:
        asked = {"appointment": appointment, "start": appointment.starts_at, "by": by, "now": now}
        known = known_answers(appointment.patient)
        day.answer_checkin(answers=clear_answers(Stage.CHECKIN, known) | answers, **asked)
        return asked

    here, ready = arrived(10), arrived(12)
    record_answers(patient=here.patient, answers={"Q05": "yes", "Q05c": "may_pause"}, by=by, now=now)
    check_in(here, C02=f"{now.astimezone(location.zone):%Y-%m-%dT%H:%M}")
    day.sign_consent(typed_name=ready.patient.name, version=consent_text()[0], **check_in(ready))
    begun, ended, signed = make_visit(**booked(-1, 9)), chart(make_visit(**booked(-1, 11))), booked(-1, 13)
    written = {"by": practitioner.user, "now": ended.started_at + timedelta(hours=1)}
    ended = visits.add_topical(visit=ended, revision=ended.revision, name="Glide gel", **written)
    day.end_treatment(appointment=ended.session.appointments.get(), revision=ended.revision, **written)
    records = {"begun": begun, "ended": ended, "signed": make_signed_visit(**signed)}
    return {
        "expected": make_appointment(**booked(0, 15)),
        "here": here,
        "ready": ready,
        **{name: visit.session.appointments.with_everything().get() for name, visit in records.items()},
    }


def _receive_a_mail() -> None:
    """Into the demo's mailbox, which knows no locations: it shows whatever the mail server was given."""
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Your visit", settings.DEFAULT_FROM_EMAIL, "zoe@example.org"
    mail.set_content("Hello Zoë")
    mail.add_alternative("<p>Hello Zoë</p>", subtype="html")
    folder().mkdir(parents=True, exist_ok=True)
    (folder() / f"{MAIL_KEY}.eml").write_bytes(mail.as_bytes())


def walk(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every URL pattern of the application with its full name; one without a name comes with its route."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from walk(entry, prefix + (f"{entry.namespace}:" if entry.namespace else ""))
        else:
            yield prefix + (entry.name or str(entry.pattern)), entry


def client_of(scene: Scene, who: str, **options) -> Client:
    client = Client(**options)
    if who != "anonymous":
        user = scene.stranger if who == "stranger" else scene.staff[who]
        client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return client


def stored() -> dict[str, list]:
    """All that is kept, as the database has it, but for who signed in when and who opened what."""
    left_out = {"sessions.Session", "axes.AccessLog", "axes.AccessAttempt", "auditlog.LogEntry"}
    changes = LogEntry.objects.exclude(action=LogEntry.Action.ACCESS).exclude(changes__has_key="last_login")
    rows = {"changes": list(changes.order_by("pk").values_list("pk", flat=True))}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if model._meta.label not in left_out:
                columns = [field.column for field in model._meta.concrete_fields if field.name != "last_login"]
                names = ", ".join(map(connection.ops.quote_name, columns))
                cursor.execute(f"SELECT {names} FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608
                rows[model._meta.label] = sorted(map(str, cursor.fetchall()))
    return rows


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def said(answer) -> str:
    """Everything that an answer brings, head and body."""
    return f"{answer.headers} {answer.content.decode()}"
