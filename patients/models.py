"""The person, and what is true of her."""

import uuid
from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.fields import EncryptedTextField
from clinic.models import Location
from patients.folding import fold


class PatientQuerySet(models.QuerySet):
    def of_locations(self, locations):
        """Those that belong to one of the places; anybody else is foreign to its staff."""
        return self.filter(locations__in=locations).distinct()


class Patient(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    given_name = models.CharField(_("first name"), max_length=60)
    family_name = models.CharField(_("last name"), max_length=60)
    date_of_birth = models.DateField(_("date of birth"))
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    note = EncryptedTextField(_("note"), blank=True)
    locations = models.ManyToManyField(Location, related_name="patients")
    # What a search reads: folded name, digits of the phone. Kept by the writers in patients.records.
    search_name = models.CharField(max_length=140, editable=False)
    phone_digits = models.CharField(max_length=30, blank=True, editable=False)
    revision = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(editable=False)

    objects = PatientQuerySet.as_manager()

    class Meta:
        ordering = ["family_name", "given_name", "pk"]
        constraints = [
            models.CheckConstraint(
                name="patient_birth_date_is_readable",
                condition=Q(date_of_birth__gte="1900-01-01", date_of_birth__lte="2100-12-31"),
                violation_error_message=_("Give a date of birth after 1900."),
            ),
            models.CheckConstraint(
                name="patient_has_a_name",
                condition=~Q(search_name=""),
                violation_error_message=_("Give a first and a last name."),
            ),
        ]
        indexes = [
            models.Index(name="patient_by_phone", fields=["phone_digits"]),  # search and duplicates by phone
            models.Index(name="patient_by_birth_date", fields=["date_of_birth"]),  # search and duplicates by birth date
        ]

    def __str__(self):
        """Never the name: this text reaches the audit trail and logs."""
        return f"patient {self.public_id}"

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def initials(self) -> str:
        return f"{self.given_name[:1]}{self.family_name[:1]}".upper()

    def age_on(self, day: date) -> int:
        born = self.date_of_birth
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    def fold_for_search(self) -> None:
        self.search_name = fold(f"{self.given_name} {self.family_name}")
        self.phone_digits = "".join(filter(str.isdecimal, self.phone))


class MedicalFactQuerySet(models.QuerySet):
    def current(self):
        return self.filter(superseded_at=None)


class MedicalFact(models.Model):
    """Something that is true of a patient's health since she said it; a newer one supersedes it, none is edited.

    `subject` names it ("isotretinoin", "immune_medicine", or free words), `answer` is what was said about it and
    `on` the date it hangs on with its precision, as 2025-08-31, 2025-08 or 2025. All three are encrypted.
    """

    class Kind(models.TextChoices):
        MEDICINE = "medicine", _("Medicine")
        CONDITION = "condition", _("Condition")
        ALLERGY = "allergy", _("Allergy")
        PROCEDURE = "procedure", _("Earlier procedure")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="facts")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    subject = EncryptedTextField(_("what"))
    answer = EncryptedTextField(_("details"), blank=True)
    on = EncryptedTextField(_("date"), blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    superseded_at = models.DateTimeField(null=True)

    objects = MedicalFactQuerySet.as_manager()

    class Meta:
        ordering = ["-recorded_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="medical_fact_known_kind",
                condition=Q(kind__in=["medicine", "condition", "allergy", "procedure"]),
            )
        ]
        indexes = [
            # the facts that count now, read at each screening
            models.Index(name="medical_fact_current", fields=["patient"], condition=Q(superseded_at=None))
        ]

    def __str__(self):
        return f"medical fact {self.public_id}"
