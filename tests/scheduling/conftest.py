from datetime import timedelta

import pytest

from clinic import times
from tests.factories import NOW


@pytest.fixture
def clinic_clock(settings, tmp_path):
    """The clock at which the clinic's pages are read: NOW of the factories, moved on by whoever calls this."""
    settings.CLOCK_FILE = tmp_path / "clock"
    times.move_clock(by=NOW - times.real_now())

    def move_on(**by):
        times.move_clock(by=timedelta(**by))

    return move_on
