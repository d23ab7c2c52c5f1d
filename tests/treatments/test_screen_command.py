import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from treatments.catalogue import Stage, read
from treatments.management.commands.screen import LARGEST

ROOT = Path(__file__).resolve().parents[2]
WHERE = ["--stage=booking", "--visit=2026-03-29T10:00", "--zone=Europe/London"]
CASE = {"stage": "checkin", "visit": "2026-03-29T10:00", "zone": "Europe/London", "answers": {}}


@pytest.fixture
def run(monkeypatch):
    """Run the command on standard input as bytes; returns exit code, standard output and standard error."""

    def run(*args, written=b"{}"):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(written)))
        out, err, code = io.StringIO(), io.StringIO(), 0
        try:
            call_command("screen", *args, stdout=out, stderr=err)
        except SystemExit as left:
            code = left.code
        return code, out.getvalue(), err.getvalue()

    return run


def screen_one(run, answers, *args):
    code, out, err = run(*args, written=json.dumps(answers).encode())
    assert (code, err, out.count("\n")) == (0, "", 1)
    return json.loads(out)


def test_screen_prints_a_finding_for_every_active_rule_of_the_stage(run):
    answers = {"Q04": "yes", "Q04b": "2025-12-31", "Q05": "no"}
    said = screen_one(run, answers, *WHERE)
    assert said.keys() == {"outcome", "clear_from", "findings"}
    assert (said["outcome"], said["clear_from"]) == ("hard_block", "2026-07-01")
    assert [finding["rule"] for finding in said["findings"]] == [r.code for r in read().active_rules(Stage.BOOKING)]
    assert said["findings"][:3] == [
        {
            "rule": "S1",
            "outcome": "hard_block",
            "clear_from": "2026-07-01",
            "reason": "Isotretinoin capsules: the last date is 31 December 2025, less than 6 months before the "
            "visit; clear from 1 July 2026.",
        },
        {
            "rule": "S2",
            "outcome": "pass",
            "clear_from": None,
            "reason": "Medicine that calms the immune system: answered no.",
        },
        {
            "rule": "S3",
            "outcome": "advise",
            "clear_from": None,
            "reason": "Sun or sunbed: tell the patient now; it is asked on arrival.",
        },
    ]


def test_screen_with_a_rule_prints_its_finding_alone(run):
    where = ["--stage", "checkin", "--visit", "2026-03-29T10:00", "--zone", "Europe/London", "--rule", "S3"]
    said = screen_one(run, {"C01": "yes", "C01b": "2026-03-28T10:00"}, *where, "--protocol", "melasma")
    assert (said["outcome"], said["clear_from"]) == ("block", "2026-03-29T11:00:00+01:00")
    assert [(f["rule"], f["outcome"], f["clear_from"]) for f in said["findings"]] == [
        ("S3", "block", "2026-03-29T11:00:00+01:00")
    ]


def test_screen_names_the_zones_that_a_finding_takes_out_of_the_visit(run):
    answers = {"Q20": "yes", "Q20b": "chin_jaw"}
    said = screen_one(run, answers, *WHERE, "--rule=E24", "--zones=cheeks, chin_jaw")
    assert said == {
        "outcome": "advise",
        "clear_from": None,
        "findings": [
            {
                "rule": "E24",
                "outcome": "block",
                "clear_from": None,
                "reason": "Tattoo or permanent make-up in the zone: the answer to Q20 is “Yes”. "
                "Where: Chin and jawline.",
                "zones": ["chin_jaw"],
            }
        ],
    }
    (whole,) = screen_one(run, answers, *WHERE, "--rule=E24", "--zones=chin_jaw")["findings"]
    assert "zones" not in whole
    assert run(*WHERE, "--rule=S1", "--zones=cheeks, lips", written=b"{}")[0] == 2


def test_screen_takes_what_a_case_says_of_the_prescriber_as_recorded(run):
    where = ["--stage=checkin", "--zone=Europe/London", "--visit=2026-06-10T10:00", "--rule=S2"]
    answers = {"Q05": "yes", "Q05b": "azathioprine", "Q05c": "may_pause", "C02": "2026-06-09T10:00"}
    assert screen_one(run, answers, *where)["outcome"] == "pass"
    assert screen_one(run, answers | {"C02": "2026-06-09T10:01"}, *where)["outcome"] == "block"
    assert screen_one(run, answers | {"advice": "not_reached"}, *where)["outcome"] == "block"
    assert screen_one(run, answers | {"Q05c": "not_asked"}, *where)["outcome"] == "block"
    assert screen_one(run, answers | {"Q05c": "keep_taking"}, *where)["outcome"] == "block"
    assert run(*where, written=b'{"Q05c": "may_pause", "Q05b": 1}')[0] == 2


