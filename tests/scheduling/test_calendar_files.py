import pytest
from icalendar import Calendar

from scheduling.calendar_files import CANCEL, PUBLISH, calendar_file
from tests.factories import NOW, make_appointment, make_clinic

pytestmark = pytest.mark.django_db


@pytest.fixture
def appointment():
    return make_appointment(location=make_clinic(name="Larkfield Skin Clinic", address="12 Orchard Row; London, E8"))


def read(text: str) -> dict:
    calendar = Calendar.from_ical(text)
    [event] = calendar.walk("VEVENT")
    times = {name: event.decoded(name) for name in ("DTSTAMP", "DTSTART", "DTEND")}
    return {"METHOD": calendar["METHOD"]} | dict(event) | times


def test_file_says_when_and_where_and_not_what_for(appointment, settings):
    settings.SITE_HOST = "clinic.example"
    assert read(calendar_file(appointment, method=PUBLISH, now=NOW)) == {
        "METHOD": "PUBLISH",
        "UID": f"{appointment.public_id}@clinic.example",
        "SEQUENCE": 0,
        "DTSTAMP": NOW,
        "DTSTART": appointment.starts_at,
        "DTEND": appointment.ends_at,
        "SUMMARY": "Appointment at Larkfield Skin Clinic",
        "LOCATION": "12 Orchard Row; London, E8",
        "CLASS": "PRIVATE",
        "STATUS": "CONFIRMED",
    }


def test_times_are_written_in_utc(appointment):
    assert "DTSTART:20260119T100000Z\r\n" in calendar_file(appointment, method=PUBLISH, now=NOW)


def test_sequence_is_the_revision(appointment):
    appointment.revision = 3
    assert read(calendar_file(appointment, method=PUBLISH, now=NOW))["SEQUENCE"] == 3


@pytest.mark.parametrize(
    ("method", "is_tentative", "status"),
    [(PUBLISH, True, "TENTATIVE"), (CANCEL, False, "CANCELLED"), (CANCEL, True, "CANCELLED")],
)
def test_status_follows_the_method_and_the_hold(appointment, method, is_tentative, status):
    read_back = read(calendar_file(appointment, method=method, is_tentative=is_tentative, now=NOW))
    assert (read_back["METHOD"], read_back["STATUS"]) == (method, status)
