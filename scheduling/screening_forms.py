"""What is asked about a screening: a decision, what a prescriber has said, and what nobody has answered yet."""

import json

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.inputs import LineField, ParagraphsField
from scheduling.forms import PlanningDayField
from scheduling.models import Appointment
from treatments.catalogue import Stage
from treatments.forms import OpenAnswersForm
from treatments.models import PrescriberAdvice, Screening, ScreeningDecision
from treatments.prescribers import LONGEST_LINE
from treatments.publishing import current_catalogue


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


def open_questions(appointment: Appointment, newest: Screening | None, data=None, *, now=None) -> OpenAnswersForm:
    """What is still to be asked of a patient at the stage that a visit has reached, by its `newest` screening.

    No answer is in it. What is asked on arrival has a page of its own.
    """
    course = appointment.session.course
    is_checked = newest and (newest.stage, newest.for_start) == (Stage.PREVISIT, appointment.starts_at)
    return OpenAnswersForm(
        data,
        catalogue=current_catalogue(),
        stage=Stage.PREVISIT if is_checked else Stage.BOOKING,
        said=json.loads(newest.answers) if is_checked else {},
        patient=course.patient,
        zone=appointment.location.zone,
        protocol=course.protocol.code,
        zones=[zone.code for zone in course.zones.all()],
        start=appointment.starts_at,
        now=now,
    )


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
