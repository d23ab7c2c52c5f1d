"""The demo's day up to now, played by the writers themselves: who is being treated, who is here and who is asked."""

from datetime import datetime, timedelta

from clinic.times import local_date
from scheduling import day
from scheduling.demo_clinic.answers import Answering, Story
from scheduling.demo_clinic.appointments import Booked
from scheduling.demo_clinic.place import Place
from scheduling.demo_clinic.records import CREAM, PERCENT
from treatments import visits
from treatments.consents import consent_text

DOORS_OPEN = timedelta(minutes=15)  # before the first visit of the day
COMES_EARLY = timedelta(minutes=50)  # at most, where nobody else is there to be asked
MINUTE = timedelta(minutes=1)


def play_today(booked: list[Booked], *, place: Place, answering: Answering, now: datetime) -> None:
    """Take the steps that were taken by now at today's visits; those that are over are stored already.

    Of those whose time it is, the last to begin has the cream on, and one was in the sun and waits for the clinical
    lead. Of those who come next one is ready and one is still being asked. Before the doors open nobody is here, and
    after the last visit nobody is left.
    """
    today = [
        each
        for each in booked
        if local_date(each.appointment.starts_at, place.zone) == local_date(now, place.zone)
        if not each.appointment.is_cancelled and not each.course.is_on_hold
    ]
    if not today or now < today[0].appointment.starts_at - DOORS_OPEN:
        return
    doing = _Doing(answering, now)
    begun = [each for each in today if not each.is_over and each.times.numbed_at <= now]
    next_ones = [
        each for each in today if each.times.numbed_at > now and each.appointment.starts_at <= now + COMES_EARLY
    ]
    if len(begun) > 1:
        sunny = begun.pop(-2)
        doing.arrive(sunny, sunny.times.arrived_at)
        doing.ask(sunny, sunny.times.asked_at, told=answering.sun_before(sunny.appointment.starts_at))
    for each in begun:
        doing.treat(each, has_cream_on=each is begun[-1])
    for each in next_ones[:1]:
        doing.make_ready(each)
    for each in next_ones[1:2]:
        doing.begin_to_ask(each)
    for each in next_ones[2:]:
        if each.appointment.starts_at <= now:
            doing.arrive(each, each.times.arrived_at)


class _Doing:
    """The steps of a visit, taken by the practitioner at the moments at which they were due."""

    def __init__(self, answering: Answering, now: datetime):
        self.answering, self.now = answering, now
        self.consent_version = consent_text()[0]

    def arrive(self, booked: Booked, at: datetime) -> None:
        appointment = booked.appointment
        day.arrive(appointment=appointment, revision=appointment.revision, by=_hand(booked), now=at)

    def ask(self, booked: Booked, at: datetime, *, told: Story, by_herself: bool = False) -> None:
        appointment, known = booked.appointment, booked.course.person.answers
        answers = self.answering.on_arrival(known, booked.protocol.code, appointment.starts_at, told)
        if by_herself:
            answers = self.answering.of_patient(answers)
        day.answer_checkin(
            appointment=appointment, start=appointment.starts_at, answers=answers, by=_hand(booked), now=at
        )

    def sign(self, booked: Booked, at: datetime) -> None:
        appointment = booked.appointment
        day.sign_consent(
            appointment=appointment,
            start=appointment.starts_at,
            typed_name=appointment.patient.name,
            version=self.consent_version,
            by=_hand(booked),
            now=at,
        )

    def make_ready(self, booked: Booked) -> None:
        arrived_at = self._lately(booked)
        self.arrive(booked, arrived_at)
        self.ask(booked, arrived_at + 4 * MINUTE, told={})
        self.sign(booked, arrived_at + 7 * MINUTE)

    def begin_to_ask(self, booked: Booked) -> None:
        """She has answered, and nobody has looked at her skin yet."""
        arrived_at = self._lately(booked)
        self.arrive(booked, arrived_at)
        self.ask(booked, arrived_at + 4 * MINUTE, told={}, by_herself=True)

    def treat(self, booked: Booked, *, has_cream_on: bool) -> None:
        times, by = booked.times, _hand(booked)
        self.arrive(booked, times.arrived_at)
        self.ask(booked, times.asked_at, told={})
        self.sign(booked, times.consented_at)
        visit = day.start_treatment(appointment=booked.appointment, by=by, now=times.started_at)
        is_off = times.wiped_at <= self.now and not has_cream_on
        visits.record_numbing(
            visit=visit,
            revision=visit.revision,
            agent=CREAM,
            strength_percent=PERCENT,
            applied_at=times.numbed_at,
            removed_at=times.wiped_at if is_off else None,
            by=by,
            now=times.wiped_at if is_off else times.numbed_at,
        )

    def _lately(self, booked: Booked) -> datetime:
        return min(booked.times.arrived_at, self.now - 12 * MINUTE)


def _hand(booked: Booked):
    return booked.appointment.practitioner.user
