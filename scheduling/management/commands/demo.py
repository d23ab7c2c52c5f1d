"""Run the whole clinic in demo mode from one terminal: web, a Celery worker, a Celery beat and a mail server."""

import http.client
import socket
import sys
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse

from clinic.supervisor import Supervisor
from clinic.views.accounts import DEMO_ACCOUNTS
from scheduling.demo_access import demo_password

# A web server that ends this often without ever having answered will not come up by itself.
HOPELESS_AFTER = 3


class Command(BaseCommand):
    help = "Runs the demo clinic (web server, Celery worker, Celery beat, mail server) until Ctrl-C."

    def handle(self, *args, **options):
        if not settings.IS_DEMO:
            raise CommandError(
                f"This is the demo's command and MODE is {settings.MODE}. The README lists the processes."
            )
        for port, variable in ((settings.PORT, "PORT"), (settings.DEMO_SMTP_PORT, "DEMO_SMTP_PORT")):
            self._check_port(port, variable)
        self._check_database()
        self._make_broker_folders()
        supervisor = Supervisor(
            self._commands(), folder=settings.BASE_DIR, logs=settings.VAR_DIR / "logs", say=self._say
        )
        self._web = supervisor.children[0]
        self._is_up = False
        self._say("Starting the demo clinic …")
        supervisor.run(self._announce_once_up)
        self._say("The demo clinic has stopped. Its data stays in " + str(settings.VAR_DIR))

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _check_port(self, port: int, variable: str) -> None:
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror}). Is the demo running already?"
                f" End what uses it, or choose another one: {variable}={port + 1}"
            ) from error

    def _check_database(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("The database is not up to date. Run `python manage.py migrate` first.")
        connection.close()

    def _make_broker_folders(self) -> None:
        """Celery's filesystem broker expects its folder, and what an earlier run left in it only wakes old sweeps."""
        if settings.REDIS_URL:
            return
        folder = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_in"])
        folder.mkdir(parents=True, exist_ok=True)
        for message in folder.iterdir():
            message.unlink()

    def _commands(self) -> dict[str, list[str]]:
        python = [sys.executable, "-m"]
        celery = [*python, "celery", "-A", "clinic"]
        gunicorn = [*python, "gunicorn", "clinic.wsgi", f"--bind=127.0.0.1:{settings.PORT}", "--threads=4"]
        return {
            "web": [*gunicorn, "--no-control-socket", "--graceful-timeout=3"],
            "mail": [*python, "clinic.demo_smtp"],
            "worker": [*celery, "worker", "--pool=solo", "--loglevel=INFO"],
            "beat": [*celery, "beat", "--loglevel=INFO"],
        }

    def _announce_once_up(self) -> None:
        if self._is_up:
            return
        if self._web.ends >= HOPELESS_AFTER:
            raise CommandError(f"The web server does not start. Its last words:\n{self._web.last_words()}")
        if self._answers():
            self._is_up = True
            self._announce()

    def _answers(self) -> bool:
        request = http.client.HTTPConnection("127.0.0.1", settings.PORT, timeout=2)
        try:
            request.request("GET", "/healthz")
            request.getresponse()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            request.close()
        return True

    def _announce(self) -> None:
        self._say(f"""
  Needlepoint is open at   {settings.SITE_URL}/
  Sign in as               {", ".join(DEMO_ACCOUNTS)}
  Password                 {demo_password()}
  Mails that were sent     {settings.SITE_URL}{reverse("scheduling:mailbox-list")}
  Logs                     {settings.VAR_DIR / "logs"}

  Ctrl-C ends it; the data stays.
""")
