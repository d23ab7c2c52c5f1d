"""The only writers of working hours, time off and closures, and what is booked into them already.

They raise ValidationError with sentences that can be shown as they are. Nothing here moves or cancels a visit: time
off over a booked visit is stored, and the page says what is to be moved.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.editing import EditedMeanwhile, fingerprint
from clinic.models import Location, Practitioner
from clinic.text import one_line
from clinic.times import day_bounds, local_date
from scheduling.models import Appointment, Closure, TimeOff, WorkingHours
from scheduling.models.hours import Weekday

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
LONGEST_NOTE = 200
LONGEST_REASON = 80

Stretch = tuple[time, time]
Week = dict[int, list[Stretch]]


def clean_stretches(stretches: Iterable[tuple[time | None, time | None]]) -> list[Stretch]:
    """A day's stretches of work in order, those left empty taken out."""
    given = [stretch for stretch in stretches if any(at is not None for at in stretch)]
    if any(None in stretch for stretch in given):
        raise ValidationError(_("Give both the start and the end, or leave both empty."))
    if any(ends <= starts for starts, ends in given):
        raise ValidationError(_("The end of work must come after its start."))
    given.sort()
    if any(before[1] > after[0] for before, after in pairwise(given)):
        raise ValidationError(_("These two stretches overlap. Leave the break between them."))
    return given


def week_of(practitioner: Practitioner, location: Location) -> Week:
    """The stretches at the location by weekday, Monday 0; a day off has none."""
    week = {day: [] for day in Weekday.values}
    for each in practitioner.working_hours.filter(location=location):
        week[each.weekday].append((each.starts, each.ends))
    return week


def set_week(*, practitioner: Practitioner, location: Location, seen: str, week: Week) -> None:
    """These stretches at the location and no others.

    `seen` is the fingerprint of the week that the form was opened with; EditedMeanwhile when another is stored by now.
    """
    week = {day: clean_stretches(week.get(day, [])) for day in Weekday.values}
    with transaction.atomic():
        Practitioner.objects.select_for_update(no_key=True).get(pk=practitioner.pk)  # bookings wait for the same row
        stored = week_of(practitioner, location)
        if fingerprint(stored) != seen:
            raise EditedMeanwhile(stored)
        _refuse_two_places_at_once(practitioner, location, week)
        wanted = {(day, starts, ends) for day, stretches in week.items() for starts, ends in stretches}
        for each in practitioner.working_hours.filter(location=location):
            if (each.weekday, each.starts, each.ends) in wanted:
                wanted.remove((each.weekday, each.starts, each.ends))
            else:
                each.delete()
        for day, starts, ends in sorted(wanted):
            WorkingHours.objects.create(
                practitioner=practitioner, location=location, weekday=day, starts=starts, ends=ends
            )


def _refuse_two_places_at_once(practitioner: Practitioner, location: Location, week: Week) -> None:
    mistakes = {}
    for there in practitioner.working_hours.exclude(location=location):
        if any(starts < there.ends and there.starts < ends for starts, ends in week[there.weekday]):
            mistakes[str(there.weekday)] = _("Another location has %(starts)s to %(ends)s on this day.") % {
                "starts": f"{there.starts:%H:%M}",
                "ends": f"{there.ends:%H:%M}",
            }
    if mistakes:
        raise ValidationError(mistakes)


def create_time_off(
    *, practitioner: Practitioner, starts_at: datetime, ends_at: datetime, note: str = "", now: datetime
) -> TimeOff:
    """Away from and until, in UTC. Stored once, however often it is asked for."""
    note = one_line(note)
    if ends_at <= starts_at:
        raise ValidationError(_("The end must come after the start."))
    if starts_at.date() < FIRST_DAY or ends_at.date() > LAST_DAY + timedelta(days=1):
        raise ValidationError(_("Give days between 2000 and 2100."))
    if ends_at <= now:
        raise ValidationError(_("This lies in the past. Check the dates."))
    if len(note) > LONGEST_NOTE:
        raise ValidationError({"note": _("Shorten the note to %(longest)d characters.") % {"longest": LONGEST_NOTE}})
    with transaction.atomic():
        Practitioner.objects.select_for_update(no_key=True).get(pk=practitioner.pk)
        same = practitioner.time_off.filter(starts_at=starts_at, ends_at=ends_at).first()
        return same or TimeOff.objects.create(
            practitioner=practitioner, starts_at=starts_at, ends_at=ends_at, note=note
        )


