from django.conf import settings
from django.urls import include, path

from scheduling.views import about, appointments, board, bookings, calls, facts, health, patient_edits, worklists

app_name = "scheduling"

urlpatterns = [
    path("", board.home, name="home"),
    path("about-the-treatment/", about.about_treatment, name="about-treatment"),
    path("healthz", health.healthz, name="health"),
    path("board/", board.board_day, name="board-day"),
    path("worklists/", worklists.worklists, name="worklists"),
    path("worklists/count/", worklists.worklists_count, name="worklists-count"),
    path("patients/<uuid:public_id>/edit/", patient_edits.patient_edit, name="patient-edit"),
    path("patients/<uuid:public_id>/call/", calls.patient_call, name="patient-call"),
    path("patients/<uuid:public_id>/called/", calls.patient_called, name="patient-called"),
    path("patients/<uuid:public_id>/facts/new/", facts.fact_create, name="fact-create"),
    path("patients/<uuid:public_id>/facts/<uuid:fact_id>/end/", facts.fact_end, name="fact-end"),
    path("bookings/new/", bookings.booking_create, name="booking-create"),
    path("bookings/times/", bookings.booking_times, name="booking-times"),
    path("bookings/sessions/", bookings.booking_sessions, name="booking-sessions"),
    path("appointments/<uuid:public_id>/", appointments.appointment_show, name="appointment-show"),
    path("appointments/<uuid:public_id>/confirm/", appointments.appointment_confirm, name="appointment-confirm"),
    path("appointments/<uuid:public_id>/move/", appointments.appointment_move, name="appointment-move"),
    path("appointments/<uuid:public_id>/places/", appointments.appointment_places, name="appointment-places"),
    path("appointments/<uuid:public_id>/cancel/", appointments.appointment_cancel, name="appointment-cancel"),
    path(
        "appointments/<uuid:public_id>/reactivate/", appointments.appointment_reactivate, name="appointment-reactivate"
    ),
    path("appointments/<uuid:public_id>/", include("scheduling.day_urls")),
    path("v/", include("scheduling.patient_urls")),
    path("", include("scheduling.course_urls")),
    path("", include("scheduling.hours_urls")),
    path("rules/", include("scheduling.rule_urls")),
]
if not settings.IS_PRODUCTION:
    urlpatterns.append(path("demo/", include("scheduling.mailbox_urls")))
