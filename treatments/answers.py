"""Between a patient's facts and the answers that the rules read.

What a booking question learns is kept as a medical fact, so that the next booking finds it and need not ask again: the
catalogue names the fact. What is asked before a visit or on arrival is true of that visit only and is not kept, except
where it says something about a booking question (`means`).

An answer `of_skin` is kept with the skin that was asked about, and clears no other. Where the same is asked about other
skin, what was said before stays true beside it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils.formats import date_format

from clinic.models import User
from patients.models import MedicalFact, Patient
from patients.partial_dates import PartialDate
from patients.records import record_facts
from treatments.catalogue import Catalogue, Keeps, Question, QuestionKind
from treatments.catalogue.spec import ADVICE, DATES, NO, NONE, NOT_SURE, YES
from treatments.models import AnsweredSkin, PrescriberAdvice
from treatments.publishing import current_catalogue

SENT_TWICE = timedelta(hours=1)
WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class OnFile:
    """An answer that is known, and when it was given; if it is one about skin, the zones that it speaks about."""

    answer: str
    at: datetime
    skin: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Withdrawn:
    """Answers that were given together, when and by whom, and until when they stood."""

    answers: dict[str, str]
    at: datetime
    by: User | None
    until: datetime


@dataclass(frozen=True)
class _Home:
    """Where the answers of one subject live: the question whose answer the fact is, and the one that dates it."""

    keeps: Keeps
    answer: Question | None
    on: Question | None

    @property
    def decides(self) -> Question:
        return self.answer or self.on

    @property
    def follows(self) -> Mapping[str, tuple[str, ...]]:
        """The questions after whose answers this was said: it ends when one of them is given anew and this is not."""
        return self.decides.ask_if

    def fact_in(self, answers: Mapping[str, str]) -> dict[str, str] | None:
        """The fact's words, where the answers say something about it."""
        if self.decides.id not in answers:
            return None
        return {
            "kind": self.keeps.kind,
            "subject": self.keeps.subject,
            "answer": answers[self.answer.id] if self.answer else "",
            "on": answers.get(self.on.id, "") if self.on else "",
        }


def on_file(patient: Patient, catalogue: Catalogue | None = None) -> dict[str, OnFile]:
    """What is known of a patient for the rules, by question id. Of the current catalogue, unless one is given."""
    return on_file_of([patient], catalogue or current_catalogue())[patient.pk]


def on_file_of(patients: Collection[Patient], catalogue: Catalogue) -> dict[int, dict[str, OnFile]]:
    """The same of several patients, by the patient's key. Two queries."""
    facts = {patient.pk: {} for patient in patients}
    for fact in MedicalFact.objects.current().filter(patient__in=patients).select_related("skin"):
        facts[fact.patient_id][_place(fact)] = fact
    known = {patient.pk: _known(patient, catalogue, facts[patient.pk]) for patient in patients}
    for advice in PrescriberAdvice.objects.filter(patient__in=patients).reverse():  # the newest comes last, and counts
        known[advice.patient_id][ADVICE.id] = OnFile(advice_in_words(advice), advice.recorded_at)
    return known


def advice_in_words(advice: PrescriberAdvice) -> str:
    """What a prescriber said, as the rules read it."""
    by = [advice.said_by, date_format(advice.said_on, "j F Y")] if advice.said_on else []
    return "\n".join([advice.said, advice.medicine, ", ".join(by)])


def withdrawn_of(patients: Collection[Patient], catalogue: Catalogue) -> dict[int, list[Withdrawn]]:
    """What patients said and took back less than 24 hours later, by the patient's key and the oldest first. One query.

    What the clinical lead has corrected was looked at.
    """
    corrections = MedicalFact.objects.filter(
        patient=OuterRef("patient"), recorded_at=OuterRef("superseded_at"), recorded_by__is_lead=True
    )
    facts = (
        MedicalFact.objects.filter(~Exists(corrections), patient__in=patients)
        .filter(superseded_at__gt=F("recorded_at"), superseded_at__lt=F("recorded_at") + WITHIN)
        .select_related("recorded_by")
        .order_by("recorded_at", "pk")
    )
    found: dict[int, dict[tuple, Withdrawn]] = {patient.pk: {} for patient in patients}
    homes = {home.keeps: home for home in _homes(catalogue)}
    for fact in facts:
        home = homes.get(_place(fact))
        given = ((home.answer, fact.answer), (home.on, fact.on)) if home else ()
        if given := {question.id: said for question, said in given if question and said}:
            first = Withdrawn({}, fact.recorded_at, fact.recorded_by, fact.superseded_at)
            found[fact.patient_id].setdefault((first.at, first.until), first).answers.update(given)
    return {key: list(each.values()) for key, each in found.items()}


