"""One rule before one visit: each kind of test looks at the answers in its own way, and the worst of it counts."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from clinic.times import minus_months, plus_months_clear
from patients.partial_dates import PartialDate
from treatments.catalogue import Outcome, QuestionKind, Scope, TestKind
from treatments.catalogue.spec import ADVICE, DATES, NO, NOT_SURE, YES
from treatments.screening.cases import Case
from treatments.screening.findings import Finding, severity
from treatments.screening.reading import (
    DOES_NOT_COUNT,
    KEEP_TAKING,
    MAY_PAUSE,
    NOT_REACHED,
    STILL,
    Advice,
    names_in,
    names_nothing_else,
)


def judge(case: Case) -> Finding:
    """What the rule of the case says."""
    if not case.concerns_visit:
        return case.says(Outcome.PASS, _("this does not concern the chosen treatment."))
    if case.stage in case.rule.advise_at:
        return case.says(
            Outcome.ADVISE, _("tell the patient now; it is asked on arrival."), clear_from=_known_end(case)
        )
    if case.stage not in case.rule.stages:
        return case.says(Outcome.PASS, _("this is not asked at the stage “%(stage)s”."), stage=case.stage.label)
    finding = TESTS[case.rule.test.kind](case)
    return finding if finding.outcome == Outcome.PASS else _with_notes(case, replace(finding, against=case.against()))


def _with_notes(case: Case, finding: Finding) -> Finding:
    """What the patient added in own words, where it decides nothing, belongs to the reason."""
    if case.setting("lists"):
        return finding
    notes = [case.answers[id] for id in case.ids(QuestionKind.TEXT) if id in case.answers]
    if not notes:
        return finding
    return replace(finding, remarks=(*finding.remarks, gettext("Said: “%(notes)s”") % {"notes": notes[0]}))


# Answers


def _by_answers(case: Case) -> Finding:
    """An answer that counts speaks against the visit, until another one settles it."""
    if case.answers.get(case.setting("settled_by")) == YES:
        return case.says(Outcome.PASS, _("this was gone through again."))
    said = {id: case.counts(id) for id in case.gates()}
    found = [case.lacks(id) for id, counts in said.items() if counts is None]
    flagged = [id for id, counts in said.items() if counts]
    if case.rule.scope == Scope.ZONE and len(flagged) == 1 and not found:
        return _in_its_zones(case, flagged[0])
    found += [case.flags(id) for id in flagged]
    return max(found, key=severity) if found else case.says(Outcome.PASS, _("nothing here speaks against the visit."))


def _in_its_zones(case: Case, id: str) -> Finding:
    """What an answer says about its zones: nothing where they are not treated, all where nothing else is treated.

    As long as it is not known which they are, or what is to be treated, it speaks about the whole visit.
    """
    flag, places = case.flags(id), case.zones_of(id)
    if places is None or not case.zones:
        return flag
    names = ", ".join(zone.name for code, zone in case.catalogue.zones.items() if code in places)
    if case.zones.isdisjoint(places):
        return case.says(Outcome.PASS, _("only on skin that is not treated: %(zones)s."), zones=names)
    hit = tuple(code for code in case.catalogue.zones if code in case.zones & places)
    where = gettext("Where: %(zones)s.") % {"zones": names}
    return replace(flag, remarks=(where,), zones=() if len(hit) == len(case.zones) else hit)


def _by_choice(case: Case) -> Finding:
    """Each choice has an outcome of its own."""
    (id,) = case.ids(QuestionKind.CHOICE)
    answer = case.answers.get(id, NOT_SURE)
    if answer == NOT_SURE:
        return case.lacks(id)
    if outcome := case.setting("map").get(answer):
        return case.flags(id, outcome)
    return case.says(Outcome.PASS, _("nothing here speaks against the visit."))


def _staff_tick(case: Case) -> Finding:
    (tick,) = case.ids(QuestionKind.STAFF_TICK)
    if case.answers.get(tick) == YES:
        return case.says(Outcome.PASS, _("ticked."))
    return case.says(case.rule.outcome[case.stage], _("this is still to be done and ticked."))


# Dates


def _gated(case: Case, when: str | None, judged: Callable, undated: Callable[[str | None], Finding]) -> Finding:
    """The worst of what the gates and the date that follows them say.

    A date that was given is always judged, also beside a “no”: people correct one answer and forget the other.
    `undated` speaks where a gate counts and its date was not given, or is not asked for.
    """
    said = {id: case.counts(id) for id in case.gates()}
    found = [case.lacks(id) for id, counts in said.items() if counts is None]
    counting = [id for id, counts in said.items() if counts]
    if when in case.answers:
        found.append(judged(case, case.answers[when]))
    elif counting or not said:
        found.append(undated(counting[0] if counting else None))
    return max(found, key=severity) if found else case.says(Outcome.PASS, _("answered no."))


def _since_last_date(case: Case) -> Finding:
    """Calendar months since a day. In the look-back form, exactly six months are clear."""
    (when,) = case.ids(*DATES)
    return _gated(case, when, _judge_months, lambda gate: case.lacks(when))


def _judge_months(case: Case, last: PartialDate | str) -> Finding:
    outcome, months = case.rule.outcome[case.stage], case.setting("months")
    if last == STILL:
        return case.says(outcome, _("this goes on, so there is no date yet from which a visit is possible."))
    day = last.latest()
    clear_from = plus_months_clear(day, months)
    details = {"clear_from": clear_from, "day": case.worded(day), "months": months, "clear": case.worded(clear_from)}
    if day > case.visit_day:
        return case.says(outcome, _("the last date, %(day)s, lies after the visit; clear from %(clear)s."), **details)
    if day > minus_months(case.visit_day, months):
        return case.says(
            outcome,
            _("the last date is %(day)s, less than %(months)d months before the visit; clear from %(clear)s."),
            **details,
        )
    return _held(case, day) or case.says(
        Outcome.PASS, _("the last date is %(day)s, at least %(months)d months before the visit."), **details
    )


def _within_days(case: Case) -> Finding:
    """Calendar days since a day; exactly the days are clear. A yes whose date nobody knows counts as too recent,
    because the question itself names the days; among several things that may lie a year back, it waits for the date."""
    when = next(iter(case.ids(*DATES)), None)

    def undated(gate: str | None) -> Finding:
        is_recent = gate and (when is None or case.catalogue.questions[gate].kind != QuestionKind.SEVERAL)
        return case.flags(gate) if is_recent else case.lacks(when)

    return _gated(case, when, _judge_days, undated)


def _judge_days(case: Case, last: PartialDate) -> Finding:
    day, days = last.latest(), case.setting("days")
    clear_from = day + timedelta(days=days)
    details = {"clear_from": clear_from, "day": case.worded(day), "days": days, "clear": case.worded(clear_from)}
    if case.visit_day < clear_from:
        return case.says(
            case.rule.outcome[case.stage],
            _("the last date is %(day)s, not %(days)d days before the visit; clear from %(clear)s."),
            **details,
        )
    return _held(case, day) or case.says(
        Outcome.PASS, _("the last date is %(day)s, at least %(days)d days before the visit."), **details
    )


def _held(case: Case, day: date) -> Finding | None:
    """The hold that follows a block, until it ends by itself."""
    if days := case.setting("hold_until_days"):
        until = day + timedelta(days=days)
    elif months := case.setting("hold_until_months"):
        until = plus_months_clear(day, months)
    else:
        return None
    if case.visit_day >= until:
        return None
    return case.says(
        Outcome.HOLD,
        _("the last date is %(day)s; until %(until)s the clinical lead decides."),
        clear_from=until,
        day=case.worded(day),
        until=case.worded(until),
    )


def _age_below(case: Case) -> Finding:
    """Whole years on the day of the visit. Who was born on 29 February has her birthday on 1 March."""
    (id,) = case.ids(QuestionKind.BIRTH_DATE)
    if id not in case.answers:
        return case.lacks(id)
    years = case.setting("years")
    clear_from = plus_months_clear(case.answers[id], 12 * years)
    details = {"years": years, "clear": case.worded(clear_from), "clear_from": clear_from}
    if case.visit_day < clear_from:
        return case.says(
            case.rule.outcome[case.stage], _("not %(years)d years old on the day; clear from %(clear)s."), **details
        )
    return case.says(Outcome.PASS, _("at least %(years)d years old on the day."), **details)


# Hours


def _since_last_instant(case: Case) -> Finding:
    """Elapsed hours since an event, as instants in UTC; exactly the hours are clear."""
    when = next(iter(case.ids(QuestionKind.INSTANT)), None)
    if case.setting("needs"):
        return _by_plan(case, when)
    return _gated(case, when, _judge_hours, lambda gate: case.lacks(when))


def _by_plan(case: Case, when: str | None) -> Finding:
    """Under a prescriber's plan the hours count only where staff have recorded that the prescriber agreed.

    What the patient says of the prescriber is no plan, and overrides none. “Keep taking it” cannot meet the rule and
    blocks at every stage, because nobody at the clinic may ask for a dose to be left out. A medicine that does not
    count is no reason to ask anybody, and a “no” beside a medicine that counts is no answer.
    """
    (gate,), (telling,) = case.ids(QuestionKind.YES_NO), case.ids(QuestionKind.CHOICE)
    said, named = case.answers.get(gate, NOT_SURE), case.named(case.ids(QuestionKind.TEXT))
    told, advice = case.answers.get(telling), case.answers.get(ADVICE.id, Advice(NOT_REACHED))
    if said == NOT_SURE:
        return case.lacks(gate)
    if said == NO and advice.said in (MAY_PAUSE, KEEP_TAKING):
        return _differs(case, gettext("No"), advice, telling)
    if said == NO and named:
        reason = _("the answer to %(id)s is no, but %(names)s is named; ask again.")
        return case.says(case.catalogue.unsure_policy[case.stage], reason, id=gate, names=", ".join(named))
    if said == NO:
        return case.says(Outcome.PASS, _("answered no."))
    if advice.said == KEEP_TAKING:
        return _goes_on(case)
    if advice.said == MAY_PAUSE and told == KEEP_TAKING:
        return _differs(case, _label(case, telling, told), advice, telling)
    others = _not_about(case, gate, advice)
    if advice.said == MAY_PAUSE and others:
        return _differs(case, ", ".join(others), advice, telling)
    if advice.said == MAY_PAUSE:
        return _paused(case, when, gate, advice)
    recorded = advice.said == DOES_NOT_COUNT and not others and _own_words(case, gate)
    if recorded or (not named and _does_not_count(case, gate)):
        return case.says(Outcome.PASS, _("this medicine does not count; the patient keeps taking it."))
    return _goes_on(case) if told == KEEP_TAKING else _without_advice(case, telling)


def _differs(case: Case, said: str, advice: Advice, telling: str) -> Finding:
    """The patient says something else than what is recorded of the prescriber."""
    return case.says(
        case.catalogue.unsure_policy[case.stage],
        _("the patient says “%(said)s”, and on file is: %(advice)s. Ask, and record what the prescriber says."),
        said=said,
        advice=", ".join(filter(None, [f"“{_label(case, telling, advice.said)}”", advice.medicine, advice.source])),
    )


def _label(case: Case, id: str, answer: str) -> str:
    return dict(case.catalogue.questions[id].choices)[answer]


def _goes_on(case: Case) -> Finding:
    return case.says(
        Outcome.BLOCK,
        _("the prescriber wants it taken as usual, so %(hours)d hours cannot be kept; the patient goes on."),
        hours=case.setting("hours"),
    )


def _paused(case: Case, when: str | None, gate: str, advice: Advice) -> Finding:
    """The hours between the last time and the visit. They say little about what goes on acting for days."""
    if when is None:
        words = _("the prescriber agreed; the last time is asked on arrival.")
        finding = case.says(Outcome.PASS, words, clear_from=_known_end(case))
    else:
        finding = _judge_hours(case, case.answers[when]) if when in case.answers else case.lacks(when)
    names = [name for key in case.setting("long_acting") or () for name in case.catalogue.medicine_lists[key]]
    found = names_in("\n".join([advice.medicine, *_own_words(case, gate)]), names)
    if found and finding.outcome == Outcome.PASS:
        words = _("the prescriber agreed, but after a medicine that acts for long (%(names)s) the hours say little.")
        return case.says(Outcome.HOLD, words, names=", ".join(found))
    return finding


def _without_advice(case: Case, telling: str) -> Finding:
    """The visit waits for the prescriber, until so little time is left that it has to be another day."""
    lacking, hours = case.lacks(telling), case.setting("advice_hours")
    if case.answers.get(telling) == MAY_PAUSE:
        words = _("the patient says that a pause is fine; it counts once it is recorded who said so, and when.")
        lacking = case.says(lacking.outcome, words)
    elif telling in case.answers and case.answers[telling] != NOT_SURE:
        lacking = case.says(lacking.outcome, _("the prescriber has not been asked yet, and the visit waits for that."))
    if not (hours and case.asked_at) or case.visit - case.asked_at >= timedelta(hours=hours):
        return lacking
    if lacking.outcome.is_blocking:
        return lacking
    return case.says(
        Outcome.BLOCK,
        _("the prescriber has not been heard %(hours)d hours before the visit; find another date."),
        clear_from=(case.asked_at + timedelta(hours=hours)).astimezone(case.zone),
        hours=hours,
    )


def _own_words(case: Case, gate: str) -> list[str]:
    """How the patient calls the medicine behind the gate."""
    follow = [id for id in case.ids(QuestionKind.TEXT) if case.follows(id, gate)]
    return [case.answers[id] for id in follow if id in case.answers]


def _not_about(case: Case, gate: str, advice: Advice) -> list[str]:
    """The medicines that the patient takes and of which the prescriber has said nothing."""
    own = [words for words in _own_words(case, gate) if not names_nothing_else(words, [advice.medicine])]
    listed = case.named(id for id in case.ids(QuestionKind.TEXT) if not case.follows(id, gate))
    return own + [name for name in listed if not names_in(advice.medicine, [name])]


def _does_not_count(case: Case, gate: str) -> bool:
    """Whether the medicine behind the gate is one of those that are never meant, and nothing else is named there."""
    names = [name for key in case.setting("does_not_count") or () for name in case.catalogue.medicine_lists[key]]
    return any(names_nothing_else(words, names) for words in _own_words(case, gate))


def _judge_hours(case: Case, event: datetime) -> Finding:
    hours = case.setting("hours")
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


def _end(case: Case, event: datetime) -> datetime:
    return (event + timedelta(hours=case.setting("hours"))).astimezone(case.zone)


def _known_end(case: Case) -> datetime | None:
    """When the hours are over, for a stage that does not ask for the event yet, if it happens to be known."""
    ids = {id for at_stage in case.rule.questions.values() for id in at_stage}
    events = [value for id, value in case.answers.items() if id in ids and isinstance(value, datetime)]
    return _end(case, events[0]) if events else None


TESTS: Mapping[TestKind, Callable[[Case], Finding]] = {
    TestKind.SINCE_LAST_DATE: _since_last_date,
    TestKind.SINCE_LAST_INSTANT: _since_last_instant,
    TestKind.STAFF_TICK: _staff_tick,
    TestKind.YES: _by_answers,
    TestKind.NO: _by_answers,
    TestKind.CHOICE: _by_choice,
    TestKind.ANY_OF: _by_answers,
    TestKind.WITHIN_DAYS: _within_days,
    TestKind.FLARE_IN_ZONE: _by_answers,
    TestKind.LIST_MATCH: _by_answers,
    TestKind.STAFF_SEEN: _by_answers,
    TestKind.AGE_BELOW: _age_below,
}
