"""What a patient is to be told about an appointment, and when."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import OutgoingMail
from scheduling.models.appointments import Appointment


class ReminderQuerySet(models.QuerySet):
    def due(self, at):
        return self.filter(state=Reminder.State.PLANNED, due_at__lte=at)

    def refused(self):
        """Those whose mail the server refused, and after which the patient was told nothing newer."""
        return self.filter(revision=F("appointment__revision"), mail__status=OutgoingMail.Status.FAILED)


class Reminder(models.Model):
    """Planned in the transaction of what causes it; `scheduling.reminders` turns it into a mail when it is due."""

    class Kind(models.TextChoices):
        CONFIRMATION = "confirmation", _("Confirmation")
        BEFORE_48H = "before_48h", _("48 hours before")
        GET_READY = "get_ready", _("Out of the sun, clean face")
        AFTER_2H = "after_2h", _("2 hours after")
        AFTER_24H = "after_24h", _("24 hours after")
        AFTER_48H = "after_48h", _("48 hours after")
        MOVED = "moved", _("Moved")
        CANCELLED = "cancelled", _("Cancelled")
        NEW_LINK = "new_link", _("New link")
        FINAL = "final", _("Visit is final")

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        MAILED = "mailed", _("Handed to the outbox")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        SKIPPED = "skipped", _("Left out")

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="reminders")
    kind = models.CharField(max_length=15, choices=Kind)
    revision = models.PositiveIntegerField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    mail = models.ForeignKey(OutgoingMail, null=True, on_delete=models.PROTECT, related_name="reminders")

    objects = ReminderQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["appointment", "kind", "revision"],
                name="reminder_once_per_kind_and_revision",
                condition=~Q(kind="new_link"),  # sent by hand, and perhaps again
            ),
            models.CheckConstraint(
                name="reminder_known_kind",
                condition=Q(
                    kind__in=[
                        "confirmation",
                        "before_48h",
                        "get_ready",
                        "after_2h",
                        "after_24h",
                        "after_48h",
                        "moved",
                        "cancelled",
                        "new_link",
                        "final",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="reminder_known_state", condition=Q(state__in=["planned", "mailed", "withdrawn", "skipped"])
            ),
            models.CheckConstraint(
                name="reminder_mailed_has_a_mail", condition=~Q(state="mailed") | Q(mail__isnull=False)
            ),
        ]
        indexes = [
            # read by every sweep
            models.Index(name="reminder_planned_by_due", fields=["due_at"], condition=Q(state="planned"))
        ]

    def __str__(self):
        return f"{self.kind} of {self.appointment_id}"
