"""The record of a visit: begun, filled in block by block, ended, signed, added to."""

import uuid
from datetime import datetime
from functools import partial

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from clinic import times
from clinic.access import Role, allow, own_or_404
from clinic.audit import record_opening
from patients.health import alerts_of
from scheduling import day
from scheduling.board import sign_of
from scheduling.booking import BookingRefused
from scheduling.models import Appointment
from scheduling.visit_forms import (
    AmendmentForm,
    CartridgeForm,
    NumbingForm,
    ResultForm,
    StepForm,
    TopicalForm,
    add_mistakes,
)
from scheduling.visit_page import Block, before_start, record_of, send, zone_block
from treatments import visits
from treatments.charting import left_to_sign
from treatments.models import Visit
from treatments.numbing import numbing_clock

WRITERS = (Role.PRACTITIONER, Role.LEAD)


@require_safe
@allow(*WRITERS)
def visit_show(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The record of a visit; before the start, what is missing for it."""
    appointment = _own(request, public_id)
    if not request.htmx:  # which looks again at a page that is open
        record_opening(appointment.patient)
    return _page(request, appointment)


@require_POST
@allow(*WRITERS)
def visit_start(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Begin the visit. Where somebody was faster, her record opens."""
    appointment = _own(request, public_id)
    try:
        day.start_treatment(appointment=appointment, by=request.user, now=times.now())
    except visits.HasStarted:
        pass
    except (BookingRefused, visits.VisitRefused) as refused:
        return _page(request, appointment, refusal=refused.message, status=409)
    except ValidationError as mistakes:
        return _page(request, appointment, refusal=" ".join(mistakes.messages), status=409)
    return redirect("scheduling:visit-show", public_id)


# --- The blocks of the record -----------------------------------------------------------------------------------------


def _saves(name: str, form_class, writer):
    """A view that saves one block by its writer."""

    @require_POST
    @allow(*WRITERS)
    def view(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
        appointment, visit = _begun(request, public_id)
        block = Block(form_class(request.POST, visit=visit))
        if stored := send(block, partial(writer, visit=visit, by=request.user), now=times.now()):
            block.form = form_class(visit=stored)
        return _answer(request, appointment, name, block)

    return view


visit_cartridge = _saves("cartridge", CartridgeForm, visits.record_details)
visit_result = _saves("result", ResultForm, visits.record_details)
visit_topical = _saves("topical", TopicalForm, visits.add_topical)


@require_POST
@allow(*WRITERS)
def visit_numbing(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    appointment, visit = _begun(request, public_id)
    now = times.now()
    block = Block(NumbingForm(_stamped(request.POST, visit, now), visit=visit))
    if stored := send(block, partial(visits.record_numbing, visit=visit, by=request.user), now=now):
        block.form = NumbingForm(visit=stored)
    return _answer(request, appointment, "numbing", block)


def _stamped(typed: QueryDict, visit: Visit, now: datetime) -> QueryDict:
    """What was typed, with the present minute in the field whose “Now” was pressed."""
    stamp = typed.get("stamp")
    if stamp in ("applied_at", "removed_at"):
        typed = typed.copy()
        typed[stamp] = f"{now.astimezone(visit.device.location.zone):%H:%M}"
    return typed


@require_POST
@allow(*WRITERS)
def visit_zone(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    appointment, visit = _begun(request, public_id)
    block = _zone_or_404(visit, request, request.POST)
    write = partial(visits.set_zone, visit=visit, zone=block.depths.zone, by=request.user)
    if stored := send(block, write, now=times.now()):
        block.form = _zone_or_404(stored, request).form
    return _answer(request, appointment, "zone", block)


@require_POST
@allow(*WRITERS)
def visit_remove_zone(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    appointment, visit = _begun(request, public_id)
    block, step = _zone_or_404(visit, request), Block(StepForm(request.POST, visit=visit))
    write = partial(visits.remove_zone, visit=visit, zone=block.depths.zone, by=request.user)
    if stored := send(step, write, now=times.now()):
        block = _zone_or_404(stored, request)
    block.adopt(step)
    return _answer(request, appointment, "zone", block)


def _zone_or_404(visit: Visit, request: HttpRequest, data: QueryDict | None = None):
    block = zone_block(visit, request.POST.get("zone", ""), data)
    if block is None:
        raise Http404
    return block


@require_POST
@allow(*WRITERS)
def visit_remove_topical(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    appointment, visit = _begun(request, public_id)
    number = request.POST.get("topical", "")
    topical = get_object_or_404(visit.topicals, pk=int(number) if number.isascii() and number.isdigit() else 0)
    step = Block(StepForm(request.POST, visit=visit))
    stored = send(step, partial(visits.remove_topical, visit=visit, topical=topical, by=request.user), now=times.now())
    block = Block(TopicalForm(visit=stored or visit))
    block.adopt(step)
    return _answer(request, appointment, "topical", block)


# --- The end, the signature, what is added later ----------------------------------------------------------------------


@require_POST
@allow(*WRITERS)
def visit_end(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    appointment, visit = _begun(request, public_id)
    block = Block(StepForm(request.POST, visit=visit))
    if stored := send(block, partial(day.end_treatment, appointment=appointment, by=request.user), now=times.now()):
        block.form = StepForm(visit=stored)
    return _answer(request, _own(request, public_id), "bar", block)


@require_POST
@allow(*WRITERS)
def visit_sign(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    appointment, visit = _begun(request, public_id)
    block = Block(StepForm(request.POST, visit=visit))
    if send(block, partial(visits.sign_visit, visit=visit, by=request.user), now=times.now()):
        return redirect("scheduling:visit-show", public_id)
    return _page(request, appointment, status=block.status, bar=block)


@require_POST
@allow(*WRITERS)
def visit_amend(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    appointment, visit = _begun(request, public_id)
    block = Block(AmendmentForm(request.POST), 422)
    if block.form.is_valid():
        try:
            visits.amend_visit(visit=visit, by=request.user, now=times.now(), **block.form.cleaned_data)
            return redirect(f"{reverse('scheduling:visit-show', args=[public_id])}#amendments")
        except ValidationError as mistakes:
            add_mistakes(block.form, mistakes)
        except visits.VisitRefused as refused:
            block.refusal, block.status = refused.message, 409
    return _page(request, appointment, status=block.status, amendment=block)


# --- Pages and fragments ----------------------------------------------------------------------------------------------


def _own(request: HttpRequest, public_id: uuid.UUID) -> Appointment:
    return own_or_404(Appointment.objects.with_everything(), request, public_id)


def _begun(request: HttpRequest, public_id: uuid.UUID) -> tuple[Appointment, Visit]:
    """The appointment and its record, which there is from the start on."""
    appointment = _own(request, public_id)
    return appointment, get_object_or_404(Visit.objects.with_everything(), session=appointment.session_id)


def _page(request: HttpRequest, appointment: Appointment, *, status=200, refusal="", **sent: Block) -> HttpResponse:
    visit = Visit.objects.with_everything().filter(session=appointment.session_id).first()
    found = record_of(appointment, visit, now=times.now(), sent=sent) if visit else before_start(appointment)
    is_signed = visit is not None and visit.signed_at is not None
    if is_signed:  # a block that came too late has no place of its own any more
        refusal = refusal or next((block.refusal for block in sent.values()), "")
    alerts = alerts_of(appointment.patient)
    context = {"appointment": appointment, "sign": sign_of(appointment), "alerts": alerts, "refusal": refusal} | found
    template = "scheduling/visit_signed.html" if is_signed else "scheduling/visit_show.html"
    return render(request, template, context, status=status)


def _answer(request: HttpRequest, appointment: Appointment, name: str, block: Block) -> HttpResponse:
    """One block as it stands after it was sent, with what depends on it; without htmx the page around it."""
    if not request.htmx:
        if block.status == 200:
            return redirect(f"{reverse('scheduling:visit-show', args=[appointment.public_id])}#{name}")
        return _page(request, appointment, status=block.status, **{name: block})
    visit = Visit.objects.with_everything().get(session=appointment.session_id)
    context = {
        "appointment": appointment,
        "sign": sign_of(appointment),
        "visit": visit,
        "block": block,
        "template": f"scheduling/_visit_{name}.html",
        "left": left_to_sign(visit),
        "clock": numbing_clock(visit, times.now()) if name == "numbing" else None,
        "topicals": list(visit.topicals.all()) if name == "topical" else [],
    }
    return render(request, "scheduling/_visit_answer.html", context, status=block.status)
