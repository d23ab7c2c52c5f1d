"""What is asked to change the treatment of a visit."""

from django import forms
from django.utils.translation import gettext_lazy as _

from scheduling.forms import RevisionForm
from scheduling.models import Appointment
from treatments.models import CatalogueVersion, Protocol, Zone


class TreatmentForm(RevisionForm):
    """Protocols and zones are named by their codes, which stay the same over the versions of the catalogue."""

    protocol = forms.ModelChoiceField(
        label=_("Treatment"), queryset=Protocol.objects.none(), to_field_name="code", empty_label=None
    )
    zones = forms.ModelMultipleChoiceField(
        label=_("Skin"),
        queryset=Zone.objects.none(),
        required=False,
        to_field_name="code",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        help_text=_("For every session of the course. Leave this open if it is not known yet."),
    )

    def __init__(self, *args, appointment: Appointment, **kwargs):
        self.planned = appointment.session.course.protocol
        chosen = [zone.code for zone in appointment.session.course.zones.all()]
        initial = {"revision": appointment.revision, "protocol": self.planned.code, "zones": chosen}
        super().__init__(*args, initial=initial, **kwargs)
        version = CatalogueVersion.objects.current()
        self.fields["protocol"].queryset = Protocol.objects.filter(version=version)
        self.fields["zones"].queryset = Zone.objects.filter(version=version, is_bookable=True)

    @property
    def treatment(self) -> dict:
        """The protocol and its zones. As long as it is the same protocol, it stays in the version that was planned."""
        chosen = self.cleaned_data["protocol"]
        protocol = self.planned if chosen.code == self.planned.code else chosen
        codes = [zone.code for zone in self.cleaned_data["zones"]]
        return {"protocol": protocol, "zones": list(Zone.objects.filter(version=protocol.version_id, code__in=codes))}
