"""What the demo's patients answer: to most questions what stands in nobody's way, and the stories of some of them.

The catalogue is asked which questions there are and which answers its active rules make something of. Only the stories
of isotretinoin, of immune medicine and of the sun name theirs.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from clinic.times import minus_months
from treatments.catalogue import AnsweredBy, Catalogue, Outcome, Question, QuestionKind, Rule, Stage, TestKind
from treatments.catalogue.spec import DATES, NO, NONE, NOT_SURE, YES

Story = Mapping[str, str]

MOSTLY = 0.93  # as often somebody says no who could say something else that harms as little
NO_TO_ALL = {"Q04": NO, "Q05": NO}
SUNNY_HOURS = range(10, 16)
IMMUNE_MEDICINES = ("Azathioprine", "Hydroxychloroquine", "Mycophenolate")
IN_OWN_WORDS = "Once, some years ago. It went away by itself."


def _isotretinoin_long_ago(rng: Random, today: date) -> Story:
    """More than half a year ago however coarsely it is remembered."""
    return {
        "Q04": YES,
        "Q04b": rng.choice(
            [
                (today - timedelta(days=rng.randint(215, 330))).isoformat(),
                (today - timedelta(days=rng.randint(245, 330))).isoformat()[:7],
                (today - timedelta(days=600)).isoformat()[:4],
            ]
        ),
        "Q05": NO,
    }


def _isotretinoin_recently(rng: Random, today: date) -> Story:
    """The half year ends within the weeks to come."""
    return {"Q04": YES, "Q04b": minus_months(today + timedelta(days=rng.randint(2, 30)), 6).isoformat(), "Q05": NO}


def _immune_medicine(advice: str) -> Callable[[Random, date], Story]:
    return lambda rng, today: {"Q04": NO, "Q05": YES, "Q05b": rng.choice(IMMUNE_MEDICINES), "Q05c": advice}


# What some answered, in thousandths of all patients; each at least once. The last have not been asked yet.
STORIES: tuple[tuple[int, Callable[[Random, date], Story]], ...] = (
    (35, _isotretinoin_long_ago),
    (30, _isotretinoin_recently),
    (8, lambda rng, today: {"Q04": YES, "Q04b": "still", "Q05": NO}),
    (6, lambda rng, today: {"Q04": NOT_SURE, "Q05": NO}),
    (25, _immune_medicine("may_pause")),
    (15, _immune_medicine("not_asked")),
    (8, _immune_medicine("keep_taking")),
    (8, lambda rng, today: {}),
)


def invent_stories(count: int, today: date, rng: Random) -> list[Story]:
    """What each of so many patients has to tell, in no order."""
    told = [story(rng, today) for thousandth, story in STORIES for _each in range(max(1, count * thousandth // 1000))]
    told += [NO_TO_ALL] * (count - len(told))
    rng.shuffle(told)
    return told[:count]


class Answering:
    """The questions of a catalogue, and how one may answer them."""

    def __init__(self, catalogue: Catalogue, *, today: date, zone: ZoneInfo, rng: Random):
        self.catalogue, self.today, self.zone, self.rng = catalogue, today, zone, rng
        self._harmful = {id: _harmful(catalogue, question) for id, question in catalogue.questions.items()}
        self._asked: dict[tuple[Stage, str], tuple[Question, ...]] = {}

    def at_booking(self, known: Mapping[str, str], protocol: str) -> dict[str, str]:
        """`known` with harmless answers to all else that is asked before a visit for a protocol."""
        return self._completed(Stage.BOOKING, protocol, known)

    def born_on(self, birth: date) -> dict[str, str]:
        """The date of birth as an answer, where a rule reads it."""
        return {
            each.id: birth.isoformat()
            for each in self.catalogue.questions.values()
            if each.kind == QuestionKind.BIRTH_DATE and self.catalogue.is_needed(each)
        }

    def before_visit(self, answers: Mapping[str, str], protocol: str) -> dict[str, str]:
        """What is answered in the check before a visit beside what is known, all of it harmless."""
        completed = self._completed(Stage.PREVISIT, protocol, answers)
        return {id: answer for id, answer in completed.items() if id not in answers}

    def on_arrival(self, answers: Mapping[str, str], protocol: str, start: datetime, told: Story) -> dict[str, str]:
        """What is answered on the day beside what is known, `told` and otherwise harmless, for a visit at `start`."""
        completed = self._completed(Stage.CHECKIN, protocol, {**answers, **told}, start)
        return {id: answer for id, answer in completed.items() if id not in answers}

    def of_patient(self, answers: Mapping[str, str]) -> dict[str, str]:
        """Those of the answers that a patient gives by herself."""
        questions = self.catalogue.questions
        return {id: answer for id, answer in answers.items() if questions[id].by == AnsweredBy.PATIENT}

    def sun_before(self, start: datetime) -> Story:
        """She was in the sun around noon, less than 24 hours before her visit."""
        hours = [h for h in range(2, 24) if (start - timedelta(hours=h)).astimezone(self.zone).hour in SUNNY_HOURS]
        return {"C01": YES, "C01b": self._hours_before(start, self.rng.choice(hours))}

    def something_else(self, protocol: str) -> Story:
        """One answer that may keep somebody from a visit, where a rule asks for more than the stories tell."""
        harmful = {
            question.id: sorted(self._harmful[question.id].intersection(question.answers))
            for question in self._questions(Stage.BOOKING, protocol)
            if question.id not in NO_TO_ALL and not question.ask_if
        }
        harmful = {id: words for id, words in harmful.items() if words}
        if not harmful:
            return {}
        id = self.rng.choice(list(harmful))
        return {id: self.rng.choice(harmful[id])}

    def tattoo_on(self, zones: Sequence[str]) -> Story:
        """She has a tattoo on one of the zones that are to be treated, which is left out therefore."""
        return (
            {"Q20": YES, "Q20b": self.rng.choice(zones)} if {"Q20", "Q20b"} <= self.catalogue.questions.keys() else {}
        )

    def _completed(
        self, stage: Stage, protocol: str, answers: Mapping[str, str], start: datetime | None = None
    ) -> dict[str, str]:
        completed = dict(answers)
        for question in self._questions(stage, protocol):
            if question.id not in completed and _follows(question, completed):
                completed[question.id] = self._harmless(question, start)
        return completed

    def _questions(self, stage: Stage, protocol: str) -> tuple[Question, ...]:
        if (stage, protocol) not in self._asked:
            self._asked[stage, protocol] = self.catalogue.questions_at(stage, protocol=protocol)
        return self._asked[stage, protocol]

    def _harmless(self, question: Question, start: datetime | None) -> str:
        match question.kind:
            case QuestionKind.STAFF_TICK:
                return YES
            case QuestionKind.SEVERAL:
                return NONE
            case QuestionKind.TEXT:
                return IN_OWN_WORDS if question.ask_if else NONE
            case QuestionKind.ZONES:
                return NOT_SURE
            case QuestionKind.INSTANT:
                return self._hours_before(start, self.rng.randint(30, 90))
            case kind if kind in DATES:
                days = self.rng.randint(130, 330) if question.ask_if else self.rng.randint(1000, 4000)
                return (self.today - timedelta(days=days)).isoformat()
        words = [word for word in question.answers if word != NOT_SURE and word not in self._harmful[question.id]]
        if question.means and NO in words:  # nothing else is true than at the booking
            return NO
        return NO if NO in words and self.rng.random() < MOSTLY else self.rng.choice(words)

    def _hours_before(self, start: datetime, hours: int) -> str:
        return f"{(start - timedelta(hours=hours)).astimezone(self.zone):%Y-%m-%dT%H:%M}"


def _harmful(catalogue: Catalogue, question: Question) -> frozenset[str]:
    """The answers that may keep somebody from a visit; one that brings advice alone is none of them."""
    return frozenset().union(
        *(
            _harmful_to(rule)
            for rule in catalogue.rules.values()
            if rule.is_active and any(question.id in ids for ids in rule.questions.values())
        )
    )


def _harmful_to(rule: Rule) -> frozenset[str]:
    if rule.test.kind == TestKind.CHOICE:
        return frozenset(word for word, outcome in rule.test.params["map"].items() if outcome != Outcome.ADVISE)
    return frozenset() if set(rule.outcome.values()) == {Outcome.ADVISE} else rule.test.counting


def _follows(question: Question, answers: Mapping[str, str]) -> bool:
    return not question.ask_if or any(
        not set(said).isdisjoint(answers.get(parent, "").split(", ")) for parent, said in question.ask_if.items()
    )