def known_answers(patient: Patient, catalogue: Catalogue | None = None) -> dict[str, str]:
    """The answers alone, as they were given."""
    return {id: known.answer for id, known in on_file(patient, catalogue).items()}


def skin_of(zones: Iterable[str]) -> frozenset[str]:
    """The skin of a visit to some zones; where they are not known, that is all that can be said of it."""
    return frozenset(zones) or frozenset({NOT_SURE})


def answers_about(zones: Iterable[str], known: Mapping[str, OnFile], catalogue: Catalogue) -> dict[str, str]:
    """The answers as the rules read them before a visit to some zones.

    Where an answer about skin does not speak about all of these, nobody is sure of the rest: it still speaks against
    the visit, and clears nothing.
    """
    here = skin_of(zones)
    answers = {id: each.answer for id, each in known.items()}
    for id, each in known.items():
        question = catalogue.questions[id]
        if not question.of_skin or here <= each.skin:
            continue
        places = _words(answers.get(where.id)) if (where := catalogue.where(question)) else set()
        if question.kind in DATES:
            del answers[id]
        elif question.kind == QuestionKind.SEVERAL:
            answers[id] = _joined(question, _words(each.answer) - {NONE} | {NOT_SURE})
        elif each.answer != YES or (places and places.isdisjoint(here | {NOT_SURE})):
            answers[id] = NOT_SURE
        elif places:
            answers[where.id] = _joined(where, places | {NOT_SURE})
    return answers


def answered_at(patient: Patient, question: str) -> datetime | None:
    """When a question was last answered; all that reception is shown of an answer."""
    known = on_file(patient).get(question)
    return known.at if known else None


def compose_facts(*, patient: Patient, answers: Mapping[str, str], by, now: datetime) -> list[MedicalFact]:
    """The answers as a patient's first facts, not stored yet."""
    said = [home.fact_in(answers) for home in _homes(current_catalogue())]
    return [MedicalFact(patient=patient, recorded_at=now, recorded_by=by, **words) for words in said if words]


def compose_skin(*, facts: Iterable[MedicalFact], zones: Iterable[str]) -> list[AnsweredSkin]:
    """The skin of those facts of a patient that are about it, not stored yet."""
    of_skin = {home.keeps for home in _homes(current_catalogue()) if home.decides.of_skin}
    codes = ", ".join(sorted(skin_of(zones)))
    return [AnsweredSkin(fact=fact, zones=codes) for fact in facts if _place(fact) in of_skin]


def record_answers(
    *, patient: Patient, answers: Mapping[str, str], by, now: datetime, zones: Collection[str] = ()
) -> None:
    """Keep what was answered as facts of the patient. Questions that are not in `answers` are left as they are, apart
    from what followed an answer that is given anew.

    `zones` are those of the skin that was asked about; none means that they were not known. The same answer twice
    within an hour is one answer, sent twice.
    """
    catalogue, facts, here = current_catalogue(), _current_facts(patient), skin_of(zones)
    known = _known(patient, catalogue, facts)
    meant = _meant(catalogue, answers, known)
    everything = answers | meant
    for home in _homes(catalogue):  # a day alone dates what is on file
        if home.answer and home.on and home.on.id in everything and home.answer.id in known:
            everything.setdefault(home.answer.id, known[home.answer.id].answer)
    everything |= _beside_other_skin(catalogue, everything, known, here)
    said, skins, ended = [], [], []
    replaced = answers.keys() | catalogue.following(answers)
    for home in _homes(catalogue):
        fact, words = facts.get(home.keeps), home.fact_in(everything)
        before = known[home.decides.id] if home.decides.of_skin and home.decides.id in known else None
        skin = here | before.skin if before and _is_sure(before, home.decides, known, catalogue) else here
        if words is None:
            if fact and any(
                id in replaced or (id in meant and _words(meant[id]).isdisjoint(after))
                for id, after in home.follows.items()
            ):
                ended.append(fact)
        elif not (
            fact
            and (fact.answer, fact.on) == (words["answer"], words["on"])
            and now - fact.recorded_at < SENT_TWICE
            and (before is None or here <= before.skin)
        ):
            said.append(words)
            skins.append(", ".join(sorted(skin)) if home.decides.of_skin else "")
    if said or ended:
        with transaction.atomic():
            kept = record_facts(patient=patient, said=said, ended=ended, by=by, now=now)
            for fact, codes in zip(kept, skins, strict=True):
                if codes:
                    AnsweredSkin.objects.create(fact=fact, zones=codes)


