"""Dates that a person remembers only in part: a day, a month or a year."""

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

FIRST_YEAR = 1900
LAST_YEAR = 2100

# [0-9] and not \d: other scripts have digits too, and int() would take them.
WRITTEN = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


class Precision(TextChoices):
    DAY = "day", gettext_lazy("day")
    MONTH = "month", gettext_lazy("month")
    YEAR = "year", gettext_lazy("year")


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date and how much of it is known.

    `date` is the first day of what is known: the month's first for a month, 1 January for a year.
    Years run from 1900 to 2100; anything else raises ValueError with a sentence for the person who typed it.
    """

    date: dt.date
    precision: Precision

    def __post_init__(self):
        if not FIRST_YEAR <= self.date.year <= LAST_YEAR:
            raise ValueError(
                _("The year must lie between %(first)d and %(last)d.") % {"first": FIRST_YEAR, "last": LAST_YEAR}
            )
        if self.date != self.earliest():
            raise ValueError(_("A month is stored as its first day, and a year as its 1 January."))

    @classmethod
    def parse(cls, text: str) -> "PartialDate":
        """Read `2025-08-31`, `2025-08` or `2025`."""
        written = WRITTEN.fullmatch(text)
        if not written:
            raise ValueError(_("Write the date as 2025-08-31, or only the month as 2025-08, or only the year as 2025."))
        year, month, day = written.groups()
        precision = Precision.DAY if day else Precision.MONTH if month else Precision.YEAR
        try:
            date = dt.date(int(year), int(month or 1), int(day or 1))
        except ValueError:
            raise ValueError(_("This date is not in the calendar; check the day, the month and the year.")) from None
        return cls(date, precision)

    def earliest(self) -> dt.date:
        """The first day this can mean."""
        if self.precision == Precision.YEAR:
            return self.date.replace(month=1, day=1)
        if self.precision == Precision.MONTH:
            return self.date.replace(day=1)
        return self.date

    def latest(self) -> dt.date:
        """The last day this can mean, which is the cautious reading of something that must lie far enough back."""
        if self.precision == Precision.YEAR:
            return self.date.replace(month=12, day=31)
        if self.precision == Precision.MONTH:
            return self.date.replace(day=calendar.monthrange(self.date.year, self.date.month)[1])
        return self.date

    def __str__(self) -> str:
        length = {Precision.YEAR: 4, Precision.MONTH: 7, Precision.DAY: 10}[self.precision]
        return self.date.isoformat()[:length]
