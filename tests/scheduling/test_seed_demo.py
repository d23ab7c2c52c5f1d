"""The demo clinic, held against the rules of the booking by plain code of its own."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, time, timedelta
from io import StringIO
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from clinic.models import OutgoingMail, User
from clinic.views.accounts import DEMO_ACCOUNTS
from patients.models import MedicalFact, Patient
from patients.partial_dates import PartialDate
from scheduling import booking
from scheduling.board import read_board
from scheduling.demo_clinic import Size, make_demo_clinic
from scheduling.models import Appointment, Closure, Occupancy, Reminder, TimeOff, WorkingHours
from scheduling.reminders import mail_due_reminders
from scheduling.worklists import read_worklists
from tests.factories import NOW, make_location, make_signed_visit, signed_in
from treatments import charting
from treatments.answers import known_answers
from treatments.catalogue import Stage
from treatments.gates import gates
from treatments.models import (
    Amendment,
    Consent,
    Course,
    CoursePlan,
    CourseSession,
    PrescriberAdvice,
    Protocol,
    Screening,
    ScreeningDecision,
    Visit,
    ZoneRecord,
)
from treatments.screenings import screen_patient

pytestmark = pytest.mark.django_db

LONDON = ZoneInfo("Europe/London")
SMALL = Size(patients=150, days_behind=7, days_ahead=7)
TODAY_ALONE = Size(patients=200, days_behind=0, days_ahead=0)
# The clocks change on 29 March and 25 October.
SPRING = datetime(2026, 3, 24, 11, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 22, 11, 0, tzinfo=UTC)


def _all_visits() -> list[Appointment]:
    return list(
        Appointment.objects.with_everything().prefetch_related(
            "session__screenings__findings", "session__screenings__decision", "session__course__zones"
        )
    )


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

    skin = defaultdict(list)
    for visit in standing:
        zones = {zone.code for zone in visit.session.course.zones.all()}
        skin[visit.patient.pk].append((_day(visit.starts_at), zones))
    for needled in skin.values():
        for (before, zones), (after, others) in combinations(sorted(needled, key=lambda each: each[0]), 2):
            is_the_same = not zones or not others or zones & others
            assert before < after and (not is_the_same or (after - before).days >= 28)


def _later(day, months: int):
    """The same day of the month some months later; in the demo's few courses no day is missing there."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, 28))


def _assert_in_courses(visits: list[Appointment]) -> None:
    """The sessions of a course count from one without a gap, each within the weeks that its protocol allows."""
    of_course = defaultdict(dict)
    for visit in visits:
        if not visit.is_cancelled:
            assert visit.session.number not in of_course[visit.session.course_id]
            of_course[visit.session.course_id][visit.session.number] = visit
    for each in Course.objects.select_related("protocol").prefetch_related("sessions"):
        protocol, days, sessions = each.protocol, of_course[each.pk], list(each.sessions.all())
        assert each.planned_sessions == 1 or (protocol.sessions_min <= each.planned_sessions <= protocol.sessions_max)
        refreshes = protocol.refreshers_min_per_year and each.planned_sessions > 1
        assert each.refreshers_per_year in ({1, 2} if refreshes else {None})
        assert [session.number for session in sessions] == list(range(1, len(sessions) + 1))
        kinds = ["planned"] * each.planned_sessions + ["refresher"] * (len(sessions) - each.planned_sessions)
        assert [session.kind for session in sessions] == kinds
        assert sorted(days) == list(range(1, len(days) + 1))
        for number in range(2, len(days) + 1):
            before, after = _day(days[number - 1].starts_at), _day(days[number].starts_at)
            assert days[number - 1].created_at <= days[number].created_at
            if number > each.planned_sessions:
                months = 12 // each.refreshers_per_year
                assert _later(before, months) <= after <= _later(before, 2 * months)
            else:
                weeks = (after - before).days / 7
                assert protocol.interval_weeks_min <= weeks <= protocol.interval_weeks_max


def _assert_states(visits: list[Appointment], now: datetime) -> None:
    """What is over is completed, and what lies ahead is not; nobody was treated before."""
    for visit in visits:
        if visit.is_cancelled:
            assert visit.arrived_at is None
        elif visit.ends_at <= now:
            assert visit.state == "completed"
            assert abs(visit.arrived_at - visit.starts_at) <= timedelta(minutes=15)
        else:
            assert visit.state in {"booked", "confirmed", "arrived", "in_treatment"}
            assert visit.state in {"booked", "confirmed"} or _day(visit.starts_at) == _day(now)
    assert Visit.objects.count() == sum(visit.state in {"completed", "in_treatment"} for visit in visits)
    assert Consent.objects.count() >= Visit.objects.count()


