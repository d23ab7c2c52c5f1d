"""Real rows with sensible defaults: a test names only what it is about."""

import re
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

from django.conf import settings
from django.test import Client

from clinic.models import Device, Location, Practitioner, Room, User
from patients.models import MedicalFact, Patient
from scheduling import booking
from scheduling.models import Appointment, WorkingHours
from treatments import catalogue, publishing
from treatments.models import CatalogueVersion, Protocol

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


def make_fact(patient: Patient, **fields) -> MedicalFact:
    return MedicalFact.objects.create(
        **{"patient": patient, "kind": "medicine", "subject": "Cetirizine", "recorded_at": NOW} | fields
    )


def text_with_every_rule() -> str:
    """The shipped catalogue with all of its rules switched on."""
    off = re.compile(r"(?m)^(  - code: E\w+\n    name: .*\n    tag: \w+\n)(?!    active)")
    return off.sub(r"\1    active: true\n", catalogue.shipped_text())
