"""Publishing rules, and running them over all visits to come: the only writer of `RuleRun`.

The run is a row that begins in the transaction which publishes. A sweep works it off in batches, each in a transaction
of its own that moves the row on, so that a batch is done once, whoever dies and however many sweeps there are.
"""

import time
from datetime import datetime

from django.db import transaction
from django.db.models import F

from clinic.models import User
from scheduling.models import Appointment, RuleRun
from scheduling.reminders import plan_again
from scheduling.rescreening import rescreen, visits_to_come
from treatments.models import CatalogueVersion, Screening
from treatments.publishing import publish_catalogue

# While a batch is stored, whoever writes the same waits; on SQLite, whoever writes anything.
BATCH = 10
# Whoever waits for a lock of SQLite looks for it every tenth of a second: long enough that she finds it free.
SECONDS_BETWEEN = 0.15
# A sweep has other work and a limit of time; the next one goes on.
BATCHES_AT_ONCE = 30


def publish_rules(*, text: str, on_top_of: int, note: str, by: User, now: datetime) -> CatalogueVersion:
    """Publish a catalogue as `treatments.publishing.publish_catalogue` does, and begin its run over all visits to come.

    A run that is still on its way ends: the newer version covers every visit. Raises what publishing raises.
    """
    with transaction.atomic():
        version = publish_catalogue(text=text, by=by, now=now, note=note, on_top_of=on_top_of)
        RuleRun.objects.filter(finished_at=None).update(finished_at=now)
        RuleRun.objects.create(version=version, total=visits_to_come(now).count(), started_at=now)
        return version


def work_off_runs(*, now: datetime) -> int:
    """Run the newest version over some of what is left of the visits to come, and say how many that were.

    Safe to run again, and to be run until nothing is left.
    """
    worked_off = 0
    for _each in range(BATCHES_AT_ONCE):
        done = _work_off_batch(now)
        worked_off += done
        if done < BATCH:
            break
        time.sleep(SECONDS_BETWEEN)
    return worked_off


def newest_run() -> RuleRun | None:
    return RuleRun.objects.select_related("version").first()


def _work_off_batch(now: datetime) -> int:
    with transaction.atomic():
        # another worker that holds the row does this very batch
        run = RuleRun.objects.filter(finished_at=None).select_for_update(skip_locked=True).first()
        if run is None:
            return 0
        batch = list(visits_to_come(now).filter(pk__gt=run.last_appointment)[:BATCH])
        before = _lights(batch)
        rescreen(batch, cause=Screening.Cause.RULES, by=None, now=now)
        plan_again(appointments=batch, now=now)
        after = _lights(batch)
        RuleRun.objects.filter(pk=run.pk).update(
            done=F("done") + len(batch),
            changed=F("changed") + sum(before.get(key) != after.get(key) for key in before | after),
            last_appointment=batch[-1].pk if batch else run.last_appointment,
            finished_at=now if len(batch) < BATCH else None,
        )
        return len(batch)


def _lights(appointments: list[Appointment]) -> dict[int, str]:
    """What stands in the way of each session; one of which nothing does is not there."""
    sessions = [appointment.session_id for appointment in appointments]
    return dict(Screening.objects.newest_in_the_way().filter(session__in=sessions).values_list("session_id", "outcome"))