def test_screen_takes_a_visit_with_an_offset(run):
    where = ["--stage=checkin", "--zone=Europe/London", "--rule=S3"]
    answers = {"C01": "yes", "C01b": "2026-10-24T02:15"}
    assert screen_one(run, answers, *where, "--visit=2026-10-25T01:30+01:00")["outcome"] == "block"
    assert screen_one(run, answers, *where, "--visit=2026-10-25T01:30+00:00")["outcome"] == "pass"


def test_screen_takes_a_byte_order_mark(run):
    assert run(*WHERE, "--rule=S1", written=b'\xef\xbb\xbf{"Q04": "no"}')[0] == 0


@pytest.mark.parametrize(
    "written, sentence",
    [
        (b"", "The answers are not valid JSON."),
        (b"{", "The answers are not valid JSON."),
        (b"{'Q04': 'yes'}", "The answers are not valid JSON."),
        (b'{"Q04": "yes"} {}', "The answers are not valid JSON."),
        (b'{"Q04": %s}' % (b"9" * 5000), "The answers are not valid JSON."),
        (b"\xff\xfe\x00", "The answers are not written in UTF-8."),
        (b'{"Q04": "\xff"}', "The answers are not written in UTF-8."),
        (b"[]", "The answers must be an object from question ids to answers."),
        (b"null", "The answers must be an object from question ids to answers."),
        (b'"yes"', "The answers must be an object from question ids to answers."),
        (b"NaN", "NaN is not a number."),
        (b'{"Q04": -Infinity}', "-Infinity is not a number."),
        (b'{"Q04": "yes", "Q04": "no"}', "The same name is there twice."),
        (b"[" * 50_000, "The answers are nested too deeply."),
        (b'{"a":' * 15_000, "The answers are nested too deeply."),
        (b" " * (LARGEST + 1), "The answers are longer than 100000 bytes."),
        (b'{"Q04": true}', "The answer to Q04 must be a text in quotes."),
        (b'{"Q04": "perhaps"}', "The answer to Q04 must be one of: yes, no, not_sure."),
        (b'{"Q04": "\\u0000"}', "The answer to Q04 must be one of: yes, no, not_sure."),
        (b'{"Q04": "\\ud800"}', "The answer to Q04 must be one of: yes, no, not_sure."),
        (b'{"\\ud800": "yes"}', "There is no question '\\ud800'."),
        (b'{"Q99": "yes"}', "There is no question 'Q99'."),
    ],
)
def test_screen_refuses_wrong_input_with_one_sentence(run, written, sentence):
    assert run(*WHERE, written=written) == (2, "", f"{sentence}\n")


@pytest.mark.parametrize(
    "args, sentence",
    [
        ([], "“stage” is missing."),
        (WHERE[:1], "“visit” is missing."),
        (WHERE[:2], "“zone” is missing."),
        ([*WHERE, "--stage=arrival"], "The stage must be booking, previsit or checkin."),
        ([*WHERE, "--zone=Europe/Atlantis"], "There is no such time zone; name one such as Europe/London."),
        ([*WHERE, "--zone=../../etc/passwd"], "There is no such time zone; name one such as Europe/London."),
        ([*WHERE, "--zone="], "There is no such time zone; name one such as Europe/London."),
        (
            [*WHERE, "--visit=2026-03-29T01:30"],
            "The clocks skip this time on that day; choose another start for the visit.",
        ),
        ([*WHERE, "--visit=soon"], "Write the visit's start as a local date and time, such as 2026-03-29T10:00."),
        ([*WHERE, "--visit=1899-03-29T10:00"], "The year must lie between 1900 and 2100."),
        ([*WHERE, "--protocol=tattoo"], "There is no protocol 'tattoo'."),
        ([*WHERE, "--rule=S9"], "There is no rule 'S9'."),
        ([*WHERE, "--batch"], "With --batch, everything else stands in the lines; leave out the other options."),
    ],
)
def test_screen_refuses_wrong_options_with_one_sentence(run, args, sentence):
    assert run(*args) == (2, "", f"{sentence}\n")


