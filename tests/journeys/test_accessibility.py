"""Every page as each role sees it, in light and in dark, and what opens on it: nothing for axe to find.

The pages come from the walk over the URL patterns. Each is looked at once, and again for another role, or in the dark,
where it is built of parts that no page before had: most are the same for everybody.
"""

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from scheduling.models import Appointment, PatientLink
from scheduling.rescreening import keep_advice, keep_answers
from tests.clinic.test_access_matrix import POSTED, pages
from tests.factories import clear_answers, make_appointment, make_location, signed_in
from tests.journeys.conftest import WCAG_22_AA
from tests.scene import ROLES, Scene, make_scene
from treatments.catalogue import Stage
from treatments.decisions import decide_screening
from treatments.models import ScreeningDecision

pytestmark = pytest.mark.browser


@pytest.fixture
def scene(transactional_db, settings, tmp_path) -> Scene:
    settings.VAR_DIR, settings.CLOCK_FILE = tmp_path, tmp_path / "clock"
    return make_scene()


@pytest.fixture
def desk(page: Page) -> Page:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(reduced_motion="reduce")
    return page


@pytest.fixture
def sit_down(desk, base_url) -> Callable[..., Client]:
    """Lets the browser be somebody's, without the way over the login page; returns a client that is hers too."""

    def as_somebody(role: str, scene: Scene) -> Client:
        client = signed_in(user=scene.staff[role])
        desk.context.clear_cookies()
        desk.context.add_cookies(
            [{"name": name, "value": cookie.value, "url": base_url} for name, cookie in client.cookies.items()]
        )
        return client

    return as_somebody


class Parts(HTMLParser):
    """What a page is built of: its tags with their classes, their roles and their kinds."""

    def __init__(self, html: str):
        super().__init__()
        self.found = set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.found.add((tag, named.get("class"), named.get("role"), named.get("type")))


def look(page: Page, name: str, *, in_the_dark: bool = True) -> list[str]:
    """What axe finds: everything in the light, and the contrast of colours once more in the dark."""
    page.evaluate(ALL_IS_STILL)
    found = _violations(page, WCAG_22_AA)
    if in_the_dark:
        turn(page, "dark")
        found += [f"in the dark, {fault}" for fault in _violations(page, ["color-contrast"], kind="rule")]
        turn(page, "light")
    return [f"{name}: {fault}" for fault in found]


# Within a few frames: one change of colour may set off the next, from an element to those within it.
ALL_IS_STILL = """async () => {
  for (let frame = 0; frame < 20 && document.getAnimations().length; frame += 1) {
    await new Promise(requestAnimationFrame);
  }
}"""


def turn(page: Page, theme: str) -> None:
    page.emulate_media(color_scheme=theme)
    expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
    page.evaluate(ALL_IS_STILL)


def _violations(page: Page, values: list[str], kind: str = "tag") -> list[str]:
    options = {"resultTypes": ["violations"], "runOnly": {"type": kind, "values": values}}
    return [
        f"{violation['id']} at {violation['nodes'][0]['target']}"
        for violation in Axe().run(page, options=options).response["violations"]
    ]


def show(page: Page, answer) -> None:
    """An answer that was got without the browser, in its place: what is refused would be an error on its console."""
    page.set_content(answer.content.decode(), wait_until="load")


def test_every_page_has_no_accessibility_faults(scene, desk, sit_down):
    faults, seen, looked_at = [], set(), set()
    for role in ROLES[::-1]:
        client = sit_down(role, scene)
        for url in pages(scene):
            answer = client.get(url)
            if answer.status_code != 200 or not answer.content.startswith(b"<!doctype html>"):
                continue  # a part of a page, which loads it; or none at all
            parts = Parts(answer.content.decode()).found - seen
            if parts or url not in looked_at:
                seen |= parts
                looked_at.add(url)
                desk.goto(url)
                faults += look(desk, f"{role} {url}", in_the_dark=bool(parts))
    assert faults == [], "\n".join(faults)
    assert len(looked_at) > 20


def test_the_login_page_has_no_accessibility_faults(scene, desk):
    desk.goto(reverse("clinic:login"))
    faults = look(desk, "login")
    for guess in range(10):
        locked = Client().post(reverse("clinic:login"), {"username": "nobody", "password": f"guess {guess}"})
        if guess in (0, 9):
            show(desk, locked)
            faults += look(desk, f"guess {guess + 1}")
    assert faults == [], "\n".join(faults)


