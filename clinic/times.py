"""The only clock, and the only place that does arithmetic with days, months and time zones.

Instants are aware and in UTC. Calendar arithmetic works on local dates and times and comes back to UTC through
`at_local`, because subtracting two datetimes of one zone compares wall clocks and forgets the change of the clocks.
"""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

QUIET_FROM = time(20)
QUIET_UNTIL = time(8)


def real_now() -> datetime:
    """The machine's time in UTC: for leases, sessions and the audit, which never follow a moved clock."""
    return timezone.now()


def offset() -> timedelta:
    """How far the demo's or a test's clock is ahead; read afresh at each call so that all processes move together."""
    if settings.CLOCK_FILE is None:
        return timedelta(0)
    try:
        return timedelta(seconds=int(settings.CLOCK_FILE.read_text()))
    except (FileNotFoundError, ValueError, OverflowError):
        return timedelta(0)


def now() -> datetime:
    """What the clinic takes for the present, in UTC. Taken once at the edge and handed down as a parameter."""
    return real_now() + offset()


def move_clock(*, by: timedelta) -> None:
    """Move the clock of a demo or a test ahead. Raises RuntimeError in production, which has no clock to move."""
    if settings.CLOCK_FILE is None:
        raise RuntimeError("The clock of a production clinic cannot be moved.")
    moved = int((offset() + by).total_seconds())
    partial = settings.CLOCK_FILE.with_suffix(".partial")
    partial.write_text(str(moved))
    partial.replace(settings.CLOCK_FILE)  # readers see the old offset or the new one, never half a file


def exists(local: datetime, zone: ZoneInfo) -> bool:
    """Whether a naive local time happens at all; in the hour that spring skips it does not."""
    aware = local.replace(tzinfo=zone)
    return aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local


def earlier_reading(local: datetime, zone: ZoneInfo) -> datetime:
    """A naive local time as the earlier of the instants it may mean, in UTC."""
    return min(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def later_reading(local: datetime, zone: ZoneInfo) -> datetime:
    """A naive local time as the later of the instants it may mean, in UTC."""
    return max(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def at_local(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which a wall clock shows `at` on `day`; the first one where it does so twice."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Where a local day begins and ends, as instants in UTC: 23 to 25 hours apart."""
    return at_local(day, time.min, zone), at_local(day + timedelta(days=1), time.min, zone)


def local_date(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def days_before_by_wall_clock(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same time of day some days earlier, in UTC."""
    local = at.astimezone(zone)
    return at_local(local.date() - timedelta(days=days), local.time(), zone)


def before_quiet_hours(at: datetime, zone: ZoneInfo) -> datetime:
    """`at`, or the last minute before the night it falls into: what comes before a visit may only come earlier."""
    local = at.astimezone(zone)
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return at
    evening = local.date() if local.time() >= QUIET_FROM else local.date() - timedelta(days=1)
    return at_local(evening, QUIET_FROM, zone) - timedelta(minutes=1)


def after_quiet_hours(at: datetime, zone: ZoneInfo) -> datetime:
    """`at`, or the end of the night it falls into: what comes after a visit may only come later."""
    local = at.astimezone(zone)
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return at
    morning = local.date() + timedelta(days=1) if local.time() >= QUIET_FROM else local.date()
    return at_local(morning, QUIET_UNTIL, zone)


def _shifted(day: date, months: int) -> tuple[int, int, int]:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return year, month + 1, calendar.monthrange(year, month + 1)[1]


def minus_months(day: date, months: int) -> date:
    """Calendar months back; a day that does not exist there becomes the last of its month."""
    year, month, last = _shifted(day, -months)
    return date(year, month, min(day.day, last))


def plus_months_clear(day: date, months: int) -> date:
    """The first day from which `minus_months` no longer passes `day`: a missing day becomes the 1st of the next month.

    Clamping to the month's end, as date libraries do, would free a patient a day early.
    """
    year, month, last = _shifted(day, months)
    return date(year, month, day.day) if day.day <= last else date(year, month, last) + timedelta(days=1)
