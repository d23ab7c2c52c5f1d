"""Keep a few child processes running, and leave none behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
# A child that ran this long was well; its next end counts as its first.
WELL_AFTER = 60.0
PATIENCE = 10.0
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """Runs in the new child: even a supervisor that is killed outright takes its children along."""
    if _libc:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One program in a session of its own, with its words in a log file."""

    def __init__(self, name: str, command: list[str], folder: Path, log: Path):
        self.name = name
        self.log = log
        self.ends = 0
        self._command = command
        self._folder = folder
        self._process: subprocess.Popen | None = None
        self._started_at = 0.0
        self._start_again_at = 0.0
        self._pause = FIRST_PAUSE

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # the terminal's Ctrl-C reaches the supervisor alone, which ends all in order
                preexec_fn=_die_with_parent,  # safe: the supervisor has no threads
            )
        self._started_at = time.monotonic()

    def look_after(self, say: Callable[[str], None]) -> None:
        """Notice an end and start again after a pause, longer each time."""
        if self._process is None:
            if time.monotonic() >= self._start_again_at:
                self.start()
            return
        code = self._process.poll()
        if code is None:
            return
        self.signal(signal.SIGKILL)  # whatever it had started itself
        self._process = None
        self.ends += 1
        if time.monotonic() - self._started_at > WELL_AFTER:
            self._pause = FIRST_PAUSE
        say(f"{self.name} ended ({code}) and starts again in {self._pause:.0f} s; its log is {self.log}")
        self._start_again_at = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def signal(self, number: signal.Signals) -> None:
        """To the child and to everything that it started."""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                pass

    def wait(self, seconds: float) -> None:
        if self._process is not None:
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass

    def last_words(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Supervisor:
    """Children by name and command, all started in `folder`; `say` gets a line about what happens to them."""

    def __init__(self, commands: dict[str, list[str]], *, folder: Path, logs: Path, say: Callable[[str], None]):
        logs.mkdir(parents=True, exist_ok=True)
        self.children = [Child(name, command, folder, logs / f"{name}.log") for name, command in commands.items()]
        self._say = say
        self._is_asked_to_stop = False

    def run(self, each_turn: Callable[[], None] = lambda: None) -> None:
        """Keep all children running until SIGINT or SIGTERM, or until `each_turn` raises; then end them all."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        try:
            for child in self.children:
                child.log.write_bytes(b"")
                child.start()
            while not self._is_asked_to_stop:
                for child in self.children:
                    child.look_after(self._say)
                each_turn()
                time.sleep(0.2)
        finally:
            self._end_all()

    def _stop(self, number, frame) -> None:
        self._is_asked_to_stop = True

    def _end_all(self) -> None:
        deadline = time.monotonic() + PATIENCE
        for child in self.children:
            child.signal(signal.SIGTERM)
        for child in self.children:
            child.wait(max(0.0, deadline - time.monotonic()))
            child.signal(signal.SIGKILL)
            child.wait(PATIENCE)
