import smtplib
import subprocess
import sys
from email import message_from_bytes

from clinic import times
from tests.servers import ROOT, answers, environment, free_port, wait_until

MESSAGE = b"Subject: Booked\r\nTo: olivia@example.org\r\n\r\nYou are booked.\r\n"


def test_each_mail_is_kept_whole_and_the_newest_sorts_last(tmp_path):
    (tmp_path / "clock").write_text(str(24 * 3600))
    port = free_port()
    env = environment(DEMO_SMTP_PORT=port, DATABASE_URL="sqlite://", REDIS_URL="", VAR_DIR=tmp_path)
    server = subprocess.Popen([sys.executable, "-m", "clinic.demo_smtp"], cwd=ROOT, env=env)
    try:
        wait_until(lambda: answers(port), "the mail server")
        for number in range(2):
            with smtplib.SMTP("127.0.0.1", port) as client:
                client.sendmail("clinic@example.org", "olivia@example.org", MESSAGE.replace(b"Booked", b"%d" % number))
        names = sorted(path.name for path in (tmp_path / "mailbox").iterdir())
        kept = [message_from_bytes((tmp_path / "mailbox" / name).read_bytes()) for name in names]
        assert [message["Subject"] for message in kept] == ["0", "1"]
        assert kept[0].get_payload() == "You are booked.\r\n"
        assert names[0] > f"{times.real_now():%Y%m%dT%H%M%S}", "arrival is told by the clinic's clock, a day ahead here"
    finally:
        server.terminate()
        assert server.wait(5) == 0
