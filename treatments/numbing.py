"""How long a numbing cream has been on, and when it has worked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from treatments.models import Visit

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class NumbingClock:
    """The cream of one visit at one moment: from `on_at` it takes until `ready_at`; `off_at` is when it came off."""

    on_at: datetime
    ready_at: datetime
    off_at: datetime | None
    now: datetime

    @property
    def minutes_on(self) -> int:
        return ((self.off_at or self.now) - self.on_at) // MINUTE

    @property
    def minutes_left(self) -> int:
        """Minutes that are still to come, rounded up; 0 once it has worked."""
        return max(-((self.now - self.ready_at) // MINUTE), 0)

    @property
    def is_ready(self) -> bool:
        return self.now >= self.ready_at

    @property
    def percent(self) -> int:
        """How much of the usual time is over, 100 at most."""
        takes = self.ready_at - self.on_at
        return max(min(100 * (self.now - self.on_at) // takes, 100), 0) if takes else 100


def numbing_clock(visit: Visit, now: datetime) -> NumbingClock | None:
    """None while no cream has gone on. The protocol of the visit says how long it works."""
    if visit.numbing_applied_at is None:
        return None
    takes = timedelta(minutes=visit.session.course.protocol.numbing_minutes)
    return NumbingClock(
        on_at=visit.numbing_applied_at,
        ready_at=visit.numbing_applied_at + takes,
        off_at=visit.numbing_removed_at,
        now=now,
    )
