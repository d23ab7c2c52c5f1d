"""For every test: what it needs and does not find here is a reason to skip it, never to fail."""

from collections.abc import Callable

import pytest
from django.conf import settings

TABLES = pytest.StashKey[list[tuple[str, list[dict]]]]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for a browser belongs to the run that has one."""
    for item in items:
        if "browser_name" in item.fixturenames:
            item.add_marker("browser")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("postgresql") and "postgresql" not in settings.DATABASES["default"]["ENGINE"]:
        pytest.skip("needs PostgreSQL: give one by TEST_DATABASE_URL, or run `make test`")
    if item.get_closest_marker("redis") and not settings.REDIS_URL:
        pytest.skip("needs Redis: give one by TEST_REDIS_URL, or run `make test`")


@pytest.fixture
def add_table(pytestconfig: pytest.Config) -> Callable[[str, list[dict]], None]:
    """Adds a table to the end of the run: a title, and one dictionary a row, all with the same keys."""
    tables = pytestconfig.stash.setdefault(TABLES, [])
    return lambda title, rows: tables.append((title, rows))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for title, rows in config.stash.get(TABLES, []):
        lines = [list(map(str, rows[0])), *(list(map(str, row.values())) for row in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        terminalreporter.section(title)
        for line in lines:
            cells = zip(line, widths, strict=True)
            terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in cells).rstrip())
