"""What the pages about rules show: the rules in groups, and what a draft does, in words."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.models import Location
from scheduling.models import Appointment
from scheduling.reminders import TIME_TO_READ
from scheduling.rule_forms import SampleForm
from scheduling.rule_trials import BookingsTrial, Turn, earliest_moment, told_of_the_sun, try_on_bookings, try_on_sample
from treatments.catalogue import Catalogue, Outcome, Rule, Stage, Tag, TestKind
from treatments.catalogue.named_windows import WINDOWS, in_units
from treatments.screening import Finding

AT_ONCE = 6


@dataclass(frozen=True)
class RuleRow:
    """A rule as a row: its outcome at each stage (None where it is silent), and its window in words."""

    rule: Rule
    outcomes: tuple[tuple[Stage, Outcome | None], ...]
    window: str


@dataclass(frozen=True)
class RuleGroup:
    key: str
    title: str
    rows: tuple[RuleRow, ...]


@dataclass(frozen=True)
class Judged:
    """What one version says about the sample. `finding` is None while the rule is not in force.

    Of the drawn line, `bar` is from where on and how long the version looks at it, in hundredths; `window` says how far
    back that is.
    """

    finding: Finding | None
    bar: tuple[int, int] | None
    window: str

    @property
    def is_near(self) -> bool:
        """Whether it begins too near to the visit for words after it."""
        return self.bar is not None and self.bar[0] > 60


@dataclass(frozen=True)
class SampleTrial:
    """Both versions about one visit. The event is marked on the drawn line in hundredths of it."""

    start: datetime
    moment: datetime | None
    current: Judged
    draft: Judged
    mark: int | None


@dataclass(frozen=True)
class Bookings:
    """A trial on the visits to come as one may see it: names at one's own locations, numbers of all."""

    trial: BookingsTrial
    heading: str
    kinds: tuple[str, ...]
    own: tuple[Turn, ...]

    @property
    def first(self) -> tuple[Turn, ...]:
        """As many as are seen at once."""
        return self.own[:AT_ONCE]

    @property
    def rest(self) -> tuple[Turn, ...]:
        return self.own[AT_ONCE:]

    @property
    def elsewhere(self) -> int:
        return len(self.trial.turns) - len(self.own)


@dataclass(frozen=True)
class SunReminder:
    """How many hours before a visit a mail names the sun, now and under a draft, and who was told too few of them."""

    now: int
    then: int
    told: tuple[Appointment, ...]  # at one's own locations
    elsewhere: int


def read_rules(catalogue: Catalogue) -> list[RuleGroup]:
    """The rules in groups: those of the owner, those in force, and those that wait."""
    rows = [_row(rule) for rule in catalogue.rules.values()]
    groups = [
        RuleGroup("owner", _("The owner’s document"), tuple(row for row in rows if row.rule.tag == Tag.SEED)),
        RuleGroup(
            "active", _("In force"), tuple(row for row in rows if row.rule.is_active and row.rule.tag != Tag.SEED)
        ),
        RuleGroup("resting", _("Not in force"), tuple(row for row in rows if not row.rule.is_active)),
    ]
    return [group for group in groups if group.rows]


def _row(rule: Rule) -> RuleRow:
    by_choice = rule.test.kind == TestKind.CHOICE
    worst = max(rule.test.params["map"].values(), key=lambda each: each.severity) if by_choice else None
    outcomes = {stage: worst or rule.outcome[stage] for stage in rule.stages}
    outcomes |= dict.fromkeys(rule.advise_at, Outcome.ADVISE)
    return RuleRow(rule, tuple((stage, outcomes.get(stage)) for stage in Stage), _window(rule))


def _window(rule: Rule) -> str:
    """The first window of a rule in words, if it has one."""
    return next((in_units(name, rule.test.params[name]) for name in WINDOWS if name in rule.test.params), "")


def read_sample(current: Catalogue, draft: Catalogue, code: str, sample: SampleForm) -> SampleTrial:
    """What a valid sample becomes under both catalogues, with a line from the earliest moment to the visit."""
    start, moment = sample.start, sample.moment
    since = [earliest_moment(each, code, start=start, zone=sample.zone) for each in (current, draft)]
    shown = [at for at in (*since, moment) if at and at < start]
    first = min(shown) - (start - min(shown)) / 12 if shown and any(since) else None

    def share(at: datetime | None) -> int | None:
        if first is None or at is None or at > start:
            return None
        return round((at - first) / (start - first) * 100)

    def judged(catalogue: Catalogue, at: datetime | None) -> Judged:
        finding = try_on_sample(
            catalogue=catalogue,
            code=code,
            stage=sample.cleaned_data["stage"],
            start=start,
            zone=sample.zone,
            answers=sample.answers,
        )
        left = share(at)
        return Judged(finding, None if left is None else (left, 100 - left), _window(catalogue.rules[code]))

    return SampleTrial(
        start=start,
        moment=moment,
        current=judged(current, since[0]),
        draft=judged(draft, since[1]),
        mark=share(moment),
    )


def sun_reminder(
    current: Catalogue, draft: Catalogue, *, locations: Collection[Location], now: datetime
) -> SunReminder | None:
    """What a draft means for the mails about the sun; None where their hours stay the same."""
    before, then = (
        each.rules["S3"].test.params["hours"] + TIME_TO_READ // timedelta(hours=1) for each in (current, draft)
    )
    if before == then:
        return None
    told = list(told_of_the_sun(now).with_everything()) if then > before else []
    own = tuple(each for each in told if each.location in locations)
    return SunReminder(before, then, own, len(told) - len(own))


def read_bookings(text: str, *, locations: Collection[Location], now: datetime) -> Bookings:
    trial = try_on_bookings(text=text, now=now)
    kinds = tuple(_kinds(trial))
    turned = len(trial.turns)
    if len(kinds) == 1:
        [heading] = kinds
    else:
        heading = ngettext("visit would change its light", "visits would change their light", turned)
    own = tuple(turn for turn in trial.turns if turn.appointment.location in locations)
    return Bookings(trial, heading, kinds if len(kinds) > 1 else (), own)


def _kinds(trial: BookingsTrial) -> Iterator[str]:
    """To what the visits would turn, the worst first: words that follow a number, with it where there are several."""
    counts = Counter(turn.draft for turn in trial.turns)
    for outcome in sorted(counts, key=lambda each: each.severity, reverse=True):
        n = counts[outcome]
        words = {
            Outcome.HARD_BLOCK: ngettext(
                "visit would be blocked with nobody to lift it", "visits would be blocked with nobody to lift it", n
            ),
            Outcome.BLOCK: ngettext("visit would be blocked", "visits would be blocked", n),
            Outcome.HOLD: ngettext("visit would turn to hold", "visits would turn to hold", n),
            Outcome.PASS: ngettext("visit would be clear", "visits would be clear", n),
        }[outcome]
        yield words if len(counts) == 1 else f"{n} {words}"
