"""Booking: the patient, what she wants, the health questions, a free time."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import times
from clinic.access import EVERYBODY, allow, location_of, own_or_404
from clinic.audit import record_opening
from clinic.times import local_date
from patients.models import Patient
from scheduling import booking
from scheduling.courses import sessions_to_book
from scheduling.eligibility import Eligibility
from scheduling.forms import BookingForm, day_of
from scheduling.lights import what_it_waits_for
from scheduling.models import Appointment
from scheduling.rescreening import keep_answers
from scheduling.slots import next_eligible_slots
from scheduling.views.appointments import to_board, uuid_or_none
from scheduling.views.calls import call_of
from scheduling.views.offering import as_choices, offered
from treatments.catalogue import Outcome, Stage
from treatments.courses import SessionsOutsideRange
from treatments.forms import AnswersForm
from treatments.models import CatalogueVersion
from treatments.publishing import catalogue_of
from treatments.screening import Result


@dataclass(frozen=True)
class PointedAt:
    """A place on the board that somebody pointed at: it travels in the address, so that two tabs may hold two."""

    day: date | None
    at: str
    practitioner: str

    @classmethod
    def of(cls, request: HttpRequest) -> "PointedAt | None":
        """None where the address names no place."""
        day, at, practitioner = (request.GET.get(name, "") for name in ("day", "at", "practitioner"))
        return cls(day_of(day), at, practitioner) if day or at or practitioner else None

    @property
    def query(self) -> str:
        day = self.day.isoformat() if self.day else ""
        given = {"day": day, "at": self.at, "practitioner": self.practitioner}
        return urlencode({name: value for name, value in given.items() if value})

    def is_at(self, start: datetime) -> bool:
        local = timezone.localtime(start)
        return (local.date(), f"{local:%H:%M}") == (self.day, self.at)


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*EVERYBODY)
def booking_create(request: HttpRequest) -> HttpResponse:
    """The page on which a visit is booked, and the booking itself.

    `?day=&practitioner=&at=` is a place on the board that somebody pointed at.
    """
    if request.method == "POST":
        return _book(request)
    if "patient" not in request.GET:
        return render(request, "scheduling/booking_create.html", {"wish": PointedAt.of(request)})
    patient = own_or_404(Patient.objects, request, uuid_or_none(request.GET["patient"]))
    record_opening(patient)
    return _page(request, patient, *_forms(request, patient))


@require_POST
@allow(*EVERYBODY)
def booking_times(request: HttpRequest) -> HttpResponse:
    """Keep the answers and show what is free because of them."""
    patient = own_or_404(Patient.objects, request, uuid_or_none(request.POST.get("patient")))
    form, answers = _forms(request, patient)
    if not (form.is_valid() & answers.is_valid()):
        return _page(request, patient, form, answers, status=422)
    _keep(request, patient, answers)
    return _page(request, patient, form, answers, offer=_offer(request, patient, form))


@require_safe
@allow(*EVERYBODY)
def booking_sessions(request: HttpRequest) -> HttpResponse:
    """How many sessions the protocol in `?protocol=` may have, as a field; proposed are as many as are `?planned=`."""
    wanted = {"initial": {"protocol": request.GET.get("protocol")}, "planned": request.GET.get("planned", "")}
    form = BookingForm(location=location_of(request), now=times.now(), **wanted)
    return render(request, "scheduling/_sessions.html", {"form": form})


def _book(request: HttpRequest) -> HttpResponse:
    patient = own_or_404(Patient.objects, request, uuid_or_none(request.POST.get("patient")))
    form, answers = _forms(request, patient)
    form.add_slot(location_of(request))
    if not (form.is_valid() & answers.is_valid()):
        is_slot_alone = list(form.errors) == ["slot"] and answers.is_valid()
        offer = _offer(request, patient, form, refusal=form.errors["slot"][0]) if is_slot_alone else None
        return _page(request, patient, form, answers, offer=offer, status=422)
    _keep(request, patient, answers)
    try:
        booked = _write(request, patient, form.cleaned_data)
    except SessionsOutsideRange as error:
        form.add_error("sessions", error.message)
        return _page(request, patient, form, answers, status=422)
    except booking.BookingRefused as error:
        alternatives = getattr(error, "alternatives", ())
        offer = _offer(request, patient, form, refusal=error.message, alternatives=alternatives)
        return _page(request, patient, form, answers, offer=offer, status=409)
    messages.success(request, f"{_('Booked.')} {what_it_waits_for(booked.session)}".strip())
    return to_board(request, booked)


def _keep(request: HttpRequest, patient: Patient, answers: AnswersForm) -> None:
    keep_answers(patient=patient, answers=answers.answers, zones=answers.chosen_zones, by=request.user, now=times.now())


def _write(request: HttpRequest, patient: Patient, wanted: dict) -> Appointment:
    starts_at, practitioner = wanted["slot"]
    return booking.book_appointment(
        patient=patient,
        protocol=wanted["protocol"],
        zones=wanted["zones"],
        location=location_of(request),
        practitioner=practitioner,
        starts_at=starts_at,
        by=request.user,
        now=times.now(),
        key=wanted["key"],
        planned_sessions=wanted["sessions"],
    )


def _forms(request: HttpRequest, patient: Patient) -> tuple[BookingForm, AnswersForm]:
    location = location_of(request)
    wish = PointedAt.of(request)
    data = request.POST if request.method == "POST" else None
    initial = {"key": uuid.uuid4()}
    if wish:
        initial |= {"practitioner": wish.practitioner, "from_day": wish.day}
    return (
        BookingForm(data, location=location, now=times.now(), initial=initial),
        AnswersForm(
            data,
            catalogue=catalogue_of(CatalogueVersion.objects.current()),
            stage=Stage.BOOKING,
            patient=patient,
            zone=location.zone,
            now=times.now(),
        ),
    )


def _offer(request: HttpRequest, patient: Patient, form: BookingForm, *, refusal="", alternatives=()) -> dict:
    """The light and the free times for what the form asks, beside a refusal and the times nearest to it."""
    location, wanted = location_of(request), form.cleaned_data
    eligibility, slots = next_eligible_slots(
        location=location,
        protocol=wanted["protocol"],
        patient=patient,
        zones=wanted["zones"],
        first_day=wanted["from_day"],
        now=times.now(),
        practitioner=wanted["practitioner"],
    )
    left_out = _skin_left_out(form, eligibility.result)
    return {
        "eligibility": eligibility,
        "days": offered(slots, location.zone),
        "refusal": refusal,
        "alternatives": as_choices(alternatives),
        "left_out": left_out,
        "script": _script(eligibility, left_out, location.zone),
        "call": call_of(request, patient) if eligibility.is_open_ended else None,
    }


def _skin_left_out(form: BookingForm, result: Result) -> list[str]:
    """The names of the zones that the visit would go on without. One query."""
    codes = {code for finding in result.findings for code in finding.zones}
    return [zone.name for zone in form.fields["zones"].queryset if zone.code in codes]


def _script(eligibility: Eligibility, left_out: list[str], zone: ZoneInfo) -> str:
    """What can be said on the phone as it stands: no reason, and nothing that makes anybody leave out a medicine."""
    keep_taking = _("Please keep taking the medicine that your doctor gives you.")
    if eligibility.is_open_ended:
        return " ".join([_("One of our clinicians would like to talk to you first."), keep_taking])
    is_held, not_before = eligibility.result.outcome == Outcome.HOLD, eligibility.not_before
    sentences = []
    if is_held:
        sentences.append(_("I can keep a time for you, and one of our clinicians looks at your answers first."))
    if not_before:
        day = date_format(local_date(not_before, zone), "l j F Y")
        sentences.append(_("The first day we can offer is %(day)s.") % {"day": day})
    if left_out:
        skin = ", ".join(left_out)
        sentences.append(_("This part of your skin we leave as it is this time: %(skin)s.") % {"skin": skin})
    if is_held or not_before:
        sentences.append(keep_taking)
    else:
        sentences.append(_("So far nothing stands in the way, and we ask again two days before. Which time suits you?"))
    return " ".join(sentences)


def _pointed_at(request: HttpRequest, offer: dict | None) -> str:
    """The free time on the board that somebody pointed at before, if it is among those on offer."""
    wish = PointedAt.of(request)
    for _day, starts in offer["days"] if offer and wish else ():
        for value, slot in starts:
            if wish.is_at(slot.starts_at):
                return value
    return ""


def _page(request, patient, form, answers, *, offer=None, status=200) -> HttpResponse:
    context = {
        "patient": patient,
        "form": form,
        "answers": answers,
        "offer": offer,
        "wish": PointedAt.of(request),
        "chosen_slot": form.data.get("slot") or _pointed_at(request, offer),
        "may_read_answers": request.user.may_read_answers,
        "due": sessions_to_book(patient, now=times.now(), zone=location_of(request).zone),
    }
    template = "scheduling/_booking.html" if request.htmx else "scheduling/booking_create.html"
    return render(request, template, context, status=status)
