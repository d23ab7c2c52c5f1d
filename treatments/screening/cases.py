"""One rule before one visit: what was answered, and the ways in which a finding is put into words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import dateformat
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from clinic.times import local_date
from treatments.catalogue import Catalogue, Outcome, Override, QuestionKind, Rule, Stage
from treatments.catalogue.spec import DATES, NO, NOT_SURE, WITH_CHOICES, YES
from treatments.screening.findings import Finding
from treatments.screening.reading import Answer, names_in

GATES = (QuestionKind.YES_NO, *WITH_CHOICES)
GATES_OR_WORDS = (*GATES, QuestionKind.TEXT)


@dataclass(frozen=True, slots=True)
class Case:
    catalogue: Catalogue
    rule: Rule
    stage: Stage
    visit: datetime
    zone: ZoneInfo
    answers: Mapping[str, Answer]
    zones: frozenset[str]
    asked_at: datetime | None
    concerns_visit: bool

    @property
    def visit_day(self) -> date:
        return local_date(self.visit, self.zone)

    def setting(self, name: str):
        return self.rule.test.params.get(name)

    def ids(self, *kinds: QuestionKind) -> list[str]:
        """The rule's questions of some kinds at this stage."""
        return [id for id in self.rule.questions.get(self.stage, ()) if self.catalogue.questions[id].kind in kinds]

    def gates(self) -> list[str]:
        """The questions whose answer alone tells whether there is anything to judge."""
        return self.ids(*(GATES_OR_WORDS if self.setting("lists") else GATES))

    def counts(self, id: str) -> bool | None:
        """Whether the answer to a gate speaks against the visit; None where it is missing or not sure."""
        answer = self.answers.get(id)
        if answer is None:
            return None if self.is_asked(id) else False
        if self.catalogue.questions[id].kind == QuestionKind.TEXT:
            return None if answer == NOT_SURE else bool(self.named((id,)))
        words = _words(answer)
        if not words.isdisjoint(self.rule.test.counting):
            return True
        return None if NOT_SURE in words else False

    def against(self) -> tuple[str, ...]:
        """The questions that were answered against the visit, and those that were answered with a day."""
        days = (id for id in self.ids(*DATES, QuestionKind.INSTANT) if id in self.answers)
        return (*(id for id in self.gates() if self.counts(id)), *days)

    def is_asked(self, id: str) -> bool:
        """Whether a question follows from what was answered; as long as that is not known, it does."""
        after = self.catalogue.questions[id].ask_if
        return not after or any(
            parent not in self.answers or not _words(self.answers[parent]).isdisjoint(values)
            for parent, values in after.items()
        )

    def zones_of(self, id: str) -> frozenset[str] | None:
        """The zones that the answer to a gate is about; None as long as that is not known."""
        places = [self.answers.get(each) for each in self.ids(QuestionKind.ZONES) if self.follows(each, id)]
        return places[0] if places and places[0] and NOT_SURE not in places[0] else None

    def follows(self, id: str, gate: str) -> bool:
        return gate in self.catalogue.questions[id].ask_if

    def named(self, ids: Iterable[str]) -> list[str]:
        """The medicines of the rule's lists that some answers name."""
        names = [name for key in self.setting("lists") or () for name in self.catalogue.medicine_lists[key]]
        return names_in("\n".join(self.answers[id] for id in ids if id in self.answers), names)

    def says(
        self,
        outcome: Outcome,
        words: str,
        *,
        clear_from: date | datetime | None = None,
        ends_only_with_answer: bool = False,
        **details,
    ) -> Finding:
        """What the rule says. The words are translated when somebody reads them."""
        return Finding(
            rule=self.rule.code,
            outcome=outcome,
            clear_from=clear_from,
            rule_name=self.rule.name,
            words=words,
            details=details,
            ends_only_with_answer=ends_only_with_answer,
            scope=self.rule.scope,
            effect=None if outcome == Outcome.PASS else self.rule.effect,
            lead_days=None if outcome == Outcome.PASS else self.rule.lead_days,
        )

    def lacks(self, id: str) -> Finding:
        """An answer is missing or not sure. That never counts as clear, and no date ends it."""
        return self.says(
            self.catalogue.unsure_policy[self.stage],
            _("the answer to %(id)s is missing or not sure, and the visit waits for it."),
            ends_only_with_answer=self.rule.override == Override.NONE,
            id=id,
        )

    def flags(self, id: str, outcome: Outcome | None = None) -> Finding:
        """An answer speaks against the visit, and no date ends that."""
        return self.says(
            outcome or self.rule.outcome[self.stage],
            _("the answer to %(id)s is “%(answer)s”."),
            id=id,
            answer=self.worded_answer(id),
        )

    def worded_answer(self, id: str) -> str:
        question, answer = self.catalogue.questions[id], self.answers[id]
        if question.kind == QuestionKind.TEXT:
            return ", ".join(self.named((id,)))
        labels = dict(question.choices) or {YES: gettext("Yes"), NO: gettext("No")}
        words = _words(answer)
        return ", ".join(label for value, label in labels.items() if value in words & self.rule.test.counting)

    def worded(self, day: date | datetime) -> str:
        return dateformat.format(day, "j F Y, H:i" if isinstance(day, datetime) else "j F Y")


def _words(answer: Answer) -> frozenset[str]:
    return answer if isinstance(answer, frozenset) else frozenset({answer})
