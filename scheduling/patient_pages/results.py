"""What comes of a patient's answers, in words for her: never a rule, and never that a medicine should be left out."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from scheduling.eligibility import earliest_eligible
from scheduling.models import Appointment
from scheduling.offers import ends_by_itself, first_day_after
from treatments.catalogue import Outcome, QuestionKind, Rule
from treatments.catalogue.spec import DATES, NOT_SURE
from treatments.decisions import standing
from treatments.left_out import names_left_out
from treatments.models import Screening, ScreeningFinding
from treatments.prescribers import ADVICE, IMMUNE_MEDICINE
from treatments.publishing import catalogue_of
from treatments.screening.reading import MAY_PAUSE, names_in

GOOD, MOVE, STOP, MEDICINE, CALL = "good", "move", "stop", "medicine", "call"


@dataclass(frozen=True)
class Result:
    """`kind` decides the page. `first_day` is empty where nobody knows it; `left_out` names skin that is left alone."""

    kind: str
    messages: tuple[str, ...]
    first_day: str = ""
    left_out: str = ""
    is_unsure: bool = False

    @property
    def is_called(self) -> bool:
        """Whether she reads that she is called, without having asked for it."""
        return self.is_unsure or self.kind == STOP


def result_of(appointment: Appointment, now: datetime) -> Result:
    """What the newest screening of her visit means for a patient. A constant number of queries."""
    screening = (
        Screening.objects.filter(session=appointment.session)
        .newest_first()
        .with_findings()
        .select_related("catalogue_version", "decision")
        .first()
    )
    if screening is None:
        return Result(CALL, ())
    told, findings = _Told(screening), list(screening.findings.all())
    in_the_way = standing(findings) if screening.stands_in_the_way else []
    if not in_the_way:  # what somebody has let pass is not spoken of any more
        beside = [each for each in findings if each not in standing(findings)]
        return Result(GOOD, told.messages(beside), left_out=names_left_out(appointment.session, screening))
    is_unsure = any(map(told.is_unsure, in_the_way))
    blocking = [each for each in in_the_way if Outcome(each.outcome).is_blocking and not each.ends_only_with_answer]
    sure = [each for each in blocking if not told.is_unsure(each)]
    if sure or hasattr(screening, "decision"):  # a decision that keeps it in the way has put it off
        first_day = _first_day(appointment, screening, now)
        if ends_by_itself(screening) or (first_day and hasattr(screening, "decision")):
            return Result(MOVE, told.messages(sure, first_day), first_day)
        return Result(STOP, told.messages(in_the_way))
    has_heard = told.answers.get(ADVICE) == MAY_PAUSE  # and who said so is for us to ask
    if any(each.rule_code == IMMUNE_MEDICINE and not told.is_unsure(each) for each in in_the_way) and not has_heard:
        return Result(MEDICINE, ())
    return Result(CALL, told.messages(in_the_way), is_unsure=is_unsure)


def _first_day(appointment: Appointment, screening: Screening, now: datetime) -> str:
    """The day that reception offers too."""
    course = appointment.session.course
    eligibility = earliest_eligible(
        patient=course.patient,
        protocol=course.protocol,
        zones=course.zones.all(),
        zone=appointment.location.zone,
        start=now,
        now=now,
        session=appointment.session,
    )
    day = first_day_after(appointment=appointment, screening=screening, eligibility=eligibility, now=now)
    return date_format(day, "l j F Y") if day else ""


class _Told:
    """The words of the catalogue for what a screening has found."""

    def __init__(self, screening: Screening):
        self.catalogue = catalogue_of(screening.catalogue_version)
        self.answers = json.loads(screening.answers)

    def messages(self, findings: Iterable[ScreeningFinding], first_day: str = "") -> tuple[str, ...]:
        """Each once. `first_day` is the one day that they name; where it is empty, they name none."""
        words = (self._message(finding, first_day) for finding in findings)
        return tuple(dict.fromkeys(filter(None, words)))

    def is_unsure(self, finding: ScreeningFinding) -> bool:
        rule = self.catalogue.rules[finding.rule_code]
        return any(NOT_SURE in self.answers.get(id, "").split(", ") for id in _questions_of(rule))

    def _message(self, finding: ScreeningFinding, first_day: str) -> str:
        """Of the questions that fed the rule, the words of one that was answered so; with the date where it has one.

        They are about a yes. Whoever was not sure is called, and told nothing in advance.
        """
        rule = self.catalogue.rules[finding.rule_code]
        if finding.outcome == Outcome.PASS or self.is_unsure(finding):
            return ""
        if rule.code == IMMUNE_MEDICINE:
            return _("Please keep taking your medicine as your doctor or nurse says.")
        questions = [self.catalogue.questions[id] for id in _questions_of(rule) if self._counts(id, rule)]
        if finding.zones:  # about some of the skin, and said by whoever was asked where
            asked_where = (self.catalogue.questions[id] for id in _questions_of(rule) if id in self.answers)
            questions = [question for question in asked_where if question.kind == QuestionKind.ZONES]
        told = [question.message_after(self.answers[question.id]) for question in reversed(questions)]
        words = list(filter(None, told))  # those about a detail before those about what it follows
        dated = next((each for each in words if "{clear_from}" in each), "")
        if dated and first_day:
            return dated.replace("{clear_from}", first_day)
        return next((each for each in words if "{clear_from}" not in each), "")

    def _counts(self, id: str, rule: Rule) -> bool:
        said, kind = self.answers.get(id), self.catalogue.questions[id].kind
        if said is None or kind in DATES:
            return said is not None
        if kind == QuestionKind.TEXT:
            lists = rule.test.params.get("lists") or ()
            return bool(names_in(said, [name for key in lists for name in self.catalogue.medicine_lists[key]]))
        return not {*rule.test.counting, NOT_SURE}.isdisjoint(said.split(", "))


def _questions_of(rule: Rule) -> Iterator[str]:
    """What feeds a rule at any stage, each once: a finding may stand since an earlier one."""
    yield from dict.fromkeys(id for ids in rule.questions.values() for id in ids)


def sun_from(appointment: Appointment, gap: timedelta, now: datetime) -> str:
    """From when on to stay out of the sun, as “Wednesday 10:30”; empty once that has come."""
    at = appointment.starts_at - gap
    return date_format(at.astimezone(appointment.location.zone), "l H:i") if now < at else ""
