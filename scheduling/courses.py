"""What the page of a course reads: its sessions in time, what comes next, and where each stands on the drawing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from django.db.models import Prefetch
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.times import local_date
from patients.models import Patient
from scheduling.board import Sign, sign_of
from scheduling.course_booking import window_of
from scheduling.models import Appointment
from scheduling.timeline import Axis, Bar, axis_over, bar_of, percent
from treatments.depths import written
from treatments.models import Course, CourseSession, Screening, Visit
from treatments.windows import Window

LANE, HEAD, HALF_BAND, DOT = 56, 34, 8, 12  # of the drawing, in pixels
ROOM_FOR_WORDS = 13  # what the words on a line between two sessions need, in per cent of the width


@dataclass(frozen=True)
class Line:
    """One session: when it is or may be, and how it stands.

    Without a day the window is the one in which it may be booked; where the session before has no day either it is
    only expected, counted on from the ideal days.
    """

    session: CourseSession
    appointment: Appointment | None
    day: date | None
    window: Window | None
    is_expected: bool = False
    previous: date | None = None

    @property
    def is_done(self) -> bool:
        return bool(self.appointment) and self.appointment.state == Appointment.State.COMPLETED

    @property
    def is_to_book(self) -> bool:
        """It has no day, and nothing before it is without one."""
        return self.appointment is None and not self.is_expected

    @property
    def visit(self) -> Visit | None:
        return getattr(self.session, "visit", None)

    @property
    def sign(self) -> Sign:
        return sign_of(self.appointment)

    @property
    def newest_screening(self) -> Screening | None:
        return next(iter(self.session.newest_screenings), None)

    @property
    def weeks_after(self) -> int | None:
        """Whole weeks since the session before."""
        return round((self.day - self.previous).days / 7) if self.day and self.previous else None

    @property
    def done_in_words(self) -> str:
        return depths_in_words(self.visit) if self.visit else ""

    @property
    def standing(self) -> str:
        """How its number is drawn: done, booked, next, or later."""
        if self.appointment:
            return "done" if self.is_done else "booked"
        return "later" if self.is_expected else "next"


@dataclass(frozen=True)
class Lane:
    """A session on the drawing: a band, a dot, and the line that leads to it from the session before."""

    line: Line
    y: int
    label: date | None
    dot: str
    bar: Bar | None
    from_x: str = ""
    from_y: int = 0
    words_x: str = ""

    @property
    def gap(self) -> str:
        """How long after the session before the window opens."""
        session = self.line.session
        if session.is_refresher:
            return _("from month %(months)d") % {"months": 12 // (session.course.refreshers_per_year or 1)}
        return _("at least %(weeks)d wk") % {"weeks": session.course.protocol.interval_weeks_min}

    @property
    def top(self) -> int:
        return self.y - LANE // 2

    @property
    def band_y(self) -> int:
        return self.y - HALF_BAND

    @property
    def words_y(self) -> int:
        return self.y - 9


@dataclass(frozen=True)
class CourseInTime:
    course: Course
    today: date
    lines: list[Line]

    @property
    def planned(self) -> list[Line]:
        return [line for line in self.lines if not line.session.is_refresher]

    @property
    def done_count(self) -> int:
        return sum(line.is_done for line in self.planned)

    @property
    def to_book(self) -> Line | None:
        return next((line for line in self.lines if line.is_to_book), None)

    @property
    def upcoming(self) -> Line | None:
        """The next session that has a day and is not over."""
        return next((line for line in self.lines if line.appointment and not line.is_done), None)

    @property
    def upcoming_when(self) -> str:
        """How far off the next session is: "in 3 days"."""
        days = (self.upcoming.day - self.today).days
        if days in (0, 1):
            return _("today") if days == 0 else _("tomorrow")
        if days < 0:
            return ngettext("%(n)d day ago", "%(n)d days ago", -days) % {"n": -days}
        return _("in %(n)d days") % {"n": days}

    @property
    def may_plan_refresher(self) -> bool:
        """The course is booked or done to its end, and its treatment is refreshed."""
        protocol = self.course.protocol
        return not self.course.is_single and bool(protocol.refreshers_min_per_year) and self.to_book is None

    @cached_property
    def axis(self) -> Axis:
        days = [self.today]
        for line in self.lines:
            days += [line.day] if line.day else []
            if line.window:
                # the many months of a refresher's window would leave no room for the course itself
                end = line.window.best_until if line.session.is_refresher else line.window.not_after
                days += [line.window.not_before, end]
        return axis_over(days)

    @property
    def today_x(self) -> str:
        return percent(self.axis.at(self.today))

    @property
    def height(self) -> int:
        return HEAD + LANE * len(self.lines) + 8

    @cached_property
    def lanes(self) -> list[Lane]:
        lanes = []
        for place, line in enumerate(self.lines):
            bar = bar_of(line.window, self.axis) if line.window else None
            label = line.day or (line.window.ideal if line.window else None)
            lane = Lane(
                line=line,
                y=HEAD + LANE * place + LANE // 2,
                label=label,
                dot=percent(self.axis.at(label)) if label else "",
                bar=bar,
            )
            if bar and lanes and lanes[-1].dot:
                start, end = (float(place[:-1]) for place in (lanes[-1].dot, bar.x))
                words_x = percent((start + end) / 2) if end - start > ROOM_FOR_WORDS else ""
                lane = replace(lane, from_x=lanes[-1].dot, from_y=lanes[-1].y + DOT + 2, words_x=words_x)
            lanes.append(lane)
        return lanes


def depths_in_words(visit: Visit) -> str:
    """How deep each zone was needled: "Cheeks 1.5, forehead 0.5 mm". Read it with the zone records prefetched."""
    zones = ", ".join(f"{record.zone.name.lower()} {written(record.depth_mm)}" for record in visit.zone_records.all())
    return _("%(zones)s\u00a0mm") % {"zones": zones[0].upper() + zones[1:]} if zones else ""


def courses_in_time(
    courses: Iterable[Course], *, now: datetime, zone: ZoneInfo, with_records: bool = False
) -> list[CourseInTime]:
    """Courses with all their sessions, in a constant number of queries; `with_records`, what was done at each as well.

    The courses bring their patient and their protocol.
    """
    by_id = {course.pk: course for course in courses}
    newest = Screening.objects.newest_first().select_related("decision").defer("answers")
    sessions = (
        CourseSession.objects.filter(course__in=by_id)
        .select_related("visit")
        .prefetch_related(Prefetch("screenings", queryset=newest, to_attr="newest_screenings"))
        .order_by("course", "number")
    )
    if with_records:
        sessions = sessions.prefetch_related("visit__zone_records__zone")
    appointments = {
        each.session_id: each
        for each in Appointment.objects.taking_time()
        .filter(session__course__in=by_id)
        .select_related("location", "practitioner__user", "room")
    }
    today = local_date(now, zone)
    own: dict[int, list[CourseSession]] = {key: [] for key in by_id}
    for session in sessions:
        session.course = by_id[session.course_id]
        own[session.course_id].append(session)
    return [CourseInTime(course, today, _lines(own[key], appointments, today)) for key, course in by_id.items()]


def sessions_to_book(patient: Patient, *, now: datetime, zone: ZoneInfo) -> list[Line]:
    """The next session of each course of a patient that goes on and has none booked after the last."""
    courses = Course.objects.filter(patient=patient, planned_sessions__gt=1).select_related("patient", "protocol")
    return [course.to_book for course in courses_in_time(courses, now=now, zone=zone) if course.to_book]


def _lines(sessions: list[CourseSession], appointments: dict[int, Appointment], today: date) -> list[Line]:
    """The sessions of one course. What has no day yet is counted on from the ideal day of the one before."""
    lines, days, is_expected = [], {}, False
    for session in sessions:
        appointment = appointments.get(session.pk)
        previous = days.get(session.number - 1)
        window = window_of(session, days)
        if appointment:
            days[session.number] = local_date(appointment.starts_at, appointment.location.zone)
            lines.append(Line(session, appointment, days[session.number], window, previous=previous))
            continue
        lines.append(Line(session, None, None, window, is_expected=is_expected, previous=previous))
        is_expected = True
        if window:
            days[session.number] = max(window.ideal, today)
    return lines
