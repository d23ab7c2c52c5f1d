"""The question form, made from the catalogue: the one place where reception meets a medicine's name."""

import re

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.times import local_date
from patients.partial_dates import PartialDate
from treatments.answers import answered_at
from treatments.catalogue import Catalogue, Question, QuestionKind, Stage
from treatments.screening import STILL

SAME = "same"
YES_NO_NOT_SURE = (("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No")), ("not_sure", gettext_lazy("Not sure")))
_DAY_FIRST = re.compile(r"(?:(?:([0-9]{1,2})[./ ])?([0-9]{1,2})[./ ])?([0-9]{4})")


def read_typed_date(text: str) -> str:
    """A date or a part of one as people type it (31/08/2025, 08/2025, 2025, 2025-08-31), as the catalogue reads it.

    Raises ValueError with a sentence for whoever typed it.
    """
    if typed := _DAY_FIRST.fullmatch(text.strip()):
        day, month, year = typed.groups()
        text = "-".join(part.zfill(2) for part in (year, month, day) if part)
    return str(PartialDate.parse(text.strip()))


class LastDateField(forms.MultiValueField):
    """When something was last taken: a date, a part of one, or that it still is."""

    def __init__(self, **options):
        super().__init__(
            fields=(forms.CharField(max_length=20, required=False), forms.BooleanField(required=False)),
            require_all_fields=False,
            widget=LastDateWidget(),
            **options,
        )

    def compress(self, values):
        text, is_still = values or ("", False)
        if is_still and text:
            raise forms.ValidationError(_("Give the date of the last one, or tick that it is still taken, not both."))
        if is_still:
            return STILL
        if not text:
            return ""
        try:
            return read_typed_date(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class LastDateWidget(forms.MultiWidget):
    template_name = "treatments/_last_date.html"

    def __init__(self):
        super().__init__(
            widgets=(
                forms.TextInput(attrs={"class": "form-control", "autocomplete": "off", "maxlength": 20}),
                forms.CheckboxInput(attrs={"class": "form-check-input"}),
            )
        )

    def decompress(self, value):
        return ["", True] if value == STILL else [value or "", False]


class AnswersForm(forms.Form):
    """The questions that the active rules ask at a stage. `answers` holds what was answered, by question id.

    A question that the patient answered before may be left as "nothing has changed"; it then stays out of `answers`.
    What follows an answer that was not given is dropped, whatever was typed there.
    """

    def __init__(self, *args, catalogue: Catalogue, stage: Stage, patient, zone, **kwargs):
        super().__init__(*args, **kwargs)
        self.questions = catalogue.questions_at(stage)
        for question in self.questions:
            field = _field_for(question)
            if not question.ask_if and (when := answered_at(patient, question.id)):
                day = date_format(local_date(when, zone), "j F Y")
                field.help_text = _("Answered on %(day)s. Ask whether that still holds.") % {"day": day}
                field.choices = [(SAME, _("Nothing has changed")), *field.choices]
            self.fields[question.id] = field

    @property
    def rows(self):
        """Each question with the condition under which it is asked, for the template: "Q04=yes", or nothing."""
        for question in self.questions:
            # a condition on an answer of another stage cannot be met by this form
            asked_here = [(key, values) for key, values in question.ask_if.items() if key in self.fields]
            condition = " ".join(f"{key}={value}" for key, values in asked_here for value in values)
            yield self[question.id], condition

    @property
    def answers(self) -> dict[str, str]:
        given = self.cleaned_data
        return {
            question.id: given[question.id]
            for question in self.questions
            if given.get(question.id) not in (None, "", SAME) and self._is_asked(question)
        }

    def _is_asked(self, question: Question) -> bool:
        return not question.ask_if or any(
            self.cleaned_data.get(key) in values for key, values in question.ask_if.items()
        )


def _field_for(question: Question) -> forms.Field:
    if question.kind == QuestionKind.LAST_DATE:
        return LastDateField(label=question.text, required=False)
    choices = question.choices if question.kind == QuestionKind.CHOICE else YES_NO_NOT_SURE
    return forms.ChoiceField(
        label=question.text,
        choices=choices,
        required=not question.ask_if,
        widget=forms.RadioSelect,
        error_messages={"required": _("Ask this and choose an answer; “Not sure” is one.")},
    )
