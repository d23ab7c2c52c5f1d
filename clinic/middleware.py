"""What holds for every request and every answer."""

from urllib.parse import unquote

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from clinic.access import location_of, locations_of
from clinic.handover import handover_of


def refuse_broken_text(get_response):
    """No database stores a NUL character; an address that carries one is refused before it can get there."""

    def middleware(request):
        if "\x00" in request.path or "\x00" in unquote(request.META.get("QUERY_STRING", "")):
            raise BadRequest("The address holds a character that cannot be stored.")
        return get_response(request)

    return middleware


def keep_private(get_response):
    """Pages about patients stay out of every cache, and a fragment is never taken for its page."""

    def middleware(request):
        response = get_response(request)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
            response["Cache-Control"] = "no-store, private"
        patch_vary_headers(response, ["HX-Request"])
        return response

    return middleware


def use_local_time(get_response):
    """Staff read every time as the clock on the wall of the location on the screen shows it."""

    def middleware(request):
        if request.user.is_authenticated and locations_of(request):
            with timezone.override(location_of(request).zone):
                return get_response(request)
        return get_response(request)

    return middleware


def keep_to_what_was_handed_over(get_response):
    """A browser in a patient's hands reaches its one place and the page on which staff take it back, nothing else."""

    def middleware(request):
        handover = handover_of(request) if request.user.is_authenticated else None
        if handover and not handover.reaches(request.path) and request.path != reverse("clinic:unlock"):
            if request.htmx:
                raise PermissionDenied
            return HttpResponseRedirect(handover.place)
        return get_response(request)

    return middleware


def explain_refused_methods(get_response):
    """Whoever opens the address of a button, from the history say, reads what it is instead of an empty page."""

    def middleware(request):
        response = get_response(request)
        if isinstance(response, HttpResponseNotAllowed):
            response.content = render_to_string("405.html", request=request)
        return response

    return middleware
