"""What is planned for a patient. Everything else about a visit hangs on its CourseSession."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from patients.models import Patient
from treatments.models.catalogue import Protocol, Zone


class Course(models.Model):
    """A protocol for one patient, in the catalogue version it was planned with. A single booking is a course of one.

    No zones means that they are not known yet, and what is not known counts as the same place.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="courses")
    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, related_name="courses")
    zones = models.ManyToManyField(Zone, blank=True, related_name="+")
    planned_sessions = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(name="course_plans_a_session", condition=Q(planned_sessions__gte=1)),
        ]

    def __str__(self):
        return f"course {self.public_id}"


class CourseSession(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="sessions")
    number = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["course", "number"]
        constraints = [
            models.UniqueConstraint(fields=["course", "number"], name="course_session_number_once"),
            models.CheckConstraint(name="course_session_counts_from_one", condition=Q(number__gte=1)),
        ]

    def __str__(self):
        return f"session {self.public_id}"

    @property
    def position(self) -> str:
        """ "2 of 4"; nothing for a course of one."""
        return f"{self.number} of {self.course.planned_sessions}" if self.course.planned_sessions > 1 else ""
