"""What an answer about skin was about."""

from django.db import models

from patients.models import MedicalFact


class AnsweredSkin(models.Model):
    """The skin that an answer speaks about: codes of zones with commas between, `not_sure` where nobody knew which."""

    fact = models.OneToOneField(MedicalFact, on_delete=models.CASCADE, related_name="skin")
    zones = models.CharField(max_length=400)

    def __str__(self):
        return f"skin of {self.fact_id}"

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(self.zones.split(", "))
