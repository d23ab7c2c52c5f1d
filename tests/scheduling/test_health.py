"""/healthz, as whoever watches over the clinic asks it."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.urls import reverse

from clinic import times
from clinic.heartbeats import beat
from clinic.models import OutgoingMail
from tests.factories import make_appointment

pytestmark = pytest.mark.django_db

URL = reverse("scheduling:health")


@pytest.fixture(autouse=True)
def own_clock(settings, tmp_path):
    settings.CLOCK_FILE = tmp_path / "clock"


def health(client):
    answer = client.get(URL)
    assert answer["Cache-Control"] == "no-store, private"
    return answer.status_code, answer.json()


def sweep(ago=timedelta(0)):
    at = times.real_now() - ago
    beat(name="sweep", at=at)
    return at.isoformat()


def make_mail(number=1, **fields):
    now = times.now()
    return OutgoingMail.objects.create(
        **{"message_id": f"<{number}@clinic.example>", "to": "zoe@example.org", "subject": "Your visit", "text": "Hi"}
        | {"due_at": now, "expires_at": now + timedelta(days=1), "created_at": now}
        | fields
    )


def tomorrow_at_ten():
    return (times.now() + timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)


def test_all_is_well_and_nobody_need_sign_in(client):
    at = sweep()
    assert health(client) == (
        200,
        {"status": "ok", "database": "ok", "broker": "ok", "last_sweep": at, "mails_overdue": 0},
    )


def test_before_the_first_sweep_it_is_late(client):
    status, said = health(client)
    assert (status, said["status"], said["last_sweep"]) == (200, "late", None)


def test_four_sweeps_without_one_is_late(client, settings):
    settings.SWEEP_SECONDS = 30
    sweep(ago=timedelta(seconds=115))
    assert health(client)[1]["status"] == "ok"
    sweep(ago=timedelta(seconds=120))
    assert health(client)[1]["status"] == "late"


def test_a_mail_that_should_have_left_a_lease_ago_is_late(client, settings):
    settings.OUTBOX_LEASE_SECONDS = 120
    sweep()
    make_mail(1, due_at=times.now() - timedelta(seconds=110))
    make_mail(2, due_at=times.now() - timedelta(days=1), status=OutgoingMail.Status.SENT)
    assert health(client)[1]["status"] == "ok"
    make_mail(3, due_at=times.now() - timedelta(seconds=121))
    status, said = health(client)
    assert (status, said["status"], said["mails_overdue"]) == (200, "late", 1)


def test_a_moved_clock_makes_no_sweep_late(client):
    sweep()
    times.move_clock(by=timedelta(days=1))
    assert health(client)[1]["status"] == "ok"


def test_the_broker_may_be_away(client, settings):
    sweep()
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 1, "socket_connect_timeout": 1}
    status, said = health(client)
    assert (status, said["status"], said["broker"]) == (200, "ok", "down")


def test_without_the_database_it_is_down(client):
    def refuse(*args):
        raise OperationalError("connection refused")

    with connection.execute_wrapper(refuse):
        assert health(client) == (503, {"status": "down", "database": "down"})


def test_a_reminder_that_no_sweep_has_turned_into_a_mail_is_late(client):
    sweep()
    make_appointment(starts_at=tomorrow_at_ten() + timedelta(days=7), now=times.now() - timedelta(minutes=1))
    assert health(client)[1]["status"] == "ok"
    make_appointment(starts_at=tomorrow_at_ten() + timedelta(days=7), now=times.now() - timedelta(minutes=3))
    status, said = health(client)
    assert (status, said["status"], said["mails_overdue"]) == (200, "late", 1)  # its confirmation
