"""The form of one rule, and the sample visit on which a draft of it is tried."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.editing import Difference
from clinic.inputs import MISSING, ClockField, DayField, LineField, ParagraphsField
from clinic.times import at_local, local_date
from patients.partial_dates import FIRST_YEAR, LAST_YEAR
from scheduling.forms import PlanningDayField, RevisionField
from scheduling.rule_trials import moment_question, sample_answers
from treatments.catalogue import Catalogue, CatalogueError, Outcome, Override, QuestionKind, Rule, Stage
from treatments.catalogue.named_windows import WINDOWS
from treatments.catalogue.spec import NO, NOT_SURE, YES
from treatments.models import CatalogueVersion
from treatments.publishing import catalogue_of, drafted_catalogue
from treatments.rule_editing import Field, edit_rule, fields_of, refusals, stage_words

WHOLE = re.compile(r"[0-9]{1,4}")
LONGEST_WORDS = 1000


class WholeField(LineField):
    """A whole number from 1 to `most`, of a `unit`."""

    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})

    def __init__(self, *, most: int, unit: str, **kwargs):
        self.most, self.unit = most, unit
        super().__init__(**kwargs)
        self.widget.attrs |= {"data-least": 1, "data-first": 1, "data-most": most}

    def clean(self, value):
        written = super().clean(value)
        if not WHOLE.fullmatch(written) or not 1 <= int(written) <= self.most:
            raise ValidationError(_("Give a whole number from 1 to %(most)d.") % {"most": self.most})
        return int(written)


class RuleForm(forms.Form):
    """Everything about a rule that may be changed, on top of a version.

    Once valid, `text` is the catalogue with the rule as it is in the form, and `draft` the same, read.
    """

    base = RevisionField()
    note = LineField(
        label=gettext_lazy("What changed, for the record"),
        longest=200,
        required=False,
        help_text=gettext_lazy("Stands in the list of versions for good."),
    )

    def __init__(self, data=None, *, version: CatalogueVersion, code: str, is_published: bool = False):
        self.version, self.code, self.catalogue = version, code, catalogue_of(version)
        self.of_rule = fields_of(self.catalogue, code)
        self.is_published = is_published
        self.text, self.draft = version.source, self.catalogue
        initial = {name: field.value for name, field in self.of_rule.items()}
        super().__init__(data, initial=initial | {"base": version.number})
        self.fields |= {name: _form_field(field) for name, field in self.of_rule.items()}
        if is_published:
            self.fields["note"].required = True

    def clean(self):
        values = {name: self.cleaned_data[name] for name in self.of_rule if name in self.cleaned_data}
        for name, value in values.items():
            if self.of_rule[name].is_looser(value):
                self.add_error(name, self._looser(self.of_rule[name]))
        if self.errors:
            return
        text = edit_rule(source=self.version.source, catalogue=self.catalogue, code=self.code, values=values)
        try:
            self.draft = drafted_catalogue(text, base=self.catalogue)
        except CatalogueError as error:
            for name, sentence in refusals(source=text, catalogue=self.catalogue, code=self.code, error=error):
                self.add_error(name or None, sentence)
            return
        if self.is_published and text == self.text:
            self.add_error(None, _("The rule is as it was, so there is nothing to publish. Change something first."))
        self.text = text

    def _looser(self, field: Field) -> str:
        return _("This is less strict than the owner’s document, which asks for “%(least)s”.") % {
            "least": field.worded(field.least)
        }

    @property
    def windows(self) -> list[forms.BoundField]:
        return [self[name] for name in self.of_rule if name in WINDOWS]

    @property
    def outcomes(self) -> list[forms.BoundField]:
        return [self[name] for name in self.of_rule if name.startswith("outcome_")]

    @property
    def messages(self) -> list[forms.BoundField]:
        return [self[name] for name in self.of_rule if name.startswith("message_")]

    def on_top_of(self, version: CatalogueVersion) -> tuple["RuleForm", list[Difference]]:
        """The same form over a version that was published meanwhile, and in what it differs from it."""
        data = self.data.copy()
        data["base"] = version.number
        form = RuleForm(data, version=version, code=self.code, is_published=True)
        form.is_valid()
        typed = {name: value for name, value in form.cleaned_data.items() if name in form.of_rule}
        stored = {name: form.of_rule[name] for name in typed}
        return form, [
            Difference(stored[name].label, stored[name].worded(stored[name].value), stored[name].worded(value))
            for name, value in typed.items()
            if value != stored[name].value
        ]


def _form_field(field: Field) -> forms.Field:
    """How a value of a rule is asked for; the owner's demand stands below it."""
    words = {"label": field.label, "help_text": field.limit}
    if isinstance(field.value, bool):
        return forms.BooleanField(required=False, **words)
    if isinstance(field.value, int):
        return WholeField(most=WINDOWS[field.name], unit=_unit(field.name), **words)
    if isinstance(field.value, Outcome | Override):
        kind = type(field.value)
        choices = [(value, capfirst(label)) for value, label in kind.choices]
        return forms.TypedChoiceField(choices=choices, coerce=kind, error_messages={"required": MISSING}, **words)
    if field.name == "name":
        return LineField(longest=80, **words)
    return ParagraphsField(longest=LONGEST_WORDS, **words)


