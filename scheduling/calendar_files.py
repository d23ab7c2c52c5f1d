"""The calendar file of an appointment."""

from datetime import UTC, datetime

from django.conf import settings
from django.utils.translation import gettext as _
from icalendar import Calendar, Event

from scheduling.models import Appointment

PUBLISH = "PUBLISH"
CANCEL = "CANCEL"


def calendar_file(appointment: Appointment, *, method: str, is_tentative: bool = False, now: datetime) -> str:
    """The file with which a patient's calendar adds, moves (PUBLISH) or drops (CANCEL) the visit.

    The UID never changes and SEQUENCE is the revision, so that a later file replaces an earlier one. Times are in
    UTC. Nothing in it tells a calendar that others can see what the visit is for.
    """
    event = Event()
    event.add("UID", f"{appointment.public_id}@{settings.SITE_HOST}")
    event.add("SEQUENCE", appointment.revision)
    event.add("DTSTAMP", now.astimezone(UTC).replace(microsecond=0))
    event.add("DTSTART", appointment.starts_at.astimezone(UTC))
    event.add("DTEND", appointment.ends_at.astimezone(UTC))
    event.add("SUMMARY", _("Appointment at %(clinic)s") % {"clinic": appointment.location.name})
    event.add("LOCATION", appointment.location.address or appointment.location.name)
    event.add("CLASS", "PRIVATE")
    event.add("STATUS", "CANCELLED" if method == CANCEL else "TENTATIVE" if is_tentative else "CONFIRMED")
    calendar = Calendar()
    calendar.add("PRODID", "-//Needlepoint//Visits//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", method)
    calendar.add_component(event)
    return calendar.to_ical().decode()
