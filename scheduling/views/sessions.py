"""Booking the next session of a course: a free time in its window, in three clicks."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import times
from clinic.access import EVERYBODY, allow, location_of, own_or_404
from clinic.audit import record_opening
from clinic.models import Location, Practitioner
from scheduling import booking
from scheduling.forms import SearchForm, SessionForm
from scheduling.lights import what_it_waits_for
from scheduling.models import Appointment
from scheduling.offers import Offer, offer_times
from scheduling.slots import practitioners_of
from scheduling.timeline import draw_window
from scheduling.views.calls import call_of
from scheduling.views.offering import as_choices, groups_of, is_exception_asked
from treatments.models import CourseSession


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*EVERYBODY)
def session_book(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Free times for a session, and the booking of one. By `?exception=1` the clinical lead asks for any day."""
    everything = CourseSession.objects.select_related("course__patient", "course__protocol")
    session = own_or_404(everything, request, public_id)
    if request.method != "POST":
        is_booked = session.appointments.taking_time().exists()
        return redirect("scheduling:course-show", session.course.public_id) if is_booked else _page(request, session)
    form = SessionForm(request.POST, location=location_of(request), is_exception=is_exception_asked(request))
    if not form.is_valid():
        return _page(request, session, form=form, refusal=form.errors.get("slot", [""])[0], status=422)
    try:
        booked = _write(request, session, form.cleaned_data)
    except booking.BookingRefused as error:
        alternatives = getattr(error, "alternatives", ())
        return _page(request, session, form=form, refusal=error.message, alternatives=alternatives, status=409)
    messages.success(request, _booked_sentence(booked))
    return redirect("scheduling:course-show", session.course.public_id)


def _write(request, session: CourseSession, wanted: dict):
    starts_at, practitioner = wanted["slot"]
    return booking.book_session(
        session=session,
        location=location_of(request),
        practitioner=practitioner,
        starts_at=starts_at,
        by=request.user,
        now=times.now(),
        key=wanted["key"],
        reason=wanted.get("reason", ""),
    )


def _booked_sentence(booked) -> str:
    if booked.patient.email:
        told = _("Booked. A mail confirms it.")
    else:
        told = _("Booked. There is no e-mail address: tell the patient by phone.")
    return f"{told} {what_it_waits_for(booked.session)}".strip()


def _page(request, session, *, form=None, refusal="", alternatives=(), status=200) -> HttpResponse:
    location, is_exception = location_of(request), is_exception_asked(request)
    record_opening(session.course.patient)
    search, practitioner, offer = _look(request, session)
    context = {
        "session": session,
        "search": search,
        "form": form or SessionForm(location=location, is_exception=is_exception, initial={"key": uuid.uuid4()}),
        "offer": offer,
        "groups": groups_of(offer, location.zone, is_exception=is_exception),
        "drawing": draw_window(offer.window, today=search.today),
        "is_one_practitioner": practitioner is not None,
        "is_exception": is_exception,
        "alternatives": as_choices(alternatives),
        "refusal": refusal,
        "call": call_of(request, session.course.patient) if offer.eligibility.is_open_ended else None,
    }
    template = "scheduling/_session_book.html" if request.htmx else "scheduling/session_book.html"
    return render(request, template, context, status=status)


def _look(request, session: CourseSession) -> tuple[SearchForm, Practitioner | None, Offer]:
    """What is looked for and found: at first whoever treated before, and where she has no time, anybody."""
    location, now = location_of(request), times.now()
    usual = _practitioner_before(session, location)
    is_asked = "from_day" in request.GET
    search = SearchForm(
        request.GET if is_asked else None,
        location=location,
        now=now,
        initial={"practitioner": usual.public_id if usual else ""},
    )
    wanted = search.cleaned_data if search.is_valid() else {"practitioner": usual, "from_day": None}
    wish = {"session": session, "location": location, "now": now, "is_exception": is_exception_asked(request)}
    offer = offer_times(**wish, first_day=wanted["from_day"], practitioner=wanted["practitioner"])
    if is_asked or usual is None or offer.slots:
        return search, wanted["practitioner"], offer
    search.initial["practitioner"] = ""
    return search, None, offer_times(**wish)


def _practitioner_before(session: CourseSession, location: Location) -> Practitioner | None:
    """Who treats at the session before, if she can be booked here."""
    before = Appointment.objects.taking_time().filter(
        session__course=session.course, session__number=session.number - 1
    )
    return practitioners_of(location).filter(appointments__in=before).first()
