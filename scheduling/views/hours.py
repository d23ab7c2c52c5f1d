"""Settings of time: a practitioner's week and time off, and the days on which the location is closed."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import times
from clinic.access import MANAGERS, allow, location_of, locations_of
from clinic.editing import EditedMeanwhile
from clinic.models import Practitioner
from scheduling import hours
from scheduling.hours_forms import ClosureForm, TimeOffForm, WeekForm
from scheduling.models import Closure, TimeOff


def _posted(request: HttpRequest):
    return request.POST if request.method == "POST" else None


def _practitioner_or_404(request: HttpRequest, public_id) -> Practitioner:
    """Somebody who works at the location on the screen."""
    at_location = Practitioner.objects.filter(user__locations=location_of(request)).select_related("user")
    return get_object_or_404(at_location, public_id=public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*MANAGERS)
def hours_edit(request: HttpRequest, public_id) -> HttpResponse:
    """A practitioner's week at the location on the screen, and the time off that is to come."""
    practitioner, location = _practitioner_or_404(request, public_id), location_of(request)
    form = WeekForm(_posted(request), week=hours.week_of(practitioner, location))
    differences, status = None, 422 if form.is_bound else 200
    if form.is_valid():
        try:
            hours.set_week(practitioner=practitioner, location=location, seen=form.opened_with, week=form.week)
        except ValidationError as mistakes:
            form.add_mistakes(mistakes)
        except EditedMeanwhile as other:
            differences, status = form.on_top_of(other.stored), 409
        else:
            messages.success(request, _("Saved. Visits that are booked stay where they are."))
            return redirect("scheduling:hours-edit", public_id)
    away = hours.coming_time_off(practitioner=practitioner, location=location, now=times.now())
    context = {"practitioner": practitioner, "form": form, "differences": differences, "away": away}
    return render(request, "scheduling/hours_edit.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*MANAGERS)
def time_off_create(request: HttpRequest, public_id) -> HttpResponse:
    practitioner, now = _practitioner_or_404(request, public_id), times.now()
    form = TimeOffForm(_posted(request), zone=location_of(request).zone)
    if form.is_valid():
        try:
            made = hours.create_time_off(practitioner=practitioner, now=now, **form.span)
        except ValidationError as mistakes:
            form.add_error(None, mistakes)
        else:
            gaps = hours.coming_time_off(practitioner=practitioner, location=location_of(request), now=now)
            _tell_saved(request, next(gap for gap in gaps if gap.row == made))
            return redirect("scheduling:hours-edit", public_id)
    context = {"practitioner": practitioner, "form": form}
    return render(request, "scheduling/time_off_create.html", context, status=422 if form.is_bound else 200)


@require_POST
@allow(*MANAGERS)
def time_off_delete(request: HttpRequest, public_id) -> HttpResponse:
    own = TimeOff.objects.filter(practitioner__user__locations__in=locations_of(request)).distinct()
    time_off = get_object_or_404(own.select_related("practitioner"), public_id=public_id)
    hours.delete_time_off(time_off=time_off)
    messages.success(request, _("The time off is deleted; that time can be booked again."))
    return redirect("scheduling:hours-edit", time_off.practitioner.public_id)


@require_safe
@allow(*MANAGERS)
def closure_list(request: HttpRequest) -> HttpResponse:
    location = location_of(request)
    context = {"location": location, "closures": hours.coming_closures(location=location, now=times.now())}
    return render(request, "scheduling/closure_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*MANAGERS)
def closure_create(request: HttpRequest) -> HttpResponse:
    location, now = location_of(request), times.now()
    form = ClosureForm(_posted(request))
    if form.is_valid():
        try:
            made = hours.create_closure(location=location, now=now, **form.details)
        except ValidationError as mistakes:
            form.add_error(None, mistakes)
        else:
            gaps = hours.coming_closures(location=location, now=now)
            _tell_saved(request, next(gap for gap in gaps if gap.row == made))
            return redirect("scheduling:closure-list")
    context = {"location": location, "form": form}
    return render(request, "scheduling/closure_create.html", context, status=422 if form.is_bound else 200)


@require_POST
@allow(*MANAGERS)
def closure_delete(request: HttpRequest, public_id) -> HttpResponse:
    hours.delete_closure(closure=get_object_or_404(Closure, location__in=locations_of(request), public_id=public_id))
    messages.success(request, _("The closure is deleted; these days can be booked again."))
    return redirect("scheduling:closure-list")


def _tell_saved(request: HttpRequest, gap: hours.Gap) -> None:
    if not gap.visits:
        messages.success(request, _("Saved."))
        return
    messages.warning(
        request,
        ngettext(
            "Saved. %(count)d visit is booked in that time and stays until somebody moves it.",
            "Saved. %(count)d visits are booked in that time and stay until somebody moves them.",
            gap.visits,
        )
        % {"count": gap.visits},
    )
