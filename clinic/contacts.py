"""Phone numbers and e-mail addresses as they may be stored. Each function raises ValidationError with a sentence."""

import re

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from clinic.text import one_line

LONGEST_EMAIL = 254
LONGEST_PHONE = 30
FEWEST_DIGITS = 5
WRITTEN_PHONE = re.compile(r"[0-9+()./ -]+")


def clean_email(text: str) -> str:
    email = one_line(text)
    if email:
        try:
            validate_email(email)
        except ValidationError:
            raise ValidationError(_("Write the whole e-mail address, such as name@example.org.")) from None
        if len(email) > LONGEST_EMAIL:
            raise ValidationError(_("No e-mail address is this long. Check it for a slip."))
    return email


def clean_phone(text: str) -> str:
    phone = one_line(text)
    is_number = WRITTEN_PHONE.fullmatch(phone) and sum(map(str.isdecimal, phone)) >= FEWEST_DIGITS
    if phone and not (is_number and len(phone) <= LONGEST_PHONE):
        raise ValidationError(_("Write the phone number in digits, such as 020 7946 0812 or +44 20 7946 0812."))
    return phone
