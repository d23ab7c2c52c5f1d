"""What goes wrong at an address behind a link: a patient reads whom to call, and nothing that is meant for staff."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views import csrf, defaults

from scheduling.patient_pages.gate import LinkClosed
from scheduling.views.patient_pages import closed_page, only_clinic


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_behind_a_link(request):
        return closed_page(request, LinkClosed())
    return defaults.page_not_found(request, exception)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if _is_behind_a_link(request):
        return render(request, "scheduling/patient/link_old.html", only_clinic(), status=403)
    return csrf.csrf_failure(request, reason)


def _is_behind_a_link(request: HttpRequest) -> bool:
    return request.path.startswith(reverse("scheduling:link-open", args=["x"]).removesuffix("x/"))
