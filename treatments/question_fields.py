"""One form field for each kind of question. Each cleans to the text that the rules read, or to nothing."""

import re
from collections.abc import Collection
from datetime import date

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import MONTHS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.inputs import ClockField, ClockInput, DayField, DayInput, ParagraphsField
from patients.partial_dates import FIRST_YEAR, LAST_YEAR, PartialDate
from treatments.catalogue import Question, QuestionKind
from treatments.catalogue.spec import NO, NONE, NOT_SURE, YES
from treatments.screening import STILL

SAME = "same"
SAME_CHOICE = (SAME, gettext_lazy("Nothing has changed"))
YES_NO_NOT_SURE = ((YES, gettext_lazy("Yes")), (NO, gettext_lazy("No")), (NOT_SURE, gettext_lazy("Not sure")))
LONGEST_WORDS = 1000

# A few short answers stand side by side, more of them below one another.
MOST_SIDE_BY_SIDE = 4
WIDEST_SIDE_BY_SIDE = 34  # letters, for a phone

_DAY_FIRST = re.compile(r"(?:(?:([0-9]{1,2})[./ ])?([0-9]{1,2})[./ ])?([0-9]{4})")
_SHORT_YEAR = re.compile(r"([0-9]{1,2})[./ ]([0-9]{1,2})[./ ]([0-9]{2})")
_MONTH_IN_WORDS = re.compile(r"(?:([0-9]{1,2})(?:st|nd|rd|th)?[ .]+)?([^\W\d_]{3,})[.,]? +([0-9]{4})")
_YEAR_FIRST = re.compile(r"[0-9]{4}(?:-[0-9]{2}){0,2}")
_LAST_OF_THIS_CENTURY = 59  # 24/7/26 is in 2026, 3/5/98 in 1998
_CONTROL = {"class": "form-control", "autocomplete": "off"}
_BOX = {"class": "form-check-input"}


class UnreadableDate(ValueError):
    """What was typed is not written as a date."""


def read_typed_date(text: str) -> str:
    """A date or a part of one as people type it, as the catalogue reads it.

    31/08/2025, 31.8.25, 31 August 2025, 08/2025, Aug 2025, 2025, 2025-08-31. Raises ValueError with a sentence for
    whoever typed it.
    """
    return str(PartialDate.parse("-".join(part.zfill(2) for part in _year_month_day(text.strip()) if part)))


def _year_month_day(text: str) -> tuple[str | None, ...]:
    if typed := _DAY_FIRST.fullmatch(text):
        return typed.groups()[::-1]
    if typed := _SHORT_YEAR.fullmatch(text):
        day, month, year = typed.groups()
        return ("20" if int(year) <= _LAST_OF_THIS_CENTURY else "19") + year, month, day
    if typed := _MONTH_IN_WORDS.fullmatch(text):
        day, word, year = typed.groups()
        for number, name in MONTHS.items():
            if str(name).lower().startswith(word.lower()):
                return year, str(number), day
    if _YEAR_FIRST.fullmatch(text):
        return (text,)
    raise UnreadableDate(_("Write the date as 31/08/2025, or only the month as 08/2025, or only the year as 2025."))


class ChoiceField(forms.ChoiceField):
    """One of several. `template` draws the question."""

    def __init__(self, *, choices, **options):
        labels = [str(label) for _value, label in choices]
        fits = len(labels) <= MOST_SIDE_BY_SIDE and sum(map(len, labels)) <= WIDEST_SIDE_BY_SIDE
        self.template = "components/_segmented.html" if fits else "treatments/_choices_question.html"
        widget = forms.RadioSelect(attrs={} if fits else _BOX)
        super().__init__(choices=choices, widget=widget, required=False, **options)


class SeveralField(forms.MultipleChoiceField):
    """Some of several, as words with commas between. “None” and “nothing has changed” stand alone."""

    template = "treatments/_choices_question.html"

    def __init__(self, *, choices, **options):
        widget = forms.CheckboxSelectMultiple(attrs=_BOX)
        super().__init__(choices=choices, widget=widget, required=False, **options)

    def prepare_value(self, value):
        return value.split(", ") if isinstance(value, str) else value

    def clean(self, value):
        words = super().clean(value)
        if len(words) > 1 and {NONE, SAME} & set(words):
            raise ValidationError(_("“None” and “nothing has changed” each stand alone. Take one of the ticks away."))
        return ", ".join(words)


class ZonesField(SeveralField):
    """Some of the zones of the skin. On the page it follows the zones that are chosen beside it."""

    template = "treatments/_zones_question.html"


class PastDateField(forms.CharField):
    """A day, or a part of one. A patient may be asked for it in three boxes."""

    template = "treatments/_date_question.html"
    is_patients = False

    def __init__(self, **options):
        super().__init__(required=False, widget=forms.TextInput(attrs=_CONTROL | {"maxlength": 20}), **options)

    def clean(self, value):
        text = super().clean(value)
        try:
            return read_typed_date(text) if text else ""
        except UnreadableDate as error:
            in_boxes = _("Write the day, the month and the year in numbers.")
            raise ValidationError(in_boxes if self.is_patients else str(error)) from error
        except ValueError as error:
            raise ValidationError(str(error)) from error


class LastDateField(forms.MultiValueField):
    """When something was last taken: a date, a part of one, or that it still is."""

    template = "treatments/_date_question.html"

    def __init__(self, **options):
        super().__init__(
            fields=(PastDateField(), forms.BooleanField(required=False)),
            require_all_fields=False,
            required=False,
            widget=LastDateWidget(),
            **options,
        )

    def compress(self, values):
        text, is_still = values or ("", False)
        if is_still and text:
            raise ValidationError(_("Give the date of the last one, or tick that it goes on, not both."))
        return STILL if is_still else text


