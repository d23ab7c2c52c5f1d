"""What the rules made of a patient's answers, for one session at one start."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from clinic.fields import EncryptedTextField
from patients.models import Patient
from treatments.catalogue import Outcome, Stage
from treatments.constraints import SignedIsFinal
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
        return self.filter(
            ~Q(decision__kind__in=ScreeningDecision.GOES_AHEAD),
            pk=Subquery(newest),
            outcome__in=Screening.STANDS_IN_THE_WAY,
        )


class Screening(models.Model):
    """One run of the rules. Written once: a new answer or a new start makes a new screening."""

    class Cause(models.TextChoices):
        """What made the rules run: staff read it beside a light that has changed."""

        BOOKING = "booking", _("The visit was booked")
        MOVE = "move", _("The visit was moved")
        TREATMENT = "treatment", _("The treatment was changed")
        ANSWERS = "answers", _("An answer was given")
        DETAILS = "details", _("The date of birth was changed")
        ADVICE = "advice", _("The prescriber's advice was recorded")
        RULES = "rules", _("The rules have changed")
        TIME = "time", _("The time to ask the prescriber has run out")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    session = models.ForeignKey(CourseSession, on_delete=models.PROTECT, related_name="screenings")
    cause = models.CharField(max_length=10, choices=Cause)
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
                name="screening_known_cause",
                condition=Q(
                    cause__in=["booking", "move", "treatment", "answers", "details", "advice", "rules", "time"]
                ),
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
        return Outcome(self.outcome) in Screening.STANDS_IN_THE_WAY and not self.goes_ahead

    @property
    def goes_ahead(self) -> bool:
        """Whether somebody has decided that the visit may take place. Read it with `decision` selected."""
        return hasattr(self, "decision") and self.decision.kind in ScreeningDecision.GOES_AHEAD

    @property
    def zones_left_out(self) -> frozenset[str]:
        """The codes of the zones that the visit goes on without. Read it with `findings` prefetched."""
        return frozenset().union(*(finding.zones_left_out for finding in self.findings.all()))


class ScreeningFinding(models.Model):
    """What one rule said. `reason` may name a medicine, so it is encrypted and never shown to reception.

    With `zones` (codes with commas between) it takes these parts of the skin out of the visit, which goes on without
    them; without, it is about the visit.
    """

    screening = models.ForeignKey(Screening, on_delete=models.CASCADE, related_name="findings")
    rule_code = models.CharField(max_length=10)
    outcome = models.CharField(max_length=10, choices=Outcome)
    zones = models.CharField(max_length=400, blank=True)
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

    @property
    def zones_left_out(self) -> frozenset[str]:
        return frozenset(self.zones.split(", ")) if self.zones else frozenset()

    def again_in(self, screening: Screening) -> "ScreeningFinding":
        """The same finding of another screening, not stored yet."""
        names = ("rule_code", "outcome", "zones", "clear_from", "reason", "ends_only_with_answer")
        return ScreeningFinding(screening=screening, **{name: getattr(self, name) for name in names})


class ScreeningDecision(models.Model):
    """What somebody who may has decided about one screening. It is never edited.

    Cleared: what had to be looked at is in order. Lifted: the visit may take place although a rule blocks it, for the
    `reason`. Postponed: not before `not_before`, which every search for a time respects from then on.
    """

    class Kind(models.TextChoices):
        CLEAR = "clear", _("Cleared")
        LIFT = "lift", _("Lifted")
        POSTPONE = "postpone", _("Postponed")

    GOES_AHEAD = (Kind.CLEAR, Kind.LIFT)

    screening = models.OneToOneField(Screening, on_delete=models.PROTECT, related_name="decision")
    kind = models.CharField(max_length=10, choices=Kind)
    not_before = models.DateTimeField(null=True)
    reason = EncryptedTextField(blank=True)
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="screening_decision_known_kind", condition=Q(kind__in=["clear", "lift", "postpone"])
            ),
            models.CheckConstraint(
                name="screening_decision_postponed_to_a_date",
                condition=Q(kind="postpone", not_before__isnull=False) | Q(~Q(kind="postpone"), not_before=None),
            ),
            SignedIsFinal(
                name="screening_decision_is_final",
                is_born_signed=True,
                violation_error_message=_("A decision stays as it was signed."),
            ),
        ]

    def __str__(self):
        return f"decision on {self.screening}"


class PrescriberAdvice(models.Model):
    """What a prescriber said about a medicine around the treatment. What counts now is the newest; none is edited."""

    class Said(models.TextChoices):
        MAY_PAUSE = "may_pause", _("A pause is fine")
        KEEP_TAKING = "keep_taking", _("Keep taking it")
        NOT_REACHED = "not_reached", _("Not reached yet")
        DOES_NOT_COUNT = "does_not_count", _("It does not calm the immune system")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="prescriber_advice")
    medicine = EncryptedTextField()
    said = models.CharField(max_length=15, choices=Said)
    said_by = EncryptedTextField(blank=True)
    said_on = models.DateField(null=True)
    note = EncryptedTextField(blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-recorded_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="prescriber_advice_known_answer",
                condition=Q(said__in=["may_pause", "keep_taking", "not_reached", "does_not_count"]),
            ),
            models.CheckConstraint(
                name="prescriber_advice_has_a_day", condition=Q(said="not_reached") | Q(said_on__isnull=False)
            ),
            SignedIsFinal(
                name="prescriber_advice_is_final",
                is_born_signed=True,
                violation_error_message=_("Advice stays as it was recorded. Record what was said since as new advice."),
            ),
        ]

    def __str__(self):
        return f"advice {self.pk}"
