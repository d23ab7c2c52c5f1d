"""Throwaway servers and children for tests, each private to the run that started it.

    with postgres() as database_url, redis() as redis_url, smtp_sink() as sink:
        env = environment(DATABASE_URL=database_url, REDIS_URL=redis_url, EMAIL_URL=sink.url, VAR_DIR=folder)
        with worker(env), beat(env), web(env) as base_url:
            ...
            [mail] = sink.wait_for(lambda mail: "ann@example.org" in mail.recipients, timeout=10)

All of them are context managers; keep the manager itself where a test takes the server away and brings it back:

    server = redis()
    with server as url:
        server.kill()
        server.start()

Servers listen on a socket in a temporary folder or on a free local port, children run in process groups of their own,
and whatever was started is stopped by its process id when the block ends.
"""

import asyncio
import ctypes
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg2
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

ROOT = Path(__file__).resolve().parent.parent
# What a shell may have set for a clinic of its own; no test may reach that clinic.
NAMES_FROM_THE_SHELL = (
    "MODE DATABASE_URL REDIS_URL EMAIL_URL SITE_URL PORT DEMO_SMTP_PORT SECRET_KEY FIELD_ENCRYPTION_KEYS ALLOWED_HOSTS"
    " VAR_DIR CLOCK_FILE STATIC_ROOT SWEEP_SECONDS OUTBOX_LEASE_SECONDS DEFAULT_FROM_EMAIL DJANGO_SETTINGS_MODULE"
).split()


class Missing(RuntimeError):
    """A program that is not installed, or may not run for this user. The text is a sentence for people."""


# --- Finding and waiting --------------------------------------------------------------------------------------------


def postgres_folder() -> Path:
    """Where `initdb` and `postgres` live. Raises Missing."""
    places = [*os.get_exec_path(), "/usr/local/bin", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")))[::-1]]
    for place in map(Path, places):
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise Missing("PostgreSQL is not installed (Debian: postgresql).")


def redis_program() -> str:
    """The path of `redis-server`. Raises Missing."""
    if program := shutil.which("redis-server"):
        return program
    raise Missing("Redis is not installed (Debian: redis-server).")


def chromium_program() -> str:
    """The path of a Chromium, the system's or one that Playwright downloaded. Raises Missing."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if program := shutil.which(name):
            return program
    for program in sorted(Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome"), reverse=True):
        return str(program)
    raise Missing("Chromium is not installed (Debian: chromium).")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_until(is_ready: Callable[[], object], what: str, *, timeout: float = 20, every: float = 0.02) -> object:
    """The first true answer of `is_ready`, asked again and again. Raises TimeoutError naming `what` it waited for."""
    deadline = time.monotonic() + timeout
    while True:
        if answer := is_ready():
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {timeout:g} s for {what}.")
        time.sleep(every)


def answers(address: int | Path) -> bool:
    """Whether something accepts connections at a local port or at a socket's path."""
    family, target = (socket.AF_UNIX, str(address)) if isinstance(address, Path) else (socket.AF_INET, None)
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        return client.connect_ex(target or ("127.0.0.1", address)) == 0


def responds(url: str) -> bool:
    """Whether a web server answers there, with whatever status."""
    try:
        urlopen(f"{url}/healthz", timeout=5).close()  # noqa: S310 - an address of our own
    except HTTPError:
        return True
    except OSError:
        return False
    return True


# --- Children -------------------------------------------------------------------------------------------------------


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """Runs in the new child: a test run that is killed outright takes along what it started."""
    if _libc:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)


