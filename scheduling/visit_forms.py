"""What is typed at a visit: a form for each block of its record, sent with the revision that was on the screen.

The fields are named as the writers in `treatments.visits` name them, so that each of their sentences finds its field.
"""

import re
from datetime import datetime, time
from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.editing import Difference, differences
from clinic.inputs import ClockField, DayField, LineField, ParagraphsField
from clinic.text import one_line
from clinic.times import at_local, local_date
from scheduling.forms import RevisionForm
from treatments.charting import MOST_PASSES, STRONGEST_PERCENT
from treatments.depths import ZoneDepths, written
from treatments.models import Visit, ZoneRecord

UP_TO_FOUR = [(number, str(number)) for number in range(5)]
UP_TO_TEN = [(number, str(number)) for number in range(11)]
_NUMBER = re.compile(r"[0-9]{1,2}(?:[.,][0-9]{1,2})?")


class NumberField(forms.Field):
    """A decimal as people write it, 0.5 or 0,5. Whether it may be so much is the writer's to say."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "form-control"})
    default_error_messages = {"required": _("Please fill this in."), "invalid": _("Give a number such as 0.5.")}

    def to_python(self, value) -> Decimal | None:
        text = one_line(value or "")
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return Decimal(text.replace(",", "."))

    def prepare_value(self, value):
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value


class DepthField(NumberField):
    """With its tenths, as depths are read."""

    def prepare_value(self, value):
        return written(value) if isinstance(value, Decimal) else value


class CountField(NumberField):
    """A whole number of two digits."""

    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "form-control"})
    default_error_messages = {"invalid": _("Give a whole number such as 4.")}

    def to_python(self, value) -> int | None:
        number = super().to_python(value)
        if number is not None and number != int(number):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return None if number is None else int(number)


def add_mistakes(form: forms.Form, mistakes: ValidationError) -> None:
    """The sentences of a writer, each at its field."""
    for field, errors in mistakes.error_dict.items():
        form.add_error(field if field in form.fields else None, errors)


class RecordForm(RevisionForm):
    """A block of the record over what is stored of it."""

    def __init__(self, data=None, *, visit: Visit, **kwargs):
        self.visit = visit
        super().__init__(data, initial=(self.stored_in(visit) or {}) | {"revision": visit.revision}, **kwargs)

    def stored_in(self, visit: Visit) -> dict | None:
        """What the fields hold in the record; None for a form over nothing that is stored."""
        return {name: getattr(visit, name) for name in self.base_fields if name != "revision"}

    @property
    def typed(self) -> dict:
        return {name: value for name, value in self.cleaned_data.items() if name != "revision"}

    @property
    def for_writer(self) -> dict:
        return self.typed

    def refuse(self, mistakes: ValidationError) -> None:
        add_mistakes(self, mistakes)

    def on_top_of(self, visit: Visit) -> list[Difference] | None:
        """Turn this form into one that is saved over what is stored by now. Returns in what the two differ."""
        self.data = self.data.copy()
        self.data["revision"] = visit.revision
        stored = self.stored_in(visit)
        return None if stored is None else differences(self, typed=self.typed, stored=stored)


class StepForm(RecordForm):
    """A step with the record that takes effect or not; there is nothing of it to compare."""

    def stored_in(self, visit: Visit) -> None:
        return None


class NumbingForm(RecordForm):
    """Times are those of the clock on the wall, on the day of the visit."""

    agent = LineField(label=_("Cream"), required=False)
    strength_percent = NumberField(label=_("Strength in %"), required=False)
    applied_at = ClockField(label=_("On at"), required=False)
    removed_at = ClockField(label=_("Off at"), required=False)
    none_reason = ParagraphsField(
        label=_("Why no numbing"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Or the cream above."),
    )
    note = ParagraphsField(label=_("Note"), required=False, help_text=_("Why so strong a cream was used."))

    def __init__(self, data=None, **kwargs):
        super().__init__(data, **kwargs)
        if "note" not in self.data and not self.is_strong(self.visit.numbing_strength_percent):
            del self.fields["note"]  # the record's own note stays as it is

    @staticmethod
    def is_strong(percent: Decimal | None) -> bool:
        return percent is not None and percent > STRONGEST_PERCENT

    def stored_in(self, visit: Visit) -> dict:
        zone = visit.device.location.zone
        return {
            "agent": visit.numbing_agent,
            "strength_percent": visit.numbing_strength_percent,
            "applied_at": _clock(visit.numbing_applied_at, zone),
            "removed_at": _clock(visit.numbing_removed_at, zone),
            "none_reason": visit.no_numbing_reason,
            "note": visit.note,
        }

    def refuse(self, mistakes: ValidationError) -> None:
        if "note" in mistakes.error_dict and "note" not in self.fields:
            self.fields["note"] = self.base_fields["note"]
            self.initial["note"] = self.visit.note
        super().refuse(mistakes)

    @property
    def for_writer(self) -> dict:
        return self.typed | {name: self._instant(self.typed[name]) for name in ("applied_at", "removed_at")}

    def _instant(self, at: time | None) -> datetime | None:
        zone = self.visit.device.location.zone
        return at and at_local(local_date(self.visit.started_at, zone), at, zone)


def _clock(at: datetime | None, zone) -> time | None:
    return at and at.astimezone(zone).time().replace(second=0, microsecond=0)


class ZoneForm(RecordForm):
    """One zone. A depth that nobody may set is typed text like any other: it is refused in words and stays."""

    depth_mm = DepthField(label=_("Depth in mm"))
    passes = CountField(label=_("Passes"))
    reason = ParagraphsField(label=_("Reason"), required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, data=None, *, depths: ZoneDepths, record: ZoneRecord | None, **kwargs):
        self.depths, self.record = depths, record
        super().__init__(data, auto_id=f"zone-{depths.zone.code}-%s", **kwargs)
        if not record:
            self.initial |= {"depth_mm": depths.default_mm, "passes": depths.last and depths.last.passes}
        most = f"{depths.limit.depth_mm:.1f}"
        self.fields["depth_mm"].widget.attrs |= {"data-first": "0.1", "data-least": "0.1", "data-most": most}
        self.fields["passes"].widget.attrs |= {"data-first": 1, "data-least": 1, "data-most": MOST_PASSES}

    def stored_in(self, visit: Visit) -> dict:
        if not self.record:
            return {"depth_mm": None, "passes": None, "reason": ""}
        return {"depth_mm": self.record.depth_mm, "passes": self.record.passes, "reason": self.record.reason}

    @property
    def asks_reason(self) -> bool:
        return bool(self["reason"].errors or self["reason"].value())

    @property
    def usual_mm(self) -> str:
        """The range that needs no reason, in words."""
        deepest = min(bound.depth_mm for bound in self.depths.usual)
        return _("usual %(least)s to %(most)s") % {
            "least": written(min(self.depths.zone.soft_min_mm, deepest)),
            "most": written(deepest),
        }


class CartridgeForm(RecordForm):
    device = forms.ModelChoiceField(label=_("Device"), queryset=None, to_field_name="public_id", empty_label=None)
    cartridge_make = LineField(label=_("Cartridge, make"), required=False)
    cartridge_lot = LineField(label=_("Lot"), required=False)
    cartridge_expires_on = DayField(label=_("Use by"), required=False)

    def __init__(self, data=None, **kwargs):
        super().__init__(data, **kwargs)
        self.fields["device"].queryset = self.visit.device.location.devices.filter(is_active=True)

    def stored_in(self, visit: Visit) -> dict:
        return super().stored_in(visit) | {"device": visit.device.public_id}

    @property
    def typed(self) -> dict:
        return super().typed | {"device": self.cleaned_data["device"].public_id}

    @property
    def for_writer(self) -> dict:
        return super().typed


class TopicalForm(StepForm):
    name = LineField(label=_("What was put on"))
    lot = LineField(label=_("Lot"), required=False)
    expires_on = DayField(label=_("Use by"), required=False)


class ResultForm(RecordForm):
    """What the skin did, and what the patient was told."""

    endpoint = forms.ChoiceField(
        label=_("Endpoint"), choices=Visit.Endpoint.choices, required=False, widget=forms.RadioSelect
    )
    bleeding = forms.ChoiceField(
        label=_("Bleeding"), choices=Visit.Bleeding.choices, required=False, widget=forms.RadioSelect
    )
    redness = forms.TypedChoiceField(
        label=_("Redness"), choices=UP_TO_FOUR, coerce=int, empty_value=None, required=False, widget=forms.RadioSelect
    )
    swelling = forms.TypedChoiceField(
        label=_("Swelling"), choices=UP_TO_FOUR, coerce=int, empty_value=None, required=False, widget=forms.RadioSelect
    )
    pain = forms.TypedChoiceField(
        label=_("Pain"), choices=UP_TO_TEN, coerce=int, empty_value=None, required=False, widget=forms.RadioSelect
    )
    reaction = ParagraphsField(label=_("Reaction"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    is_aftercare_given = forms.BooleanField(label=_("Aftercare explained and handed over"), required=False)
    note = ParagraphsField(label=_("Note"), required=False)


class AmendmentForm(forms.Form):
    key = forms.UUIDField(widget=forms.HiddenInput)
    text = ParagraphsField(label=_("What is to be added"))
