from django.urls import path

from scheduling.views import hours

urlpatterns = [
    path("settings/hours/<uuid:public_id>/", hours.hours_edit, name="hours-edit"),
    path("settings/hours/<uuid:public_id>/time-off/new/", hours.time_off_create, name="time-off-create"),
    path("settings/time-off/<uuid:public_id>/delete/", hours.time_off_delete, name="time-off-delete"),
    path("settings/closures/", hours.closure_list, name="closure-list"),
    path("settings/closures/new/", hours.closure_create, name="closure-create"),
    path("settings/closures/<uuid:public_id>/delete/", hours.closure_delete, name="closure-delete"),
]
