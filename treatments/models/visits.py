"""What was done at a visit. `treatments.visits` is the only writer; a signed record is only ever added to."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.fields import EncryptedTextField
from clinic.models import HARD_MAX_DEPTH_MM, Device, Practitioner
from treatments.constraints import SignedIsFinal
from treatments.models.catalogue import Zone
from treatments.models.courses import CourseSession

SIGNED = _("This record is signed. Write an amendment instead.")


class Consent(models.Model):
    """What a patient agreed to before a session, in the words that she was shown, signed with her typed name."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    session = models.OneToOneField(CourseSession, on_delete=models.PROTECT, related_name="consent")
    text_version = models.PositiveIntegerField()
    text = models.TextField()
    typed_name = EncryptedTextField()
    signed_at = models.DateTimeField()
    witnessed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    def __str__(self):
        return f"consent {self.public_id}"


class VisitQuerySet(models.QuerySet):
    def with_everything(self):
        """With what the rules about a record look at, so that they do not ask again."""
        return self.select_related(
            "practitioner__user", "device__location", "session__course__protocol__version", "session__course__patient"
        )

    def unsigned(self):
        """Ended, and waiting for a signature."""
        return self.filter(ended_at__isnull=False, signed_at=None)


class Visit(models.Model):
    """One session as it was carried out. Depths in mm, strength in per cent, scores as on the form."""

    class Endpoint(models.TextChoices):
        EVEN_REDNESS = "even_redness", _("Even redness")
        SCATTERED_PINPOINTS = "scattered_pinpoints", _("Scattered pinpoints")
        UNIFORM_PINPOINT = "uniform_pinpoint", _("Uniform pinpoints")

    class Bleeding(models.TextChoices):
        NONE = "none", _("None")
        SCATTERED = "scattered", _("Scattered")
        UNIFORM = "uniform", _("Uniform")
        HEAVY = "heavy", _("Heavy")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    session = models.OneToOneField(CourseSession, on_delete=models.PROTECT, related_name="visit")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="visits")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    numbing_agent = models.CharField(max_length=80, blank=True)
    numbing_strength_percent = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    numbing_applied_at = models.DateTimeField(null=True)
    numbing_removed_at = models.DateTimeField(null=True)
    no_numbing_reason = EncryptedTextField(blank=True)

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="visits")
    cartridge_make = models.CharField(max_length=60, blank=True)
    cartridge_lot = models.CharField(max_length=40, blank=True)
    cartridge_expires_on = models.DateField(null=True)

    endpoint = models.CharField(max_length=20, choices=Endpoint, blank=True)
    bleeding = models.CharField(max_length=10, choices=Bleeding, blank=True)
    redness = models.PositiveSmallIntegerField(null=True)
    swelling = models.PositiveSmallIntegerField(null=True)
    pain = models.PositiveSmallIntegerField(null=True)
    reaction = EncryptedTextField(blank=True)
    is_aftercare_given = models.BooleanField(default=False)
    note = EncryptedTextField(blank=True)

    signed_at = models.DateTimeField(null=True)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField(default=0)

    objects = VisitQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.CheckConstraint(
                name="visit_ends_after_start", condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at"))
            ),
            models.CheckConstraint(
                name="visit_cream_comes_off_after_it_went_on",
                condition=Q(numbing_removed_at=None) | Q(numbing_removed_at__gt=F("numbing_applied_at")),
                violation_error_message=_("The cream comes off after it went on. Check both times."),
            ),
            models.CheckConstraint(
                name="visit_scores_on_their_scales",
                condition=(Q(redness=None) | Q(redness__lte=4))
                & (Q(swelling=None) | Q(swelling__lte=4))
                & (Q(pain=None) | Q(pain__lte=10)),
                violation_error_message=_("Redness and swelling go from 0 to 4, pain from 0 to 10."),
            ),
            models.CheckConstraint(
                name="visit_known_endpoint_and_bleeding",
                condition=Q(endpoint__in=["", "even_redness", "scattered_pinpoints", "uniform_pinpoint"])
                & Q(bleeding__in=["", "none", "scattered", "uniform", "heavy"]),
            ),
            models.CheckConstraint(
                name="visit_signed_after_its_end_by_somebody",
                condition=Q(signed_at=None, signed_by=None) | Q(signed_at__gte=F("ended_at"), signed_by__isnull=False),
            ),
            models.UniqueConstraint(
                name="visit_cartridge_used_once",
                fields=["cartridge_make", "cartridge_lot"],
                condition=~Q(cartridge_lot=""),
                violation_error_message=_("This cartridge was used at another visit. Open a new one."),
            ),
            SignedIsFinal(name="visit_signed_is_final", violation_error_message=SIGNED),
        ]
        indexes = [
            # the worklist of records that wait for a signature
            models.Index(
                name="visit_unsigned", fields=["ended_at"], condition=Q(ended_at__isnull=False, signed_at=None)
            )
        ]

    def __str__(self):
        return f"visit {self.public_id}"


class ZoneRecord(models.Model):
    """How deep and how often one zone was needled. A depth over the usual range carries its reason."""

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="zone_records")
    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="+")
    depth_mm = models.DecimalField(max_digits=3, decimal_places=2)
    passes = models.PositiveSmallIntegerField()
    reason = EncryptedTextField(blank=True)

    class Meta:
        ordering = ["zone"]
        constraints = [
            models.UniqueConstraint(fields=["visit", "zone"], name="zone_record_once_per_visit"),
            models.CheckConstraint(
                name="zone_record_depth_within_limit",
                condition=Q(depth_mm__gt=0, depth_mm__lte=HARD_MAX_DEPTH_MM),
                violation_error_message=_("A needle goes 3.0 mm deep at most."),
            ),
            models.CheckConstraint(name="zone_record_has_passes", condition=Q(passes__gte=1, passes__lte=30)),
            SignedIsFinal(name="zone_record_signed_is_final", visit="visit", violation_error_message=SIGNED),
        ]

    def __str__(self):
        return f"zone record {self.pk}"


class Topical(models.Model):
    """Something put on the skin during or after the needling."""

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="topicals")
    name = models.CharField(max_length=80)
    lot = models.CharField(max_length=40, blank=True)
    expires_on = models.DateField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            SignedIsFinal(name="topical_signed_is_final", visit="visit", violation_error_message=SIGNED),
        ]

    def __str__(self):
        return f"topical {self.pk}"


class Amendment(models.Model):
    """A dated, signed addition to a signed record. It is never changed either."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="amendments")
    text = EncryptedTextField()
    written_at = models.DateTimeField()
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["written_at", "pk"]

    def __str__(self):
        return f"amendment {self.public_id}"
