"""Mails must leave, whatever dies on the way: all of them, and twice only where nobody can know better."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis as redis_client

from clinic import outbox
from clinic.models import OutgoingMail
from clinic.times import now
from tests import servers

MAILS = 400
LEASE_SECONDS = 4
Status = OutgoingMail.Status

# The table at the end of the run; filled row by row.
ROWS: list[dict] = []


def message_ids(sink: servers.smtp_sink) -> Counter[str]:
    return Counter(str(mail.message["Message-ID"]) for mail in list(sink.messages))


@pytest.mark.both
@pytest.mark.django_db(transaction=True)
def test_worker_killed_in_the_middle_loses_no_mail(tmp_path):
    at = now()
    expected = {
        outbox.queue_mail(
            to=f"p{number}@example.org",
            subject="Booked",
            text="Booked.",
            due_at=at,
            expires_at=at + timedelta(days=2),
            now=at,
        ).message_id
        for number in range(40)
    }
    with servers.smtp_sink() as sink:
        sink.data_delay = 0.03
        env = servers.environment(EMAIL_URL=sink.url, VAR_DIR=tmp_path, SWEEP_SECONDS=1, OUTBOX_LEASE_SECONDS=2)
        worker = servers.worker(env)
        with servers.beat(env), worker:
            sink.wait_for(lambda mail: True, count=10)
            worker.kill()
            so_far = message_ids(sink)
            worker.start()
            servers.wait_until(
                lambda: not OutgoingMail.objects.exclude(status=Status.SENT).exists(), "all mails", timeout=30
            )

    arrived = message_ids(sink)
    repeated = set(OutgoingMail.objects.filter(is_repeat=True).values_list("message_id", flat=True))
    assert 10 <= len(so_far) < 40, "the worker was killed in the middle"
    assert set(arrived) == expected
    assert {message_id for message_id, times in arrived.items() if times > 1} <= repeated
    assert len(repeated) <= 1


# --- The big ones: a run of their own --------------------------------------------------------------------------------


class Stage:
    """A clinic of its own with 400 visits, a mail server, a worker and a beat, all about to be mistreated."""

    def __init__(self, stack: ExitStack, folder: Path, database: str, broker: str, pool: str = "solo"):
        self.database = servers.postgres(durable=True) if database == "PostgreSQL" else None
        self.redis = servers.redis() if broker == "Redis" else None
        self.sink = stack.enter_context(servers.smtp_sink())
        self.sink.data_delay = 0.02
        self.env = servers.environment(
            DATABASE_URL=stack.enter_context(self.database)
            if self.database
            else f"sqlite:///{folder / 'clinic.sqlite3'}",
            REDIS_URL=stack.enter_context(self.redis) if self.redis else "",
            VAR_DIR=folder,
            EMAIL_URL=self.sink.url,
            SWEEP_SECONDS=1,
            OUTBOX_LEASE_SECONDS=LEASE_SECONDS,
        )
        self.visits("fill", MAILS)
        self.workers = [servers.worker(self.env, f"--pool={pool}", "--concurrency=1")]
        self.beats = [servers.beat(self.env)]
        for process in self.workers + self.beats:
            stack.enter_context(process)

    def visits(self, *command: object) -> str:
        command = [sys.executable, "-m", "tests.faults.visits", *map(str, command)]
        done = subprocess.run(command, env=self.env, cwd=servers.ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def report(self) -> dict:
        return json.loads(self.visits("report"))

    def await_mails(self, count: int) -> None:
        servers.wait_until(lambda: len(self.sink.messages) >= count, f"{count} mails", timeout=60)


def kill_the_worker(stage: Stage) -> None:
    for count in (50, 150, 250):
        stage.await_mails(count)
        stage.workers[0].kill()
        stage.workers[0].start()


def kill_a_child_of_the_pool(stage: Stage) -> None:
    parent = stage.workers[0].child.pid
    for count in (50, 150, 250):
        stage.await_mails(count)
        [child] = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[:1]
        os.kill(int(child), signal.SIGKILL)


def flush_and_kill_redis(stage: Stage) -> None:
    stage.await_mails(50)
    redis_client.Redis.from_url(stage.redis.url).flushall()
    stage.await_mails(100)
    stage.redis.kill()
    time.sleep(3)
    stage.redis.start()


def kill_the_database(stage: Stage) -> None:
    for count in (50, 200):
        stage.await_mails(count)
        stage.database.kill()
        time.sleep(2)
        stage.database.start()


def take_the_mail_server_away(stage: Stage) -> None:
    stage.await_mails(50)
    stage.sink.stop()
    time.sleep(4)
    stage.sink.start()
    stage.await_mails(100)
    stage.sink.data_answer = "451 Try again later"
    time.sleep(1)
    stage.sink.data_answer = None


def double_everything_and_kill_one(stage: Stage) -> None:
    with servers.worker(stage.env) as _second, servers.beat(stage.env):
        stage.await_mails(100)
        stage.workers[0].kill()
        stage.await_mails(200)
        stage.workers[0].start()
        stage.await_mails(MAILS)


def move_and_cancel(stage: Stage) -> None:
    stage.await_mails(20)
    stage.visits("stir")


@contextmanager
def staged(folder: Path, *where: str) -> Iterator[Stage]:
    try:
        with ExitStack() as stack:
            yield Stage(stack, folder, *where)
    except servers.Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.faults
@pytest.mark.parametrize(
    ("fault", "where"),
    [
        (kill_the_worker, ("PostgreSQL", "Redis")),
        (kill_the_worker, ("SQLite", "files")),
        (kill_a_child_of_the_pool, ("PostgreSQL", "Redis", "prefork")),
        (flush_and_kill_redis, ("PostgreSQL", "Redis")),
        (kill_the_database, ("PostgreSQL", "Redis")),
        (take_the_mail_server_away, ("PostgreSQL", "Redis")),
        (take_the_mail_server_away, ("SQLite", "files")),
        (double_everything_and_kill_one, ("PostgreSQL", "Redis")),
        (double_everything_and_kill_one, ("SQLite", "files")),
        (move_and_cancel, ("PostgreSQL", "Redis")),
        (move_and_cancel, ("SQLite", "files")),
    ],
    ids=lambda value: value.__name__ if callable(value) else "-".join(value),
)
def test_400_mails_outlast(fault: Callable[[Stage], None], where: tuple, tmp_path, add_table):
    started = time.monotonic()
    with staged(tmp_path, *where) as stage:
        fault(stage)
        report = servers.wait_until(lambda: settled(stage.report()), "every mail to leave", timeout=120, every=1)
    arrived = message_ids(stage.sink)
    sent = {message_id for message_id, mail in report["mails"].items() if mail["status"] == Status.SENT}
    doubled = {message_id for message_id, times in arrived.items() if times > 1}
    explained = {message_id for message_id, mail in report["mails"].items() if mail["is_repeat"]}
    if not ROWS:
        add_table(f"{MAILS} visits, each with a mail that is due", ROWS)
    ROWS.append(
        {
            "fault": fault.__name__.replace("_", " "),
            "on": " ".join(where),
            "sent": len(sent),
            "withdrawn": len(report["mails"]) - len(sent),
            "lost": len(sent - set(arrived)),
            "doubled": len(doubled),
            "unexplained": len(doubled - explained),
            "seconds": f"{time.monotonic() - started:.0f}",
        }
    )
    assert set(arrived) == sent, "what arrived is what was recorded as sent"
    assert doubled <= explained, "a double only where a worker died after the server had taken the mail"
    assert [visit for visit in report["visits"] if not knows_the_truth(visit)] == []


def settled(report: dict) -> dict | None:
    """The report, once nothing is due and every mail was sent or withdrawn."""
    is_over = {mail["status"] for mail in report["mails"].values()} <= {Status.SENT, Status.WITHDRAWN}
    return report if is_over and not report["due"] else None


def knows_the_truth(visit: dict) -> bool:
    """The patient's last mail is about the visit as it stands, or there was nothing to take back."""
    if visit["is_cancelled"]:
        return visit["told"] in (None, "cancelled")
    return visit["told_revision"] == visit["revision"]
