"""Whom a date has kept from a visit, and who may come again within the next two weeks: a time can be offered now."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Prefetch, Q
from django.db.models.functions import Length
from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _

from clinic.models import Location
from patients.models import MedicalFact, Patient
from scheduling.eligibility import weigh
from scheduling.models import Appointment
from scheduling.worklists.rows import Reading, Row
from treatments.answers import OnFile, answers_about, on_file_of
from treatments.catalogue import Catalogue, Stage
from treatments.models import CatalogueVersion, Course, CourseSession, Screening, ScreeningDecision
from treatments.publishing import catalogue_of
from treatments.screening import evaluate

SOON = timedelta(days=14)
# A date that holds somebody back is hardly ever older: the longest look-back of a rule is a year.
ASKED_WITHIN = timedelta(days=400)
SURELY_OF_AGE = timedelta(days=366 * 21)


@dataclass(frozen=True)
class Eligible:
    """From when on a patient may come. `session` is the one to book; None for somebody who has no course yet."""

    patient: Patient
    session: CourseSession | None
    eligible_from: datetime


def eligible_soon(*, location: Location, now: datetime) -> list[Eligible]:
    """Who was held back by a date of the next two weeks and has no visit ahead, the first date first.

    A constant number of queries. The date is looked for only where one is known to have stood in the way, or where
    somebody was asked and has never been booked.
    """
    version = CatalogueVersion.objects.current()
    if version is None:
        return []
    courses = list(_courses(location, now))
    newcomers = list(_newcomers(location, now))
    patients = {each.pk: each for each in (*(course.patient for course in courses), *newcomers)}
    reading = _Reading(location, now, catalogue_of(version), on_file_of(patients.values(), catalogue_of(version)))
    found: dict[int, Eligible] = {}
    for course in courses:
        session = next((each for each in course.sessions.all() if not each.live_appointments), None)
        until = session and reading.until(course.patient, session)
        if until and course.patient_id not in found:
            found[course.patient_id] = Eligible(course.patient, session, until)
    for patient in newcomers:
        if until := reading.until(patient, None):
            found.setdefault(patient.pk, Eligible(patient, None, until))
    return sorted(found.values(), key=lambda each: (each.eligible_from, each.patient.pk))


def _ahead(now: datetime) -> Exists:
    """Whether a patient has a visit to come, or is here."""
    state = Appointment.State
    return Exists(
        Appointment.objects.filter(
            Q(state__in=state.AHEAD, starts_at__gt=now) | Q(state__in=(state.ARRIVED, state.IN_TREATMENT)),
            session__course__patient=OuterRef("pk"),
        )
    )


def _courses(location: Location, now: datetime):
    """Those in whose way a date of the next two weeks was found, the newest first, with all that tells the date."""
    patients = Patient.objects.filter(locations=location).filter(~_ahead(now))
    dated = Screening.objects.filter(session__course=OuterRef("pk")).filter(
        Q(not_before__gt=now, not_before__lte=now + SOON)
        | Q(decision__not_before__gt=now, decision__not_before__lte=now + SOON)
    )
    screenings = Screening.objects.newest_first().with_findings().select_related("decision__decided_by")
    live = Appointment.objects.taking_time().only("pk", "session_id")
    sessions = CourseSession.objects.order_by("number").prefetch_related(
        Prefetch("screenings", queryset=screenings.defer("answers"), to_attr="newest_screenings"),
        Prefetch("appointments", queryset=live, to_attr="live_appointments"),
    )
    return (
        Course.objects.filter(Exists(dated), patient__in=patients)
        .select_related("patient", "protocol")
        .prefetch_related("zones", Prefetch("sessions", queryset=sessions))
    )


def _newcomers(location: Location, now: datetime):
    """Those who were never booked, and of whom a date is on file or who may be too young: nothing else has an end."""
    dated = MedicalFact.objects.current().annotate(length=Length("on")).filter(length__gt=0)
    asked = dated.filter(patient=OuterRef("pk"), recorded_at__gt=now - ASKED_WITHIN)
    booked = Course.objects.filter(patient=OuterRef("pk"))
    is_young = Q(date_of_birth__gt=(now - SURELY_OF_AGE).date())
    return Patient.objects.filter(is_young | Exists(asked), ~Exists(booked), locations=location)


@dataclass(frozen=True)
class _Reading:
    location: Location
    now: datetime
    catalogue: Catalogue
    known: dict[int, dict[str, OnFile]]

    def until(self, patient: Patient, session: CourseSession | None) -> datetime | None:
        """The moment of the next two weeks from which nothing dated is in the way; None where there is no such.

        How long it takes to ask a prescriber is no date: that is counted back from the visit, once there is one.
        """
        course = session and session.course
        protocol = course and course.protocol.code
        is_offered = protocol is None or protocol in self.catalogue.protocols
        zones = [each.code for each in course.zones.all() if each.code in self.catalogue.zones] if course else []
        eligibility = weigh(
            evaluate(
                catalogue=self.catalogue,
                answers=answers_about(zones, self.known[patient.pk], self.catalogue),
                stage=Stage.BOOKING,
                visit_start=self.now,
                zone=self.location.zone,
                protocol=protocol if is_offered else None,
                zones=zones,
            ),
            checks=session.newest_screenings if session else [],
            postponed=_postponed(course) if course else None,
            start=self.now,
            zone=self.location.zone,
        )
        until = eligibility.not_before
        return until if until and until <= self.now + SOON and not eligibility.is_open_ended else None


def _postponed(course: Course) -> ScreeningDecision | None:
    """The decision that last put off one of its sessions."""
    decisions = [
        screening.decision
        for session in course.sessions.all()
        for screening in session.newest_screenings
        if hasattr(screening, "decision") and screening.decision.kind == ScreeningDecision.Kind.POSTPONE
    ]
    return max(decisions, key=lambda decision: (decision.decided_at, decision.pk), default=None)


def eligible_row(reading: Reading, eligible: Eligible) -> Row:
    local = eligible.eligible_from.astimezone(reading.location.zone)
    if session := eligible.session:
        url = reverse("scheduling:session-book", args=[session.public_id])
        why = ", ".join(filter(None, [session.course.protocol.name, session.position]))
    else:
        url = f"{reverse('scheduling:booking-create')}?patient={eligible.patient.public_id}"
        why = _("Not booked yet")
    return Row(
        patient=eligible.patient,
        appointment=None,
        why=why,
        by_when=_("From %(day)s") % {"day": format_date(local, "D j M")},
        is_pressing=False,
        phone=eligible.patient.phone,
        action=_("Find times"),
        url=url,
    )