def lines_of(run, *lines: bytes) -> list[dict]:
    code, out, err = run("--batch", written=b"\n".join(lines))
    assert (code, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def test_batch_answers_line_by_line_and_goes_on_after_a_mistake(run):
    clear = CASE | {"rule": "S1", "answers": {"Q04": "no", "C04": "no"}}
    said = lines_of(
        run,
        json.dumps(clear).encode(),
        b"",
        b"\xff",
        b"null",
        json.dumps(CASE | {"zone": "Mars"}).encode(),
        json.dumps(CASE | {"protocol": "melasma", "rule": None}).encode(),
        b" " * (3 * LARGEST) + b"{}",
        json.dumps(clear | {"stage": "booking", "answers": {"Q04": "yes", "Q04b": "2025-09-30"}}).encode() + b"\r\n",
    )
    assert [line.get("error") or line["outcome"] for line in said] == [
        "pass",
        "The answers are not valid JSON.",
        "The answers are not written in UTF-8.",
        "A case must be one JSON object.",
        "There is no such time zone; name one such as Europe/London.",
        "block",
        "The answers are longer than 100000 bytes.",
        "hard_block",
    ]
    on_arrival = [rule.code for rule in read().active_rules(Stage.CHECKIN) if rule.suits("melasma")]
    assert [[finding["rule"] for finding in said[line]["findings"]] for line in (0, 5)] == [["S1"], on_arrival]


def test_batch_of_nothing_says_nothing(run):
    assert run("--batch", written=b"") == (0, "", "")


@pytest.mark.parametrize(
    "case, sentence",
    [
        ({name: value for name, value in CASE.items() if name != "answers"}, "“answers” is missing."),
        (CASE | {"answers": None}, "The answers must be an object from question ids to answers."),
        (CASE | {"answers": []}, "The answers must be an object from question ids to answers."),
        (CASE | {"stage": None}, "“stage” must be a text in quotes."),
        (CASE | {"stage": ["booking"]}, "“stage” must be a text in quotes."),
        (CASE | {"visit": 3}, "“visit” must be a text in quotes."),
        (CASE | {"zone": {}}, "“zone” must be a text in quotes."),
        (CASE | {"rule": 1}, "“rule” must be a text in quotes."),
        (CASE | {"protocol": True}, "“protocol” must be a text in quotes."),
        (CASE | {"shape": "round"}, "A case holds only: stage, visit, zone, answers, protocol, zones, rule."),
    ],
)
def test_batch_says_what_is_wrong_with_a_line(run, case, sentence):
    assert lines_of(run, json.dumps(case).encode()) == [{"error": sentence}]


def manage(*args, written: bytes, env: dict[str, str] | None = None):
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", "screen", *args],
        input=written,
        capture_output=True,
        env=env or {},
        cwd="/",
    )


def test_screen_runs_without_environment_and_database():
    done = manage(*WHERE, "--rule=S1", written=b'{"Q04": "yes", "Q04b": "2025-09-29"}')
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["findings"][0]["outcome"] == "pass"


def test_screen_refuses_without_a_traceback():
    for args, written, sentence in [
        (WHERE, b"\x00", b"The answers are not valid JSON.\n"),
        (["--shape=round"], b"{}", b"Unrecognized arguments: --shape=round.\n"),
        (["--stage"], b"{}", b"Argument --stage: expected one argument.\n"),
    ]:
        done = manage(*args, written=written)
        assert (done.returncode, done.stdout, done.stderr) == (2, b"", sentence)


def test_batch_answers_each_line_before_the_next_is_written():
    command = [sys.executable, ROOT / "manage.py", "screen", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}) as asked:
        for stage, outcome in [("booking", "hold"), ("checkin", "block")]:
            asked.stdin.write(json.dumps(CASE | {"stage": stage}).encode() + b"\n")
            asked.stdin.flush()
            assert json.loads(asked.stdout.readline())["outcome"] == outcome
        asked.stdin.close()
        assert asked.wait(timeout=30) == 0


def test_batch_ends_quietly_when_nobody_reads_on():
    command = [sys.executable, ROOT / "manage.py", "screen", "--batch"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
    ) as asked:
        asked.stdout.close()
        asked.stdin.write(json.dumps(CASE).encode() + b"\n")
        asked.stdin.close()
        assert asked.stderr.read() == b""
        assert asked.wait(timeout=30) == 0
