"""Deciding about what stands in the way of one screening: who may, and the only writer of decisions."""

import json
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.text import has_letter, paragraphs
from clinic.times import at_local
from patients.records import LONGEST_TEXT
from treatments.catalogue import Outcome, Override, Rule
from treatments.models import CourseSession, Screening, ScreeningDecision, ScreeningFinding, Visit
from treatments.prescribers import IMMUNE_MEDICINE, is_settled
from treatments.publishing import catalogue_of

LONGEST_WAIT = timedelta(days=730)  # no visit is booked further ahead
SKIN_CHECK = "skin_check"

Kind = ScreeningDecision.Kind


class DecisionRefused(Exception):
    """Nothing was decided. `message` is a sentence for whoever tried."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


class ReasonMissing(DecisionRefused):
    """No reason in words, or one too long to keep."""


class SkinNotChecked(DecisionRefused):
    """A rule may only be lifted by somebody who has looked at the skin."""


class NotMerelyOnHold(DecisionRefused):
    """Something blocks the visit, so that it takes a lift with its reason, or another date."""


class NotHeard(DecisionRefused):
    """Whoever prescribes the medicine has not agreed, so that it is no mere look that the visit waits for."""


class NoLaterDate(DecisionRefused):
    """The date to postpone to is missing, or the visit could take place before it as things are."""


class NothingToLift(DecisionRefused):
    """Nothing stands in the way of the screening."""


class NobodyMayLift(DecisionRefused):
    """Something stands in the way that ends with time or with an answer, and with nobody's decision."""


class NotForYou(DecisionRefused):
    """Somebody may lift it, in another role."""


class Outdated(DecisionRefused):
    """The session was screened again meanwhile."""


class DecidedAlready(DecisionRefused):
    """Somebody has decided on this screening."""


class VisitHasBegun(DecisionRefused):
    """There is nothing left to decide."""


def standing(findings: Iterable[ScreeningFinding]) -> list[ScreeningFinding]:
    """Those that stand in the way of a visit; what only takes some of the skin out of it does not."""
    return [each for each in findings if each.outcome in Screening.STANDS_IN_THE_WAY and not each.zones]


def who_may_decide(screening: Screening) -> Override | None:
    """The circle that may lift all that stands in the way; `NONE` for nobody, None when nothing stands in the way.

    Read it with `catalogue_version` selected and `findings` prefetched.
    """
    findings = standing(screening.findings.all())
    if not findings:
        return None
    rules = _rules(screening)
    circles = [_circle(each, rules[each.rule_code]) for each in findings]
    return min(circles, key=list(Override).index)


def may_decide(user: User, screening: Screening) -> bool:
    """Whether somebody's role reaches all that stands in the way."""
    circle = who_may_decide(screening)
    if circle == Override.AESTHETICIAN:
        return user.is_practitioner or user.is_lead
    return circle == Override.CLINICIAN and user.is_lead


def needs_skin_check(screening: Screening) -> bool:
    """Whether whoever lifts this must have looked at the skin."""
    rules = _rules(screening)
    return any(rules[each.rule_code].extras.get("needs") == SKIN_CHECK for each in standing(screening.findings.all()))


def may_postpone(user: User, screening: Screening) -> bool:
    """Whether somebody may find a later date for a visit: whoever may decide, and the lead also where nobody lifts."""
    return user.is_lead or may_decide(user, screening)


def is_merely_on_hold(screening: Screening) -> bool:
    """Whether a look is all that the visit waits for, so that it can be cleared without lifting anything."""
    return all(finding.outcome == Outcome.HOLD for finding in standing(screening.findings.all()))


def waits_for_prescriber(screening: Screening) -> bool:
    """Whether a medicine stands in the way of which no prescriber has said that it may."""
    is_asked = any(each.rule_code == IMMUNE_MEDICINE for each in standing(screening.findings.all()))
    return is_asked and not is_settled(screening.session.course.patient)


