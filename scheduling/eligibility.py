"""From when on a patient may be treated: the one answer that every page which offers time goes by."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from patients.models import Patient
from treatments.catalogue import Outcome, Stage
from treatments.decisions import let_pass, said_by, standing
from treatments.models import CourseSession, Protocol, Screening, ScreeningDecision, Zone
from treatments.screening import Result, instant_of
from treatments.screenings import screen_patient


@dataclass(frozen=True)
class Reason:
    """Why not before a moment, in words for those who may read answers. `rule` is empty where a person decided."""

    until: datetime
    words: str
    rule: str = ""


@dataclass(frozen=True)
class Eligibility:
    """The first moment at which nothing date-bound stands in a visit's way, and what the screening makes of it then.

    `not_before` is None where nothing with a date does. `is_open_ended` tells that something blocks which no date ends.
    """

    result: Result
    reasons: tuple[Reason, ...]
    is_open_ended: bool

    @property
    def not_before(self) -> datetime | None:
        return self.reasons[0].until if self.reasons else None


def earliest_eligible(
    *,
    patient: Patient,
    protocol: Protocol,
    zones: Iterable[Zone],
    zone: ZoneInfo,
    start: datetime,
    now: datetime,
    session: CourseSession | None = None,
) -> Eligibility:
    """The first moment from `start` on at which a patient may have a protocol on some zones, with the reasons, latest
    first. A constant number of queries.

    The rules of the booking speak, the dates that a later check of the `session` has found, and whoever postponed a
    visit for this protocol. What was decided for the session is no reason any more, as long as the rules say the same;
    a date that was lifted is none at the very start that it was lifted for.
    """
    checks = list(session.screenings.newest_first().with_findings()) if session else []
    wish = {"patient": patient, "protocol": protocol, "stage": Stage.BOOKING, "zone": zone, "zones": zones}
    if not ((booked := _booked(checks)) and booked.goes_ahead):  # else it no longer waits for a prescriber
        wish["now"] = now
    eligibility = weigh(
        screen_patient(start=start, **wish),
        checks=checks,
        postponed=_postponed(patient, protocol),
        start=start,
        zone=zone,
    )
    if eligibility.reasons and not eligibility.is_open_ended:
        return replace(eligibility, result=screen_patient(start=eligibility.not_before, **wish))
    return eligibility


def weigh(
    result: Result,
    *,
    checks: Sequence[Screening],
    postponed: ScreeningDecision | None,
    start: datetime,
    zone: ZoneInfo,
) -> Eligibility:
    """What stands in the way from `start` on, of what the rules of the booking say about a visit then. Pure.

    `checks` are the screenings of the session that it is about, newest first with findings and decisions; `postponed`
    is the decision that last put off a visit for the protocol, with whoever made it.
    """
    decided = let_pass(_booked(checks), start)
    dated, is_open_ended = [], False
    for finding in result.findings:
        until = finding.clear_from and instant_of(finding.clear_from, zone)
        if not finding.outcome.is_blocking or finding.zones:
            continue
        if (finding.rule, str(finding.outcome), "", until, finding.reason) in decided:
            continue
        if until is None:
            is_open_ended = True
        else:
            dated.append(Reason(until, finding.reason, finding.rule))
    reasons = [*dated, *_found_later(checks, start)]
    if postponed:
        words = _("%(name)s has postponed the visit.") % {"name": postponed.decided_by.name}
        reasons.append(Reason(postponed.not_before, words))
    ahead = sorted((each for each in reasons if each.until > start), key=lambda each: each.until, reverse=True)
    return Eligibility(result, tuple(ahead), is_open_ended)


def _booked(checks: Iterable[Screening]) -> Screening | None:
    return next((each for each in checks if each.stage == Stage.BOOKING), None)


def _found_later(checks: Iterable[Screening], start: datetime) -> Iterator[Reason]:
    """The dates of the newest check before the visit, and of the newest one on arrival, unless they were lifted."""
    seen = {Stage.BOOKING}
    for check in checks:
        if check.stage in seen:
            continue
        seen.add(check.stage)
        decided = let_pass(check, start)
        for finding in standing(check.findings.all()):
            if finding.clear_from and Outcome(finding.outcome).is_blocking and said_by(finding) not in decided:
                yield Reason(finding.clear_from, finding.reason, finding.rule_code)


def _postponed(patient: Patient, protocol: Protocol) -> ScreeningDecision | None:
    decisions = ScreeningDecision.objects.filter(
        kind=ScreeningDecision.Kind.POSTPONE,
        screening__session__course__patient=patient,
        screening__session__course__protocol__code=protocol.code,
    )
    return decisions.select_related("decided_by").order_by("-decided_at", "-pk").first()