class _LabelledFirst(forms.MultiWidget):
    """The question is the label of the first part."""

    def id_for_label(self, id_):
        return f"{id_}_0"


class LastDateWidget(_LabelledFirst):
    template_name = "treatments/_last_date.html"
    is_patients = False

    def __init__(self):
        super().__init__(widgets=(forms.TextInput(attrs=_CONTROL), forms.CheckboxInput(attrs=_BOX)))

    def decompress(self, value):
        return ["", True] if value == STILL else [value or "", False]

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        context["widget"]["still"] = _("I still take it") if self.is_patients else _("Still takes it")
        return context


class InstantField(forms.MultiValueField):
    """A day and a time of day, or the day alone, in the clinic's time."""

    template = "treatments/_instant_question.html"

    def __init__(self, **options):
        super().__init__(
            fields=(DayField(required=False), ClockField(required=False)),
            require_all_fields=False,
            required=False,
            widget=InstantWidget(),
            **options,
        )

    def compress(self, values):
        day, clock = values or (None, None)
        if clock and not day:
            raise ValidationError(_("Give the day as well."))
        if day and not date(FIRST_YEAR, 1, 1) <= day <= date(LAST_YEAR, 12, 31):
            raise ValidationError(_("Check the year of this day."))
        return "" if not day else f"{day}T{clock:%H:%M}" if clock else day.isoformat()


class InstantWidget(forms.MultiWidget):
    template_name = "treatments/_instant.html"

    def __init__(self):
        super().__init__(widgets=(DayInput(attrs=_CONTROL), ClockInput(attrs=_CONTROL)))

    def decompress(self, value):
        return [None, None]


class WordsField(forms.MultiValueField):
    """Own words; where nothing came before them, a tick tells that there are none, or that nothing has changed."""

    template = "treatments/_words_question.html"

    def __init__(self, *, ticks, **options):
        self.ticks = ticks
        words = ParagraphsField(required=False, longest=LONGEST_WORDS)
        boxes = [forms.BooleanField(required=False) for _each in ticks]
        super().__init__(
            fields=(words, *boxes),
            require_all_fields=False,
            required=False,
            widget=WordsWidget(ticks),
            **options,
        )

    def compress(self, values):
        text, *boxes = values or [""]
        ticked = [value for (value, _label), box in zip(self.ticks, boxes, strict=False) if box]
        if len(ticked) + bool(text) > 1:
            raise ValidationError(_("Write it down or tick one box, not both."))
        if text and not re.search(r"[^\W_]", text):
            raise ValidationError(_("Write this in words."))
        return ticked[0] if ticked else text


class WordsWidget(_LabelledFirst):
    template_name = "treatments/_words.html"

    def __init__(self, ticks):
        self.ticks = ticks
        boxes = [forms.CheckboxInput(attrs=_BOX) for _each in ticks]
        super().__init__(widgets=(forms.Textarea(attrs=_CONTROL | {"rows": 2}), *boxes))

    def decompress(self, value):
        return ["", *(False for _each in self.ticks)]

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        text, *boxes = context["widget"]["subwidgets"]
        labels = [label for _value, label in self.ticks]
        context["widget"] |= {"words": text, "boxes": list(zip(boxes, labels, strict=True))}
        return context


class TickField(forms.BooleanField):
    """Done, or not yet."""

    template = "treatments/_tick_question.html"

    def __init__(self, **options):
        super().__init__(required=False, widget=forms.CheckboxInput(attrs=_BOX), **options)

    def prepare_value(self, value):
        return value not in ("", None, False, NO, NOT_SURE)

    def clean(self, value):
        return YES if super().clean(value) else ""


def field_for(
    question: Question, *, is_known: bool, zones: Collection[str] = (), is_patients: bool = False
) -> forms.Field:
    """The field of a question; where the answer is known, “nothing has changed” is one more.

    Of the zones of the skin it offers those that are to be treated, or all of them as long as that is not known. On a
    page that `is_patients` it speaks to her, elsewhere to staff who ask.
    """
    field = _field_of(question, is_known=is_known, zones=zones)
    for each in (field, field.widget, *getattr(field, "fields", ())):
        each.is_patients = is_patients
    return field


def _field_of(question: Question, *, is_known: bool, zones: Collection[str]) -> forms.Field:
    options = {"label": question.text, "help_text": question.hint}
    same = [SAME_CHOICE] if is_known else []
    match question.kind:
        case QuestionKind.YES_NO:
            return ChoiceField(choices=[*same, *YES_NO_NOT_SURE], **options)
        case QuestionKind.CHOICE:
            return ChoiceField(choices=[*same, *question.choices], **options)
        case QuestionKind.SEVERAL:
            return SeveralField(choices=[*same, *question.choices], **options)
        case QuestionKind.ZONES:
            offered = [pair for pair in question.choices if not zones or pair[0] in (*zones, NOT_SURE)]
            return ZonesField(choices=offered, **options)
        case QuestionKind.TEXT:
            none = [] if question.ask_if else [(NONE, _("None"))]
            return WordsField(ticks=[*none, *same], **options)
        case QuestionKind.LAST_DATE:
            return LastDateField(**options)
        case QuestionKind.PAST_DATE:
            return PastDateField(**options)
        case QuestionKind.INSTANT:
            return InstantField(**options)
        case QuestionKind.STAFF_TICK:
            return TickField(**options)
