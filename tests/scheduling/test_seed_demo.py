"""The demo clinic, held against the rules of the booking by plain code of its own."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, time, timedelta
from io import StringIO
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from clinic.models import OutgoingMail, User
from clinic.views.accounts import DEMO_ACCOUNTS
from patients.models import MedicalFact, Patient
from scheduling import booking
from scheduling.board import read_board
from scheduling.demo_clinic import Size, make_demo_clinic
from scheduling.models import Appointment, Closure, Occupancy, Reminder, TimeOff, WorkingHours
from scheduling.reminders import mail_due_reminders
from tests.factories import NOW, make_location, signed_in
from treatments.catalogue import Stage
from treatments.models import Protocol, Screening
from treatments.screenings import screen_patient

pytestmark = pytest.mark.django_db

LONDON = ZoneInfo("Europe/London")
SMALL = Size(patients=150, days_behind=7, days_ahead=7)
TODAY_ALONE = Size(days_behind=0, days_ahead=0)
# The clocks change on 29 March and 25 October.
SPRING = datetime(2026, 3, 24, 11, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 22, 11, 0, tzinfo=UTC)


def _all_visits() -> list[Appointment]:
    return list(Appointment.objects.with_everything().prefetch_related("session__screenings"))


def _day(at: datetime):
    return at.astimezone(LONDON).date()


def _taken(visits: list[Appointment]) -> dict[tuple, list[tuple[datetime, datetime]]]:
    """By resource, what visits take, worked out from the minutes of their protocols."""
    taken = defaultdict(list)
    for visit in visits:
        protocol, start = visit.session.course.protocol, visit.starts_at
        numb = start + timedelta(minutes=protocol.preparation_minutes)
        needle = numb + timedelta(minutes=protocol.numbing_minutes)
        done = needle + timedelta(minutes=protocol.needling_minutes)
        clean = done + timedelta(minutes=protocol.clean_up_minutes)
        taken["practitioner", visit.practitioner_id] += [(start, numb), (needle, done)]
        taken["room", visit.room_id].append((start, clean))
        taken["device", visit.device_id].append((needle, clean))
        taken["patient", visit.patient.pk].append((start, done))
    return taken


def _assert_legal(visits: list[Appointment]) -> None:
    standing = [visit for visit in visits if not visit.is_cancelled]
    taken = _taken(standing)
    for resource, spans in taken.items():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(spans))), resource
    assert Occupancy.objects.count() == sum(map(len, taken.values()))

    hours = defaultdict(list)
    for each in WorkingHours.objects.all():
        hours[each.practitioner_id, each.weekday].append((each.starts, each.ends))
    off = list(TimeOff.objects.all())
    closed = list(Closure.objects.all())
    for visit in visits:
        start, end = (at.astimezone(LONDON) for at in (visit.starts_at, visit.ends_at))
        assert start.date() == end.date()
        assert any(
            opens <= start.time() and end.time() <= closes
            for opens, closes in hours[visit.practitioner_id, start.weekday()]
        )
        assert not any(
            each.practitioner_id == visit.practitioner_id and each.starts_at < end and each.ends_at > start
            for each in off
        )
        assert not any(each.first_day <= start.date() <= each.last_day for each in closed)

    days = defaultdict(list)
    for visit in standing:
        days[visit.patient.pk].append(_day(visit.starts_at))
    for each in days.values():
        assert all((after - before).days >= 28 for before, after in pairwise(sorted(each)))


def _assert_eligible(visits: list[Appointment]) -> None:
    """Six months lie between the last capsule and a visit; nobody comes who may not; no open question in the past."""
    facts = defaultdict(dict)
    for fact in MedicalFact.objects.current():
        facts[fact.patient_id][fact.subject] = fact
    for visit in visits:
        known = facts[visit.patient.pk]
        if (isotretinoin := known.get("isotretinoin")) and isotretinoin.answer == "yes":
            year, month, day = (isotretinoin.on + "-12-31"[len(isotretinoin.on) - 4 :]).split("-")
            earliest_month = int(year) * 12 + int(month) - 1 + 6
            local = _day(visit.starts_at)
            assert (local.year * 12 + local.month - 1, local.day) >= (earliest_month, int(day))
        if advice := known.get("prescriber's advice on immune medicine"):
            assert advice.answer != "keep_taking"


def _assert_screened(visits: list[Appointment], now: datetime) -> None:
    for visit in visits:
        [screening] = visit.session.screenings.all()
        assert (screening.for_start, screening.created_at) == (visit.starts_at, visit.created_at)
        assert screening.outcome in {"pass", "advise", "hold"}
        assert visit.created_at <= now
        if screening.outcome == "hold":
            assert _day(visit.starts_at) >= _day(now) and visit.state != "confirmed"
    for visit in visits[:: max(1, len(visits) // 40)]:
        [screening] = visit.session.screenings.all()
        result = screen_patient(
            patient=visit.patient,
            protocol=visit.session.course.protocol,
            stage=Stage.BOOKING,
            start=visit.starts_at,
            zone=LONDON,
        )
        assert [(finding.rule, finding.outcome, finding.reason) for finding in result.findings] == list(
            screening.findings.values_list("rule_code", "outcome", "reason")
        )


def _fullness(now: datetime, size: Size) -> float:
    """The share of the practitioners' hours in which a patient is with them, or waits for the cream to work."""
    minutes_with_patients, minutes_of_work = set(), set()
    for visit in Appointment.objects.taking_time():
        for minute in range(int(visit.starts_at.timestamp()) // 60, int(visit.ends_at.timestamp()) // 60):
            minutes_with_patients.add((visit.practitioner_id, minute))
    off, closed = list(TimeOff.objects.all()), list(Closure.objects.all())
    for offset in range(-size.days_behind, size.days_ahead + 1):
        day = _day(now) + timedelta(days=offset)
        for stretch in WorkingHours.objects.filter(weekday=day.weekday()):
            start, end = (datetime.combine(day, at, tzinfo=LONDON) for at in (stretch.starts, stretch.ends))
            is_away = any(
                each.practitioner_id == stretch.practitioner_id and each.starts_at < end and each.ends_at > start
                for each in off
            )
            if not is_away and not any(each.first_day <= day <= each.last_day for each in closed):
                for minute in range(int(start.timestamp()) // 60, int(end.timestamp()) // 60):
                    minutes_of_work.add((stretch.practitioner_id, minute))
    assert minutes_with_patients <= minutes_of_work
    return len(minutes_with_patients) / len(minutes_of_work)


@pytest.mark.both
def test_the_whole_clinic_is_legal_and_a_good_half_full():
    location = make_demo_clinic(now=NOW, passwords={})
    visits = _all_visits()
    _assert_legal(visits)
    _assert_eligible(visits)
    _assert_screened(visits, NOW)
    assert 0.5 <= _fullness(NOW, Size()) <= 0.7
    assert (location.patients.count(), location.rooms.count(), location.devices.count()) == (600, 6, 5)
    assert User.objects.filter(is_practitioner=True).count() == 6
    assert {visit.session.course.protocol.code for visit in visits} == set(
        Protocol.objects.values_list("code", flat=True)
    )
    assert {visit.session.course.planned_sessions for visit in visits} == {1}
    first, last = _day(visits[0].starts_at), _day(visits[-1].starts_at)
    assert (_day(NOW) - first).days in range(88, 92) and (last - _day(NOW)).days in range(39, 43)
    states = Counter((visit.starts_at > NOW, visit.state) for visit in visits)
    assert len(states) == 6 and min(states.values()) >= 10
    assert states[False, "confirmed"] > 0.8 * sum(visit.starts_at <= NOW for visit in visits)


@pytest.mark.parametrize("now", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_visits_are_legal_when_the_clocks_change(now):
    make_demo_clinic(now=now, passwords={}, size=SMALL)
    visits = _all_visits()
    assert {visit.starts_at.astimezone(LONDON).utcoffset() for visit in visits} == {timedelta(0), timedelta(hours=1)}
    _assert_legal(visits)
    _assert_eligible(visits)
    _assert_screened(visits, now)


@pytest.mark.parametrize("weekday", range(7))
def test_today_is_alive_on_every_day_of_the_week(weekday):
    now = NOW + timedelta(days=weekday, hours=6)
    location = make_demo_clinic(now=now, passwords={}, size=TODAY_ALONE)
    board = read_board(location=location, day=_day(now), now=now)
    columns = [column for column in board.columns if column.cards]
    assert len(columns) >= (5 if weekday < 5 else 2)
    assert all(len(column.cards) >= 3 for column in columns)
    assert board.on_hold_count in (1, 2)
    assert sum(card.is_cancelled for card in board.cards) == 1
    assert max(card.lanes for card in board.cards) >= 2
    assert len({card.title for card in board.cards}) >= 3


def _content() -> list[list[tuple]]:
    """All that the clinic tells, without the keys that are drawn anew each time."""
    visits = Appointment.objects.values_list(
        "starts_at",
        "ends_at",
        "state",
        "revision",
        "created_at",
        "practitioner__user__username",
        "room__name",
        "device__name",
        "session__course__protocol__code",
        "session__course__patient__search_name",
        "session__course__patient__email",
    )
    return [
        sorted(rows)
        for rows in (
            visits,
            Patient.objects.values_list("search_name", "date_of_birth", "email", "phone", "note", "created_at"),
            MedicalFact.objects.values_list("patient__search_name", "subject", "answer", "on", "recorded_at"),
            Screening.objects.values_list("for_start", "outcome", "answers", "created_at"),
            Reminder.objects.values_list("appointment__starts_at", "kind", "revision", "state", "due_at"),
            OutgoingMail.objects.values_list("to", "status", "due_at"),
        )
    ]


def _content_of(seed: int) -> list[list[tuple]]:
    with transaction.atomic():
        make_demo_clinic(now=NOW, passwords={}, seed=seed, size=SMALL)
        content = _content()
        transaction.set_rollback(True)
    return content


@pytest.mark.both
def test_the_same_seed_makes_the_same_clinic():
    first = _content_of(seed=7)
    assert all(first)
    assert _content_of(seed=7) == first
    assert _content_of(seed=8)[0] != first[0]


def test_patients_are_invented_and_differ():
    make_demo_clinic(now=NOW, passwords={}, size=TODAY_ALONE)
    patients = list(Patient.objects.all())
    names = [patient.name for patient in patients]
    assert len(set(names)) == 600
    for sign in ("'", "-", "é", "ø", "ł"):
        assert any(sign in name for name in names), sign
    assert max(map(len, names)) >= 25
    emails = [patient.email for patient in patients if patient.email]
    assert len(set(emails)) == len(emails) < 600
    assert {email.partition("@")[2] for email in emails} == {"example.org", "example.com", "example.net"}
    phones = [patient.phone_digits for patient in patients if patient.phone]
    assert len(phones) < 600 and all(phone.startswith("07700900") and len(phone) == 11 for phone in phones)
    assert all(patient.email or patient.phone for patient in patients)
    assert all(18 <= patient.age_on(_day(NOW)) < 80 for patient in patients)
    answers = defaultdict(set)
    for fact in MedicalFact.objects.all():
        answers[fact.subject].add(fact.answer)
    assert answers["isotretinoin"] == {"yes", "no", "not_sure"}
    assert answers["prescriber's advice on immune medicine"] == {"may_pause", "keep_taking", "not_asked"}
    assert Patient.objects.filter(facts=None).exists()


@pytest.mark.both
def test_a_handful_of_mails_are_due_at_once():
    make_demo_clinic(now=NOW, passwords={}, size=SMALL)
    due = Reminder.objects.due(NOW)
    assert Counter(due.values_list("kind", flat=True)) == {"confirmation": 6, "before_48h": 4}
    assert mail_due_reminders(now=NOW) == 10
    assert OutgoingMail.objects.filter(status=OutgoingMail.Status.PENDING).count() == 10
    assert not Reminder.objects.due(NOW).exists()


def test_messages_of_visits_ahead_are_as_the_writers_plan_them():
    make_demo_clinic(now=NOW, passwords={}, size=SMALL)
    for reminder in Reminder.objects.exclude(kind="confirmation").select_related(
        "appointment__session__course__patient"
    ):
        visit = reminder.appointment
        if reminder.kind == "before_48h":
            local = visit.starts_at.astimezone(LONDON)
            assert reminder.due_at == datetime.combine(local - timedelta(days=2), local.time(), tzinfo=LONDON)
            assert (reminder.state == "withdrawn") == visit.is_cancelled
        elif reminder.kind == "get_ready":
            assert reminder.due_at <= max(visit.starts_at - timedelta(hours=26), visit.created_at)
            assert (reminder.state == "withdrawn") == visit.is_cancelled
        else:
            assert visit.is_cancelled and visit.created_at < reminder.due_at <= NOW
        if reminder.state == "mailed":
            assert visit.patient.email and reminder.mail.sent_at == reminder.due_at
    live = Appointment.objects.taking_time().filter(starts_at__gt=NOW)
    assert set(live.values_list("reminders__kind", flat=True)) == {"confirmation", "before_48h", "get_ready"}
    assert not Reminder.objects.filter(appointment__starts_at__lt=datetime.combine(_day(NOW), time.min, UTC)).exists()


def test_a_patient_of_the_demo_hears_when_her_visit_is_called_off():
    make_demo_clinic(now=NOW, passwords={}, size=SMALL)
    heard = Reminder.objects.filter(kind="confirmation", state="mailed", appointment__starts_at__gt=NOW)
    visit = heard.exclude(appointment__state="cancelled").first().appointment
    booking.cancel_appointment(appointment=visit, revision=visit.revision, by=None, now=NOW)
    assert [each.state for each in visit.reminders.filter(kind="cancelled")] == ["planned"]


def test_command_makes_a_clinic_once(monkeypatch):
    monkeypatch.setenv("DEMO_PASSWORD", "a password for looking")
    out = StringIO()
    call_command("seed_demo", stdout=out)
    assert "Larkfield has 600 patients" in out.getvalue()
    before = _content()
    call_command("seed_demo", stdout=out)
    assert "There is a clinic already" in out.getvalue()
    assert _content() == before
    accounts = User.objects.in_bulk(field_name="username")
    assert all(accounts[name].check_password("a password for looking") for name in DEMO_ACCOUNTS)
    assert {user.username for user in accounts.values() if user.has_usable_password()} == set(DEMO_ACCOUNTS)
    assert [accounts[name].is_practitioner for name in DEMO_ACCOUNTS] == [False, True, True, False]
    assert signed_in(user=accounts["reception"]).get("/patients/").status_code == 200


@pytest.mark.both
def test_command_leaves_a_real_clinic_alone():
    make_location()
    call_command("seed_demo", stdout=StringIO())
    assert (User.objects.count(), Patient.objects.count()) == (0, 0)


def test_command_is_refused_in_production(settings):
    settings.IS_PRODUCTION = True
    with pytest.raises(CommandError, match="production clinic takes no invented patients"):
        call_command("seed_demo")
    assert not User.objects.exists()
