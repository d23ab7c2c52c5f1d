"""What the rules say, one by one and together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

from clinic.times import day_bounds
from treatments.catalogue import Effect, Outcome, Scope


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says.

    `clear_from` is the day (a date) or the moment (a local time with its offset) from which the finding would be
    clear, or, of a block that turns into a hold, from which it no longer blocks; None when no date ends it. `reason`
    is for staff who may read health details. A finding that `ends_only_with_answer` rests on an answer that is missing
    or not sure under a rule that nobody may lift. With the scope “zone” it speaks about the zone that was asked about:
    the rest of the skin is not its concern. Where `zones` (codes) are known, they are taken out of the visit, which
    goes on without them. `effect` holds also where somebody lifts the finding. `lead_days` is how long before the visit
    whoever decides must know. `against` names the questions whose answers speak against the visit. The reason is made
    of the rule's name, of `words` with their `details`, which are translated when it is read, and of `remarks`, which
    are already.
    """

    rule: str
    outcome: Outcome
    clear_from: date | datetime | None
    rule_name: str
    words: str
    details: Mapping[str, object] = field(hash=False)
    remarks: tuple[str, ...] = ()
    ends_only_with_answer: bool = False
    scope: Scope = Scope.VISIT
    zones: tuple[str, ...] = ()
    effect: Effect | None = None
    lead_days: int | None = None
    against: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Put into words only for those that are read; most are not."""
        return " ".join([f"{self.rule_name}: {gettext(self.words) % self.details}", *self.remarks])

    @property
    def for_the_visit(self) -> Outcome:
        """What it means for the visit as a whole: what only takes some skin out of it is advice there."""
        return Outcome.ADVISE if self.zones else self.outcome


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
        return any(finding.for_the_visit.is_blocking and finding.clear_from is None for finding in self.findings)


def severity(finding: Finding) -> int:
    return finding.outcome.severity


def sum_up(findings: tuple[Finding, ...], zone: ZoneInfo) -> Result:
    blocking = [finding.clear_from for finding in findings if finding.for_the_visit.is_blocking]
    dated = [(instant_of(clear_from, zone), clear_from) for clear_from in blocking if clear_from is not None]
    not_before, latest = max(dated, key=lambda pair: pair[0], default=(None, None))
    return Result(
        outcome=max((finding.for_the_visit for finding in findings), key=lambda o: o.severity, default=Outcome.PASS),
        clear_from=latest if len(dated) == len(blocking) else None,
        findings=findings,
        not_before=not_before,
    )


def instant_of(clear_from: date | datetime, zone: ZoneInfo) -> datetime:
    """A finding is clear from a local date or from a moment; this is the first instant of it, in UTC."""
    if isinstance(clear_from, datetime):
        return clear_from.astimezone(UTC)
    return day_bounds(clear_from, zone)[0]
