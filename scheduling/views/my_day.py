"""A practitioner's own day."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clinic import times
from clinic.access import Role, allow, location_of
from clinic.audit import record_opening
from clinic.models import Practitioner
from scheduling.forms import day_of
from scheduling.live import token_of_day
from scheduling.my_day import MyDay, Row, open_row, read_day, visits_of
from scheduling.views.appointments import uuid_or_none


@require_safe
@allow(Role.PRACTITIONER)
def day_show(request: HttpRequest) -> HttpResponse:
    """Her visits of a day, `?day=2026-03-29`; one is open: `?visit=` names it, at first the one that waits for her.

    The fragment is not drawn again while it would look as it was `?seen=` last.
    """
    now, location = times.now(), location_of(request)
    practitioner = Practitioner.objects.filter(user=request.user).first()
    day = day_of(request.GET.get("day")) or times.local_date(now, location.zone)
    if practitioner is None:
        return render(request, "scheduling/day_show.html", {"my_day": MyDay(location, day, now, [], [])})
    token = token_of_day(visits_of(practitioner=practitioner, location=location, day=day), now=now)
    if request.htmx and request.GET.get("seen") == token:
        return HttpResponse(status=204)
    my_day = read_day(practitioner=practitioner, location=location, day=day, now=now)
    row, opened = _chosen(request, my_day), None
    if row:
        record_opening(row.appointment.patient)
        opened = open_row(row, now=now)
    template = "scheduling/_my_day.html" if request.htmx else "scheduling/day_show.html"
    return render(request, template, {"my_day": my_day, "opened": opened, "token": token})


def _chosen(request: HttpRequest, my_day: MyDay) -> Row | None:
    if "visit" not in request.GET:
        return my_day.current
    wanted = uuid_or_none(request.GET["visit"])
    return next((row for row in my_day.rows if row.appointment.public_id == wanted), None)
