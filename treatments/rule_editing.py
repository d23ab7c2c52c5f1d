"""Editing a rule of a catalogue: what may be changed and how far, the text that says it, and how two versions differ.

Pure. A catalogue is published as the text that it was read from, so a rule is changed in that text: the values that
differ are replaced where they stand, and the order, the comments and everything else stay as people wrote them.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml
from django.db.models import TextChoices
from django.utils.translation import gettext as _

from treatments.catalogue import Catalogue, CatalogueError, Outcome, Override, Rule, Stage, TestKind
from treatments.catalogue.named_windows import WINDOWS, asked, in_units
from treatments.catalogue.reading import compose
from treatments.catalogue.rules import SEED_RULES

Value = str | int | bool


@dataclass(frozen=True)
class Field:
    """One value of a rule, or of a question that feeds it, that may be changed.

    `entry` and `keys` say where it stands in the text. `least` is what the owner's document demands: the smallest
    number, the mildest outcome, or the widest circle that may lift; None where it demands nothing.
    """

    name: str
    label: str
    value: Value
    entry: tuple[str, str]
    keys: tuple[str, ...]
    least: Value | None = None

    def is_looser(self, value: Value) -> bool:
        """Whether a value demands less than the owner's document."""
        if self.least is None:
            return False
        if isinstance(self.least, Outcome):
            return Outcome(value).severity < self.least.severity
        if isinstance(self.least, Override):
            return list(Override).index(Override(value)) > list(Override).index(self.least)
        return value < self.least

    @property
    def limit(self) -> str:
        """What the owner's document demands, in words; empty where it demands nothing."""
        if self.least is None:
            return ""
        words = {"least": self.worded(self.least)}
        if isinstance(self.least, Outcome):
            return _("Owner’s document: at least “%(least)s”.") % words
        if isinstance(self.least, Override):
            return _("Owner’s document: nobody beyond “%(least)s”.") % words
        return _("Owner’s document: at least %(least)s. Longer is allowed, shorter is not.") % words

    def worded(self, value: Value) -> str:
        """A value as people read it, with its unit."""
        if isinstance(value, bool):
            return _("Yes") if value else _("No")
        if isinstance(value, int):
            return in_units(self.keys[-1], value)
        return str(value.label) if isinstance(value, TextChoices) else value


@dataclass(frozen=True)
class Change:
    """A value of a rule that is another one in the later of two catalogues, both in words."""

    rule: Rule
    label: str
    before: str
    after: str


def fields_of(catalogue: Catalogue, code: str) -> dict[str, Field]:
    """What may be changed about a rule, by name, in the order in which it is read."""
    return {field.name: field for field in _fields(catalogue, catalogue.rules[code])}


def edit_rule(*, source: str, catalogue: Catalogue, code: str, values: Mapping[str, Value]) -> str:
    """The text of a catalogue with other values for some fields of a rule; the same text where they are the same."""
    fields = fields_of(catalogue, code)
    changed = {fields[name]: value for name, value in values.items() if value != fields[name].value}
    if not changed:
        return source
    root, edits = compose(source), []
    for field, value in changed.items():
        if field.keys[0] != "outcome":
            edits.append(_edit(source, _entry(root, *field.entry), field.keys, _written(value)))
    if said := {field.keys[1]: value for field, value in changed.items() if field.keys[0] == "outcome"}:
        outcome = {stage.value: said.get(stage.value, now) for stage, now in catalogue.rules[code].outcome.items()}
        edits.append(_edit(source, _entry(root, "rules", code), ("outcome",), _written_outcome(outcome)))
    for start, end, text in sorted(edits, reverse=True):
        source = source[:start] + text + source[end:]
    return source


def refusals(*, source: str, catalogue: Catalogue, code: str, error: CatalogueError) -> list[tuple[str, str]]:
    """Why an edited text was refused: the name of the field beside which each sentence belongs, or an empty one."""
    root, at = compose(source), {}
    for field in fields_of(catalogue, code).values():
        for key, value in _entry(root, *field.entry).value:
            if key.value == field.keys[0]:
                after = value.end_mark.line + (value.end_mark.column > 0)
                at = dict.fromkeys(range(key.start_mark.line + 1, after + 1), field.name) | at
    return [(at.get(line, ""), sentence) for line, sentence in error.found]


def changes(before: Catalogue, after: Catalogue) -> list[Change]:
    """What the rules of two catalogues, and what patients read about them, differ in. Each wording once."""
    found, seen = [], set()
    for code, rule in after.rules.items():
        if code not in before.rules:
            found.append(Change(rule, _("The rule"), _("not there"), _("new")))
            continue
        earlier = fields_of(before, code)
        for name, field in fields_of(after, code).items():
            place = (field.entry, field.keys)
            was = earlier[name].value if name in earlier else None
            if place not in seen and was != field.value:
                found.append(
                    Change(rule, field.label, "–" if was is None else field.worded(was), field.worded(field.value))
                )
            seen.add(place)
    gone = [rule for code, rule in before.rules.items() if code not in after.rules]
    return found + [Change(rule, _("The rule"), _("there"), _("taken out")) for rule in gone]


