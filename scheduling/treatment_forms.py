"""What is asked to change the treatment of a visit."""

import json

from django import forms
from django.utils.translation import gettext_lazy as _

from scheduling.forms import ProtocolField, RevisionForm, SessionsField, SlotField, chosen_protocol
from scheduling.models import Appointment
from treatments.models import CatalogueVersion, Protocol, Zone


class TreatmentForm(RevisionForm):
    """Protocols and zones are named by their codes, which stay the same over the versions of the catalogue."""

    protocol = ProtocolField(label=_("Treatment"), empty_label=None)
    sessions = SessionsField(empty_value=None)
    zones = forms.ModelMultipleChoiceField(
        label=_("Skin"),
        queryset=Zone.objects.none(),
        required=False,
        to_field_name="code",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        help_text=_("For every session of the course. Leave this open if it is not known yet."),
    )

    def __init__(self, *args, appointment: Appointment, **kwargs):
        course = appointment.session.course
        self.planned = course.protocol
        chosen = [zone.code for zone in course.zones.all()]
        initial = {"revision": appointment.revision, "protocol": self.planned.code, "zones": chosen}
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["slot"] = SlotField(location=appointment.location, required=False)
        version = CatalogueVersion.objects.current()
        self.fields["protocol"].queryset = Protocol.objects.filter(version=version)
        self.fields["protocol"].widget.attrs["hx-vals"] = json.dumps({"planned": course.planned_sessions})
        self.fields["zones"].queryset = Zone.objects.filter(version=version, is_bookable=True)
        if protocol := chosen_protocol(self):
            self.fields["sessions"].offer(self._as_planned(protocol), str(course.planned_sessions))

    def _as_planned(self, protocol: Protocol) -> Protocol:
        """As long as it is the same protocol, it stays in the version that was planned."""
        return self.planned if protocol.code == self.planned.code else protocol

    @property
    def treatment(self) -> dict:
        """The protocol with its zones, how many sessions of it, and another time where one was chosen."""
        protocol = self._as_planned(self.cleaned_data["protocol"])
        codes = [zone.code for zone in self.cleaned_data["zones"]]
        zones = Zone.objects.filter(version=protocol.version_id, code__in=codes)
        starts_at, practitioner = self.cleaned_data["slot"] or (None, None)
        return {
            "protocol": protocol,
            "zones": list(zones),
            "planned_sessions": self.cleaned_data["sessions"],
            "starts_at": starts_at,
            "practitioner": practitioner,
        }