def _current_facts(patient: Patient) -> dict[Keeps, MedicalFact]:
    return {_place(fact): fact for fact in patient.facts.current().select_related("skin")}


def _place(fact: MedicalFact) -> Keeps:
    return Keeps(MedicalFact.Kind(fact.kind), fact.subject)


def _known(patient: Patient, catalogue: Catalogue, facts: Mapping[Keeps, MedicalFact]) -> dict[str, OnFile]:
    known = {}
    for home in _homes(catalogue):
        if fact := facts.get(home.keeps):
            skin = fact.skin.codes if home.decides.of_skin and hasattr(fact, "skin") else frozenset()
            if home.answer:
                known[home.answer.id] = OnFile(fact.answer, fact.recorded_at, skin)
            if home.on and fact.on:
                known[home.on.id] = OnFile(fact.on, fact.recorded_at, skin)
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
    where nothing was known of them, the rest stays unsure. What follows another answer is told where it was asked."""
    meant = {}
    for id, said in answers.items():
        for word in said.split(", "):
            for target, answer in catalogue.questions[id].means.get(word, {}).items():
                if catalogue.questions[target].ask_if and target not in known:
                    continue
                if catalogue.questions[target].kind == QuestionKind.SEVERAL:
                    before = answers.get(target) or (known[target].answer if target in known else NOT_SURE)
                    words = [other for other in before.split(", ") if other not in (NONE, answer)]
                    answer = ", ".join([*words, answer])
                meant[target] = answer
    return meant


def _beside_other_skin(
    catalogue: Catalogue, answers: Mapping[str, str], known: Mapping[str, OnFile], here: frozenset[str]
) -> dict[str, str]:
    """What is said of the skin that was asked about now, together with what was said of other skin before."""
    merged = {}
    for id in [id for id in answers if id in known and catalogue.questions[id].of_skin]:
        question, before = catalogue.questions[id], known[id]
        if where := catalogue.where(question):
            merged |= _with_places(question, where, answers, known, here)
        elif before.skin <= here:
            continue
        elif question.kind in DATES:
            merged[id] = _later(before.answer, answers[id])
        elif question.kind == QuestionKind.SEVERAL:
            had, has = _words(before.answer) - {NONE, NOT_SURE}, _words(answers[id])
            merged[id] = _joined(question, had | has - {NONE}) if had else answers[id]
            for date in (each for each in catalogue.questions.values() if had.intersection(each.ask_if.get(id, ()))):
                if date.id in known and (date.id in answers or has.isdisjoint(date.ask_if[id])):
                    merged[date.id] = _later(known[date.id].answer, answers.get(date.id, known[date.id].answer))
    return merged


def _with_places(
    question: Question,
    where: Question,
    answers: Mapping[str, str],
    known: Mapping[str, OnFile],
    here: frozenset[str],
) -> dict[str, str]:
    """An answer with the places on other skin of which the opposite was said before."""
    before, said = known[question.id], answers[question.id]
    places = _words(known[where.id].answer) - {NOT_SURE} if before.answer == YES and where.id in known else set()
    elsewhere = places & before.skin if NOT_SURE in here else places - here
    if not elsewhere:
        return {}
    places = {NO: set(), YES: _words(answers.get(where.id)) or {NOT_SURE}}.get(said, {NOT_SURE})
    return {question.id: YES, where.id: _joined(where, elsewhere | places)}


def _is_sure(before: OnFile, question: Question, known: Mapping[str, OnFile], catalogue: Catalogue) -> bool:
    """Whether an answer has told all about its skin, so that it goes on holding beside one about other skin."""
    where = catalogue.where(question)
    places = _words(known[where.id].answer) if where and where.id in known else set()
    is_placed = where is None or before.answer == NO or (bool(places) and NOT_SURE not in places)
    return is_placed and NOT_SURE not in _words(before.answer)


def _words(answer: str | None) -> set[str]:
    return set(answer.split(", ")) if answer else set()


def _joined(question: Question, words: Collection[str]) -> str:
    return ", ".join(word for word in question.answers if word in words)


def _later(*dates: str) -> str:
    return max(dates, key=lambda date: PartialDate.parse(date).latest())
