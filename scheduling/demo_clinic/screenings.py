"""What the rules said about the demo's visits, when they were booked and on the day, and what the lead decided."""

from datetime import datetime, timedelta

from clinic.times import local_date
from scheduling.demo_clinic.answers import Answering
from scheduling.demo_clinic.appointments import Booked
from scheduling.demo_clinic.place import Place
from treatments.catalogue import Stage
from treatments.decisions import decide_screening, may_decide
from treatments.models import CatalogueVersion, Screening, ScreeningDecision, ScreeningFinding
from treatments.screenings import compose_screening

CHECK_BEFORE = timedelta(hours=48)
ANSWERED_WITHIN = timedelta(hours=5)  # of the question; whoever was asked later has not seen it yet
NEVER_ANSWERS = 6  # every sixth has to be called
AFTER_A_TALK = "I have talked it through with her on the phone and asked her doctor. The visit may take place."
BEFORE_A_LETTER = "Her doctor writes to us first."
AFTER_A_LOOK = "An hour in the garden with a hat on. Neither red nor warm."


def store_screenings(
    booked: list[Booked], *, place: Place, catalogue: CatalogueVersion, answering: Answering, now: datetime
) -> None:
    """One for each booking, one more for each visit that is over or comes within two days, and a decision on some."""
    at_booking = [(each, _of_booking(each, place, catalogue)) for each in booked]
    clear = [each for each, (screening, _findings) in at_booking if not screening.stands_in_the_way]
    checked = [_of_check(each, place, catalogue, answering) for each in _who_answered(clear, now)]
    on_arrival = [(each, _of_arrival(each, place, catalogue, answering)) for each in booked if each.is_over]
    composed = [made for _each, made in at_booking + on_arrival] + checked
    Screening.objects.bulk_create(screening for screening, _findings in composed)
    ScreeningFinding.objects.bulk_create(finding for _screening, findings in composed for finding in findings)
    for each, (screening, _findings) in on_arrival:
        if screening.stands_in_the_way:
            _lift(screening, AFTER_A_LOOK, place, each.times.asked_at)
    _decide_some_holds(at_booking, place, now)


def _who_answered(booked: list[Booked], now: datetime) -> list[Booked]:
    """Most of those who were asked in time about a visit of the next two days."""
    asked = [
        each
        for each in booked
        if not each.appointment.is_cancelled and now < each.appointment.starts_at < now + CHECK_BEFORE - ANSWERED_WITHIN
    ]
    return [each for place, each in enumerate(asked, start=1) if place % NEVER_ANSWERS]


def _of_check(
    booked: Booked, place: Place, catalogue: CatalogueVersion, answering: Answering
) -> tuple[Screening, list[ScreeningFinding]]:
    start = booked.appointment.starts_at
    return _compose(
        booked,
        place,
        catalogue,
        stage=Stage.PREVISIT,
        cause=Screening.Cause.ANSWERS,
        by=None,
        now=max(start - CHECK_BEFORE + ANSWERED_WITHIN, booked.appointment.created_at),
        said=answering.before_visit(booked.course.person.answers, booked.protocol.code),
    )


def _of_booking(booked: Booked, place: Place, catalogue: CatalogueVersion) -> tuple[Screening, list[ScreeningFinding]]:
    appointment = booked.appointment
    return _compose(
        booked,
        place,
        catalogue,
        stage=Stage.BOOKING,
        cause=Screening.Cause.BOOKING,
        by=place.reception,
        now=appointment.created_at,
    )


def _of_arrival(
    booked: Booked, place: Place, catalogue: CatalogueVersion, answering: Answering
) -> tuple[Screening, list[ScreeningFinding]]:
    start, known = booked.appointment.starts_at, booked.course.person.answers
    told = answering.sun_before(start) if booked.sits_in_the_sun else {}
    said = answering.on_arrival(known, booked.protocol.code, start, told)
    by = booked.appointment.practitioner.user
    return _compose(
        booked,
        place,
        catalogue,
        stage=Stage.CHECKIN,
        cause=Screening.Cause.ANSWERS,
        by=by,
        now=booked.times.asked_at,
        said=said,
    )


def _compose(booked: Booked, place: Place, catalogue: CatalogueVersion, *, cause: Screening.Cause, said=None, **moment):
    return compose_screening(
        session=booked.appointment.session,
        version=catalogue,
        answers={**booked.course.person.answers, **(said or {})},
        zones=[zone.code for zone in booked.course.zones],
        start=booked.appointment.starts_at,
        zone=place.zone,
        cause=cause,
        **moment,
    )


def _decide_some_holds(at_booking, place: Place, now: datetime) -> None:
    """Of the visits after today that wait for the clinical lead, every second waits no longer, and one waits longer."""
    today = local_date(now, place.zone)
    waiting = [
        screening
        for each, (screening, _findings) in at_booking
        if local_date(screening.for_start, place.zone) > today
        if screening.stands_in_the_way and not each.appointment.is_cancelled and may_decide(place.lead, screening)
    ]
    for screening in waiting[::2]:
        _lift(screening, AFTER_A_TALK, place, screening.created_at + (now - screening.created_at) / 2)
    for screening in waiting[1:2]:
        decide_screening(
            screening=screening,
            kind=ScreeningDecision.Kind.POSTPONE,
            not_before=local_date(screening.for_start, place.zone) + timedelta(weeks=2),
            reason=BEFORE_A_LETTER,
            zone=place.zone,
            by=place.lead,
            now=screening.created_at + (now - screening.created_at) / 2,
        )


def _lift(screening: Screening, reason: str, place: Place, at: datetime) -> None:
    decide_screening(
        screening=screening,
        kind=ScreeningDecision.Kind.LIFT,
        reason=reason,
        is_skin_checked=True,
        zone=place.zone,
        by=place.lead,
        now=at,
    )
