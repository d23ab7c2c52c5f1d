"""What holds for every request and every answer."""

from urllib.parse import unquote

from django.core.exceptions import BadRequest
from django.utils.cache import add_never_cache_headers, patch_vary_headers


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
