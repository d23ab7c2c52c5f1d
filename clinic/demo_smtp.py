"""The demo's own mail server: takes every mail and keeps it as a file, for the mailbox page to show.

    python -m clinic.demo_smtp

A file is named for the moment of arrival on the clinic's clock, so names sort by time; it appears whole or not at all.
"""

import asyncio
import secrets
import signal
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope
from django.conf import settings

from clinic import times


def folder() -> Path:
    """Where the mails are kept."""
    return settings.VAR_DIR / "mailbox"


class KeepAsFile:
    async def handle_DATA(self, server, session, envelope: Envelope) -> str:
        name = f"{times.now():%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(4)}"
        partial = folder() / f"{name}.partial"
        partial.write_bytes(envelope.original_content)
        partial.rename(folder() / f"{name}.eml")
        return "250 Kept"


async def serve() -> None:
    """Serve on the demo's mail port of this machine alone, until SIGTERM or SIGINT."""
    folder().mkdir(parents=True, exist_ok=True)
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stopped.set)
    handler = KeepAsFile()
    server = await loop.create_server(lambda: SMTP(handler), "127.0.0.1", settings.DEMO_SMTP_PORT)
    await stopped.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
