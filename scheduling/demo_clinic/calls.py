"""Whom the demo's reception has to call: a patient who has locked her link, and one who has asked for it."""

from datetime import datetime, timedelta

from clinic import links
from scheduling.calls import ask_for_call
from scheduling.demo_clinic.appointments import Booked
from scheduling.demo_clinic.screenings import CHECK_BEFORE
from scheduling.models import Appointment, PatientLink
from treatments.catalogue import Stage
from treatments.models import Screening

NOT_HERE_YET = timedelta(hours=2)
ASKED_LATELY = timedelta(hours=2)


def store_calls(booked: list[Booked], *, now: datetime) -> None:
    """The first who still owes the check before her visit, and the first whose visit waits for a decision."""
    ahead = [
        each.appointment
        for each in booked
        if each.appointment.state in Appointment.State.AHEAD
        if each.appointment.starts_at > now + NOT_HERE_YET and each.appointment.patient.phone
    ]
    checked = _sessions(Screening.objects.filter(stage=Stage.PREVISIT))
    waiting = _sessions(Screening.objects.newest_in_the_way().filter(decision=None))
    for each in (each for each in ahead if each.patient.email and each.session_id not in checked | waiting):
        mailed_at = max(each.starts_at - CHECK_BEFORE, each.created_at)
        if mailed_at < now:
            _lock(each, mailed_at, locked_at=mailed_at + (now - mailed_at) / 2)
            break
    for each in (each for each in ahead if each.session_id in waiting):
        ask_for_call(appointment=each, now=max(each.created_at, now - ASKED_LATELY))
        break


def _sessions(screenings) -> set[int]:
    return set(screenings.values_list("session_id", flat=True))


def _lock(appointment: Appointment, mailed_at: datetime, *, locked_at: datetime) -> None:
    """She mistyped her date of birth once too often."""
    _token, token_hash = links.mint()
    PatientLink.objects.create(
        appointment=appointment,
        purpose=PatientLink.Purpose.PREVISIT,
        token_hash=token_hash,
        created_at=mailed_at,
        expires_at=appointment.starts_at,
        wrong_tries=PatientLink.MOST_TRIES,
        locked_at=locked_at,
    )
