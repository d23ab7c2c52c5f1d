"""What must be in order before a visit may begin."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from treatments.catalogue import AnsweredBy, Outcome, Override, QuestionKind, Stage
from treatments.decisions import who_may_decide
from treatments.models import Consent, CoursePlan, CourseSession, Screening
from treatments.publishing import catalogue_of

CLEAN_FACE = "S4"


@dataclass(frozen=True)
class Gate:
    """One condition of a start: `is_open` while something is missing, and `words` say what, or that all is well.

    `at` is when it was met. The words name no answer and no medicine, so that everybody may read them.
    """

    code: str
    title: str
    is_open: bool
    words: str
    at: datetime | None = None


def gates(*, session: CourseSession, start: datetime) -> list[Gate]:
    """The conditions under which a session may begin that is booked for `start`, in a constant number of queries.

    The answers must be those of the check-in for this very start: after a move they are asked again.
    """
    newest = (
        Screening.objects.filter(session=session)
        .newest_first()
        .select_related("decision", "catalogue_version")
        .prefetch_related("findings")
        .first()
    )
    is_current = newest is not None and (newest.stage, newest.for_start) == (Stage.CHECKIN, start)
    found = [
        _screening(newest, is_current=is_current),
        _clean_face(newest if is_current else None),
        _consent(Consent.objects.filter(session=session).only("signed_at").first()),
    ]
    if session.number == 1 and session.course.protocol.needs_clinician_plan:
        found.append(_plan(CoursePlan.objects.filter(course=session.course_id).only("signed_at").first()))
    return found


def _screening(newest: Screening | None, *, is_current: bool) -> Gate:
    title = _("Screening")
    if newest is None or newest.stage != Stage.CHECKIN:
        return Gate("screening", title, True, _("The questions of the day are not answered yet."))
    if not is_current:
        return Gate("screening", title, True, _("The questions were answered for another time. Ask them again."))
    if newest.stands_in_the_way and not _has_been_looked_at(newest):
        return Gate("screening", title, True, _("Nobody has looked at the skin yet."))
    if newest.stands_in_the_way:
        words = {
            Override.NONE: _("The answers do not allow the visit today. Find a new date."),
            Override.CLINICIAN: _("The answers stand in the way. The clinical lead decides."),
            Override.AESTHETICIAN: _("The answers stand in the way. A practitioner decides."),
        }
        return Gate("screening", title, True, words[who_may_decide(newest) or Override.NONE])
    if hasattr(newest, "decision"):
        return Gate("screening", title, False, _("Decided."), newest.decision.decided_at)
    return Gate("screening", title, False, _("Clear."), newest.created_at)


def _has_been_looked_at(checkin: Screening) -> bool:
    """Whether staff have answered what is theirs to see; until then the rest of the answers decides nothing."""
    said = json.loads(checkin.answers)
    seen = [
        question.id
        for question in catalogue_of(checkin.catalogue_version).questions_at(Stage.CHECKIN)
        if question.by == AnsweredBy.STAFF and question.kind != QuestionKind.STAFF_TICK and not question.ask_if
    ]
    return all(id in said for id in seen)


def _clean_face(checkin: Screening | None) -> Gate:
    outcomes = [each.outcome for each in checkin.findings.all() if each.rule_code == CLEAN_FACE] if checkin else []
    if outcomes == [Outcome.PASS]:
        return Gate("clean_face", _("Clean face"), False, _("Ticked."), checkin.created_at)
    return Gate("clean_face", _("Clean face"), True, _("Clean the face and tick it."))


def _consent(consent: Consent | None) -> Gate:
    if consent:
        return Gate("consent", _("Consent"), False, _("Signed."), consent.signed_at)
    return Gate("consent", _("Consent"), True, _("The patient has not signed yet."))


def _plan(plan: CoursePlan | None) -> Gate:
    if plan:
        return Gate("plan", _("Plan"), False, _("Signed by the clinical lead."), plan.signed_at)
    return Gate("plan", _("Plan"), True, _("The clinical lead writes and signs a plan before the first session."))
