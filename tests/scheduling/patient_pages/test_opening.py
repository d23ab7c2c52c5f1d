"""Whether the clinic can be reached now, beside its number."""

import pytest

from tests.reading import words
from tests.scheduling.patient_pages.visitor import Visitor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_opening_hours_stand_beside_the_number(clock):
    visitor = Visitor()
    visitor.enter()
    assert "Open today from 09:00" in words(visitor.get(visitor.url()))
    clock(hours=5)
    assert "Open today until 17:00" in words(visitor.get(visitor.url()))
    clock(hours=6)
    assert "Closed for today" in words(visitor.get(visitor.url()))
