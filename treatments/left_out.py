"""The zones that a visit goes on without, because of what was found on them."""

from dataclasses import dataclass

from treatments.models import CourseSession, Screening
from treatments.publishing import catalogue_of


@dataclass(frozen=True)
class LeftOut:
    """A zone that stays untreated. `reasons` may repeat answers: they are for those who treat, and nobody else."""

    code: str
    name: str
    reasons: tuple[str, ...]


def names_left_out(session: CourseSession, screening: Screening | None) -> str:
    """Which of its zones the visit goes on without, after a screening with `findings` prefetched."""
    codes = screening.zones_left_out if screening else ()
    return ", ".join(zone.name for zone in session.course.zones.all() if zone.code in codes)


def left_out_of(session: CourseSession) -> dict[str, LeftOut]:
    """By zone code, what the newest screening of a session takes out of its visit. A constant number of queries."""
    newest = (
        Screening.objects.filter(session=session)
        .newest_first()
        .select_related("catalogue_version")
        .prefetch_related("findings")
        .first()
    )
    if newest is None or not newest.zones_left_out:
        return {}
    zones = catalogue_of(newest.catalogue_version).zones
    return {
        code: LeftOut(
            code, zone.name, tuple(each.reason for each in newest.findings.all() if code in each.zones_left_out)
        )
        for code, zone in zones.items()
        if code in newest.zones_left_out
    }
