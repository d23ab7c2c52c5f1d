"""When somebody works and when the clinic is closed."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.fields import EncryptedTextField
from clinic.models import Location, Practitioner


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class WorkingHours(models.Model):
    """A stretch of work, every week, in the location's own time. The gap between two on one day is the break."""

    practitioner = models.ForeignKey(Practitioner, on_delete=models.CASCADE, related_name="working_hours")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="working_hours")
    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    starts = models.TimeField()
    ends = models.TimeField()

    class Meta:
        ordering = ["weekday", "starts"]
        verbose_name_plural = _("working hours")
        constraints = [
            models.CheckConstraint(
                name="working_hours_end_after_start",
                condition=Q(ends__gt=F("starts")),
                violation_error_message=_("The end of work must come after its start."),
            ),
            models.CheckConstraint(name="working_hours_known_weekday", condition=Q(weekday__lte=6)),
            models.UniqueConstraint(
                fields=["practitioner", "weekday", "starts"], name="working_hours_start_once_per_day"
            ),
        ]

    def __str__(self):
        return f"{self.get_weekday_display()} {self.starts:%H:%M} to {self.ends:%H:%M}"


class SpanQuerySet(models.QuerySet):
    def overlapping(self, start, end):
        return self.filter(starts_at__lt=end, ends_at__gt=start)


class TimeOff(models.Model):
    """A practitioner away: holiday, training, illness. The note stays with those who plan."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    practitioner = models.ForeignKey(Practitioner, on_delete=models.CASCADE, related_name="time_off")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    note = EncryptedTextField(_("note"), blank=True)

    objects = SpanQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at"]
        verbose_name_plural = _("time off")
        constraints = [
            models.CheckConstraint(
                name="time_off_ends_after_start",
                condition=Q(ends_at__gt=F("starts_at")),
                violation_error_message=_("The end must come after the start."),
            )
        ]
        indexes = [
            models.Index(name="time_off_by_practitioner", fields=["practitioner", "ends_at"])  # read by availability
        ]

    def __str__(self):
        return f"time off {self.public_id}"


class ClosureQuerySet(models.QuerySet):
    def overlapping_days(self, first, last):
        return self.filter(first_day__lte=last, last_day__gte=first)


class Closure(models.Model):
    """Whole days, in the location's own calendar, on which nobody is booked there."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="closures")
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    reason = models.CharField(_("reason"), max_length=80)

    objects = ClosureQuerySet.as_manager()

    class Meta:
        ordering = ["first_day"]
        constraints = [
            models.CheckConstraint(
                name="closure_ends_after_start",
                condition=Q(last_day__gte=F("first_day")),
                violation_error_message=_("The last day must not come before the first."),
            ),
            models.CheckConstraint(
                name="closure_days_are_readable",
                condition=Q(first_day__gte="2000-01-01", last_day__lte="2100-12-31"),
                violation_error_message=_("Give days between 2000 and 2100."),
            ),
        ]

    def __str__(self):
        return self.reason
