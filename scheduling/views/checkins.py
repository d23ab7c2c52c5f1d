"""The check-in: what staff see of it, and the one page of it that is handed to the patient."""

import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic import times
from clinic.access import EVERYBODY, allow, own_or_404
from clinic.audit import record_opening
from clinic.handover import hand_over, handover_of
from scheduling import day
from scheduling.board import sign_of
from scheduling.booking import BookingRefused
from scheduling.checkin import CheckIn, ConsentForm, StartForm, skin_to_look_at
from scheduling.models import Appointment
from scheduling.screening_page import choices_for, read_review
from scheduling.views.screenings import decision_form
from treatments.catalogue import AnsweredBy
from treatments.consents import ConsentRefused, consent_text
from treatments.forms import AnswersForm
from treatments.gates import gates
from treatments.screening import AnswerError


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*EVERYBODY)
def checkin_show(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """What is still missing before the visit may begin. A POST keeps what staff asked, or saw."""
    checkin = CheckIn(_own(request, public_id))
    if request.method != "POST":
        record_opening(checkin.appointment.patient)
        return _page(request, checkin)
    part = request.POST.get("part", "")
    answers = checkin.questions(request.POST, by=_asked(request, part), now=times.now())
    refusal, status = _keep(request, checkin, answers)
    if status == 200:
        return redirect("scheduling:checkin-show", public_id)
    return _page(request, checkin, answers=answers, part=part, refusal=refusal, status=status)


def _asked(request: HttpRequest, part: str) -> AnsweredBy | None:
    """Whose questions a form holds; those about what is seen are only for those who treat."""
    if not request.user.may_read_answers or part == "patient":
        return AnsweredBy.PATIENT
    return AnsweredBy.STAFF if part == "staff" else None


def _keep(request: HttpRequest, checkin: CheckIn, answers: AnswersForm) -> tuple[str, int]:
    """Keep the answers of a form. Returns a refusal in words, and the status of the answer."""
    start = StartForm(request.POST)
    start.is_valid()  # it always is: a start that cannot be read is no appointment's
    if not answers.is_valid():
        return "", 422
    try:
        day.answer_checkin(
            appointment=checkin.appointment,
            start=start.cleaned_data["start"],
            answers=answers.answers,
            by=request.user,
            now=times.now(),
        )
    except BookingRefused as refused:
        return refused.message, 409
    except AnswerError as mistake:
        return str(mistake), 422
    return "", 200


def _page(request, checkin: CheckIn, *, answers=None, part="", refusal="", status=200) -> HttpResponse:
    appointment, screening = checkin.appointment, checkin.screening
    may_read = request.user.may_read_answers
    if answers is None and checkin.is_open:
        part = _next_part(request, checkin)
        said = checkin.seen if part == "staff" else {}
        answers = checkin.questions(by=_asked(request, part), said=said) if part else None
    review = read_review(appointment=appointment, now=times.now()) if may_read else None
    choices = review and choices_for(request.user, review)
    context = {
        "checkin": checkin,
        "appointment": appointment,
        "sign": sign_of(appointment),
        "gates": gates(session=appointment.session, start=appointment.starts_at),
        "screening": screening,
        "may_read_answers": may_read,
        "review": review,
        "choices": choices,
        "answers": answers,
        "part": part,
        "skin": skin_to_look_at(review.screenings) if review else [],
        "decision": decision_form(review, choices) if choices else None,
        "refusal": refusal,
    }
    return render(request, "scheduling/checkin_show.html", context, status=status)


def _next_part(request: HttpRequest, checkin: CheckIn) -> str:
    """What staff are asked for next; with `?again=1` everything once more. Nothing where nothing is left to them."""
    if not checkin.is_answered or request.GET.get("again") == "1":
        return "all" if request.user.may_read_answers else "patient"
    return "staff" if request.user.may_read_answers else ""


# --- In the patient's hands -------------------------------------------------------------------------------------------


@require_POST
@allow(*EVERYBODY)
def checkin_hand_over(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Lock this browser into the patient's page of this check-in."""
    appointment = _own(request, public_id)
    place = _patients_place(appointment)
    hand_over(request, place=place, back=reverse("scheduling:checkin-show", args=[public_id]))
    return HttpResponseRedirect(place)


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*EVERYBODY)
def checkin_patient(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The patient's page, which there is only while the browser is in her hands: questions, consent, thanks."""
    checkin = CheckIn(_own(request, public_id))
    handover = handover_of(request)
    if not handover or handover.place != _patients_place(checkin.appointment):
        return redirect("scheduling:checkin-show", public_id)
    if request.method != "POST":
        return _patients_page(request, checkin)
    return _consent_of(request, checkin) if "typed_name" in request.POST else _answers_of(request, checkin)


def _answers_of(request: HttpRequest, checkin: CheckIn) -> HttpResponse:
    answers = checkin.questions(request.POST, by=AnsweredBy.PATIENT, now=times.now())
    refusal, status = _keep(request, checkin, answers)
    if status == 200:
        return HttpResponseRedirect(_patients_place(checkin.appointment))
    return _patients_page(request, checkin, answers=answers, refusal=refusal, status=status)


def _consent_of(request: HttpRequest, checkin: CheckIn) -> HttpResponse:
    form = ConsentForm(request.POST)
    refusal, status = "", 422
    if form.is_valid():
        try:
            day.sign_consent(appointment=checkin.appointment, by=request.user, now=times.now(), **form.cleaned_data)
            return HttpResponseRedirect(_patients_place(checkin.appointment))
        except (BookingRefused, ConsentRefused) as refused:
            refusal, status = refused.message, 409
    return _patients_page(request, checkin, consent=form, refusal=refusal, status=status)


def _patients_page(request, checkin: CheckIn, *, answers=None, consent=None, refusal="", status=200) -> HttpResponse:
    """One step at a time. It names nobody but her, and shows no answer that was given before."""
    appointment = checkin.appointment
    is_asking = answers is not None or not (consent or checkin.is_answered)
    version, text = consent_text()
    context = {
        "checkin": checkin,
        "appointment": appointment,
        "greeting": _greeting(appointment),
        "step": "done" if not checkin.is_open else "questions" if is_asking else "consent",
        "answers": answers or checkin.questions(by=AnsweredBy.PATIENT),
        "consent": consent or ConsentForm(),
        "text": [" ".join(paragraph.split()) for paragraph in text.split("\n\n")],
        "version": version,
        "refusal": refusal,
    }
    if context["step"] == "consent" and checkin.consent:
        context["step"] = "done"
    template = "scheduling/_checkin_patient.html" if request.htmx else "scheduling/checkin_patient.html"
    return render(request, template, context, status=status)


def _greeting(appointment: Appointment) -> str:
    hour = times.now().astimezone(appointment.location.zone).hour
    name = {"name": appointment.patient.given_name}
    if hour < 12:
        return _("Good morning, %(name)s") % name
    return (_("Good afternoon, %(name)s") if hour < 18 else _("Good evening, %(name)s")) % name


def _own(request: HttpRequest, public_id: uuid.UUID) -> Appointment:
    return own_or_404(Appointment.objects.with_everything(), request, public_id)


def _patients_place(appointment: Appointment) -> str:
    return reverse("scheduling:checkin-patient", args=[appointment.public_id])
