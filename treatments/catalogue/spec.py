"""The words and shapes of the catalogue: frozen values that the loader makes and the engine reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from clinic.models import Tone


class Stage(TextChoices):
    """When questions are asked: when booking, in the check 48 hours before, and on arrival."""

    BOOKING = "booking", _("booking")
    PREVISIT = "previsit", _("check before the visit")
    CHECKIN = "checkin", _("check-in")


class Outcome(TextChoices):
    """What a rule says, from the mildest to the worst."""

    PASS = "pass", _("clear")
    ADVISE = "advise", _("advice")
    TASK = "task", _("task")
    HOLD = "hold", _("on hold")
    BLOCK = "block", _("blocked")
    HARD_BLOCK = "hard_block", _("blocked, and nobody may lift it")

    @property
    def severity(self) -> int:
        return list(Outcome).index(self)

    @property
    def is_blocking(self) -> bool:
        """Whether the visit may not start; a hold waits for a decision and is not counted here."""
        return self in (Outcome.BLOCK, Outcome.HARD_BLOCK)


class Override(TextChoices):
    """Who may lift a finding of a rule for one patient."""

    NONE = "none", _("nobody")
    CLINICIAN = "clinician", _("clinical lead")
    AESTHETICIAN = "aesthetician", _("practitioner")


class Tag(TextChoices):
    """Where a number comes from."""

    SEED = "seed", _("the owner's document")
    EXT = "ext", _("published sources")
    DESIGN = "design", _("our own choice")


class Grade(TextChoices):
    """How well published sources carry it."""

    A = "A", _("consensus")
    B = "B", _("common practice")
    C = "C", _("weak")
    U = "U", _("unverified")


class Endpoint(TextChoices):
    """What the skin looks like when a pass has done its work."""

    EVEN_REDNESS = "even_redness", _("even redness")
    UNIFORM_PINPOINT = "uniform_pinpoint", _("even pinpoint bleeding")


class QuestionKind(TextChoices):
    YES_NO = "yes_no", _("yes, no or not sure")
    LAST_DATE = "last_date", _("a day, month or year, or still")
    INSTANT = "instant", _("a day and a time, or a day")
    CHOICE = "choice", _("one of several")
    STAFF_TICK = "staff_tick", _("seen by staff")


class TestKind(TextChoices):
    """The ways in which a rule can look at its answers. `RUNNABLE` names those that the engine knows."""

    __test__ = False  # not a test class, whatever pytest makes of the name

    SINCE_LAST_DATE = "since_last_date", _("months since a date")
    SINCE_LAST_INSTANT = "since_last_instant", _("hours since an event")
    STAFF_TICK = "staff_tick", _("ticked by staff")
    YES = "yes", _("answered yes")
    NO = "no", _("answered no")
    CHOICE = "choice", _("by choice")
    ANY_OF = "any_of", _("any of several")
    WITHIN_DAYS = "within_days", _("within days of an event")
    FLARE_IN_ZONE = "flare_in_zone", _("flare in the zone")
    LIST_MATCH = "list_match", _("on a list of medicines")
    STAFF_SEEN = "staff_seen", _("seen by staff")
    AGE_BELOW = "age_below", _("age")


YES_NO_NOT_SURE = ("yes", "no", "not_sure")

RUNNABLE = frozenset({TestKind.SINCE_LAST_DATE, TestKind.SINCE_LAST_INSTANT, TestKind.STAFF_TICK})


@dataclass(frozen=True, slots=True)
class Range:
    """From, usual, to. `typical` is what a planner starts from: the pre-filled depth, count or gap."""

    min: int | Decimal
    typical: int | Decimal
    max: int | Decimal
    tag: Tag
    grade: Grade | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Refreshers:
    """How many refreshers a rolling year holds once the first course is done."""

    min_per_year: int
    max_per_year: int
    tag: Tag
    grade: Grade | None = None


@dataclass(frozen=True, slots=True)
class ProtocolSpec:
    """A treatment for one complaint. Intervals in weeks, depths in mm, parts in minutes.

    Preparation, numbing and needling are what the patient is there for and add up to `slot_minutes`;
    `clean_up` comes after it and takes the room and the device only.
    """

    code: str
    name: str
    tone: Tone
    sessions: Range
    interval_weeks: Range
    depth_mm: Range
    endpoint: Endpoint
    slot_minutes: int
    preparation: int
    numbing: int
    needling: int
    clean_up: int
    review_after: int
    needs_clinician_plan: bool
    scales: tuple[str, ...]
    refreshers: Refreshers | None
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ZoneSpec:
    """A part of the skin. The soft range in mm warns, it does not refuse; a zone that is not offered has none."""

    code: str
    name: str
    soft_min_mm: Decimal | None
    soft_max_mm: Decimal | None
    scar_soft_max_mm: Decimal | None
    is_bookable: bool
    is_keloid_prone: bool
    ask: tuple[str, ...]
    grade: Grade | None
    note: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question in the patient's words.

    `choices` are (value, label) pairs of a choice question. `ask_if` says after which answers to which questions it
    follows; empty means always. `patient_message` is for a flagged answer, with `{clear_from}` where a date is known.
    """

    id: str
    text: str
    kind: QuestionKind
    stage: Stage
    choices: tuple[tuple[str, str], ...] = ()
    ask_if: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    patient_message: str = ""

    @property
    def answers(self) -> tuple[str, ...]:
        """The words that can answer it; empty for a question that is answered with a date."""
        if self.kind in (QuestionKind.YES_NO, QuestionKind.STAFF_TICK):
            return YES_NO_NOT_SURE
        return tuple(value for value, label in self.choices)


