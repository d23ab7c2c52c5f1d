import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from clinic import assets


@pytest.fixture
def empty_checkout(tmp_path, settings):
    """A checkout in which `npm ci` has not run."""
    settings.BASE_DIR = tmp_path
    finders.get_finder.cache_clear()
    yield assets.NodeModulesFinder()
    finders.get_finder.cache_clear()


@pytest.mark.parametrize("name", assets.FILES)
def test_every_listed_file_is_found_under_vendor(name):
    found = finders.find(f"vendor/{name}")
    assert found == str(settings.BASE_DIR / "node_modules" / assets.FILES[name])
    assert finders.find(f"vendor/{name}", find_all=True) == [found]


@pytest.mark.parametrize(
    "path",
    [
        "vendor/bootstrap/package.json",
        "vendor/bootstrap/dist/css/bootstrap.css",
        "vendor/../package.json",
        "bootstrap/bootstrap.min.css",
        "vendor",
        "",
    ],
)
def test_a_file_that_is_not_listed_is_not_found(path):
    assert assets.NodeModulesFinder().find(path) == []
    assert assets.NodeModulesFinder().find(path, find_all=True) == []


def test_check_is_silent_when_everything_is_installed():
    assert assets.NodeModulesFinder().check() == []


def test_check_warns_and_nothing_is_found_before_npm_ci(empty_checkout):
    [warning] = empty_checkout.check()
    assert (warning.id, warning.is_serious()) == ("clinic.W001", False)
    assert "make setup" in warning.hint
    assert finders.find("vendor/bootstrap/bootstrap.min.css") is None


def test_a_page_is_served_without_its_looks_before_npm_ci(empty_checkout, client):
    assert client.get("/static/vendor/bootstrap/bootstrap.min.css").status_code == 404


def test_missing_files_fail_a_production_check(empty_checkout):
    with pytest.raises(SystemCheckError, match="clinic.W001"):
        call_command("check", "--tag", "staticfiles", "--fail-level", "WARNING")


def test_collectstatic_stops_at_a_missing_file(empty_checkout, settings, tmp_path):
    settings.STATIC_ROOT = tmp_path / "collected"
    with pytest.raises(FileNotFoundError):
        call_command("collectstatic", "--noinput", "--verbosity", "0", "--skip-checks")


def test_production_storage_hashes_every_file_and_follows_the_urls_in_stylesheets(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "clinic.assets.HashedStaticFiles"}}
    call_command("collectstatic", "--noinput", "--verbosity", "0")
    collected = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    manifest = assets.HashedStaticFiles(location=tmp_path).hashed_files
    assert {f"vendor/{name}" for name in assets.FILES} <= manifest.keys()
    assert set(manifest.values()) <= collected
    assert collected.isdisjoint(manifest.keys())