def _unit(setting: str) -> str:
    units = {"hours": _("hours"), "days": _("days"), "months": _("months"), "years": _("years")}
    return units[setting.rpartition("_")[2]]


class SampleDayField(DayField):
    """A day that an answer may name."""

    def validate(self, value):
        super().validate(value)
        if value and not FIRST_YEAR <= value.year <= LAST_YEAR:
            raise ValidationError(
                _("The year must lie between %(first)d and %(last)d.") % {"first": FIRST_YEAR, "last": LAST_YEAR}
            )


class SampleForm(forms.Form):
    """A visit that nobody has booked, and what a patient would say of the rule's matter."""

    visit_day = PlanningDayField(label=gettext_lazy("Visit"))
    visit_at = ClockField(label=gettext_lazy("At"))
    stage = forms.TypedChoiceField(label=gettext_lazy("Asked"), coerce=Stage)
    said_day = SampleDayField(required=False)
    said_at = ClockField(label=gettext_lazy("At"), required=False)
    said = forms.ChoiceField(label=gettext_lazy("Answer"))

    def __init__(self, data=None, *, catalogue: Catalogue, code: str, zone: ZoneInfo, now: datetime):
        self.catalogue, self.rule, self.zone = catalogue, catalogue.rules[code], zone
        asking = {stage: moment_question(catalogue, self.rule, stage) for stage in self.rule.stages}
        when = next((question for question in asking.values() if question), None)
        visit_day = local_date(now, zone) + timedelta(days=6)
        last = next((stage for stage in reversed(asking) if asking[stage]), self.rule.stages[-1])
        initial = {"visit_day": visit_day, "visit_at": "10:00", "stage": last}
        super().__init__(data, initial=initial | _usual_moment(self.rule, visit_day))
        self.fields["stage"].choices = [(stage.value, stage_words(stage)) for stage in self.rule.stages]
        if when:
            self.fields["said_day"].label = when.text
            del self.fields["said"]
        else:
            self.fields["said"].choices = _answers(catalogue, self.rule)
            del self.fields["said_day"]
        if not when or when.kind != QuestionKind.INSTANT:
            del self.fields["said_at"]

    @property
    def start(self) -> datetime:
        return at_local(self.cleaned_data["visit_day"], self.cleaned_data["visit_at"], self.zone)

    @property
    def moment(self) -> datetime | None:
        """The day or the moment that was given; a day alone counts from its first minute."""
        day = self.cleaned_data.get("said_day")
        at = self.cleaned_data.get("said_at") or datetime.min.time()
        return at_local(day, at, self.zone) if day else None

    @property
    def answers(self) -> dict[str, str]:
        day, at = self.cleaned_data.get("said_day"), self.cleaned_data.get("said_at")
        moment = f"{day}T{at:%H:%M}" if day and at else f"{day or ''}"
        said = self.cleaned_data.get("said", "")
        return sample_answers(self.catalogue, self.rule, self.cleaned_data["stage"], moment=moment, said=said)


def _usual_moment(rule: Rule, visit_day: date) -> dict:
    """Somewhat longer before the visit than the rule asks for, so that a stricter one shows."""
    settings = rule.test.params
    if hours := settings.get("hours"):
        at = datetime.combine(visit_day, datetime.min.time()) + timedelta(hours=10 - 1.5 * hours)
        return {"said_day": at.date(), "said_at": at.time()}
    days = settings.get("days") or 30 * settings.get("months", 0) or 365 * settings.get("years", 0)
    return {"said_day": visit_day - timedelta(days=int(1.5 * days))}


def _answers(catalogue: Catalogue, rule: Rule) -> list[tuple[str, str]]:
    """What can be answered to a rule's questions, each answer once."""
    words = {YES: _("Yes"), NO: _("No"), NOT_SURE: _("Not sure")}
    asked = [catalogue.questions[id] for ids in rule.questions.values() for id in ids if id in catalogue.questions]
    answers = {answer: dict(each.choices).get(answer) or words[answer] for each in asked for answer in each.answers}
    return list(answers.items()) or [(YES, words[YES])]
