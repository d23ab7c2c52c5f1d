"""What speaks against a treatment: the rules, each with the questions that feed it."""

import re

from django.utils.translation import gettext as _

from treatments.catalogue.entries import Entries
from treatments.catalogue.questions import QuestionEntries
from treatments.catalogue.reading import Reader
from treatments.catalogue.spec import (
    DATES,
    WITH_CHOICES,
    Effect,
    Outcome,
    Override,
    QuestionKind,
    Rule,
    Scope,
    Stage,
    Test,
    TestKind,
)
from treatments.catalogue.wording import told_to_leave_out

RULE_CODE = re.compile(r"[SE][0-9]{1,2}[a-z]?")

# What each kind of test is told: name of the setting, and whether it must be there.
SETTINGS = {
    TestKind.SINCE_LAST_DATE: {
        "months": True,
        "hold_until_months": False,
        "values": False,
        "boundary": False,
        "missing_day": False,
    },
    TestKind.SINCE_LAST_INSTANT: {
        "hours": True,
        "needs": False,
        "advice_hours": False,
        "lists": False,
        "does_not_count": False,
        "long_acting": False,
    },
    TestKind.STAFF_TICK: {},
    TestKind.YES: {"values": False, "if_zone": False, "lists": False, "settled_by": False},
    TestKind.NO: {},
    TestKind.CHOICE: {"map": True},
    TestKind.ANY_OF: {"values": True},
    TestKind.WITHIN_DAYS: {
        "days": True,
        "hold_until_days": False,
        "hold_until_months": False,
        "values": False,
        "lists": False,
    },
    TestKind.FLARE_IN_ZONE: {"values": False},
    TestKind.LIST_MATCH: {"lists": True},
    TestKind.STAFF_SEEN: {"values": True},
    TestKind.AGE_BELOW: {"years": True},
}
# Settings with a single meaning. They stand in the file so that a reader of it sees what was decided.
DECIDED = {
    "boundary": "corresponding_date_clear",
    "missing_day": "next_month_first",
    "needs": "prescriber_plan",
}
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
    """Rules, and what must hold between them and the questions. They may name only what exists."""

    def __init__(self, sources, protocols, zones, medicine_lists, questions: QuestionEntries):
        super().__init__(sources)
        self.protocols, self.zones, self.medicine_lists = protocols, zones, medicine_lists
        self.asked, self.questions = questions, questions.questions

    def read(self, top: Reader) -> dict[str, Rule]:
        entries = {entry.what: entry for entry in top.entries("rules")}
        rules = {code: self.rule(entry) for code, entry in entries.items()}
        self.asked.check_use(rules.values())
        self.check_seed_rules(top, entries, rules)
        return rules

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
            scope=entry.choice("scope", Scope, required=False) or Scope.VISIT,
            effect=entry.choice("effect", Effect, required=False),
            lead_days=entry.whole("lead_days", required=False),
            never_say_stop=entry.flag("never_say_stop"),
            only_for=self.known(entry, "only_for", self.protocols),
            not_for=self.known(entry, "not_for", self.protocols),
            staff=entry.text("staff"),
            sources=self.cited(entry),
            extras={name: entry.text(name) for name in ("needs", "refer", "note") if entry.has(name)},
        )
        for key, words in (("name", rule.name), ("staff", rule.staff)):
            if left_out := told_to_leave_out(words):
                entry.find_fault(
                    _(
                        "%(what)s: staff may pass “%(words)s” on as advice to leave out a medicine. Say it in other "
                        "words."
                    ),
                    key,
                    words=left_out,
                )
        if rule.is_active and rule.test:
            self.check_questions(entry, rule)
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
        if (settings.get("advice_hours") or 0) < (settings.get("hours") or 0) and "advice_hours" in settings:
            entry.refuse(_("%(what)s: the prescriber must be heard before the hours begin."), "advice_hours")
        entry.finish()
        return Test(kind, settings)

    def setting(self, entry: Reader, name: str, *, required: bool):
        if name == "map":
            written = entry.texts("map")
            return {value: entry.member(outcome, Outcome, "map") for value, outcome in written.items() if outcome}
        if name == "values":
            return list(entry.words("values"))
        if name == "if_zone":
            return list(self.known(entry, name, self.zones))
        if name in ("lists", "does_not_count", "long_acting"):
            return list(self.known(entry, name, self.medicine_lists))
        if name == "settled_by":
            return next(iter(self.known(entry, name, self.questions)), "")
        if name not in DECIDED:
            return entry.whole(name, required=required)
        written = entry.text(name)
        if written and written != DECIDED[name]:
            entry.refuse(_("%(what)s: “%(key)s” can only be %(decided)s."), name, decided=DECIDED[name])
        return written

    # What must hold between entries

    def check_questions(self, entry: Reader, rule: Rule) -> None:
        """Refuse an active rule whose questions do not tell its test what it must know."""
        for stage, ids in rule.questions.items():
            missing = [id for id in ids if id not in self.questions]
            for id in missing:
                entry.refuse(_("%(what)s is active and asks %(id)s, which is not in the file."), "questions", id=id)
            if missing:
                continue
            self.check_answers(entry, rule, stage)
            if not self.fits(rule, stage):
                entry.refuse(
                    _("%(what)s: the questions at %(stage)s do not fit its kind of test."),
                    "questions",
                    stage=stage.value,
                )
        self.check_values(entry, rule)

    def fits(self, rule: Rule, stage: Stage) -> bool:
        test, kinds = rule.test, [self.questions[id].kind for id in rule.questions[stage]]
        count = kinds.count
        gates = sum(kind == QuestionKind.YES_NO or kind in WITH_CHOICES for kind in kinds)
        dates = sum(kind in DATES for kind in kinds)
        places = count(QuestionKind.ZONES)
        if places and rule.scope != Scope.ZONE:
            return False
        # words belong to every test: as what decides where there are lists, as a note where there are none
        rest = len(kinds) - gates - dates - places - count(QuestionKind.TEXT)
        match test.kind:
            case TestKind.SINCE_LAST_DATE:
                return gates >= 1 and dates == 1 and not rest
            case TestKind.SINCE_LAST_INSTANT:
                # With a prescriber's plan the hours are counted on arrival; before that the plan alone is asked for.
                plan = "needs" in test.params
                instants = 1 if stage == Stage.CHECKIN or not plan else 0
                found = (count(QuestionKind.YES_NO), count(QuestionKind.CHOICE), count(QuestionKind.INSTANT))
                return found == (1, int(plan), instants) and gates == 1 + plan and not dates and rest == instants
            case TestKind.WITHIN_DAYS:
                decides = gates + dates + ("lists" in test.params) * count(QuestionKind.TEXT)
                return decides >= 1 and dates <= 1 and not rest
            case TestKind.CHOICE:
                return (count(QuestionKind.CHOICE), gates, dates, rest) == (1, 1, 0, 0)
            case TestKind.LIST_MATCH:
                return set(kinds) == {QuestionKind.TEXT}
            case TestKind.STAFF_TICK:
                return kinds == [QuestionKind.STAFF_TICK]
            case TestKind.AGE_BELOW:
                return kinds == [QuestionKind.BIRTH_DATE]
            case _:
                return gates >= 1 and not dates and not rest

    def check_answers(self, entry: Reader, rule: Rule, stage: Stage) -> None:
        """Refuse a question with choices none of which tells the rule anything, at a stage where it feeds it."""
        asked = [self.questions[id] for id in rule.questions[stage]]
        parents = {id for question in asked for id in question.ask_if}
        for question in asked:
            if question.kind not in WITH_CHOICES:
                continue
            if rule.test.params.get("needs"):
                if set(question.answers) != ADVICE:
                    advice = ", ".join(sorted(ADVICE))
                    entry.refuse(
                        _("%(what)s: %(id)s must offer %(advice)s."), "questions", id=question.id, advice=advice
                    )
            elif question.id not in parents and rule.test.counting.isdisjoint(question.answers):
                entry.refuse(_("%(what)s: no answer to %(id)s counts for it."), "questions", id=question.id)

    def check_values(self, entry: Reader, rule: Rule) -> None:
        """Refuse answers that count and that nobody can give."""
        ids = {id for ids in rule.questions.values() for id in ids}
        offered = {answer for id in ids if id in self.questions for answer in self.questions[id].answers}
        for answer in rule.test.params.get("values") or rule.test.params.get("map") or ():
            if answer not in offered:
                entry.refuse(
                    _("%(what)s counts the answer “%(answer)s”, which none of its questions offers."),
                    "test",
                    answer=answer,
                )

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
