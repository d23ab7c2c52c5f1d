"""Between a patient's facts and the answers that the rules read.

What a question learns is kept as a medical fact, so that the next booking finds it and need not ask again. Answers
about the last 24 hours are true of one visit only and are never kept as facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from patients.models import MedicalFact, Patient
from patients.records import end_fact, record_fact


@dataclass(frozen=True)
class _Home:
    """Where the answers of one subject live: the question whose answer it is, and the one that dates it.

    What `follows` another answer was said about that one: it ends when that is given anew and this is not.
    """

    subject: str
    answer: str
    on: str | None = None
    follows: str | None = None


_HOMES = (
    _Home("isotretinoin", answer="Q04", on="Q04b"),
    _Home("immune medicine", answer="Q05"),
    _Home("prescriber's advice on immune medicine", answer="Q05c", follows="Q05"),
)


def _current_facts(patient: Patient) -> dict[str, MedicalFact]:
    return {fact.subject: fact for fact in patient.facts.current().filter(kind=MedicalFact.Kind.MEDICINE)}


def known_answers(patient: Patient) -> dict[str, str]:
    """What the patient's current facts answer, by question id."""
    facts = _current_facts(patient)
    known = {}
    for home in _HOMES:
        if fact := facts.get(home.subject):
            known[home.answer] = fact.answer
            if home.on and fact.on:
                known[home.on] = fact.on
    return known


def answered_at(patient: Patient, question: str) -> datetime | None:
    """When the question was last answered; all that reception is shown of an answer."""
    home = next(home for home in _HOMES if home.answer == question)
    fact = _current_facts(patient).get(home.subject)
    return fact.recorded_at if fact else None


def compose_facts(*, patient: Patient, answers: Mapping[str, str], by, now: datetime) -> list[MedicalFact]:
    """The answers as a patient's first facts, not stored yet."""
    return [
        MedicalFact(
            patient=patient,
            kind=MedicalFact.Kind.MEDICINE,
            subject=home.subject,
            answer=answers[home.answer],
            on=answers.get(home.on, "") if home.on else "",
            recorded_at=now,
            recorded_by=by,
        )
        for home in _HOMES
        if home.answer in answers
    ]


def record_answers(*, patient: Patient, answers: Mapping[str, str], by, now: datetime) -> None:
    """Keep what was answered as facts of the patient. Questions that are not in `answers` are left as they are, apart
    from what followed an answer that is given anew.

    The same answer twice within an hour is one answer, sent twice.
    """
    facts = _current_facts(patient)
    for home in _HOMES:
        fact, on = facts.get(home.subject), answers.get(home.on, "") if home.on else ""
        is_repeated = (
            fact
            and (fact.answer, fact.on) == (answers.get(home.answer), on)
            and now - fact.recorded_at < timedelta(hours=1)
        )
        if home.answer in answers and not is_repeated:
            record_fact(
                patient=patient,
                kind=MedicalFact.Kind.MEDICINE,
                subject=home.subject,
                answer=answers[home.answer],
                on=on,
                by=by,
                now=now,
            )
        elif fact and home.answer not in answers and home.follows in answers:
            end_fact(fact=fact, now=now)
