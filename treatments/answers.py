"""Between a patient's facts and the answers that the rules read.

What a booking question learns is kept as a medical fact, so that the next booking finds it and need not ask again: the
catalogue names the fact. What is asked before a visit or on arrival is true of that visit only and is not kept, except
where it says something about a booking question (`means`).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from patients.models import MedicalFact, Patient
from patients.records import record_facts
from treatments.catalogue import Catalogue, Keeps, Question, QuestionKind
from treatments.catalogue.spec import DATES, NONE, NOT_SURE
from treatments.publishing import current_catalogue

SENT_TWICE = timedelta(hours=1)


@dataclass(frozen=True)
class OnFile:
    """An answer that is known, and when it was given."""

    answer: str
    at: datetime


@dataclass(frozen=True)
class _Home:
    """Where the answers of one subject live: the question whose answer the fact is, and the one that dates it."""

    keeps: Keeps
    answer: Question | None
    on: Question | None

    @property
    def follows(self) -> Collection[str]:
        """The questions about whose answers this was said: it ends when one of them is given anew and this is not."""
        return (self.answer or self.on).ask_if

    def fact_in(self, answers: Mapping[str, str]) -> dict[str, str] | None:
        """The fact's words, where the answers say something about it."""
        decides = self.answer or self.on
        if decides.id not in answers:
            return None
        return {
            "kind": self.keeps.kind,
            "subject": self.keeps.subject,
            "answer": answers[self.answer.id] if self.answer else "",
            "on": answers.get(self.on.id, "") if self.on else "",
        }


def on_file(patient: Patient, catalogue: Catalogue | None = None) -> dict[str, OnFile]:
    """What is known of a patient for the rules, by question id. Of the current catalogue, unless one is given."""
    return _known(patient, catalogue or current_catalogue(), _current_facts(patient))


def known_answers(patient: Patient, catalogue: Catalogue | None = None) -> dict[str, str]:
    """The answers alone, as the rules read them."""
    return known_answers_of([patient], catalogue or current_catalogue())[patient.pk]


def known_answers_of(patients: Collection[Patient], catalogue: Catalogue) -> dict[int, dict[str, str]]:
    """The answers of several patients, by the patient's key. One query."""
    facts = {patient.pk: {} for patient in patients}
    for fact in MedicalFact.objects.current().filter(patient__in=patients):
        facts[fact.patient_id][_place(fact)] = fact
    return {
        patient.pk: {id: known.answer for id, known in _known(patient, catalogue, facts[patient.pk]).items()}
        for patient in patients
    }


def answered_at(patient: Patient, question: str) -> datetime | None:
    """When a question was last answered; all that reception is shown of an answer."""
    known = on_file(patient).get(question)
    return known.at if known else None


def compose_facts(*, patient: Patient, answers: Mapping[str, str], by, now: datetime) -> list[MedicalFact]:
    """The answers as a patient's first facts, not stored yet."""
    said = [home.fact_in(answers) for home in _homes(current_catalogue())]
    return [MedicalFact(patient=patient, recorded_at=now, recorded_by=by, **words) for words in said if words]


def record_answers(*, patient: Patient, answers: Mapping[str, str], by, now: datetime) -> None:
    """Keep what was answered as facts of the patient. Questions that are not in `answers` are left as they are, apart
    from what followed an answer that is given anew.

    The same answer twice within an hour is one answer, sent twice.
    """
    catalogue, facts = current_catalogue(), _current_facts(patient)
    everything = answers | _meant(catalogue, answers, _known(patient, catalogue, facts))
    said, ended = [], []
    for home in _homes(catalogue):
        fact, words = facts.get(home.keeps), home.fact_in(everything)
        if words is None:
            if fact and any(id in answers for id in home.follows):
                ended.append(fact)
        elif not (
            fact and (fact.answer, fact.on) == (words["answer"], words["on"]) and now - fact.recorded_at < SENT_TWICE
        ):
            said.append(words)
    if said or ended:
        record_facts(patient=patient, said=said, ended=ended, by=by, now=now)


def _current_facts(patient: Patient) -> dict[Keeps, MedicalFact]:
    return {_place(fact): fact for fact in patient.facts.current()}


def _place(fact: MedicalFact) -> Keeps:
    return Keeps(MedicalFact.Kind(fact.kind), fact.subject)


def _known(patient: Patient, catalogue: Catalogue, facts: Mapping[Keeps, MedicalFact]) -> dict[str, OnFile]:
    known = {}
    for home in _homes(catalogue):
        if fact := facts.get(home.keeps):
            if home.answer:
                known[home.answer.id] = OnFile(fact.answer, fact.recorded_at)
            if home.on and fact.on:
                known[home.on.id] = OnFile(fact.on, fact.recorded_at)
    for question in catalogue.questions.values():
        if question.kind == QuestionKind.BIRTH_DATE and catalogue.is_needed(question):
            known[question.id] = OnFile(patient.date_of_birth.isoformat(), patient.created_at)
    return known


def _homes(catalogue: Catalogue) -> Iterator[_Home]:
    kept = [question for question in catalogue.questions.values() if question.keeps]
    answering = {question.keeps: question for question in kept if question.kind not in DATES}
    dating = {question.keeps: question for question in kept if question.kind in DATES}
    for keeps in dict.fromkeys(question.keeps for question in kept):
        yield _Home(keeps, answering.get(keeps), dating.get(keeps))


def _meant(catalogue: Catalogue, answers: Mapping[str, str], known: Mapping[str, OnFile]) -> dict[str, str]:
    """What the answers say about other questions. To several answers one more is added, and “none” is no longer true;
    where nothing was known of them, the rest stays unsure."""
    meant = {}
    for id, said in answers.items():
        for word in said.split(", "):
            for target, answer in catalogue.questions[id].means.get(word, {}).items():
                if catalogue.questions[target].kind == QuestionKind.SEVERAL:
                    before = answers.get(target) or (known[target].answer if target in known else NOT_SURE)
                    words = [other for other in before.split(", ") if other not in (NONE, answer)]
                    answer = ", ".join([*words, answer])
                meant[target] = answer
    return meant
