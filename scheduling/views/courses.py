"""The page of a course, the plan that the clinical lead signs for it, and its refreshers."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clinic import times
from clinic.access import EVERYBODY, Role, allow, location_of, locations_of, own_or_404
from clinic.audit import record_opening
from scheduling.course_booking import plan_refresher
from scheduling.courses import CourseInTime, courses_in_time
from scheduling.forms import PlanForm, RefresherForm
from treatments.courses import CourseRefused, sign_plan
from treatments.models import Course


def _course(request: HttpRequest, public_id: uuid.UUID) -> Course:
    everything = Course.objects.select_related("patient", "protocol__version", "plan__signed_by")
    return own_or_404(everything, request, public_id)


def _page(request, course: Course, *, plan_form=None, refresher_form=None, refusal="", status=200) -> HttpResponse:
    record_opening(course.patient)
    may_read = request.user.may_read_answers
    [reading] = courses_in_time([course], now=times.now(), zone=location_of(request).zone, with_records=may_read)
    context = {
        "reading": reading,
        "course": course,
        "patient": course.patient,
        "zones": list(course.zones.all()),
        "left_out": _left_out(reading),
        "plan": getattr(course, "plan", None),
        "plan_form": plan_form or PlanForm(),
        "refresher_form": refresher_form or RefresherForm(initial={"per_year": course.refreshers_per_year}),
        "own_locations": locations_of(request),
        "may_read_answers": may_read,
        "refusal": refusal,
    }
    return render(request, "scheduling/course_show.html", context, status=status)


def _left_out(reading: CourseInTime) -> frozenset[str]:
    """The codes of the zones that the next visit goes on without."""
    screening = reading.upcoming and reading.upcoming.newest_screening
    return screening.zones_left_out if screening else frozenset()


@require_safe
@allow(*EVERYBODY)
def course_show(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """A course of a patient who belongs here, with its sessions wherever they take place."""
    return _page(request, _course(request, public_id))


@require_POST
@allow(Role.LEAD)
def course_plan(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The clinical lead signs what she plans for a course."""
    course, form = _course(request, public_id), PlanForm(request.POST)
    if not form.is_valid():
        return _page(request, course, plan_form=form, status=422)
    try:
        sign_plan(course=course, text=form.cleaned_data["text"], by=request.user, now=times.now())
    except CourseRefused as error:
        return _page(request, course, plan_form=form, refusal=error.message, status=409)
    messages.success(request, _("The plan is signed."))
    return redirect("scheduling:course-show", public_id)


@require_POST
@allow(*EVERYBODY)
def course_refresher(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """One more refresher of a course, once or twice a year."""
    course, form = _course(request, public_id), RefresherForm(request.POST)
    if not form.is_valid():
        return _page(request, course, refresher_form=form, status=422)
    try:
        plan_refresher(course=course, per_year=form.cleaned_data["per_year"])
    except CourseRefused as error:
        return _page(request, course, refresher_form=form, refusal=error.message, status=409)
    messages.success(request, _("The refresher is planned. Its window stands below."))
    return redirect("scheduling:course-show", public_id)
