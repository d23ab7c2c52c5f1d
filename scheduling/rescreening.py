"""Screening visits to come again when something has changed about them: the light belongs to what is known now.

Every function runs in the transaction of what caused it, so that no visit is ever shown under an old light.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from clinic.models import User
from patients.models import MedicalFact, Patient
from patients.records import end_fact, record_fact, update_patient
from scheduling.models import Appointment
from treatments.answers import record_answers
from treatments.catalogue import Outcome, Stage
from treatments.models import CatalogueVersion, PrescriberAdvice, Screening, ScreeningFinding
from treatments.prescribers import IMMUNE_MEDICINE, record_advice
from treatments.publishing import catalogue_of, current_catalogue
from treatments.screenings import VisitToScreen, screen_again, screen_session

Cause = Screening.Cause
State = Appointment.State


def visits_to_come(now: datetime):
    """The appointments whose light still matters: ahead, or arrived and not begun."""
    return (
        Appointment.objects.filter(Q(state__in=State.AHEAD, starts_at__gt=now) | Q(state=State.ARRIVED))
        .select_related("location", "session__course__patient", "session__course__protocol")
        .prefetch_related("session__course__zones")
        .order_by("pk")
    )


def rescreen(
    appointments: Iterable[Appointment], *, cause: Screening.Cause, by: User | None, now: datetime
) -> list[Screening]:
    """Screen appointments from `visits_to_come` again and return the screenings that differ from the ones before."""
    visits = [VisitToScreen(each.session, each.starts_at, each.location.zone) for each in appointments]
    return screen_again(visits=visits, cause=cause, by=by, now=now) if visits else []


def rescreen_patient(*, patient: Patient, cause: Screening.Cause, by: User | None, now: datetime) -> list[Screening]:
    """Screen all visits to come of a patient of whom something new is known."""
    return rescreen(visits_to_come(now).filter(session__course__patient=patient), cause=cause, by=by, now=now)


def keep_answers(
    *, patient: Patient, answers: Mapping[str, str], by: User | None, now: datetime, zones: Collection[str] = ()
) -> list[Screening]:
    """Keep answers as `treatments.answers.record_answers` does and let them count for every visit to come."""
    with transaction.atomic():
        record_answers(patient=patient, answers=answers, by=by, now=now, zones=zones)
        return rescreen_patient(patient=patient, cause=Cause.ANSWERS, by=by, now=now)


def keep_visit_answers(
    *, appointment: Appointment, stage: Stage, answers: Mapping[str, str], by: User, now: datetime
) -> None:
    """Keep what was asked about a visit up to a stage, and let it count for every visit to come.

    What is true of this visit alone counts as long as its start is the one that was asked about.
    """
    session = appointment.session
    zones = [zone.code for zone in session.course.zones.all()]
    questions = current_catalogue().questions
    of_this_visit = {id: said for id, said in answers.items() if questions[id].keeps is None}
    with transaction.atomic():
        stored = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
        record_answers(patient=appointment.patient, answers=answers, by=by, now=now, zones=zones)
        if of_this_visit and stored.starts_at == appointment.starts_at:
            screen_session(
                session=session,
                stage=stage,
                start=stored.starts_at,
                zone=appointment.location.zone,
                cause=Cause.ANSWERS,
                answers=of_this_visit,
                by=by,
                now=now,
            )
        rescreen_patient(patient=appointment.patient, cause=Cause.ANSWERS, by=by, now=now)


def keep_details(*, patient: Patient, revision: int, by: User, now: datetime, **details) -> list[Screening]:
    """Store the details of a patient as `patients.records.update_patient` does, and let a new date of birth count."""
    with transaction.atomic():
        stored = update_patient(patient=patient, revision=revision, now=now, **details)
        if stored.date_of_birth == patient.date_of_birth:
            return []
        return rescreen_patient(patient=stored, cause=Cause.DETAILS, by=by, now=now)


def keep_fact(*, patient: Patient, by: User, now: datetime, **fact) -> None:
    """Record a fact as `patients.records.record_fact` does, and let it count for every visit to come."""
    with transaction.atomic():
        record_fact(patient=patient, by=by, now=now, **fact)
        rescreen_patient(patient=patient, cause=Cause.ANSWERS, by=by, now=now)


def end_known_fact(*, fact: MedicalFact, by: User, now: datetime) -> None:
    """What is no longer true counts no longer."""
    with transaction.atomic():
        end_fact(fact=fact, now=now)
        rescreen_patient(patient=fact.patient, cause=Cause.ANSWERS, by=by, now=now)


def keep_advice(*, patient: Patient, by: User, now: datetime, **advice) -> PrescriberAdvice:
    """Record what the prescriber said, as `treatments.prescribers.record_advice` does, and let it count."""
    with transaction.atomic():
        kept = record_advice(patient=patient, by=by, now=now, **advice)
        rescreen_patient(patient=patient, cause=Cause.ADVICE, by=by, now=now)
        return kept


def rescreen_without_advice(*, now: datetime) -> int:
    """Block the visits whose prescriber was not heard in time, and say how many they are. Safe to run again."""
    version = CatalogueVersion.objects.current()
    rule = catalogue_of(version).rules[IMMUNE_MEDICINE] if version else None
    hours = rule and rule.is_active and rule.test.params.get("advice_hours")
    if not hours:
        return 0
    waits = ScreeningFinding.objects.filter(rule_code=IMMUNE_MEDICINE, outcome=Outcome.HOLD)
    newest = Screening.objects.newest_in_the_way().filter(session=OuterRef("session")).exclude(stage=Stage.CHECKIN)
    appointments = visits_to_come(now).filter(
        Exists(newest.filter(Exists(waits.filter(screening=OuterRef("pk"))))),
        state__in=State.AHEAD,
        starts_at__lt=now + timedelta(hours=hours),
    )
    return len(rescreen(appointments, cause=Cause.TIME, by=None, now=now))
