"""What a patient's page reads of her visits: courses, visits, messages, and who changed what."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.utils.translation import gettext as _

from clinic.models import Location
from patients.models import MedicalFact, Patient
from scheduling.board import Sign, sign_of
from scheduling.courses import CourseInTime, courses_in_time, depths_in_words
from scheduling.models import Appointment
from treatments.models import Course, Visit

CHANGES_SHOWN = 15
# What the machine keeps for itself: it changes whenever something else does.
KEPT_BY_ITSELF = {"id", "public_id", "revision", "search_name", "phone_digits", "created_at", "created_by"}


@dataclass(frozen=True)
class VisitLine:
    """One appointment, past or to come, and what was done at it."""

    appointment: Appointment

    @property
    def visit(self) -> Visit | None:
        return getattr(self.appointment.session, "visit", None)

    @property
    def sign(self) -> Sign:
        return sign_of(self.appointment)

    @property
    def done_in_words(self) -> str:
        return depths_in_words(self.visit) if self.visit else ""


@dataclass(frozen=True)
class PatientVisits:
    courses: list[CourseInTime]
    upcoming: list[VisitLine]
    earlier: list[VisitLine]

    @property
    def next(self) -> Appointment | None:
        return self.upcoming[0].appointment if self.upcoming else None

    @property
    def open_courses(self) -> list[CourseInTime]:
        """Those of several sessions in which something is still to come or to be planned."""
        return [
            course
            for course in self.courses
            if not course.course.is_single and (course.upcoming or course.to_book or course.may_plan_refresher)
        ]

    @property
    def closed_courses(self) -> list[CourseInTime]:
        is_open = {course.course.pk for course in self.open_courses}
        return [each for each in self.courses if not each.course.is_single and each.course.pk not in is_open]


@dataclass(frozen=True)
class Change:
    """Who changed what and when; the fields are named, their words are not."""

    at: datetime
    who: str
    what: str
    fields: str


def read_visits(
    patient: Patient, *, locations: Iterable[Location], zone: ZoneInfo, now: datetime, with_records: bool
) -> PatientVisits:
    """The patient's courses and her visits at the locations, in a constant number of queries.

    `with_records`, what was done at each as well: for those who may read it.
    """
    courses = Course.objects.filter(patient=patient).select_related("patient", "protocol").prefetch_related("zones")
    appointments = (
        Appointment.objects.of_locations(locations)
        .filter(session__course__patient=patient)
        .with_everything()
        .select_related("session__visit")
        .order_by("-starts_at")
    )
    if with_records:
        appointments = appointments.prefetch_related("session__visit__zone_records__zone")
    lines = [VisitLine(each) for each in appointments]
    is_ahead = [line.appointment.starts_at > now and not line.appointment.is_cancelled for line in lines]
    return PatientVisits(
        courses=courses_in_time(courses, now=now, zone=zone),
        upcoming=[line for line, ahead in zip(lines, is_ahead, strict=True) if ahead][::-1],
        earlier=[line for line, ahead in zip(lines, is_ahead, strict=True) if not ahead],
    )


def changes_about(patient: Patient) -> list[Change]:
    """The newest changes of the patient, of what is known of her health, and of her visits. For managers."""
    about = {
        Patient: [patient.pk],
        MedicalFact: MedicalFact.objects.filter(patient=patient).values("pk"),
        Appointment: Appointment.objects.filter(session__course__patient=patient).values("pk"),
    }
    wanted = Q()
    for model, keys in about.items():
        wanted |= Q(content_type=ContentType.objects.get_for_model(model), object_id__in=keys)
    entries = (
        LogEntry.objects.filter(wanted)
        .exclude(action=LogEntry.Action.ACCESS)
        .select_related("actor", "content_type")
        .order_by("-timestamp", "-pk")[:CHANGES_SHOWN]
    )
    return [
        Change(
            at=entry.timestamp,
            who=entry.actor.name if entry.actor else _("Automatic"),
            what=_what(entry),
            fields=", ".join(_fields(entry)),
        )
        for entry in entries
    ]


def _what(entry: LogEntry) -> str:
    is_new = entry.action == LogEntry.Action.CREATE
    return {
        Patient: _("Patient entered") if is_new else _("Contact changed"),
        MedicalFact: _("Health: something added") if is_new else _("Health: something ended"),
        Appointment: _("Visit booked") if is_new else _("Visit changed"),
    }[entry.content_type.model_class()]


def _fields(entry: LogEntry) -> list[str]:
    """The names of the fields that a change touched; what is new has them all."""
    if entry.action != LogEntry.Action.UPDATE:
        return []
    changed = (entry.changes or {}).keys() - KEPT_BY_ITSELF
    meta = entry.content_type.model_class()._meta
    known = [field for field in (*meta.fields, *meta.many_to_many) if field.name in changed]
    # a field that the model had once still has the name by which it is stored
    former = sorted(changed - {field.name for field in known})
    return [*(str(field.verbose_name) for field in known), *former]
