"""A visit's screening as those who treat read it: each finding, its rule, what was said, and what can be decided."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.models import User
from patients.health import date_in_words
from patients.models import MedicalFact, Patient
from scheduling.lights import Change, Light, change_of, light_of
from scheduling.models import Appointment
from scheduling.offers import Later, offer_later_times
from treatments.catalogue import Catalogue, Outcome, Override, Question, QuestionKind, Rule, Tag
from treatments.catalogue.named_windows import asked
from treatments.catalogue.spec import DATES, NO, NONE, NOT_SURE, YES
from treatments.decisions import (
    is_merely_on_hold,
    may_decide,
    may_postpone,
    needs_skin_check,
    waits_for_prescriber,
    who_may_decide,
)
from treatments.models import PrescriberAdvice, Screening, ScreeningDecision, ScreeningFinding
from treatments.prescribers import IMMUNE_MEDICINE, ITS_NAME
from treatments.publishing import catalogue_of
from treatments.reasons import reason_of
from treatments.screening.reading import names_in

Kind = ScreeningDecision.Kind


@dataclass(frozen=True)
class Said:
    """An answer in words, when it was given and by whom; without a name, by the patient herself."""

    question: str
    answer: str
    at: datetime
    by: str
    earlier: "tuple[Said, ...]" = ()


@dataclass(frozen=True)
class Severity:
    icon: str
    tone: str
    word: str


@dataclass(frozen=True)
class Found:
    """A finding with the rule that made it, as it stood then, and what was said to its questions."""

    finding: ScreeningFinding
    rule: Rule
    catalogue: Catalogue
    said: tuple[Said, ...] = ()

    @property
    def severity(self) -> Severity:
        outcome = Outcome(self.finding.outcome)
        if self.finding.zones and outcome.severity >= Outcome.HOLD.severity:
            return Severity("scan-face", "gold", _("Leaves skin out"))
        return {
            Outcome.ADVISE: Severity("info", "stone", _("Good to know")),
            Outcome.TASK: Severity("clipboard-list", "gold", _("To do")),
            Outcome.HOLD: Severity("circle-alert", "gold", _("Needs a look")),
        }.get(outcome, Severity("octagon-x", "clay", _("Stops the visit")))

    @property
    def reason(self) -> str:
        """What the rule said; its name stands in the title."""
        words = reason_of(self.finding).removeprefix(f"{self.rule.name}: ")
        return words[:1].upper() + words[1:]

    @property
    def zones(self) -> str:
        codes = [code.strip() for code in self.finding.zones.split(",") if code.strip()]
        return ", ".join(self.catalogue.zones[code].name for code in codes)

    @property
    def is_on_hold(self) -> bool:
        return self.finding.outcome == Outcome.HOLD

    @property
    def is_unanswered(self) -> bool:
        """Whether it waits for answers none of which was given."""
        return self.is_on_hold and not self.said

    @property
    def literature(self) -> str:
        """Where published work and the clinic's rule part, in the catalogue's words."""
        return self.rule.extras.get("note", "")

    @property
    def source(self) -> str:
        """Where the rule comes from, how well that carries it, and the codes of what was read."""
        read = [code for code in self.rule.sources if code != "SEED"]
        where = _("The owner’s rule") if self.rule.tag == Tag.SEED else ""
        grade = f"{_('Grade')} {self.rule.grade.value}, {self.rule.grade.label}" if self.rule.grade else ""
        own = _("Our own choice") if self.rule.tag == Tag.DESIGN else ""
        return ". ".join(filter(None, [where, own, grade, ", ".join(read)]))

    @property
    def works(self) -> list[str]:
        return [f"{code}: {self.catalogue.sources[code]}" for code in self.rule.sources if code != "SEED"]


def findings_of(screening: Screening | None) -> list[Found]:
    """All that a screening found, worst first. Read it with `catalogue_version` selected and `findings` prefetched."""
    if screening is None:
        return []
    catalogue = catalogue_of(screening.catalogue_version)
    found = [each for each in screening.findings.all() if each.outcome != Outcome.PASS]
    found.sort(key=lambda each: (bool(each.zones), -Outcome(each.outcome).severity))
    return [Found(each, catalogue.rules[each.rule_code], catalogue) for each in found]


@dataclass(frozen=True)
class Option:
    """One of the three decisions. One that is closed says why."""

    kind: Kind
    title: str
    words: str
    is_open: bool
    needs_advice: bool = False


@dataclass(frozen=True)
class Review:
    """The newest screening of an appointment's session, with everything that led to it."""

    appointment: Appointment
    now: datetime
    screenings: list[Screening]
    facts: list[MedicalFact]
    advice: list[PrescriberAdvice]

    @property
    def zone(self) -> ZoneInfo:
        return self.appointment.location.zone

    @property
    def patient(self) -> Patient:
        return self.appointment.patient

    @property
    def screening(self) -> Screening | None:
        return self.screenings[0] if self.screenings else None

    @property
    def light(self) -> Light:
        return light_of(self.screening)

    @property
    def change(self) -> Change | None:
        return change_of(self.screenings)

    @cached_property
    def catalogue(self) -> Catalogue:
        return catalogue_of(self.screening.catalogue_version)

    @cached_property
    def findings(self) -> list[Found]:
        reader = _Reader(self)
        return [
            Found(each.finding, each.rule, each.catalogue, tuple(reader.said_to(each.rule)))
            for each in findings_of(self.screening)
        ]

    @property
    def spoken(self) -> list[Found]:
        """The findings of which something was said, and those that nobody need ask about."""
        return [each for each in self.findings if not each.is_unanswered]

    @property
    def unanswered(self) -> list[Found]:
        return [each for each in self.findings if each.is_unanswered]

    @cached_property
    def clear(self) -> list[Found]:
        """The rules that found nothing."""
        rules, findings = self.catalogue.rules, self.screening.findings.all()
        return [Found(each, rules[each.rule_code], self.catalogue) for each in findings if each.outcome == Outcome.PASS]

    @property
    def answers(self) -> list[Said]:
        """All that was said, in the order of the questions."""
        return list(_Reader(self).said_at_all())

    @property
    def is_open(self) -> bool:
        """Whether a decision still matters."""
        return self.appointment.state in (*Appointment.State.AHEAD, Appointment.State.ARRIVED)

    @property
    def is_ahead(self) -> bool:
        return self.appointment.state in Appointment.State.AHEAD

    @property
    def summary(self) -> str:
        about = [each for each in self.findings if not each.finding.zones]
        stop = sum(Outcome(each.finding.outcome).is_blocking for each in about)
        look = sum(each.is_on_hold for each in about)
        if self.screening.goes_ahead:
            n = stop + look
            return ngettext("%(n)d finding was decided", "%(n)d findings were decided", n) % {"n": n}
        parts = [
            ngettext("%(n)d finding stops it", "%(n)d findings stop it", stop) % {"n": stop} if stop else "",
            ngettext("%(n)d needs a look", "%(n)d need a look", look) % {"n": look} if look else "",
        ]
        return ", ".join(filter(None, parts))

    @property
    def asks_for_advice(self) -> bool:
        """Whether a prescriber has a say: a medicine was named, or what one said is on file."""
        return bool(self.advice) or any(each.rule.code == IMMUNE_MEDICINE for each in self.findings)

    @property
    def medicine(self) -> str:
        """What the patient takes, as she calls it."""
        named = json.loads(self.screening.answers).get(ITS_NAME, "") if self.screening else ""
        return "" if named in (NONE, NOT_SURE) else named

    @property
    def never_suddenly(self) -> str:
        """The medicines that are named here and are dangerous to end all at once."""
        listed = self.catalogue.medicine_lists.get("stop_is_dangerous_flag", ())
        return ", ".join(names_in("\n".join([self.medicine, *(each.medicine for each in self.advice)]), listed))


