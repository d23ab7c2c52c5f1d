"""Another treatment, or other zones, for a visit that is booked."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import times
from clinic.access import EVERYBODY, allow, own_or_404
from clinic.audit import record_opening
from scheduling import booking
from scheduling.lights import what_it_waits_for
from scheduling.models import Appointment
from scheduling.rescreening import keep_answers
from scheduling.treatment_forms import TreatmentForm
from scheduling.views.appointments import to_board, told_of_move
from scheduling.views.offering import as_choices
from treatments.catalogue import Stage
from treatments.forms import MissingAnswersForm
from treatments.models import CatalogueVersion
from treatments.publishing import catalogue_of


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*EVERYBODY)
def treatment_change(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The treatment of a visit and its skin, as they are and as they shall be, and what has to be asked for it."""
    appointment = _own(request, public_id)
    data = request.POST if request.method == "POST" else None
    form, answers = TreatmentForm(data, appointment=appointment), _questions(appointment, data)
    if data is None:
        return _page(request, appointment, form, answers)
    if not (form.is_valid() & answers.is_valid()):
        return _page(request, appointment, form, answers, refusal=form.errors.get("slot", [""])[0], status=422)
    given = {"answers": answers.answers, "zones": answers.chosen_zones, "by": request.user, "now": times.now()}
    keep_answers(patient=appointment.patient, **given)
    try:
        changed = booking.change_treatment(
            appointment=appointment,
            revision=form.cleaned_data["revision"],
            by=request.user,
            now=times.now(),
            **form.treatment,
        )
    except booking.BookingRefused as error:
        alternatives = as_choices(getattr(error, "alternatives", ()))
        return _page(request, appointment, form, answers, refusal=error.message, alternatives=alternatives, status=409)
    messages.success(request, f"{_what_changed(appointment, changed)} {what_it_waits_for(changed.session)}".strip())
    return to_board(request, changed)


def _what_changed(before: Appointment, after: Appointment) -> str:
    """What follows from another treatment, in sentences."""
    sentences = [_("Changed.")]
    if (before.starts_at, before.practitioner) != (after.starts_at, after.practitioner):
        sentences.append(told_of_move(after))
    was, now = (each.session.course.planned_sessions for each in (before, after))
    if was != now:
        sentences.append(_("Sessions planned: %(now)d, before: %(was)d.") % {"was": was, "now": now})
    was, now = (date_format(each.ends_at.astimezone(each.location.zone), "H:i") for each in (before, after))
    if was != now:
        sentences.append(_("The visit ends at %(now)s, before: %(was)s.") % {"was": was, "now": now})
    return " ".join(sentences)


def _questions(appointment: Appointment, data) -> MissingAnswersForm:
    return MissingAnswersForm(
        data,
        catalogue=catalogue_of(CatalogueVersion.objects.current()),
        stage=Stage.BOOKING,
        patient=appointment.patient,
        zone=appointment.location.zone,
        now=times.now(),
    )


def _page(request, appointment, form, answers, *, refusal="", alternatives=(), status=200) -> HttpResponse:
    """After a refusal, what was chosen stays and is about the visit as it stands now, which the page names."""
    record_opening(appointment.patient)
    if form.is_bound:
        form.data = form.data.copy()
        form.data["revision"] = str(_own(request, appointment.public_id).revision)
    context = {"appointment": appointment, "form": form, "answers": answers}
    context |= {"refusal": refusal, "alternatives": alternatives}
    return render(request, "scheduling/treatment_change.html", context, status=status)


def _own(request: HttpRequest, public_id: uuid.UUID) -> Appointment:
    return own_or_404(Appointment.objects.with_everything(), request, public_id)
