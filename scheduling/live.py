"""Whether a day still looks as it did, so that an open page need not be drawn again."""

from datetime import datetime
from hashlib import sha256

from django.db.models import Exists, OuterRef, Subquery

from scheduling.models import Reminder
from treatments.models import Screening

# The line of the present moves on, and whatever else a day shows is looked at again.
REDRAWN_SECONDS = 300


def token_of_day(appointments, *, now: datetime) -> str:
    """A short word that changes with anything that a board or a list shows of some appointments. One query."""
    newest = Screening.objects.filter(session=OuterRef("session")).newest_first()
    shown = appointments.order_by("pk").values_list(
        "pk",
        *("state", "revision", "starts_at", "ends_at", "practitioner", "room", "device", "arrived_at"),
        *("session__course__protocol", "session__course__plan", "session__visit__revision"),
        "session__visit__signed_at",
        Subquery(newest.values("pk")[:1]),
        Subquery(newest.values("decision__pk")[:1]),
        Exists(Reminder.objects.refused().filter(appointment=OuterRef("pk"))),
    )
    return sha256(repr([int(now.timestamp()) // REDRAWN_SECONDS, *shown]).encode()).hexdigest()[:16]
