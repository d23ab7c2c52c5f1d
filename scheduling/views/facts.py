"""What is true of a patient's health: written and ended by those who treat, with what that means for visits to come."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic import times
from clinic.access import Role, allow, own_or_404
from clinic.audit import record_opening
from patients.forms import FactForm
from patients.models import Patient
from scheduling.rescreening import end_known_fact, keep_fact


@require_http_methods(["GET", "HEAD", "POST"])
@allow(Role.PRACTITIONER, Role.LEAD)
def fact_create(request, public_id):
    patient = own_or_404(Patient.objects, request, public_id)
    record_opening(patient)
    form = FactForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        keep_fact(patient=patient, by=request.user, now=times.now(), **form.fact)
        messages.success(request, _("Added to what is known of this patient's health."))
        return redirect("patients:patient-show", public_id)
    status = 422 if form.is_bound else 200
    return render(request, "scheduling/fact_create.html", {"patient": patient, "form": form}, status=status)


@require_POST
@allow(Role.PRACTITIONER, Role.LEAD)
def fact_end(request, public_id, fact_id):
    patient = own_or_404(Patient.objects, request, public_id)
    end_known_fact(fact=get_object_or_404(patient.facts, public_id=fact_id), by=request.user, now=times.now())
    messages.success(request, _("Marked as no longer true. The record of it stays."))
    return redirect("patients:patient-show", public_id)
