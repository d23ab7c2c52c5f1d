"""Views that do nothing, to hold ours against."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.urls import include, path

from clinic.access import EVERYBODY, allow


@login_not_required
def bare(request):
    return HttpResponse("ok")


@allow(*EVERYBODY)
def signed_in(request):
    return HttpResponse("ok")


urlpatterns = [path("bare/", bare), path("signed-in/", signed_in), path("", include("clinic.urls"))]
