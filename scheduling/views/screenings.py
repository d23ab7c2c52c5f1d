"""The screening of a visit: one page for those who treat and decide, and one for everybody else."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import times
from clinic.access import EVERYBODY, Role, allow, own_or_404
from clinic.audit import record_opening
from clinic.times import local_date
from scheduling.board import sign_of
from scheduling.deciding import decide_visit
from scheduling.forms import slot_value
from scheduling.links import renewal_of
from scheduling.models import Appointment
from scheduling.patient_pages.results import result_of
from scheduling.readiness import read_readiness
from scheduling.rescreening import keep_advice, keep_visit_answers
from scheduling.screening_forms import AdviceForm, DecisionForm, open_questions
from scheduling.screening_page import Choices, Review, choices_for, read_review
from scheduling.worklists.screenings import place_in_review
from treatments.decisions import DecisionRefused, NoLaterDate, ReasonMissing, SkinNotChecked
from treatments.models import Screening, ScreeningDecision
from treatments.prescribers import AdviceRefused

FIELD_AT_FAULT = {ReasonMissing: "reason", SkinNotChecked: "is_skin_checked", NoLaterDate: "not_before"}


@require_safe
@allow(*EVERYBODY)
def screening_show(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Findings and answers for those who treat; for everybody else the light, the date and what to say."""
    appointment = _own(request, public_id)
    if request.user.may_read_answers:
        return _review_page(request, appointment)
    record_opening(appointment.patient)
    now = times.now()
    readiness = read_readiness(appointment=appointment, now=now)
    context = {
        "appointment": appointment,
        "sign": sign_of(appointment),
        "readiness": readiness,
        "may_move": appointment.state in Appointment.State.AHEAD,
        "renewal": renewal_of(appointment, now),
        "is_asking": _is_asking(appointment, readiness.screening),
        "call": appointment.call_requests.waiting().first(),
        "slots": [(slot_value(slot), slot) for slot in readiness.slots],
    }
    return render(request, "scheduling/screening_reception.html", context)


@require_POST
@allow(Role.PRACTITIONER, Role.LEAD)
def screening_decide(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Clear, lift or postpone. A refusal keeps what was typed and shows the screening as it stands now."""
    appointment = _own(request, public_id)
    form, refusal, status = DecisionForm(request.POST), "", 422
    if not form.is_valid():
        return _review_page(request, appointment, decision=form, status=status)
    try:
        _decide(request, appointment, form)
    except tuple(FIELD_AT_FAULT) as refused:
        form.add_error(FIELD_AT_FAULT[type(refused)], refused.message)
    except DecisionRefused as refused:
        refusal, status = refused.message, 409
    else:
        messages.success(request, _("Signed."))
        is_here = appointment.state == Appointment.State.ARRIVED
        return redirect("scheduling:checkin-show" if is_here else "scheduling:screening-show", public_id)
    return _review_page(request, appointment, decision=form, refusal=refusal, status=status)


def _decide(request: HttpRequest, appointment: Appointment, form: DecisionForm) -> None:
    chosen = form.cleaned_data
    screening = appointment.session.screenings.filter(public_id=chosen["screening"]).first()
    if screening is None:
        raise Http404
    decide_visit(
        appointment=appointment,
        screening=screening,
        kind=ScreeningDecision.Kind(chosen["kind"]),
        reason=chosen["reason"],
        not_before=chosen["not_before"],
        is_skin_checked=chosen["is_skin_checked"],
        by=request.user,
        now=times.now(),
    )


@require_POST
@allow(Role.PRACTITIONER, Role.LEAD)
def screening_advice(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Write down what a prescriber said; the visits of the patient are screened again with it."""
    appointment, now = _own(request, public_id), times.now()
    form = AdviceForm(request.POST)
    if form.is_valid():
        try:
            keep_advice(
                patient=appointment.patient,
                today=local_date(now, appointment.location.zone),
                by=request.user,
                now=now,
                **form.cleaned_data,
            )
            messages.success(request, _("Recorded. The screening follows it."))
            return redirect("scheduling:screening-show", public_id)
        except AdviceRefused as refused:
            form.add_error(refused.field, refused.message)
    return _review_page(request, appointment, advice=form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@allow(*EVERYBODY)
def screening_ask(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Ask what nobody has answered yet; the visits of the patient are screened again with it."""
    appointment = _own(request, public_id)
    if appointment.state not in (*Appointment.State.AHEAD, Appointment.State.ARRIVED):
        messages.error(request, _("This visit has begun or is cancelled, so nothing is asked for it any more."))
        return redirect("scheduling:screening-show", public_id)
    record_opening(appointment.patient)
    newest = appointment.session.screenings.newest_first().first()
    data = request.POST if request.method == "POST" else None
    answers = open_questions(appointment, newest, data, now=times.now())
    if answers.is_bound and answers.is_valid() and not answers.answers:
        answers.add_error(None, _("Answer at least one of these, or ask later."))
    if answers.is_bound and answers.is_valid():
        keep_visit_answers(
            appointment=appointment,
            stage=answers.stage,
            answers=answers.answers,
            by=request.user,
            now=times.now(),
        )
        messages.success(request, _("Kept. The screening follows it."))
        return redirect("scheduling:screening-show", public_id)
    context = {"appointment": appointment, "sign": sign_of(appointment), "answers": answers}
    return render(request, "scheduling/screening_ask.html", context, status=422 if answers.is_bound else 200)


def _is_asking(appointment: Appointment, screening: Screening | None) -> bool:
    """Whether an answer can still be asked for that the visit waits for."""
    is_open = appointment.state in (*Appointment.State.AHEAD, Appointment.State.ARRIVED)
    waits = screening is None or screening.stands_in_the_way
    return is_open and waits and bool(open_questions(appointment, screening).questions)


def _review_page(request, appointment, *, decision=None, advice=None, refusal="", status=200) -> HttpResponse:
    record_opening(appointment.patient)
    now = times.now()
    review = read_review(appointment=appointment, now=now)
    choices = choices_for(request.user, review)
    context = {
        "appointment": appointment,
        "sign": sign_of(appointment),
        "review": review,
        "screening": review.screening,
        "change": review.change.words(for_treating=True) if review.change else "",
        "choices": choices,
        "renewal": renewal_of(appointment, now),
        "is_asking": _is_asking(appointment, review.screening),
        "decision": decision_form(review, choices, decision) if choices else None,
        "advice": advice or AdviceForm(initial={"medicine": review.medicine}),
        "told": result_of(appointment, now),
        "place": place_in_review(appointment, now=now),
        "refusal": refusal,
        "typed": decision["reason"].value() if decision else "",
    }
    return render(request, "scheduling/screening_review.html", context, status=status)


def decision_form(review: Review, choices: Choices, sent: DecisionForm | None = None) -> DecisionForm:
    """A fresh form, or the one that was sent: it then speaks about the screening that is on the screen now."""
    newest = {"screening": review.screening.public_id}
    if sent is None:
        kind = choices.options[0].kind if len(choices.options) == 1 else None
        return DecisionForm(initial=newest | {"kind": kind, "not_before": choices.later.first_day})
    sent.data = sent.data.copy()
    sent.data["screening"] = str(newest["screening"])
    return sent


def _own(request: HttpRequest, public_id: uuid.UUID) -> Appointment:
    return own_or_404(Appointment.objects.with_everything(), request, public_id)
