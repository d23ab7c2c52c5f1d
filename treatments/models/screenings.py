"""What the rules made of a patient's answers, for one session at one start."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery

from clinic.fields import EncryptedTextField
from treatments.catalogue import Outcome, Stage
from treatments.models.catalogue import CatalogueVersion
from treatments.models.courses import CourseSession


class ScreeningQuerySet(models.QuerySet):
    def newest_first(self):
        return self.order_by("-created_at", "-pk")

    def with_findings(self):
        """With the findings and the decision, so that neither is asked for again."""
        return self.select_related("decision").prefetch_related("findings")

    def newest_in_the_way(self):
        """Those of which `stands_in_the_way` is true and after which their session was not screened again."""
        newest = Screening.objects.filter(session=OuterRef("session")).newest_first().values("pk")[:1]
        return self.filter(pk=Subquery(newest), outcome__in=Screening.STANDS_IN_THE_WAY, decision__isnull=True)


class Screening(models.Model):
    """One run of the rules. Written once: a new answer or a new start makes a new screening."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    session = models.ForeignKey(CourseSession, on_delete=models.PROTECT, related_name="screenings")
    stage = models.CharField(max_length=10, choices=Stage)
    for_start = models.DateTimeField()
    catalogue_version = models.ForeignKey(CatalogueVersion, on_delete=models.PROTECT, related_name="+")
    answers = EncryptedTextField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    not_before = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    STANDS_IN_THE_WAY = (Outcome.HOLD, Outcome.BLOCK, Outcome.HARD_BLOCK)

    objects = ScreeningQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="screening_known_outcome",
                condition=Q(outcome__in=["hard_block", "block", "hold", "task", "advise", "pass"]),
            ),
            models.CheckConstraint(
                name="screening_known_stage", condition=Q(stage__in=["booking", "previsit", "checkin"])
            ),
        ]
        indexes = [
            # the light of a session is its newest screening
            models.Index(name="screening_newest_of_session", fields=["session", "-created_at"])
        ]

    def __str__(self):
        return f"screening {self.public_id}"

    @property
    def stands_in_the_way(self) -> bool:
        """Whether the visit waits for a decision or may not take place. Read it with `decision` selected."""
        return Outcome(self.outcome) in Screening.STANDS_IN_THE_WAY and not hasattr(self, "decision")


class ScreeningFinding(models.Model):
    """What one rule said. `reason` may name a medicine, so it is encrypted and never shown to reception."""

    screening = models.ForeignKey(Screening, on_delete=models.CASCADE, related_name="findings")
    rule_code = models.CharField(max_length=10)
    outcome = models.CharField(max_length=10, choices=Outcome)
    clear_from = models.DateTimeField(null=True)
    reason = EncryptedTextField()
    # an answer is missing or unsure under a rule that nobody may lift: no decision ends it, only the answer does
    ends_only_with_answer = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["screening", "rule_code"], name="screening_finding_once_per_rule"),
            models.CheckConstraint(
                name="screening_finding_known_outcome",
                condition=Q(outcome__in=["hard_block", "block", "hold", "task", "advise", "pass"]),
            ),
        ]

    def __str__(self):
        return f"{self.rule_code}: {self.outcome}"


class ScreeningDecision(models.Model):
    """Somebody who may do so lifts what stands in the way of one screening, with her reason. It is never edited."""

    screening = models.OneToOneField(Screening, on_delete=models.PROTECT, related_name="decision")
    reason = EncryptedTextField()
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    def __str__(self):
        return f"decision on {self.screening}"
