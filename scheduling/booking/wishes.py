"""What somebody would like to book, and whether it may be."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.models import Location, Practitioner, User
from clinic.times import local_date
from patients.models import Patient
from scheduling.booking.refusals import InThePast, NotEligible, OutsideHours, OutsideWindow, TooSoon
from scheduling.course_booking import conflict_on, course_days
from scheduling.eligibility import Eligibility, earliest_eligible
from scheduling.intervals import needling_days
from scheduling.models import Appointment
from scheduling.slots import LONGEST_LEAD_DAYS, needs_of_protocol, practitioners_of, seconds, working_windows
from treatments.models import CourseSession, Protocol, Zone


@dataclass(frozen=True)
class Wish:
    """A visit that somebody would like to have."""

    patient: Patient
    protocol: Protocol
    zones: tuple[Zone, ...]
    location: Location
    practitioner: Practitioner
    starts_at: datetime
    by: User | None
    now: datetime
    session: CourseSession | None = None
    ignoring: Appointment | None = None
    reason: str = ""

    @classmethod
    def of_session(cls, session: CourseSession, **wish) -> "Wish":
        """A visit for a session that exists."""
        course = session.course
        return cls(
            patient=course.patient, protocol=course.protocol, zones=tuple(course.zones.all()), session=session, **wish
        )

    @classmethod
    def again(cls, appointment: Appointment, *, by, now, practitioner=None, starts_at=None, reason="") -> "Wish":
        """The visit of an appointment that exists, perhaps at another time or with somebody else."""
        return cls.of_session(
            appointment.session,
            location=appointment.location,
            practitioner=practitioner or appointment.practitioner,
            starts_at=starts_at or appointment.starts_at,
            by=by,
            now=now,
            ignoring=appointment,
            reason=reason,
        )

    def eligibility(self, *, start: datetime) -> Eligibility:
        """From when on the patient may come, looked at from `start` on."""
        return earliest_eligible(
            patient=self.patient,
            protocol=self.protocol,
            zones=self.zones,
            zone=self.location.zone,
            start=start,
            now=self.now,
            session=self.session,
        )

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(seconds=needs_of_protocol(self.protocol).patient[1])

    @property
    def is_exception(self) -> bool:
        """The clinical lead may leave a window or an interval, and says why."""
        return bool(self.reason.strip() and self.by and self.by.is_lead)


def check(wish: Wish) -> None:
    _check_start(wish)
    _check_hours(wish)
    _check_screening(wish)
    if not wish.is_exception:
        _check_window(wish)
        _check_interval(wish)


def check_in_place(wish: Wish) -> None:
    """For a visit that stays at its time. Its screening is run anew, and its light then says whether it may be."""
    if wish.ignoring.state in Appointment.State.AHEAD and wish.starts_at <= wish.now:
        raise InThePast(_("The time of this visit has passed. Move it first."))
    _check_hours(wish)
    if not wish.ignoring.exception_reason:
        _check_interval(wish)


def _check_start(wish: Wish) -> None:
    if wish.starts_at <= wish.now:
        raise InThePast(_("This time has passed. Choose a later one."))
    if wish.starts_at > wish.now + timedelta(days=LONGEST_LEAD_DAYS):
        raise OutsideHours(_("This date is more than two years ahead. Choose an earlier one."))


def _check_hours(wish: Wish) -> None:
    """The whole visit lies within one stretch of work, so that nobody sits numbed and alone over a break."""
    start, end = seconds(wish.starts_at), seconds(wish.ends_at)
    if not practitioners_of(wish.location).filter(pk=wish.practitioner.pk).exists():
        raise OutsideHours(_("This practitioner does not treat here. Choose another one."))
    day = local_date(wish.starts_at, wish.location.zone)
    windows = working_windows(location=wish.location, practitioners=[wish.practitioner], first_day=day, days=1)
    is_at_work = any(opens <= start and end <= closes for opens, closes in windows[wish.practitioner.pk])
    if not is_at_work or wish.practitioner.time_off.overlapping(wish.starts_at, wish.ends_at).exists():
        raise OutsideHours(_("The practitioner does not work then. Choose a time within working hours."))


def _check_screening(wish: Wish) -> None:
    zone = wish.location.zone
    eligibility = wish.eligibility(start=wish.starts_at)
    if eligibility.is_open_ended:
        raise NotEligible(_("The screening does not allow a booking now. Ask the clinical lead."), None)
    if eligibility.not_before is None:
        return
    day = date_format(local_date(eligibility.not_before, zone), "j F Y")
    raise NotEligible(
        _("The screening allows no visit before %(day)s. Choose that day or a later one.") % {"day": day},
        eligibility.not_before,
    )


def _check_window(wish: Wish) -> None:
    """A session lies in the window that the one before opens, and leaves the one after in its own."""
    if wish.session is None:
        return
    number, days = wish.session.number, course_days(wish.session.course)
    if number > 1 and number - 1 not in days:
        raise OutsideWindow(_("Book session %(number)d first: it opens the window.") % {"number": number - 1})
    conflict = conflict_on(
        local_date(wish.starts_at, wish.location.zone),
        session=wish.session,
        sessions=list(wish.session.course.sessions.all()),
        days=days,
    )
    if conflict is None:
        return
    if conflict.window is None:
        raise OutsideWindow(
            _("This would be the third refresher within twelve months. That needs the clinical lead and a reason.")
        )
    raise OutsideWindow(
        _("Session %(number)d then fits from %(first)s to %(last)s. Another day needs the clinical lead and a reason.")
        % {
            "number": conflict.session.number,
            "first": date_format(conflict.window.not_before, "j F Y"),
            "last": date_format(conflict.window.not_after, "j F Y"),
        }
    )


def days_that_fit(wish: Wish) -> Callable[[date], bool]:
    """On which days the course would take this visit; for what is no session of one yet, or an exception, on all."""
    if wish.session is None or wish.is_exception:
        return lambda day: True
    sessions, days = list(wish.session.course.sessions.all()), course_days(wish.session.course)
    return lambda day: conflict_on(day, session=wish.session, sessions=sessions, days=days) is None


def _check_interval(wish: Wish) -> None:
    zone = wish.location.zone
    day = local_date(wish.starts_at, zone)
    for needling in needling_days(
        patient=wish.patient, protocol=wish.protocol, zones=wish.zones, zone=zone, ignoring=wish.ignoring
    ):
        if needling.is_too_close_to(day):
            raise TooSoon(
                _("The same skin is treated on %(day)s. Keep %(days)d days between the two visits.")
                % {"day": date_format(needling.day, "j F Y"), "days": needling.days_apart}
            )
