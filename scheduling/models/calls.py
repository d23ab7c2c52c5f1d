"""Who has asked to be called."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from scheduling.models.appointments import Appointment


class CallRequestQuerySet(models.QuerySet):
    def waiting(self):
        """Those that nobody has answered, about a visit that was not moved or cancelled since."""
        return self.filter(
            answered_at=None, revision=F("appointment__revision"), appointment__state__in=Appointment.State.AHEAD
        )


class CallRequest(models.Model):
    """A patient asks to be called about her visit as it stood at `revision`. `scheduling.calls` is the only writer."""

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="call_requests")
    revision = models.PositiveIntegerField()
    asked_at = models.DateTimeField()
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
            models.CheckConstraint(
                name="call_request_answered_by_somebody",
                condition=Q(answered_at=None, answered_by=None)
                | Q(answered_at__isnull=False, answered_by__isnull=False),
            ),
        ]

    def __str__(self):
        return f"call asked for about {self.appointment}"
