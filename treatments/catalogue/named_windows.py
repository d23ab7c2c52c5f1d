"""The windows of the rules, and the words of the questions that name them.

A question never says “24 hours” by itself: the clinical lead may change the rule, and what a patient is asked must
follow. Its words hold the name of the window, as `{hours}`, or `{since}` for the moment from which on it counts.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.times import local_date, minus_months
from treatments.catalogue.spec import Catalogue, Question, Rule, Stage

# The numbers of a test that may be changed, with the most that makes sense.
WINDOWS = {
    "hours": 720,
    "advice_hours": 720,
    "days": 3650,
    "hold_until_days": 3650,
    "months": 120,
    "hold_until_months": 120,
    "years": 100,
}
SINCE = "{since}"
IN_NUMBERS = re.compile(r"\b([0-9]+)[ -](hour|day|week|month|year)s?\b", re.IGNORECASE)


def in_units(setting: str, number: int) -> str:
    """A number of a test with its unit: “24 hours”."""
    if setting.endswith("hours"):
        words = ngettext("%(n)d hour", "%(n)d hours", number)
    elif setting.endswith("days"):
        words = ngettext("%(n)d day", "%(n)d days", number)
    elif setting.endswith("months"):
        words = ngettext("%(n)d month", "%(n)d months", number)
    else:
        words = ngettext("%(n)d year", "%(n)d years", number)
    return words % {"n": number}


def windows_of(question: Question, rules: Iterable[Rule]) -> dict[str, int]:
    """The windows of the rules that a question feeds, by name; of two with one name the longer."""
    fed = [rule for rule in rules if rule.test and any(question.id in ids for ids in rule.questions.values())]
    return {
        name: max(numbers)
        for name in WINDOWS
        if (numbers := [rule.test.params[name] for rule in fed if rule.test.params.get(name)])
    }


def filled(text: str, windows: Mapping[str, int]) -> str:
    """Words with the windows that they name."""
    for name, number in windows.items():
        text = text.replace(f"{{{name}}}", in_units(name, number))
    return text


def window_in_numbers(text: str, windows: Mapping[str, int]) -> tuple[str, str] | None:
    """Where words say a window in numbers, or ask about less: what they say, and the name that belongs there."""
    for said in IN_NUMBERS.finditer(text):
        number, unit = int(said[1]), said[2].lower()
        number, unit = (number * 7, "day") if unit == "week" else (number, unit)
        for name, window in windows.items():
            if unit == name.rstrip("s").rpartition("_")[2] and number <= window:
                return said[0], name
    return None


def is_dated(question: Question, windows: Mapping[str, int]) -> bool:
    """Whether a question can say since when: it is asked of one visit, and its rules count back from that."""
    return question.stage != Stage.BOOKING and bool(windows)


def asked(
    catalogue: Catalogue, question: Question, *, start: datetime | None = None, zone: ZoneInfo | None = None
) -> Question:
    """A question as it is asked before a visit at `start` in a time zone: since which moment."""
    if SINCE not in question.text:
        return question
    windows = windows_of(question, catalogue.rules.values())
    since = _since(windows, start, zone) if start else _("%(window)s before the visit") % {"window": _longest(windows)}
    return replace(question, text=question.text.replace(SINCE, since))


def _since(windows: Mapping[str, int], start: datetime, zone: ZoneInfo) -> str:
    """The first moment, or the first day, that is inside the longest of the windows."""
    if hours := windows.get("hours"):
        return date_format((start - timedelta(hours=hours)).astimezone(zone), "l j F, H:i")
    day = local_date(start, zone)
    days = max(windows.get("days", 0), windows.get("hold_until_days", 0))
    months = max(windows.get("months", 0), windows.get("hold_until_months", 0))
    first = min(day - timedelta(days=days), minus_months(day, months)) + timedelta(days=1)
    return date_format(first, "l j F")


def _longest(windows: Mapping[str, int]) -> str:
    name = max(windows, key=lambda name: list(WINDOWS).index(name))
    return in_units(name, windows[name])
