"""The day board."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from clinic import times
from clinic.access import EVERYBODY, allow, location_of, locations_of
from scheduling.board import read_board, visits_of_day
from scheduling.forms import day_of
from scheduling.live import token_of_day
from scheduling.models import Appointment
from scheduling.views.appointments import panel_context, uuid_or_none


@require_safe
@allow(*EVERYBODY)
def home(request: HttpRequest) -> HttpResponse:
    """Whoever treats begins with her own day, everybody else with the board."""
    return redirect("scheduling:day-show" if request.user.is_practitioner else "scheduling:board-day")


@require_safe
@allow(*EVERYBODY)
def board_day(request: HttpRequest) -> HttpResponse:
    """A day of the location on the screen, `?day=2026-03-29`; with `?appointment=` its panel is open beside it.

    The fragment is not drawn again while it would look as it was `?seen=` last.
    """
    now = times.now()
    location = location_of(request)
    day = day_of(request.GET.get("day")) or times.local_date(now, location.zone)
    token = token_of_day(visits_of_day(location, day), now=now)
    if request.htmx and request.GET.get("seen") == token:
        return HttpResponse(status=204)
    context = {"board": read_board(location=location, day=day, now=now), "token": token}
    if request.htmx:
        return render(request, "scheduling/_board.html", context)
    opened = uuid_or_none(request.GET.get("appointment"))
    appointment = opened and (
        Appointment.objects.of_locations(locations_of(request)).with_everything().filter(public_id=opened).first()
    )
    if appointment:
        context |= panel_context(request, appointment)
    return render(request, "scheduling/board_day.html", context)
