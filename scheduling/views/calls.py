"""Patients whom a clinician calls: about a visit, or because nothing can be booked."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic import times
from clinic.access import EVERYBODY, allow, location_of, own_or_404
from patients.models import Patient
from scheduling.calls import answer_call_of_lead, ask_for_call, ask_lead_to_call
from scheduling.models import Appointment, CallRequest


def call_of(request: HttpRequest, patient: Patient) -> CallRequest | None:
    """The call that a patient waits for here without a visit."""
    return CallRequest.objects.waiting().about_no_visit(location_of(request)).filter(patient=patient).first()


@require_POST
@allow(*EVERYBODY)
def appointment_call(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Ask a clinician to call a patient about her visit."""
    appointment = own_or_404(Appointment.objects.with_everything(), request, public_id)
    ask_for_call(appointment=appointment, by=request.user, now=times.now())
    if appointment.call_requests.waiting().exists():
        messages.success(request, _("On the list of calls. A clinician calls the patient."))
    else:
        messages.error(request, _("Nobody can call: the visit is over, or no phone number is on file."))
    return redirect("scheduling:screening-show", public_id)


@require_POST
@allow(*EVERYBODY)
def patient_call(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Put a patient on the list of calls; without htmx, the list."""
    patient = own_or_404(Patient.objects, request, public_id)
    ask_lead_to_call(patient=patient, location=location_of(request), by=request.user, now=times.now())
    if not request.htmx:
        return redirect("scheduling:worklists")
    return render(request, "scheduling/_call_back.html", {"patient": patient, "call": call_of(request, patient)})


@require_POST
@allow(*EVERYBODY)
def patient_called(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    patient = own_or_404(Patient.objects, request, public_id)
    answer_call_of_lead(patient=patient, location=location_of(request), by=request.user, now=times.now())
    messages.success(request, _("Noted that you called."))
    return redirect("scheduling:worklists")