def _assert_records(now: datetime, every: int) -> None:
    """The records hold before the writers' own checks, as if each value were given now."""
    lots = Counter(Visit.objects.exclude(cartridge_lot="").values_list("cartridge_make", "cartridge_lot"))
    assert set(lots.values()) == {1}
    records = Visit.objects.with_everything().filter(ended_at__isnull=False).order_by("pk")
    for record in records:
        [appointment] = record.session.appointments.taking_time()
        assert appointment.arrived_at < record.session.consent.signed_at < record.started_at
        assert record.started_at < record.ended_at <= min(appointment.ends_at, now)
        if record.signed_at:
            assert record.signed_by == record.practitioner.user == appointment.practitioner.user
            assert record.ended_at <= record.signed_at <= now and _day(record.signed_at) == _day(record.ended_at)
    for record in records.filter(signed_at__isnull=False)[::every]:
        appointment = record.session.appointments.taking_time().get()
        assert charting.left_to_sign(record) == []
        assert [gate.words for gate in gates(session=record.session, start=appointment.starts_at) if gate.is_open] == []
        charting.check_numbing(record, now)
        charting.check_details(record)
        for each in record.zone_records.select_related("zone"):
            charting.check_zone(record, each.zone, each.depth_mm, each.passes, each.reason)
        for each in record.topicals.all():
            put_on = {"name": each.name, "lot": each.lot, "expires_on": each.expires_on}
            assert charting.clean_topical(record, **put_on) == put_on


def _assert_eligible(visits: list[Appointment]) -> None:
    """Six months lie between the last capsule and a visit; nobody comes who may not; no open question in the past."""
    facts = defaultdict(dict)
    for fact in MedicalFact.objects.current():
        facts[fact.patient_id][fact.subject] = fact
    for visit in visits:
        known = facts[visit.patient.pk]
        if (isotretinoin := known.get("isotretinoin")) and isotretinoin.answer == "yes":
            last, local = PartialDate.parse(isotretinoin.on).latest(), _day(visit.starts_at)
            months = (local.year - last.year) * 12 + local.month - last.month
            assert (months, local.day) >= (6, last.day)
        if advice := known.get("prescriber's advice on immune medicine"):
            assert advice.answer != "keep_taking"


