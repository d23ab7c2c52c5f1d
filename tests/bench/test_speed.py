"""How long the clinic's work takes beside a view that does nothing, in the same run on the same full clinic.

Absolute times say more about the machine than about the code, so the tables carry ratios.
"""

import json
import statistics
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse

from clinic import times
from clinic.models import User
from patients.models import Patient
from scheduling import booking
from scheduling.board import visits_of_day
from scheduling.demo_clinic import make_demo_clinic
from scheduling.live import token_of_day
from scheduling.models import Appointment, RuleRun
from scheduling.rule_runs import BATCH, publish_rules, work_off_runs
from scheduling.rule_trials import try_on_bookings
from scheduling.slots import find_slots
from treatments.catalogue import read
from treatments.models import CatalogueVersion, Protocol
from treatments.publishing import catalogue_of, drafted_catalogue
from treatments.screening import evaluate

pytestmark = [pytest.mark.bench, pytest.mark.django_db]

REPEATS = 31
ANSWERS = {"Q04": "yes", "Q04b": "2025-08-31", "Q05": "no"}


def median_ms(call) -> float:
    call()
    taken = []
    for _each in range(REPEATS):
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def queries(call) -> int:
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


@pytest.fixture
def clinic():
    return make_demo_clinic(now=times.now(), passwords={"reception": "for the bench only"})


@override_settings(ROOT_URLCONF="tests.bench.urls")
def test_pages_and_writers(clinic, add_table):
    now = times.now()
    browser = Client()
    browser.force_login(User.objects.get(username="reception"), settings.AUTHENTICATION_BACKENDS[-1])
    visit = Appointment.objects.filter(starts_at__gt=now, state="booked").with_everything().first()
    patient, protocol = visit.patient, visit.session.course.protocol
    today = times.local_date(now, clinic.zone)
    search = {"location": clinic, "protocol": protocol, "patient": patient, "zones": [], "now": now}
    free = find_slots(first_day=today + timedelta(days=60), days=40, **search)

    def book_and_cancel():
        slot = free[len(free) // 2]
        booked = booking.book_appointment(
            patient=patient, protocol=protocol, zones=[], location=clinic, practitioner=slot.practitioner,
            starts_at=slot.starts_at, by=None, now=now,
        )  # fmt: skip
        booking.cancel_appointment(appointment=booked, revision=0, by=None, now=now)

    seen = token_of_day(visits_of_day(clinic, today), now=times.now())
    work = {
        "a bare view": lambda: Client().get("/bare/"),
        "an empty signed-in view": lambda: browser.get("/signed-in/"),
        "the board of today": lambda: browser.get(reverse("scheduling:board-day")),
        "the board of today, unchanged": lambda: browser.get(
            reverse("scheduling:board-day"), {"seen": seen}, headers={"HX-Request": "true"}
        ),
        "the panel of a visit": lambda: browser.get(
            reverse("scheduling:appointment-show", args=[visit.public_id]), headers={"HX-Request": "true"}
        ),
        "the worklists": lambda: browser.get(reverse("scheduling:worklists")),
        "their number in the side bar": lambda: browser.get(reverse("scheduling:worklists-count")),
        "finding a patient": lambda: browser.post(reverse("patients:patient-list"), {"q": "mar"}),
        "free times, anybody, 28 days": lambda: find_slots(first_day=today, days=28, **search),
        "free times, anybody, 60 days": lambda: find_slots(first_day=today, days=60, **search),
        "a booking and its cancellation": book_and_cancel,
    }
    took = {name: median_ms(call) for name, call in work.items()}
    bare, signed_in, *_rest = took.values()
    rows = [
        {
            "what": name,
            "ms": f"{ms:.2f}",
            "x bare": f"{ms / bare:.1f}",
            "x signed in": f"{ms / signed_in:.1f}",
            "queries": queries(work[name]),
        }
        for name, ms in took.items()
    ]
    add_table(f"{Appointment.objects.count()} visits, {Patient.objects.count()} patients, {connection.vendor}", rows)
    assert len(rows) == len(work)


def test_screening_beside_one_indexed_query(clinic, add_table):
    catalogue, protocol = read(), Protocol.objects.first()
    start, visit = times.now() + timedelta(days=30), Appointment.objects.first()

    def screen():
        return evaluate(
            catalogue=catalogue, answers=ANSWERS, stage="checkin", visit_start=start, zone=clinic.zone,
            protocol=protocol.code,
        )  # fmt: skip

    ours, one_query = median_ms(screen), median_ms(lambda: Appointment.objects.get(pk=visit.pk))
    add_table(
        f"All active rules for one visit ({len(json.dumps(ANSWERS))} bytes of answers)",
        [{"rules, ms": f"{ours:.3f}", "one indexed query, ms": f"{one_query:.3f}", "ratio": f"{ours / one_query:.2f}"}],
    )
    assert screen().outcome


def test_new_rules_over_every_visit_to_come(clinic, add_table):
    """One version over all visits to come, as the sweep works it off, and the trial of the same before."""
    now, version = times.now(), CatalogueVersion.objects.current()
    text = version.source.replace("months: 6,", "months: 9,", 1)
    lead = User.objects.filter(is_lead=True).first()
    drafted_catalogue(text, base=catalogue_of(version))  # read once in a process, whatever is done with it
    started = time.perf_counter()
    trial = try_on_bookings(text=text, now=now)
    tried = time.perf_counter() - started
    publish_rules(text=text, on_top_of=version.number, note="Nine months.", by=lead, now=now)
    started = time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        done = sum(iter(lambda: work_off_runs(now=now), 0))
    took, batches = time.perf_counter() - started, done // BATCH + 1
    add_table(
        f"A new version over {done} visits to come, {connection.vendor}",
        [
            {
                "trial, s": f"{tried:.1f}",
                "run, s": f"{took:.1f}",
                "ms a visit": f"{took / done * 1000:.1f}",
                "batches": batches,
                "queries a batch": f"{len(captured) / batches:.0f}",
                "lights changed": RuleRun.objects.get().changed,
            }
        ],
    )
    assert (done, RuleRun.objects.get().changed) == (trial.checked, len(trial.turns))
