"""Whether a patient who is about to be entered may be here already."""

from datetime import date
from difflib import SequenceMatcher

from django.db.models import BooleanField, Case, Q, Value, When

from clinic.models import Location
from clinic.text import one_line
from patients.folding import fold
from patients.models import Patient
from patients.search import same_number

SIMILAR = 0.8  # Martha and Marta 0.91, Ana and Anna 0.86, Marta and Maria 0.8; Marta and Maren 0.6
MOST_SHOWN = 8


def likely_duplicates(
    *,
    given_name: str,
    family_name: str,
    date_of_birth: date,
    email: str,
    phone: str,
    locations: list[Location],
) -> list[Patient]:
    """Patients of the locations with the same birth date and a similar name, the same phone or the same e-mail.

    One query; at most eight. Names are similar when a word of one is nearly a word of the other, so that a new family
    name after a wedding, swapped names and a slip of the pen are seen.
    """
    shares_contact = Q(pk=None)
    if email := one_line(email):
        shares_contact |= Q(email__iexact=email)
    if digits := "".join(filter(str.isdecimal, phone)):
        shares_contact |= same_number(digits)
    words = fold(f"{given_name} {family_name}").split()
    suspects = (
        Patient.objects.of_locations(locations)
        .filter(shares_contact | Q(date_of_birth=date_of_birth))
        .annotate(
            shares_contact=Case(
                When(shares_contact, then=Value(True)), default=Value(False), output_field=BooleanField()
            )
        )
    )
    likely = [patient for patient in suspects if patient.shares_contact or _alike(words, patient.search_name.split())]
    return likely[:MOST_SHOWN]


def _alike(words: list[str], others: list[str]) -> bool:
    return any(SequenceMatcher(None, word, other).ratio() >= SIMILAR for word in words for other in others)