def test_every_form_with_mistakes_has_no_accessibility_faults(scene, desk, sit_down):
    stale = {"seen": "of yesterday", "revision": 999, "slot": scene.slot(8)}
    faults, seen, client = [], set(), sit_down("owner", scene)
    practitioner = signed_in(user=scene.staff["practitioner"])
    desk.goto(reverse("clinic:login"))
    for row in (row for row in POSTED if scene.bodies[row.name]):
        outdated = {name: value for name, value in stale.items() if name in scene.bodies[row.name]}
        for what, fields in (("empty", {}), ("outdated", scene.bodies[row.name] | outdated)):
            if fields and not outdated:
                continue
            somebody = practitioner if "fact-" in row.name else client
            answer = somebody.post(scene.url(row.name, row.about), fields)
            parts = Parts(answer.content.decode()).found - seen
            if (
                answer.status_code in (409, 422)
                and answer.content.startswith(b"<!doctype html>")
                and (parts or what == "empty")
            ):
                seen |= parts
                show(desk, answer)
                faults += look(desk, f"{row.name} {what}", in_the_dark=bool(parts))
    double = scene.bodies["patients:patient-create"] | {"phone": scene.patient.phone}
    show(desk, client.post(reverse("patients:patient-create"), double))
    expect(desk.get_by_text("Already a patient here?")).to_be_visible()
    faults += look(desk, "a likely double")
    assert faults == [], "\n".join(faults)


def test_pages_that_say_no_have_no_accessibility_faults(scene, desk, sit_down):
    client, faults = sit_down("receptionist", scene), []
    desk.goto(reverse("patients:patient-list"))
    for url, status in (("/nowhere/", 404), (reverse("clinic:settings"), 403), ("/patients/?q=%00", 400)):
        answer = client.get(url)
        assert answer.status_code == status
        show(desk, answer)
        faults += look(desk, f"{status}")
    assert faults == [], "\n".join(faults)


def test_what_opens_has_no_accessibility_faults(scene, desk, sit_down):
    scene.staff["owner"].locations.add(make_location(name="Second Clinic"))  # for the choice of a location
    sit_down("owner", scene)
    faults = []
    day = f"{reverse('scheduling:board-day')}?day={scene.held.starts_at.date()}"

    desk.goto(day)
    desk.get_by_role("button", name="Location:").click()
    faults += look(desk, "the choice of a location")
    desk.keyboard.press("Escape")
    desk.get_by_role("button", name="Account of").click()
    faults += look(desk, "the account's menu")
    desk.keyboard.press("Escape")
    desk.keyboard.press("?")
    expect(desk.locator("#shortcuts")).to_be_visible()
    faults += look(desk, "the keys")
    desk.keyboard.press("Escape")
    desk.locator("#find").fill(scene.patient.family_name[:6])
    expect(desk.locator("#find-results a").first).to_be_visible()
    faults += look(desk, "what the side bar finds")

    desk.goto(day)
    desk.locator(".visit").first.click()
    expect(desk.locator("#panel h2").first).to_have_text(scene.patient.name)
    faults += look(desk, "the panel")
    desk.get_by_text("Change the room or the device").click()
    faults += look(desk, "the choice of a room")
    desk.locator("#panel [data-dialog-open=cancel-visit]").click()
    expect(desk.locator("#cancel-visit")).to_be_visible()
    faults += look(desk, "the question before a cancel")
    desk.locator("#cancel-visit [type=submit]").click()
    expect(desk.locator("#panel .alert")).to_be_visible()
    faults += look(desk, "a cancelled visit")
    assert faults == [], "\n".join(faults)


def test_free_times_have_no_accessibility_faults(scene, desk, sit_down, answer_clearly):
    sit_down("practitioner", scene)  # who reads the findings beside them
    desk.goto(f"{reverse('scheduling:booking-create')}?patient={scene.other.public_id}")
    desk.locator("[name=protocol]").select_option(index=1)
    answer_clearly(desk)
    desk.get_by_role("button", name="Show free times").click()
    expect(desk.locator("[name=slot]").first).to_be_attached()
    assert look(desk, "free times") == []


