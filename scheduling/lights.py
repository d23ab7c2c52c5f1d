"""The light of a visit: what everybody may know of its newest screening, and what has turned it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils.translation import gettext as _

from treatments.catalogue import Outcome, Override
from treatments.decisions import who_may_decide
from treatments.models import CourseSession, Screening, ScreeningDecision

Cause = Screening.Cause


class Light(StrEnum):
    """Its value is how it is drawn."""

    UNKNOWN = "stone"
    CLEAR = "green"
    HOLD = "amber"
    STOP = "red"

    @property
    def word(self) -> str:
        return {
            Light.UNKNOWN: _("not screened"),
            Light.CLEAR: _("clear"),
            Light.HOLD: _("on hold"),
            Light.STOP: _("not possible"),
        }[self]


def light_of(screening: Screening | None) -> Light:
    """What the newest screening of a session says about its visit. Read it with `decision` selected."""
    if screening is None:
        return Light.UNKNOWN
    if not screening.stands_in_the_way:
        return Light.CLEAR
    is_postponed = hasattr(screening, "decision") and screening.decision.kind == ScreeningDecision.Kind.POSTPONE
    return Light.STOP if is_postponed or Outcome(screening.outcome).is_blocking else Light.HOLD


@dataclass(frozen=True)
class Change:
    """The light has turned, at a moment and for a cause."""

    before: Light
    after: Light
    cause: Screening.Cause
    at: datetime

    def words(self, *, for_treating: bool) -> str:
        """In a sentence. To those who do not treat, an advice says that somebody is asked about a medicine."""
        is_health = self.cause in (Cause.ADVICE, Cause.TIME) and not for_treating
        cause = _("Something new is known") if is_health else self.cause.label
        return _("The screening turned from “%(before)s” to “%(after)s”. %(cause)s.") % {
            "before": self.before.word,
            "after": self.after.word,
            "cause": cause,
        }


def change_of(newest_first: Sequence[Screening]) -> Change | None:
    """What the newest of a session's screenings has turned; None where the light stayed, or is the first one."""
    if len(newest_first) < 2:
        return None
    newest, before = newest_first[:2]
    if light_of(newest) == light_of(before):
        return None
    return Change(light_of(before), light_of(newest), Cause(newest.cause), newest.created_at)


def why_it_cannot_start(screening: Screening | None) -> str:
    """To somebody at whose desk the patient stands: that this visit cannot begin as it is, and what to do.

    Empty where nothing stands in the way. Read it with `decision` and `catalogue_version` selected and `findings`
    prefetched. It names no answer, so that everybody may read it.
    """
    if screening is None or not screening.stands_in_the_way:
        return ""
    if hasattr(screening, "decision"):
        return _("This visit cannot start: it was postponed. Find a new date with the patient.")
    if any(each.ends_only_with_answer for each in screening.findings.all()):
        return _("This visit cannot start yet: an answer is missing. Open the screening and ask for it.")
    return {
        Override.NONE: _("This visit cannot start today, and nobody can allow it. Find a new date with the patient."),
        Override.CLINICIAN: _("This visit cannot start before the clinical lead has decided. Ask for that now."),
        Override.AESTHETICIAN: _("This visit cannot start before a practitioner has decided. Ask for that now."),
    }[who_may_decide(screening) or Override.NONE]


def what_it_waits_for(session: CourseSession) -> str:
    """After a visit was booked, moved or changed: what its light now says, where that is news; else nothing."""
    screenings = session.screenings.newest_first().with_findings().select_related("catalogue_version")
    newest = list(screenings[:2])
    change = change_of(newest)
    light = light_of(newest[0]) if newest else Light.UNKNOWN
    if light == Light.CLEAR and session.waits_for_plan:
        return _("The clinical lead plans it first: it cannot begin before the plan is signed.")
    if change is None and (len(newest) > 1 or light == Light.CLEAR):
        return ""
    if light == Light.HOLD:
        is_for_practitioner = who_may_decide(newest[0]) == Override.AESTHETICIAN
        return (
            _("The visit now waits for a practitioner.")
            if is_for_practitioner
            else _("The visit now waits for the clinical lead.")
        )
    return {
        Light.UNKNOWN: _("The health questions have not been asked yet."),
        Light.CLEAR: _("Nothing stands in the way any more."),
        Light.STOP: _("The screening now stands in the way: look at it."),
    }[light]
