"""The only writer of what is done at a visit: its record, zone by zone, the signature under it and what is added later.

Every function locks the record, checks that nobody has changed it meanwhile and raises its revision by one. Three kinds
of error, with sentences that can be shown as they are: VisitRefused where the moment or the person is wrong,
ValidationError with a sentence for each field, and EditedMeanwhile, which carries the stored record.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Unpack
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clinic.editing import EditedMeanwhile
from clinic.models import Device, Practitioner, User
from treatments import charting
from treatments.charting import Details, left_to_sign
from treatments.gates import Gate, gates
from treatments.left_out import LeftOut, left_out_of
from treatments.models import Amendment, CourseSession, Topical, Visit, Zone, ZoneRecord
from treatments.models.visits import SIGNED


class VisitRefused(Exception):
    """Nothing was written. `message` says why and what to do."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


class NotForYou(VisitRefused):
    """Another role writes this."""


class CannotStart(VisitRefused):
    """Something is missing before the visit may begin: `gates` are those that are open."""

    def __init__(self, open_gates: Iterable[Gate]):
        self.gates = list(open_gates)
        super().__init__(" ".join(gate.words for gate in self.gates))


class HasStarted(VisitRefused):
    """Somebody has begun this visit; `visit` is its record."""

    def __init__(self, visit: Visit):
        super().__init__(_("This visit has begun already."))
        self.visit = visit


class RecordSigned(VisitRefused):
    """The record is signed and stays as it is."""


class ZoneLeftOut(VisitRefused):
    """The visit goes on without this zone."""

    def __init__(self, left_out: LeftOut):
        super().__init__(
            _("%(zone)s is left out of this visit because of what was found. %(reasons)s")
            % {"zone": left_out.name, "reasons": " ".join(left_out.reasons)}
        )


class NotReady(VisitRefused):
    """The record cannot be signed yet; `left` names what is missing."""

    def __init__(self, left: Iterable[str]):
        self.left = list(left)
        super().__init__(_("Before you can sign: %(left)s.") % {"left": "; ".join(self.left)})


class NotSigned(VisitRefused):
    """Only a signed record is amended."""


def start_visit(
    *, session: CourseSession, start: datetime, practitioner: Practitioner, device: Device, by: User, now: datetime
) -> Visit:
    """Begin the visit of a session that is booked for `start`; there is no other way to begin one.

    Raises CannotStart while a gate is open, HasStarted, NotForYou, and ValidationError for a practitioner or a device
    that is not in use.
    """
    _check_hand(by)
    if not (practitioner.user.is_active and practitioner.user.is_practitioner):
        raise ValidationError({"practitioner": _("Choose a practitioner who treats here.")})
    if not device.is_active:
        raise ValidationError({"device": _("This device is not in use any more. Choose another one.")})
    with transaction.atomic():
        CourseSession.objects.select_for_update(no_key=True).get(pk=session.pk)
        if visit := Visit.objects.filter(session=session).first():
            raise HasStarted(visit)
        if open_gates := [gate for gate in gates(session=session, start=start) if gate.is_open]:
            raise CannotStart(open_gates)
        return Visit.objects.create(session=session, practitioner=practitioner, device=device, started_at=now)


def record_numbing(
    *,
    visit: Visit,
    revision: int,
    agent: str = "",
    strength_percent: Decimal | None = None,
    applied_at: datetime | None = None,
    removed_at: datetime | None = None,
    none_reason: str = "",
    note: str | None = None,
    by: User,
    now: datetime,
) -> Visit:
    """What numbed the skin, how strong it was and from when to when; or why nothing did.

    Takes the place of what was recorded before. `removed_at` may follow later. `note` replaces the record's note; a
    cream of more than 4 per cent takes one.
    """
    with _open_record(visit, revision, by) as record:
        record.numbing_agent = charting.line(agent, "agent", 80)
        record.numbing_strength_percent = strength_percent
        record.numbing_applied_at, record.numbing_removed_at = applied_at, removed_at
        record.no_numbing_reason = charting.text(none_reason, "none_reason")
        if note is not None:
            record.note = charting.text(note, "note")
        charting.check_numbing(record, now)
    return record


def record_details(*, visit: Visit, revision: int, by: User, now: datetime, **details: Unpack[Details]) -> Visit:
    """Device, cartridge, what the skin did and what was given along."""
    try:
        with _open_record(visit, revision, by) as record:
            for name, value in charting.clean_details(details).items():
                setattr(record, name, value)
            charting.check_details(record)
    except IntegrityError as error:
        # somebody else opened a cartridge of the same lot at the same moment
        if not any(name in str(error) for name in ("visit_cartridge_used_once", "treatments_visit.cartridge_lot")):
            raise
        raise charting.used_cartridge() from error
    return record


