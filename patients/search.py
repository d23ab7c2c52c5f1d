"""Finding a patient by a part of what is known of her."""

import re
from datetime import date
from functools import reduce
from operator import and_

from django.db.models import Case, Q, Value, When
from django.utils.dates import MONTHS

from clinic.contacts import WRITTEN_PHONE
from clinic.models import Location
from clinic.text import one_line
from patients.folding import fold
from patients.models import Patient

SHORTEST = 2
LONGEST = 140  # nothing that is searched is longer
FEWEST_DIGITS = 3
WHOLE_NUMBER = 10  # digits; so many are a number in full, with or without the code of the country
TELLING_DIGITS = 8  # the last ones of a number in full, the same with and without that code

WRITTEN_DAY = re.compile(r"(?P<day>[0-9]{1,2})(?P<mark>[./-])(?P<month>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4})")
DAY_IN_WORDS = re.compile(r"(?P<day>[0-9]{1,2})\.? (?P<month>[^\W\d_]{3,})\.? (?P<year>[0-9]{4})")


def search_patients(*, text: str, locations: list[Location], limit: int = 20) -> list[Patient]:
    """Patients of the locations who fit the text, in one query; those whose name begins with it come first.

    The text is a birth date (12.03.1992, 12/03/1992, 1992-03-12, 12 March 1992), three or more digits of a phone
    number, or parts of the name in any order, without regard to accents and case, or a part of the e-mail address.
    Under two characters it finds nobody.
    """
    text = one_line(text)
    words = fold(text).split()
    if not SHORTEST <= len(text) <= LONGEST or not words:
        return []
    found = Patient.objects.of_locations(locations).filter(_fits(text, words))
    begins = _all(Q(search_name__startswith=word) | Q(search_name__contains=f" {word}") for word in words)
    rank = Case(When(begins, then=Value(0)), default=Value(1))
    return list(found.annotate(rank=rank).order_by("rank", "search_name", "pk")[:limit])


def _fits(text: str, words: list[str]) -> Q:
    if day := read_day(text):
        return Q(date_of_birth=day)
    if digits := read_phone(text):
        return with_number(digits)
    return _all(Q(search_name__contains=word) for word in words) | Q(email__icontains=text)


def _all(conditions) -> Q:
    return reduce(and_, conditions)


def read_day(text: str) -> date | None:
    """A day written in figures, the day before the month unless the year comes first, or with the month in words."""
    try:
        if written := WRITTEN_DAY.fullmatch(text):
            return date(int(written["year"]), int(written["month"]), int(written["day"]))
        if written := DAY_IN_WORDS.fullmatch(text):
            month = fold(written["month"])
            [number] = [number for number, name in MONTHS.items() if fold(str(name)).startswith(month)]
            return date(int(written["year"]), number, int(written["day"]))
        return date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None


def read_phone(text: str) -> str:
    """The digits of a phone number or of a part of one; empty when the text is none."""
    digits = "".join(filter(str.isdecimal, text)) if WRITTEN_PHONE.fullmatch(text) else ""
    return digits if len(digits) >= FEWEST_DIGITS else ""


def with_number(digits: str) -> Q:
    """Who has these digits in her phone number; a number in full also fits the one written for abroad."""
    return same_number(digits) if len(digits) >= WHOLE_NUMBER else Q(phone_digits__contains=digits)


def same_number(digits: str) -> Q:
    """Who has this number, with or without the code of the country."""
    if len(digits) < TELLING_DIGITS:
        return Q(phone_digits=digits)
    return Q(phone_digits__endswith=digits[-TELLING_DIGITS:])


def marked(name: str, text: str) -> list[tuple[str, bool]]:
    """The name cut into pieces, each with whether it is what was typed: [("Mar", True), ("ta Lindholm", False)]."""
    folded, origin = "", []
    for position, char in enumerate(name):
        plain = " " if char.isspace() else fold(char)
        folded += plain
        origin += [position] * len(plain)
    hit = set()
    for word in fold(one_line(text)).split():
        for match in re.finditer(re.escape(word), folded):
            hit.update(origin[match.start() : match.end()])
    pieces: list[tuple[str, bool]] = []
    for position, char in enumerate(name):
        if pieces and pieces[-1][1] == (position in hit):
            pieces[-1] = (pieces[-1][0] + char, pieces[-1][1])
        else:
            pieces.append((char, position in hit))
    return pieces
