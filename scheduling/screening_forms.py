"""What is asked of those who treat about a screening: their decision, and what a prescriber has said."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.inputs import LineField, ParagraphsField
from scheduling.forms import PlanningDayField
from treatments.models import PrescriberAdvice, ScreeningDecision
from treatments.prescribers import LONGEST_LINE


class DecisionForm(forms.Form):
    """`screening` is the one that was on the screen."""

    screening = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(
        label=_("Your decision"),
        choices=ScreeningDecision.Kind,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the three.")},
    )
    not_before = PlanningDayField(label=_("Not before"), required=False)
    reason = ParagraphsField(
        label=_("Reason"), required=False, help_text=_("Needed to lift, and worth a word otherwise.")
    )
    is_skin_checked = forms.BooleanField(label=_("I have looked at the skin"), required=False)


class AdviceForm(forms.Form):
    """Whether a name and a day are needed depends on what was said: `treatments.prescribers` knows."""

    medicine = LineField(label=_("Medicine"), longest=LONGEST_LINE)
    said = forms.ChoiceField(
        label=_("What was said"),
        choices=PrescriberAdvice.Said,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what was said.")},
    )
    said_by = LineField(label=_("Who said so"), longest=LONGEST_LINE, required=False)
    said_on = PlanningDayField(label=_("On which day"), required=False)
    note = ParagraphsField(label=_("Note"), longest=1000, required=False)
