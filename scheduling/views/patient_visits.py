"""The visits of a patient, for her page."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clinic import times
from clinic.access import EVERYBODY, MANAGERS, allow, location_of, locations_of, own_or_404, roles_of
from clinic.audit import record_opening
from patients.models import Patient
from scheduling.messages import messages_to
from scheduling.patient_visits import changes_about, read_visits

MESSAGES_SHOWN = 8


@require_safe
@allow(*EVERYBODY)
def patient_visits(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Courses, visits and messages of a patient, as a part of her page; for managers, who changed what."""
    patient, locations, now = own_or_404(Patient.objects, request, public_id), locations_of(request), times.now()
    if not request.htmx:  # her page, which asks for this part, has written it down
        record_opening(patient)
    may_read = request.user.may_read_answers
    context = {
        "patient": patient,
        "visits": read_visits(
            patient, locations=locations, zone=location_of(request).zone, now=now, with_records=may_read
        ),
        "may_read_answers": may_read,
        "messages_sent": messages_to(patient, locations=locations, limit=MESSAGES_SHOWN),
        "changes": changes_about(patient) if set(roles_of(request.user)) & set(MANAGERS) else None,
    }
    return render(request, "scheduling/_patient_visits.html", context)
