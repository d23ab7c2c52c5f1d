import pytest

from tests.scene import Scene, make_scene


@pytest.fixture
def scene(db, settings, tmp_path, caplog) -> Scene:
    """A clinic with one of everything, its own clock and its own mailbox."""
    for logger in ("django.request", "django.security"):
        caplog.set_level("CRITICAL", logger)  # what is refused by the thousand fills no report
    settings.VAR_DIR, settings.CLOCK_FILE = tmp_path, tmp_path / "clock"
    return make_scene()