def still_said(before: Catalogue, after: Catalogue, code: str) -> list[tuple[str, Field]]:
    """Where the words of a rule go on naming a window that a later catalogue has changed: “24 hours”, and the field."""
    was, fields = fields_of(before, code), fields_of(after, code)
    outdated = [
        was[name].worded(was[name].value) for name in WINDOWS if name in was and was[name].value != fields[name].value
    ]
    texts = [field for field in fields.values() if type(field.value) is str]
    return [
        (words, field) for words in outdated for field in texts if re.search(rf"\b{re.escape(words)}\b", field.value)
    ]


def _fields(catalogue: Catalogue, rule: Rule) -> Iterator[Field]:
    entry = ("rules", rule.code)
    kind, smallest, mildest, widest = SEED_RULES.get(rule.code, (None, {}, {}, None))
    yield Field("name", _("Name"), rule.name, entry, ("name",))
    if kind is None:  # what the owner's document says is always in force
        yield Field("is_active", _("In force"), rule.is_active, entry, ("active",))
    for setting in WINDOWS:
        if setting in rule.test.params:
            label, value = _window_label(rule.test.kind, setting), rule.test.params[setting]
            yield Field(setting, label, value, entry, ("test", setting), smallest.get(setting))
    yield from _outcomes(catalogue, rule, entry, mildest)
    yield Field("override", _("Who may lift it"), rule.override, entry, ("override",), widest)
    yield Field("staff", _("What staff read"), rule.staff, entry, ("staff",))
    for id in dict.fromkeys(id for ids in rule.questions.values() for id in ids):
        question = catalogue.questions.get(id)
        if question and question.patient_message:
            label = _("What the patient reads after “%(question)s”") % {"question": asked(catalogue, question).text}
            words = question.message_as_written
            yield Field(f"message_{id}", label, words, ("questions", id), ("patient_message",))
        for answer, words in question.messages_as_written.items() if question else ():
            label = _("What the patient reads after “%(question)s”, answered “%(answer)s”") % {
                "question": asked(catalogue, question).text,
                "answer": dict(question.choices).get(answer, _("I still take it")),
            }
            yield Field(f"message_{id}_{answer}", label, words, ("questions", id), ("patient_messages", answer))


def _outcomes(catalogue: Catalogue, rule: Rule, entry: tuple[str, str], mildest: Mapping) -> Iterator[Field]:
    """One outcome for each stage, or, where each answer has its own, one for each answer."""
    if rule.test.kind != TestKind.CHOICE:
        for stage, outcome in rule.outcome.items():
            yield Field(
                f"outcome_{stage}", stage_words(stage), outcome, entry, ("outcome", stage.value), mildest.get(stage)
            )
        return
    ids = [id for ids in rule.questions.values() for id in ids]
    words = dict(pair for id in ids if id in catalogue.questions for pair in catalogue.questions[id].choices)
    for answer, outcome in rule.test.params["map"].items():
        label = _("After “%(answer)s”") % {"answer": words.get(answer, answer)}
        yield Field(f"outcome_{answer}", label, outcome, entry, ("test", "map", answer))


def stage_words(stage: Stage) -> str:
    """When a rule speaks, as the head of a column or of a field."""
    return {
        Stage.BOOKING: _("At booking"),
        Stage.PREVISIT: _("At the 48-hour check"),
        Stage.CHECKIN: _("At check-in"),
    }[stage]


def _window_label(kind: TestKind, setting: str) -> str:
    if kind == TestKind.AGE_BELOW:
        return _("Youngest age")
    if setting == "advice_hours":
        return _("The prescriber must be heard before the visit by")
    if setting.startswith("hold_until"):
        return _("On hold afterwards until this long after it")
    return _("Time between it and the visit")


# In the text


def _entry(root: yaml.MappingNode, section: str, code: str) -> yaml.MappingNode:
    name = "id" if section == "questions" else "code"
    entries = _value(root, section).value
    return next(entry for entry in entries if _value(entry, name).value == code)


def _value(mapping: yaml.MappingNode, name: str) -> yaml.Node | None:
    return next((value for key, value in mapping.value if key.value == name), None)


def _edit(source: str, entry: yaml.MappingNode, keys: tuple[str, ...], written: str) -> tuple[int, int, str]:
    """From where to where the text changes, and to what."""
    node = entry
    for key in keys:
        holder, node = node, _value(node, key)
    if node is None:  # a setting that stands at its default gets a place of its own
        _first, second = holder.value[0], holder.value[1][0].start_mark
        between = ", " if holder.flow_style else "\n" + " " * second.column
        return second.index, second.index, f"{keys[-1]}: {written}{between}"
    start = node.start_mark.index
    # the end of a text of several lines is where the next key begins
    return start, start + len(source[start : node.end_mark.index].rstrip()), written


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, TextChoices):
        return value.value
    return yaml.safe_dump(value, default_style='"', allow_unicode=True, width=math.inf).strip()


def _written_outcome(outcome: Mapping[str, Outcome]) -> str:
    if len(set(outcome.values())) == 1:
        return next(iter(outcome.values())).value
    return "{" + ", ".join(f"{stage}: {Outcome(said).value}" for stage, said in outcome.items()) + "}"
