"""What is planned for a patient. Everything else about a visit hangs on its CourseSession."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clinic.fields import EncryptedTextField
from patients.models import Patient
from treatments.models.catalogue import Protocol, Zone


class CourseQuerySet(models.QuerySet):
    def of_locations(self, locations):
        """A course is where its patient belongs."""
        return self.filter(patient__locations__in=locations).distinct()


class Course(models.Model):
    """A protocol for one patient, in the catalogue version it was planned with. A single booking is a course of one.

    No zones means that they are not known yet, and what is not known counts as the same place.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="courses")
    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, related_name="courses")
    zones = models.ManyToManyField(Zone, blank=True, related_name="+")
    planned_sessions = models.PositiveSmallIntegerField()
    refreshers_per_year = models.PositiveSmallIntegerField(null=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = CourseQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(name="course_plans_a_session", condition=Q(planned_sessions__gte=1)),
            models.CheckConstraint(
                name="course_refreshers_once_or_twice_a_year",
                condition=Q(refreshers_per_year=None) | Q(refreshers_per_year__in=[1, 2]),
            ),
        ]

    def __str__(self):
        return f"course {self.public_id}"

    @property
    def is_single(self) -> bool:
        """A single visit is a course of one."""
        return self.planned_sessions == 1


class CoursePlan(models.Model):
    """What the clinical lead plans for a course whose protocol may not begin without her."""

    course = models.OneToOneField(Course, on_delete=models.PROTECT, related_name="plan")
    text = EncryptedTextField()
    signed_at = models.DateTimeField()
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    def __str__(self):
        return f"plan of {self.course}"


class CourseSessionQuerySet(models.QuerySet):
    def of_locations(self, locations):
        return self.filter(course__patient__locations__in=locations).distinct()


class CourseSession(models.Model):
    """A session of a course: one of the planned ones, numbered from 1, or a refresher after them."""

    class Kind(models.TextChoices):
        PLANNED = "planned", _("Session")
        REFRESHER = "refresher", _("Refresher")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="sessions")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PLANNED)

    objects = CourseSessionQuerySet.as_manager()

    class Meta:
        ordering = ["course", "number"]
        constraints = [
            models.UniqueConstraint(fields=["course", "number"], name="course_session_number_once"),
            models.CheckConstraint(name="course_session_counts_from_one", condition=Q(number__gte=1)),
            models.CheckConstraint(name="course_session_known_kind", condition=Q(kind__in=["planned", "refresher"])),
        ]

    def __str__(self):
        return f"session {self.public_id}"

    @property
    def is_refresher(self) -> bool:
        return self.kind == self.Kind.REFRESHER

    @property
    def waits_for_plan(self) -> bool:
        """Whether it may not begin yet, because the clinical lead has signed no plan. Read it with `plan` selected."""
        return self.number == 1 and self.course.protocol.needs_clinician_plan and not hasattr(self.course, "plan")

    @property
    def position(self) -> str:
        """ "2 of 4", "refresher", or nothing for a course of one."""
        if self.is_refresher:
            return gettext("refresher")
        if self.course.is_single:
            return ""
        return gettext("%(number)d of %(planned)d") % {
            "number": self.number,
            "planned": self.course.planned_sessions,
        }
