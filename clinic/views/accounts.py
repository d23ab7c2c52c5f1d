"""Signing in and out, taking back a browser that was handed over, and choosing the location on the screen."""

import unicodedata

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from clinic.access import locations_of
from clinic.handover import handover_of, take_back

LONGEST_NAME_KEPT = 255  # what the table of guesses holds
DEMO_ACCOUNTS = ("reception", "practitioner", "lead", "owner")


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _("This user name and password do not belong together. Check both and try again."),
        # the same words: whether an account exists is nobody's business
        "inactive": _("This user name and password do not belong together. Check both and try again."),
    }


class UnlockForm(SignInForm):
    """The name of whoever is signed in stands there already."""

    def __init__(self, request=None, *args, **kwargs):
        super().__init__(request, *args, initial={"username": request.user.username}, **kwargs)
        self.fields["username"].widget.attrs.pop("autofocus")
        self.fields["password"].widget.attrs["autofocus"] = True


# Django's own views would also take PUT for a form and answer OPTIONS.
sign_in = require_http_methods(["GET", "HEAD", "POST"])(
    LoginView.as_view(
        template_name="clinic/login.html",
        authentication_form=SignInForm,
        redirect_authenticated_user=True,
        extra_context={"demo_accounts": DEMO_ACCOUNTS if settings.IS_DEMO else ()},
    )
)
sign_out = require_POST(LogoutView.as_view())


def guessed_account(request, credentials=None) -> str:
    """By what axes counts guesses: however the name is written, it is the one account that the login finds by it."""
    typed = (credentials or request.POST).get("username") or ""
    return unicodedata.normalize("NFKC", typed).strip().upper()[:LONGEST_NAME_KEPT]


def locked_out(request, response=None, credentials=None):
    """What axes answers to the eleventh guess within a quarter of an hour."""
    if handover := handover_of(request):
        context = {"form": UnlockForm(request), "place": handover.place, "is_locked_out": True}
        return render(request, "clinic/unlock.html", context, status=429)
    return render(request, "clinic/login.html", {"form": SignInForm(request), "is_locked_out": True}, status=429)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def unlock(request):
    """Staff take back a browser that was handed over, with a name and a password of their own.

    It may be somebody else than who handed it over: she goes on as herself.
    """
    handover = handover_of(request)
    if not handover:
        return redirect(settings.LOGIN_REDIRECT_URL)
    form = UnlockForm(request, request.POST or None)
    if not form.is_valid():
        return render(request, "clinic/unlock.html", {"form": form, "place": handover.place})
    login(request, form.get_user())
    take_back(request)
    return HttpResponseRedirect(handover.back)


@require_POST
def switch_location(request):
    chosen = request.POST.get("location", "")
    if chosen not in {str(place.public_id) for place in locations_of(request)}:
        raise Http404
    request.session["location"] = chosen
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = reverse(settings.LOGIN_REDIRECT_URL)
    return HttpResponseRedirect(back)  # never redirect(), to which a word is the name of a view
