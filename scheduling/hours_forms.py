"""Forms for a practitioner's week, for time off and for closures, all in the time of the location on the screen."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import times
from clinic.editing import EditForm, fingerprint
from clinic.inputs import ClockField, DayField, LineField, bare_helper
from scheduling.hours import FIRST_DAY, LAST_DAY, Week, clean_stretches
from scheduling.models.hours import Weekday

STRETCHES = 2  # a day; the gap between them is the break
HALVES = {"css_class": "col-sm-6"}


class WeekForm(EditForm):
    """Stretches from and until for each weekday, as fields 0_0_starts, 0_0_ends, 0_1_starts …"""

    def __init__(self, data=None, *, week: Week):
        self.stretches = max(STRETCHES, *map(len, week.values()))
        super().__init__(data, stored=self._flat(week))
        self.initial["seen"] = fingerprint(week)
        for day in Weekday:
            for number in range(self.stretches):
                for edge, word in (("starts", _("from")), ("ends", _("until"))):
                    label = f"{day.label} {number + 1}, {word}"
                    field = ClockField(label=label, required=False)
                    field.widget.attrs |= {"aria-label": label, "class": "form-control"}
                    self.fields[f"{day.value}_{number}_{edge}"] = field

    def _flat(self, week: Week) -> dict:
        return {
            f"{day}_{number}_{edge}": at
            for day, stretches in week.items()
            for number, stretch in enumerate([*stretches, *[(None, None)] * (self.stretches - len(stretches))])
            for edge, at in zip(("starts", "ends"), stretch, strict=True)
        }

    def clean(self):
        for day in Weekday.values:
            try:
                clean_stretches(self._typed(day))
            except ValidationError as mistake:
                self.add_error(f"{day}_0_starts", mistake)

    def _typed(self, day: int) -> list[tuple[time | None, time | None]]:
        return [
            (self.cleaned_data.get(f"{day}_{number}_starts"), self.cleaned_data.get(f"{day}_{number}_ends"))
            for number in range(self.stretches)
        ]

    @property
    def week(self) -> Week:
        return {day: clean_stretches(self._typed(day)) for day in Weekday.values}

    def add_mistakes(self, mistakes: ValidationError) -> None:
        """Sentences by weekday, as `set_week` raises them."""
        for day, sentences in mistakes.message_dict.items():
            self.add_error(f"{day}_0_starts", sentences)

    def on_top_of(self, week: Week) -> list:
        found = super().on_top_of(self._flat(week))
        self.data["seen"] = fingerprint(week)
        return found

    @property
    def days(self) -> list[dict]:
        """For the page: each weekday with its stretches and its mistakes."""
        return [self._day(day) for day in Weekday]

    def _day(self, day: Weekday) -> dict:
        fields = [
            [self[f"{day.value}_{number}_{edge}"] for edge in ("starts", "ends")] for number in range(self.stretches)
        ]
        for field in (field for pair in fields for field in pair):
            if field.errors:
                field.field.widget.attrs["class"] = "form-control is-invalid"
        mistakes = list(dict.fromkeys(error for pair in fields for field in pair for error in field.errors))
        return {"label": day.label, "stretches": fields, "mistakes": mistakes}


class TimeOffForm(forms.Form):
    """Whole days, or from and until a time of day."""

    first_day = DayField(label=gettext_lazy("First day"))
    starts = ClockField(label=gettext_lazy("From"), required=False)
    last_day = DayField(
        label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("Empty: the same as the first.")
    )
    ends = ClockField(label=gettext_lazy("Until"), required=False)
    note = LineField(label=gettext_lazy("Note"), required=False, help_text=gettext_lazy("Only those who plan read it."))

    def __init__(self, *args, zone: ZoneInfo, **kwargs):
        super().__init__(*args, **kwargs)
        self.zone = zone
        for name in ("first_day", "last_day"):
            self.fields[name].widget.attrs |= {"min": FIRST_DAY.isoformat(), "max": LAST_DAY.isoformat()}

    @property
    def helper(self) -> FormHelper:
        helper = bare_helper()
        helper.layout = Layout(
            Row(Column("first_day", **HALVES), Column("starts", **HALVES)),
            Row(Column("last_day", **HALVES), Column("ends", **HALVES)),
            "note",
        )
        return helper

    def clean(self):
        for field in ("first_day", "last_day"):
            day = self.cleaned_data.get(field)
            if day and not FIRST_DAY <= day <= LAST_DAY:
                self.add_error(field, _("Give days between 2000 and 2100."))
        first_day = self.cleaned_data.get("first_day")
        self._refuse_skipped("starts", first_day)
        self._refuse_skipped("ends", self.cleaned_data.get("last_day") or first_day)

    def _refuse_skipped(self, field: str, day: date | None) -> None:
        at = self.cleaned_data.get(field)
        if self.errors or at is None or times.exists(datetime.combine(day, at), self.zone):
            return
        self.add_error(
            field,
            _("The clocks go forward on that day and skip %(time)s. Choose a time before or after the change.")
            % {"time": f"{at:%H:%M}"},
        )

    @property
    def span(self) -> dict:
        """The arguments of `create_time_off`. An hour that autumn shows twice is away both times."""
        first_day, starts, ends = (self.cleaned_data[name] for name in ("first_day", "starts", "ends"))
        last_day = self.cleaned_data["last_day"] or first_day
        return {
            "starts_at": times.earlier_reading(datetime.combine(first_day, starts), self.zone)
            if starts
            else times.day_bounds(first_day, self.zone)[0],
            "ends_at": times.later_reading(datetime.combine(last_day, ends), self.zone)
            if ends
            else times.day_bounds(last_day, self.zone)[1],
            "note": self.cleaned_data["note"],
        }


class ClosureForm(forms.Form):
    first_day = DayField(label=gettext_lazy("First day"))
    last_day = DayField(
        label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("Empty: the same as the first.")
    )
    reason = LineField(label=gettext_lazy("Reason"), help_text=gettext_lazy("Staff read it on the board."))

    @property
    def helper(self) -> FormHelper:
        helper = bare_helper()
        helper.layout = Layout(Row(Column("first_day", **HALVES), Column("last_day", **HALVES)), "reason")
        return helper

    @property
    def details(self) -> dict:
        return self.cleaned_data | {"last_day": self.cleaned_data["last_day"] or self.cleaned_data["first_day"]}
