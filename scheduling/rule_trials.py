"""What a draft of the rules would do, before anybody publishes it: to a sample visit, and to all visits to come.

Nothing is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, QuerySet

from clinic.models import OutgoingMail
from clinic.times import day_bounds, local_date, minus_months
from scheduling.models import Appointment, Reminder
from scheduling.rescreening import visits_to_come
from treatments.catalogue import Catalogue, Outcome, Question, QuestionKind, Rule, Stage
from treatments.catalogue.spec import ADVICE, DATES, NONE
from treatments.models import CatalogueVersion, Screening
from treatments.screening import Finding, evaluate
from treatments.screening.reading import MAY_PAUSE
from treatments.screenings import VisitToScreen, compose_again

MOMENTS = frozenset({*DATES, QuestionKind.INSTANT, QuestionKind.BIRTH_DATE})


@dataclass(frozen=True)
class Turn:
    """A visit whose light would be another one. `PASS` is a visit in whose way nothing stands."""

    appointment: Appointment
    now: Outcome
    draft: Outcome


@dataclass(frozen=True)
class BookingsTrial:
    """All visits to come under a draft: how many were looked at, and those that would turn, the soonest first."""

    checked: int
    turns: tuple[Turn, ...]

    @property
    def unchanged(self) -> int:
        return self.checked - len(self.turns)


def try_on_bookings(*, text: str, now: datetime) -> BookingsTrial:
    """What a drafted catalogue would make of every visit to come. A constant number of queries."""
    appointments = {each.session_id: each for each in visits_to_come(now).select_related("practitioner__user")}
    composed = compose_again(
        visits=[VisitToScreen(each.session, each.starts_at, each.location.zone) for each in appointments.values()],
        version=CatalogueVersion(source=text, published_at=now),
        cause=Screening.Cause.RULES,
        by=None,
        now=now,
    )
    turns = [
        Turn(
            appointments[each.screening.session_id], _light(each.before), _light(each.screening, each.stands_in_the_way)
        )
        for each in composed
    ]
    turned = sorted((turn for turn in turns if turn.now != turn.draft), key=lambda turn: turn.appointment.starts_at)
    return BookingsTrial(checked=len(appointments), turns=tuple(turned))


def _light(screening: Screening, stands_in_the_way: bool | None = None) -> Outcome:
    stands = screening.stands_in_the_way if stands_in_the_way is None else stands_in_the_way
    return Outcome(screening.outcome) if stands else Outcome.PASS


def told_of_the_sun(now: datetime) -> QuerySet[Appointment]:
    """The visits to come about which a mail has left that names from when on to stay out of the sun."""
    told = Reminder.objects.filter(
        appointment=OuterRef("pk"),
        revision=OuterRef("revision"),
        kind__in=(Reminder.Kind.BEFORE_48H, Reminder.Kind.GET_READY),
        mail__status__in=(OutgoingMail.Status.SENDING, OutgoingMail.Status.SENT),
    )
    return Appointment.objects.filter(Exists(told), state__in=Appointment.State.AHEAD, starts_at__gt=now)


def try_on_sample(
    *, catalogue: Catalogue, code: str, stage: Stage, start: datetime, zone: ZoneInfo, answers: Mapping[str, str]
) -> Finding | None:
    """What a rule says about a visit and some answers; None while it is not in force."""
    if not catalogue.rules[code].is_active:
        return None
    result = evaluate(catalogue=catalogue, answers=answers, stage=stage, visit_start=start, zone=zone, rule=code)
    return result.findings[0]


def moment_question(catalogue: Catalogue, rule: Rule, stage: Stage) -> Question | None:
    """The question of a rule that is answered with a day, or with a day and a time."""
    asked = [catalogue.questions[id] for id in rule.questions.get(stage, ()) if id in catalogue.questions]
    return next((question for question in asked if question.kind in MOMENTS), None)


def sample_answers(catalogue: Catalogue, rule: Rule, stage: Stage, *, moment: str, said: str) -> dict[str, str]:
    """The answers of somebody about whom a rule has to judge: `moment` where it asks when, `said` where a word decides.

    The other questions are answered so that the rule has to look at these. An empty `moment` is not known.
    """
    when, answers = moment_question(catalogue, rule, stage), {}
    listed, long_acting = _listed(catalogue, rule, "lists"), _listed(catalogue, rule, "long_acting")
    medicine = next((name for name in listed if name not in long_acting), NONE)
    for id in rule.questions.get(stage, ()):
        question = catalogue.questions[id]
        if question == when:
            answers |= {id: moment} if moment else {}
        elif question.kind == QuestionKind.TEXT:
            answers[id] = medicine
        elif rule.test.params.get("needs") and question.kind == QuestionKind.CHOICE:
            answers |= {id: MAY_PAUSE, ADVICE.id: f"{MAY_PAUSE}\n{medicine}"}
        elif said in question.answers:
            answers[id] = said
        else:
            counting = [answer for answer in question.answers if answer in rule.test.counting]
            answers[id] = (counting or question.answers)[0]
    return answers


def _listed(catalogue: Catalogue, rule: Rule, setting: str) -> list[str]:
    return [name for key in rule.test.params.get(setting) or () for name in catalogue.medicine_lists[key]]


def earliest_moment(catalogue: Catalogue, code: str, *, start: datetime, zone: ZoneInfo) -> datetime | None:
    """Since when before a visit a rule looks at an event; None where it counts no time or is not in force."""
    rule, day = catalogue.rules[code], local_date(start, zone)
    settings = rule.test.params if rule.is_active else {}
    if hours := settings.get("hours"):
        return start - timedelta(hours=hours)
    if days := settings.get("days"):
        return day_bounds(day - timedelta(days=days), zone)[0]
    if months := settings.get("months"):
        return day_bounds(minus_months(day, months), zone)[0]
    return None