def test_screenings_in_every_state_have_no_accessibility_faults(scene, desk, sit_down):
    """The walk over the pages sees them on hold. Here they turn, and are decided."""
    faults, today, about = [], scene.at(0).date(), {"by": scene.staff["lead"], "now": scene.now}

    def look_as(*roles: str, page: str = "screening-show", visit: str = "held", shows: str) -> None:
        for role in roles:
            sit_down(role, scene)
            desk.goto(scene.url(f"scheduling:{page}", visit))
            expect(desk.get_by_text(shows).first).to_be_visible()
            faults.extend(look(desk, f"{page} with “{shows}”, {role}"))

    def answer(**answers: str) -> None:
        known = {name: said for name, said in clear_answers(Stage.BOOKING).items() if name not in ("Q05", "Q05c")}
        keep_answers(patient=scene.patient, answers=known | answers, **about)

    def decide(visit: Appointment, kind: ScreeningDecision.Kind, **words) -> None:
        newest = visit.session.screenings.newest_first().first()
        decide_screening(screening=newest, kind=kind, zone=scene.location.zone, is_skin_checked=True, **words, **about)

    answer(Q04="yes", Q04b=today.isoformat())
    look_as("lead", "practitioner", shows="cannot go ahead as booked")
    look_as("receptionist", shows="Not before")
    decide(scene.held, ScreeningDecision.Kind.POSTPONE, not_before=scene.at(200).date(), reason="The half year.")
    look_as("lead", shows="Postponed")
    look_as("receptionist", shows="Decided by Rowan Lead.")
    told = {"medicine": "azathioprine", "said": "may_pause", "said_by": "Dr Amara Obi", "said_on": today}
    keep_advice(patient=scene.patient, today=today, note="By phone.", **told, **about)
    answer()
    look_as("lead", shows="Dr Amara Obi")
    look_as("receptionist", shows="Clear")
    answer(Q15="yes")
    decide(scene.held, ScreeningDecision.Kind.LIFT, reason="A pimple that has healed.")
    look_as("practitioner", shows="A pimple that has healed.")
    decide(scene.here, ScreeningDecision.Kind.LIFT, reason="Her doctor was asked this morning.")
    look_as("lead", page="checkin-show", visit="here", shows="Her doctor was asked this morning.")
    assert faults == [], "\n".join(faults)


def test_rules_on_their_way_have_no_accessibility_faults(scene, desk, sit_down):
    client, faults = sit_down("lead", scene), []
    opened = scene.bodies["scheduling:rule-edit"]
    desk.goto(scene.url("scheduling:rule-edit", "rule"))
    desk.locator("[name=hours]").fill("48")
    desk.get_by_role("button", name="Try it").click()
    expect(desk.locator("#bookings-title")).to_be_visible()
    faults += look(desk, "a trial")
    assert client.post(scene.url("scheduling:rule-edit", "rule"), opened).status_code == 302
    for name, about in (("rule-list", ""), ("rule-edit", "rule")):
        desk.goto(scene.url(f"scheduling:{name}", about))
        expect(desk.locator("#rule-run")).to_contain_text("Version 2")
        faults += look(desk, f"{name} while a version is on its way")
    desk.goto(reverse("scheduling:rule-version", args=[2]))
    faults += look(desk, "what a version changed")
    outdated = client.post(scene.url("scheduling:rule-edit", "rule"), opened)
    assert outdated.status_code == 409
    show(desk, outdated)
    faults += look(desk, "a rule that somebody else has changed")
    assert faults == [], "\n".join(faults)


def test_long_worklists_have_no_accessibility_faults(scene, desk, sit_down):
    for number in range(7):
        make_appointment(location=scene.location, starts_at=scene.at(1 + number % 2, 9 + number), now=scene.now)
    PatientLink.objects.update(locked_at=scene.now)
    faults = []
    for role in ("lead", "receptionist"):
        sit_down(role, scene)
        desk.goto(reverse("scheduling:worklists"))
        for more in desk.get_by_text(re.compile("^Show [0-9]+ more")).all():
            more.click()
        expect(desk.locator(".worklist-more[open] li").last).to_be_visible()
        faults += look(desk, f"worklists, {role}")
    assert faults == [], "\n".join(faults)


def test_phone_has_no_accessibility_faults(scene, desk, sit_down):
    sit_down("owner", scene)
    desk.set_viewport_size({"width": 390, "height": 844})
    faults = []
    for url in (
        f"{reverse('scheduling:board-day')}?day={scene.held.starts_at.date()}",
        scene.url("scheduling:appointment-move", "held"),
        scene.url("patients:patient-show", "patient"),
        scene.url("scheduling:hours-edit", "practitioner"),
        scene.url("clinic:settings"),
    ):
        desk.goto(url)
        faults += look(desk, url, in_the_dark=False)
    desk.get_by_role("button", name="Menu").click()
    expect(desk.locator("#side")).to_have_class("side offcanvas-md offcanvas-start show")
    faults += look(desk, "the menu")
    assert faults == [], "\n".join(faults)
