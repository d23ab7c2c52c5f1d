"""The side panel of an appointment, and what can be done from it."""

import uuid
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from clinic import times
from clinic.access import EVERYBODY, allow, own_or_404
from clinic.audit import record_opening
from clinic.times import local_date
from scheduling import booking, calls, day
from scheduling.board import sign_of
from scheduling.course_booking import course_days, next_to_book
from scheduling.forms import MoveForm, PlacesForm, RevisionForm, SearchForm
from scheduling.lights import change_of, what_it_waits_for, why_it_cannot_start
from scheduling.links import renewal_of, send_new_link
from scheduling.messages import messages_for
from scheduling.models import Appointment, CallRequest
from scheduling.offers import offer_times
from scheduling.screening_page import findings_of
from scheduling.timeline import draw_window
from scheduling.views.offering import as_choices, groups_of, is_exception_asked
from treatments.models import CourseSession, Screening


def uuid_or_none(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None


def panel_context(request: HttpRequest, appointment: Appointment) -> dict:
    """What the panel shows; opening it is written to the patient's trail."""
    record_opening(appointment.patient)
    newest = _newest_screenings(appointment)
    screening, change = (newest[0] if newest else None), change_of(newest)
    return {
        "appointment": appointment,
        "zones": list(appointment.session.course.zones.all()),
        "screening": screening,
        "findings": findings_of(screening) if request.user.may_read_answers else [],
        "change": change,
        "cannot_start": why_it_cannot_start(screening),
        "change_words": change.words(for_treating=request.user.may_read_answers) if change else "",
        "may_read_answers": request.user.may_read_answers,
        "call": CallRequest.objects.waiting().filter(appointment=appointment).first(),
        "messages_sent": messages_for(appointment),
        "renewal": renewal_of(appointment, times.now()),
        "next_session": _session_after(appointment),
        "sign": sign_of(appointment),
        "places_form": _places_as_they_are(appointment),
    } | _steps(appointment, screening, times.now())


def _places_as_they_are(appointment: Appointment) -> PlacesForm:
    room, device = appointment.room.public_id, appointment.device.public_id
    places = {"room": room, "device": device, "seen_room": room, "seen_device": device}
    return PlacesForm(location=appointment.location, initial={"revision": appointment.revision} | places)


def _newest_screenings(appointment: Appointment) -> list[Screening]:
    """The one that counts, and the one before it."""
    screenings = appointment.session.screenings.newest_first().with_findings()
    return list(screenings.select_related("catalogue_version").defer("answers")[:2])


def _steps(appointment: Appointment, screening: Screening | None, now: datetime) -> dict[str, bool]:
    """What can be done with the appointment as it stands."""
    state, zone = appointment.state, appointment.location.zone
    is_ahead, is_past = state in Appointment.State.AHEAD, appointment.starts_at <= now
    is_today = local_date(appointment.starts_at, zone) == local_date(now, zone)
    is_waiting = screening is not None and screening.stands_in_the_way
    return {
        "may_arrive": is_ahead and is_today,
        "may_move": is_ahead and (is_today or not is_past),  # who came in vain, or late, needs another time
        "may_cancel": is_ahead and not is_past,
        "may_confirm": state == Appointment.State.BOOKED and not is_past and not is_waiting,
        "may_reactivate": appointment.is_cancelled and not is_past,
        "is_here": state == Appointment.State.ARRIVED,
        "has_record": state in (Appointment.State.IN_TREATMENT, Appointment.State.COMPLETED),
    }


def _session_after(appointment: Appointment) -> CourseSession | None:
    """The session that this visit opens the window of, as long as it has no time yet."""
    course = appointment.session.course
    waiting = None if appointment.is_cancelled else next_to_book(course, course_days(course))
    return waiting if waiting and waiting.number == appointment.session.number + 1 else None


def _appointment(request, public_id) -> Appointment:
    return own_or_404(Appointment.objects.with_everything(), request, public_id)


def _board_url(appointment: Appointment) -> str:
    day = times.local_date(appointment.starts_at, appointment.location.zone)
    return f"{reverse('scheduling:board-day')}?day={day}&appointment={appointment.public_id}"


def to_board(request: HttpRequest, appointment: Appointment) -> HttpResponse:
    """To the board of an appointment's day, with its panel open."""
    url = _board_url(appointment)
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


def _panel(request, appointment, *, refusal: str = "", status: int = 200, **extra) -> HttpResponse:
    context = panel_context(request, appointment) | {"refusal": refusal} | extra
    return render(request, "scheduling/_panel.html", context, status=status)


def _answer(request, public_id, change, done: str) -> HttpResponse:
    """Carry out a change of an appointment; show its panel as it stands then, with a refusal in words if there was one.

    Without htmx the board with the panel comes back instead.
    """
    try:
        change()
    except booking.BookingRefused as error:
        if request.htmx:
            alternatives = as_choices(getattr(error, "alternatives", ()))
            return _panel(
                request, _appointment(request, public_id), refusal=error.message, status=409, alternatives=alternatives
            )
        messages.error(request, error.message)
    else:
        if request.htmx:
            return trigger_client_event(_panel(request, _appointment(request, public_id), done=done), "board-changed")
        messages.success(request, done)
    return redirect(_board_url(_appointment(request, public_id)))


@require_safe
@allow(*EVERYBODY)
def appointment_show(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The panel as a fragment; as a page, the board of its day with the panel open."""
    appointment = _appointment(request, public_id)
    if not request.htmx:
        return redirect(_board_url(appointment))
    return _panel(request, appointment)


def _change_by_revision(writer, done: str):
    """A view that posts nothing but the revision that was on the screen."""

    @require_POST
    @allow(*EVERYBODY)
    def view(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
        appointment = _appointment(request, public_id)
        form = RevisionForm(request.POST)
        form.is_valid()  # it always is: a revision that cannot be read is one that was never stored
        revision = form.cleaned_data["revision"]
        arguments = {"appointment": appointment, "revision": revision, "by": request.user, "now": times.now()}
        return _answer(request, public_id, lambda: writer(**arguments), done)

    return view


appointment_confirm = _change_by_revision(booking.confirm_appointment, gettext_lazy("Confirmed."))
appointment_cancel = _change_by_revision(booking.cancel_appointment, gettext_lazy("Cancelled. The time is free again."))
appointment_reactivate = _change_by_revision(booking.reactivate_appointment, gettext_lazy("Back at its old time."))
appointment_arrive = _change_by_revision(day.arrive, gettext_lazy("Marked as arrived."))
appointment_undo_arrival = _change_by_revision(
    lambda revision, **arguments: day.undo_arrival(**arguments), gettext_lazy("Not here yet, as before.")
)
appointment_called = _change_by_revision(
    lambda revision, **arguments: calls.answer_call(**arguments), gettext_lazy("Noted that you called.")
)


@require_POST
@allow(*EVERYBODY)
def appointment_link(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """A new link for the patient; then back to where it was sent from, the panel or what `page` names."""
    appointment, seen = _appointment(request, public_id), uuid_or_none(request.POST.get("seen"))
    answer = _answer(
        request,
        public_id,
        lambda: send_new_link(appointment=appointment, seen=seen, by=request.user, now=times.now()),
        _("A new link is on its way. The earlier ones open nothing any more."),
    )
    match request.POST.get("page"):
        case "worklists":
            return redirect("scheduling:worklists")
        case "screening":
            return redirect("scheduling:screening-show", public_id)
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*EVERYBODY)
def appointment_move(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Free times for an appointment, and the move to one of them; its panel where it can no longer be moved."""
    appointment = _appointment(request, public_id)
    if request.method != "POST":
        if appointment.state not in Appointment.State.AHEAD:
            return to_board(request, appointment)
        return _move_page(request, appointment)
    is_exception = is_exception_asked(request)
    form = MoveForm(request.POST, location=appointment.location, is_exception=is_exception)
    if not form.is_valid():
        return _move_page(request, appointment, form=form, refusal=form.errors.get("slot", [""])[0], status=422)
    starts_at, practitioner = form.cleaned_data["slot"]
    try:
        moved = booking.move_appointment(
            appointment=appointment,
            starts_at=starts_at,
            practitioner=practitioner,
            revision=form.cleaned_data["revision"],
            by=request.user,
            now=times.now(),
            reason=form.cleaned_data.get("reason", ""),
        )
    except booking.BookingRefused as error:
        alternatives = getattr(error, "alternatives", ())
        return _move_page(request, appointment, form=form, refusal=error.message, alternatives=alternatives, status=409)
    messages.success(request, f"{told_of_move(moved)} {what_it_waits_for(moved.session)}".strip())
    return to_board(request, moved)


def told_of_move(moved: Appointment) -> str:
    if moved.patient.email:
        return _("Moved. The patient gets a mail with the new time.")
    return _("Moved. There is no e-mail address: please phone the patient.")


def _move_page(request, appointment, *, form=None, refusal="", alternatives=(), status=200) -> HttpResponse:
    location, now, is_exception = appointment.location, times.now(), is_exception_asked(request)
    record_opening(appointment.patient)
    search = _move_search(request, appointment, now)
    chosen = search.cleaned_data if search.is_valid() else {}
    practitioner = chosen.get("practitioner") if search.is_bound else appointment.practitioner
    offer = offer_times(
        session=appointment.session,
        location=location,
        first_day=chosen.get("from_day") or search.initial["from_day"],
        now=now,
        practitioner=practitioner,
        ignoring=appointment,
        is_exception=is_exception,
    )
    context = {
        "appointment": appointment,
        "search": search,
        "is_one_practitioner": practitioner is not None,
        "groups": groups_of(offer, location.zone, is_exception=is_exception),
        "alternatives": as_choices(alternatives),
        "refusal": refusal,
        "form": form or MoveForm(location=location, is_exception=is_exception, initial=request.GET.dict()),
        "is_exception": is_exception,
        "offer": offer,
        "drawing": draw_window(offer.window, today=search.today),
    }
    template = "scheduling/_move.html" if request.htmx else "scheduling/appointment_move.html"
    return render(request, template, context, status=status)


def _move_search(request, appointment, now) -> SearchForm:
    """What is looked for: what was asked, or at first the same practitioner from the visit's own day on.

    Where the session before opens a window, that is looked through from its first day on.
    """
    own_day = times.local_date(max(appointment.starts_at, now), appointment.location.zone)
    first_day = own_day if appointment.session.number == 1 else None
    return SearchForm(
        request.GET if "from_day" in request.GET else None,
        location=appointment.location,
        now=now,
        initial={"practitioner": appointment.practitioner.public_id, "from_day": first_day},
    )


@require_POST
@allow(*EVERYBODY)
def appointment_places(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Another room or device for the same time."""
    appointment = _appointment(request, public_id)
    form = PlacesForm(request.POST, location=appointment.location)
    if not form.is_valid():
        return _panel(request, appointment, refusal=_("Choose a room and a device from the lists."), status=422)
    chosen = form.cleaned_data

    def change():
        booking.change_places(
            appointment=appointment,
            room=chosen["room"],
            device=chosen["device"],
            seen=(chosen["seen_room"], chosen["seen_device"]),
            revision=chosen["revision"],
            by=request.user,
            now=times.now(),
        )

    return _answer(request, public_id, change, _("Changed. The time stays as it is."))
