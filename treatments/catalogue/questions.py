"""What is asked: the questions, and what must hold between them and the rules that they feed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from django.utils.translation import gettext as _

from patients.models import MedicalFact
from treatments.catalogue.entries import QUESTION_ID, Entries
from treatments.catalogue.named_windows import filled, is_dated, window_in_numbers, windows_of
from treatments.catalogue.reading import Reader
from treatments.catalogue.spec import (
    DATES,
    NONE,
    NOT_SURE,
    STILL,
    WITH_CHOICES,
    AnsweredBy,
    Keeps,
    Question,
    QuestionKind,
    Rule,
    Stage,
    ZoneSpec,
)
from treatments.catalogue.wording import told_to_leave_out

ANSWER = re.compile(r"[a-z][a-z0-9_]{1,39}|[IV]{1,3}")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}|[{}]")
_ONGOING = {QuestionKind.LAST_DATE: (STILL,)}


class QuestionEntries(Entries):
    def __init__(self, sources, groups):
        super().__init__(sources)
        self.groups = groups
        self.entries: list[Reader] = []
        self.questions: dict[str, Question] = {}

    def read(self, top: Reader) -> dict[str, Question]:
        self.entries = list(top.entries("questions", name="id"))
        self.questions = {entry.what: self.question(entry) for entry in self.entries}
        for entry in self.entries:
            self.check_references(entry, self.questions[entry.what])
        self.check_subjects()
        for where in [each for each in self.questions.values() if each.kind == QuestionKind.ZONES]:
            for id in set(where.ask_if) & self.questions.keys():  # it has its places on the skin
                self.questions[id] = replace(self.questions[id], of_skin=True)
        return self.questions

    def question(self, entry: Reader) -> Question:
        question = Question(
            id=self.check_code(entry, QUESTION_ID, "id"),
            text=entry.text("text"),
            kind=entry.choice("kind", QuestionKind),
            stage=entry.choice("stage", Stage),
            group=entry.text("group"),
            by=entry.choice("by", AnsweredBy, required=False) or AnsweredBy.PATIENT,
            hint=entry.text("hint", required=False),
            choices=tuple(entry.texts("choices", required=False).items()),
            ask_if=entry.lists("ask_if", required=False),
            keeps=self.keeps(entry),
            means=self.means(entry),
            reopens=entry.choice("reopens", Stage, required=False),
            of_skin=entry.flag("of_skin", default=False),
            message_as_written=entry.text("patient_message", required=False),
            messages_as_written=entry.texts("patient_messages", required=False),
        )
        for key, words in _messages(question):
            if left_out := told_to_leave_out(words):
                entry.find_fault(
                    _(
                        "%(what)s: the message says “%(words)s”, which a patient may take as advice to leave out a "
                        "medicine. Say it in other words."
                    ),
                    key,
                    words=left_out,
                )
        if not question.messages_as_written.keys() <= {*question.answers, *_ONGOING.get(question.kind, ())}:
            entry.refuse(_("%(what)s has a message for an answer that it does not offer."), "patient_messages")
        if bool(question.choices) != (question.kind in WITH_CHOICES):
            entry.refuse(_("%(what)s: choices belong to a choice question, and it needs them."), "choices")
        for value in question.answers:
            if not ANSWER.fullmatch(value):
                entry.refuse(_("%(what)s: “%(value)s” does not have the form of an answer."), "choices", value=value)
        if question.kind == QuestionKind.ZONES and len(question.ask_if) != 1:
            entry.refuse(_("%(what)s asks where, so it follows exactly one question."), "ask_if")
        if question.kind == QuestionKind.SEVERAL and NONE not in question.answers:
            entry.refuse(_("%(what)s needs the choice “none”."), "choices")
        if question.group and question.group not in self.groups:
            entry.refuse(_("%(what)s belongs to the unknown group “%(group)s”."), "group", group=question.group)
        self.check_memory(entry, question)
        entry.finish()
        return question

    def keeps(self, parent: Reader) -> Keeps | None:
        entry = parent.mapping("keeps", required=False)
        if entry is None:
            return None
        keeps = Keeps(entry.choice("kind", MedicalFact.Kind), entry.text("subject"))
        # What people note by hand begins with a capital, so that a note never takes the place of an answer.
        if keeps.subject[:1].isupper():
            entry.refuse(_("%(what)s: the subject of an answer begins with a small letter."), "subject")
        entry.finish()
        return keeps

    def means(self, parent: Reader) -> dict[str, dict[str, str]]:
        entry = parent.mapping("means", required=False)
        if entry is None:
            return {}
        means = {answer: entry.texts(answer) for answer in entry.values}
        entry.finish()
        return means

    def check_memory(self, entry: Reader, question: Question) -> None:
        """What booking asks is kept, or the next screening would not know it; what a single day asks is not."""
        if question.kind == QuestionKind.BIRTH_DATE or question.stage is None:
            return
        if (question.stage == Stage.BOOKING) != (question.keeps is not None):
            entry.refuse(_("%(what)s: what is asked at booking, and nothing else, says what it keeps."), "keeps")

    def check_references(self, entry: Reader, question: Question) -> None:
        for id, after in question.ask_if.items():
            if id not in self.questions:
                entry.refuse(_("%(what)s follows the unknown question %(id)s."), "ask_if", id=id)
            elif not set(after) <= set(self.questions[id].answers):
                entry.refuse(_("%(what)s follows an answer that %(id)s does not offer."), "ask_if", id=id)
        for answer, others in question.means.items():
            if answer not in question.answers:
                entry.refuse(_("%(what)s does not offer “%(answer)s”."), "means", answer=answer)
            for id, meant in others.items():
                other = self.questions.get(id)
                if other is None or other.keeps is None or meant not in other.answers:
                    entry.refuse(_("%(what)s means an answer to %(id)s that cannot be kept."), "means", id=id)

    def offer_zones(self, zones: Mapping[str, ZoneSpec]) -> None:
        """Let the zones that are treated answer the questions that ask where."""
        choices = tuple((code, zone.name) for code, zone in zones.items() if zone.is_bookable)
        for id, question in self.questions.items():
            if question.kind == QuestionKind.ZONES:
                self.questions[id] = replace(question, choices=(*choices, (NOT_SURE, str(_("Not sure")))))

    def check_subjects(self) -> None:
        """A subject holds one answer, one date, or both."""
        taken = set()
        for entry in self.entries:
            question = self.questions[entry.what]
            if question.keeps is None:
                continue
            place = (question.keeps, question.kind in DATES)
            if place in taken:
                entry.refuse(_("%(what)s keeps its answer where another question keeps its own."), "keeps")
            taken.add(place)

    def name_windows(self, rules: Iterable[Rule]) -> None:
        """Check what the words hold in braces, and put the windows of the rules there."""
        for entry in self.entries:
            question = self.questions[entry.what]
            windows = windows_of(question, rules)
            moment = {"since"} if is_dated(question, windows) else set()
            self.check_braces(entry, "text", question.text, {*windows, *moment})
            for key, words in _messages(question):
                self.check_braces(entry, key, words, {*windows, "clear_from"})
            for key, words in (("text", question.text), *_messages(question)):
                if said := window_in_numbers(words, windows):
                    entry.find_fault(
                        _("%(what)s says “%(words)s”, which the rule may change. Write {%(name)s} instead."),
                        key,
                        words=said[0],
                        name=said[1],
                    )
            self.questions[entry.what] = replace(
                question,
                text=filled(question.text, windows),
                patient_message=filled(question.message_as_written, windows),
                patient_messages={
                    answer: filled(words, windows) for answer, words in question.messages_as_written.items()
                },
            )

    def check_braces(self, entry: Reader, key: str, words: str, known: Iterable[str]) -> None:
        for name in PLACEHOLDER.findall(words):
            if name not in known:
                entry.refuse(
                    _("%(what)s: in braces stands one of these or nothing: %(known)s."),
                    key,
                    known=", ".join(f"{{{each}}}" for each in sorted(known)),
                )

    def check_use(self, rules: Iterable[Rule]) -> None:
        fed = {id for rule in rules for ids in rule.questions.values() for id in ids}
        fed |= {settled for rule in rules if rule.test and (settled := rule.test.params.get("settled_by"))}
        for entry in self.entries:
            if entry.what not in fed:
                entry.refuse(_("%(what)s feeds no rule; a question about health must have a use."), "id")


def _messages(question: Question) -> list[tuple[str, str]]:
    """What patients are told, each with the key under which it stands."""
    return [
        ("patient_message", question.message_as_written),
        *(("patient_messages", words) for words in question.messages_as_written.values()),
    ]
