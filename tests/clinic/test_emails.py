import re
from pathlib import Path

import pytest
from django.conf import settings

from clinic.emails import render

FOLDER = Path(settings.BASE_DIR) / "templates" / "emails"
NAMES = sorted(path.name.removesuffix(".subject.txt") for path in FOLDER.glob("*.subject.txt"))
VISIT = {
    "clinic_name": "Larkfield Skin Clinic",
    "first_name": "Zoë & <b>Co</b>",
    "start": "Thursday 26 November 2026, 10:30",
    "day": "Thursday 26 November",
    "minutes": 75,
    "sun_from": "Wednesday 25 November 2026, 10:30",
    "practitioner": "Noor O'Rahman",
    "place": "12 Orchard Row",
    "address": "12 Orchard Row",
    "phone": "020 7946 0112",
    "phone_link": "02079460112",
    "zone_sentence": "Times are UK time.",
    "is_held": False,
    "with_preparation": True,
}
VARIANTS = [
    VISIT,
    VISIT | {"is_held": True},
    VISIT | {"with_preparation": False},
    VISIT | {"sun_from": ""},
    VISIT | {"address": ""},
]
CLINICAL = re.compile(r"needl|skin|numb|acne|scar|treat|medic|drug|isotretinoin|screen|health", re.IGNORECASE)


def everything(name: str, context: dict) -> list[str]:
    rendered = render(name, context)
    return [rendered.subject, rendered.text, rendered.html]


def words_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<(style|title).*?</\1>", "", html, flags=re.DOTALL)).split())


def test_there_is_a_mail_for_each_occasion():
    assert NAMES == ["before_48h", "cancelled", "confirmation", "moved"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("context", VARIANTS, ids=["plain", "held", "bare", "soon", "no address"])
class TestEveryMail:
    def test_subject_and_preview_name_neither_the_patient_nor_a_reason(self, name, context):
        rendered = render(name, context)
        [preview] = re.findall(r'<div class="preheader"[^>]*>(.*?)</div>', rendered.html, re.DOTALL)
        for line in (rendered.subject, preview):
            assert "Zoë" not in line
            assert not CLINICAL.search(line.replace(context["clinic_name"], ""))
        assert "\n" not in rendered.subject

    def test_names_are_escaped_in_html_and_left_alone_in_text(self, name, context):
        rendered = render(name, context)
        assert "Zoë & <b>Co</b>" in rendered.text and "Noor O'Rahman" in rendered.text
        assert "<b>Co" not in rendered.html and "Zoë &amp; &lt;b&gt;Co&lt;/b&gt;" in rendered.html

    def test_date_place_and_phone_are_in_every_mail(self, name, context):
        for body in everything(name, context)[1:]:
            assert "Thursday 26 November 2026, 10:30" in body
            assert "12 Orchard Row" in body
            assert "020 7946 0112" in body
            assert "Times are UK time." in body

    def test_medicines_are_to_be_kept_and_nothing_says_otherwise(self, name, context):
        for body in everything(name, context)[1:]:
            assert "Please keep taking your medicines. Do not stop any of them by yourself." in words_of(body)
            assert len(re.findall(r"\bstop|\bskip|\bavoid", words_of(body))) == 1

    def test_text_and_html_say_the_same(self, name, context):
        rendered = render(name, context)
        said = words_of(rendered.html).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
        said = re.sub(r"\W+", "", said.replace("&#x27;", "'"))
        missing = [line for line in rendered.text.splitlines() if re.sub(r"\W+", "", line) not in said]
        assert missing == []

    def test_only_the_phone_is_a_link_and_nothing_is_loaded(self, name, context):
        html = render(name, context).html
        assert re.findall(r'(?:href|src)="([^"]*)"', html) == ["tel:02079460112"]
        assert "http" not in html and "url(" not in html

    def test_styles_are_in_the_tags_and_dark_mode_stays_a_rule(self, name, context):
        html = render(name, context).html
        assert re.search(r'<h1 style="[^"]*font-size: 28px', html)
        assert "@media (prefers-color-scheme: dark)" in html
        assert "None" not in html and "{{" not in html and "{%" not in html

    def test_no_line_is_too_long_for_smtp_and_none_is_left_over(self, name, context):
        text = render(name, context).text
        assert max(map(len, text.splitlines())) < 400
        assert "\n\n\n" not in text and text == text.strip() + "\n"


def test_preparation_rides_along_only_where_it_is_asked_for():
    for name, expected in {"confirmation": [True, False], "moved": [True, False], "before_48h": [True, True]}.items():
        said = ["sandpaper" in render(name, VISIT | {"with_preparation": asked}).text for asked in (True, False)]
        assert said == expected, name


def test_sun_is_named_from_its_hour_or_until_the_visit():
    assert "From Wednesday 25 November 2026, 10:30 please stay out of the sun" in render("before_48h", VISIT).text
    assert "Until your visit please stay out of the sun" in render("before_48h", VISIT | {"sun_from": ""}).text
