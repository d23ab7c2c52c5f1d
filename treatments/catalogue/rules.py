"""What speaks against a treatment: the questions and the rules that they feed."""

import re

from django.utils.translation import gettext as _

from treatments.catalogue.entries import QUESTION_ID, Entries
from treatments.catalogue.reading import Reader
from treatments.catalogue.spec import (
    RUNNABLE,
    Outcome,
    Override,
    Question,
    QuestionKind,
    Rule,
    Stage,
    Test,
    TestKind,
)

RULE_CODE = re.compile(r"[SE][0-9]{1,2}[a-z]?")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}|[{}]")

# What each kind of test is told: name of the setting, and whether it must be there.
SETTINGS = {
    TestKind.SINCE_LAST_DATE: {"months": True, "hold_until_months": False, "boundary": False, "missing_day": False},
    TestKind.SINCE_LAST_INSTANT: {"hours": True, "needs": False},
    TestKind.STAFF_TICK: {},
    TestKind.YES: {"if_zone": False},
    TestKind.NO: {},
    TestKind.CHOICE: {"map": True},
    TestKind.ANY_OF: {"values": True},
    TestKind.WITHIN_DAYS: {"days": True, "hold_until_days": False, "hold_until_months": False},
    TestKind.FLARE_IN_ZONE: {},
    TestKind.LIST_MATCH: {},
    TestKind.STAFF_SEEN: {},
    TestKind.AGE_BELOW: {"years": True},
}
# Settings with a single meaning. They stand in the file so that a reader of it sees what was decided.
DECIDED = {
    "boundary": "corresponding_date_clear",
    "missing_day": "next_month_first",
    "needs": "prescriber_plan",
}
# What an inactive rule may say and the engine cannot follow yet.
BEYOND_ENGINE = frozenset({"hold_until_months", "scope", "effect", "lead_days"})

# The owner's four rules may be made stricter by a later version, never weaker, and never left out: the kind of test,
# its smallest settings, the mildest outcome at each stage, and the widest circle that may lift a finding.
SEED_RULES = {
    "S1": (TestKind.SINCE_LAST_DATE, {"months": 6}, dict.fromkeys(Stage, Outcome.HARD_BLOCK), Override.NONE),
    "S2": (
        TestKind.SINCE_LAST_INSTANT,
        {"hours": 24, "needs": "prescriber_plan"},
        {Stage.BOOKING: Outcome.HOLD, Stage.PREVISIT: Outcome.HOLD, Stage.CHECKIN: Outcome.BLOCK},
        Override.CLINICIAN,
    ),
    "S3": (TestKind.SINCE_LAST_INSTANT, {"hours": 24}, {Stage.CHECKIN: Outcome.BLOCK}, Override.CLINICIAN),
    "S4": (TestKind.STAFF_TICK, {}, {Stage.CHECKIN: Outcome.TASK}, Override.AESTHETICIAN),
}
FROM_NOBODY_TO_ANYBODY = [Override.NONE, Override.CLINICIAN, Override.AESTHETICIAN]

# The prescriber's advice, as the engine understands it.
ADVICE = frozenset({"keep_taking", "may_pause", "not_asked"})


