"""The rules of a stage, applied to the answers of one patient for one visit."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from clinic.times import local_date
from patients.partial_dates import FIRST_YEAR, LAST_YEAR
from treatments.catalogue import Catalogue, Rule, Stage
from treatments.catalogue.spec import YES
from treatments.screening.cases import Case
from treatments.screening.findings import Result, sum_up
from treatments.screening.judging import judge
from treatments.screening.reading import Answer, AnswerError, read_answers, read_stage, shown, years_sentence


def evaluate(
    *,
    catalogue: Catalogue,
    answers: Mapping[str, str],
    stage: Stage | str,
    visit_start: datetime,
    zone: ZoneInfo,
    protocol: str | None = None,
    zones: Collection[str] | None = None,
    rule: str | None = None,
    asked_at: datetime | None = None,
) -> Result:
    """Apply every active rule of a stage, or the one that is named, to the answers.

    `visit_start` is aware; `zone` is the clinic's, in which answers are written. `zones` are codes of the skin that is
    to be treated; none means that they are not known, and any could be meant. Answers to questions of other stages may
    be there. `asked_at` is when the rules are asked, for those that give somebody time until shortly before the visit;
    without it there is time enough. A yes to a question that reopens an earlier stage brings the rules of that stage in
    as well. Raises AnswerError for an answer, rule, stage, protocol, zone or date that cannot be understood.
    """
    stage = read_stage(stage)
    if protocol is not None and protocol not in catalogue.protocols:
        raise AnswerError(_("There is no protocol %(code)s.") % {"code": shown(protocol)})
    for code in zones or ():
        if code not in catalogue.zones:
            raise AnswerError(_("There is no zone %(code)s.") % {"code": shown(code)})
    if not FIRST_YEAR <= local_date(visit_start, zone).year <= LAST_YEAR:
        raise AnswerError(years_sentence())
    known = read_answers(catalogue, answers, zone)
    if rule is not None:
        named = _active_rule(catalogue, rule)
        spoken = [(named, stage, named.suits(protocol, zones))]
    else:
        spoken = [(r, at, True) for r, at in _speaking(catalogue, stage, known) if r.suits(protocol, zones)]
    visit, treated = visit_start.astimezone(UTC), frozenset(zones or ())
    findings = tuple(
        judge(
            Case(
                catalogue=catalogue,
                rule=each,
                stage=at,
                visit=visit,
                zone=zone,
                answers=known,
                zones=treated,
                asked_at=asked_at,
                concerns_visit=concerns_visit,
            )
        )
        for each, at, concerns_visit in spoken
    )
    return sum_up(findings, zone)


def _active_rule(catalogue: Catalogue, code: str) -> Rule:
    rule = catalogue.rules.get(code)
    if rule is None:
        raise AnswerError(_("There is no rule %(code)s.") % {"code": shown(code)})
    if not rule.is_active:
        raise AnswerError(_("The rule %(code)s is not active yet.") % {"code": code})
    return rule


def _speaking(catalogue: Catalogue, stage: Stage, known: Mapping[str, Answer]) -> list[tuple[Rule, Stage]]:
    """The rules of the stage, and those of an earlier one where an answer reopens it, each once."""
    speaking = {rule.code: (rule, stage) for rule in catalogue.active_rules(stage)}
    for question in catalogue.questions.values():
        if question.reopens and question.stage == stage and known.get(question.id) == YES:
            for rule in catalogue.active_rules(question.reopens):
                speaking.setdefault(rule.code, (rule, question.reopens))
    return list(speaking.values())
