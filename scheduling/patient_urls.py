"""What a patient reaches through the link in a mail. Only the first address carries the token."""

from django.urls import path

from scheduling.views import patient_pages

urlpatterns = [
    path("<uuid:public_id>/", patient_pages.link_visit, name="link-visit"),
    path("<uuid:public_id>/start/", patient_pages.link_start, name="link-start"),
    path("<uuid:public_id>/questions/<str:question>/", patient_pages.link_question, name="link-question"),
    path("<uuid:public_id>/answers/", patient_pages.link_answers, name="link-answers"),
    path("<uuid:public_id>/result/", patient_pages.link_result, name="link-result"),
    path("<uuid:public_id>/call/", patient_pages.link_call, name="link-call"),
    path("<uuid:public_id>/calendar/", patient_pages.link_calendar, name="link-calendar"),
    path("<str:token>/", patient_pages.link_open, name="link-open"),
]
