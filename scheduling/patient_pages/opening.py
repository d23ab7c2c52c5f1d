"""Whether the clinic can be reached by phone now, as the bar at the end of each page says it."""

from datetime import datetime

from django.db.models import Max, Min
from django.utils.translation import gettext as _

from clinic.models import Location
from scheduling.models import WorkingHours


def opening_today(location: Location, now: datetime) -> str:
    """Today's hours of those who work there, in words; nothing where none are known. Two queries."""
    local = now.astimezone(location.zone)
    hours = WorkingHours.objects.filter(location=location, practitioner__user__is_active=True)
    today = hours.filter(weekday=local.weekday()).aggregate(first=Min("starts"), last=Max("ends"))
    if today["last"] is None:
        return ""
    if location.closures.overlapping_days(local.date(), local.date()).exists():
        return _("Closed today")
    if local.time() < today["first"]:
        return _("Open today from %(time)s") % {"time": f"{today['first']:%H:%M}"}
    if local.time() < today["last"]:
        return _("Open today until %(time)s") % {"time": f"{today['last']:%H:%M}"}
    return _("Closed for today")
