"""The only writers of patients and of what is true of their health.

They save row by row and never by a bulk update: the audit trail follows saved rows.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.contacts import clean_email, clean_phone
from clinic.editing import EditedMeanwhile
from clinic.models import Location, User
from clinic.text import has_letter, one_line, paragraphs
from patients.folding import fold
from patients.models import MedicalFact, Patient
from patients.partial_dates import PartialDate

EARLIEST_BIRTH = date(1900, 1, 1)
LONGEST_NAME = 60
LONGEST_FOLDED = 69  # two of them and a space fit Patient.search_name; one odd character may fold to eighteen
LONGEST_SUBJECT = 120
LONGEST_TEXT = 4000
STILL = "still"  # instead of the date on which something ended


class AlreadySaved(Exception):
    """This form was posted before; `patient` is what came of it."""

    def __init__(self, patient: Patient):
        super().__init__(str(patient))
        self.patient = patient


def _clean_name(text: str, now: datetime) -> str:
    name = one_line(text)
    if not has_letter(name):
        raise ValidationError(_("Give a name with at least one letter."))
    if len(name) > LONGEST_NAME or len(fold(name)) > LONGEST_FOLDED:
        raise ValidationError(_("Shorten this name to %(longest)d characters.") % {"longest": LONGEST_NAME})
    return name


def _clean_birth(day: date, now: datetime) -> date:
    if day < EARLIEST_BIRTH:
        raise ValidationError(_("Give a date of birth after 1900."))
    if day > now.astimezone(UTC).date():
        raise ValidationError(_("This date of birth lies in the future. Check the year."))
    return day


def clean_text(text: str) -> str:
    """Free text as it may be stored. Raises ValidationError where it is too long, and cuts nothing."""
    text = paragraphs(text)
    if len(text) > LONGEST_TEXT:
        raise ValidationError(_("Shorten this text to %(longest)d characters.") % {"longest": LONGEST_TEXT})
    return text


_CLEANERS = {
    "given_name": _clean_name,
    "family_name": _clean_name,
    "date_of_birth": _clean_birth,
    "email": lambda text, now: clean_email(text),
    "phone": lambda text, now: clean_phone(text),
    "note": lambda text, now: clean_text(text),
}
DETAILS = tuple(_CLEANERS)


def clean_details(*, now: datetime, **details) -> dict:
    """The given details as they may be stored. Raises ValidationError with a sentence for each field at fault."""
    cleaned, mistakes = {}, {}
    for field, value in details.items():
        try:
            cleaned[field] = _CLEANERS[field](value, now)
        except ValidationError as mistake:
            mistakes[field] = mistake
    if mistakes:
        raise ValidationError(mistakes)
    return cleaned


def create_patient(
    *,
    location: Location,
    now: datetime,
    given_name: str,
    family_name: str,
    date_of_birth: date,
    email: str = "",
    phone: str = "",
    note: str = "",
    public_id: UUID | None = None,
) -> Patient:
    """A new patient of the location. With a `public_id` that a form carries, posting it twice makes one row.

    Raises ValidationError for details that cannot be stored, and AlreadySaved when the public_id is taken.
    """
    patient = Patient(created_at=now, **({"public_id": public_id} if public_id else {}))
    _fill_in(
        patient,
        clean_details(
            now=now,
            given_name=given_name,
            family_name=family_name,
            date_of_birth=date_of_birth,
            email=email,
            phone=phone,
            note=note,
        ),
    )
    with transaction.atomic():
        # In line, and not left to the unique key: PostgreSQL writes the refused row, names and all, into its log.
        Location.objects.select_for_update(no_key=True).get(pk=location.pk)
        if first := Patient.objects.filter(public_id=patient.public_id).first():
            raise AlreadySaved(first)
        patient.save(force_insert=True)
        patient.locations.add(location)
    return patient


def update_patient(
    *,
    patient: Patient,
    revision: int,
    now: datetime,
    given_name: str,
    family_name: str,
    date_of_birth: date,
    email: str,
    phone: str,
    note: str,
) -> Patient:
    """The patient with the new details, stored only while `revision` is still the stored one.

    Raises ValidationError for details that cannot be stored, and EditedMeanwhile, with nothing changed.
    """
    details = clean_details(
        now=now,
        given_name=given_name,
        family_name=family_name,
        date_of_birth=date_of_birth,
        email=email,
        phone=phone,
        note=note,
    )
    with transaction.atomic():
        stored = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
        if stored.revision != revision:
            raise EditedMeanwhile(stored)
        _fill_in(stored, details)
        stored.revision += 1
        stored.save()
    return stored


def _fill_in(patient: Patient, details: dict) -> None:
    for field, value in details.items():
        setattr(patient, field, value)
    patient.fold_for_search()


def record_fact(
    *,
    patient: Patient,
    kind: MedicalFact.Kind,
    subject: str,
    by: User | None,
    now: datetime,
    answer: str = "",
    on: str = "",
    public_id: UUID | None = None,
) -> MedicalFact:
    """What the patient says now; it takes the place of the current fact of the same kind and subject.

    `on` is a day, month or year as PartialDate writes them, `still`, or empty. With a `public_id` that a form carries,
    posting it twice makes one row. Raises ValidationError for words or a date that cannot be stored.
    """
    fact = MedicalFact(
        patient=patient,
        kind=MedicalFact.Kind(kind),
        recorded_at=now,
        recorded_by=by,
        **clean_fact(subject=subject, answer=answer, on=on),
        **({"public_id": public_id} if public_id else {}),
    )
    with transaction.atomic():
        Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
        if first := MedicalFact.objects.filter(public_id=fact.public_id).first():
            return first
        _take_place(patient, [fact], now)
    return fact


def record_facts(
    *,
    patient: Patient,
    said: Iterable[Mapping[str, str]],
    ended: Iterable[MedicalFact],
    by: User | None,
    now: datetime,
) -> list[MedicalFact]:
    """Several facts at once, each as `record_fact` keeps one, and an end to those that are no longer true.

    What was `said` has a kind, a subject, an answer and a date; the facts come back in its order. Raises
    ValidationError, with nothing stored, for words or a date that cannot be stored.
    """
    facts = [
        MedicalFact(
            patient=patient,
            kind=MedicalFact.Kind(words["kind"]),
            recorded_at=now,
            recorded_by=by,
            **clean_fact(subject=words["subject"], answer=words["answer"], on=words["on"]),
        )
        for words in said
    ]
    with transaction.atomic():
        Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
        _take_place(patient, facts, now)
        for fact in ended:
            end_fact(fact=fact, now=now)
    return facts


def _take_place(patient: Patient, facts: list[MedicalFact], now: datetime) -> None:
    """Store the facts instead of the current ones of the same kind and subject.

    What was said is encrypted, so that it is compared here and not by the database.
    """
    places = {(fact.kind, fact.subject) for fact in facts}
    for older in patient.facts.current() if facts else ():
        if (older.kind, older.subject) in places:
            _supersede(older, now)
    for fact in facts:
        fact.save(force_insert=True)


def clean_fact(*, subject: str, answer: str, on: str) -> dict:
    """A fact's words and date as they may be stored. Raises ValidationError with a sentence for each one at fault."""
    cleaned, mistakes = {"subject": one_line(subject)}, {}
    if not has_letter(cleaned["subject"]):
        mistakes["subject"] = _("Say what it is, such as the name of the medicine.")
    elif len(cleaned["subject"]) > LONGEST_SUBJECT:
        mistakes["subject"] = _("Shorten this and put the rest into the details.")
    try:
        cleaned["answer"] = clean_text(answer)
    except ValidationError as mistake:
        mistakes["answer"] = mistake
    try:
        cleaned["on"] = str(PartialDate.parse(on)) if on and on != STILL else on
    except ValueError as mistake:
        mistakes["on"] = str(mistake)
    if mistakes:
        raise ValidationError(mistakes)
    return cleaned


def end_fact(*, fact: MedicalFact, now: datetime) -> None:
    """No longer true, with nothing in its place; the record stays. A fact that has ended already stays as it is."""
    with transaction.atomic():
        current = MedicalFact.objects.current().select_for_update(no_key=True).filter(pk=fact.pk).first()
        if current:
            _supersede(current, now)


def _supersede(fact: MedicalFact, now: datetime) -> None:
    fact.superseded_at = now
    fact.save(update_fields=["superseded_at"])
