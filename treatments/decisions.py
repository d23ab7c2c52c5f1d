"""Lifting what stands in the way of one screening: who may, and the only writer of decisions."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.text import has_letter, paragraphs
from patients.records import LONGEST_TEXT
from treatments.catalogue import Outcome, Override, Rule
from treatments.models import CourseSession, Screening, ScreeningDecision, ScreeningFinding, Visit
from treatments.publishing import catalogue_of

SKIN_CHECK = "skin_check"


class DecisionRefused(Exception):
    """Nothing was decided. `message` is a sentence for whoever tried."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


class ReasonMissing(DecisionRefused):
    """No reason in words, or one too long to keep."""


class SkinNotChecked(DecisionRefused):
    """A rule may only be lifted by somebody who has looked at the skin."""


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
    """Those that stand in the way of a visit."""
    return [finding for finding in findings if finding.outcome in Screening.STANDS_IN_THE_WAY]


def who_may_decide(screening: Screening) -> Override | None:
    """The circle that may lift all that stands in the way; `NONE` for nobody, None when nothing stands in the way.

    Read it with `catalogue_version` selected and `findings` prefetched.
    """
    findings = standing(screening.findings.all())
    if not findings:
        return None
    rules = _rules(screening)
    circles = [Override.NONE if _is_final(each) else rules[each.rule_code].override for each in findings]
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


def decide_screening(
    *, screening: Screening, reason: str, by: User, now: datetime, is_skin_checked: bool = False
) -> ScreeningDecision:
    """Lift what stands in the way of the newest screening of a session, as long as its visit has not begun.

    The same decision of the same hand sent twice is one. Raises a DecisionRefused.
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
        if stored.pk != screening.pk:
            raise Outdated(_("The answers have changed meanwhile. Look at the newest screening."))
        words = _words(reason, stored, is_skin_checked=is_skin_checked)
        if hasattr(stored, "decision"):
            if (stored.decision.decided_by_id, stored.decision.reason) == (by.pk, words):
                return stored.decision
            raise DecidedAlready(_("Somebody has decided on this screening already. Look at it again."))
        if Visit.objects.filter(session=stored.session_id).exists():
            raise VisitHasBegun(_("The visit has begun. Write what matters into its record."))
        _check_reach(by, stored)
        return ScreeningDecision.objects.create(screening=stored, reason=words, decided_at=now, decided_by=by)


def carry_decision(*, earlier: Screening, screening: Screening, findings: Iterable[ScreeningFinding]) -> None:
    """Let a decision hold for the screening that follows, where nothing stands in the way that it did not lift.

    Both must be about the same start. A tick that is added later then needs no second decision; an answer that
    changes does, because the finding says something else.
    """
    ahead = {_said(finding) for finding in standing(findings)}
    if ahead and hasattr(earlier, "decision") and ahead <= {_said(each) for each in standing(earlier.findings.all())}:
        decision = earlier.decision
        ScreeningDecision.objects.create(
            screening=screening,
            reason=decision.reason,
            decided_at=decision.decided_at,
            decided_by=decision.decided_by,
        )


def _said(finding: ScreeningFinding) -> tuple:
    return finding.rule_code, str(finding.outcome), finding.clear_from, finding.reason


def _rules(screening: Screening) -> dict[str, Rule]:
    """The rules as they stood when the screening was made."""
    return catalogue_of(screening.catalogue_version).rules


def _is_final(finding: ScreeningFinding) -> bool:
    return finding.outcome == Outcome.HARD_BLOCK or finding.ends_only_with_answer


def _words(reason: str, screening: Screening, *, is_skin_checked: bool) -> str:
    """The reason as it is kept, with the look at the skin in words."""
    words = paragraphs(reason)
    if not has_letter(words):
        raise ReasonMissing(_("Write the reason for your decision."))
    if len(words) > LONGEST_TEXT:
        raise ReasonMissing(_("Shorten the reason to %(longest)d characters.") % {"longest": LONGEST_TEXT})
    if not needs_skin_check(screening):
        return words
    if not is_skin_checked:
        raise SkinNotChecked(_("Look at the skin first and tick that you did."))
    return f"{words}\n{_('I have looked at the skin.')}"


def _check_reach(by: User, screening: Screening) -> None:
    circle = who_may_decide(screening)
    if circle is None:
        raise NothingToLift(_("Nothing stands in the way, so there is nothing to decide."))
    if circle == Override.NONE:
        raise NobodyMayLift(_("Nobody may lift this. Ask what is missing, or find a later date."))
    if not may_decide(by, screening):
        raise NotForYou(
            _("The clinical lead decides about this.")
            if circle == Override.CLINICIAN
            else _("A practitioner or the clinical lead decides about this.")
        )
