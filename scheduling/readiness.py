"""A visit's screening as reception reads it: the light, the first day, what to say, what is still missing.

Nothing in here looks at an answer or a rule, and no word of it names one or a medicine.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Prefetch
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.times import local_date
from patients.health import health_on_file
from scheduling.lights import Light, change_of, light_of
from scheduling.models import Appointment
from scheduling.offers import Later, offer_later_times
from scheduling.slots import Slot
from treatments.catalogue import Stage
from treatments.left_out import names_left_out
from treatments.models import Consent, Screening, ScreeningDecision, ScreeningFinding

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
    caption: str
    headline: str
    words: str
    script: str
    steps: list[Step]
    slots: list[Slot]
    slots_words: str


def read_readiness(*, appointment: Appointment, now: datetime) -> Readiness:
    """What reception may know of a visit, in a constant number of queries."""
    zone = appointment.location.zone
    screenings = list(
        appointment.session.screenings.newest_first()
        .select_related("decision__decided_by")
        .prefetch_related(Prefetch("findings", ScreeningFinding.objects.defer("reason")))
        .defer("answers")
    )
    newest = screenings[0] if screenings else None
    light, change = light_of(newest), change_of(screenings)
    on_file = health_on_file(appointment.patient, zone)
    waits = light in (Light.STOP, Light.HOLD)
    later = offer_later_times(appointment=appointment, screening=newest, now=now) if waits else Later()
    day = later.first_day and date_format(later.first_day, "l j F")
    check = _check_step(appointment, screenings, now)
    standing = Standing(
        light=light,
        day=day,
        is_offered=later.passes or hasattr(newest, "decision"),
        is_asked=bool(on_file.count),
        is_checked=check.is_done,
        is_unheard=later.is_unheard,
        passes=later.passes,
        waits_for_plan=appointment.session.waits_for_plan,
        left_out=names_left_out(appointment.session, newest),
    )
    return Readiness(
        appointment=appointment,
        screening=newest,
        light=light,
        change=change.words(for_treating=False) if change else "",
        caption=_caption(standing),
        headline=_headline(standing),
        words=_words(appointment, newest, standing),
        script=what_to_say(standing),
        steps=_steps(appointment, standing, later.first_day, on_file.last_given, check),
        slots=_first_of_days(later, zone) if standing.offered else [],
        slots_words=_slots_words(standing),
    )


@dataclass(frozen=True)
class Standing:
    """How it stands with a visit, as far as reception may know. `left_out` names the skin that it goes on without.

    Before `day` nothing is possible; it `is_offered` unless something else waits for a clinician.
    """

    light: Light
    day: str | None
    is_offered: bool = True
    is_asked: bool = True
    is_checked: bool | None = None
    is_unheard: bool = False
    passes: bool = False
    waits_for_plan: bool = False
    left_out: str = ""

    @property
    def offered(self) -> str | None:
        """The first day that may be promised."""
        return self.day if self.is_offered else None


def _first_of_days(later: Later, zone: ZoneInfo) -> list[Slot]:
    days: dict = {}
    for slot in later.slots:
        days.setdefault(local_date(slot.starts_at, zone), slot)
    return list(days.values())[:TIMES_SHOWN]


def _slots_words(standing: Standing) -> str:
    if standing.offered:
        return _("No free time was found near that day. Look at all times.")
    if standing.light == Light.STOP:
        return _("A clinician decides first. A time is offered when a first day is known.")
    return _("The visit need not move. Where the patient asks for another time, moving is free.")


def _caption(standing: Standing) -> str:
    if standing.light == Light.CLEAR and standing.waits_for_plan:
        return _("Green, but a plan is missing")
    return {
        Light.UNKNOWN: _("Not screened yet"),
        Light.CLEAR: _("Green: nothing in the way"),
        Light.HOLD: _("Amber: waits for a decision"),
        Light.STOP: _("Red: not possible on this date"),
    }[standing.light]


def _headline(standing: Standing) -> str:
    if standing.day:
        return _("Not before %(day)s") % {"day": standing.day}
    if standing.light == Light.CLEAR and standing.waits_for_plan:
        return _("The clinical lead plans it first")
    return {
        Light.UNKNOWN: _("The health questions come first"),
        Light.CLEAR: _("The visit can go ahead"),
        Light.HOLD: _("Not decided yet"),
        Light.STOP: _("Not possible as booked"),
    }[standing.light]


def _words(appointment: Appointment, newest: Screening | None, standing: Standing) -> str:
    if standing.light == Light.STOP:
        start = date_format(local_date(appointment.starts_at, appointment.location.zone), "j F")
        words = _("The visit on %(start)s cannot be started.") % {"start": start}
        if standing.offered:
            words += " " + _("Please move it.")
        elif standing.day:
            words += " " + _("A clinician decides what comes next.")
        else:
            words += " " + _("There is no first date yet: a clinician decides.")
        if hasattr(newest, "decision") and newest.decision.kind == ScreeningDecision.Kind.POSTPONE:
            return _("Decided by %(name)s. %(words)s") % {"name": newest.decision.decided_by.name, "words": words}
        return words
    if standing.light == Light.CLEAR and standing.waits_for_plan:
        return _("It keeps its time, and cannot be started before the clinical lead has signed a plan.")
    if standing.light == Light.CLEAR and standing.left_out:
        return _("It goes on without this skin: %(zones)s.") % {"zones": standing.left_out}
    return {
        Light.UNKNOWN: _("Ask the questions, and the light follows."),
        Light.CLEAR: _("Nothing has to be done now."),
        Light.HOLD: _("It keeps its time, and can be neither confirmed nor started before a clinician has decided."),
    }[standing.light]


def what_to_say(standing: Standing) -> str:
    """Sentences that can be said on the phone as they stand."""
    if standing.offered:
        why = (
            _("We still need to hear from your doctor. Please keep taking all your medicines as before.")
            if standing.is_unheard
            else _("Your skin needs a little more time.")
        )
        first = _("The first day we can offer is %(day)s. Moving is free.") % {"day": standing.offered}
        return f"{why} {first}"
    if standing.light == Light.CLEAR:
        return " ".join(filter(None, _all_well(standing)))
    if standing.light == Light.UNKNOWN or (standing.light == Light.HOLD and not standing.is_asked):
        return _("May I ask you a few questions about your health? It takes five minutes.")
    if standing.light == Light.HOLD:
        return _("One of our clinicians looks at your answers first. You keep your time until we call you.")
    if standing.passes:
        return _("Please do not come on that day. Let us find a new time together. Moving is free.")
    return _("Please do not come on that day. Our clinical lead looks at it, and we call you about what comes next.")


def _all_well(standing: Standing) -> Iterator[str]:
    if standing.waits_for_plan:
        yield _("Our clinical lead plans this treatment before it begins. You keep your time.")
    if standing.left_out:
        yield _("This skin we leave out for now: %(zones)s.") % {"zones": standing.left_out}
    if standing.is_checked:
        yield _("Everything else is in order.") if standing.left_out else _("Everything is in order.")
        yield _("We look forward to seeing you.")
    else:
        yield _("Nothing stands in the way so far.")
        yield (
            _("We ask you again two days before your visit.")
            if standing.is_checked is None
            else _("Please answer the short questions before your visit.")
        )


def _on(moment: datetime, appointment: Appointment) -> str:
    return date_format(moment.astimezone(appointment.location.zone), "j M")


def _check_step(appointment: Appointment, screenings: list[Screening], now: datetime) -> Step:
    start = (Stage.PREVISIT, appointment.starts_at)
    checked = next((each for each in screenings if (each.stage, each.for_start) == start), None)
    if checked:
        return Step(_("48-hour check"), _("answered %(day)s") % {"day": _on(checked.created_at, appointment)}, True)
    check_from = appointment.starts_at - CHECK_BEFORE
    if now < check_from:
        return Step(_("48-hour check"), _("asked from %(day)s on") % {"day": _on(check_from, appointment)}, None)
    return Step(_("48-hour check"), _("not answered yet"), False)


def _steps(appointment: Appointment, standing: Standing, first_day: date | None, last_given, check: Step) -> list[Step]:
    consent = Consent.objects.filter(session=appointment.session_id).only("signed_at").first()
    given = last_given and _("received %(day)s") % {"day": date_format(last_given, "j M")}
    signed = consent and _("signed %(day)s") % {"day": _on(consent.signed_at, appointment)}
    lamp = {Light.UNKNOWN: _("not asked yet"), Light.CLEAR: _("green"), Light.HOLD: _("amber"), Light.STOP: _("red")}
    screening = lamp[standing.light]
    if first_day:
        day = date_format(first_day, "j M Y")
        screening = _("%(light)s, not before %(day)s") % {"light": screening, "day": day}
    return [
        Step(_("Health form"), given or _("not received yet"), bool(given)),
        Step(_("Screening"), screening, standing.light == Light.CLEAR),
        *_plan_step(appointment),
        check,
        Step(_("Consent"), signed or _("signed in the clinic"), True if signed else None),
    ]


def _plan_step(appointment: Appointment) -> Iterator[Step]:
    session = appointment.session
    if session.waits_for_plan:
        yield Step(_("Plan of the clinical lead"), _("not signed yet"), False)
    elif session.number == 1 and session.course.protocol.needs_clinician_plan:
        signed = _("signed %(day)s") % {"day": _on(session.course.plan.signed_at, appointment)}
        yield Step(_("Plan of the clinical lead"), signed, True)
