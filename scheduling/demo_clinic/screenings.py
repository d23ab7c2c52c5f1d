"""What the rules said about the demo's visits, when they were booked and on the day, and what the lead decided."""

from datetime import datetime

from clinic.times import local_date
from scheduling.demo_clinic.answers import Answering
from scheduling.demo_clinic.appointments import Booked
from scheduling.demo_clinic.place import Place
from treatments.catalogue import Stage
from treatments.decisions import decide_screening, may_decide
from treatments.models import CatalogueVersion, Screening, ScreeningDecision, ScreeningFinding
from treatments.screenings import compose_screening

AFTER_A_TALK = "I have talked it through with her on the phone and asked her doctor. The visit may take place."
AFTER_A_LOOK = "An hour in the garden with a hat on. Neither red nor warm."


def store_screenings(
    booked: list[Booked], *, place: Place, catalogue: CatalogueVersion, answering: Answering, now: datetime
) -> None:
    """One for each booking, one more for each visit that is over, and a decision on some."""
    at_booking = [(each, _of_booking(each, place, catalogue)) for each in booked]
    on_arrival = [(each, _of_arrival(each, place, catalogue, answering)) for each in booked if each.is_over]
    composed = [made for _each, made in at_booking + on_arrival]
    Screening.objects.bulk_create(screening for screening, _findings in composed)
    ScreeningFinding.objects.bulk_create(finding for _screening, findings in composed for finding in findings)
    for each, (screening, _findings) in on_arrival:
        if screening.stands_in_the_way:
            _lift(screening, AFTER_A_LOOK, place, each.times.asked_at)
    _lift_some_holds(at_booking, place, now)


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


def _lift_some_holds(at_booking, place: Place, now: datetime) -> None:
    """Of the visits after today that wait for the clinical lead, every second waits no longer."""
    today = local_date(now, place.zone)
    waiting = [
        screening
        for each, (screening, _findings) in at_booking
        if local_date(screening.for_start, place.zone) > today
        if screening.stands_in_the_way and not each.appointment.is_cancelled and may_decide(place.lead, screening)
    ]
    for screening in waiting[::2]:
        _lift(screening, AFTER_A_TALK, place, screening.created_at + (now - screening.created_at) / 2)


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
