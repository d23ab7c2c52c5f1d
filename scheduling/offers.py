"""Free times for a session of a course: what the booking would take, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from clinic.models import Location, Practitioner
from clinic.times import local_date
from scheduling.course_booking import conflict_on, course_days, window_of
from scheduling.eligibility import Eligibility, earliest_eligible
from scheduling.models import Appointment
from scheduling.slots import Slot, find_slots, next_slots, on_days
from treatments.catalogue import Outcome, Stage
from treatments.decisions import standing, waits_for_prescriber
from treatments.models import CourseSession, Screening, ScreeningFinding
from treatments.publishing import catalogue_of
from treatments.screening import instant_of
from treatments.windows import Window

# What a prescriber needs to answer, by common practice.
TIME_TO_ASK = timedelta(days=7)
LONGEST_SEARCH = timedelta(weeks=12)


@dataclass(frozen=True)
class Offer:
    """The window of the session, from when on its patient may come, and the free times that both allow.

    None are offered as long as the session `waits_for` the one of that number.
    """

    window: Window | None
    eligibility: Eligibility
    slots: list[Slot]
    waits_for: int | None = None


def offer_times(
    *,
    session: CourseSession,
    location: Location,
    now: datetime,
    first_day: date | None = None,
    practitioner: Practitioner | None = None,
    ignoring: Appointment | None = None,
    is_exception: bool = False,
) -> Offer:
    """Free times from `first_day` on, at first from the day on which the window opens.

    With `is_exception` also outside the window and close to another needling of the same skin: the clinical lead may
    book those, with a reason. Twelve weeks are looked through at most, in a constant number of queries for each four.
    """
    course, zone, days = session.course, location.zone, course_days(session.course)
    sessions, window = list(course.sessions.all()), window_of(session, days)
    zones = list(course.zones.all())
    eligibility = earliest_eligible(
        patient=course.patient, protocol=course.protocol, zones=zones, zone=zone, start=now, now=now, session=session
    )
    if session.number > 1 and session.number - 1 not in days:
        return Offer(window, eligibility, [], waits_for=session.number - 1)
    if eligibility.is_open_ended:
        return Offer(window, eligibility, [])
    not_before = eligibility.not_before
    search = {
        "location": location,
        "protocol": course.protocol,
        "patient": course.patient,
        "zones": zones,
        "now": now,
        "not_before": not_before,
        "practitioner": practitioner,
        "ignoring": ignoring,
        "keeps_apart": not is_exception,
    }
    first_days = [local_date(now, zone), first_day, not_before and local_date(not_before, zone)]
    if is_exception or window is None:
        slots = next_slots(first_day=max(filter(None, first_days)), **search)
    else:
        start = max(filter(None, [*first_days, window.not_before]))
        length = min(window.not_after - start + timedelta(days=1), LONGEST_SEARCH)
        slots = find_slots(first_day=start, days=length.days, **search) if length > timedelta(0) else []
    if not is_exception:
        slots = on_days(
            slots, zone, lambda day: conflict_on(day, session=session, sessions=sessions, days=days) is None
        )
    return Offer(window, eligibility, slots)


@dataclass(frozen=True)
class Later:
    """Another time for a visit. `first_day` is the first whole day on which nothing with a date is in its way.

    It is None where nothing is in the way, or something that no date ends. `is_unheard` where no prescriber was heard
    in time. `passes` where all that is in the way ends by itself, although nobody knows the day.
    """

    first_day: date | None = None
    slots: Sequence[Slot] = ()
    is_unheard: bool = False
    passes: bool = False


def offer_later_times(*, appointment: Appointment, screening: Screening, now: datetime) -> Later:
    """Free times for an appointment to move to, from the day after it on. `screening` is its newest.

    Where a prescriber was not heard in time, there is a week to ask again.
    """
    zone, is_unheard = appointment.location.zone, _is_unheard(screening)
    offer = offer_times(
        session=appointment.session,
        location=appointment.location,
        now=now,
        first_day=_soonest(appointment, is_unheard, now),
        ignoring=appointment,
    )
    first_day = first_day_after(appointment=appointment, screening=screening, eligibility=offer.eligibility, now=now)
    slots = [slot for slot in offer.slots if first_day is None or local_date(slot.starts_at, zone) >= first_day]
    return Later(first_day, slots, is_unheard, passes=ends_by_itself(screening))


def first_day_after(
    *, appointment: Appointment, screening: Screening, eligibility: Eligibility, now: datetime
) -> date | None:
    """The first whole day after a visit on which nothing with a date is in its way, neither what blocks nor what holds.

    None where nothing blocks until a date, or something blocks without one, unless somebody has decided on a day.
    """
    zone = appointment.location.zone
    in_the_way = standing(screening.findings.all()) if screening.stands_in_the_way else []
    decided = screening.decision.not_before if hasattr(screening, "decision") else None
    known, holds = [], []
    blocking = [each for each in in_the_way if Outcome(each.outcome).is_blocking]
    if not eligibility.is_open_ended and all(each.clear_from for each in blocking):
        known = [eligibility.not_before, screening.not_before]
        holds = [each.clear_from for each in in_the_way if each.clear_from]
        holds += [
            instant_of(each.clear_from, zone)
            for each in eligibility.result.findings
            if each.clear_from and each.for_the_visit in Screening.STANDS_IN_THE_WAY
        ]
    until = max(filter(None, [decided, *known]), default=None)
    if until is None or until <= appointment.starts_at:
        return None
    return max(_soonest(appointment, _is_unheard(screening), now), whole_day(max([until, *holds]), zone))


def ends_by_itself(screening: Screening) -> bool:
    """Whether all that is in the way of a visit ends by a date, or passes: what is asked anew before each visit, such
    as a cold sore or a fever. Read it with `catalogue_version` selected and `findings` prefetched."""
    catalogue = catalogue_of(screening.catalogue_version)

    def passes(finding: ScreeningFinding) -> bool:
        asked = catalogue.rules[finding.rule_code].questions.get(Stage.PREVISIT, ())
        return Outcome(finding.outcome).is_blocking and any(catalogue.questions[id].keeps is None for id in asked)

    in_the_way = standing(screening.findings.all()) if screening.stands_in_the_way else []
    return bool(in_the_way) and all(each.clear_from or passes(each) for each in in_the_way)


def _is_unheard(screening: Screening) -> bool:
    return Outcome(screening.outcome).is_blocking and waits_for_prescriber(screening)


def _soonest(appointment: Appointment, is_unheard: bool, now: datetime) -> date:
    zone = appointment.location.zone
    soonest = local_date(max(appointment.starts_at, now), zone) + timedelta(days=1)
    return max(soonest, local_date(now, zone) + TIME_TO_ASK) if is_unheard else soonest


def whole_day(moment: datetime, zone: ZoneInfo) -> date:
    """The first local day all of which lies at or after a moment."""
    local = moment.astimezone(zone)
    return local.date() + timedelta(days=local.time() > time.min)
