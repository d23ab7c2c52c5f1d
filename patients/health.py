"""What is known of a patient's health, as those who treat read it and as reception may see it."""

import re
from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Max
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.times import local_date
from patients.models import MedicalFact, Patient
from patients.partial_dates import PartialDate, Precision
from patients.records import STILL

Kind = MedicalFact.Kind
# Answers of which nobody need be warned: she has nothing of the kind, or skin that rarely marks.
NOTHING_TO_HEED = frozenset({"no", "none", "does_not_apply", "I", "II", "III"})
# Asked with the questions about health, and no condition of hers.
NO_CONDITION = frozenset({"own choice and time to think"})


@dataclass(frozen=True)
class HealthOnFile:
    """How much is on file and since when, without a word of it."""

    count: int
    last_given: date | None


@dataclass(frozen=True)
class FactLine:
    public_id: UUID
    kind: str
    subject: str
    answer: str
    on: str
    recorded_on: date
    recorded_by: str


@dataclass(frozen=True)
class Alert:
    """Something that a practitioner must have read before she begins."""

    is_allergy: bool
    title: str
    details: str


def health_on_file(patient: Patient, zone: ZoneInfo) -> HealthOnFile:
    """All that reception is shown; nothing is decrypted for it."""
    found = patient.facts.current().aggregate(count=Count("pk"), last=Max("recorded_at"))
    return HealthOnFile(found["count"], local_date(found["last"], zone) if found["last"] else None)


def fact_lines(patient: Patient, zone: ZoneInfo) -> list[FactLine]:
    """The current facts in words, by kind and newest first: for those who may read answers, and nobody else."""
    kinds = list(MedicalFact.Kind)
    facts = sorted(
        patient.facts.current().select_related("recorded_by"), key=lambda fact: kinds.index(MedicalFact.Kind(fact.kind))
    )
    return [
        FactLine(
            public_id=fact.public_id,
            kind=fact.get_kind_display(),
            subject=in_words(fact.subject),
            answer=in_words(fact.answer),
            on=date_in_words(fact.on),
            recorded_on=local_date(fact.recorded_at, zone),
            recorded_by=fact.recorded_by.name if fact.recorded_by else "",
        )
        for fact in facts
    ]


def alerts_of(patient: Patient) -> list[Alert]:
    """What is on file of allergies, and then of conditions: for those who may read answers, and nobody else."""
    facts = patient.facts.current().filter(kind__in=(Kind.ALLERGY, Kind.CONDITION))
    alerts = [_alert(fact) for fact in facts if fact.answer not in NOTHING_TO_HEED and fact.subject not in NO_CONDITION]
    return sorted(alerts, key=lambda alert: not alert.is_allergy)


def _alert(fact: MedicalFact) -> Alert:
    details = ["" if fact.answer == "yes" else in_words(fact.answer), date_in_words(fact.on)]
    return Alert(fact.kind == Kind.ALLERGY, in_words(fact.subject), ", ".join(filter(None, details)))


def in_words(said: str) -> str:
    """An answer's code, or several with commas between, as a person reads it: "not_sure" as "Not sure"."""
    plain = said.replace("_", " ") if re.fullmatch(r"[a-z][a-z0-9_]*(, [a-z][a-z0-9_]*)*", said) else said
    return plain[:1].upper() + plain[1:]


def date_in_words(on: str) -> str:
    """As much of a date as is known: "31 August 2025", "August 2025" or "2025"."""
    if not on:
        return ""
    if on == STILL:
        return _("still")
    known = PartialDate.parse(on)
    pattern = {Precision.DAY: "j F Y", Precision.MONTH: "F Y", Precision.YEAR: "Y"}[known.precision]
    return date_format(known.date, pattern)
