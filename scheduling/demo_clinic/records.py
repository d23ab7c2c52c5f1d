"""What was done at the demo's visits that are over, as the writers would have kept it; almost all of it is signed."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from random import Random

from clinic.models import User
from clinic.times import local_date
from scheduling.demo_clinic.appointments import Booked, in_office_hours
from scheduling.demo_clinic.courses import CONCERNS
from scheduling.demo_clinic.place import Place
from treatments.catalogue import Stage
from treatments.consents import consent_text
from treatments.depths import limit_of
from treatments.models import (
    Amendment,
    CatalogueVersion,
    Consent,
    ScreeningFinding,
    Topical,
    Visit,
    Zone,
    ZoneRecord,
)
from treatments.publishing import catalogue_of

CREAM, PERCENT = "Lidocaine cream", Decimal(4)
STRONG_CREAM, STRONG_PERCENT = "Lidocaine and prilocaine cream", Decimal(5)
WHY_STRONG = "The 4 per cent cream had run out. A small area, and off on time."
WHY_NONE = "Shallow needling, and she did not want any."
WITHOUT_CREAM, WITH_STRONG_CREAM = 0.03, 0.02
CARTRIDGES = ("Larum 12", "Larum 16", "Veyo Fine")
TOPICALS = ("Hyaluronic acid gel", "Panthenol balm", "Mineral sunscreen SPF 50")
WHY_AS_DEEP = (
    "Well tolerated last time, and little change so far.",
    "The skin is thick here; no answer at the depth before.",
    "One step deeper where it is still uneven.",
)
REACTIONS = ("A little more swelling than last time, gone within the hour.", "Warm for longer than usual; cooled.")
NOTES = ("Likes music while the cream works.", "Keep the head raised.", "Asked about sunscreen for children.")
AMENDMENTS = (
    "She called this morning: the redness is gone.",
    "The lamp of the other room was used, ours was broken.",
    "She flies in three weeks and knows about the sun.",
)
AMENDED = 0.02
UNSIGNED = 2  # records of yesterday, of those practitioners who have the first columns of the board
_BLEEDING = {
    Visit.Endpoint.EVEN_REDNESS: (Visit.Bleeding.NONE, Visit.Bleeding.NONE, Visit.Bleeding.SCATTERED),
    Visit.Endpoint.SCATTERED_PINPOINTS: (Visit.Bleeding.SCATTERED,),
    Visit.Endpoint.UNIFORM_PINPOINT: (Visit.Bleeding.UNIFORM, Visit.Bleeding.UNIFORM, Visit.Bleeding.SCATTERED),
}


def store_records(
    booked: list[Booked], *, place: Place, catalogue: CatalogueVersion, now: datetime, rng: Random
) -> None:
    """Consents and records of all visits that are over; the last ones of yesterday still wait for a signature."""
    over = [each for each in booked if each.is_over]
    _store_consents(over)
    waiting = _unsigned(over, place, local_date(now, place.zone) - timedelta(days=1))
    scribe = _Scribe(place, catalogue, now, rng)
    for each in over:
        scribe.write(each, is_signed=each not in waiting, is_complete=each not in waiting[1:])
    scribe.rows.store()


def _store_consents(over: list[Booked]) -> None:
    version, text = consent_text()
    Consent.objects.bulk_create(
        Consent(
            session=each.appointment.session,
            text_version=version,
            text=text,
            typed_name=each.appointment.patient.name,
            signed_at=each.times.consented_at,
            witnessed_by=each.appointment.practitioner.user,
        )
        for each in over
    )


def _unsigned(over: list[Booked], place: Place, yesterday: date) -> list[Booked]:
    days_last = {
        each.appointment.practitioner: each
        for each in over
        if local_date(each.appointment.starts_at, place.zone) == yesterday
    }
    return [days_last[each] for each in place.practitioners if each in days_last][:UNSIGNED]


def _left_out() -> dict[int, frozenset[str]]:
    """The codes of the zones that a screening took out of its visit, by session."""
    findings = ScreeningFinding.objects.filter(screening__stage=Stage.CHECKIN).exclude(zones="")
    return {each.screening.session_id: each.zones_left_out for each in findings.select_related("screening")}


@dataclass
class _Rows:
    """Records that are not stored yet."""

    visits: list[Visit] = field(default_factory=list)
    zones: list[ZoneRecord] = field(default_factory=list)
    topicals: list[Topical] = field(default_factory=list)
    signatures: list[tuple[Visit, datetime, User]] = field(default_factory=list)
    amendments: list[Amendment] = field(default_factory=list)

    def store(self) -> None:
        """The signatures after the parts: the database lets no part into a signed record."""
        Visit.objects.bulk_create(self.visits)
        ZoneRecord.objects.bulk_create(self.zones)
        Topical.objects.bulk_create(self.topicals)
        for visit, at, by in self.signatures:
            visit.signed_at, visit.signed_by = at, by
            visit.revision += 1
        signed = [visit for visit, _at, _by in self.signatures]
        Visit.objects.bulk_update(signed, ["signed_at", "signed_by", "revision"], batch_size=200)
        Amendment.objects.bulk_create(self.amendments)


class _Scribe:
    """Writes one record after the other, in order of time: what was done last time says how deep the next one goes."""

    def __init__(self, place: Place, catalogue: CatalogueVersion, now: datetime, rng: Random):
        self.place, self.now, self.rng = place, now, rng
        self.step = catalogue_of(catalogue).defaults.depth_step_mm
        self.zones = {zone.code: zone for zone in catalogue.zones.all()}
        self.last_depths: dict[tuple[int, str], Decimal] = {}
        self.left_out = _left_out()
        self.rows = _Rows()

    def write(self, booked: Booked, *, is_signed: bool, is_complete: bool) -> None:
        visit = self._visit(booked)
        zones = [self._zone(visit, zone) for zone in self._treated(booked)]
        topicals = [self._topical(visit, name) for name in self.rng.sample(TOPICALS, self.rng.randint(1, 2))]
        # cream on, cream off, each zone, the details, all that was put on, the end
        visit.revision = (2 if visit.numbing_agent else 1) + len(zones) + 1 + len(topicals) + 1
        self.rows.visits.append(visit)
        self.rows.zones += zones
        self.rows.topicals += topicals
        if is_signed:
            self.rows.signatures.append((visit, booked.times.signed_at, visit.practitioner.user))
            self._amend(visit, booked.times.signed_at)
        if not is_complete:
            visit.pain, visit.is_aftercare_given = None, False

    def _treated(self, booked: Booked) -> tuple[Zone, ...]:
        """The zones of the course; where they were left open, what is usual for the protocol. Some are left out."""
        zones = booked.course.zones or tuple(self.zones[code] for code in CONCERNS[booked.protocol.code].zones[0])
        left_out = self.left_out.get(booked.appointment.session.pk, frozenset())
        return tuple(zone for zone in zones if zone.code not in left_out)

    def _visit(self, booked: Booked) -> Visit:
        rng, appointment = self.rng, booked.appointment
        usual = booked.protocol.endpoint
        endpoint = Visit.Endpoint(usual) if rng.random() < 0.85 else Visit.Endpoint.SCATTERED_PINPOINTS
        return Visit(
            session=appointment.session,
            practitioner=appointment.practitioner,
            device=appointment.device,
            started_at=booked.times.started_at,
            ended_at=booked.times.ended_at,
            cartridge_make=rng.choice(CARTRIDGES),
            cartridge_lot=f"{rng.choice('ABCDE')}{len(self.rows.visits) + 10001}",
            cartridge_expires_on=self._expiry(booked.times.started_at),
            endpoint=endpoint,
            bleeding=rng.choice(_BLEEDING[endpoint]),
            redness=rng.randint(1, 3),
            swelling=rng.randint(0, 2),
            pain=rng.randint(1, 6),
            reaction=rng.choice(REACTIONS) if rng.random() < 0.05 else "",
            is_aftercare_given=True,
            **self._numbing(booked),
        )

    def _numbing(self, booked: Booked) -> dict:
        chance = self.rng.random()
        note = self.rng.choice(NOTES) if self.rng.random() < 0.06 else ""
        if not booked.protocol.numbing_minutes or chance < WITHOUT_CREAM:
            return {"no_numbing_reason": WHY_NONE, "note": note}
        is_strong = chance > 1 - WITH_STRONG_CREAM
        return {
            "numbing_agent": STRONG_CREAM if is_strong else CREAM,
            "numbing_strength_percent": STRONG_PERCENT if is_strong else PERCENT,
            "numbing_applied_at": booked.times.numbed_at,
            "numbing_removed_at": booked.times.wiped_at,
            "note": WHY_STRONG if is_strong else note,
        }

    def _zone(self, visit: Visit, zone: Zone) -> ZoneRecord:
        """As deep as last time, now and then a step or two deeper; the first time as the protocol begins."""
        course = visit.session.course
        limit, usual = limit_of(visit).depth_mm, min(course.protocol.depth_max_mm, zone.soft_max_mm)
        last = self.last_depths.get((course.patient.pk, zone.code))
        depth = min(last or min(course.protocol.depth_start_mm, usual), limit)
        if last and self.rng.random() < 0.3:
            depth = min(last + self.step * self.rng.randint(1, 2), course.protocol.depth_max_mm, limit)
        depth = (depth / self.step).to_integral_value(ROUND_FLOOR) * self.step
        takes_reason = depth > usual or (last and depth > last)
        self.last_depths[course.patient.pk, zone.code] = depth
        reason = self.rng.choice(WHY_AS_DEEP) if takes_reason else ""
        return ZoneRecord(visit=visit, zone=zone, depth_mm=depth, passes=self.rng.randint(4, 10), reason=reason)

    def _topical(self, visit: Visit, name: str) -> Topical:
        lot = f"{name[0]}{self.rng.randint(100, 999)}"
        return Topical(visit=visit, name=name, lot=lot, expires_on=self._expiry(visit.started_at))

    def _expiry(self, at: datetime) -> date:
        return local_date(at, self.place.zone) + timedelta(days=self.rng.randint(40, 700))

    def _amend(self, visit: Visit, signed_at: datetime) -> None:
        next_day = local_date(signed_at, self.place.zone) + timedelta(days=1)
        written_at = in_office_hours(next_day, self.place, self.rng)
        if self.rng.random() < AMENDED and written_at < self.now:
            self.rows.amendments.append(
                Amendment(
                    visit=visit,
                    text=self.rng.choice(AMENDMENTS),
                    written_at=written_at,
                    written_by=visit.practitioner.user,
                )
            )
