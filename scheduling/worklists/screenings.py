"""What waits for a decision, for another time, or for an answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _

from patients.models import MedicalFact
from scheduling.models import Appointment
from scheduling.worklists.rows import Reading, Row, visit_row
from treatments.catalogue import Outcome, Override, Stage
from treatments.decisions import standing, who_may_decide
from treatments.models import CatalogueVersion, Screening, ScreeningDecision, ScreeningFinding
from treatments.reasons import reason_of

State = Appointment.State


# A visit this close has no time to lose: its health form is in. The check before it is asked for later.
DAYS_TO_ANSWER = timedelta(days=3)
CHECK_ASKED = timedelta(hours=48)
MOST_CODES = 3


def is_held() -> Exists:
    return Exists(Screening.objects.newest_in_the_way().filter(session=OuterRef("session")))


def held(reading: Reading) -> QuerySet:
    return Appointment.objects.of_locations([reading.location]).filter(
        is_held(), state__in=(*State.AHEAD, State.ARRIVED), ends_at__gt=reading.now
    )


def held_rows(reading: Reading) -> tuple[list[Row], list[Row]]:
    """Those that somebody can decide, and those of which it is settled that they cannot be at their time."""
    screenings = Screening.objects.newest_in_the_way().select_related("decision").defer("answers")
    screenings = screenings.prefetch_related(Prefetch("findings", queryset=_standing(reading)))
    visits = list(
        held(reading)
        .with_everything()
        .prefetch_related(Prefetch("session__screenings", queryset=screenings, to_attr="screenings_in_the_way"))
    )
    _give_rules(each.session.screenings_in_the_way[0] for each in visits)
    to_review, to_move = [], []
    for appointment in visits:
        [screening] = appointment.session.screenings_in_the_way
        if _is_settled(screening):
            to_move.append(_to_move_row(reading, appointment, screening))
        else:
            to_review.append(_to_review_row(reading, appointment, screening))
    return to_review, to_move


@dataclass(frozen=True)
class Place:
    """Where a visit stands among those to review, 0 where it is none of them, and where the next one is looked at."""

    number: int
    count: int
    next_url: str


def place_in_review(appointment: Appointment, *, now: datetime) -> Place | None:
    """None where nothing is left to review."""
    to_review, _to_move = held_rows(Reading(appointment.location, now, for_treating=False))
    visits = [row.appointment for row in to_review]
    number = visits.index(appointment) + 1 if appointment in visits else 0
    others = [row for row in (*to_review[number:], *to_review[:number]) if row.appointment != appointment]
    return Place(number, len(visits), others[0].url if others else "") if visits else None


def _standing(reading: Reading) -> QuerySet:
    """What stands in the way alone: most rules are clear, and each reason has to be decrypted."""
    found = ScreeningFinding.objects.filter(outcome__in=Screening.STANDS_IN_THE_WAY)
    return found if reading.for_treating else found.defer("reason")


def _give_rules(screenings: Iterable[Screening]) -> None:
    """Each its catalogue, which is long, once for all that were made by it."""
    screenings = list(screenings)
    versions = CatalogueVersion.objects.in_bulk({each.catalogue_version_id for each in screenings})
    for each in screenings:
        each.catalogue_version = versions[each.catalogue_version_id]


def _is_settled(screening: Screening) -> bool:
    """Postponed, or blocked by what nobody may lift. An answer that is missing can still be given."""
    if hasattr(screening, "decision"):
        return screening.decision.kind == ScreeningDecision.Kind.POSTPONE
    is_answer_missing = any(each.ends_only_with_answer for each in standing(screening.findings.all()))
    return who_may_decide(screening) == Override.NONE and not is_answer_missing


def _to_review_row(reading: Reading, appointment: Appointment, screening: Screening) -> Row:
    code, why = _found(screening) if reading.for_treating else ("", _light(screening, reading))
    is_here = appointment.state == State.ARRIVED
    return Row(
        patient=appointment.patient,
        appointment=appointment,
        code=code,
        why=why,
        by_when=reading.words(appointment.starts_at),
        is_pressing=reading.is_today(appointment.starts_at),
        action=_("Open the check-in") if is_here else _("Open the screening"),
        url=reverse(
            "scheduling:checkin-show" if is_here else "scheduling:screening-show", args=[appointment.public_id]
        ),
    )


def _to_move_row(reading: Reading, appointment: Appointment, screening: Screening) -> Row:
    is_here = appointment.state == State.ARRIVED
    return Row(
        patient=appointment.patient,
        appointment=appointment,
        why=_light(screening, reading),
        by_when=reading.words(appointment.starts_at),
        is_pressing=reading.is_today(appointment.starts_at),
        phone=appointment.patient.phone,
        action=_("Open the check-in") if is_here else _("Find times"),
        url=reverse(
            "scheduling:checkin-show" if is_here else "scheduling:appointment-move", args=[appointment.public_id]
        ),
    )


def _light(screening: Screening, reading: Reading) -> str:
    decided = screening.decision.not_before if hasattr(screening, "decision") else None
    if not_before := max(filter(None, [decided, screening.not_before]), default=None):
        day = format_date(not_before.astimezone(reading.location.zone), "j F Y")
        return _("Not before %(day)s") % {"day": day}
    return _("Not possible as booked") if Outcome(screening.outcome).is_blocking else _("On hold")


def _found(screening: Screening) -> tuple[str, str]:
    """The code of the rule that weighs most, and what it said; then the codes of the others, or how many they are."""
    worst, *others = sorted(standing(screening.findings.all()), key=lambda found: -Outcome(found.outcome).severity)
    reason = reason_of(worst)
    if not others:
        return worst.rule_code, reason
    if len(others) > MOST_CODES:
        return worst.rule_code, _("%(reason)s And %(n)d more.") % {"reason": reason, "n": len(others)}
    codes = ", ".join(found.rule_code for found in others)
    return worst.rule_code, _("%(reason)s Also %(codes)s.") % {"reason": reason, "codes": codes}


def without_answers(reading: Reading) -> QuerySet:
    """No answer at all close to the visit, or none to the check before it although that was asked for."""
    on_file = MedicalFact.objects.current().filter(patient=OuterRef("session__course__patient"))
    checked = Screening.objects.filter(
        session=OuterRef("session"), stage=Stage.PREVISIT, for_start=OuterRef("starts_at")
    )
    return (
        Appointment.objects.of_locations([reading.location])
        .filter(state__in=State.AHEAD, starts_at__gt=reading.now, starts_at__lte=reading.now + DAYS_TO_ANSWER)
        .annotate(is_asked=Exists(on_file), is_checked=Exists(checked))
        .filter(Q(is_asked=False) | Q(is_checked=False, starts_at__lte=reading.now + CHECK_ASKED))
    )


def without_answers_row(reading: Reading, appointment: Appointment) -> Row:
    return visit_row(reading, appointment, why=_("48-hour check") if appointment.is_asked else _("Health form"))