class Child:
    """A process in a group of its own, with its output in a log file. It ends with the thread that started it."""

    def __init__(self, name: str, command: list[str], *, log: Path, **popen):
        self.name = name
        self.log = log
        self._command = command
        own = {"stdin": subprocess.DEVNULL, "start_new_session": True, "cwd": ROOT, "preexec_fn": _end_with_parent}
        self._popen = own | popen
        self._process: subprocess.Popen | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start(self, is_ready: Callable[[], object], *, timeout: float = 30) -> None:
        """Start and wait until it is ready. Raises RuntimeError, with the end of the log, if it is not in time."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT, **self._popen)
        try:
            wait_until(lambda: not self.is_running or is_ready(), f"{self.name} to start", timeout=timeout)
        except TimeoutError:
            self.kill()
        if not self.is_running:
            raise RuntimeError(f"{self.name} did not start:\n{self.tail()}")

    def stop(self, how: signal.Signals = signal.SIGTERM, *, patience: float = 10) -> None:
        """End the process and everything that it started, politely and then by force."""
        if self._process is None:
            return
        for signal_to_group in (how, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, signal_to_group)
            except ProcessLookupError:
                break
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
        self._process.wait()

    def kill(self) -> None:
        """End the whole group at once, as a power cut would (kill -9)."""
        self.stop(signal.SIGKILL)

    def tail(self, lines: int = 60) -> str:
        return "\n".join(self.output.splitlines()[-lines:])


class _Server:
    """A server with a temporary folder: entered it gives its URL; `stop`, `kill` and `start` keep URL and data."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="needlepoint-"))
        self.child: Child
        self.url: str

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self.child.stop()

    def kill(self) -> None:
        self.child.kill()

    def __enter__(self) -> str:
        try:
            self.start()
        except BaseException:
            self._clear()
            raise
        return self.url

    def __exit__(self, kind, error, traceback) -> None:
        last_words = self.child.tail()
        self._clear()
        if kind is not None:
            print(f"--- the end of the log of {self.child.name} ---\n{last_words}", file=sys.stderr)

    def _clear(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class postgres(_Server):
    """A PostgreSQL cluster with an empty database `needlepoint`, reached through a socket in its folder.

    It forgets what a crash interrupts, for speed, unless it is `durable`. It refuses to run as root, so root lends it
    an unprivileged account. Raises Missing where it is not installed.
    """

    def __init__(self, *, durable: bool = False):
        programs = postgres_folder()
        super().__init__()
        account = self._account()
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "port": "5432",
            "max_connections": "200",
            "jit": "off",
            "fsync": "on" if durable else "off",
            "full_page_writes": "on" if durable else "off",
            "synchronous_commit": "on" if durable else "off",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        data = str(self.folder / "data")
        self.url = f"postgres://needlepoint@/{self.folder}/needlepoint"
        self.child = Child(
            "PostgreSQL",
            [str(programs / "postgres"), "-D", data, *settings],
            log=self.folder / "log",
            **account | {"cwd": self.folder},
        )
        initdb = ["-D", data, "-U", "needlepoint", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._prepare([str(programs / "initdb"), *initdb], account)
        create = [str(programs / "postgres"), "--single", "-D", data, "postgres"]
        self._prepare(create, account, input="CREATE DATABASE needlepoint\n")

    def _prepare(self, command: list[str], account: dict, input: str | None = None) -> None:
        done = subprocess.run(command, input=input, capture_output=True, text=True, cwd=self.folder, **account)
        if done.returncode:
            self._clear()
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")

    def _account(self) -> dict:
        if os.geteuid() != 0:
            return {}
        for name in ("postgres", "nobody"):
            try:
                account = pwd.getpwnam(name)
            except KeyError:
                continue
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        raise Missing("PostgreSQL does not run as root, and there is no account `postgres` or `nobody` to lend it.")

    def start(self) -> None:
        self.child.start(lambda: answers(self.folder / ".s.PGSQL.5432") and self._accepts())

    def _accepts(self) -> bool:
        try:
            psycopg2.connect(host=str(self.folder), user="needlepoint", dbname="needlepoint").close()
        except psycopg2.OperationalError:  # still starting up, or recovering from a crash
            return False
        return True

    def stop(self) -> None:
        self.child.stop(signal.SIGINT)  # a fast shutdown: clients are sent away

    def _clear(self) -> None:
        # an immediate shutdown takes along who is deep in a question; a kill would leave him to finish it
        self.child.stop(signal.SIGQUIT)
        super()._clear()


class redis(_Server):
    """An empty Redis on a free local port that keeps nothing on disk. Raises Missing where it is not installed."""

    def __init__(self):
        program = redis_program()
        super().__init__()
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        command = [program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self.child = Child("Redis", command, log=self.folder / "log", cwd=self.folder)

    def start(self) -> None:
        self.child.start(lambda: answers(self.port))


# --- The product's own processes ------------------------------------------------------------------------------------


def clean_environment() -> dict[str, str]:
    """This process's environment without anything that belongs to a clinic."""
    return {name: value for name, value in os.environ.items() if name not in NAMES_FROM_THE_SHELL}


def environment(**values: object) -> dict[str, str]:
    """The environment of a child: test mode, and by default the database, Redis and folder of the test that asks.

    Name what is to differ, in the names that the settings read: `environment(EMAIL_URL=sink.url, SWEEP_SECONDS=1)`.
    The folder (VAR_DIR) holds the clock, the broker and the logs, so children that share it share the clock.
    """
    own = {"MODE": "test", "DJANGO_SETTINGS_MODULE": "clinic.settings", "PYTHONUNBUFFERED": "1"}
    if not {"DATABASE_URL", "REDIS_URL", "VAR_DIR"} <= values.keys():
        from django.conf import settings

        own |= {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, "VAR_DIR": settings.VAR_DIR}
    return clean_environment() | {name: str(value) for name, value in (own | values).items()}


def database_url() -> str:
    """The database that Django is connected to here; during a test that is the test database."""
    from django.db import connection

    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    host, port = database["HOST"], database["PORT"]
    credentials = f"{database['USER']}:{database['PASSWORD']}".rstrip(":")
    if host.startswith("/"):
        return f"postgres://{credentials}@/{host}/{database['NAME']}"
    return f"postgres://{credentials}@{host}{f':{port}' if port else ''}/{database['NAME']}"


class _Process:
    """A child of the product: entered it gives the Child, and its log is shown when the block fails."""

    def __init__(self, name: str, env: Mapping[str, str], command: list[str], is_ready: Callable[[str], object]):
        log = Path(env["VAR_DIR"]) / f"{name}-{free_port()}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        self.child = Child(name, [sys.executable, "-m", *command], log=log, env=dict(env))
        self._is_ready = is_ready  # judged by what the child has said since it was started

    def start(self) -> None:
        already_said = len(self.child.output)
        self.child.start(lambda: self._is_ready(self.child.output[already_said:]))

    def kill(self) -> None:
        self.child.kill()

    def __enter__(self) -> Child:
        self.start()
        return self.child

    def __exit__(self, kind, error, traceback) -> None:
        self.child.stop()
        if kind is not None:
            print(f"--- the end of the log of {self.child.name} ---\n{self.child.tail()}", file=sys.stderr)


class worker(_Process):
    """A Celery worker, one task at a time; other options in place of `--pool=solo` make it another worker."""

    def __init__(self, env: Mapping[str, str], *options: str):
        command = ["celery", "-A", "clinic", "worker", "--loglevel=INFO", *(options or ["--pool=solo"])]
        super().__init__("worker", env, command, lambda said: re.search(r"\bready\.", said))


class beat(_Process):
    """A Celery beat with the product's schedule."""

    def __init__(self, env: Mapping[str, str]):
        command = ["celery", "-A", "clinic", "beat", "--loglevel=INFO"]
        super().__init__("beat", env, command, lambda said: "beat: Starting..." in said)


class web(_Process):
    """The production web server on a free port; entered it gives the base URL, without a slash at its end."""

    def __init__(self, env: Mapping[str, str], *, workers: int = 1, threads: int = 4):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = ["gunicorn", "clinic.wsgi", f"--bind=127.0.0.1:{self.port}"]
        command += [f"--workers={workers}", f"--threads={threads}", "--no-control-socket"]
        env = {"SITE_URL": self.url} | dict(env)
        super().__init__("web", env, command, lambda said: responds(self.url))

    def __enter__(self) -> str:
        super().__enter__()
        return self.url


# --- Mail -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Received:
    """A mail as the server took it: the envelope beside the message that was in it."""

    message: EmailMessage
    sender: str
    recipients: tuple[str, ...]

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return self.part("text/plain")

    @property
    def html(self) -> str:
        return self.part("text/html")

    @property
    def calendar(self) -> str:
        return self.part("text/calendar")

    def part(self, kind: str) -> str:
        """The words of the first part of that content type, or nothing."""
        for part in self.message.walk():
            if part.get_content_type() == kind:
                content = part.get_content()
                return content.decode() if isinstance(content, bytes) else content
        return ""


class smtp_sink:
    """A mail server that keeps what it is given, in the order in which it took it.

    `refused` holds addresses that are answered with 550. `data_answer` is what it says to every message in place of
    taking it ("451 Try again later", "554 No"); `data_delay` is how many seconds it takes over each. `stop` and `start`
    take it away and bring it back on the same port, with what it had.
    """

    def __init__(self):
        self.port = free_port()
        self.url = f"smtp://127.0.0.1:{self.port}"
        self.messages: list[Received] = []
        self.refused: set[str] = set()
        self.data_answer: str | None = None
        self.data_delay = 0.0
        self._controller: Controller | None = None

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> "smtp_sink":
        self.start()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        self.stop()

    def wait_for(self, predicate: Callable[[Received], object], timeout: float = 10, count: int = 1) -> list[Received]:
        """Every mail that the predicate accepts, once there are at least `count` of them. Raises TimeoutError."""

        def accepted() -> list[Received] | None:
            found = [mail for mail in self.messages if predicate(mail)]
            return found if len(found) >= count else None

        return wait_until(accepted, f"{count} mail(s) among {len(self.messages)}", timeout=timeout)

    async def handle_RCPT(self, server, session, envelope: Envelope, address: str, options: list[str]) -> str:
        if address in self.refused:
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope: Envelope) -> str:
        await asyncio.sleep(self.data_delay)
        if self.data_answer:
            return self.data_answer
        lines = envelope.original_content.replace(b"\r\n", b"\n")  # as a mail program would keep them
        message = message_from_bytes(lines, policy=policy.default)
        self.messages.append(Received(message, envelope.mail_from, tuple(envelope.rcpt_tos)))
        return "250 Taken"
