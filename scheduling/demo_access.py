"""The password of the demo's accounts."""

import os
import secrets

from django.conf import settings

PASSWORD_FILE = settings.VAR_DIR / "demo-password"


def demo_password() -> str:
    """DEMO_PASSWORD from the environment; else one that is made up once and kept with the demo's data."""
    if given := os.environ.get("DEMO_PASSWORD"):
        return given
    if not PASSWORD_FILE.exists():
        with open(os.open(PASSWORD_FILE, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(12))
    return PASSWORD_FILE.read_text()
