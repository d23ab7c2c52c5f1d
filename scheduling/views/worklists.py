"""What waits for somebody, as a page and as the number beside its name in the side bar."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clinic import times
from clinic.access import EVERYBODY, allow, location_of
from scheduling.worklists import count_waiting, read_worklists


@require_safe
@allow(*EVERYBODY)
def worklists(request: HttpRequest) -> HttpResponse:
    """All lists of the location on the screen."""
    now = times.now()
    lists = read_worklists(location=location_of(request), now=now, for_treating=request.user.may_read_answers)
    waiting = [row for each in lists if not each.is_offer for row in each.rows]
    context = {
        "lists": lists,
        "now": now,
        "waiting": len(waiting),
        "pressing": sum(row.is_pressing for row in waiting),
        "offered": sum(len(each.rows) for each in lists if each.is_offer),
    }
    return render(request, "scheduling/worklists.html", context)


@require_safe
@allow(*EVERYBODY)
def worklists_count(request: HttpRequest) -> HttpResponse:
    """How much waits, for the side bar, which asks once a page."""
    waiting = count_waiting(location=location_of(request), now=times.now(), for_treating=request.user.may_read_answers)
    return render(request, "scheduling/_worklists_count.html", {"waiting": waiting})
