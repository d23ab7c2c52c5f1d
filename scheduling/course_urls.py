from django.urls import path

from scheduling.views import courses, my_day, sessions

urlpatterns = [
    path("day/", my_day.day_show, name="day-show"),
    path("courses/<uuid:public_id>/", courses.course_show, name="course-show"),
    path("courses/<uuid:public_id>/plan/", courses.course_plan, name="course-plan"),
    path("courses/<uuid:public_id>/refresher/", courses.course_refresher, name="course-refresher"),
    path("sessions/<uuid:public_id>/book/", sessions.session_book, name="session-book"),
]
