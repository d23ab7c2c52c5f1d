"""Forms for patients and for what is true of their health."""

import re
import uuid
from datetime import datetime

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Field, Layout, Row
from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import MONTHS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.editing import Difference, differences
from clinic.inputs import DayField, LineField, ParagraphsField, bare_helper
from clinic.text import one_line
from patients.models import MedicalFact, Patient
from patients.records import DETAILS, EARLIEST_BIRTH, clean_details, clean_fact
from patients.search import LONGEST, read_day, read_phone


class PatientForm(forms.Form):
    given_name = LineField(
        label=gettext_lazy("First name"), error_messages={"required": gettext_lazy("Give the first name.")}
    )
    family_name = LineField(
        label=gettext_lazy("Last name"), error_messages={"required": gettext_lazy("Give the last name.")}
    )
    date_of_birth = DayField(
        label=gettext_lazy("Date of birth"), error_messages={"required": gettext_lazy("Give the date of birth.")}
    )
    phone = LineField(label=gettext_lazy("Phone"), required=False, widget=forms.TextInput(attrs={"type": "tel"}))
    email = LineField(
        label=gettext_lazy("E-mail"),
        required=False,
        widget=forms.TextInput(attrs={"type": "email"}),
        help_text=gettext_lazy("Confirmations and reminders go here. Without it none can be sent."),
    )
    note = ParagraphsField(
        label=gettext_lazy("Note"),
        required=False,
        help_text=gettext_lazy("Everybody who works here reads it. What is said about health belongs under Health."),
    )

    def __init__(self, *args, now: datetime, **kwargs):
        super().__init__(*args, **kwargs)
        self.now = now
        for name in ("given_name", "family_name", "phone", "email"):
            self.fields[name].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        self.fields["date_of_birth"].widget.attrs |= {"min": EARLIEST_BIRTH.isoformat(), "max": now.date().isoformat()}

    @property
    def helper(self) -> FormHelper:
        helper = bare_helper()
        halves = {"css_class": "col-sm-6"}
        helper.layout = Layout(
            *(Field(name) for name in self.fields if name not in DETAILS),
            Row(Column("given_name", **halves), Column("family_name", **halves)),
            Row(Column("date_of_birth", **halves), Column("phone", **halves)),
            "email",
            "note",
        )
        return helper

    def clean(self):
        typed = {name: self.cleaned_data[name] for name in DETAILS if name in self.cleaned_data}
        try:
            self.cleaned_data |= clean_details(now=self.now, **typed)
        except ValidationError as mistakes:
            self.add_error(None, mistakes)

    @property
    def details(self) -> dict:
        return {name: self.cleaned_data[name] for name in DETAILS}


class NewPatientForm(PatientForm):
    """`public_id` is made when the form is opened, so that posting it again is known for what it is."""

    public_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    @property
    def who(self) -> dict:
        """By what a patient is told from others."""
        return {name: value for name, value in self.details.items() if name != "note"}


class EditPatientForm(PatientForm):
    """`revision` is the one that was read when the form was opened."""

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    @staticmethod
    def initial_of(patient: Patient) -> dict:
        return {name: getattr(patient, name) for name in ("revision", *DETAILS)}

    def on_top_of(self, stored: Patient) -> "EditPatientForm":
        """The same typed text, to be saved over what somebody else has stored meanwhile."""
        data = self.data.copy()
        data["revision"] = stored.revision
        return EditPatientForm(data, now=self.now)

    def differences(self, stored: Patient) -> list[Difference]:
        return differences(self, typed=self.details, stored=self.initial_of(stored))


def initial_from_search(text: str) -> dict:
    """What was typed to find somebody, put where it belongs on the form for a new patient."""
    text = one_line(text)
    if not text or len(text) > LONGEST:
        return {}
    if day := read_day(text):
        return {"date_of_birth": day}
    if read_phone(text):
        return {"phone": text}
    if "@" in text:
        return {"email": text}
    given, _space, family = text.partition(" ")
    if text.islower():
        given, family = given.capitalize(), family.title()
    return {"given_name": given, "family_name": family}


class FactForm(forms.Form):
    public_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=MedicalFact.Kind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose what kind of thing this is.")},
    )
    subject = LineField(
        label=gettext_lazy("What"),
        error_messages={"required": gettext_lazy("Say what it is, such as the name of the medicine.")},
    )
    answer = ParagraphsField(
        label=gettext_lazy("Details"),
        required=False,
        help_text=gettext_lazy("Dose, where, how it went: what a colleague needs to know."),
    )
    day = LineField(label=gettext_lazy("Day"), required=False)
    month = forms.TypedChoiceField(
        label=gettext_lazy("Month"),
        choices=[("", "")] + [(str(number), name) for number, name in MONTHS.items()],
        required=False,
    )
    year = LineField(label=gettext_lazy("Year"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("day", "year"):
            self.fields[name].widget.attrs |= {"inputmode": "numeric", "autocomplete": "off"}

    def clean(self):
        if self.errors:
            return
        try:
            self.cleaned_data |= clean_fact(
                subject=self.cleaned_data["subject"], answer=self.cleaned_data["answer"], on=self._read_date()
            )
        except ValidationError as mistakes:
            by_field = mistakes.update_error_dict({})
            self.add_error(None, {("year" if name == "on" else name): found for name, found in by_field.items()})

    def _read_date(self) -> str:
        day, month, year = (self.cleaned_data[name] for name in ("day", "month", "year"))
        if (day or month) and not year:
            raise ValidationError({"year": _("Give the year too, or leave the date empty.")})
        if day and not month:
            raise ValidationError({"month": _("Choose the month too, or leave the day empty.")})
        if day and not re.fullmatch(r"[0-9]{1,2}", day):
            raise ValidationError({"day": _("Write the day in figures, from 1 to 31.")})
        if year and not re.fullmatch(r"[0-9]{4}", year):
            raise ValidationError({"year": _("Write the year in four figures, such as 2025.")})
        return "-".join(part.zfill(2) for part in (year, month, day) if part)

    @property
    def fact(self) -> dict:
        """The arguments of `record_fact`. What is written by hand begins with a capital, unlike the subjects under
        which the answers to the health questions are kept: a note never takes the place of an answer."""
        words = {name: self.cleaned_data[name] for name in ("public_id", "kind", "subject", "answer", "on")}
        return words | {"subject": words["subject"][:1].upper() + words["subject"][1:]}
