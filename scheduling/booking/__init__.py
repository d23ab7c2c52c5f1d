"""The only writer of appointments and of what they take. A refusal is a `BookingRefused` and changes nothing."""

from scheduling.booking.refusals import (
    BookingRefused,
    ChangedMeanwhile,
    InThePast,
    NotEligible,
    OnHold,
    OutsideHours,
    OutsideWindow,
    Taken,
    TooSoon,
    TreatmentStays,
)
from scheduling.booking.writers import (
    book_appointment,
    book_session,
    cancel_appointment,
    change_places,
    change_treatment,
    compose_occupancies,
    confirm_appointment,
    move_appointment,
    reactivate_appointment,
)

__all__ = [
    "BookingRefused",
    "ChangedMeanwhile",
    "InThePast",
    "NotEligible",
    "OnHold",
    "OutsideHours",
    "OutsideWindow",
    "Taken",
    "TooSoon",
    "TreatmentStays",
    "book_appointment",
    "book_session",
    "cancel_appointment",
    "change_places",
    "change_treatment",
    "compose_occupancies",
    "confirm_appointment",
    "move_appointment",
    "reactivate_appointment",
]
