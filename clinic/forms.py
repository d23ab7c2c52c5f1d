"""Forms of the settings pages: the location, its rooms and devices, and the people who work there."""

import zoneinfo

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Column, Div, Layout, Row
from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.access import Role
from clinic.editing import EditForm
from clinic.inputs import DepthField, LineField, bare_helper
from clinic.models import Location, Tone

HALVES = {"css_class": "col-sm-6"}


class SettingsForm(EditForm):
    """How the fields stand, and with which words they go to the writer."""

    width = "form-narrow"

    @property
    def shape(self) -> tuple:
        return tuple(name for name in self.fields if name != "seen")

    @property
    def helper(self) -> FormHelper:
        helper = bare_helper()
        helper.layout = Layout("seen", *self.shape)
        return helper

    @property
    def for_writer(self) -> dict:
        return self.details


class LocationForm(SettingsForm):
    width = "form-wide"
    name = LineField(label=_("Name"), longest=80, help_text=_("Patients read it in every mail."))
    address = LineField(label=_("Address"), longest=200, required=False)
    phone = LineField(label=_("Phone"), help_text=_("Every mail to a patient carries it."))
    emergency_phone = LineField(
        label=_("Emergency number"),
        required=False,
        help_text=_("What patients call when a life is in danger, such as 999 or 112."),
    )
    zone_name = forms.ChoiceField(
        label=_("Time zone"),
        choices=lambda: [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())],
        help_text=_("Working hours follow it. Visits that are booked keep their moment."),
    )

    @property
    def shape(self) -> tuple:
        halves = Row(Column("name", **HALVES), Column("phone", **HALVES))
        return halves, "address", Row(Column("emergency_phone", **HALVES), Column("zone_name", **HALVES))


class RoomForm(SettingsForm):
    name = LineField(label=_("Name"), longest=60)
    is_active = forms.BooleanField(
        label=_("In use"),
        required=False,
        help_text=_("Without the tick nothing new is booked into it. Visits that are booked stay."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.stored:
            del self.fields["is_active"]  # what is new is in use


class DeviceForm(RoomForm):
    max_depth_mm = DepthField(label=_("Deepest setting in mm"), help_text=_("As its maker gives it, 3 mm at most."))
    field_order = ("name", "max_depth_mm", "is_active")


class PasswordForm(forms.Form):
    width = "form-narrow"
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters, nothing that is easily guessed. Hand it over in person."),
        error_messages={"required": _("Give a password.")},
    )

    @property
    def helper(self) -> FormHelper:
        return bare_helper()


class StaffForm(SettingsForm):
    width = "form-wide"
    name = LineField(label=_("Name"), longest=80, help_text=_("Patients read it in mails about their visits."))
    username = LineField(
        label=_("User name"),
        longest=60,
        help_text=_("Typed to sign in; capitals make no difference."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    email = LineField(label=_("E-mail"), required=False, widget=forms.TextInput(attrs={"type": "email"}))
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=Role.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one role.")},
    )
    locations = forms.MultipleChoiceField(
        label=_("Works at"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one location.")},
    )
    title = LineField(
        label=_("Title"), longest=60, required=False, initial=_("Practitioner"), help_text=_("Such as Aesthetician.")
    )
    tone = forms.ChoiceField(label=_("Colour on the board"), choices=Tone.choices, initial=Tone.LEAF)
    max_depth_mm = DepthField(
        label=_("Deepest needling in mm"),
        initial="0.5",
        help_text=_("Places differ in how deep an aesthetician may go."),
    )
    password = PasswordForm.base_fields["password"]

    @property
    def shape(self) -> tuple:
        return (
            Row(Column("name", **HALVES), Column("username", **HALVES)),
            "email",
            Row(Column("roles", **HALVES), Column("locations", **HALVES)),
            *(["password"] if "password" in self.fields else []),
            Div(
                HTML("<h2>{% load i18n %}{% translate 'For those who treat' %}</h2>"),
                Row(Column("title", **HALVES), Column("tone", **HALVES)),
                "max_depth_mm",
                css_class="form-section mt-2 pt-4 border-top",
            ),
        )

    def __init__(self, *args, locations: list[Location], others: list[Location] = (), **kwargs):
        """`locations` can be chosen; `others` are out of the owner's sight, and the person goes on working there."""
        super().__init__(*args, **kwargs)
        self.by_id = {str(place.public_id): place for place in (*locations, *others)}
        self.kept = [str(place.public_id) for place in others]
        self.fields["locations"].choices = [(str(place.public_id), place.name) for place in locations]
        if self.stored:
            del self.fields["password"]  # has a page of its own

    @property
    def details(self) -> dict:
        details = super().details
        return details | {
            "roles": [role for role in Role if role in details["roles"]],
            "locations": sorted({*details["locations"], *self.kept}),
        }

    @property
    def for_writer(self) -> dict:
        """The details with the locations themselves."""
        details = self.details
        return details | {"locations": [self.by_id[public_id] for public_id in details["locations"]]}
