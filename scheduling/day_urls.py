"""The addresses of the day of a visit; all of them belong to its appointment."""

from django.urls import path

from scheduling.views import appointments, calls, checkins, screenings, treatment_changes, visits

urlpatterns = [
    path("screening/", screenings.screening_show, name="screening-show"),
    path("screening/decide/", screenings.screening_decide, name="screening-decide"),
    path("screening/ask/", screenings.screening_ask, name="screening-ask"),
    path("screening/advice/", screenings.screening_advice, name="screening-advice"),
    path("treatment/", treatment_changes.treatment_change, name="treatment-change"),
    path("link/", appointments.appointment_link, name="appointment-link"),
    path("call/", calls.appointment_call, name="appointment-call"),
    path("called/", appointments.appointment_called, name="appointment-called"),
    path("arrive/", appointments.appointment_arrive, name="appointment-arrive"),
    path("undo-arrival/", appointments.appointment_undo_arrival, name="appointment-undo-arrival"),
    path("checkin/", checkins.checkin_show, name="checkin-show"),
    path("checkin/hand-over/", checkins.checkin_hand_over, name="checkin-hand-over"),
    path("checkin/patient/", checkins.checkin_patient, name="checkin-patient"),
    path("visit/", visits.visit_show, name="visit-show"),
    path("visit/start/", visits.visit_start, name="visit-start"),
    path("visit/numbing/", visits.visit_numbing, name="visit-numbing"),
    path("visit/zone/", visits.visit_zone, name="visit-zone"),
    path("visit/zone/remove/", visits.visit_remove_zone, name="visit-remove-zone"),
    path("visit/cartridge/", visits.visit_cartridge, name="visit-cartridge"),
    path("visit/topical/", visits.visit_topical, name="visit-topical"),
    path("visit/topical/remove/", visits.visit_remove_topical, name="visit-remove-topical"),
    path("visit/result/", visits.visit_result, name="visit-result"),
    path("visit/end/", visits.visit_end, name="visit-end"),
    path("visit/sign/", visits.visit_sign, name="visit-sign"),
    path("visit/amend/", visits.visit_amend, name="visit-amend"),
]
