"""How free times are shown: as choices of a form, day by day, the best week of a window first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from scheduling.forms import slot_value
from scheduling.offers import Offer
from scheduling.slots import Slot, by_day

DAYS_OFFERED = 6
LONGEST_OFFER_DAYS = 366

Choice = tuple[str, Slot]


@dataclass(frozen=True)
class Group:
    """Days that belong together: those of the best week, or the others."""

    is_best: bool
    days: list[tuple[date, list[Choice]]]


def as_choices(slots: Iterable[Slot]) -> list[Choice]:
    """Slots as a form needs them: value and slot."""
    return [(slot_value(slot), slot) for slot in slots]


def offered(slots: Iterable[Slot], zone: ZoneInfo, *, limit: int = DAYS_OFFERED) -> list[tuple[date, list[Choice]]]:
    """The first few days with their slots."""
    return [(day, as_choices(starts)) for day, starts in by_day(slots, zone, limit=limit)]


def groups_of(offer: Offer, zone: ZoneInfo, *, is_exception: bool = False) -> list[Group]:
    """All of the best week, and then the few days that are closest to it; without a window the next few days."""
    if offer.window is None or is_exception:
        groups = [Group(False, offered(offer.slots, zone))]
    else:
        days = offered(offer.slots, zone, limit=LONGEST_OFFER_DAYS)
        best = [each for each in days if offer.window.is_best(each[0])]
        others = [each for each in days if not offer.window.is_best(each[0])]
        others.sort(key=lambda each: max(offer.window.ideal - each[0], each[0] - offer.window.best_until))
        groups = [Group(True, best), Group(False, sorted(others[:DAYS_OFFERED], key=lambda each: each[0]))]
    return [group for group in groups if group.days]


def is_exception_asked(request: HttpRequest) -> bool:
    """Whether the clinical lead asked for times outside the window; nobody else can."""
    return request.user.is_lead and "exception" in request.GET
