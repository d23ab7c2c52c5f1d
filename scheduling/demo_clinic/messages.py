"""What the demo's patients were told about visits of the last days and later, and what they will be told."""

from datetime import datetime, timedelta

from clinic.models import OutgoingMail
from clinic.outbox import compose_mail
from clinic.times import day_bounds, local_date
from scheduling.demo_clinic.appointments import Booked
from scheduling.demo_clinic.place import Place
from scheduling.models import Appointment, Reminder
from scheduling.reminders import OF_USE_AFTER, Gaps, compose_reminders, current_gaps, plan_aftercare

# The last that is told about a visit leaves two days after it, or in the morning after that.
DAYS_TOLD_AFTER = 3
# Reminders that the first sweep still finds to do, so that a newcomer sees mails leave.
LEFT_TO_THE_SWEEP = 4


def store_messages(booked: list[Booked], *, place: Place, now: datetime) -> None:
    """All that is due has left but the newest few; the rest is planned."""
    first_moment = day_bounds(local_date(now, place.zone) - timedelta(days=DAYS_TOLD_AFTER), place.zone)[0]
    told = [each for each in booked if each.appointment.starts_at >= first_moment]
    _store_those_before([each.appointment for each in told], now)
    over = [each for each in told if each.is_over]
    for each in over:
        plan_aftercare(appointment=each.appointment, ended_at=each.times.ended_at)
    _let_aftercare_leave(over, now)


def _store_those_before(appointments: list[Appointment], now: datetime) -> None:
    gaps = current_gaps()
    reminders = [reminder for each in appointments for reminder in _planned(each, gaps, now)]
    due = [each for each in reminders if each.state == Reminder.State.PLANNED and each.due_at <= now]
    has_a_point = [
        each
        for each in due
        if each.kind == Reminder.Kind.BEFORE_48H
        and each.appointment.patient.email
        and each.appointment.starts_at > now + timedelta(hours=1)
    ]
    left_over = sorted(has_a_point, key=lambda each: each.due_at)[-LEFT_TO_THE_SWEEP:]
    for each in due:
        if each not in left_over:
            _let_leave(each, expires_at=each.appointment.starts_at)
    _let_one_be_refused(reminders, now)
    OutgoingMail.objects.bulk_create(each.mail for each in reminders if each.mail)
    Reminder.objects.bulk_create(reminders)


def _let_one_be_refused(reminders: list[Reminder], now: datetime) -> None:
    """The address of one patient who comes next week has a mistake in it, as her clinic has just been told."""
    for each in reminders:
        if each.mail and each.appointment.starts_at > now + timedelta(days=3) and not each.appointment.is_cancelled:
            each.mail.status, each.mail.sent_at = OutgoingMail.Status.FAILED, None
            each.mail.last_error = "550 no such mailbox"
            return


def _planned(appointment: Appointment, gaps: Gaps, now: datetime) -> list[Reminder]:
    """What the booking planned when it was made, and what calling it off changed."""
    confirmation, *ahead = compose_reminders(
        appointment=appointment, kind=Reminder.Kind.CONFIRMATION, gaps=gaps, now=appointment.created_at
    )
    if not appointment.is_cancelled:
        return [confirmation, *ahead]
    for reminder in ahead:
        reminder.state = Reminder.State.WITHDRAWN
    for reminder in (confirmation, *ahead):
        reminder.revision = 0
    called_off_at = appointment.created_at + (min(now, ahead[0].due_at) - appointment.created_at) / 2
    return [
        confirmation,
        *ahead,
        *compose_reminders(appointment=appointment, kind=Reminder.Kind.CANCELLED, gaps=gaps, now=called_off_at),
    ]


def _let_aftercare_leave(over: list[Booked], now: datetime) -> None:
    by_appointment = {each.appointment.pk: each for each in over}
    due = list(Reminder.objects.due(now).filter(kind__in=OF_USE_AFTER, appointment__in=by_appointment))
    for reminder in due:
        visit = by_appointment[reminder.appointment_id]
        reminder.appointment = visit.appointment
        _let_leave(reminder, expires_at=visit.times.ended_at + OF_USE_AFTER[reminder.kind])
    OutgoingMail.objects.bulk_create(each.mail for each in due if each.mail)
    Reminder.objects.bulk_update(due, ["state", "mail"])


def _let_leave(reminder: Reminder, *, expires_at: datetime) -> None:
    """It became a mail, long gone and its words forgotten; without an address it was left out."""
    if not reminder.appointment.patient.email:
        reminder.state = Reminder.State.SKIPPED
        return
    mail = compose_mail(
        to=reminder.appointment.patient.email,
        subject=reminder.get_kind_display(),
        text="",
        due_at=reminder.due_at,
        expires_at=expires_at,
        now=reminder.due_at,
    )
    mail.status, mail.sent_at, mail.is_forgotten = OutgoingMail.Status.SENT, reminder.due_at, True
    reminder.state, reminder.mail = Reminder.State.MAILED, mail
