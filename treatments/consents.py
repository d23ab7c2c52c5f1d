"""The consent to a session: the text that counts now, and the only writer of signatures under it."""

import re
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.text import has_letter, one_line
from patients.folding import fold
from patients.models import Patient
from treatments.models import CatalogueVersion, Consent, CourseSession
from treatments.publishing import catalogue_of

LONGEST_NAME = 140

_APOSTROPHE = re.compile(r"['’ʼ`]")
_WORD = re.compile(r"\w+")


class ConsentRefused(Exception):
    """Nothing was signed. `message` is a sentence for the patient or whoever helps her."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


class OtherVersion(ConsentRefused):
    """The text has changed since it was shown."""


class NameMissing(ConsentRefused):
    """No name that can be read, or one too long to keep."""


class OtherName(ConsentRefused):
    """Not a word of the name is the patient's."""


class SignedAlready(ConsentRefused):
    """There is a signature, and it is another one."""


def consent_text() -> tuple[int, str]:
    """Version and words of the consent that counts now."""
    consent = catalogue_of(CatalogueVersion.objects.current()).consent
    return consent.version, consent.text


def sign_consent(*, session: CourseSession, typed_name: str, version: int, by: User, now: datetime) -> Consent:
    """Keep what the patient agreed to, in the words of `version`, with the name that she typed and who was there.

    The same signature sent twice is one. Raises a ConsentRefused.
    """
    name = one_line(typed_name)
    _check_name(name, session.course.patient)
    with transaction.atomic():
        CourseSession.objects.select_for_update(no_key=True).get(pk=session.pk)
        if first := Consent.objects.filter(session=session).first():
            if (first.typed_name, first.text_version) == (name, version):
                return first
            raise SignedAlready(_("This consent is signed already."))
        current, text = consent_text()
        if version != current:
            raise OtherVersion(_("The text has changed meanwhile. Please read the new one and sign that."))
        return Consent.objects.create(
            session=session, text_version=version, text=text, typed_name=name, signed_at=now, witnessed_by=by
        )


def _check_name(name: str, patient: Patient) -> None:
    if not has_letter(name):
        raise NameMissing(_("Please type your first and last name."))
    if len(name) > LONGEST_NAME:
        raise NameMissing(_("Please shorten your name to %(longest)d characters.") % {"longest": LONGEST_NAME})
    typed, given, family = (_words(each) for each in (name, patient.given_name, patient.family_name))
    is_hers = not {*typed}.isdisjoint({*given, *family})
    # some scripts put no space between first and last name
    if not is_hers and "".join(typed) not in {"".join(given + family), "".join(family + given)}:
        raise OtherName(_("This is not the name that the clinic has on file. Please type your own name."))


def _words(name: str) -> list[str]:
    """Its words without case, accents and apostrophes; a hyphen parts two."""
    return _WORD.findall(_APOSTROPHE.sub("", fold(name)))