class RuleEntries(Entries):
    """Questions and rules, and what must hold between them. Rules may name only protocols and zones that exist."""

    def __init__(self, sources, protocols, zones):
        super().__init__(sources)
        self.protocols, self.zones = protocols, zones
        self.questions: dict[str, Question] = {}
        self.question_entries: list[Reader] = []

    def read_questions(self, top: Reader) -> dict[str, Question]:
        """The questions, which come first: a rule is checked against them."""
        self.question_entries = list(top.entries("questions", name="id"))
        self.questions = {entry.what: self.question(entry) for entry in self.question_entries}
        return self.questions

    def read_rules(self, top: Reader) -> dict[str, Rule]:
        entries = {entry.what: entry for entry in top.entries("rules")}
        rules = {code: self.rule(entry) for code, entry in entries.items()}
        self.check_questions(rules)
        self.check_seed_rules(top, entries, rules)
        return rules

    def question(self, entry: Reader) -> Question:
        question = Question(
            id=self.check_code(entry, QUESTION_ID, "id"),
            text=entry.text("text"),
            kind=entry.choice("kind", QuestionKind),
            stage=entry.choice("stage", Stage),
            choices=tuple(entry.texts("choices", required=False).items()),
            ask_if=entry.lists("ask_if", required=False),
            patient_message=entry.text("patient_message", required=False),
        )
        for name in PLACEHOLDER.findall(question.patient_message):
            if name != "clear_from":
                entry.refuse(
                    _("%(what)s: the message may hold {clear_from} and nothing else in braces."), "patient_message"
                )
        if bool(question.choices) != (question.kind == QuestionKind.CHOICE):
            entry.refuse(_("%(what)s: choices belong to a choice question, and it needs them."), "choices")
        entry.finish()
        return question

    def rule(self, entry: Reader) -> Rule:
        code = self.check_code(entry, RULE_CODE)
        tag, grade = self.origin(entry)
        stages, advise_at = self.stages(entry, "stages"), self.stages(entry, "advise_at", required=False)
        if set(stages) & set(advise_at):
            entry.refuse(_("%(what)s both asks and only advises at the same stage."), "advise_at")
        rule = Rule(
            code=code,
            name=self.name(entry),
            tag=tag,
            grade=grade,
            is_active=entry.flag("active"),
            stages=stages,
            advise_at=advise_at,
            questions=self.questions_by_stage(entry, stages),
            test=self.test(entry),
            outcome=self.outcomes(entry, stages),
            override=entry.choice("override", Override),
            never_say_stop=entry.flag("never_say_stop"),
            only_for=self.known(entry, "only_for", self.protocols),
            not_for=self.known(entry, "not_for", self.protocols),
            staff=entry.text("staff"),
            sources=self.cited(entry),
            extras=self.extras(entry),
        )
        if rule.is_active:
            self.check_runnable(entry, rule)
        entry.finish()
        return rule

    def stages(self, entry: Reader, key: str, *, required: bool = True) -> tuple[Stage, ...]:
        named = [entry.member(word, Stage, key) for word in entry.words(key, required=required)]
        return tuple(stage for stage in Stage if stage in named)

    def questions_by_stage(self, parent: Reader, stages: tuple[Stage, ...]) -> dict[Stage, tuple[str, ...]]:
        entry = parent.mapping("questions")
        if entry is None:
            return {}
        questions = {stage: self.question_ids(entry, stage.value) for stage in stages}
        entry.finish()
        return questions

    def outcomes(self, parent: Reader, stages: tuple[Stage, ...]) -> dict[Stage, Outcome]:
        """What a rule says when it is not met: one word for all its stages, or one for each."""
        if not parent.has("outcome") or parent.is_word("outcome"):
            outcome = parent.choice("outcome", Outcome)
            return dict.fromkeys(stages, outcome)
        entry = parent.mapping("outcome")
        outcomes = {stage: entry.choice(stage.value, Outcome) for stage in stages}
        entry.finish()
        return outcomes

    def test(self, parent: Reader) -> Test | None:
        entry = parent.mapping("test")
        kind = entry and entry.choice("kind", TestKind)
        if not kind:
            return None
        settings = {
            name: self.setting(entry, name, required=required)
            for name, required in SETTINGS[kind].items()
            if required or entry.has(name)
        }
        entry.finish()
        return Test(kind, settings)

    def setting(self, entry: Reader, name: str, *, required: bool):
        if name == "map":
            written = entry.texts("map")
            return {value: entry.member(outcome, Outcome, "map") for value, outcome in written.items() if outcome}
        if name == "values":
            return list(entry.words("values"))
        if name == "if_zone":
            return list(self.known(entry, "if_zone", self.zones))
        if name not in DECIDED:
            return entry.whole(name, required=required)
        written = entry.text(name)
        if written and written != DECIDED[name]:
            entry.refuse(_("%(what)s: “%(key)s” can only be %(decided)s."), name, decided=DECIDED[name])
        return written

    def extras(self, entry: Reader) -> dict[str, str | int]:
        extras = {name: entry.text(name) for name in ("scope", "effect", "needs", "refer", "note") if entry.has(name)}
        if entry.has("lead_days"):
            extras["lead_days"] = entry.whole("lead_days")
        return extras

    # What must hold between entries

    def check_runnable(self, entry: Reader, rule: Rule) -> None:
        """Refuse an active rule that the engine cannot run as the file says."""
        if rule.test is None:
            return
        if rule.test.kind not in RUNNABLE:
            entry.refuse(
                _("%(what)s cannot be active: the program has no test of the kind “%(kind)s”."),
                "test",
                kind=rule.test.kind.value,
            )
            return
        for name in sorted(BEYOND_ENGINE & (rule.test.params.keys() | rule.extras.keys())):
            entry.refuse(_("%(what)s cannot be active: the program cannot follow “%(name)s” yet."), "active", name=name)
        for stage, ids in rule.questions.items():
            missing = [id for id in ids if id not in self.questions]
            for id in missing:
                entry.refuse(_("%(what)s is active and asks %(id)s, which is not in the file."), "questions", id=id)
            if not missing:
                self.check_fed(entry, rule, stage)

    def check_fed(self, entry: Reader, rule: Rule, stage: Stage) -> None:
        """Refuse a stage whose questions do not tell the rule's test what it must know."""
        kinds = sorted(self.questions[id].kind for id in rule.questions[stage] if self.questions[id].kind)
        gates = kinds.count(QuestionKind.YES_NO)
        rest = [kind for kind in kinds if kind != QuestionKind.YES_NO]
        plan = [QuestionKind.CHOICE] if rule.test.params.get("needs") else []
        fits = {
            TestKind.SINCE_LAST_DATE: gates >= 1 and rest == [QuestionKind.LAST_DATE],
            # With a prescriber's plan the hours are counted on arrival; before that the plan alone is asked for.
            TestKind.SINCE_LAST_INSTANT: gates == 1
            and rest == plan + ([QuestionKind.INSTANT] if stage == Stage.CHECKIN or not plan else []),
            TestKind.STAFF_TICK: not gates and rest == [QuestionKind.STAFF_TICK],
        }
        if not fits[rule.test.kind]:
            entry.refuse(
                _("%(what)s: the questions at %(stage)s do not fit its kind of test."), "questions", stage=stage.value
            )
        for id in rule.questions[stage]:
            question = self.questions[id]
            if plan and question.kind == QuestionKind.CHOICE and {value for value, label in question.choices} != ADVICE:
                entry.refuse(
                    _("%(what)s: %(id)s must offer %(advice)s."), "questions", id=id, advice=", ".join(sorted(ADVICE))
                )

    def check_questions(self, rules: dict[str, Rule]) -> None:
        fed = {id for rule in rules.values() for ids in rule.questions.values() for id in ids}
        for entry in self.question_entries:
            if entry.what not in fed:
                entry.refuse(_("%(what)s feeds no rule; a question about health must have a use."), "id")
            for id, after in self.questions[entry.what].ask_if.items():
                if id not in self.questions:
                    entry.refuse(_("%(what)s follows the unknown question %(id)s."), "ask_if", id=id)
                elif not set(after) <= set(self.questions[id].answers):
                    entry.refuse(_("%(what)s follows an answer that %(id)s does not offer."), "ask_if", id=id)

    def check_seed_rules(self, top: Reader, entries: dict[str, Reader], rules: dict[str, Rule]) -> None:
        for code, (kind, least, mildest, widest) in SEED_RULES.items():
            if code not in rules:
                top.refuse(_("The owner's rule %(code)s is missing."), "rules", code=code)
                continue
            entry, rule = entries[code], rules[code]
            if not rule.is_active:
                entry.refuse(_("%(what)s is the owner's rule and must stay active."), "active")
            if rule.only_for or rule.not_for:
                entry.refuse(_("%(what)s is the owner's rule and holds for every protocol."))
            allowed = FROM_NOBODY_TO_ANYBODY[: FROM_NOBODY_TO_ANYBODY.index(widest) + 1]
            if rule.override and rule.override not in allowed:
                entry.refuse(
                    _("%(what)s is the owner's rule; the most that “%(key)s” may say is “%(widest)s”."),
                    "override",
                    widest=widest.value,
                )
            if rule.test and rule.test.kind != kind:
                entry.refuse(_("%(what)s is the owner's rule and keeps its kind of test."), "test")
            elif rule.test and any(is_weaker(rule.test.params.get(name), value) for name, value in least.items()):
                wanted = ", ".join(f"{name} {value}" for name, value in least.items())
                entry.refuse(_("%(what)s is the owner's rule and needs at least: %(wanted)s."), "test", wanted=wanted)
            if not mildest.keys() <= set(rule.stages):
                entry.refuse(_("%(what)s is the owner's rule and keeps its stages."), "stages")
            for stage, outcome in mildest.items():
                said = rule.outcome.get(stage)
                if said and said.severity < outcome.severity:
                    entry.refuse(
                        _("%(what)s is the owner's rule and says at least “%(least)s” at %(stage)s."),
                        "outcome",
                        least=outcome.value,
                        stage=stage.value,
                    )


def is_weaker(said: int | str | None, least: int | str) -> bool:
    """Whether a setting of an owner's rule demands less than it must; a word must be the same word."""
    return (said or 0) < least if isinstance(least, int) else said != least
