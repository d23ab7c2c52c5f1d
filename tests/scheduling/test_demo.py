import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from scheduling.demo_access import demo_password
from tests.servers import ROOT, clean_environment, free_port, wait_until

QUEUE_A_MAIL = """
from datetime import timedelta
from clinic import outbox, times
now = times.now()
outbox.queue_mail(to="olivia@example.org", subject="Booked", text="Booked.", due_at=now, now=now,
                  expires_at=now + timedelta(days=1))
"""


@pytest.fixture
def demo_environment(tmp_path) -> dict[str, str]:
    return clean_environment() | {
        "MODE": "demo",
        "VAR_DIR": str(tmp_path),
        "PORT": str(free_port()),
        "DEMO_SMTP_PORT": str(free_port()),
        "DEMO_PASSWORD": "known to the test",
        "SWEEP_SECONDS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def manage(env, *command, **options):
    command = [sys.executable, "manage.py", *command]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True, **options)


def processes_of(folder: Path) -> list[str]:
    """Command lines of everything that runs with this folder as the demo's."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdecimal() and f"VAR_DIR={folder}\x00" in (process / "environ").read_text():
                found.append((process / "cmdline").read_text().replace("\x00", " "))
        except (OSError, UnicodeDecodeError):
            continue
    return [command for command in found if command]


def worker_pid(supervisor: int) -> int | None:
    for child in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
        if "worker" in Path(f"/proc/{child}/cmdline").read_text().split("\x00"):
            return int(child)
    return None


def test_demo_opens_sends_recovers_and_leaves_nothing_behind(demo_environment, tmp_path):
    env = demo_environment
    manage(env, "migrate", "--verbosity=0")
    with subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=ROOT,
        env=env,
        stdout=(tmp_path / "said").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as demo:
        try:
            said = (tmp_path / "said").read_text
            wait_until(lambda: "Ctrl-C ends it" in said(), "the demo to open", timeout=60)
            assert f"http://localhost:{env['PORT']}/\n" in said()
            assert f"http://localhost:{env['PORT']}/demo/mailbox/\n" in said()
            assert "reception, practitioner, lead, owner\n" in said()
            assert "known to the test\n" in said()

            first_worker = worker_pid(demo.pid)
            os.kill(first_worker, signal.SIGKILL)
            wait_until(lambda: worker_pid(demo.pid) not in (None, first_worker), "the worker to come back")
            assert "worker ended (-9) and starts again" in said()

            manage(env, "shell", "-c", QUEUE_A_MAIL)
            arrived = wait_until(lambda: list((tmp_path / "mailbox").glob("*.eml")), "the mail", timeout=30)
            assert "To: olivia@example.org" in arrived[0].read_text()

            demo.send_signal(signal.SIGINT)
            assert demo.wait(20) == 0
        finally:
            demo.kill()
    assert processes_of(tmp_path) == []


def test_demo_needs_a_migrated_database(demo_environment):
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        manage(demo_environment, "demo")
    assert "Run `python manage.py migrate` first." in refusal.value.stderr


def test_demo_is_refused_outside_demo_mode():
    with pytest.raises(CommandError, match="MODE is test"):
        call_command("demo")


@pytest.mark.parametrize("name", ["PORT", "DEMO_SMTP_PORT"])
def test_taken_port_is_named_with_a_way_out(settings, name):
    settings.IS_DEMO = True
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings.PORT = settings.DEMO_SMTP_PORT = free_port()
        setattr(settings, name, port)
        with pytest.raises(CommandError, match=f"Port {port} cannot be used .* choose another one: {name}={port + 1}"):
            call_command("demo")


def test_password_is_given_or_made_up_once(settings, tmp_path, monkeypatch):
    settings.VAR_DIR = tmp_path
    monkeypatch.delenv("DEMO_PASSWORD", raising=False)
    made_up = demo_password()
    assert len(made_up) >= 12
    assert demo_password() == made_up
    assert (tmp_path / "demo-password").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("DEMO_PASSWORD", "given by hand")
    assert demo_password() == "given by hand"
