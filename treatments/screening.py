"""Whether a visit may take place: the catalogue's rules applied to a patient's answers.

Pure: no queries and no clock. Everything is judged against the start of the visit, so that the same answers give the
same result whenever they are looked at. A visit is moved, and the same call is made again.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import dateformat
from django.utils.translation import gettext as _

from clinic.times import (
    day_bounds,
    earlier_reading,
    exists,
    later_reading,
    local_date,
    minus_months,
    plus_months_clear,
)
from patients.partial_dates import FIRST_YEAR, LAST_YEAR, PartialDate
from treatments.catalogue import Catalogue, Outcome, Override, Question, QuestionKind, Rule, Stage, TestKind

YES, NO, NOT_SURE = "yes", "no", "not_sure"
STILL = "still"
KEEP_TAKING, MAY_PAUSE = "keep_taking", "may_pause"

# A day without a time of day may have been the last minute of it.
END_OF_DAY = time(23, 59)

LOCAL_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?))?")
OFFSET = re.compile(r"(.+)(Z|[+-][0-9]{2}:[0-9]{2})")


class AnswerError(ValueError):
    """What was asked cannot be understood. The message is a sentence for the person who asked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says.

    `clear_from` is the day (a date) or the moment (a local time with its offset) from which the finding would be
    clear; None when no date ends it. `reason` is for staff who may read health details. A finding that
    `ends_only_with_answer` rests on an answer that is missing or not sure under a rule that nobody may lift.
    """

    rule: str
    outcome: Outcome
    clear_from: date | datetime | None
    reason: str
    ends_only_with_answer: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What the rules say together: the worst outcome, and the latest date of what blocks.

    `clear_from` is None when nothing blocks, or when something blocks that no date ends.
    `not_before` is the first instant, in UTC, at which no blocking finding that has a date stands any more.
    """

    outcome: Outcome
    clear_from: date | datetime | None
    findings: tuple[Finding, ...]
    not_before: datetime | None

    @property
    def is_blocked_without_date(self) -> bool:
        return any(finding.outcome.is_blocking and finding.clear_from is None for finding in self.findings)


def evaluate(
    *,
    catalogue: Catalogue,
    answers: Mapping[str, str],
    stage: Stage | str,
    visit_start: datetime,
    zone: ZoneInfo,
    protocol: str | None = None,
    rule: str | None = None,
) -> Result:
    """Apply every active rule of a stage, or the one that is named, to the answers.

    `visit_start` is aware; `zone` is the clinic's, in which answers are written. Answers to questions of other stages
    may be there. Raises AnswerError for an answer, rule, stage, protocol or date that cannot be understood.
    """
    stage = _stage(stage)
    if protocol is not None and protocol not in catalogue.protocols:
        raise AnswerError(_("There is no protocol %(code)s.") % {"code": _shown(protocol)})
    if not FIRST_YEAR <= local_date(visit_start, zone).year <= LAST_YEAR:
        raise AnswerError(_years_sentence())
    known = _read_answers(catalogue, answers, zone)
    rules = [_active_rule(catalogue, rule)] if rule is not None else catalogue.active_rules(stage)
    cases = [_Case(catalogue, each, stage, visit_start.astimezone(UTC), zone, known) for each in rules]
    findings = tuple(_find(case, protocol) for case in cases if rule is not None or case.rule.suits(protocol))
    return _sum_up(findings, zone)


def read_visit_start(text: str, zone: ZoneInfo) -> datetime:
    """A visit's start as people write it, as an instant in UTC.

    Local to the zone unless it carries an offset. In the repeated hour of autumn the earlier reading counts, which
    leaves the least time since anything before. Raises AnswerError for a time that the zone skips.
    """
    written = OFFSET.fullmatch(text)
    local = _local_time(written[1] if written else text, at_end_of_day=False)
    if local is None:
        raise AnswerError(_("Write the visit's start as a local date and time, such as 2026-03-29T10:00."))
    if written:
        return _with_offset(local, written[2])
    if not exists(local, zone):
        raise AnswerError(_("The clocks skip this time on that day; choose another start for the visit."))
    return earlier_reading(local, zone)


# Reading what was asked


def _shown(value: str) -> str:
    """Something a person wrote, short and in plain ASCII, so that it can be repeated in a sentence."""
    return ascii(value)[:40]


def _years_sentence() -> str:
    return _("The year must lie between %(first)d and %(last)d.") % {"first": FIRST_YEAR, "last": LAST_YEAR}


def _stage(written: Stage | str) -> Stage:
    if isinstance(written, str) and written in Stage.values:
        return Stage(written)
    raise AnswerError(_("The stage must be booking, previsit or checkin."))


def _active_rule(catalogue: Catalogue, code: str) -> Rule:
    rule = catalogue.rules.get(code)
    if rule is None:
        raise AnswerError(_("There is no rule %(code)s.") % {"code": _shown(code)})
    if not rule.is_active:
        raise AnswerError(_("The rule %(code)s is not active yet.") % {"code": code})
    return rule


