"""Who stands before a link: its token opens the page of a visit, the date of birth everything about health."""

import re
from datetime import date, datetime

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.inputs import LineField
from clinic.links import hash_of
from scheduling.models import Appointment, PatientLink

State = Appointment.State


class LinkClosed(Exception):
    """A link that opens nothing. `link` is None where there is no such link at all, or the token is not its own."""

    def __init__(self, link: PatientLink | None = None):
        super().__init__()
        self.link = link

    @property
    def is_locked(self) -> bool:
        return self.link is not None and self.link.locked_at is not None

    @property
    def is_cancelled(self) -> bool:
        return self.link is not None and self.link.appointment.is_cancelled

    @property
    def status(self) -> int:
        """Unknown, forbidden until the clinic has been called, or gone."""
        return 404 if self.link is None else 403 if self.is_locked else 410


def find_link(*, now: datetime, token: str, public_id=None) -> PatientLink:
    """The link of a token, as long as it is open; with `public_id` only that one. Raises LinkClosed."""
    found = PatientLink.objects.with_everything().filter(token_hash=hash_of(token))
    link = (found.filter(public_id=public_id) if public_id else found).first()
    if link is None or not is_open(link, now):
        raise LinkClosed(link)
    return link


def is_open(link: PatientLink, now: datetime) -> bool:
    """Whether a link still opens its pages: not locked, and the visit still to come. On arrival the clinic asks."""
    ends_at = min(link.expires_at, link.appointment.starts_at)
    return link.locked_at is None and now < ends_at and link.appointment.state in State.AHEAD


def try_birth_date(*, link: PatientLink, day: date, now: datetime) -> bool:
    """Whether `day` is the patient's date of birth. The fifth wrong one locks the link; raises LinkClosed from then on.

    A try is counted before it is looked at, so that many at once are no more than five.
    """
    with transaction.atomic():
        one = PatientLink.objects.filter(pk=link.pk)
        counted = one.filter(locked_at=None, wrong_tries__lt=PatientLink.MOST_TRIES)
        if not counted.update(wrong_tries=F("wrong_tries") + 1):
            link.refresh_from_db(fields=["wrong_tries", "locked_at"])
            raise LinkClosed(link)
        if day == link.appointment.patient.date_of_birth:
            one.update(wrong_tries=0)
            return True
        one.filter(wrong_tries=PatientLink.MOST_TRIES).update(locked_at=now)
        link.refresh_from_db(fields=["wrong_tries", "locked_at"])
    if link.locked_at:
        raise LinkClosed(link)
    return False


class BirthDateForm(forms.Form):
    """Day, month and year as three numbers; what is no date costs no try."""

    day = LineField(label=gettext_lazy("Day"), required=False)
    month = LineField(label=gettext_lazy("Month"), required=False)
    year = LineField(label=gettext_lazy("Year"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            attrs = {"class": "number-field", "inputmode": "numeric", "autocomplete": f"bday-{name}"}
            field.widget.attrs |= attrs

    def clean(self):
        parts = [self.cleaned_data.get(name, "") for name in ("year", "month", "day")]
        if not re.fullmatch(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", "-".join(parts)):
            raise ValidationError(_("Please give the day, the month and the year in numbers, such as 27 3 1961."))
        try:
            self.cleaned_data["birth_date"] = date(*map(int, parts))
        except ValueError:
            raise ValidationError(_("There is no such day. Please check the day, the month and the year.")) from None
