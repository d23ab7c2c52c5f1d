"""What `make test` runs: every check in turn, on private servers, with a count at the end.

    python -m tests.run [part ...]      parts: lint, checks, suite, sqlite, browser (these by default), faults, bench

A part that fails does not stop the ones after it. What is missing on the machine is installed where that is allowed;
where it is not, the run says what it left out. TEST_DATABASE_URL and TEST_REDIS_URL stand in for the private servers.
"""

import base64
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests import servers

DEFAULT_PARTS = ("lint", "checks", "suite", "sqlite", "browser")
# What Debian calls each thing, how to see that it is there, and what a run without it leaves out.
PROGRAMS = {
    "postgresql": (servers.postgres_folder, "the suite ran on SQLite, and what only PostgreSQL can show was skipped"),
    "redis-server": (servers.redis_program, "what needs Redis was skipped"),
    "chromium": (servers.chromium_program, "the journeys in a browser did not run"),
}


@dataclass
class Part:
    """What came of one part of the run. A command outside pytest counts as one test."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0


class Run:
    def __init__(self, folder: Path):
        self.folder = folder
        self.parts: list[Part] = []
        self.left_out: list[str] = []
        self.base = servers.clean_environment() | {"MODE": "test", "VAR_DIR": str(folder / "var")}

    @contextmanager
    def part(self, name: str) -> Iterator[Part]:
        print(f"\n=== {name} " + "=" * (100 - len(name)), flush=True)
        part = Part(name)
        self.parts.append(part)
        started = time.monotonic()
        try:
            yield part
        finally:
            part.seconds = time.monotonic() - started

    def command(self, part: Part, *command: str, env: dict[str, str] | None = None) -> None:
        print("$ python -m " + " ".join(command), flush=True)
        done = subprocess.run([sys.executable, "-m", *command], cwd=servers.ROOT, env=env or self.base)
        if done.returncode == 0:
            part.passed += 1
        else:
            part.failed += 1

    def pytest(self, name: str, *options: str, **env: str) -> None:
        """One run of pytest, counted from its report; a run that tested nothing is a failure."""
        report = self.folder / f"{len(self.parts)}.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *options]
        with self.part(name) as part:
            print("$ python -m " + " ".join(command[2:]), flush=True)
            done = subprocess.run(command, cwd=servers.ROOT, env=servers.clean_environment() | env)
            if report.exists():
                for suite in ElementTree.parse(report).iter("testsuite"):  # noqa: S314 - pytest wrote it a moment ago
                    tests, skipped = int(suite.get("tests")), int(suite.get("skipped"))
                    wrong = int(suite.get("failures")) + int(suite.get("errors"))
                    part.passed += max(tests - skipped - wrong, 0)
                    part.failed += wrong
                    part.skipped += skipped
            if done.returncode and not part.failed:
                part.failed = 1

    # --- Parts ------------------------------------------------------------------------------------------------------

    def lint(self) -> None:
        with self.part("lint") as part:
            self.command(part, "ruff", "check", ".")
            self.command(part, "ruff", "format", "--check", ".")
            self.command(part, "djlint", "templates", "--lint", "--quiet")

    def checks(self) -> None:
        production = servers.clean_environment() | {
            "MODE": "production",
            "DATABASE_URL": "postgres://needlepoint@localhost/needlepoint",
            "REDIS_URL": "redis://localhost/0",
            "EMAIL_URL": "smtp+tls://user:password@mail.example:587",
            "SITE_URL": "https://clinic.example",
            "SECRET_KEY": secrets.token_urlsafe(64),
            "FIELD_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        with self.part("checks of the settings and migrations") as part:
            self.command(part, "django", "makemigrations", "--check", "--dry-run", env=self._django(self.base))
            self.command(part, "django", "check", env=self._django(self.base))
            self.command(part, "django", "check", "--deploy", "--fail-level", "WARNING", env=self._django(production))

    def _django(self, env: dict[str, str]) -> dict[str, str]:
        return env | {"DJANGO_SETTINGS_MODULE": "clinic.settings", "PYTHONPATH": str(servers.ROOT)}

    def suite(self) -> None:
        with ExitStack() as stack:
            env = self._servers(stack)
            where = "PostgreSQL" if "TEST_DATABASE_URL" in env else "SQLite"
            self.pytest(f"suite on {where}", "-n", "2", **env)

    def sqlite(self) -> None:
        self.pytest(
            "what differs by database, on SQLite", "-n", "2", "-m", "both and not browser and not faults and not bench"
        )

    def browser(self) -> None:
        if not _is_there(servers.chromium_program):
            return
        with ExitStack() as stack:
            env = self._servers(stack)
            self.pytest("journeys in a browser", "-n", "2", "-m", "browser", **env)

    def faults(self) -> None:
        with ExitStack() as stack:
            self.pytest("faults", "-m", "faults", "-s", "--timeout=0", **self._servers(stack, durable=True))

    def bench(self) -> None:
        with ExitStack() as stack:
            self.pytest("measurements", "-m", "bench", "-s", "--timeout=0", **self._servers(stack, durable=True))

    def _servers(self, stack: ExitStack, *, durable: bool = False) -> dict[str, str]:
        """The servers of one part, fresh and empty, under the names that the tests' settings read."""
        env = {}
        for name, start in {
            "TEST_DATABASE_URL": lambda: servers.postgres(durable=durable),
            "TEST_REDIS_URL": servers.redis,
        }.items():
            try:
                env[name] = os.environ.get(name) or stack.enter_context(start())
            except servers.Missing:
                continue  # said once, at the end
        return env

    # --- Before and after -------------------------------------------------------------------------------------------

    def install_what_is_missing(self) -> None:
        given = {"postgresql": "TEST_DATABASE_URL", "redis-server": "TEST_REDIS_URL"}
        wanted = [name for name in PROGRAMS if not os.environ.get(given.get(name, ""))]
        missing = [name for name in wanted if not _is_there(PROGRAMS[name][0])]
        apt = _apt()
        if missing and apt:
            print(f"Installing {', '.join(missing)} with apt.", flush=True)
            env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            for command in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *missing]):
                subprocess.run([*apt, *command], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for name in missing:
            if not _is_there(PROGRAMS[name][0]):
                self.left_out.append(f"without {name} {PROGRAMS[name][1]}")

    def summary(self) -> bool:
        """Print what ran; True if nothing failed."""
        print("\n" + "=" * 105)
        print(f"{'part':<45}{'passed':>10}{'failed':>10}{'skipped':>10}{'seconds':>10}")
        for part in self.parts:
            print(f"{part.name:<45}{part.passed:>10}{part.failed:>10}{part.skipped:>10}{part.seconds:>10.1f}")
        if self.left_out:
            print(
                f"\nNot everything could run here: {'; '.join(self.left_out)}. Installing with apt was not possible or"
                f" not allowed; with `apt install {' '.join(PROGRAMS)}` done by hand the whole of it runs.\n"
            )
        if failed := [part.name for part in self.parts if part.failed]:
            print(f"Failed: {', '.join(failed)}.")
        total = {name: sum(getattr(part, name) for part in self.parts) for name in ("passed", "failed", "skipped")}
        print("{passed} passed, {failed} failed, {skipped} skipped".format(**total), flush=True)
        return not failed


def _is_there(find: Callable[[], object]) -> bool:
    try:
        find()
    except servers.Missing:
        return False
    return True


def _apt() -> list[str] | None:
    """The beginning of an apt-get command that needs no answer from anyone, or None."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return ["apt-get"]
    may_sudo = shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0
    return ["sudo", "-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"] if may_sudo else None


def main(parts: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    unknown = [name for name in parts if name not in {*DEFAULT_PARTS, "faults", "bench"}]
    if unknown:
        print(f"There is no part {', '.join(unknown)}. {__doc__}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="needlepoint-run-") as folder:
        run = Run(Path(folder))
        if set(parts) - {"lint", "checks"}:
            run.install_what_is_missing()
        for name in parts:
            try:
                getattr(run, name)()
            except Exception:
                traceback.print_exc()
                run.parts.append(Part(f"{name}, which could not be run", failed=1))
        return 0 if run.summary() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(DEFAULT_PARTS)))
