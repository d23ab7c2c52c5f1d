import pytest
from playwright.sync_api import expect

from tests.factories import make_catalogue, make_location
from tests.journeys.conftest import SIZES


@pytest.mark.django_db(transaction=True)
def test_leaflet_reads_well_on_every_screen_in_both_themes(page, axe, take_pictures):
    make_catalogue()
    make_location(name="Larkfield Skin Clinic")
    page.goto("/about-the-treatment/")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            axe(page)
    page.get_by_role("link", name="How many treatments").click()
    expect(page.get_by_role("heading", name="How many treatments")).to_be_in_viewport()
    expect(page.get_by_role("link", name="Call us: 020 7946 0112")).to_be_in_viewport()
    take_pictures(page, "about")
