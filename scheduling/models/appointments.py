"""When, with whom, in which room and with which device; and what that takes."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.fields import EncryptedTextField
from clinic.models import Device, Location, Practitioner, Room
from patients.models import Patient
from scheduling.constraints import NoOverlap
from scheduling.models.hours import SpanQuerySet
from treatments.models import CourseSession


class AppointmentQuerySet(SpanQuerySet):
    def of_locations(self, locations):
        return self.filter(location__in=locations)

    def taking_time(self):
        return self.exclude(state=Appointment.State.CANCELLED)

    def with_everything(self):
        """With what a card or the panel names, so that neither asks again."""
        return self.select_related(
            "location",
            "practitioner__user",
            "room",
            "device",
            "session__course__patient",
            "session__course__protocol",
            "session__course__plan",
        ).defer("session__course__plan__text")


class Appointment(models.Model):
    """The time of one course session. `scheduling.booking` and, on its day, `scheduling.day` are the only writers.

    `starts_at` to `ends_at` is what the patient is there for; the room and the device are taken a little longer.
    `revision` goes up whenever a patient must be told something new, and is the calendar file's SEQUENCE.
    """

    class State(models.TextChoices):
        BOOKED = "booked", _("Booked")
        CONFIRMED = "confirmed", _("Confirmed")
        ARRIVED = "arrived", _("Arrived")
        IN_TREATMENT = "in_treatment", _("In treatment")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")

    State.AHEAD = (State.BOOKED, State.CONFIRMED)  # may still move

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    session = models.ForeignKey(CourseSession, on_delete=models.PROTECT, related_name="appointments")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="appointments")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="appointments")
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="appointments")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="appointments")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.CharField(max_length=15, choices=State, default=State.BOOKED)
    revision = models.PositiveIntegerField(default=0)
    arrived_at = models.DateTimeField(null=True)
    # why the clinical lead let the session leave its window
    exception_reason = EncryptedTextField(blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.CheckConstraint(
                name="appointment_known_state",
                condition=Q(state__in=["booked", "confirmed", "arrived", "in_treatment", "completed", "cancelled"]),
            ),
            models.CheckConstraint(name="appointment_ends_after_start", condition=Q(ends_at__gt=F("starts_at"))),
            models.UniqueConstraint(
                name="appointment_one_live_per_session", fields=["session"], condition=~Q(state="cancelled")
            ),
        ]
        indexes = [
            models.Index(name="appointment_by_location_time", fields=["location", "starts_at"])  # the day board
        ]

    def __str__(self):
        return f"appointment {self.public_id}"

    @property
    def patient(self) -> Patient:
        return self.session.course.patient

    @property
    def is_cancelled(self) -> bool:
        return self.state == self.State.CANCELLED


class Occupancy(models.Model):
    """One practitioner, room, device or patient taken from when to when, for as long as the appointment stands.

    A cancelled appointment has none. The practitioner has two, around the time in which the numbing cream works.
    """

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="occupancies")
    practitioner = models.ForeignKey(Practitioner, null=True, on_delete=models.PROTECT, related_name="occupancies")
    room = models.ForeignKey(Room, null=True, on_delete=models.PROTECT, related_name="occupancies")
    device = models.ForeignKey(Device, null=True, on_delete=models.PROTECT, related_name="occupancies")
    patient = models.ForeignKey(Patient, null=True, on_delete=models.PROTECT, related_name="occupancies")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects = SpanQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("occupancies")
        constraints = [
            models.CheckConstraint(name="occupancy_ends_after_start", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(
                name="occupancy_takes_exactly_one",
                condition=Q(practitioner__isnull=False, room=None, device=None, patient=None)
                | Q(practitioner=None, room__isnull=False, device=None, patient=None)
                | Q(practitioner=None, room=None, device__isnull=False, patient=None)
                | Q(practitioner=None, room=None, device=None, patient__isnull=False),
            ),
            NoOverlap(
                name="occupancy_practitioner_once",
                resource="practitioner",
                violation_error_message=_("The practitioner is taken at that time."),
            ),
            NoOverlap(
                name="occupancy_room_once",
                resource="room",
                violation_error_message=_("The room is taken at that time."),
            ),
            NoOverlap(
                name="occupancy_device_once",
                resource="device",
                violation_error_message=_("The device is taken at that time."),
            ),
            NoOverlap(
                name="occupancy_patient_once",
                resource="patient",
                violation_error_message=_("The patient has another visit at that time."),
            ),
        ]
        indexes = [
            # free times read what ends after the first and starts before the last moment asked for
            models.Index(name="occupancy_practitioner_time", fields=["practitioner", "ends_at"]),
            models.Index(name="occupancy_room_time", fields=["room", "ends_at"]),
            models.Index(name="occupancy_device_time", fields=["device", "ends_at"]),
            models.Index(name="occupancy_patient_time", fields=["patient", "ends_at"]),
        ]

    def __str__(self):
        return f"occupancy {self.pk}"
