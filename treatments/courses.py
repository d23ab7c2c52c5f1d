"""Courses, their plans and their sessions."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.text import paragraphs
from patients.models import Patient
from treatments.models import Course, CoursePlan, CourseSession, Protocol, Visit, Zone


class SessionsOutsideRange(Exception):
    """More or fewer sessions than the protocol foresees."""

    def __init__(self, protocol: Protocol):
        super().__init__(protocol.code)
        self.message = _("%(protocol)s takes %(min)d to %(max)d sessions. Plan a number between them.") % {
            "protocol": protocol.name,
            "min": protocol.sessions_min,
            "max": protocol.sessions_max,
        }


class CourseRefused(Exception):
    """The course stays as it was; `message` says why."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


def start_course(
    *, patient: Patient, protocol: Protocol, zones: Iterable[Zone], by, now: datetime, planned_sessions: int = 1
) -> CourseSession:
    """Start a course and return its first session. A single booking is a course of one.

    Raises SessionsOutsideRange when more than one session is planned and their number is not in the protocol's range.
    """
    _check_range(protocol, planned_sessions)
    refreshers = protocol.refreshers_min_per_year if planned_sessions > 1 else None
    with transaction.atomic():
        course = Course.objects.create(
            patient=patient,
            protocol=protocol,
            planned_sessions=planned_sessions,
            refreshers_per_year=refreshers,
            created_at=now,
            created_by=by,
        )
        course.zones.set(zones)
        sessions = [CourseSession(course=course, number=number + 1) for number in range(planned_sessions)]
        return CourseSession.objects.bulk_create(sessions)[0]


def _check_range(protocol: Protocol, planned_sessions: int) -> None:
    if planned_sessions != 1 and not protocol.sessions_min <= planned_sessions <= protocol.sessions_max:
        raise SessionsOutsideRange(protocol)


def change_course(
    *, course: Course, protocol: Protocol, zones: Iterable[Zone], planned_sessions: int | None = None
) -> None:
    """Plan a course for other zones, for another number of sessions, or for another protocol as long as nothing of it
    was treated.

    Without a number that stays where the protocol takes it, else it becomes the nearest that it takes; sessions that
    were never booked come and go with it. Raises CourseRefused or SessionsOutsideRange, with nothing changed.
    """
    with transaction.atomic():
        Course.objects.select_for_update(no_key=True).get(pk=course.pk)
        if protocol != course.protocol:
            if Visit.objects.filter(session__course=course).exists():
                raise CourseRefused(
                    _("This course was begun with its treatment. Start another course for another treatment.")
                )
            if CoursePlan.objects.filter(course=course).exists():
                raise CourseRefused(
                    _("The clinical lead has signed a plan for this treatment. Start another course for another one.")
                )
        if (protocol, planned_sessions or course.planned_sessions) != (course.protocol, course.planned_sessions):
            _fit(course, protocol, planned_sessions)
        course.zones.set(zones)


def _fit(course: Course, protocol: Protocol, wanted: int | None) -> None:
    """The number of sessions that is wanted, or that a protocol takes, but never fewer than were booked once."""
    last_booked = course.sessions.filter(screenings__isnull=False).aggregate(last=Max("number"))["last"] or 1
    planned = course.planned_sessions
    if wanted:
        _check_range(protocol, wanted)
        if wanted < last_booked:
            raise CourseRefused(
                _("Session %(number)d was booked once, so at least as many stay planned.") % {"number": last_booked}
            )
        if course.sessions.filter(kind=CourseSession.Kind.REFRESHER).exists():
            raise CourseRefused(_("This course has a refresher already, so the number of its sessions stays."))
        planned = wanted
    elif not course.is_single:
        planned = max(min(max(planned, protocol.sessions_min), protocol.sessions_max), last_booked)
    if protocol != course.protocol or 1 in (planned, course.planned_sessions):
        course.refreshers_per_year = None if planned == 1 else protocol.refreshers_min_per_year
    course.protocol, course.planned_sessions = protocol, planned
    course.save(update_fields=["protocol", "planned_sessions", "refreshers_per_year"])
    course.sessions.filter(number__gt=planned).delete()
    there = set(course.sessions.values_list("number", flat=True))
    CourseSession.objects.bulk_create(
        CourseSession(course=course, number=number) for number in range(1, planned + 1) if number not in there
    )


def sign_plan(*, course: Course, text: str, by: User, now: datetime) -> CoursePlan:
    """The clinical lead plans a course and signs. A plan is signed once and never changed.

    Raises CourseRefused for anybody else, without a word, and where another plan is signed already; the same words
    again are one signature, sent twice.
    """
    text = paragraphs(text)
    if not by.is_lead:
        raise CourseRefused(_("The clinical lead alone signs a plan."))
    if not text:
        raise CourseRefused(_("Write down what is planned before you sign."))
    with transaction.atomic():
        Course.objects.select_for_update(no_key=True).get(pk=course.pk)
        if signed := CoursePlan.objects.filter(course=course).first():
            if (signed.text, signed.signed_by) != (text, by):
                raise CourseRefused(_("A plan is signed already. It stays as it was signed."))
            return signed
        return CoursePlan.objects.create(course=course, text=text, signed_at=now, signed_by=by)


def plan_refresher(*, course: Course, per_year: int | None = None) -> CourseSession:
    """Add a refresher after the last session of a course, or return the one that waits to be booked.

    `per_year` is how often they are planned from now on, within the protocol's range. Raises CourseRefused outside it,
    for a protocol without refreshers, and for a single visit.
    """
    protocol = course.protocol
    if course.is_single or protocol.refreshers_min_per_year is None:
        raise CourseRefused(_("Refreshers follow a whole course, and not of every treatment."))
    per_year = per_year or course.refreshers_per_year or protocol.refreshers_min_per_year
    if not protocol.refreshers_min_per_year <= per_year <= protocol.refreshers_max_per_year:
        raise CourseRefused(
            _("%(protocol)s takes %(min)d to %(max)d refreshers a year. Plan a number between them.")
            % {
                "protocol": protocol.name,
                "min": protocol.refreshers_min_per_year,
                "max": protocol.refreshers_max_per_year,
            }
        )
    with transaction.atomic():
        locked = Course.objects.select_for_update(no_key=True).get(pk=course.pk)
        if locked.refreshers_per_year != per_year:
            locked.refreshers_per_year = per_year
            locked.save(update_fields=["refreshers_per_year"])
        course.refreshers_per_year = per_year
        last = course.sessions.order_by("-number").first()
        if last.is_refresher and not hasattr(last, "visit"):
            return last
        return CourseSession.objects.create(course=course, number=last.number + 1, kind=CourseSession.Kind.REFRESHER)
