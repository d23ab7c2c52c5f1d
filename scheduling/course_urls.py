from django.urls import path

from scheduling.views import courses, my_day, patient_visits, sessions

urlpatterns = [
    path("day/", my_day.day_show, name="day-show"),
    path("patients/<uuid:public_id>/visits/", patient_visits.patient_visits, name="patient-visits"),
    path("courses/<uuid:public_id>/", courses.course_show, name="course-show"),
    path("courses/<uuid:public_id>/plan/", courses.course_plan, name="course-plan"),
    path("courses/<uuid:public_id>/refresher/", courses.course_refresher, name="course-refresher"),
    path("sessions/<uuid:public_id>/book/", sessions.session_book, name="session-book"),
]