@dataclass(frozen=True, slots=True)
class Test:
    __test__ = False

    kind: TestKind
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason not to treat, or not yet.

    `questions` feed it, stage by stage, and are what it needs there. At the stages of `advise_at` it only reminds.
    `only_for` and `not_for` hold protocol codes. `extras` keeps what the file says and the engine does not read.
    """

    code: str
    name: str
    tag: Tag
    grade: Grade | None
    is_active: bool
    stages: tuple[Stage, ...]
    advise_at: tuple[Stage, ...]
    questions: Mapping[Stage, tuple[str, ...]]
    test: Test
    outcome: Mapping[Stage, Outcome]
    override: Override
    never_say_stop: bool
    only_for: tuple[str, ...]
    not_for: tuple[str, ...]
    staff: str
    sources: tuple[str, ...]
    extras: Mapping[str, str | int]

    def suits(self, protocol: str | None) -> bool:
        """Whether the rule speaks about a protocol; without one, every rule does."""
        if protocol is None:
            return True
        return protocol not in self.not_for and (not self.only_for or protocol in self.only_for)


@dataclass(frozen=True, slots=True)
class Defaults:
    depth_hard_max_mm: Decimal
    depth_default_mm: Decimal
    depth_step_mm: Decimal
    zone_min_interval_days: int
    practitioner_default_cap_mm: Decimal
    refresher_window_months: int


@dataclass(frozen=True, slots=True)
class ConsentText:
    """What a patient signs before a session. A changed text needs another version."""

    version: int
    text: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A whole reviewed file. The mappings are keyed by code and keep the file's order."""

    defaults: Defaults
    protocols: Mapping[str, ProtocolSpec]
    zones: Mapping[str, ZoneSpec]
    questions: Mapping[str, Question]
    rules: Mapping[str, Rule]
    unsure_policy: Mapping[Stage, Outcome]
    consent: ConsentText
    medicine_lists: Mapping[str, tuple[str, ...]]
    sources: Mapping[str, str]

    def active_rules(self, stage: Stage) -> tuple[Rule, ...]:
        """The rules that speak at a stage, in the file's order."""
        return tuple(r for r in self.rules.values() if r.is_active and stage in (*r.stages, *r.advise_at))

    def questions_at(self, stage: Stage) -> tuple[Question, ...]:
        """What active rules need to know at a stage, in the file's order, each question once."""
        needed = {
            question
            for rule in self.rules.values()
            if rule.is_active and stage in rule.stages
            for question in rule.questions[stage]
        }
        return tuple(question for question in self.questions.values() if question.id in needed)
