"""The work that a new version of the rules makes."""

from django.db import models
from django.db.models import F, Q

from treatments.models import CatalogueVersion


class RuleRun(models.Model):
    """One pass of a new catalogue version over all visits to come; `scheduling.rule_runs` is its only writer.

    It goes on after `last_appointment`, so that a worker that dies costs a batch and no more.
    """

    version = models.OneToOneField(CatalogueVersion, on_delete=models.PROTECT, related_name="run")
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    last_appointment = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.CheckConstraint(name="rule_run_changes_what_it_has_done", condition=Q(changed__lte=F("done"))),
        ]

    def __str__(self):
        return f"run of {self.version}"
