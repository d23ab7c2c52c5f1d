"""The words and shapes of the catalogue: frozen values that the loader makes and the engine reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from clinic.models import Tone
from patients.models import MedicalFact


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
        return SEVERITY[self]

    @property
    def is_blocking(self) -> bool:
        """Whether the visit may not start; a hold waits for a decision and is not counted here."""
        return self in (Outcome.BLOCK, Outcome.HARD_BLOCK)


SEVERITY = {outcome: place for place, outcome in enumerate(Outcome)}


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
    PAST_DATE = "past_date", _("a day, month or year")
    INSTANT = "instant", _("a day and a time, or a day")
    CHOICE = "choice", _("one of several")
    SEVERAL = "several", _("some of several, or none")
    TEXT = "text", _("words")
    BIRTH_DATE = "birth_date", _("the date of birth on file")
    ADVICE = "advice", _("a prescriber's advice on file")
    STAFF_TICK = "staff_tick", _("ticked by staff")
    ZONES = "zones", _("some of the zones of the skin")


class AnsweredBy(TextChoices):
    """Who knows the answer: it decides whose page a question stands on."""

    PATIENT = "patient", _("the patient")
    STAFF = "staff", _("staff")


class Scope(TextChoices):
    """What a finding is about: the visit, or the zone that was asked about."""

    VISIT = "visit", _("the whole visit")
    ZONE = "zone", _("the zone")


class Effect(TextChoices):
    """What a finding changes about the visit, even where somebody lifts it."""

    NO_NUMBING = "no_numbing", _("no numbing cream")


class TestKind(TextChoices):
    """The ways in which a rule can look at its answers."""

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


YES, NO, NOT_SURE, NONE = "yes", "no", "not_sure", "none"
STILL = "still"  # instead of the date of the last one
YES_NO_NOT_SURE = (YES, NO, NOT_SURE)

DATES = frozenset({QuestionKind.LAST_DATE, QuestionKind.PAST_DATE})
WITH_CHOICES = frozenset({QuestionKind.CHOICE, QuestionKind.SEVERAL})


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
class Keeps:
    """The medical fact that an answer becomes. A date under the same subject is the date of that fact."""

    kind: MedicalFact.Kind
    subject: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question in the patient's words.

    `choices` are (value, label) pairs; of a question for zones they are those that are treated. `ask_if` says after
    which answers to which questions it follows; empty means always. What an answer `keeps` is known at the next
    booking; an answer without it is true of one visit. `means` tells what an answer says about another question, as
    {"yes": {"Q06": "yes"}}. A yes to a question that `reopens` a stage lets the rules of that stage speak again.
    What is `of_skin` is asked of the skin that is to be treated and says nothing about other skin.
    `text` may hold `{since}`, the moment from which on it asks. `patient_message` is for a flagged answer, with
    `{clear_from}` where a date is known; `patient_messages` are for one answer each, and stand before it. As written,
    both name the windows of their rules, as `{hours}`.
    """

    id: str
    text: str
    kind: QuestionKind
    stage: Stage
    group: str
    by: AnsweredBy = AnsweredBy.PATIENT
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    ask_if: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keeps: Keeps | None = None
    means: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    reopens: Stage | None = None
    of_skin: bool = False
    patient_message: str = ""
    patient_messages: Mapping[str, str] = field(default_factory=dict)
    message_as_written: str = ""
    messages_as_written: Mapping[str, str] = field(default_factory=dict)

    def message_after(self, answer: str) -> str:
        """What a patient is told who has answered so."""
        return next(
            (self.patient_messages[word] for word in answer.split(", ") if word in self.patient_messages),
            self.patient_message,
        )

    @property
    def answers(self) -> tuple[str, ...]:
        """The words that can answer it; empty for a question that is answered with a date or in own words."""
        if self.kind in (QuestionKind.YES_NO, QuestionKind.STAFF_TICK):
            return YES_NO_NOT_SURE
        return tuple(value for value, label in self.choices)


# What staff have recorded of a prescriber. Every catalogue has it, rules that need a prescriber's plan read it, and
# nobody is ever asked.
ADVICE = Question(
    id="advice",
    text="What the prescriber said",
    kind=QuestionKind.ADVICE,
    stage=Stage.BOOKING,
    group="",
    by=AnsweredBy.STAFF,
)


