"""A browser that fails the test for what a patient or a receptionist would never report.

Every page that a test opens is watched: an error on the console (a broken Content-Security-Policy is one), an exception
in a script and a request to any other host fail the test at its end. Paths are relative to the live server.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from clinic import times
from clinic.models import User
from tests import servers
from tests.factories import PASSWORD, as_posted, clear_answers
from treatments.catalogue import Stage

FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Chromium reports these answers as errors; here they are a form with mistakes and a time that was just taken.
EXPECTED_ANSWERS = re.compile(r"the server responded with a status of (409|422)\b")
WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SIZES = {1440: 900, 820: 1180, 390: 844}


@pytest.fixture(scope="session", autouse=True)
def django_beside_playwright():
    """Playwright keeps an event loop in this thread, and Django would refuse to work beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    try:
        program = servers.chromium_program()
    except servers.Missing as missing:
        pytest.skip(str(missing))
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return browser_type_launch_args | {"executable_path": program, "args": [*FLAGS, *as_root]}


@pytest.fixture(scope="session")
def base_url(live_server) -> str:
    return live_server.url


@pytest.fixture
def new_context(new_context):
    """Opens a browser of one more person; what goes wrong in any of their pages fails the test."""
    problems: list[str] = []

    def watch(context: BrowserContext) -> BrowserContext:
        context.set_default_timeout(15_000)
        context.on("console", lambda message: note(message.text) if message.type == "error" else None)
        context.on("weberror", lambda error: note(str(error.error)))
        context.on("request", lambda request: note_host(request.url))
        return context

    def note(text: str) -> None:
        if not EXPECTED_ANSWERS.search(text):
            problems.append(text)

    def note_host(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.hostname not in {"localhost", "127.0.0.1"}:
            problems.append(f"asked another host: {url}")

    yield lambda **options: watch(new_context(**options))
    assert problems == []


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """Asserts that axe finds nothing against WCAG 2.2 AA on the page as it stands."""

    def assert_nothing_found(page: Page) -> None:
        results = Axe().run(page, options={"resultTypes": ["violations"], "runOnly": WCAG_22_AA})
        assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"

    return assert_nothing_found


@pytest.fixture
def sign_in(page: Page) -> Callable[[User], None]:
    """Signs a member of staff made by the factories in through the login page and waits for the page after it."""

    def through_the_login_page(user: User) -> None:
        page.goto("/login/")
        page.locator("[name=username]").fill(user.username)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("form button:not([type=button])").click()
        expect(page).not_to_have_url(re.compile(r"/login/"))

    return through_the_login_page


@pytest.fixture
def set_clock(settings) -> Iterator[Callable[[datetime], None]]:
    """Sets the clock of the clinic and of all that works for it, ahead or back; afterwards it is right again."""
    yield lambda at: times.move_clock(by=at - times.now())
    settings.CLOCK_FILE.unlink(missing_ok=True)


@pytest.fixture
def post(live_server, settings) -> Iterator[servers.smtp_sink]:
    """The mail server with the worker and the beat that send to it; mails lead to the server of the test."""
    settings.SITE_URL = live_server.url
    with servers.smtp_sink() as sink:
        env = servers.environment(EMAIL_URL=sink.url, SITE_URL=live_server.url, SWEEP_SECONDS=1)
        with servers.worker(env), servers.beat(env):
            yield sink


@pytest.fixture
def answer_clearly() -> Callable[..., None]:
    """Answers the questions of a stage so that nothing stands in the way, apart from those in `leaving`."""

    def answer(
        page: Page,
        *,
        stage: Stage = Stage.BOOKING,
        known: Mapping[str, str] | None = None,
        leaving: tuple[str, ...] = (),
    ) -> None:
        for name, said in as_posted(clear_answers(stage, known or {})).items():
            if name in leaving or not page.locator(f"[name={name}]").first.is_visible():
                continue
            for value in said if isinstance(said, list) else [said]:
                options = page.locator(f"[name={name}][value={value}]")
                if options.count():
                    page.locator(f"label[for={options.get_attribute('id')}]").click()
                elif value == "on":
                    page.locator(f"[name={name}]").check()
                else:
                    page.locator(f"[name={name}]").fill(value)

    return answer


@pytest.fixture
def take_pictures() -> Callable[[Page, str], None]:
    """Pictures for people: the page at three widths, light and dark, in the folder named by PICTURES; else nothing."""

    def at_every_size(page: Page, name: str) -> None:
        if not (folder := os.environ.get("PICTURES")):
            return
        before = page.viewport_size
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width, height in SIZES.items():
                page.set_viewport_size({"width": width, "height": height})
                path = Path(folder) / f"{name}-{width}-{scheme}.png"
                page.screenshot(path=path, full_page=True, animations="disabled")
        page.emulate_media(color_scheme="null")
        page.set_viewport_size(before)

    return at_every_size
