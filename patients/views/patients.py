"""Finding, entering and showing patients."""

import json
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from clinic import times
from clinic.access import EVERYBODY, allow, location_of, locations_of, own_or_404
from clinic.audit import record_opening
from clinic.fields import decrypt, encrypt
from clinic.text import one_line
from patients.duplicates import likely_duplicates
from patients.forms import NewPatientForm, initial_from_search
from patients.health import alerts_of, fact_lines, health_on_file
from patients.models import Patient
from patients.records import AlreadySaved, create_patient
from patients.search import SHORTEST, marked, search_patients

ON_THE_PAGE = 20
IN_THE_SIDE_BAR = 8
TYPED = "new_patient_typed"  # where the session carries, encrypted, what was typed from the search to the form


def _search(request, limit: int) -> dict:
    """What the search box holds and what it finds. It comes by POST: names stay out of addresses and logs."""
    typed = one_line(request.POST.get("q", ""))
    found = search_patients(text=typed, locations=locations_of(request), limit=limit + 1)
    return {
        "typed": typed,
        "is_searched": len(typed) >= SHORTEST,
        "hits": [{"patient": patient, "pieces": marked(patient.name, typed)} for patient in found[:limit]],
        "has_more": len(found) > limit,
        "limit": limit,
        "prefill": json.dumps({"q": typed}),
        "for_booking": request.GET.get("for") == "booking",
        "carried": urlencode(_carried(request)),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*EVERYBODY)
def patient_list(request):
    """The search page and, for htmx, its results."""
    template = "patients/_patient_rows.html" if request.htmx else "patients/patient_list.html"
    return render(request, template, _search(request, ON_THE_PAGE))


@require_POST
@allow(*EVERYBODY)
def patient_search(request):
    """The results under a search box, of the side bar or, with ?for=booking, of the booking page."""
    if not request.htmx:
        return patient_list(request)
    return render(request, "patients/_patient_hits.html", _search(request, IN_THE_SIDE_BAR))


@require_POST
@allow(*EVERYBODY)
def patient_prefill(request):
    """Carries what was typed into a search box over to the form for a new patient."""
    request.session[TYPED] = encrypt(one_line(request.POST.get("q", "")))
    url = reverse("patients:patient-create")
    if _leads_to_booking(request):
        url += "?" + urlencode({"next": "booking"} | _carried(request))
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


def _leads_to_booking(request) -> bool:
    return request.GET.get("next") == "booking"


def _carried(request) -> dict[str, str]:
    """What the booking page had in its address; it gets it back with the patient."""
    return {name: value for name, value in request.GET.items() if name not in ("for", "next", "patient")}


def _after_saving(request, patient: Patient) -> str:
    if _leads_to_booking(request):
        return f"{reverse('scheduling:booking-create')}?{urlencode({'patient': patient.public_id} | _carried(request))}"
    return reverse("patients:patient-show", args=[patient.public_id])


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*EVERYBODY)
def patient_create(request):
    """A new patient of the location on the screen. Likely duplicates come back once as 409, to be looked at."""
    now = times.now()
    if request.method != "POST":
        typed = request.session.pop(TYPED, None)
        initial = initial_from_search(decrypt(typed)) if typed else {}
        return _creating(request, NewPatientForm(now=now, initial=initial))
    form = NewPatientForm(request.POST, now=now)
    if not form.is_valid():
        return _creating(request, form, status=422)
    public_id = form.cleaned_data["public_id"]
    if "confirmed" not in request.POST and not Patient.objects.filter(public_id=public_id).exists():
        if doubles := likely_duplicates(**form.who, locations=locations_of(request)):
            return _creating(request, form, doubles=doubles, status=409)
    try:
        patient = create_patient(location=location_of(request), now=now, public_id=public_id, **form.details)
    except AlreadySaved as again:
        patient = own_or_404(Patient.objects, request, again.patient.public_id)
        messages.info(request, _("This patient was saved already. To change anything since, use Edit."))
    else:
        messages.success(request, _("The patient is saved."))
    return redirect(_after_saving(request, patient))


def _creating(request, form: NewPatientForm, *, doubles=(), status: int = 200) -> HttpResponse:
    choices = [{"patient": patient, "url": _after_saving(request, patient)} for patient in doubles]
    return render(request, "patients/patient_create.html", {"form": form, "doubles": choices}, status=status)


@require_safe
@allow(*EVERYBODY)
def patient_show(request, public_id):
    patient = own_or_404(Patient.objects, request, public_id)
    record_opening(patient)
    zone = location_of(request).zone
    today = times.local_date(times.now(), zone)
    may_read = request.user.may_read_answers
    return render(
        request,
        "patients/patient_show.html",
        {
            "patient": patient,
            "age": patient.age_on(today),
            "entered_on": times.local_date(patient.created_at, zone),
            "facts": fact_lines(patient, zone) if may_read else None,
            "alerts": alerts_of(patient) if may_read else [],
            "on_file": None if may_read else health_on_file(patient, zone),
        },
    )