@dataclass(frozen=True, slots=True)
class Test:
    __test__ = False

    kind: TestKind
    params: Mapping[str, object]

    @property
    def counting(self) -> frozenset[str]:
        """The answers that speak against the visit."""
        values = frozenset(self.params.get("values", ()))
        if self.kind in (TestKind.ANY_OF, TestKind.STAFF_SEEN):
            return values
        if self.kind == TestKind.CHOICE:
            return frozenset(self.params["map"])
        return frozenset({NO}) if self.kind == TestKind.NO else values | {YES}


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason not to treat, or not yet.

    `questions` feed it, stage by stage, and are what it needs there. At the stages of `advise_at` it only reminds.
    `only_for` and `not_for` hold protocol codes. `lead_days` is how long before the visit somebody must know.
    `extras` keeps what the file says and the engine does not read.
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
    scope: Scope
    effect: Effect | None
    lead_days: int | None
    never_say_stop: bool
    only_for: tuple[str, ...]
    not_for: tuple[str, ...]
    staff: str
    sources: tuple[str, ...]
    extras: Mapping[str, str]

    def suits(self, protocol: str | None, zones: Collection[str] | None = None) -> bool:
        """Whether the rule speaks about a protocol and zones. What is not known could be any of them."""
        if protocol is not None and (protocol in self.not_for or (self.only_for and protocol not in self.only_for)):
            return False
        if_zone = self.test.params.get("if_zone")
        return not zones or not if_zone or not set(if_zone).isdisjoint(zones)


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
    """A whole reviewed file. The mappings are keyed by code and keep the file's order.

    `faults` are what no new text may say, each with its line: a version that is in force already keeps them.
    """

    defaults: Defaults
    protocols: Mapping[str, ProtocolSpec]
    zones: Mapping[str, ZoneSpec]
    question_groups: Mapping[str, str]
    questions: Mapping[str, Question]
    rules: Mapping[str, Rule]
    unsure_policy: Mapping[Stage, Outcome]
    consent: ConsentText
    medicine_lists: Mapping[str, tuple[str, ...]]
    sources: Mapping[str, str]
    faults: tuple[tuple[int, str], ...] = ()

    def active_rules(self, stage: Stage) -> tuple[Rule, ...]:
        """The rules that speak at a stage, in the file's order."""
        return tuple(r for r in self.rules.values() if r.is_active and stage in (*r.stages, *r.advise_at))

    def questions_at(
        self, stage: Stage, *, protocol: str | None = None, zones: Collection[str] | None = None
    ) -> tuple[Question, ...]:
        """What active rules need to know at a stage about a protocol and zones, in the file's order, each once."""
        return tuple(
            question
            for question in self.questions.values()
            if any(
                rule.suits(protocol, None if self._asks(zones, question) else zones)
                for rule in self._fed_by(question, stage)
            )
        )

    def where(self, question: Question) -> Question | None:
        """The question for the zones that an answer to this one is about; None where it is about the whole patient."""
        asks = (each for each in self.questions.values() if each.kind == QuestionKind.ZONES)
        return next((each for each in asks if question.id in each.ask_if), None)

    def following(self, ids: Collection[str]) -> frozenset[str]:
        """The questions that follow some others, and those that follow these in turn."""
        found, parents = frozenset(), frozenset(ids)
        while parents:
            next_ones = (id for id, each in self.questions.items() if not parents.isdisjoint(each.ask_if))
            parents = frozenset(next_ones) - found
            found |= parents
        return found

    def is_needed(self, question: Question) -> bool:
        """Whether an active rule reads the answer, at whatever stage."""
        return any(self._fed_by(question, stage) for stage in Stage)

    def concerns(self, question: Question, stage: Stage) -> tuple[frozenset[str], frozenset[str]]:
        """The protocols and the zones for which a question is asked at a stage; empty for all of them."""
        fed = self._fed_by(question, stage)
        protocols = frozenset(code for code in self.protocols if any(rule.suits(code) for rule in fed))
        zones = frozenset(
            code for code in self.zones if self._asks({code}, question) or any(rule.suits(None, {code}) for rule in fed)
        )
        return (
            frozenset() if len(protocols) == len(self.protocols) else protocols,
            frozenset() if len(zones) == len(self.zones) else zones,
        )

    def _fed_by(self, question: Question, stage: Stage) -> tuple[Rule, ...]:
        return tuple(
            rule
            for rule in self.rules.values()
            if rule.is_active and stage in rule.stages and question.id in rule.questions[stage]
        )

    def _asks(self, zones: Collection[str] | None, question: Question) -> bool:
        """Whether one of the zones asks a question, whatever the rules say about zones."""
        return any(question.id in self.zones[code].ask for code in zones or ())