def read_review(*, appointment: Appointment, now: datetime) -> Review:
    """What those who treat read about a visit, in a constant number of queries."""
    screenings = appointment.session.screenings.newest_first().with_findings()
    return Review(
        appointment,
        now,
        list(screenings.select_related("catalogue_version", "created_by", "decision__decided_by")),
        list(appointment.patient.facts.select_related("recorded_by")),
        list(appointment.patient.prescriber_advice.select_related("recorded_by")),
    )


# --- What can be decided ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choices:
    """What somebody may decide about a review, and the day and the times that a postponement could name."""

    options: list[Option]
    needs_skin_check: bool
    later: Later


def choices_for(user: User, review: Review) -> Choices | None:
    """None where there is nothing to decide, or nothing for this person."""
    screening = review.screening
    if not (screening and review.is_open and screening.stands_in_the_way):
        return None
    may_lift, may_wait = may_decide(user, screening), may_postpone(user, screening)
    if not may_wait:
        return None
    options = [Option(Kind.POSTPONE, _("Postpone"), _("Every search for a time keeps to the day from then on."), True)]
    if not hasattr(screening, "decision"):  # what is postponed already may only be postponed to another day
        closed = _why_nobody_lifts(screening)
        words = closed or _("The visit takes place although the rules speak against it. Holds for this visit alone.")
        lift = Option(Kind.LIFT, _("Lift with a reason"), words, may_lift)
        options = [_clear_option(screening, may_lift, closed), lift, *options]
    later = offer_later_times(appointment=review.appointment, screening=screening, now=review.now)
    return Choices(options, needs_skin_check(screening), later)


