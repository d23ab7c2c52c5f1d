"""Phone numbers and e-mail addresses as they may be stored. Each function raises ValidationError with a sentence."""

import re

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext as _

from clinic.text import one_line

LONGEST_EMAIL = 254
LONGEST_PHONE = 30
FEWEST_DIGITS = 5
FEWEST_DIGITS_IN_AN_EMERGENCY = 3
IS_ADDRESS = EmailValidator(allowlist=[])  # nobody has her mail at localhost
WRITTEN_PHONE = re.compile(r"[0-9+()./ -]+")


def clean_email(text: str) -> str:
    email = one_line(text)
    if email:
        try:
            IS_ADDRESS(email)
        except ValidationError:
            raise ValidationError(_("Write the whole e-mail address, such as name@example.org.")) from None
        if len(email) > LONGEST_EMAIL:
            raise ValidationError(_("No e-mail address is this long. Check it for a slip."))
    return email


def clean_phone(text: str) -> str:
    phone = one_line(text)
    if phone and not _is_number(phone, FEWEST_DIGITS):
        raise ValidationError(_("Write the phone number in digits, such as 020 7946 0812 or +44 20 7946 0812."))
    return phone


def clean_emergency_phone(text: str) -> str:
    """The number that helps when a life is in danger is short in most countries."""
    phone = one_line(text)
    if phone and not _is_number(phone, FEWEST_DIGITS_IN_AN_EMERGENCY):
        raise ValidationError(_("Write the emergency number in digits, such as 999 or 112."))
    return phone


def _is_number(phone: str, fewest_digits: int) -> bool:
    has_digits = sum(map(str.isdecimal, phone)) >= fewest_digits
    return bool(WRITTEN_PHONE.fullmatch(phone)) and has_digits and len(phone) <= LONGEST_PHONE
