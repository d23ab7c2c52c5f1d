"""The pages behind the link in a mail, for a patient who has no account.

The token leaves the address at once for a cookie that reaches the pages of this link alone. Until the date of birth
was given they say when, where and with whom, and nothing about health.
"""

import uuid
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import times
from clinic.models import Location
from scheduling.calendar_files import PUBLISH, calendar_file
from scheduling.calls import ask_for_call
from scheduling.models import CallRequest, PatientLink
from scheduling.patient_pages.answering import NotSent, keep_answer, send_answers
from scheduling.patient_pages.gate import BirthDateForm, LinkClosed, find_link, try_birth_date
from scheduling.patient_pages.opening import opening_today
from scheduling.patient_pages.questions import DateParts, Questionnaire, Step
from scheduling.patient_pages.results import GOOD, MEDICINE, result_of, sun_from
from scheduling.reminders import current_gaps
from treatments.prescribers import ADVICE

TOKEN, PASSED = "visit_link", "visit_open"
IDLE_SECONDS = 30 * 60
SALT = "scheduling.patient_pages"


# --- Through the door -------------------------------------------------------------------------------------------------


@require_safe
@login_not_required
def link_open(request: HttpRequest, token: str) -> HttpResponse:
    """From the address in the mail to the clean one. Whoever only looks at it, as scanners do, changes nothing."""
    try:
        link = find_link(token=token, now=times.now())
    except LinkClosed as closed:
        return closed_page(request, closed)
    response = HttpResponseRedirect(_place(link))
    _set_cookie(response, TOKEN, token, link)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@login_not_required
