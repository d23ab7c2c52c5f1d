"""The check-in of an appointment: what is asked for its very start, what was answered, and what comes next."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from clinic.inputs import LineField
from scheduling.models import Appointment
from treatments.catalogue import AnsweredBy, Stage
from treatments.forms import MAY_STAY_OPEN, AnswersForm
from treatments.models import CatalogueVersion, Consent, Screening
from treatments.publishing import catalogue_of

NEVER = datetime.min.replace(tzinfo=UTC)


class StartField(forms.CharField):
    """The start that somebody was asked about. One that cannot be read is no appointment's."""

    widget = forms.HiddenInput

    def clean(self, value):
        try:
            start = parse_datetime(value or "")
        except ValueError:
            return NEVER
        return start if start and start.tzinfo else NEVER


class StartForm(forms.Form):
    start = StartField()


class ConsentForm(StartForm):
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)
    typed_name = LineField(label=_("Your first and last name"), widget=forms.TextInput(attrs={"autocomplete": "off"}))


@dataclass
class CheckIn:
    """One check-in as it stands."""

    appointment: Appointment

    @cached_property
    def screening(self) -> Screening | None:
        """The newest one that was made on arrival for this start."""
        return (
            Screening.objects.filter(
                session=self.appointment.session_id, stage=Stage.CHECKIN, for_start=self.appointment.starts_at
            )
            .newest_first()
            .select_related("decision", "catalogue_version")
            .prefetch_related("findings")
            .first()
        )

    @cached_property
    def consent(self) -> Consent | None:
        return Consent.objects.filter(session=self.appointment.session_id).first()

    @property
    def is_open(self) -> bool:
        return self.appointment.state == Appointment.State.ARRIVED

    @cached_property
    def is_answered(self) -> bool:
        """Whether the patient has answered all that is asked of everybody."""
        if self.screening is None:
            return False
        said = json.loads(self.screening.answers)
        asked = self.questions(by=AnsweredBy.PATIENT).questions
        return all(q.id in said for q in asked if not q.ask_if and q.kind not in MAY_STAY_OPEN)

    @cached_property
    def seen(self) -> dict[str, str]:
        """What staff have looked at and ticked already."""
        said = json.loads(self.screening.answers) if self.screening else {}
        return {q.id: said[q.id] for q in self.questions(by=AnsweredBy.STAFF).questions if q.id in said}

    def questions(
        self,
        data=None,
        *,
        by: AnsweredBy | None,
        said: Mapping[str, str] = MappingProxyType({}),
        now: datetime | None = None,
    ) -> AnswersForm:
        """What is asked on arrival, or was answered `now`. Of earlier answers it holds those that are `said`, and never
        the patient's."""
        course = self.appointment.session.course
        return AnswersForm(
            data,
            initial=said,
            catalogue=catalogue_of(CatalogueVersion.objects.current()),
            stage=Stage.CHECKIN,
            patient=course.patient,
            zone=self.appointment.location.zone,
            protocol=course.protocol.code,
            zones=[zone.code for zone in course.zones.all()],
            start=self.appointment.starts_at,
            by=by,
            now=now,
        )


def skin_to_look_at(screenings: Iterable[Screening]) -> list[str]:
    """The names of the zones that were left out before the arrival, and that the look of staff may open again.

    Read the screenings newest first, with `catalogue_version` selected and `findings` prefetched.
    """
    names, stages = {}, {Stage.BOOKING, Stage.PREVISIT}
    for screening in screenings:
        if screening.stage not in stages:
            continue
        stages.remove(screening.stage)
        catalogue = catalogue_of(screening.catalogue_version)
        for finding in screening.findings.all():
            asked = catalogue.rules[finding.rule_code].questions.get(Stage.CHECKIN, ())
            if any(catalogue.questions[id].by == AnsweredBy.STAFF for id in asked):
                names |= {code: catalogue.zones[code].name for code in finding.zones_left_out}
    return list(names.values())
