"""What is asked to book or to move, and how a time is named in a form."""

import uuid
from datetime import date, datetime, timedelta

from django import forms
from django.urls import reverse_lazy
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from clinic.inputs import DayField, LineField, ParagraphsField
from clinic.models import Device, Practitioner, Room
from clinic.times import local_date
from scheduling.slots import LONGEST_LEAD_DAYS, Slot, practitioners_of
from treatments.courses import SessionsOutsideRange
from treatments.models import CatalogueVersion, Protocol, Zone

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
SLOT_ERROR = _("Choose one of the free times.")


def slot_value(slot: Slot) -> str:
    """How a form names a slot: its start in UTC and its practitioner."""
    return f"{slot.starts_at.isoformat()} {slot.practitioner.public_id}"


class SlotField(forms.CharField):
    """A slot as `slot_value` names it; cleans to (start in UTC, practitioner of the location)."""

    def __init__(self, *, location, **options):
        super().__init__(max_length=80, **options)
        self.location = location

    def clean(self, value):
        if not value and not self.required:
            return None
        try:
            start, _space, practitioner = super().clean(value).partition(" ")
            starts_at = parse_datetime(start)
            found = practitioners_of(self.location).filter(public_id=uuid.UUID(practitioner)).first()
        except (ValueError, forms.ValidationError):
            raise forms.ValidationError(SLOT_ERROR) from None
        if not found or not starts_at or not starts_at.tzinfo or not FIRST_DAY <= starts_at.date() <= LAST_DAY:
            raise forms.ValidationError(SLOT_ERROR)
        return starts_at, found


class PlanningDayField(DayField):
    """A day on which somebody may plan something."""

    def validate(self, value):
        super().validate(value)
        if value and not FIRST_DAY <= value <= LAST_DAY:
            raise forms.ValidationError(_("Give a day between 2000 and 2100."))


class RevisionField(forms.IntegerField):
    """A revision that somebody saw. Without a readable one nobody knows what was seen: -1 is never the stored one."""

    widget = forms.HiddenInput

    def clean(self, value):
        try:
            return super().clean(value)
        except forms.ValidationError:
            return -1


class RevisionForm(forms.Form):
    """Which state of an appointment the person who changes it saw."""

    revision = RevisionField(min_value=0, max_value=2**31 - 1)


class SearchForm(forms.Form):
    """With whom and from which day on free times are looked for."""

    practitioner = forms.ModelChoiceField(
        label=_("Practitioner"),
        queryset=Practitioner.objects.none(),
        required=False,
        empty_label=_("Anybody free"),
        to_field_name="public_id",
    )
    from_day = PlanningDayField(label=_("From"), required=False)

    def __init__(self, *args, location, now, **kwargs):
        super().__init__(*args, **kwargs)
        self.today = local_date(now, location.zone)
        self.fields["practitioner"].queryset = practitioners_of(location)
        self.fields["from_day"].widget.attrs["min"] = self.today.isoformat()

    def clean_from_day(self):
        """From today on, whatever was asked for; no later than can be booked."""
        day = self.cleaned_data["from_day"] or self.today
        return min(max(day, self.today), self.today + timedelta(days=LONGEST_LEAD_DAYS))


class SessionsField(forms.TypedChoiceField):
    """How many sessions are planned; nothing to choose from before `offer` was told for which protocol."""

    def __init__(self, **options):
        super().__init__(label=_("How many sessions?"), coerce=int, required=False, **options)

    def offer(self, protocol: Protocol, planned: str = "") -> None:
        """A single visit, or as many as the protocol takes. Proposed is what is `planned`, else its usual number."""
        numbers = range(max(protocol.sessions_min, 2), protocol.sessions_max + 1)
        self.choices = [(1, gettext("A single visit"))] + [
            (number, ngettext("%(n)d session", "%(n)d sessions", number) % {"n": number}) for number in numbers
        ]
        self.initial = int(planned) if planned in map(str, (1, *numbers)) else protocol.sessions_typical
        self.help_text = protocol.rhythm
        self.error_messages["invalid_choice"] = SessionsOutsideRange(protocol).message