def _assert_screened(visits: list[Appointment], now: datetime) -> None:
    """Every visit was screened when it was booked, and on its day when it took place; then nothing stood in the way."""
    for visit in visits:
        assert visit.created_at <= now
        screenings = [each for each in visit.session.screenings.all() if each.for_start == visit.starts_at]
        stages = Counter(each.stage for each in screenings)
        assert stages["booking"] == 1
        booked = next(each for each in screenings if each.stage == "booking")
        assert booked.created_at == visit.created_at
        assert booked.outcome in {"pass", "advise", "hold"}
        if booked.outcome == "hold":
            assert _day(visit.starts_at) >= _day(now) and visit.state in {"booked", "cancelled"}
        if visit.state in {"completed", "in_treatment"}:
            assert stages["checkin"] >= 1
            assert not max(screenings, key=lambda each: each.created_at).stands_in_the_way
        elif visit.state != "arrived":
            assert stages["checkin"] == 0
    for visit in visits[:: max(1, len(visits) // 40)]:
        [stored] = [
            each
            for each in visit.session.screenings.all()
            if (each.for_start, each.stage) == (visit.starts_at, "booking")
        ]
        result = screen_patient(
            patient=visit.patient,
            protocol=visit.session.course.protocol,
            stage=Stage.BOOKING,
            start=visit.starts_at,
            zone=LONDON,
            zones=visit.session.course.zones.all(),
        )
        assert [(finding.rule, finding.outcome, finding.reason) for finding in result.findings] == list(
            stored.findings.values_list("rule_code", "outcome", "reason")
        )


def _fullness(now: datetime, size: Size) -> float:
    """The share of the practitioners' hours in which a patient is with them, or waits for the cream to work."""
    minutes_with_patients, minutes_of_work = set(), set()
    first_day = datetime.combine(_day(now) - timedelta(days=size.days_behind), time.min, tzinfo=LONDON)
    for visit in Appointment.objects.taking_time().filter(starts_at__gte=first_day):
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


def _stages_of_courses(visits: list[Appointment], now: datetime) -> Counter[str]:
    """How many courses are where, by the days that their visits leave."""
    of_course, stages = defaultdict(list), Counter()
    for visit in visits:
        if not visit.is_cancelled:
            of_course[visit.session.course].append(visit)
    for course, booked in of_course.items():
        protocol, sessions = course.protocol, course.sessions.count()
        done = sum(visit.state == "completed" for visit in booked)
        since = (_day(now) - _day(booked[-1].starts_at)).days / 7
        if course.planned_sessions == 1:
            stages["single"] += 1
        elif len(booked) > course.planned_sessions:
            stages["refresher done" if done == len(booked) else "refresher booked"] += 1
        elif sessions > course.planned_sessions and len(booked) == course.planned_sessions:
            months = 12 // course.refreshers_per_year
            is_due = _later(_day(booked[-1].starts_at), months) <= _day(now)
            stages["refresher due" if is_due else "refresher later"] += 1
        elif done == course.planned_sessions:
            stages["finished"] += 1
        elif done < len(booked):
            stages["not begun" if done == 0 else "next booked"] += 1
        elif since < protocol.interval_weeks_min:
            stages["opening soon"] += 1
        else:
            stages["open" if since <= protocol.interval_weeks_max else "overdue"] += 1
    return stages


@pytest.mark.both
def test_the_whole_clinic_is_legal_and_a_good_half_full():
    location = make_demo_clinic(now=NOW, passwords={})
    visits = _all_visits()
    _assert_legal(visits)
    _assert_in_courses(visits)
    _assert_eligible(visits)
    _assert_states(visits, NOW)
    _assert_screened(visits, NOW)
    _assert_records(NOW, every=25)
    worklists = read_worklists(location=location, now=NOW, for_treating=True)
    assert [each.key for each in worklists if not each.rows] == []
    left_out = [visit for visit in visits if visit.session.screenings.newest_first().first().zones_left_out]
    assert {visit.state for visit in left_out} >= {"booked", "completed"}
    assert 0.5 <= _fullness(NOW, Size()) <= 0.7
    assert (location.patients.count(), location.rooms.count(), location.devices.count()) == (600, 6, 5)
    assert User.objects.filter(is_practitioner=True).count() == 6
    assert {visit.session.course.protocol.code for visit in visits} == set(
        Protocol.objects.values_list("code", flat=True)
    )
    stages = _stages_of_courses(visits, NOW)
    assert set(stages) == {
        "single", "not begun", "next booked", "opening soon", "open", "overdue", "finished",
        "refresher done", "refresher booked", "refresher due", "refresher later",
    }  # fmt: skip
    assert all(stages[each] >= 5 for each in stages if "refresher" not in each)
    since = [(visit.starts_at - NOW).days for visit in visits]
    assert min(since) < -365 and max(since) in range(39, 43)
    assert sum(since[0] <= days < -92 for days in since) < 100 < sum(-92 <= days < -60 for days in since)
    assert not any(visit.starts_at.day == 25 and visit.starts_at.month == 12 for visit in visits)
    ahead = Counter(visit.state for visit in visits if visit.starts_at > NOW)
    assert set(ahead) == {"booked", "confirmed", "cancelled"} and min(ahead.values()) >= 10
    behind = Counter(visit.state for visit in visits if visit.starts_at < NOW)
    assert set(behind) == {"completed", "cancelled"} and 10 < behind["cancelled"] < 0.1 * behind["completed"]


def test_records_differ_as_visits_do():
    make_demo_clinic(now=NOW, passwords={}, size=Size(patients=200, days_behind=28, days_ahead=0))
    records = list(Visit.objects.order_by("pk"))
    assert {each.numbing_strength_percent for each in records} == {None, 4, 5}
    assert all(bool(each.no_numbing_reason) == (each.numbing_strength_percent is None) for each in records)
    assert 0 < sum(bool(each.reaction) for each in records) < len(records) / 5
    assert {each.endpoint for each in records} == {"even_redness", "scattered_pinpoints", "uniform_pinpoint"}
    assert {each.redness for each in records} == {1, 2, 3}
    reasons = [bool(each.reason) for each in ZoneRecord.objects.all()]
    assert 0 < sum(reasons) < len(reasons) / 2
    assert Amendment.objects.exists()
    for amendment in Amendment.objects.select_related("visit"):
        assert amendment.visit.signed_at < amendment.written_at < NOW
        assert 9 <= amendment.written_at.astimezone(LONDON).hour < 17
        assert amendment.written_by == amendment.visit.signed_by
    waiting = list(Visit.objects.unsigned())
    assert {(_day(NOW) - _day(each.ended_at)).days for each in waiting} == {1}
    assert sorted(len(charting.left_to_sign(each)) for each in waiting) == [0, 2]
    assert ZoneRecord.objects.values("zone").distinct().count() >= 8


def test_a_course_that_needs_a_plan_has_one_but_the_next_to_begin():
    make_demo_clinic(now=NOW, passwords={}, size=SMALL)
    lead = User.objects.get(is_lead=True)
    needing = Course.objects.filter(protocol__needs_clinician_plan=True)
    assert {plan.course.protocol.needs_clinician_plan for plan in CoursePlan.objects.all()} == {True}
    assert {plan.signed_by for plan in CoursePlan.objects.all()} == {lead}
    without = needing.get(plan=None, created_at__lt=NOW)  # whoever has just called has none yet either
    first = without.sessions.get(number=1).appointments.taking_time().get()
    assert first.starts_at > NOW
    [gate] = [gate for gate in gates(session=first.session, start=first.starts_at) if gate.code == "plan"]
    assert gate.is_open
    for plan in CoursePlan.objects.select_related("course"):
        assert plan.course.created_at < plan.signed_at <= NOW
        assert not Visit.objects.filter(session__course=plan.course, started_at__lt=plan.signed_at).exists()


def _set_fields(row, *but: str) -> set[str]:
    """The fields that hold something."""
    return {
        field.name for field in row._meta.concrete_fields if getattr(row, field.attname) not in (None, "", False)
    } - {"id", *but}


def test_a_visit_that_is_over_has_the_shape_that_the_writers_leave():
    make_demo_clinic(now=NOW, passwords={}, size=SMALL)
    has_a_visit = Appointment.objects.filter(starts_at__gt=NOW).values("session__course__patient")
    plain = (
        Visit.objects.filter(signed_at__isnull=False, numbing_strength_percent=4)
        .exclude(session__screenings__outcome="block")
        .exclude(session__course__patient__in=has_a_visit)
    )
    demo = next(each for each in plain.with_everything().order_by("pk") if not each.reaction and not each.note)
    course = demo.session.course
    by_writers = make_signed_visit(
        location=demo.device.location,
        patient=course.patient,
        protocol=course.protocol,
        zones=course.zones.all(),
        starts_at=NOW + timedelta(days=60, hours=3),
    )
    own, real = ({"visit": each, "appointment": each.session.appointments.get()} for each in (demo, by_writers))
    for name, row in real.items():
        assert _set_fields(own[name], "swelling", "created_by") == _set_fields(row, "swelling", "created_by")
    assert _set_fields(demo.session.consent) == _set_fields(by_writers.session.consent)
    assert demo.session.consent.text == by_writers.session.consent.text

    def told(visit):
        return [
            (each.stage, each.outcome, each.findings.count(), set(json.loads(each.answers)))
            for each in visit.session.screenings.order_by("created_at")
        ]

    assert told(demo) == told(by_writers)
    kinds = {"confirmation", "before_48h", "get_ready", "after_2h", "after_24h", "after_48h"}
    late = Visit.objects.filter(ended_at__gt=NOW - timedelta(days=2)).first()
    for visit in (late, by_writers):
        assert {each.kind for each in visit.session.appointments.get().reminders.all()} == kinds


@pytest.mark.parametrize("now", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_visits_are_legal_when_the_clocks_change(now):
    make_demo_clinic(now=now, passwords={}, size=SMALL)
    visits = _all_visits()
    assert {visit.starts_at.astimezone(LONDON).utcoffset() for visit in visits} == {timedelta(0), timedelta(hours=1)}
    _assert_legal(visits)
    _assert_in_courses(visits)
    _assert_eligible(visits)
    _assert_states(visits, now)
    _assert_screened(visits, now)
    _assert_records(now, every=10)


def test_more_than_the_owners_rules_have_their_say():
    now = NOW + timedelta(hours=5)
    make_demo_clinic(now=now, passwords={}, size=SMALL)
    visits = _all_visits()
    _assert_legal(visits)
    _assert_in_courses(visits)
    _assert_states(visits, now)
    _assert_screened(visits, now)
    _assert_records(now, every=10)
    assert Visit.objects.filter(ended_at=None).exists()
    ahead = [visit for visit in visits if visit.starts_at > now and not visit.is_cancelled]
    rules = {
        finding.rule_code
        for visit in ahead
        for screening in visit.session.screenings.all()
        for finding in screening.findings.all()
        if finding.outcome == "hold"
    }
    assert any(rule.startswith("E") for rule in rules)
    for patient in Patient.objects.exclude(facts=None)[:20]:
        assert len(known_answers(patient)) > 20


@pytest.mark.parametrize("weekday", range(7))
def test_today_is_alive_on_every_day_of_the_week(weekday):
    now = NOW + timedelta(days=weekday, hours=6)
    location = make_demo_clinic(now=now, passwords={}, size=TODAY_ALONE)
    board = read_board(location=location, day=_day(now), now=now)
    columns = [column for column in board.columns if column.cards]
    assert len(columns) >= (5 if weekday < 5 else 2)
    assert all(len(column.cards) >= 3 for column in columns)
    waiting = [card for card in board.cards if card.is_on_hold and card.appointment.arrived_at is None]
    assert len(waiting) in (1, 2)
    assert sum(card.is_cancelled for card in board.cards) == 1
    assert max(card.lanes for card in board.cards) >= 2
    assert len({card.title for card in board.cards}) >= 3
    states = Counter(card.appointment.state for card in board.cards)
    assert states["completed"] >= 2
    assert weekday >= 5 or (states["in_treatment"] >= 1 and states["arrived"] >= 1)
    assert states["booked"] + states["confirmed"] >= 3


def _open_gates(visit: Appointment) -> set[str]:
    return {gate.code for gate in gates(session=visit.session, start=visit.starts_at) if gate.is_open}


def test_at_noon_somebody_is_treated_and_others_are_in_every_step_before():
    now = NOW + timedelta(days=1, hours=5)
    make_demo_clinic(now=now, passwords={}, size=TODAY_ALONE)
    visits = _all_visits()
    _assert_states(visits, now)
    _assert_records(now, every=1)
    begun = [visit for visit in visits if visit.state == "in_treatment"]
    assert begun and all(visit.session.visit.ended_at is None for visit in begun)
    under_the_cream = max(begun, key=lambda visit: visit.starts_at).session.visit
    assert under_the_cream.numbing_applied_at <= now and under_the_cream.numbing_removed_at is None
    here = {visit: _open_gates(visit) for visit in visits if visit.state == "arrived"}
    assert set() in here.values()  # ready
    assert {"clean_face", "consent"} in [open_ones - {"screening"} for open_ones in here.values()]  # half asked
    blocked = {
        visit: visit.session.screenings.newest_first().first().findings.filter(outcome="block", rule_code="S3").first()
        for visit in here
    }
    [(sunny, finding)] = [(visit, finding) for visit, finding in blocked.items() if finding]
    assert {"screening"} <= here[sunny]
    assert finding.clear_from > sunny.starts_at
    lifted = ScreeningDecision.objects.filter(screening__stage="checkin", screening__for_start__date=_day(now))
    assert lifted.exists()
    for decision in lifted:
        assert decision.decided_by.is_lead and decision.reason
        assert decision.screening.session.visit.signed_at


@pytest.mark.parametrize(("hours", "over"), [(-6, False), (0, False), (13, True), (16, True)])
def test_nobody_is_here_before_the_doors_open_and_after_they_close(hours, over):
    now = NOW + timedelta(days=1, hours=hours)
    make_demo_clinic(now=now, passwords={}, size=TODAY_ALONE)
    today = [visit for visit in _all_visits() if _day(visit.starts_at) == _day(now)]
    states = Counter(visit.state for visit in today)
    assert states["in_treatment"] == states["arrived"] == 0
    assert bool(states["completed"]) == over
    assert bool(states["booked"] + states["confirmed"]) != over


def test_every_outcome_of_a_screening_is_there():
    now = NOW + timedelta(days=1, hours=5)
    make_demo_clinic(now=now, passwords={}, size=Size(patients=250, days_behind=3, days_ahead=21))
    ahead = Screening.objects.filter(for_start__gt=now, session__appointments__state__in=["booked", "confirmed"])
    held = ahead.filter(outcome="hold")
    answers = [json.loads(each.answers) for each in held]
    assert any(each.get("Q04") == "not_sure" for each in answers)
    assert any(each.get("Q05c") == "not_asked" for each in answers)
    lead = User.objects.get(is_lead=True)
    decided = ScreeningDecision.objects.filter(screening__in=held)
    assert 0 < decided.count() < held.count()
    assert all(each.decided_by == lead and each.reason and each.decided_at <= now for each in decided)
    outcomes = Counter(Screening.objects.values_list("stage", "outcome"))
    assert {("booking", "advise"), ("booking", "hold"), ("checkin", "pass"), ("checkin", "block")} <= set(outcomes)
    keeps_taking = Patient.objects.filter(facts__in=[
        fact.pk for fact in MedicalFact.objects.all() if fact.answer == "keep_taking" or fact.on == "still"
    ])  # fmt: skip
    assert keeps_taking and not Course.objects.filter(patient__in=keeps_taking).exists()


def test_the_worklists_have_something_to_do():
    now = NOW + timedelta(days=1, hours=5)
    location = make_demo_clinic(now=now, passwords={}, size=Size(patients=250, days_behind=3, days_ahead=21))
    lists = {each.key: each.rows for each in read_worklists(location=location, now=now, for_treating=True)}
    [locked], [asked] = lists["links"], lists["calls"]
    assert locked.phone and locked.appointment in [row.appointment for row in lists["forms"]]
    assert asked.phone and asked.appointment in [row.appointment for row in lists["screening"]]
    [postponed] = ScreeningDecision.objects.filter(kind="postpone")
    assert [row.appointment.session for row in lists["move"]] == [postponed.screening.session]
    checked = Screening.objects.filter(stage="previsit")
    assert checked.count() > len(lists["forms"])
    assert all(each.created_by is None and each.created_at <= now < each.for_start for each in checked)


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
            CourseSession.objects.values_list("course__patient__search_name", "course__created_at", "number", "kind"),
            CoursePlan.objects.values_list("course__patient__search_name", "text", "signed_at"),
            Visit.objects.values_list("started_at", "cartridge_lot", "numbing_removed_at", "pain", "signed_at"),
            ZoneRecord.objects.values_list("visit__cartridge_lot", "zone__code", "depth_mm", "passes", "reason"),
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
    make_demo_clinic(now=NOW, passwords={}, size=Size(days_behind=0, days_ahead=0))
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
    assert set(PrescriberAdvice.objects.values_list("said", flat=True)) == {"may_pause", "keep_taking"}
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
    before = Reminder.objects.exclude(kind__in=["confirmation", "after_2h", "after_24h", "after_48h"])
    for reminder in before.select_related("appointment__session__course__patient"):
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
    earliest = datetime.combine(_day(NOW) - timedelta(days=3), time.min, UTC)
    assert not Reminder.objects.filter(appointment__starts_at__lt=earliest).exists()


def test_aftercare_is_on_its_way_and_leaves_when_its_hours_come():
    now = NOW + timedelta(days=1, hours=8)
    make_demo_clinic(now=now, passwords={}, size=SMALL)
    aftercare = Reminder.objects.filter(kind__startswith="after_")
    after = {"after_2h": timedelta(hours=2), "after_24h": timedelta(hours=24), "after_48h": timedelta(hours=48)}
    for each in aftercare.select_related("appointment__session__visit"):
        due = each.appointment.session.visit.ended_at + after[each.kind]
        assert due <= each.due_at <= due + timedelta(hours=12)
        assert 8 <= each.due_at.astimezone(LONDON).hour < 20
        if each.due_at > now:
            assert each.state == "planned"
        elif each.appointment.patient.email:
            assert (each.state, each.mail.sent_at) == ("mailed", each.due_at)
        else:
            assert each.state == "skipped"
    ended = Visit.objects.filter(ended_at__gt=now - timedelta(days=2))
    assert set(aftercare.values_list("appointment__session__visit", flat=True)) >= {each.pk for each in ended}
    coming = {kind: aftercare.filter(kind=kind, state="planned").count() for kind in after}
    assert all(coming.values())
    mail_due_reminders(now=now)
    for _day_ahead in range(3):
        now += timedelta(days=1)
        mail_due_reminders(now=now)
    assert not aftercare.filter(state="planned").exists()
    told = aftercare.filter(appointment__session__visit__in=ended, kind="after_48h", state="mailed")
    assert told.filter(mail__status="pending").count() > coming["after_48h"] / 2


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
