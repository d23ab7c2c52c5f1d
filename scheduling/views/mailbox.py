"""The demo's mailbox and the hand on its clock. Neither has an address in production."""

from datetime import timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from clinic import times
from clinic.access import location_of
from scheduling import mailbox

PER_PAGE = 50
# A mail brings its own styles, which our pages may not: so it stands alone, without scripts, forms and outside hosts.
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


@require_safe
def mailbox_list(request):
    """The page, or for htmx its list: 204 while nothing has come since the mail that the page names as newest."""
    keys = mailbox.keys()
    newest = keys[0] if keys else ""
    if request.htmx and newest and request.GET.get("newest") == newest:
        return HttpResponse(status=204)
    page = Paginator(keys, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "newest": newest,
        "heads": [mailbox.head(key) for key in page],
        "zone": location_of(request).zone,
        "reason": "" if keys else mailbox.why_nothing_comes(real_now=times.real_now()),
    }
    if request.htmx:
        return render(request, "scheduling/_mailbox_rows.html", context)
    context |= {"clinic_now": times.now(), "next_due_at": mailbox.next_due_at()}
    return render(request, "scheduling/mailbox_list.html", context)


@require_safe
def mailbox_show(request, key):
    message = _received_or_404(key)
    views = {
        "mail": (_("As the patient sees it"), ""),
        "text": (_("Text"), mailbox.part(message, "text/plain")),
        "calendar": (_("Calendar file"), mailbox.part(message, "text/calendar")),
        "source": (_("Source"), message.as_string()),
    }
    chosen = request.GET.get("view", "mail")
    if chosen not in views:
        raise Http404
    context = {
        "head": mailbox.head(key),
        "zone": location_of(request).zone,
        "sender": message["From"],
        "tabs": [(name, label) for name, (label, words) in views.items() if words or name == "mail"],
        "chosen": chosen,
        "label": views[chosen][0],
        "words": views[chosen][1],
    }
    return render(request, "scheduling/mailbox_show.html", context)


@require_safe
@xframe_options_sameorigin
def mailbox_html(request, key):
    """The mail's own HTML, for the frame in which it is shown."""
    html = mailbox.part(_received_or_404(key), "text/html")
    return HttpResponse(html, headers={"Content-Security-Policy": MAIL_POLICY})


@require_POST
def clock_move(request):
    """One day ahead, for web, worker and beat together."""
    times.move_clock(by=timedelta(days=1))
    messages.success(request, _("The clock is a day further. What falls due leaves within a few seconds."))
    return redirect("scheduling:mailbox-list")


def _received_or_404(key):
    message = mailbox.received(key)
    if message is None:
        raise Http404
    return message
