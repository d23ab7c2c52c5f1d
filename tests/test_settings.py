"""The settings of a test run: which driver and which folder the suite works with."""

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests import servers


@pytest.mark.postgresql
def test_postgresql_is_reached_through_psycopg2():
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    assert connection.Database.__name__ == "psycopg2"
    assert not is_psycopg3


def test_a_run_keeps_its_clock_and_its_files_away_from_the_demo():
    assert settings.MODE == "test"
    assert settings.CLOCK_FILE == settings.VAR_DIR / "clock"
    assert not settings.VAR_DIR.is_relative_to(settings.BASE_DIR)


def test_each_half_of_a_run_has_a_clock_and_a_broker_of_its_own():
    assert settings.SETTINGS_MODULE == "tests.settings"
    if half := os.environ.get("PYTEST_XDIST_WORKER"):
        assert settings.VAR_DIR.name == half
        assert not settings.REDIS_URL or settings.REDIS_URL.endswith(f"/{int(half.removeprefix('gw')) + 1}")


def test_children_share_folder_and_database_with_the_test_that_starts_them(db):
    child = servers.environment(SWEEP_SECONDS=1)
    assert (child["MODE"], child["SWEEP_SECONDS"]) == ("test", "1")
    assert Path(child["VAR_DIR"]) == settings.VAR_DIR
    assert child["DATABASE_URL"] == servers.database_url()
    assert str(connection.settings_dict["NAME"]) in child["DATABASE_URL"]


def test_children_do_not_inherit_a_clinic_from_the_shell(monkeypatch):
    monkeypatch.setenv("SITE_URL", "https://clinic.example")
    monkeypatch.setenv("EMAIL_URL", "smtp://mail.example")
    child = servers.environment()
    assert {"SITE_URL", "EMAIL_URL"}.isdisjoint(child)
