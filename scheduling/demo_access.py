"""The password of the demo's accounts."""

import os
import secrets

from django.conf import settings


def demo_password() -> str:
    """DEMO_PASSWORD from the environment; else one that is made up once and kept with the demo's data."""
    if given := os.environ.get("DEMO_PASSWORD"):
        return given
    path = settings.VAR_DIR / "demo-password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(12))
    return path.read_text()
