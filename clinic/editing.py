"""Two people who edit the same thing: the second is told, sees both versions and keeps what was typed.

A form carries the fingerprint of the values that it was opened with; the writer stores only while they still stand.
"""

from dataclasses import dataclass
from datetime import date, time
from hashlib import sha256

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _


class EditedMeanwhile(Exception):
    """Somebody else saved the thing since the form was opened, and nothing was changed; `stored` is what they saved."""

    def __init__(self, stored):
        super().__init__(str(stored))
        self.stored = stored


@dataclass(frozen=True)
class Difference:
    """A field in which what was typed is not what is stored, both as a person reads them."""

    label: str
    stored: str
    typed: str


def fingerprint(details: dict) -> str:
    """The same for the same values under the same names."""
    return sha256(repr(sorted(details.items())).encode()).hexdigest()


def differences(form: forms.Form, *, typed: dict, stored: dict) -> list[Difference]:
    return [
        Difference(
            label=form.fields[name].label,
            stored=_shown(form.fields[name], stored[name]),
            typed=_shown(form.fields[name], value),
        )
        for name, value in typed.items()
        if value != stored[name]
    ]


def _shown(field: forms.Field, value) -> str:
    if isinstance(field, forms.ChoiceField):
        chosen = value if isinstance(value, list) else [value]
        return ", ".join(str(label) for key, label in field.choices if key in chosen)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, date):
        return date_format(value, "j F Y")
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return "" if value is None else str(value)


class EditForm(forms.Form):
    """A form over the `stored` details of a thing; over none of them for a new one."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data=None, *, stored: dict | None = None, **kwargs):
        self.stored = stored or {}
        super().__init__(data, initial=self.stored | {"seen": fingerprint(self.stored)}, **kwargs)

    @property
    def details(self) -> dict:
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}

    @property
    def opened_with(self) -> str:
        return self.cleaned_data["seen"]

    def on_top_of(self, stored: dict) -> list[Difference]:
        """Turn this form into one that is saved over what is stored by now. Returns in what the two differ."""
        found = differences(self, typed=self.details, stored=stored)
        self.data = self.data.copy()
        self.data[self.add_prefix("seen")] = fingerprint(stored)
        return found
