"""When background work last ran through, for whoever looks after the clinic's health."""

from datetime import datetime

from clinic.models import Heartbeat


def beat(*, name: str, at: datetime) -> None:
    """Write down that the work `name` ran through at `at`, in the machine's own time."""
    Heartbeat.objects.update_or_create(name=name, defaults={"beat_at": at})


def last_beat(name: str) -> datetime | None:
    return Heartbeat.objects.filter(name=name).values_list("beat_at", flat=True).first()
