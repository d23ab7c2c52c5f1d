"""Third-party files for the browser: a short list of them, served out of node_modules under vendor/."""

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.utils import matches_patterns
from django.core.checks import CheckMessage, Warning
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

PREFIX = "vendor"
# The name under vendor/, and where the package keeps the file.
FILES = {
    "bootstrap/bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css",
    "bootstrap/bootstrap.bundle.min.js": "bootstrap/dist/js/bootstrap.bundle.min.js",
    **{
        f"{family}/{family}-{script}-wght-normal.woff2": (
            f"@fontsource-variable/{family}/files/{family}-{script}-wght-normal.woff2"
        )
        for family in ("figtree", "newsreader")
        for script in ("latin", "latin-ext")
    },
}


class NodeModulesStorage(FileSystemStorage):
    """node_modules, seen through the names in `FILES`."""

    prefix = PREFIX  # where collectstatic puts the files

    def path(self, name: str) -> str:
        return super().path(FILES[name])


class NodeModulesFinder(BaseFinder):
    """Finds `vendor/…` for the files in `FILES`, and says how to get them while they are missing."""

    def __init__(self):
        self.storage = NodeModulesStorage(location=settings.BASE_DIR / "node_modules")

    def find(self, path: str, find_all: bool = False) -> str | list[str]:
        prefix, _, name = path.partition("/")
        if prefix != PREFIX or name not in FILES or not self.storage.exists(name):
            return []
        return [self.storage.path(name)] if find_all else self.storage.path(name)

    def check(self, **kwargs) -> list[CheckMessage]:
        missing = [name for name in FILES if not self.storage.exists(name)]
        if not missing:
            return []
        return [
            Warning(
                f"{len(missing)} of {len(FILES)} front-end files are not installed, so pages come without their looks.",
                hint="Run `make setup`, or `npm ci` where npm is installed.",
                id="clinic.W001",
            )
        ]

    def list(self, ignore_patterns):
        """Every file, present or not: collectstatic then stops at a missing one instead of leaving it out."""
        return [(name, self.storage) for name in FILES if not matches_patterns(name, ignore_patterns)]


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Hashed names, compressed files. Source maps are not shipped, so comments that name them are left as they are."""

    patterns = tuple(
        (glob, tuple(pattern for pattern in group if "sourceMappingURL" not in str(pattern)))
        for glob, group in CompressedManifestStaticFilesStorage.patterns
    )
