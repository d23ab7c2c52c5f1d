"""What the frame around every page shows."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic import times
from clinic.access import MANAGERS, location_of, locations_of, roles_of

# What counts the things behind an entry; the side bar asks for it once the page is there, and when the board changes.
COUNTS = {"scheduling:worklists": "scheduling:worklists-count"}


def shell(request):
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {"shell": {"is_demo": settings.IS_DEMO}}
    roles = roles_of(request.user)
    locations = locations_of(request)
    entries = [
        ("scheduling:day-show", _("My day"), "clipboard-list", request.user.is_practitioner),
        ("scheduling:board-day", _("Day board"), "calendar-days", True),
        ("scheduling:booking-create", _("New booking"), "circle-plus", True),
        ("patients:patient-list", _("Patients"), "users", True),
        ("scheduling:worklists", _("Worklists"), "list-checks", True),
        ("scheduling:rule-list", _("Rules"), "scale", request.user.is_lead),
        ("clinic:settings", _("Settings"), "settings", bool(set(roles) & set(MANAGERS))),
        ("scheduling:mailbox-list", _("Demo mailbox"), "mail", settings.IS_DEMO),
    ]
    nav = [
        {
            "url": (url := reverse(name)),
            "label": label,
            "icon": icon,
            "current": request.path.startswith(url),
            "count_url": reverse(COUNTS[name]) if name in COUNTS and locations else "",
        }
        for name, label, icon, shown in entries
        if shown
    ]
    return {
        "shell": {
            "location": location_of(request) if locations else None,
            "locations": locations,
            "roles": [role.label for role in roles],
            "nav": nav,
            "is_demo": settings.IS_DEMO,
            "clock_offset": times.offset(),
        }
    }