def _read_answers(catalogue: Catalogue, answers: Mapping[str, str], zone: ZoneInfo) -> dict[str, object]:
    if not isinstance(answers, Mapping):
        raise AnswerError(_("The answers must be an object from question ids to answers."))
    known = {}
    for id, value in answers.items():
        question = catalogue.questions.get(id)
        if question is None:
            raise AnswerError(_("There is no question %(id)s.") % {"id": _shown(id)})
        if not isinstance(value, str):
            raise AnswerError(_("The answer to %(id)s must be a text in quotes.") % {"id": id})
        known[id] = _read_answer(question, value, zone)
    return known


def _read_answer(question: Question, value: str, zone: ZoneInfo) -> str | PartialDate | datetime:
    if question.kind == QuestionKind.LAST_DATE:
        try:
            return STILL if value == STILL else PartialDate.parse(value)
        except ValueError as error:
            raise AnswerError(f"{question.id}: {error}") from None
    if question.kind == QuestionKind.INSTANT:
        local = _local_time(value, at_end_of_day=True)
        if local is None:
            raise AnswerError(
                _("Answer %(id)s with a local date and time such as 2026-03-28T10:00, or with a date alone.")
                % {"id": question.id}
            )
        return later_reading(local, zone)
    if value not in question.answers:
        raise AnswerError(
            _("The answer to %(id)s must be one of: %(answers)s.")
            % {"id": question.id, "answers": ", ".join(question.answers)}
        )
    return value


def _local_time(text: str, *, at_end_of_day: bool) -> datetime | None:
    """A naive local time, or None when it is not written as one. A date alone is taken only where it may be."""
    written = LOCAL_TIME.fullmatch(text)
    if not written or not (written[2] or at_end_of_day):
        return None
    try:
        day = date.fromisoformat(written[1])
        at = time.fromisoformat(written[2]) if written[2] else END_OF_DAY
    except ValueError:
        return None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise AnswerError(_years_sentence())
    return datetime.combine(day, at)


def _with_offset(local: datetime, offset: str) -> datetime:
    try:
        return datetime.fromisoformat(f"{local.isoformat()}{offset}").astimezone(UTC)
    except ValueError:
        raise AnswerError(_("The offset of the visit's start is not one that a clock can have.")) from None


# Applying a rule


@dataclass(frozen=True, slots=True)
class _Case:
    """One rule before one visit."""

    catalogue: Catalogue
    rule: Rule
    stage: Stage
    visit: datetime
    zone: ZoneInfo
    answers: Mapping[str, object]

    def ids(self, kind: QuestionKind) -> list[str]:
        """The rule's questions of a kind at this stage."""
        return [id for id in self.rule.questions.get(self.stage, ()) if self.catalogue.questions[id].kind == kind]

    def says(self, outcome: Outcome, reason: str, *, clear_from: date | datetime | None = None, **details) -> Finding:
        return Finding(self.rule.code, outcome, clear_from, f"{self.rule.name}: {reason % details}")

    def lacks(self, id: str) -> Finding:
        """An answer is missing or not sure. That never counts as clear, and no date ends it."""
        reason = _("the answer to %(id)s is missing or not sure, and the visit waits for it.") % {"id": id}
        return Finding(
            rule=self.rule.code,
            outcome=self.catalogue.unsure_policy[self.stage],
            clear_from=None,
            reason=f"{self.rule.name}: {reason}",
            ends_only_with_answer=self.rule.override == Override.NONE,
        )

    def worded(self, day: date | datetime) -> str:
        return dateformat.format(day, "j F Y, H:i" if isinstance(day, datetime) else "j F Y")


def _find(case: _Case, protocol: str | None) -> Finding:
    if not case.rule.suits(protocol):
        return case.says(Outcome.PASS, _("this does not concern the chosen treatment."))
    if case.stage in case.rule.advise_at:
        return case.says(
            Outcome.ADVISE, _("tell the patient now; it is asked on arrival."), clear_from=_known_end(case)
        )
    if case.stage not in case.rule.stages:
        return case.says(Outcome.PASS, _("this is not asked at the stage “%(stage)s”."), stage=case.stage.label)
    return TESTS[case.rule.test.kind](case)


def _gated(case: _Case, when: str, judge: Callable[[_Case, object], Finding]) -> Finding:
    """The worst of what the yes-or-no questions and the date that follows them say.

    A date that was given is always judged, also beside a “no”: people correct one answer and forget the other.
    """
    gates = case.ids(QuestionKind.YES_NO)
    unsure = [id for id in gates if case.answers.get(id, NOT_SURE) == NOT_SURE]
    found = [case.lacks(id) for id in unsure]
    if when in case.answers:
        found.append(judge(case, case.answers[when]))
    elif any(case.answers.get(id) == YES for id in gates):
        found.append(case.lacks(when))
    return max(found, key=_severity) if found else case.says(Outcome.PASS, _("answered no."))


def _since_last_date(case: _Case) -> Finding:
    """Calendar months since a day. In the look-back form, exactly six months are clear."""
    (when,) = case.ids(QuestionKind.LAST_DATE)
    return _gated(case, when, _judge_date)


