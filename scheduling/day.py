"""The day of a visit: arrived, asked, begun, ended. Beside `scheduling.booking`, the only writer of appointments.

Every step locks the appointment and looks at its state, so that of two people who take the same step one takes it. A
refusal is a BookingRefused, or comes from the record of the visit in `treatments`; either way nothing has changed.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.models import Practitioner, User
from clinic.times import local_date
from scheduling import reminders
from scheduling.booking import BookingRefused, ChangedMeanwhile
from scheduling.models import Appointment
from scheduling.rescreening import rescreen, rescreen_patient, visits_to_come
from treatments import consents, visits
from treatments.answers import record_answers
from treatments.catalogue import Stage
from treatments.models import Consent, Screening, Visit
from treatments.screenings import screen_session

State = Appointment.State


class NotItsDay(BookingRefused):
    """The appointment is on another local day."""


class NotArrived(BookingRefused):
    """This is done once the patient has arrived."""


def arrive(*, appointment: Appointment, revision: int, by: User, now: datetime) -> Appointment:
    """The patient is here, on the local day of her appointment. A second arrival changes nothing.

    Raises ChangedMeanwhile when the appointment is no longer as it was seen, and NotItsDay.
    """
    with transaction.atomic():
        arriving = _locked(appointment)
        if arriving.state == State.ARRIVED:
            return arriving
        if arriving.revision != revision or arriving.state not in State.AHEAD:
            raise ChangedMeanwhile(_("Somebody else changed this appointment meanwhile. Look at it again."))
        _check_day(arriving, now)
        arriving.state, arriving.arrived_at = State.ARRIVED, now
        arriving.save(update_fields=["state", "arrived_at"])
        return arriving


def undo_arrival(*, appointment: Appointment, by: User, now: datetime) -> Appointment:
    """She has not come after all, or has gone again: the appointment is booked as before, and may be moved."""
    with transaction.atomic():
        leaving = _locked(appointment)
        _check_arrived(leaving)
        leaving.state, leaving.arrived_at = State.BOOKED, None
        leaving.save(update_fields=["state", "arrived_at"])
        return leaving


def answer_checkin(
    *, appointment: Appointment, start: datetime, answers: Mapping[str, str], by: User, now: datetime
) -> Screening:
    """Keep what was answered on arrival and screen the visit with it. `start` is the one that was asked about.

    Raises ChangedMeanwhile when the visit has another start by now, NotArrived, NotItsDay, and AnswerError for an
    answer that cannot be understood.
    """
    with transaction.atomic():
        here = _locked_for_checkin(appointment, start, now)
        zones = [zone.code for zone in here.session.course.zones.all()]
        record_answers(patient=here.patient, answers=answers, by=by, now=now, zones=zones)
        screened = screen_session(
            session=here.session,
            stage=Stage.CHECKIN,
            start=start,
            zone=here.location.zone,
            cause=Screening.Cause.ANSWERS,
            answers=answers,
            by=by,
            now=now,
        )
        rescreen_patient(patient=here.patient, cause=Screening.Cause.ANSWERS, by=by, now=now)
        return screened


def sign_consent(
    *, appointment: Appointment, start: datetime, typed_name: str, version: int, by: User, now: datetime
) -> Consent:
    """The patient signs for the visit that she has come for. Raises as `answer_checkin` does, and a ConsentRefused."""
    with transaction.atomic():
        here = _locked_for_checkin(appointment, start, now)
        return consents.sign_consent(session=here.session, typed_name=typed_name, version=version, by=by, now=now)


def start_treatment(
    *, appointment: Appointment, by: User, now: datetime, practitioner: Practitioner | None = None
) -> Visit:
    """Begin the visit and open its record. Who treats is whoever begins it, or who was booked; the lead names anybody.

    What has become known of the patient since the check-in counts, and so do rules published since. Raises NotArrived,
    NotItsDay and whatever `treatments.visits.start_visit` raises: CannotStart while a gate is open, HasStarted when
    somebody was faster.
    """
    treats = practitioner or (by.is_practitioner and getattr(by, "practitioner", None)) or appointment.practitioner
    if practitioner and practitioner.user_id != by.pk and not by.is_lead:
        raise visits.NotForYou(_("Begin the visits that you treat yourself, or ask the clinical lead."))
    with transaction.atomic():  # kept, also where the start is refused because of it
        starting = _locked_to_start(appointment, now)
        rescreen(visits_to_come(now).filter(pk=starting.pk), cause=Screening.Cause.RULES, by=by, now=now)
    with transaction.atomic():
        starting = _locked_to_start(appointment, now)
        visit = visits.start_visit(
            session=starting.session,
            start=starting.starts_at,
            practitioner=treats,
            device=starting.device,
            by=by,
            now=now,
        )
        starting.state = State.IN_TREATMENT
        starting.save(update_fields=["state"])
        return visit


def end_treatment(*, appointment: Appointment, revision: int, by: User, now: datetime) -> Visit:
    """The needling is over: the appointment is completed and the aftercare planned. A second end changes nothing.

    `revision` is that of the record. Raises NotArrived before a start, and EditedMeanwhile with the stored record.
    """
    with transaction.atomic():
        ending = _locked(appointment)
        if ending.state not in (State.IN_TREATMENT, State.COMPLETED):
            raise NotArrived(_("This visit has not begun. Start it first."))
        visit = visits.end_needling(visit=ending.session.visit, revision=revision, by=by, now=now)
        if ending.state == State.IN_TREATMENT:
            ending.state = State.COMPLETED
            ending.save(update_fields=["state"])
            reminders.plan_aftercare(appointment=ending, ended_at=visit.ended_at)
        return visit


def _locked(appointment: Appointment) -> Appointment:
    return Appointment.objects.select_for_update(of=("self",), no_key=True).with_everything().get(pk=appointment.pk)


def _locked_to_start(appointment: Appointment, now: datetime) -> Appointment:
    stored = _locked(appointment)
    if stored.state in (State.IN_TREATMENT, State.COMPLETED):
        raise visits.HasStarted(stored.session.visit)
    _check_arrived(stored)
    _check_day(stored, now)
    return stored


def _locked_for_checkin(appointment: Appointment, start: datetime, now: datetime) -> Appointment:
    """The appointment of a check-in, locked, as long as it is still about the same start."""
    stored = _locked(appointment)
    if stored.starts_at != start:
        raise ChangedMeanwhile(
            _("This visit was moved to %(start)s meanwhile. Open the check-in again and ask once more.")
            % {"start": _words(stored)}
        )
    _check_arrived(stored)
    _check_day(stored, now)
    return stored


def _check_arrived(stored: Appointment) -> None:
    if stored.state == State.ARRIVED:
        return
    if stored.state in State.AHEAD:
        raise NotArrived(_("The patient has not arrived yet. Mark her as arrived first."))
    if stored.is_cancelled:
        raise NotArrived(_("This appointment is cancelled. Put it back first."))
    raise NotArrived(_("This visit has begun already. Go on in its record."))


def _check_day(stored: Appointment, now: datetime) -> None:
    zone = stored.location.zone
    if local_date(now, zone) != local_date(stored.starts_at, zone):
        raise NotItsDay(
            _("This visit is on %(start)s. Move it if the patient comes today.") % {"start": _words(stored)}
        )


def _words(stored: Appointment) -> str:
    return date_format(stored.starts_at.astimezone(stored.location.zone), "l j F, H:i")
