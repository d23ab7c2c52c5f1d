"""Signing in and out, and choosing the location on the screen."""

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from clinic.access import locations_of

DEMO_ACCOUNTS = ("reception", "practitioner", "lead", "owner")


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _("This user name and password do not belong together. Check both and try again."),
        # the same words: whether an account exists is nobody's business
        "inactive": _("This user name and password do not belong together. Check both and try again."),
    }


sign_in = LoginView.as_view(
    template_name="clinic/login.html",
    authentication_form=SignInForm,
    redirect_authenticated_user=True,
    extra_context={"demo_accounts": DEMO_ACCOUNTS if settings.IS_DEMO else ()},
)


def locked_out(request, response=None, credentials=None):
    """What axes answers to the eleventh guess within a quarter of an hour."""
    form = SignInForm(request)
    return render(request, "clinic/login.html", {"form": form, "is_locked_out": True}, status=429)


@require_POST
def switch_location(request):
    chosen = request.POST.get("location", "")
    if chosen not in {str(place.public_id) for place in locations_of(request)}:
        raise Http404
    request.session["location"] = chosen
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = reverse(settings.LOGIN_REDIRECT_URL)
    return redirect(back)
