"""Who a patient is, changed by everybody at the desk; a date of birth counts for the visits to come."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import times
from clinic.access import EVERYBODY, allow, own_or_404
from clinic.audit import record_opening
from clinic.editing import EditedMeanwhile
from patients.forms import EditPatientForm
from patients.models import Patient
from scheduling.rescreening import keep_details


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*EVERYBODY)
def patient_edit(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Saved by somebody else meanwhile: 409 with both versions, and what was typed is kept."""
    patient = own_or_404(Patient.objects, request, public_id)
    record_opening(patient)
    now = times.now()
    if request.method != "POST":
        form = EditPatientForm(now=now, initial=EditPatientForm.initial_of(patient))
        return _editing(request, patient, form)
    form = EditPatientForm(request.POST, now=now)
    if not form.is_valid():
        return _editing(request, patient, form, status=422)
    revision = form.cleaned_data["revision"]
    try:
        screened = keep_details(patient=patient, revision=revision, by=request.user, now=now, **form.details)
    except EditedMeanwhile as other:
        return _editing(request, other.stored, form.on_top_of(other.stored), form.differences(other.stored), status=409)
    again = _("The visits to come were screened again: look at their lights.") if screened else ""
    messages.success(request, f"{_('The changes are saved.')} {again}".strip())
    return redirect("patients:patient-show", public_id)


def _editing(request, patient: Patient, form: EditPatientForm, differences=None, *, status: int = 200) -> HttpResponse:
    context = {"patient": patient, "form": form, "differences": differences}
    return render(request, "scheduling/patient_edit.html", context, status=status)
