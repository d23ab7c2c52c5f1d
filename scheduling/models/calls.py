"""Who waits to be called."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from clinic.models import Location
from patients.models import Patient
from scheduling.models.appointments import Appointment


class CallRequestQuerySet(models.QuerySet):
    def waiting(self):
        """Those that nobody has answered, but for visits that were moved or cancelled since."""
        as_it_stood = Q(revision=F("appointment__revision"), appointment__state__in=Appointment.State.AHEAD)
        return self.filter(as_it_stood | Q(appointment=None), answered_at=None)

    def about_no_visit(self, location: Location):
        """Those of patients for whom nothing could be booked at a location."""
        return self.filter(location=location)


class CallRequest(models.Model):
    """A patient waits to be called about her visit as it stood at `revision`; or, where nothing can be booked for her
    at a `location`, by its clinical lead. `scheduling.calls` is the only writer.

    `asked_by` is who asks a clinician to call; without one the patient has asked herself.
    """

    appointment = models.ForeignKey(Appointment, null=True, on_delete=models.CASCADE, related_name="call_requests")
    revision = models.PositiveIntegerField(null=True)
    patient = models.ForeignKey(Patient, null=True, on_delete=models.CASCADE, related_name="call_requests")
    location = models.ForeignKey(Location, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = CallRequestQuerySet.as_manager()

    class Meta:
        ordering = ["asked_at", "pk"]
        constraints = [
            # also what the worklist of those who wait for a call reads
            models.UniqueConstraint(
                name="call_request_waits_once", fields=["appointment", "revision"], condition=Q(answered_at=None)
            ),
            models.UniqueConstraint(
                name="call_request_of_patient_waits_once",
                fields=["patient", "location"],
                condition=Q(answered_at=None),
            ),
            models.CheckConstraint(
                name="call_request_about_visit_or_patient",
                condition=Q(appointment__isnull=False, revision__isnull=False, patient=None, location=None)
                | Q(appointment=None, revision=None, patient__isnull=False, location__isnull=False),
            ),
            models.CheckConstraint(
                name="call_request_answered_by_somebody",
                condition=Q(answered_at=None, answered_by=None)
                | Q(answered_at__isnull=False, answered_by__isnull=False),
            ),
        ]

    def __str__(self):
        return f"call asked for about {self.appointment or self.patient}"
