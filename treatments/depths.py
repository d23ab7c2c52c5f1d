"""How deep a needle may go, zone by zone: what refuses, what asks for a reason, and where an entry starts."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from django.utils.translation import gettext as _

from clinic.models import HARD_MAX_DEPTH_MM
from treatments.catalogue import Defaults
from treatments.models import CourseSession, Protocol, Visit, Zone, ZoneRecord
from treatments.publishing import catalogue_of


@dataclass(frozen=True)
class Bound:
    """A depth in mm, and the sentence that says whose it is."""

    depth_mm: Decimal
    words: str


@dataclass(frozen=True)
class ZoneDepths:
    """What holds for one zone at one visit. `last` is what was done there last time.

    Beyond `limit` a depth is refused. Beyond one of the `usual` bounds, or deeper than last time, it takes a reason.
    """

    zone: Zone
    limit: Bound
    usual: tuple[Bound, ...]
    default_mm: Decimal
    last: ZoneRecord | None

    def reasons_asked(self, depth_mm: Decimal) -> list[str]:
        """Why this depth takes a reason, in sentences; empty when it takes none."""
        asked = [bound.words for bound in self.usual if depth_mm > bound.depth_mm]
        if self.last and depth_mm > self.last.depth_mm:
            asked.append(_("Last time it was %(depth)s mm here.") % {"depth": written(self.last.depth_mm)})
        return asked


def zone_depths(visit: Visit) -> dict[str, ZoneDepths]:
    """By zone code, for every zone that may be treated at a visit. A constant number of queries."""
    version = visit.session.course.protocol.version
    last, limit = last_depths(visit.session), limit_of(visit)
    return {
        zone.code: _depths_of(visit, zone, limit, last.get(zone.code))
        for zone in version.zones.filter(is_bookable=True)
    }


def depths_in(visit: Visit, zone: Zone) -> ZoneDepths:
    """The same for one zone."""
    return _depths_of(visit, zone, limit_of(visit), last_depths(visit.session).get(zone.code))


def default_depth(visit: Visit, zone: Zone) -> Decimal:
    """Where an entry starts, in mm: as deep as last time; the first time the usual needle. Never beyond the limit."""
    return depths_in(visit, zone).default_mm


def last_depths(session: CourseSession) -> dict[str, ZoneRecord]:
    """What was done last time by zone code, whichever course it belonged to, before the visit of this session."""
    records = ZoneRecord.objects.filter(visit__session__course__patient=session.course.patient_id)
    if visit := Visit.objects.filter(session=session).only("started_at").first():
        records = records.filter(visit__started_at__lt=visit.started_at)
    records = records.exclude(visit__session=session).select_related("zone", "visit").order_by("visit__started_at")
    return {record.zone.code: record for record in records}


def limit_of(visit: Visit) -> Bound:
    """The strictest of what the needle, the device and the practitioner allow."""
    device, practitioner = visit.device, visit.practitioner
    return min(
        Bound(Decimal(HARD_MAX_DEPTH_MM), _("A needle goes 3.0 mm deep at most.")),
        Bound(
            device.max_depth_mm,
            _("%(device)s goes %(depth)s mm deep at most.")
            % {"device": device.name, "depth": written(device.max_depth_mm)},
        ),
        Bound(
            practitioner.max_depth_mm,
            _("%(name)s may go %(depth)s mm deep at most.")
            % {"name": practitioner.name, "depth": written(practitioner.max_depth_mm)},
        ),
        key=lambda bound: bound.depth_mm,
    )


def written(depth_mm: Decimal) -> str:
    """0.25, 0.5, 3.0: as people write a depth."""
    shown = f"{depth_mm:.2f}"
    return shown[:-1] if shown.endswith("0") else shown


def defaults_of(visit: Visit) -> Defaults:
    return catalogue_of(visit.session.course.protocol.version).defaults


def _depths_of(visit: Visit, zone: Zone, limit: Bound, last: ZoneRecord | None) -> ZoneDepths:
    protocol, defaults = visit.session.course.protocol, defaults_of(visit)
    start = min(last.depth_mm if last else defaults.depth_default_mm, limit.depth_mm)
    steps = (start / defaults.depth_step_mm).to_integral_value(ROUND_FLOOR)
    return ZoneDepths(
        zone=zone,
        limit=limit,
        usual=_usual(protocol, zone),
        default_mm=steps * defaults.depth_step_mm,
        last=last,
    )


def _usual(protocol: Protocol, zone: Zone) -> tuple[Bound, ...]:
    in_zone = zone.soft_max_mm
    if _treats_scars(protocol) and zone.scar_soft_max_mm:
        in_zone = zone.scar_soft_max_mm
    return (
        Bound(
            protocol.depth_max_mm,
            _("%(protocol)s is usually treated no deeper than %(depth)s mm.")
            % {"protocol": protocol.name, "depth": written(protocol.depth_max_mm)},
        ),
        Bound(
            in_zone,
            _("%(zone)s: usually no deeper than %(depth)s mm.") % {"zone": zone.name, "depth": written(in_zone)},
        ),
    )


def _treats_scars(protocol: Protocol) -> bool:
    return "scar" in protocol.code.split("_")
