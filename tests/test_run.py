import pytest

from tests import servers
from tests.run import PROGRAMS, Part, Run


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def test_last_line_counts_everything_and_a_failed_part_is_named(run, capsys):
    run.parts = [Part("lint", passed=3), Part("suite", passed=40, failed=2, skipped=1)]
    assert run.summary() is False
    *_, before_last, last = capsys.readouterr().out.splitlines()
    assert before_last == "Failed: suite."
    assert last == "43 passed, 2 failed, 1 skipped"


def test_a_run_without_failures_is_good_and_says_nothing_of_failing(run, capsys):
    run.parts = [Part("suite", passed=40)]
    assert run.summary() is True
    said = capsys.readouterr().out
    assert "Failed" not in said
    assert said.splitlines()[-1] == "40 passed, 0 failed, 0 skipped"


def test_what_was_left_out_is_said_in_one_paragraph(run, capsys, monkeypatch):
    def is_missing():
        raise servers.Missing("It is not here.")

    monkeypatch.setattr("tests.run._apt", lambda: None)
    monkeypatch.setitem(PROGRAMS, "chromium", (is_missing, PROGRAMS["chromium"][1]))
    monkeypatch.setitem(PROGRAMS, "postgresql", (lambda: "here", PROGRAMS["postgresql"][1]))
    monkeypatch.setitem(PROGRAMS, "redis-server", (lambda: "here", PROGRAMS["redis-server"][1]))
    run.install_what_is_missing()
    run.parts = [Part("suite", passed=1)]
    run.summary()
    assert "without chromium the journeys in a browser did not run" in capsys.readouterr().out


ONE_OF_EACH = """
import pytest

def test_good(): pass
def test_bad(): assert False
def test_not_here(): pytest.skip("not here")
def test_without_its_fixture(no_such_fixture): pass
"""


@pytest.mark.parametrize(("words", "counts"), [(ONE_OF_EACH, (1, 2, 1)), ("def nothing_to_test(): pass", (0, 1, 0))])
def test_pytest_runs_are_counted_from_their_report(run, tmp_path, words, counts):
    (tmp_path / "test_words.py").write_text(words)
    run.pytest("words", str(tmp_path), "-p", "no:django", "-p", "no:cacheprovider", "-c", "/dev/null")
    [part] = run.parts
    assert (part.passed, part.failed, part.skipped) == counts