def decide_screening(
    *,
    screening: Screening,
    kind: ScreeningDecision.Kind,
    zone: ZoneInfo,
    by: User,
    now: datetime,
    reason: str = "",
    not_before: date | None = None,
    is_skin_checked: bool = False,
) -> ScreeningDecision:
    """Clear, lift or postpone the newest screening of a session, as long as its visit has not begun.

    What waits for a prescriber is not cleared. A lift needs a reason. A postponement needs a local day in `zone`, after
    the visit's, not before the one that the rules know, and within two years; it may be followed by another one to
    another day. The same decision of the same hand sent twice is one. Raises a DecisionRefused.
    """
    with transaction.atomic():
        # whoever starts the visit or decides too waits for the same row
        CourseSession.objects.select_for_update(no_key=True).get(pk=screening.session_id)
        stored = (
            Screening.objects.filter(session=screening.session_id)
            .newest_first()
            .select_related("decision", "catalogue_version")
            .first()
        )
        decided = getattr(stored, "decision", None)
        if stored.pk != screening.pk and decided is None:
            raise Outdated(_("The answers have changed meanwhile. Look at the newest screening."))
        words = _words(reason, stored, kind, is_skin_checked=is_skin_checked)
        until = _until(not_before, stored, zone, now) if kind == Kind.POSTPONE else None
        if decided:
            if (decided.decided_by_id, decided.kind, decided.not_before, decided.reason) == (by.pk, kind, until, words):
                return decided
            if stored.pk != screening.pk or not decided.kind == kind == Kind.POSTPONE:
                raise DecidedAlready(_("Somebody has decided on this screening already. Look at it again."))
        if Visit.objects.filter(session=stored.session_id).exists():
            raise VisitHasBegun(_("The visit has begun. Write what matters into its record."))
        _check_reach(by, stored, kind)
        if decided:
            stored = _once_more(stored, by=by, now=now)
        return ScreeningDecision.objects.create(
            screening=stored, kind=kind, not_before=until, reason=words, decided_at=now, decided_by=by
        )


def let_pass(screening: Screening | None, start: datetime) -> frozenset[tuple]:
    """What the decision on a screening lets a visit at `start` go ahead over, as `said_by` says it.

    What blocks until a date was weighed for the start that was screened, and for no other. Read it with `decision`
    selected and `findings` prefetched.
    """
    if screening is None or not screening.goes_ahead:
        return frozenset()
    return frozenset(said_by(each) for each in standing(screening.findings.all()) if _holds_at(each, screening, start))


def decision_that_holds(
    *, before: Iterable[Screening], screening: Screening, findings: Iterable[ScreeningFinding]
) -> ScreeningDecision | None:
    """The decision on one of the screenings `before` for the one that follows them, not stored yet; None where none is.

    It holds where nothing stands in the way that it was not about: as long as a rule says the same of the same answers.
    A tick that is added later then needs no second decision; an answer that changes does. A later stage may weigh the
    same answer more heavily. A postponement ends with the start that it was about.
    """
    ahead = standing(findings)
    for each in before:
        if ahead and hasattr(each, "decision") and _covers(each, screening, ahead):
            facts = ("kind", "not_before", "reason", "decided_at", "decided_by")
            return ScreeningDecision(screening=screening, **{name: getattr(each.decision, name) for name in facts})
    return None


def said_by(finding: ScreeningFinding) -> tuple:
    """All that a finding says, to compare it with another."""
    return finding.rule_code, str(finding.outcome), finding.zones, finding.clear_from, finding.reason


def _covers(decided: Screening, screening: Screening, ahead: Iterable[ScreeningFinding]) -> bool:
    """Whether the decision on one screening was about all that stands in the way of another."""
    if decided.decision.kind == Kind.POSTPONE and decided.for_start != screening.for_start:
        return False
    said, says, rules = json.loads(decided.answers), json.loads(screening.answers), _rules(screening)
    is_same_stage = decided.stage == screening.stage
    known = {
        _compared(each, is_same_stage)
        for each in standing(decided.findings.all())
        if _holds_at(each, decided, screening.for_start)
    }
    if not {_compared(each, is_same_stage) for each in ahead} <= known:
        return False
    asked = {id for each in ahead for id in rules[each.rule_code].questions.get(decided.stage, ())}
    return all(says[id] == said.get(id) for id in asked & says.keys())


