from django.urls import path

from patients.views import patients

app_name = "patients"
urlpatterns = [
    path("", patients.patient_list, name="patient-list"),
    path("search/", patients.patient_search, name="patient-search"),
    path("new/", patients.patient_create, name="patient-create"),
    path("new/prefill/", patients.patient_prefill, name="patient-prefill"),
    path("<uuid:public_id>/", patients.patient_show, name="patient-show"),
]