def chosen_protocol(form: forms.Form) -> Protocol | None:
    """The protocol that a form asks for or starts with, as long as it is one."""
    try:
        return form.fields["protocol"].clean(form["protocol"].value())
    except forms.ValidationError:
        return None


class ProtocolField(forms.ModelChoiceField):
    """A choice of protocol that brings its numbers of sessions along."""

    def __init__(self, **options):
        fetch = {"hx-get": reverse_lazy("scheduling:booking-sessions"), "hx-trigger": "change"}
        place = {"hx-target": "#booking-sessions", "hx-swap": "innerHTML"}
        widget = forms.Select(attrs=fetch | place)
        super().__init__(queryset=Protocol.objects.none(), to_field_name="code", widget=widget, **options)


class BookingForm(SearchForm):
    """What is booked. `slot` is asked for only once the free times are on the screen."""

    protocol = ProtocolField(
        label=_("What would the patient like to improve?"),
        empty_label=_("Choose a treatment"),
        error_messages={"required": _("Choose what is to be treated.")},
    )
    sessions = SessionsField(empty_value=1)
    zones = forms.ModelMultipleChoiceField(
        label=_("Where on the skin?"),
        queryset=Zone.objects.none(),
        required=False,
        to_field_name="code",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        help_text=_("Leave this open if it is not known yet."),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, planned="", **kwargs):
        super().__init__(*args, **kwargs)
        version = CatalogueVersion.objects.current()
        self.fields["protocol"].queryset = Protocol.objects.filter(version=version)
        self.fields["zones"].queryset = Zone.objects.filter(version=version, is_bookable=True)
        if protocol := chosen_protocol(self):
            self.fields["sessions"].offer(protocol, planned)

    def add_slot(self, location) -> None:
        self.fields["slot"] = SlotField(location=location)


class ReasonField(LineField):
    """Why the clinical lead leaves a window. She alone is asked; without a word there is no exception."""

    def __init__(self):
        super().__init__(
            label=_("Why another day?"),
            longest=200,
            help_text=_("It is kept with the visit."),
            error_messages={"required": _("Write down why this session leaves its window.")},
        )


class MoveForm(RevisionForm):
    """With `is_exception`, outside the window, for a reason."""

    def __init__(self, *args, location, is_exception=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["slot"] = SlotField(location=location)
        if is_exception:
            self.fields["reason"] = ReasonField()


class SessionForm(forms.Form):
    """A time for a session of a course. `key` makes sending it twice harmless."""

    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, location, is_exception=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["slot"] = SlotField(location=location)
        if is_exception:
            self.fields["reason"] = ReasonField()


class PlanForm(forms.Form):
    text = ParagraphsField(label=_("What is planned, and what was weighed up"), longest=4000)


class RefresherForm(forms.Form):
    per_year = forms.TypedChoiceField(
        label=_("How often?"),
        coerce=int,
        choices=[(1, _("Once a year")), (2, _("Twice a year"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose once or twice a year.")},
    )


class PlacesForm(RevisionForm):
    """Another room or device; with the ones that were on the screen when somebody chose."""

    room = forms.ModelChoiceField(
        label=_("Room"), queryset=Room.objects.none(), to_field_name="public_id", empty_label=None
    )
    device = forms.ModelChoiceField(
        label=_("Device"), queryset=Device.objects.none(), to_field_name="public_id", empty_label=None
    )
    seen_room = forms.ModelChoiceField(
        queryset=Room.objects.none(), to_field_name="public_id", widget=forms.HiddenInput
    )
    seen_device = forms.ModelChoiceField(
        queryset=Device.objects.none(), to_field_name="public_id", widget=forms.HiddenInput
    )

    def __init__(self, *args, location, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["room"].queryset = location.rooms.filter(is_active=True)
        self.fields["device"].queryset = location.devices.filter(is_active=True)
        self.fields["seen_room"].queryset = location.rooms.all()
        self.fields["seen_device"].queryset = location.devices.all()


def day_of(text: str | None) -> date | None:
    """The day that an address names, or None where it names none within reason."""
    try:
        day = datetime.strptime(text or "", "%Y-%m-%d").date()
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None
