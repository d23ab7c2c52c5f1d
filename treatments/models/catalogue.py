"""What the clinic offers and the rules by which it decides who it suits, in published versions that never change."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext as _

from clinic.models import HARD_MAX_DEPTH_MM, Tone
from treatments.catalogue import Override


class CatalogueVersionQuerySet(models.QuerySet):
    def current(self):
        """The version that counts for what is decided now: the highest published. None before the first."""
        return self.order_by("-number").first()


class CatalogueVersion(models.Model):
    """One published state of the catalogue, with the very text it was loaded from."""

    number = models.PositiveIntegerField(unique=True)
    source = models.TextField()
    note = models.CharField(max_length=200, blank=True)
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = CatalogueVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]

    def __str__(self):
        return f"catalogue version {self.number}"


class Protocol(models.Model):
    """How an indication is treated: sessions, weeks between them, depth in mm, and the parts of a visit in minutes."""

    version = models.ForeignKey(CatalogueVersion, on_delete=models.PROTECT, related_name="protocols")
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    tone = models.CharField(max_length=10, choices=Tone)
    sessions_min = models.PositiveSmallIntegerField()
    sessions_typical = models.PositiveSmallIntegerField()
    sessions_max = models.PositiveSmallIntegerField()
    interval_weeks_min = models.PositiveSmallIntegerField()
    interval_weeks_typical = models.PositiveSmallIntegerField()
    interval_weeks_max = models.PositiveSmallIntegerField()
    depth_min_mm = models.DecimalField(max_digits=4, decimal_places=2)
    depth_start_mm = models.DecimalField(max_digits=4, decimal_places=2)
    depth_max_mm = models.DecimalField(max_digits=4, decimal_places=2)
    endpoint = models.CharField(max_length=40)
    preparation_minutes = models.PositiveSmallIntegerField()
    numbing_minutes = models.PositiveSmallIntegerField()
    needling_minutes = models.PositiveSmallIntegerField()
    clean_up_minutes = models.PositiveSmallIntegerField()
    review_after = models.PositiveSmallIntegerField()
    needs_clinician_plan = models.BooleanField(default=False)
    refreshers_min_per_year = models.PositiveSmallIntegerField(null=True)
    refreshers_max_per_year = models.PositiveSmallIntegerField(null=True)

    class Meta:
        ordering = ["version", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["version", "code"], name="protocol_code_once_per_version"),
            models.CheckConstraint(
                name="protocol_sessions_in_order",
                condition=Q(
                    sessions_min__gte=1,
                    sessions_min__lte=F("sessions_typical"),
                    sessions_typical__lte=F("sessions_max"),
                ),
            ),
            models.CheckConstraint(
                name="protocol_intervals_in_order",
                condition=Q(
                    interval_weeks_min__gte=1,
                    interval_weeks_min__lte=F("interval_weeks_typical"),
                    interval_weeks_typical__lte=F("interval_weeks_max"),
                ),
            ),
            models.CheckConstraint(
                name="protocol_depths_in_order",
                condition=Q(
                    depth_min_mm__gt=0,
                    depth_min_mm__lte=F("depth_start_mm"),
                    depth_start_mm__lte=F("depth_max_mm"),
                    depth_max_mm__lte=HARD_MAX_DEPTH_MM,
                ),
            ),
            models.CheckConstraint(
                name="protocol_has_needling_time", condition=Q(preparation_minutes__gt=0, needling_minutes__gt=0)
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def slot_minutes(self) -> int:
        """What the patient is there for; the room is taken for the clean-up as well."""
        return self.preparation_minutes + self.numbing_minutes + self.needling_minutes

    @property
    def rhythm(self) -> str:
        """How many sessions it takes and how far apart they are, in words."""
        numbers = {
            "fewest": self.sessions_min,
            "most": self.sessions_max,
            "first": self.interval_weeks_min,
            "last": self.interval_weeks_max,
            "best": self.interval_weeks_typical,
        }
        return _("%(fewest)d to %(most)d sessions, %(first)d to %(last)d weeks apart, best at %(best)d") % numbers


class Zone(models.Model):
    """A part of the skin, with the depths in mm that need no reason."""

    version = models.ForeignKey(CatalogueVersion, on_delete=models.PROTECT, related_name="zones")
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    soft_min_mm = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    soft_max_mm = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    scar_soft_max_mm = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    is_bookable = models.BooleanField(default=True)
    is_keloid_prone = models.BooleanField(default=False)

    class Meta:
        ordering = ["version", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["version", "code"], name="zone_code_once_per_version"),
            models.CheckConstraint(
                name="zone_bookable_has_depths",
                condition=Q(is_bookable=False)
                | Q(soft_min_mm__gt=0, soft_min_mm__lte=F("soft_max_mm"), soft_max_mm__lte=HARD_MAX_DEPTH_MM),
            ),
        ]

    def __str__(self):
        return self.name


class ScreeningRule(models.Model):
    """A rule as it stood in one version. `definition` is the rule's part of the source, for whoever reviews it."""

    version = models.ForeignKey(CatalogueVersion, on_delete=models.PROTECT, related_name="rules")
    code = models.CharField(max_length=10)
    name = models.CharField(max_length=80)
    tag = models.CharField(max_length=10)
    grade = models.CharField(max_length=2, blank=True)
    override = models.CharField(max_length=15, choices=Override)
    is_active = models.BooleanField()
    definition = models.JSONField()

    class Meta:
        ordering = ["version", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["version", "code"], name="screening_rule_code_once_per_version"),
            models.CheckConstraint(
                name="screening_rule_known_override", condition=Q(override__in=["none", "clinician", "aesthetician"])
            ),
        ]

    def __str__(self):
        return f"{self.code} {self.name}"
