"""A decision about a visit, and what its patient hears of it."""

from datetime import datetime

from django.db import transaction

from scheduling.models import Appointment
from scheduling.reminders import plan_final
from treatments.decisions import decide_screening
from treatments.models import Screening, ScreeningDecision


def decide_visit(
    *, appointment: Appointment, screening: Screening, kind: ScreeningDecision.Kind, now: datetime, **decision
) -> ScreeningDecision:
    """Decide as `treatments.decisions.decide_screening` does. A patient who may have
    read that her visit is not final hears that it is.

    Raises a DecisionRefused.
    """
    with transaction.atomic():
        stored = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
        decided = decide_screening(screening=screening, kind=kind, zone=appointment.location.zone, now=now, **decision)
        if kind in ScreeningDecision.GOES_AHEAD and stored.state in Appointment.State.AHEAD:
            plan_final(appointment=stored, now=now)
        return decided
