"""What the clinic tells everybody about the treatment. The mails to patients lead here."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from clinic.models import Location
from treatments.catalogue import Catalogue
from treatments.publishing import current_catalogue

# Whose number of treatments is told in advance: from so many to so many, or at most so many. For the rest it is
# planned with the patient.
COUNTED = {
    "acne_scar_moderate": False,
    "scar_thermal_burn": True,
    "stretch_marks": True,
    "wrinkles_fine": False,
    "wrinkles_deep": False,
}


@require_safe
@login_not_required
def about_treatment(request: HttpRequest) -> HttpResponse:
    """The leaflet, with the numbers of the catalogue. It names a clinic only where there is no other."""
    catalogue = current_catalogue()
    places = Location.objects.all()[:2]
    context = {
        "clinic": places[0] if len(places) == 1 else None,
        "longest_mm": catalogue.defaults.depth_hard_max_mm,
        "usual_mm": catalogue.defaults.depth_default_mm,
        "isotretinoin_months": catalogue.rules["S1"].test.params["months"],
        "medicine_gap_hours": catalogue.rules["S2"].test.params["hours"],
        "sun_hours": catalogue.rules["S3"].test.params["hours"],
        "counts": _counts(catalogue),
    }
    return render(request, "scheduling/about_treatment.html", context)


def _counts(catalogue: Catalogue) -> list[dict[str, str]]:
    counts = []
    for code, is_at_most in COUNTED.items():
        if code not in catalogue.protocols:
            continue
        protocol = catalogue.protocols[code]
        sessions, refreshers = protocol.sessions, protocol.refreshers
        most = ngettext("up to %(n)d treatment", "up to %(n)d treatments", sessions.max) % {"n": sessions.max}
        counts.append(
            {
                "name": protocol.name,
                "treatments": most
                if is_at_most
                else _("%(count)s treatments") % {"count": _from_to(sessions.min, sessions.max)},
                "refreshers": refreshers and _from_to(refreshers.min_per_year, refreshers.max_per_year),
            }
        )
    return counts


def _from_to(least: int, most: int) -> str:
    return str(least) if least == most else _("%(least)d to %(most)d") % {"least": least, "most": most}
