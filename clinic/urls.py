"""Every address of the application."""

from django.urls import include, path

from clinic.views import accounts, settings

clinic_urls = [
    path("login/", accounts.sign_in, name="login"),
    path("logout/", accounts.sign_out, name="logout"),
    path("unlock/", accounts.unlock, name="unlock"),
    path("location/", accounts.switch_location, name="location-switch"),
    path("settings/", settings.overview, name="settings"),
    path("settings/location/", settings.location_edit, name="location-edit"),
    path("settings/location/new/", settings.location_create, name="location-create"),
    path("settings/rooms/new/", settings.room_create, name="room-create"),
    path("settings/rooms/<uuid:public_id>/", settings.room_edit, name="room-edit"),
    path("settings/devices/new/", settings.device_create, name="device-create"),
    path("settings/devices/<uuid:public_id>/", settings.device_edit, name="device-edit"),
    path("settings/staff/new/", settings.staff_create, name="staff-create"),
    path("settings/staff/<uuid:public_id>/", settings.staff_edit, name="staff-edit"),
    path("settings/staff/<uuid:public_id>/password/", settings.staff_password, name="staff-password"),
    path("settings/staff/<uuid:public_id>/off/", settings.staff_switch_off, name="staff-switch-off"),
    path("settings/staff/<uuid:public_id>/on/", settings.staff_switch_on, name="staff-switch-on"),
]

urlpatterns = [
    path("", include((clinic_urls, "clinic"))),
    path("patients/", include("patients.urls")),
    path("", include("scheduling.urls")),
]

handler404 = "scheduling.views.patient_failures.page_not_found"
