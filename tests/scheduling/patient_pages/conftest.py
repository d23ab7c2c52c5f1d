import pytest

from tests.factories import NOW
from treatments.catalogue import shipped_text
from treatments.publishing import publish_catalogue


@pytest.fixture
def clock(clinic_clock):
    """The clinic's clock at NOW, with the questions as they are shipped; returned to move it on."""
    publish_catalogue(text=shipped_text(), by=None, now=NOW)
    return clinic_clock
