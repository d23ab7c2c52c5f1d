"""A visit's screening as reception reads it: the light, the first day, what to say, what is still missing.

Nothing in here looks at an answer, a medicine or a rule.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.times import local_date
from patients.health import health_on_file
from scheduling.lights import Light, change_of, light_of
from scheduling.models import Appointment
from scheduling.offers import offer_later_times
from scheduling.screening_page import whole_day
from scheduling.slots import Slot
from treatments.catalogue import Stage
from treatments.models import Consent, Screening, ScreeningDecision

CHECK_BEFORE = timedelta(hours=48)
TIMES_SHOWN = 4


@dataclass(frozen=True)
class Step:
    """One thing that a visit needs. `is_done` is None while its time has not come."""

    title: str
    words: str
    is_done: bool | None


@dataclass(frozen=True)
class Readiness:
    appointment: Appointment
    screening: Screening | None
    light: Light
    change: str
    not_before: datetime | None
    caption: str
    headline: str
    words: str
    script: str
    steps: list[Step]
    slots: list[Slot]


def read_readiness(*, appointment: Appointment, now: datetime) -> Readiness:
    """What reception may know of a visit, in a constant number of queries."""
    zone = appointment.location.zone
    screenings = list(
        appointment.session.screenings.newest_first().select_related("decision__decided_by").defer("answers")
    )
    newest = screenings[0] if screenings else None
    light, change = light_of(newest), change_of(screenings)
    on_file = health_on_file(appointment.patient, zone)
    not_before, slots = _when(appointment, newest, now) if light in (Light.STOP, Light.HOLD) else (None, [])
    day = not_before and date_format(whole_day(not_before, zone), "l j F")
    return Readiness(
        appointment=appointment,
        screening=newest,
        light=light,
        change=change.words(for_treating=False) if change else "",
        not_before=not_before,
        caption=_caption(light),
        headline=_headline(light, day),
        words=_words(appointment, newest, light, day),
        script=_script(light, day, is_asked=bool(on_file.count)),
        steps=_steps(appointment, screenings, light, not_before, on_file.last_given, now),
        slots=slots,
    )


def _when(appointment: Appointment, newest: Screening, now: datetime) -> tuple[datetime | None, list[Slot]]:
    """The first moment after the visit's start at which nothing dated is in the way, and the next free times then."""
    offer = offer_later_times(appointment=appointment, now=now)
    decided = newest.decision.not_before if hasattr(newest, "decision") else None
    known = None if offer.eligibility.is_open_ended else offer.eligibility.not_before
    until = max(filter(None, [decided, known]), default=None)
    if until is None or until <= appointment.starts_at:
        return None, []
    days: dict = {}
    for slot in offer.slots:
        days.setdefault(local_date(slot.starts_at, appointment.location.zone), slot)
    return until, list(days.values())[:TIMES_SHOWN]


def _caption(light: Light) -> str:
    return {
        Light.UNKNOWN: _("Not screened yet"),
        Light.CLEAR: _("Green: nothing in the way"),
        Light.HOLD: _("Amber: waits for a decision"),
        Light.STOP: _("Red: not possible on this date"),
    }[light]


def _headline(light: Light, day: str | None) -> str:
    if day:
        return _("Not before %(day)s") % {"day": day}
    return {
        Light.UNKNOWN: _("The health questions come first"),
        Light.CLEAR: _("The visit can go ahead"),
        Light.HOLD: _("Not decided yet"),
        Light.STOP: _("Not possible as booked"),
    }[light]


def _words(appointment: Appointment, newest: Screening | None, light: Light, day: str | None) -> str:
    if light == Light.STOP:
        start = date_format(local_date(appointment.starts_at, appointment.location.zone), "j F")
        words = _("The visit on %(start)s cannot be started.") % {"start": start}
        words += " " + (_("Please move it.") if day else _("There is no first date yet: a clinician decides."))
        if hasattr(newest, "decision") and newest.decision.kind == ScreeningDecision.Kind.POSTPONE:
            return _("Decided by %(name)s. %(words)s") % {"name": newest.decision.decided_by.name, "words": words}
        return words
    return {
        Light.UNKNOWN: _("Ask the questions, and the light follows."),
        Light.CLEAR: _("Nothing has to be done now."),
        Light.HOLD: _("It keeps its time, and can be neither confirmed nor started before a clinician has decided."),
    }[light]


def _script(light: Light, day: str | None, *, is_asked: bool) -> str:
    """A sentence that can be said on the phone as it stands."""
    if day:
        return _("Your skin needs a little more time. The first day we can offer is %(day)s. Moving is free.") % {
            "day": day
        }
    if light in (Light.HOLD, Light.UNKNOWN) and not is_asked:
        return _("May I ask you a few questions about your health? It takes five minutes.")
    return {
        Light.UNKNOWN: _("May I ask you a few questions about your health? It takes five minutes."),
        Light.CLEAR: _("Everything is in order. We look forward to seeing you."),
        Light.HOLD: _("One of our clinicians looks at your answers first. You keep your time until we call you."),
        Light.STOP: _("One of our clinicians would like to talk to you first. We will call you about a new date."),
    }[light]


def _steps(appointment, screenings: list[Screening], light: Light, not_before, last_given, now: datetime) -> list[Step]:
    zone = appointment.location.zone
    checked = next(
        (each for each in screenings if (each.stage, each.for_start) == (Stage.PREVISIT, appointment.starts_at)), None
    )
    consent = Consent.objects.filter(session=appointment.session_id).only("signed_at").first()
    check_from = appointment.starts_at - CHECK_BEFORE

    def on(moment: datetime) -> str:
        return date_format(moment.astimezone(zone), "j M")

    if checked:
        check = Step(_("48-hour check"), _("answered %(day)s") % {"day": on(checked.created_at)}, True)
    elif now < check_from:
        check = Step(_("48-hour check"), _("asked from %(day)s on") % {"day": on(check_from)}, None)
    else:
        check = Step(_("48-hour check"), _("not answered yet"), False)
    given = last_given and _("received %(day)s") % {"day": date_format(last_given, "j M")}
    signed = consent and _("signed %(day)s") % {"day": on(consent.signed_at)}
    lamp = {Light.UNKNOWN: _("not asked yet"), Light.CLEAR: _("green"), Light.HOLD: _("amber"), Light.STOP: _("red")}
    screening = lamp[light]
    if not_before:
        day = date_format(whole_day(not_before, zone), "j M Y")
        screening = _("%(light)s, not before %(day)s") % {"light": screening, "day": day}
    return [
        Step(_("Health form"), given or _("not received yet"), bool(given)),
        Step(_("Screening"), screening, light == Light.CLEAR),
        check,
        Step(_("Consent"), signed or _("signed in the clinic"), True if signed else None),
    ]