def _judge_date(case: _Case, last: PartialDate | str) -> Finding:
    outcome, months = case.rule.outcome[case.stage], case.rule.test.params["months"]
    if last == STILL:
        return case.says(outcome, _("this goes on, so there is no date yet from which a visit is possible."))
    day, visit_day = last.latest(), local_date(case.visit, case.zone)
    clear_from = plus_months_clear(day, months)
    details = {"clear_from": clear_from, "day": case.worded(day), "months": months, "clear": case.worded(clear_from)}
    if day > visit_day:
        return case.says(outcome, _("the last date, %(day)s, lies after the visit; clear from %(clear)s."), **details)
    if day > minus_months(visit_day, months):
        return case.says(
            outcome,
            _("the last date is %(day)s, less than %(months)d months before the visit; clear from %(clear)s."),
            **details,
        )
    return case.says(
        Outcome.PASS, _("the last date is %(day)s, at least %(months)d months before the visit."), **details
    )


def _since_last_instant(case: _Case) -> Finding:
    """Elapsed hours since an event, as instants in UTC; exactly the hours are clear.

    Under a prescriber's plan the hours count only where the prescriber agreed. “Keep taking it” cannot meet the rule
    and blocks at every stage, because nobody at the clinic may ask for a dose to be left out.
    """
    if case.rule.test.params.get("needs"):
        (gate,), (advice,) = case.ids(QuestionKind.YES_NO), case.ids(QuestionKind.CHOICE)
        said = case.answers.get(gate, NOT_SURE)
        if said == NOT_SURE:
            return case.lacks(gate)
        if said == NO:
            return case.says(Outcome.PASS, _("answered no."))
        if case.answers.get(advice) == KEEP_TAKING:
            return case.says(
                Outcome.BLOCK,
                _("the prescriber wants it taken as usual, so %(hours)d hours cannot be kept; the patient goes on."),
                hours=case.rule.test.params["hours"],
            )
        if case.answers.get(advice) != MAY_PAUSE:
            return case.lacks(advice)
    instants = case.ids(QuestionKind.INSTANT)
    if not instants:
        return case.says(
            Outcome.PASS, _("the prescriber agreed; the last time is asked on arrival."), clear_from=_known_end(case)
        )
    return _gated(case, instants[0], _judge_instant)


def _judge_instant(case: _Case, event: datetime) -> Finding:
    hours = case.rule.test.params["hours"]
    clear_from = _end(case, event)
    details = {
        "clear_from": clear_from,
        "event": case.worded(event.astimezone(case.zone)),
        "hours": hours,
        "clear": case.worded(clear_from),
    }
    if case.visit - event >= timedelta(hours=hours):
        return case.says(
            Outcome.PASS, _("the last time was %(event)s, at least %(hours)d hours before the visit."), **details
        )
    return case.says(
        case.rule.outcome[case.stage],
        _("the last time was %(event)s, not %(hours)d hours before the visit; clear from %(clear)s."),
        **details,
    )


def _end(case: _Case, event: datetime) -> datetime:
    return (event + timedelta(hours=case.rule.test.params["hours"])).astimezone(case.zone)


def _known_end(case: _Case) -> datetime | None:
    """When the hours are over, for a stage that does not ask for the event yet, if it happens to be known."""
    ids = {id for at_stage in case.rule.questions.values() for id in at_stage}
    events = [value for id, value in case.answers.items() if id in ids and isinstance(value, datetime)]
    return _end(case, events[0]) if events else None


def _staff_tick(case: _Case) -> Finding:
    (tick,) = case.ids(QuestionKind.STAFF_TICK)
    if case.answers.get(tick) == YES:
        return case.says(Outcome.PASS, _("ticked."))
    return case.says(case.rule.outcome[case.stage], _("this is still to be done and ticked."))


TESTS: Mapping[TestKind, Callable[[_Case], Finding]] = {
    TestKind.SINCE_LAST_DATE: _since_last_date,
    TestKind.SINCE_LAST_INSTANT: _since_last_instant,
    TestKind.STAFF_TICK: _staff_tick,
}


# Summing up


def _severity(finding: Finding) -> int:
    return finding.outcome.severity


def _sum_up(findings: tuple[Finding, ...], zone: ZoneInfo) -> Result:
    blocking = [finding.clear_from for finding in findings if finding.outcome.is_blocking]
    dated = [(_instant(clear_from, zone), clear_from) for clear_from in blocking if clear_from is not None]
    not_before, latest = max(dated, key=lambda pair: pair[0], default=(None, None))
    return Result(
        outcome=max((finding.outcome for finding in findings), key=lambda o: o.severity, default=Outcome.PASS),
        clear_from=latest if len(dated) == len(blocking) else None,
        findings=findings,
        not_before=not_before,
    )


def _instant(clear_from: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(clear_from, datetime):
        return clear_from.astimezone(UTC)
    return day_bounds(clear_from, zone)[0]
