import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import ROOT, wait_until

PROGRAM = """
import sys
from pathlib import Path
from clinic import supervisor
supervisor.PATIENCE = 1
python = [sys.executable, "-c"]
sleep = "import time; print('up', flush=True); time.sleep(600)"
sleeper = sleep + " # alone"
stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + sleep
parent = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', %r]); " % sleep + sleep
commands = {"sleeper": [*python, sleeper], "stubborn": [*python, stubborn], "parent": [*python, parent]}
say = lambda line: print(line, flush=True)
supervisor.Supervisor(commands, folder=Path("/"), logs=Path(sys.argv[1]), say=say).run()
"""


def descendants(pid: int) -> set[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in children}.union(*(descendants(int(child)) for child in children))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def supervised(folder: Path):
    """The supervisor, once its three children and the grandchild are up."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            logs = [folder / f"{name}.log" for name in ("sleeper", "stubborn", "parent")]
            wait_until(lambda: all(log.exists() and "up" in log.read_text() for log in logs), "the children")
            wait_until(lambda: len(descendants(process.pid)) == 4, "the grandchild")
            yield process
        finally:
            process.kill()


def pid_of(process: subprocess.Popen, word: str) -> int:
    """The direct child whose command holds the word."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    [pid] = [int(child) for child in children if word in Path(f"/proc/{child}/cmdline").read_text()]
    return pid


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_end_takes_everything_along_even_what_will_not_go(tmp_path, how):
    with supervised(tmp_path) as process:
        family = descendants(process.pid)
        process.send_signal(how)
        assert process.wait(10) == 0
    assert {pid for pid in family if is_alive(pid)} == set()


def test_killed_supervisor_takes_its_children_along(tmp_path):
    with supervised(tmp_path) as process:
        sleeper = pid_of(process, "# alone")
        process.kill()
        wait_until(lambda: not is_alive(sleeper), "the child to follow", timeout=5)


def test_killed_child_comes_back_and_what_it_started_is_gone(tmp_path):
    with supervised(tmp_path) as process:
        parent = pid_of(process, "subprocess")
        [grandchild] = descendants(parent)
        os.kill(parent, signal.SIGKILL)
        wait_until(lambda: len(descendants(process.pid)) == 4 and parent not in descendants(process.pid), "its return")
        assert not is_alive(grandchild)
        assert process.stdout.readline() == (
            f"parent ended (-9) and starts again in 1 s; its log is {tmp_path / 'parent.log'}\n"
        )