def set_zone(
    *,
    visit: Visit,
    revision: int,
    zone: Zone,
    depth_mm: Decimal,
    passes: int,
    reason: str = "",
    by: User,
    now: datetime,
) -> Visit:
    """How deep and how often a zone was needled; written again, it takes the place of what was there.

    Raises ZoneLeftOut for one that the visit goes on without.
    """
    with _open_record(visit, revision, by) as record:
        if left_out := left_out_of(record.session).get(zone.code):
            raise ZoneLeftOut(left_out)
        words = charting.text(reason, "reason")
        charting.check_zone(record, zone, depth_mm, passes, words)
        ZoneRecord.objects.update_or_create(
            visit=record, zone=zone, defaults={"depth_mm": depth_mm, "passes": passes, "reason": words}
        )
    return record


def remove_zone(*, visit: Visit, revision: int, zone: Zone, by: User, now: datetime) -> Visit:
    """The zone was not needled after all. One that is not there is left alone."""
    with _open_record(visit, revision, by) as record:
        record.zone_records.filter(zone=zone).delete()
    return record


def add_topical(
    *, visit: Visit, revision: int, name: str, lot: str = "", expires_on: date | None = None, by: User, now: datetime
) -> Visit:
    """Something that was put on the skin during the needling or after it."""
    with _open_record(visit, revision, by) as record:
        put_on = charting.clean_topical(record, name=name, lot=lot, expires_on=expires_on)
        Topical.objects.create(visit=record, **put_on)
    return record


def remove_topical(*, visit: Visit, revision: int, topical: Topical, by: User, now: datetime) -> Visit:
    with _open_record(visit, revision, by) as record:
        record.topicals.filter(pk=topical.pk).delete()
    return record


def end_needling(*, visit: Visit, revision: int, by: User, now: datetime) -> Visit:
    """The needling is over. A second end changes nothing. The record stays open until it is signed."""
    _check_hand(by)
    with transaction.atomic():
        stored = _locked(visit)
        if stored.ended_at is not None:
            return stored
        _check_open(stored, revision)
        stored.ended_at = now
        _save(stored)
    return stored


def sign_visit(*, visit: Visit, revision: int, by: User, now: datetime) -> Visit:
    """Sign the record, as the practitioner who treated or as the clinical lead. From then on it is only added to.

    Signing twice with the same hand changes nothing: the first signature stands. Raises NotReady, NotForYou,
    RecordSigned and EditedMeanwhile.
    """
    _check_hand(by)
    with transaction.atomic():
        stored = _locked(visit)
        if not (by.is_lead or stored.practitioner.user_id == by.pk):
            raise NotForYou(_("The practitioner who treated or the clinical lead signs this record."))
        if stored.signed_by_id == by.pk:
            return stored
        _check_open(stored, revision)
        if left := left_to_sign(stored):
            raise NotReady(left)
        stored.signed_at, stored.signed_by = now, by
        _save(stored)
    return stored


def amend_visit(*, visit: Visit, text: str, by: User, now: datetime, key: UUID | None = None) -> Amendment:
    """Add a dated, signed remark to a signed record. With a `key` that a form carries, posting it twice makes one."""
    _check_hand(by)
    words = charting.text(text, "text")
    if not words:
        raise ValidationError({"text": _("Write what is to be added.")})
    with transaction.atomic():
        stored = _locked(visit)
        if stored.signed_at is None:
            raise NotSigned(_("This record is not signed yet. Correct it instead."))
        if key and (first := Amendment.objects.filter(public_id=key).first()):
            if first.visit_id != stored.pk:
                raise VisitRefused(_("Another record was amended with this form. Open the page again."))
            return first
        return Amendment.objects.create(
            public_id=key or uuid4(), visit=stored, text=words, written_at=now, written_by=by
        )


# --- The record as it stands ------------------------------------------------------------------------------------------


@contextmanager
def _open_record(visit: Visit, revision: int, by: User) -> Iterator[Visit]:
    """The record as it is stored, locked for one change, which is saved with the next revision."""
    _check_hand(by)
    with transaction.atomic():
        stored = _locked(visit)
        _check_open(stored, revision)
        yield stored
        _save(stored)


def _locked(visit: Visit) -> Visit:
    return Visit.objects.select_for_update(no_key=True, of=("self",)).with_everything().get(pk=visit.pk)


def _save(stored: Visit) -> None:
    stored.revision += 1
    stored.save()


def _check_hand(by: User) -> None:
    if not (by.is_practitioner or by.is_lead):
        raise NotForYou(_("A practitioner or the clinical lead writes the record."))


def _check_open(stored: Visit, revision: int) -> None:
    if stored.signed_at is not None:
        raise RecordSigned(str(SIGNED))
    if stored.revision != revision:
        raise EditedMeanwhile(stored)
