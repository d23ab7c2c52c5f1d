from datetime import timedelta

import pytest

from clinic.heartbeats import beat, last_beat
from clinic.models import Heartbeat
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def test_last_beat_is_the_newest_and_one_row_a_name():
    assert last_beat("sweep") is None
    beat(name="sweep", at=NOW)
    beat(name="other", at=NOW)
    beat(name="sweep", at=NOW + timedelta(seconds=30))
    assert last_beat("sweep") == NOW + timedelta(seconds=30)
    assert Heartbeat.objects.count() == 2
