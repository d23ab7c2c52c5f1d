from datetime import timedelta

import pytest
from celery import current_app
from django.conf import settings
from django.core import mail

from clinic import times
from clinic.heartbeats import last_beat
from clinic.models import OutgoingMail
from scheduling.tasks import sweep
from tests.factories import make_appointment

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def test_beat_knows_the_sweep_by_its_name():
    [entry] = settings.CELERY_BEAT_SCHEDULE.values()
    assert current_app.tasks[entry["task"]].name == sweep.name
    assert entry["options"]["expires"] < settings.SWEEP_SECONDS


def test_sweep_takes_a_booking_all_the_way_to_the_mail_server():
    now = times.now()
    started = times.real_now()
    appointment = make_appointment(starts_at=_morning_after(now, days=9), now=now)
    sweep()
    sweep()
    [arrived] = mail.outbox
    assert arrived.to == [appointment.patient.email]
    assert OutgoingMail.objects.get().status == OutgoingMail.Status.SENT
    assert last_beat("sweep") >= started


def test_sweep_without_anything_to_do_still_beats():
    sweep()
    assert mail.outbox == []
    assert last_beat("sweep") is not None


def _morning_after(now, days):
    """Eleven o'clock in London or noon, according to the season: within anybody's hours."""
    return (now + timedelta(days=days)).replace(hour=11, minute=0, second=0, microsecond=0)
