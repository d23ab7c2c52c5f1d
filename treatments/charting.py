"""What the record of a visit may hold: every value cleaned and checked, with a sentence for whoever types it.

The checks look at a whole record that is about to be saved, so that values which were given one after the other fit
together. All of them raise ValidationError by field.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import TypedDict

from django.core.exceptions import ValidationError
from django.db.models import Max, Min
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.models import Device
from clinic.text import has_letter, one_line
from clinic.times import local_date
from patients.records import clean_text
from treatments.catalogue import Effect, Stage
from treatments.decisions import standing
from treatments.depths import defaults_of, depths_in, written
from treatments.models import Screening, Visit, Zone
from treatments.publishing import catalogue_of

STRONGEST_PERCENT = 4  # stronger numbing creams are warned against, so they take a word of why
MOST_PASSES = 30
LAST_EXPIRY = date(2100, 12, 31)


class Details(TypedDict, total=False):
    """What is recorded in pieces; what is not named stays as it is."""

    device: Device
    cartridge_make: str
    cartridge_lot: str
    cartridge_expires_on: date | None
    endpoint: str
    bleeding: str
    redness: int | None
    swelling: int | None
    pain: int | None
    reaction: str
    is_aftercare_given: bool
    note: str


def left_to_sign(visit: Visit) -> list[str]:
    """What the record still lacks, each in a few words; empty when it can be signed."""
    return [
        words
        for words, is_there in (
            (_("numbing: what, when on and when off, or why none"), _is_numbing_told(visit)),
            (_("a zone with depth and passes"), visit.zone_records.exists()),
            (_("make of the cartridge"), visit.cartridge_make),
            (_("lot of the cartridge"), visit.cartridge_lot),
            (_("expiry of the cartridge"), visit.cartridge_expires_on),
            (_("endpoint"), visit.endpoint),
            (_("bleeding"), visit.bleeding),
            (_("redness"), visit.redness is not None),
            (_("swelling"), visit.swelling is not None),
            (_("pain"), visit.pain is not None),
            (_("aftercare explained and handed over"), visit.is_aftercare_given),
            (_("end of the needling"), visit.ended_at),
        )
        if not is_there
    ]


def _is_numbing_told(visit: Visit) -> bool:
    return bool(visit.no_numbing_reason) or visit.numbing_removed_at is not None


# --- One value --------------------------------------------------------------------------------------------------------


def line(value: str, field: str, longest: int) -> str:
    cleaned = one_line(value)
    if len(cleaned) > longest:
        raise ValidationError({field: _("Shorten this to %(longest)d characters.") % {"longest": longest}})
    return cleaned


def lot(value: str, field: str) -> str:
    """Lots are compared, so they are kept in capitals however they were typed."""
    return line(value, field, 40).upper()


def text(value: str, field: str) -> str:
    try:
        return clean_text(value)
    except ValidationError as mistake:
        raise ValidationError({field: mistake}) from mistake


def _choice(choices):
    def clean(value: str, field: str) -> str:
        if value and value not in choices.values:
            raise ValidationError({field: _("Choose one of the answers.")})
        return value

    return clean


def _score(most: int):
    def clean(value: int | None, field: str) -> int | None:
        if value is not None and not 0 <= value <= most:
            raise ValidationError({field: _("Give a number from 0 to %(most)d.") % {"most": most}})
        return value

    return clean


_CLEANERS = {
    "cartridge_make": lambda value, field: line(value, field, 60),
    "cartridge_lot": lot,
    "endpoint": _choice(Visit.Endpoint),
    "bleeding": _choice(Visit.Bleeding),
    "redness": _score(4),
    "swelling": _score(4),
    "pain": _score(10),
    "reaction": text,
    "note": text,
}


def clean_details(details: Details) -> Details:
    """The details one by one as they may be stored, every mistake at once."""
    cleaned, mistakes = {}, {}
    for field, value in details.items():
        if field not in Details.__annotations__:
            raise TypeError(f"{field} is no detail of a record.")
        try:
            cleaned[field] = _CLEANERS[field](value, field) if field in _CLEANERS else value
        except ValidationError as mistake:
            mistakes |= mistake.error_dict
    if mistakes:
        raise ValidationError(mistakes)
    return cleaned


def clean_topical(record: Visit, *, name: str, lot: str, expires_on: date | None) -> dict:
    """Something put on the skin, as it may be stored."""
    name = line(name, "name", 80)
    if not has_letter(name):
        raise ValidationError({"name": _("Say what was put on the skin.")})
    _check_expiry(record, expires_on, "expires_on")
    return {"name": name, "lot": line(lot, "lot", 40).upper(), "expires_on": expires_on}


# --- The record as a whole --------------------------------------------------------------------------------------------


def check_numbing(record: Visit, now: datetime) -> None:
    """Either a cream with its strength and times, or the reason why there was none."""
    given = (record.numbing_strength_percent, record.numbing_applied_at, record.numbing_removed_at)
    if record.no_numbing_reason:
        if record.numbing_agent or any(each is not None for each in given):
            raise ValidationError({"none_reason": _("Name the cream or say why there was none, not both.")})
        return
    mistakes = {}
    if not has_letter(record.numbing_agent):
        mistakes["agent"] = _("Name the cream, or say why there was none.")
    elif _must_not_be_numbed(record):
        mistakes["agent"] = _("The screening says: no numbing cream. Treat without, and say so.")
    if record.numbing_strength_percent is None or not 0 < record.numbing_strength_percent < 100:
        mistakes["strength_percent"] = _("Give the strength in per cent, such as 4.")
    mistakes |= _mistakes_of_times(record, now)
    if mistakes:
        raise ValidationError(mistakes)
    _check_strong_cream(record)


def _mistakes_of_times(record: Visit, now: datetime) -> dict[str, str]:
    applied, removed = record.numbing_applied_at, record.numbing_removed_at
    mistakes = {}
    if applied is None:
        mistakes["applied_at"] = _("Give the time at which the cream went on.")
    elif applied > now:
        mistakes["applied_at"] = _("This time has not come yet. Check when the cream went on.")
    elif applied < (began := _checkin_began_at(record)):
        zone = record.device.location.zone
        mistakes["applied_at"] = _("The check-in began at %(time)s, before any cream. Check the time.") % {
            "time": f"{began.astimezone(zone):%H:%M}"
        }
    if removed is not None:
        if applied is not None and removed <= applied:
            mistakes["removed_at"] = _("The cream comes off after it went on. Check both times.")
        elif removed > now:
            mistakes["removed_at"] = _("This time has not come yet. Check when the cream came off.")
    return mistakes


def _checkin_began_at(record: Visit) -> datetime:
    """The minute in which the questions of the day were answered first, for the start that the visit had."""
    began = (
        Screening.objects.filter(session=record.session_id, stage=Stage.CHECKIN)
        .values("for_start")
        .annotate(first=Min("created_at"), last=Max("created_at"))
        .order_by("-last")
        .first()
    )
    return began["first"].replace(second=0, microsecond=0)  # times at a visit are typed to the minute


def _must_not_be_numbed(record: Visit) -> bool:
    """Whether what was answered on arrival speaks against a cream. Lifting that allows the visit, not the cream."""
    checkin = (
        Screening.objects.filter(session=record.session_id, stage=Stage.CHECKIN)
        .newest_first()
        .select_related("catalogue_version")
        .first()
    )
    rules = catalogue_of(checkin.catalogue_version).rules
    return any(rules[each.rule_code].effect == Effect.NO_NUMBING for each in standing(checkin.findings.all()))


def _check_strong_cream(record: Visit) -> None:
    strength = record.numbing_strength_percent
    if strength is not None and strength > STRONGEST_PERCENT and not record.note:
        raise ValidationError(
            {"note": _("Creams of more than 4 per cent are warned against. Write into the note why this one was used.")}
        )


def check_details(record: Visit) -> None:
    _check_strong_cream(record)
    _check_expiry(record, record.cartridge_expires_on, "cartridge_expires_on")
    _check_device(record)
    others = Visit.objects.exclude(pk=record.pk)
    if record.cartridge_lot and others.filter(
        cartridge_make__iexact=record.cartridge_make, cartridge_lot=record.cartridge_lot
    ):
        raise used_cartridge()


def used_cartridge() -> ValidationError:
    return ValidationError({"cartridge_lot": _("This cartridge was used at another visit. Open a new one.")})


def _check_device(record: Visit) -> None:
    before = Visit.objects.select_related("device").get(pk=record.pk).device
    device = record.device
    if device == before:
        return
    if not device.is_active or device.location_id != before.location_id:
        raise ValidationError({"device": _("This device is not in use here. Choose another one.")})
    if too_deep := record.zone_records.filter(depth_mm__gt=device.max_depth_mm).select_related("zone").first():
        raise ValidationError(
            {
                "device": _("%(zone)s is recorded with %(depth)s mm, and this device does not go that deep.")
                % {"zone": too_deep.zone.name, "depth": written(too_deep.depth_mm)}
            }
        )


def _check_expiry(record: Visit, expires_on: date | None, field: str) -> None:
    if expires_on is None:
        return
    day = local_date(record.started_at, record.device.location.zone)
    if expires_on < day:
        raise ValidationError(
            {field: _("This expired on %(day)s. Take another one.") % {"day": date_format(expires_on, "j F Y")}}
        )
    if expires_on > LAST_EXPIRY:
        raise ValidationError({field: _("Check the year of the expiry.")})


def check_zone(record: Visit, zone: Zone, depth_mm: Decimal, passes: int, reason: str) -> None:
    """Refuses what may never be done, and what takes a reason where there is none."""
    if not zone.is_bookable:
        raise ValidationError({"zone": _("%(zone)s: this is never treated.") % {"zone": zone.name}})
    if zone.version_id != record.session.course.protocol.version_id:
        raise ValidationError({"zone": _("Choose one of the zones of this treatment.")})
    depths, step = depths_in(record, zone), defaults_of(record).depth_step_mm
    mistakes = {}
    if depth_mm > depths.limit.depth_mm:
        mistakes["depth_mm"] = depths.limit.words
    elif depth_mm <= 0 or depth_mm % step:
        mistakes["depth_mm"] = _("Give the depth in steps of %(step)s mm, such as 0.5.") % {"step": step}
    elif not reason:
        mistakes["reason"] = depths.reasons_asked(depth_mm)
    if not 1 <= passes <= MOST_PASSES:
        mistakes["passes"] = _("Give 1 to %(most)d passes.") % {"most": MOST_PASSES}
    mistakes = {field: mistake for field, mistake in mistakes.items() if mistake}
    if mistakes:
        raise ValidationError(mistakes)