def link_visit(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The visit without a word about health, and the question for the date of birth. A POST answers it."""
    now, status = times.now(), 200
    try:
        link = _own_link(request, public_id, now)
        if request.method != "POST" and _has_passed(request, link):
            return redirect(_go_on(link))
        form = BirthDateForm(request.POST or None)
        question, has_tried = request.POST.get("question", ""), form.is_valid()
        if has_tried and try_birth_date(link=link, day=form.cleaned_data["birth_date"], now=now):
            if question in Questionnaire(link).catalogue.questions:  # what was posted before the gate goes on to it
                return _let_in(redirect(_question_url(link, question), preserve_request=True), link)
            return _let_in(redirect(_go_on(link)), link)
        status = 422 if request.method == "POST" else 200
        return _gate_page(request, link, now, form, question, is_wrong=has_tried, status=status)
    except LinkClosed as closed:
        return closed_page(request, closed)


def _gate_page(request, link: PatientLink, now, form, question="", *, is_wrong=False, status=200) -> HttpResponse:
    """The question for the date of birth. The answer that was posted too late waits on it, shown to nobody."""
    fields = [name for name in request.POST if name == question or name.startswith(f"{question}_")] if question else []
    carried = [(name, value) for name in fields for value in request.POST.getlist(name)]
    page = {"form": form, "is_wrong": is_wrong, "question": question, "carried": carried}
    return _page(request, "link_visit", link, now, page, status)


def behind_the_gate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view of a link whose patient has given her date of birth less than half an hour ago; every page counts anew.

    It is called with the link and the time. An answer that comes later waits until the date of birth is given again.
    """

    @login_not_required
    @wraps(view)
    def guarded(request: HttpRequest, public_id: uuid.UUID, **about) -> HttpResponse:
        now = times.now()
        try:
            link = _own_link(request, public_id, now)
            if not _has_passed(request, link):
                if request.method == "POST" and "question" in about:
                    return _gate_page(request, link, now, BirthDateForm(), **about)
                return redirect("scheduling:link-visit", public_id)
            return _let_in(view(request, link, now, **about), link)
        except LinkClosed as closed:
            return closed_page(request, closed)

    return guarded


# --- The questions ----------------------------------------------------------------------------------------------------


@require_safe
@behind_the_gate
def link_start(request: HttpRequest, link: PatientLink, now) -> HttpResponse:
    """What is coming, before the first question."""
    return _page(request, "link_start", link, now, {"next_url": _next_url(link, Questionnaire(link))})


@require_http_methods(["GET", "HEAD", "POST"])
@behind_the_gate
def link_question(request: HttpRequest, link: PatientLink, now, question: str) -> HttpResponse:
    """One question. A POST keeps its answer and leads to the next one that waits."""
    sheet = Questionnaire(link)
    if question not in sheet.catalogue.questions:
        raise LinkClosed
    step, mistake = sheet.step(question), ""
    if step is None:  # it applies no longer
        return redirect(_next_url(link, sheet))
    if request.method == "POST":
        parts = DateParts.posted(question, request.POST) if step.parts else None
        fields = sheet.fields_in(step.question, request.POST)
        sheet, mistake = Questionnaire(link, anew={question: fields}, now=now), parts.mistake if parts else ""
        mistake = mistake or " ".join(sheet.form.errors.get(question, []))
        if not mistake:
            keep_answer(link=link, question=question, fields=fields, now=now)
            return redirect(_next_url(link, sheet))
        step = sheet.step(question) or step
        return _question_page(request, link, now, sheet, step, parts or step.parts, mistake)
    return _question_page(request, link, now, sheet, step, step.parts, mistake)


def _question_page(request, link, now, sheet: Questionnaire, step: Step, parts, mistake: str) -> HttpResponse:
    before = sheet.before(step)
    answered_before, answered_after = sheet.beside(step)
    page = {
        "step": step,
        "parts": parts,
        "mistake": mistake,
        "headings": sheet.parts(step),
        "answered_before": answered_before,
        "answered_after": answered_after,
        "saved": sheet.answered,
        "back_url": _question_url(link, before) if before else _url("link-start", link),
    }
    return _page(request, "link_question", link, now, page, 422 if mistake else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@behind_the_gate
def link_answers(request: HttpRequest, link: PatientLink, now) -> HttpResponse:
    """All answers to read once more. A POST sends them."""
    refusal, status = "", 200
    if request.method == "POST":
        try:
            send_answers(link=link, version=request.POST.get("version", ""), now=now)
            return redirect(_url("link-result", link))
        except NotSent as refused:
            refusal, status = refused.message, 409
    link = _own_link(request, link.public_id, now)
    sheet = Questionnaire(link)
    if sheet.first_open:
        return redirect(_next_url(link, sheet))
    page = {"sheet": sheet, "refusal": refusal, "is_sent": _is_sent(link)}
    return _page(request, "link_answers", link, now, page, status)


@require_safe
@behind_the_gate
def link_result(request: HttpRequest, link: PatientLink, now) -> HttpResponse:
    """What comes of the answers that were sent, as the visit stands now."""
    if not _is_sent(link):
        return redirect(_go_on(link))
    appointment = link.appointment
    result = result_of(appointment, now)
    may_tell = result.kind == MEDICINE and Questionnaire(link).step(ADVICE)
    page = {
        "result": result,
        "sun_from": sun_from(appointment, current_gaps().sun, now),
        "call": CallRequest.objects.waiting().filter(appointment=appointment).first(),
        "advice_url": _question_url(link, ADVICE) if may_tell else "",
    }
    return _page(request, "link_result", link, now, page)


@require_POST
@behind_the_gate
def link_call(request: HttpRequest, link: PatientLink, now) -> HttpResponse:
    """She would like to be called about what came of her answers."""
    if _is_sent(link):
        ask_for_call(appointment=link.appointment, now=now)
    return redirect(_go_on(link))


@require_safe
@behind_the_gate
def link_calendar(request: HttpRequest, link: PatientLink, now) -> HttpResponse:
    """The visit for her calendar; tentative as long as something stands in its way."""
    is_tentative = result_of(link.appointment, now).kind != GOOD
    file = calendar_file(link.appointment, method=PUBLISH, is_tentative=is_tentative, now=now)
    headers = {"Content-Disposition": 'attachment; filename="visit.ics"'}
    return HttpResponse(file, content_type=f"text/calendar; charset=utf-8; method={PUBLISH}", headers=headers)


# --- What all of them need --------------------------------------------------------------------------------------------


def _own_link(request: HttpRequest, public_id: uuid.UUID, now) -> PatientLink:
    return find_link(token=request.COOKIES.get(TOKEN, ""), public_id=public_id, now=now)


def _has_passed(request: HttpRequest, link: PatientLink) -> bool:
    passed = request.get_signed_cookie(PASSED, default="", salt=SALT, max_age=IDLE_SECONDS)
    return passed == link.token_hash


def _let_in(response: HttpResponse, link: PatientLink) -> HttpResponse:
    _set_cookie(response, PASSED, link.token_hash, link, is_signed=True, max_age=IDLE_SECONDS)
    return response


def _set_cookie(response, name: str, value: str, link: PatientLink, *, is_signed=False, **options) -> None:
    options |= {"path": _place(link), "httponly": True, "samesite": "Lax", "secure": settings.SESSION_COOKIE_SECURE}
    if is_signed:
        response.set_signed_cookie(name, value, salt=SALT, **options)
    else:
        response.set_cookie(name, value, **options)


def _place(link: PatientLink) -> str:
    return reverse("scheduling:link-visit", args=[link.public_id])


def _url(name: str, link: PatientLink, *about: str) -> str:
    return reverse(f"scheduling:{name}", args=[link.public_id, *about])


def _question_url(link: PatientLink, id: str) -> str:
    """The page of a question, from the question on: where there is room, others stand above it."""
    return f"{_url('link-question', link, id)}#question"


def _next_url(link: PatientLink, sheet: Questionnaire) -> str:
    """The question that waits, or all answers to read once more."""
    waiting = sheet.first_open
    return _question_url(link, waiting) if waiting else _url("link-answers", link)


def _is_sent(link: PatientLink) -> bool:
    return hasattr(link, "typed") and link.typed.sent_at is not None


def _go_on(link: PatientLink) -> str:
    """Where somebody who comes back left off."""
    if not hasattr(link, "typed"):
        return _url("link-start", link)
    return _url("link-result", link) if _is_sent(link) else _next_url(link, Questionnaire(link))


def _page(request, name: str, link: PatientLink, now, page: dict, status: int = 200) -> HttpResponse:
    location = link.appointment.location
    about = {
        "link": link,
        "appointment": link.appointment,
        "patient": link.appointment.patient,
        "is_check": link.purpose == PatientLink.Purpose.PREVISIT,
        "clinic": location,
        "opening": opening_today(location, now),
    }
    with timezone.override(location.zone):
        return render(request, f"scheduling/patient/{name}.html", about | page, status=status)


def closed_page(request: HttpRequest, closed: LinkClosed) -> HttpResponse:
    """The same for every token that is none. It names the clinic where the link is one, or where there is no other."""
    about = _called_at(closed.link.appointment.location) if closed.link else only_clinic()
    return render(request, "scheduling/patient/link_closed.html", about | {"closed": closed}, status=closed.status)


def only_clinic() -> dict:
    """The clinic whom a patient calls whose link is not known, as long as there is no other."""
    places = list(Location.objects.all()[:2])
    return _called_at(places[0]) if len(places) == 1 else {}


def _called_at(clinic: Location) -> dict:
    return {"clinic": clinic, "opening": opening_today(clinic, times.now())}