def _compared(finding: ScreeningFinding, is_same_stage: bool) -> tuple:
    rule, outcome, *words = said_by(finding)
    return (rule, outcome, *words) if is_same_stage else (rule, *words)


def _holds_at(finding: ScreeningFinding, screening: Screening, start: datetime) -> bool:
    """Whether what was decided about a finding of a screening is decided for a start."""
    is_until_a_date = finding.clear_from and Outcome(finding.outcome).is_blocking
    return screening.for_start == start or not is_until_a_date


def _once_more(screening: Screening, *, by: User, now: datetime) -> Screening:
    """The same screening for a second postponement: the first one stays as it was signed."""
    names = ("session", "cause", "stage", "for_start", "catalogue_version", "answers", "outcome", "not_before")
    again = Screening.objects.create(
        **{name: getattr(screening, name) for name in names}, created_at=now, created_by=by
    )
    ScreeningFinding.objects.bulk_create(each.again_in(again) for each in screening.findings.all())
    return again


def _rules(screening: Screening) -> dict[str, Rule]:
    """The rules as they stood when the screening was made."""
    return catalogue_of(screening.catalogue_version).rules


def _circle(finding: ScreeningFinding, rule: Rule) -> Override:
    """Who may lift a finding. A hold is there to be looked at, also under a rule that nobody may lift."""
    if _is_final(finding):
        return Override.NONE
    is_looked_at = finding.outcome == Outcome.HOLD and rule.override == Override.NONE
    return Override.CLINICIAN if is_looked_at else rule.override


def _is_final(finding: ScreeningFinding) -> bool:
    return finding.outcome == Outcome.HARD_BLOCK or finding.ends_only_with_answer


def _words(reason: str, screening: Screening, kind: ScreeningDecision.Kind, *, is_skin_checked: bool) -> str:
    """The reason as it is kept, with the look at the skin in words."""
    words = paragraphs(reason)
    if not has_letter(words):
        if kind == Kind.LIFT:
            raise ReasonMissing(_("Write the reason for your decision."))
        words = ""
    if len(words) > LONGEST_TEXT:
        raise ReasonMissing(_("Shorten the reason to %(longest)d characters.") % {"longest": LONGEST_TEXT})
    if kind == Kind.POSTPONE or not needs_skin_check(screening):
        return words
    if not is_skin_checked:
        raise SkinNotChecked(_("Look at the skin first and tick that you did."))
    return f"{words}\n{_('I have looked at the skin.')}".strip()


def _until(not_before: date | None, screening: Screening, zone: ZoneInfo, now: datetime) -> datetime:
    if not_before is None:
        raise NoLaterDate(_("Choose the first day on which the visit may take place."))
    until = at_local(not_before, time.min, zone)
    if until <= screening.for_start:
        raise NoLaterDate(_("The visit would not have to move for this date. Choose a later one."))
    if until > now + LONGEST_WAIT:
        raise NoLaterDate(_("This day is more than two years ahead. Choose an earlier one."))
    if screening.not_before and until < screening.not_before:
        raise NoLaterDate(_("The rules allow no visit on that day yet. Choose a later one."))
    return until


def _check_reach(by: User, screening: Screening, kind: ScreeningDecision.Kind) -> None:
    circle = who_may_decide(screening)
    if circle is None:
        raise NothingToLift(_("Nothing stands in the way, so there is nothing to decide."))
    if kind == Kind.POSTPONE and by.is_lead:
        return
    if circle == Override.NONE:
        raise NobodyMayLift(_("Nobody may lift this. Ask what is missing, or find a later date."))
    if not may_decide(by, screening):
        raise NotForYou(
            _("The clinical lead decides about this.")
            if circle == Override.CLINICIAN
            else _("A practitioner or the clinical lead decides about this.")
        )
    if kind == Kind.CLEAR and not is_merely_on_hold(screening):
        raise NotMerelyOnHold(_("A rule blocks this visit. Lift it with your reason, or find a later date."))
    if kind == Kind.CLEAR and waits_for_prescriber(screening):
        raise NotHeard(_("No prescriber has agreed yet. Write down what is said, or lift this with your reason."))
