"""Mistakes of the set-up that are better told at start than met by a patient."""

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import Error, register


@register
def encryption_keys_are_usable(app_configs, **kwargs):
    problems = []
    for position, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            problems.append(
                Error(
                    f"Key {position} of FIELD_ENCRYPTION_KEYS is not a Fernet key.",
                    hint="Fernet.generate_key() of the cryptography package makes one.",
                    id="clinic.E001",
                )
            )
    return problems


@register
def site_url_is_complete(app_configs, **kwargs):
    if not settings.SITE_URL.startswith(("http://", "https://")):
        return [Error("SITE_URL must begin with http:// or https://.", id="clinic.E002")]
    return []
