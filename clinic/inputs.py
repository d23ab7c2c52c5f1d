"""Fields for every form: cleaned text, days, times of day and depths, each with a sentence for what is wrong."""

import re
from decimal import Decimal

from crispy_forms.helper import FormHelper
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.models import HARD_MAX_DEPTH_MM
from clinic.text import one_line, paragraphs

MISSING = _("Please fill this in.")

# [0-9] and not \d: other scripts have digits too, and Decimal() would take them.
WRITTEN_DEPTH = re.compile(r"[0-9](?:[.,][0-9]{1,2})?")


class LineField(forms.CharField):
    """One line of text, without anything invisible. Too long is refused and never cut: the browser gets no limit."""

    default_error_messages = {"required": MISSING}

    def __init__(self, *, longest: int | None = None, **kwargs):
        self.longest = longest
        super().__init__(**kwargs)

    def to_python(self, value):
        return one_line(super().to_python(value))

    def validate(self, value):
        super().validate(value)
        if self.longest and len(value) > self.longest:
            raise ValidationError(_("Write at most %(longest)d characters.") % {"longest": self.longest})


class ParagraphsField(LineField):
    widget = forms.Textarea(attrs={"rows": 3})

    def to_python(self, value):
        return paragraphs(forms.CharField.to_python(self, value))


class _PlainDigits:
    """For dates and times: Python would read the digits of every script in them."""

    def to_python(self, value):
        if isinstance(value, str) and not value.isascii():
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%Y-%m-%d")


class DayField(_PlainDigits, forms.DateField):
    widget = DayInput
    default_error_messages = {"required": MISSING, "invalid": _("Give the whole date: day, month and year.")}


class ClockInput(forms.TimeInput):
    input_type = "time"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%H:%M")


class ClockField(_PlainDigits, forms.TimeField):
    """A time of day to the minute."""

    widget = ClockInput
    default_error_messages = {"required": MISSING, "invalid": _("Give the time as hours and minutes, such as 09:30.")}

    def to_python(self, value):
        moment = super().to_python(value)
        return moment and moment.replace(second=0, microsecond=0)


class DepthField(forms.Field):
    """Millimetres a needle may go in, above 0 and up to what the longest needle reaches."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    default_error_messages = {"required": MISSING}

    def to_python(self, value):
        written = one_line(value or "")
        if not written:
            return None
        depth = Decimal(written.replace(",", ".")) if WRITTEN_DEPTH.fullmatch(written) else None
        if depth is None or not Decimal("0.1") <= depth <= HARD_MAX_DEPTH_MM:
            raise ValidationError(
                _("Give a depth in mm between 0.1 and %(deepest)s, such as 1.5.") % {"deepest": HARD_MAX_DEPTH_MM}
            )
        return depth


def bare_helper() -> FormHelper:
    """For crispy: the fields alone. Each page has its own form tag, token and buttons."""
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.error_text_inline = False  # mistakes as a block, with our icon
    return helper
