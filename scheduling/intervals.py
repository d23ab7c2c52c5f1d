"""How close together the same skin may be needled."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from clinic.times import local_date
from patients.models import Patient
from scheduling.models import Appointment
from treatments.models import Protocol, Zone


@dataclass(frozen=True)
class NeedlingDay:
    """A local day on which skin is needled that the new visit touches too, and the days to keep between the two."""

    day: date
    days_apart: int

    def is_too_close_to(self, day: date) -> bool:
        return abs((day - self.day).days) < self.days_apart


def needling_days(
    *, patient: Patient, protocol: Protocol, zones: Iterable[Zone], zone: ZoneInfo, ignoring: Appointment | None = None
) -> list[NeedlingDay]:
    """Every other booked or past needling of the same zones; zones that are not known count as the same.

    The longer of the two protocols' shortest intervals holds. Two queries, however many visits there are.
    """
    codes = {each.code for each in zones}
    others = (
        Appointment.objects.taking_time()
        .filter(session__course__patient=patient)
        .select_related("session__course__protocol")
        .prefetch_related("session__course__zones")
    )
    days = []
    for other in others:
        if ignoring and other.pk == ignoring.pk:
            continue
        other_course = other.session.course
        other_codes = {each.code for each in other_course.zones.all()}
        if codes and other_codes and not codes & other_codes:
            continue
        weeks = max(protocol.interval_weeks_min, other_course.protocol.interval_weeks_min)
        days.append(NeedlingDay(local_date(other.starts_at, zone), weeks * 7))
    return days