def delete_time_off(*, time_off: TimeOff) -> None:
    time_off.delete()


def create_closure(*, location: Location, first_day: date, last_day: date, reason: str, now: datetime) -> Closure:
    """Closed from the first to the last day, both included. Stored once, however often it is asked for."""
    reason = one_line(reason)
    if last_day < first_day:
        raise ValidationError({"last_day": _("The last day must not come before the first.")})
    if not FIRST_DAY <= first_day <= last_day <= LAST_DAY:
        raise ValidationError({"first_day": _("Give days between 2000 and 2100.")})
    if last_day < local_date(now, location.zone):
        raise ValidationError({"last_day": _("This lies in the past. Check the dates.")})
    if not reason or len(reason) > LONGEST_REASON:
        raise ValidationError(
            {"reason": _("Give a reason of at most %(longest)d characters.") % {"longest": LONGEST_REASON}}
        )
    with transaction.atomic():
        Location.objects.select_for_update(no_key=True).get(pk=location.pk)
        same = location.closures.filter(first_day=first_day, last_day=last_day).first()
        return same or Closure.objects.create(location=location, first_day=first_day, last_day=last_day, reason=reason)


def delete_closure(*, closure: Closure) -> None:
    closure.delete()


@dataclass(frozen=True)
class Gap:
    """A time off or a closure by the clock on the wall, and how many visits are booked into it, the first on which day.

    `starts` and `ends` are naive: templates would turn aware times into UTC.
    """

    row: TimeOff | Closure
    starts: datetime
    ends: datetime
    visits: int
    first_visit_on: date | None

    @property
    def is_whole_days(self) -> bool:
        return self.starts.time() == self.ends.time() == time.min

    @property
    def first_day(self) -> date:
        return self.starts.date()

    @property
    def last_day(self) -> date:
        """An end at midnight is the end of the day before."""
        return self.ends.date() - timedelta(days=self.ends.time() == time.min)


def coming_time_off(*, practitioner: Practitioner, location: Location, now: datetime) -> list[Gap]:
    """What is not over yet, in the location's time, with the practitioner's visits anywhere. Two queries."""
    rows = list(practitioner.time_off.filter(ends_at__gt=now))
    visits = Appointment.objects.filter(practitioner=practitioner)
    return _gaps([(row, row.starts_at, row.ends_at) for row in rows], visits, location)


def coming_closures(*, location: Location, now: datetime) -> list[Gap]:
    """What is not over yet, with the visits at the location. Two queries."""
    rows = list(location.closures.filter(last_day__gte=local_date(now, location.zone)))
    spans = [
        (row, day_bounds(row.first_day, location.zone)[0], day_bounds(row.last_day, location.zone)[1]) for row in rows
    ]
    return _gaps(spans, Appointment.objects.filter(location=location), location)


def _gaps(spans: list[tuple], visits, location: Location) -> list[Gap]:
    if not spans:
        return []
    booked = list(
        visits.taking_time()
        .overlapping(min(start for _row, start, _end in spans), max(end for _row, _start, end in spans))
        .order_by("starts_at")
        .values_list("starts_at", "ends_at")
    )
    gaps = []
    for row, start, end in spans:
        inside = [first for first, last in booked if first < end and last > start]
        gaps.append(
            Gap(
                row=row,
                starts=start.astimezone(location.zone).replace(tzinfo=None),
                ends=end.astimezone(location.zone).replace(tzinfo=None),
                visits=len(inside),
                first_visit_on=local_date(inside[0], location.zone) if inside else None,
            )
        )
    return gaps
