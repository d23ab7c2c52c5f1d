"""Why a booking was not made, in words that can be shown to staff as they are, reception included."""

from collections.abc import Iterable
from datetime import datetime

from scheduling.slots import Slot


class BookingRefused(Exception):
    """The booking was not made and nothing was changed. `message` says why and what to do."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


class Taken(BookingRefused):
    """Somebody or something is taken at that time; `alternatives` are the nearest free times."""

    def __init__(self, message: str, alternatives: Iterable[Slot] = ()):
        super().__init__(message)
        self.alternatives = list(alternatives)


class OutsideHours(BookingRefused):
    """The practitioner does not work then, or the clinic is closed."""


class InThePast(BookingRefused):
    """The start is not ahead of now."""


class NotEligible(BookingRefused):
    """The screening stands in the way; `not_before` is the first possible moment, or None while there is no date."""

    def __init__(self, message: str, not_before: datetime | None):
        super().__init__(message)
        self.not_before = not_before


class TooSoon(BookingRefused):
    """Closer than the minimum interval to another needling of the same zone."""


class OutsideWindow(BookingRefused):
    """A session of a course outside the window that the session before it opens, or before that one is booked."""


class TreatmentStays(BookingRefused):
    """Something hangs on the treatment already: a visit, a plan, or other appointments of the course."""


class OnHold(BookingRefused):
    """The screening waits for a decision."""


class ChangedMeanwhile(BookingRefused):
    """Somebody else changed the appointment since it was read."""
