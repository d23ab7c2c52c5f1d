"""What a patient reaches without an account: one link a purpose, and the answers that she types behind it."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.fields import EncryptedTextField
from scheduling.models.appointments import Appointment
from treatments.models import CatalogueVersion


class PatientLinkQuerySet(models.QuerySet):
    def of_locations(self, locations):
        return self.filter(appointment__location__in=locations)

    def with_everything(self):
        """With the visit, and all that its pages name."""
        return self.select_related(
            *(f"appointment__{name}" for name in ("location", "practitioner__user")),
            *(f"appointment__session__course__{name}" for name in ("patient", "protocol")),
            "typed",
        )


class PatientLink(models.Model):
    """A link in a mail. Only the hash of its token is kept; `clinic.links` makes both.

    It follows the appointment where that is moved, and is dead as soon as that is cancelled.
    """

    class Purpose(models.TextChoices):
        BOOKING = "booking", _("Health questions of the booking")
        PREVISIT = "previsit", _("Check before the visit")

    MOST_TRIES = 5  # wrong dates of birth before the link is locked

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="links")
    purpose = models.CharField(max_length=10, choices=Purpose)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    wrong_tries = models.PositiveSmallIntegerField(default=0)
    locked_at = models.DateTimeField(null=True)

    objects = PatientLinkQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(name="patient_link_known_purpose", condition=Q(purpose__in=["booking", "previsit"])),
            models.CheckConstraint(name="patient_link_tries_have_an_end", condition=Q(wrong_tries__lte=5)),
        ]
        indexes = [
            # the worklist of links that somebody could not open
            models.Index(name="patient_link_locked", fields=["appointment"], condition=Q(locked_at__isnull=False))
        ]

    def __str__(self):
        return f"link {self.public_id}"

    @property
    def tries_left(self) -> int:
        return self.MOST_TRIES - self.wrong_tries


class PatientAnswers(models.Model):
    """What a patient has typed behind a link, kept as she goes; `sent_at` once she has said that it is all.

    It is in step with what was on file at `as_of`: what has been said since is newer.
    """

    link = models.OneToOneField(PatientLink, on_delete=models.CASCADE, related_name="typed")
    catalogue_version = models.ForeignKey(CatalogueVersion, on_delete=models.PROTECT, related_name="+")
    answers = EncryptedTextField()
    as_of = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"answers behind {self.link}"