def _clear_option(screening: Screening, may_lift: bool, closed: str) -> Option:
    title, needs_advice = _("Clear"), False
    if closed:
        words = closed
    elif not is_merely_on_hold(screening):
        words = _("Not possible while a finding stops it.")
    elif needs_advice := waits_for_prescriber(screening):
        words = _("Not possible before a prescriber has agreed to a pause, or said that the medicine does not count.")
    else:
        return Option(Kind.CLEAR, title, _("What had to be looked at is in order."), may_lift)
    return Option(Kind.CLEAR, title, words, False, needs_advice)


def _why_nobody_lifts(screening: Screening) -> str:
    if who_may_decide(screening) != Override.NONE:
        return ""
    if any(each.ends_only_with_answer for each in screening.findings.all()):
        return _("An answer is missing that nobody can replace. Ask for it.")
    return _("Nobody may lift this for one patient.")


# --- What was said ----------------------------------------------------------------------------------------------------


class _Reader:
    """Finds, for a rule, what was said to its questions: as facts of the patient, or to the screenings of the visit."""

    def __init__(self, review: Review):
        self.review, self.catalogue = review, review.catalogue
        self.facts: Mapping[tuple[str, str], list[MedicalFact]] = defaultdict(list)
        for fact in review.facts:
            if fact.recorded_at <= review.screening.created_at:
                self.facts[fact.kind, fact.subject].append(fact)
        self.answers = [(json.loads(each.answers), each) for each in review.screenings]

    def said_to(self, rule: Rule) -> Iterator[Said]:
        ids = {id for at_stage in rule.questions.values() for id in at_stage}
        return self._said(question for id, question in self.catalogue.questions.items() if id in ids)

    def said_at_all(self) -> Iterator[Said]:
        """All but what a prescriber said, which has its place on the page."""
        return self._said(each for each in self.catalogue.questions.values() if each.kind != QuestionKind.ADVICE)

    def _said(self, questions: Iterable[Question]) -> Iterator[Said]:
        for question in questions:
            if given := list(self._given(question)):
                newest, *earlier = given
                yield Said(newest.question, newest.answer, newest.at, newest.by, tuple(earlier))

    def _given(self, question: Question) -> Iterator[Said]:
        """What was said to a question, newest first, each answer once as long as it stayed the same."""
        for _value, given in groupby(self._values(question), key=lambda each: each[0]):
            value, at, by = list(given)[-1]
            words = asked(self.catalogue, question, start=self.review.screening.for_start, zone=self.review.zone).text
            yield Said(words, worded(question, value, self.catalogue), at, by.name if by else "")

    def _values(self, question: Question) -> Iterator[tuple[str, datetime, User | None]]:
        if question.kind == QuestionKind.BIRTH_DATE:
            patient = self.review.patient
            yield patient.date_of_birth.isoformat(), patient.created_at, None
        elif question.keeps:
            for fact in self.facts[question.keeps.kind, question.keeps.subject]:
                if value := fact.on if question.kind in DATES else fact.answer:
                    yield value, fact.recorded_at, fact.recorded_by
        else:
            for answers, screening in self.answers:
                if question.id in answers:
                    yield answers[question.id], screening.created_at, screening.created_by


def worded(question: Question, value: str, catalogue: Catalogue) -> str:
    """An answer as a person reads it."""
    if question.kind in DATES or question.kind == QuestionKind.BIRTH_DATE:
        return date_in_words(value)
    if question.kind == QuestionKind.INSTANT:
        pattern = "j F Y, H:i" if len(value) > len("2026-01-18") else "j F Y"
        return date_format(datetime.fromisoformat(value), pattern)
    labels = dict(question.choices) or {YES: _("Yes"), NO: _("No")}
    labels |= {code: zone.name for code, zone in catalogue.zones.items()} if question.kind == QuestionKind.ZONES else {}
    labels |= {NOT_SURE: _("Not sure"), NONE: labels.get(NONE, _("None"))}
    if question.kind == QuestionKind.TEXT:
        return labels[value] if value in (NOT_SURE, NONE) else value
    return ", ".join(str(labels.get(word, word)) for word in value.split(", "))
