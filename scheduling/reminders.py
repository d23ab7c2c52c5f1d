"""What a patient is told about an appointment: planned with the booking, turned into mails when due.

The `plan_for_…` functions run inside the transaction of `scheduling.booking`, after the revision went up; they take
back what has not left of the older revisions. `mail_due_reminders` belongs to the sweep. A reminder for a patient
without an e-mail address is planned all the same and left out when it is due: `scheduling.messages` then says "phone".
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _

from clinic import emails, links, outbox
from clinic.models import OutgoingMail
from clinic.times import after_quiet_hours, before_quiet_hours, days_before_by_wall_clock
from scheduling.calendar_files import CANCEL, PUBLISH, calendar_file
from scheduling.models import Appointment, PatientLink, Reminder
from treatments.catalogue import Outcome
from treatments.models import Screening, Visit
from treatments.publishing import current_catalogue

logger = logging.getLogger(__name__)

Kind = Reminder.Kind
State = Reminder.State

CHUNK = 50
DAYS_BEFORE = 2
# How long before it begins a patient reads from when on to stay out of the sun, at the latest.
TIME_TO_READ = timedelta(hours=2)
# What one mail is called after when it says several things; all else rides along.
LEADING_FIRST = (
    Kind.CANCELLED,
    Kind.MOVED,
    Kind.CONFIRMATION,
    Kind.NEW_LINK,
    Kind.FINAL,
    Kind.BEFORE_48H,
    Kind.GET_READY,
    Kind.AFTER_48H,
    Kind.AFTER_24H,
    Kind.AFTER_2H,
)
WITH_CALENDAR = {
    Kind.CANCELLED: CANCEL,
    Kind.MOVED: PUBLISH,
    Kind.CONFIRMATION: PUBLISH,
    Kind.FINAL: PUBLISH,
}
# Elapsed hours after the end of the needling.
AFTERCARE_HOURS = {Kind.AFTER_2H: 2, Kind.AFTER_24H: 24, Kind.AFTER_48H: 48}
# Aftercare, and how long after the end of the needling it is still of use: until the next one, the last for a week.
OF_USE_AFTER = {Kind.AFTER_2H: timedelta(days=1), Kind.AFTER_24H: timedelta(days=2), Kind.AFTER_48H: timedelta(days=7)}


@dataclass(frozen=True)
class Gaps:
    """The elapsed time between a visit and what must not come right before it, by the rules that count now."""

    sun: timedelta
    immune_medicine: timedelta


def current_gaps() -> Gaps:
    """In one query."""
    rules = current_catalogue().rules
    sun, immune_medicine = (timedelta(hours=rules[code].test.params["hours"]) for code in ("S3", "S2"))
    return Gaps(sun, immune_medicine)


def plan_for_booking(*, appointment: Appointment, now: datetime) -> None:
    _take_back(appointment)
    _plan(appointment, Kind.CONFIRMATION, now)


def plan_for_move(*, appointment: Appointment, now: datetime) -> None:
    """A patient who never heard of the earlier time is not told that it has moved."""
    _take_back(appointment)
    _plan(appointment, Kind.MOVED if _expects_a_visit(appointment) else Kind.CONFIRMATION, now)


def plan_for_cancel(*, appointment: Appointment, now: datetime) -> None:
    """A patient who never heard of the visit need not hear that it is cancelled."""
    _take_back(appointment)
    if _expects_a_visit(appointment):
        _plan(appointment, Kind.CANCELLED, now)


def plan_for_reactivation(*, appointment: Appointment, now: datetime) -> None:
    _take_back(appointment)
    _plan(appointment, Kind.CONFIRMATION, now)


def plan_final(*, appointment: Appointment, now: datetime) -> None:
    """Tell a patient that her visit can take place after all, where a mail or a page behind it may have said that it
    was not final. Once for each time of the visit; runs inside the transaction of the decision.
    """
    told = appointment.reminders.filter(revision=appointment.revision, state=State.MAILED)
    if told.exclude(mail__status=OutgoingMail.Status.WITHDRAWN).exists():
        final = Reminder(appointment=appointment, kind=Kind.FINAL, revision=appointment.revision, due_at=now)
        Reminder.objects.bulk_create([final], ignore_conflicts=True)


def keep_for_change(*, appointment: Appointment) -> None:
    """What was planned or told of the revision before holds for this one: the patient need hear nothing new."""
    Reminder.objects.filter(appointment=appointment, revision=appointment.revision - 1).update(
        revision=appointment.revision
    )


def plan_aftercare(*, appointment: Appointment, ended_at: datetime) -> None:
    """What is told after a visit: when its hours are over, and never at night.

    Runs inside the transaction that completes the appointment.
    """
    zone = appointment.location.zone
    Reminder.objects.bulk_create(
        Reminder(
            appointment=appointment,
            kind=kind,
            revision=appointment.revision,
            due_at=after_quiet_hours(ended_at + timedelta(hours=hours), zone),
        )
        for kind, hours in AFTERCARE_HOURS.items()
    )


def _take_back(appointment: Appointment) -> None:
    reminders = Reminder.objects.filter(appointment=appointment)
    outbox.withdraw(OutgoingMail.objects.filter(reminders__appointment=appointment))
    reminders.filter(Q(state=State.PLANNED) | Q(state=State.MAILED, mail__status=OutgoingMail.Status.WITHDRAWN)).update(
        state=State.WITHDRAWN
    )


def _expects_a_visit(appointment: Appointment) -> bool:
    """Whether the last that the patient heard, or may have heard, was a time to come."""
    heard = appointment.reminders.filter(
        Q(mail__status__in=(OutgoingMail.Status.SENT, OutgoingMail.Status.SENDING)) | Q(mail__is_repeat=True)
    )
    last = heard.order_by("-revision").first()
    return last is not None and last.kind != Kind.CANCELLED


def _plan(appointment: Appointment, kind: Reminder.Kind, now: datetime) -> None:
    reminders = compose_reminders(appointment=appointment, kind=kind, gaps=current_gaps(), now=now)
    Reminder.objects.bulk_create(reminders)


def compose_reminders(*, appointment: Appointment, kind: Reminder.Kind, gaps: Gaps, now: datetime) -> list[Reminder]:
    """What is to be told when something of this kind happens `now` to an appointment, and when; not stored yet.

    What belongs before a visit comes earlier rather than at night: the sun is named two hours before it counts or more.
    """
    due = {kind: now}
    if kind != Kind.CANCELLED:
        due[Kind.BEFORE_48H] = max(now, _check_due(appointment))
        due[Kind.GET_READY] = _get_ready_due(appointment, gaps, now)
    return [
        Reminder(appointment=appointment, kind=kind, revision=appointment.revision, due_at=due_at)
        for kind, due_at in due.items()
    ]


def plan_again(*, appointments: Iterable[Appointment], now: datetime) -> None:
    """Give what is still to be told of the sun its time by the rules that count now. A constant number of queries."""
    gaps, by_key = current_gaps(), {appointment.pk: appointment for appointment in appointments}
    planned = list(Reminder.objects.filter(appointment__in=by_key, kind=Kind.GET_READY, state=State.PLANNED))
    for reminder in planned:
        reminder.due_at = _get_ready_due(by_key[reminder.appointment_id], gaps, now)
    Reminder.objects.bulk_update(planned, ["due_at"])


def _check_due(appointment: Appointment) -> datetime:
    """From when on a patient is asked how she is now, two days before her visit."""
    zone = appointment.location.zone
    return before_quiet_hours(days_before_by_wall_clock(appointment.starts_at, DAYS_BEFORE, zone), zone)


def _get_ready_due(appointment: Appointment, gaps: Gaps, now: datetime) -> datetime:
    before_the_sun_counts = appointment.starts_at - gaps.sun - TIME_TO_READ
    return max(now, before_quiet_hours(before_the_sun_counts, appointment.location.zone))


def mail_due_reminders(*, now: datetime) -> int:
    """Turn what is due into mails and say how many; safe to run twice at the same time.

    All that is due of one appointment becomes one mail, in the transaction that looks at the appointment again. What
    has lost its point, or has no address to go to, is left out.
    """
    mails, passed_over = 0, set()
    while chunk := set(
        Reminder.objects.due(now).exclude(appointment__in=passed_over).values_list("appointment_id", flat=True)[:CHUNK]
    ):
        mails += _mail_appointments(chunk, passed_over, now)
    return mails


def mail_new_link(*, appointment: Appointment, now: datetime) -> PatientLink:
    """Hand a mail with a new link to the outbox at once, in the transaction that ends the old one.

    The visit is still to come and its patient has an address. Read it with everything.
    """
    reminder = Reminder(appointment=appointment, kind=Kind.NEW_LINK, revision=appointment.revision, due_at=now)
    mail, link = _compose(appointment, [reminder], _facts_about([appointment], now))
    outbox.queue_mails([mail])
    link.save()
    reminder.save()
    return link


def _mail_appointments(keys: set[int], passed_over: set[int], now: datetime) -> int:
    """Settle the due reminders of some appointments and say how many mails came of them.

    Adds to `passed_over` what another worker holds and what cannot be rendered: neither may hold up the rest.
    """
    with transaction.atomic():
        appointments = (
            Appointment.objects.filter(pk__in=keys)
            .with_everything()
            .select_for_update(skip_locked=True, no_key=True, of=("self",))
            .in_bulk()
        )
        passed_over |= keys - appointments.keys()
        due = defaultdict(list)
        for reminder in Reminder.objects.due(now).filter(appointment__in=appointments):
            due[reminder.appointment_id].append(reminder)
        facts = _facts_about(appointments.values(), now)
        mails, settled, new_links = [], [], []
        for key, reminders in due.items():
            try:
                mail, link = _compose(appointments[key], reminders, facts)
            except Exception as error:  # it stays due and is tried again with the next sweep
                logger.error("The mail about appointment %s cannot be made (%s).", key, type(error).__name__)
                passed_over.add(key)
                continue
            mails += [mail] if mail else []
            new_links += [link] if link else []
            settled += reminders
        outbox.queue_mails(mails)
        PatientLink.objects.bulk_create(new_links)
        Reminder.objects.bulk_update(settled, ["state", "mail"])
        return len(mails)


@dataclass(frozen=True)
class Facts:
    """What the mails of a batch go by beside their appointments, read once for all of them."""

    now: datetime
    gaps: Gaps
    held: set[int]  # sessions that wait for a clinician: their time is kept and not final
    stopped: set[int]  # sessions that cannot take place as things stand: their patient had better not come
    asked: set[int]  # appointments whose patient has a link to the check
    warned_of_sun: set[tuple[int, int]]  # appointments, at a revision, whose patient has heard from when on
    ended_at: dict[int, datetime]  # when the needling of a session ended


def _facts_about(appointments: Collection[Appointment], now: datetime) -> Facts:
    sessions = [appointment.session_id for appointment in appointments]
    newest = {}
    screenings = Screening.objects.filter(session__in=sessions)
    for screening in screenings.newest_first().select_related("decision").defer("answers"):
        newest.setdefault(screening.session_id, screening)
    prepared = Reminder.objects.filter(appointment__in=appointments, kind=Kind.BEFORE_48H, state=State.MAILED)
    ended = Visit.objects.filter(session__in=sessions, ended_at__isnull=False)
    in_the_way = {session: screening for session, screening in newest.items() if screening.stands_in_the_way}
    stopped = {
        session
        for session, screening in in_the_way.items()
        if Outcome(screening.outcome).is_blocking or hasattr(screening, "decision")  # which has put it off
    }
    return Facts(
        now=now,
        gaps=current_gaps(),
        held=in_the_way.keys() - stopped,
        stopped=stopped,
        asked=set(
            PatientLink.objects.filter(appointment__in=appointments, purpose=PatientLink.Purpose.PREVISIT).values_list(
                "appointment", flat=True
            )
        ),
        warned_of_sun=set(
            prepared.exclude(mail__status__in=OutgoingMail.Status.NEVER_ARRIVED).values_list("appointment", "revision")
        ),
        ended_at=dict(ended.values_list("session", "ended_at")),
    )


def _compose(
    appointment: Appointment, reminders: list[Reminder], facts: Facts
) -> tuple[OutgoingMail | None, PatientLink | None]:
    """One mail for all that is due of an appointment, with the link whose address stands in it; neither stored yet.

    Marks the reminders as mailed with it, or as left out.
    """
    standing = [reminder for reminder in reminders if _has_a_point(reminder, appointment, facts)]
    for reminder in reminders:
        reminder.state = State.SKIPPED
    if not standing or not appointment.patient.email:
        return None, None
    kinds = {reminder.kind for reminder in standing}
    name = next(kind for kind in LEADING_FIRST if kind in kinds)
    link, leading_on = _link_in(appointment, kinds, facts)
    context = _context(appointment, kinds, facts) | leading_on
    rendered = emails.render(name.value, context)
    method, is_open = WITH_CALENDAR.get(name, ""), context["is_held"] or context["is_stopped"]
    mail = outbox.compose_mail(
        to=appointment.patient.email,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        calendar=calendar_file(appointment, method=method, is_tentative=is_open, now=facts.now) if method else "",
        calendar_method=method,
        due_at=facts.now,
        expires_at=_point_ends(name, appointment, facts),
        now=facts.now,
    )
    for reminder in standing:
        reminder.state, reminder.mail = State.MAILED, mail
    return mail, link


def _link_in(appointment: Appointment, kinds: set[str], facts: Facts) -> tuple[PatientLink | None, dict]:
    """The link of a mail, and what the mail says about it. Its token is in the mail and nowhere else."""
    is_due = facts.now >= _check_due(appointment)
    is_late = Kind.FINAL in kinds and appointment.pk not in facts.asked  # the mail of its time has asked nothing
    is_check = Kind.BEFORE_48H in kinds or (is_due and (Kind.NEW_LINK in kinds or is_late))
    asks = is_check and appointment.session_id not in facts.stopped
    if not asks and kinds.isdisjoint((Kind.CONFIRMATION, Kind.MOVED, Kind.NEW_LINK)):
        return None, {}
    token, token_hash = links.mint()
    link = PatientLink(
        appointment=appointment,
        purpose=PatientLink.Purpose.PREVISIT if is_check else PatientLink.Purpose.BOOKING,
        token_hash=token_hash,
        created_at=facts.now,
        expires_at=appointment.starts_at,
    )
    url = settings.SITE_URL + reverse("scheduling:link-open", args=[token])
    return link, {"link_url": url, "is_check": is_check}


def _point_ends(kind: str, appointment: Appointment, facts: Facts) -> datetime:
    """From when on a mail of this kind is of no use any more."""
    if kind in OF_USE_AFTER:
        return facts.ended_at[appointment.session_id] + OF_USE_AFTER[kind]
    if kind == Kind.GET_READY and (appointment.pk, appointment.revision) in facts.warned_of_sun:
        return appointment.starts_at - facts.gaps.sun
    return appointment.ends_at if kind == Kind.CANCELLED else appointment.starts_at


def _has_a_point(reminder: Reminder, appointment: Appointment, facts: Facts) -> bool:
    if reminder.kind in OF_USE_AFTER:
        is_as_told = appointment.state == Appointment.State.COMPLETED and appointment.session_id in facts.ended_at
    else:
        is_as_told = appointment.is_cancelled == (reminder.kind == Kind.CANCELLED)
    if reminder.kind == Kind.GET_READY and appointment.session_id in facts.stopped:
        return False
    if reminder.kind == Kind.FINAL and appointment.session_id in facts.held | facts.stopped:
        return False
    return (
        is_as_told
        and reminder.revision == appointment.revision
        and facts.now < _point_ends(reminder.kind, appointment, facts)
    )


def _context(appointment: Appointment, kinds: set[str], facts: Facts) -> dict:
    location = appointment.location
    local = appointment.starts_at.astimezone(location.zone)
    context = {
        "clinic_name": location.name,
        "first_name": appointment.patient.given_name,
        "start": _full_date(local),
        "day": format_date(local, "l j F"),
        "weekday": format_date(local, "l"),
        "is_held": appointment.session_id in facts.held,
        "is_stopped": appointment.session_id in facts.stopped,
        "minutes": int((appointment.ends_at - appointment.starts_at).total_seconds() // 60),
        "with_preparation": _prepares(appointment, kinds, facts),
        "with_medicine_gap": Kind.GET_READY in kinds,
        "sun_hours": _hours(facts.gaps.sun),
        "medicine_gap_hours": _hours(facts.gaps.immune_medicine),
        "practitioner": appointment.practitioner.name,
        "place": location.address or location.name,
        "address": location.address,
        "phone": location.phone,
        "phone_link": location.phone_link,
        "emergency_phone": location.emergency_phone,
        "zone_sentence": _zone_sentence(location.zone_name),
        "about_url": settings.SITE_URL + reverse("scheduling:about-treatment"),
    }
    sun_from = appointment.starts_at - facts.gaps.sun
    if facts.now < sun_from:
        sun_from = sun_from.astimezone(location.zone)
        context |= {"sun_from": _full_date(sun_from), "sun_from_short": format_date(sun_from, "l H:i")}
    if ended_at := facts.ended_at.get(appointment.session_id):
        for name, days in {"first_day_ends": 1, "second_day_ends": 2, "third_day_ends": 3}.items():
            context[name] = _full_date((ended_at + timedelta(days=days)).astimezone(location.zone))
    return context


def _prepares(appointment: Appointment, kinds: set[str], facts: Facts) -> bool:
    """Whether a mail says how to get ready. Two days before, so does one that says that the visit is final."""
    is_close = Kind.FINAL in kinds and facts.now >= _check_due(appointment)
    is_stopped = appointment.session_id in facts.stopped
    return not is_stopped and (is_close or not kinds.isdisjoint((Kind.BEFORE_48H, Kind.GET_READY)))


def _full_date(local: datetime) -> str:
    return format_date(local, "l j F Y, H:i")


def _hours(gap: timedelta) -> int:
    return int(gap.total_seconds() // 3600)


def _zone_sentence(zone_name: str) -> str:
    if zone_name == "Europe/London":
        return _("Times are UK time.")
    return _("Times are %(city)s time.") % {"city": zone_name.rpartition("/")[2].replace("_", " ")}
