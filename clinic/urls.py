"""Every address of the application."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from clinic.views import accounts

clinic_urls = [
    path("login/", accounts.sign_in, name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("location/", accounts.switch_location, name="location-switch"),
]

urlpatterns = [
    path("", include((clinic_urls, "clinic"))),
    path("patients/", include("patients.urls")),
    path("", include("scheduling.urls")),
]
