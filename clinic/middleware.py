"""What holds for every request and every answer."""

from urllib.parse import unquote

from django.core.exceptions import BadRequest
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from clinic.access import location_of, locations_of


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
