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
    "weekday": "Thursday",
    "sun_from": "Wednesday 25 November 2026, 10:30",
    "sun_from_short": "Wednesday 10:30",
    "sun_hours": 24,
    "medicine_gap_hours": 24,
    "first_day_ends": "Friday 27 November 2026, 11:45",
    "second_day_ends": "Saturday 28 November 2026, 11:45",
    "third_day_ends": "Sunday 29 November 2026, 11:45",
    "practitioner": "Noor O'Rahman",
    "place": "12 Orchard Row",
    "address": "12 Orchard Row",
    "phone": "020 7946 0112",
    "phone_link": "02079460112",
    "zone_sentence": "Times are UK time.",
    "about_url": "https://larkfield.example/about-the-treatment/",
    "is_held": False,
    "with_preparation": True,
    "with_medicine_gap": True,
}
LINK = "https://larkfield.example/v/0123456789/"
VARIANTS = [
    VISIT,
    VISIT | {"is_held": True},
    VISIT | {"is_stopped": True, "with_preparation": False},
    VISIT | {"with_preparation": False, "with_medicine_gap": False},
    VISIT | {"sun_from": ""},
    VISIT | {"address": ""},
    VISIT | {"link_url": LINK, "is_check": False},
    VISIT | {"link_url": LINK, "is_check": True, "is_held": True, "emergency_phone": "999"},
]
ABOUT_A_TIME = ["before_48h", "cancelled", "confirmation", "final", "moved", "new_link"]
WITH_A_LINK = ["before_48h", "confirmation", "final", "moved", "new_link"]
AFTER = ["after_24h", "after_2h", "after_48h"]
MEDICINES = "Please keep taking your medicines. Do not stop any of them by yourself."
MEDICINE_GAP = (
    "If you take a medicine for an autoimmune illness: our rule is a gap of 24 hours, "
    "but only if your doctor has agreed to it. Never stop it by yourself."
)
CLINICAL = re.compile(r"needl|skin|numb|acne|scar|treat|medic|drug|isotretinoin|screen|health", re.IGNORECASE)


def everything(name: str, context: dict) -> list[str]:
    rendered = render(name, context)
    return [rendered.subject, rendered.text, rendered.html]


def words_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<(style|title).*?</\1>", "", html, flags=re.DOTALL)).split())


def links_of(html: str) -> list[str]:
    return re.findall(r'href="([^"]*)"', html)


def test_there_is_a_mail_for_each_occasion():
    assert sorted(NAMES) == sorted([*ABOUT_A_TIME, "get_ready", *AFTER])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "context", VARIANTS, ids=["plain", "held", "stopped", "bare", "soon", "no address", "questions", "check"]
)
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
        assert "Zoë & <b>Co</b>" in rendered.text
        assert ("Noor O'Rahman" in rendered.text) == (name in ABOUT_A_TIME)
        assert "<b>Co" not in rendered.html and "Zoë &amp; &lt;b&gt;Co&lt;/b&gt;" in rendered.html

    def test_clinic_and_phone_are_in_every_mail_and_the_time_of_a_visit_to_come(self, name, context):
        for body in everything(name, context)[1:]:
            assert ("Thursday 26 November 2026, 10:30" in body) == (name not in AFTER)
            assert "12 Orchard Row" in body or not context["address"] and name not in ABOUT_A_TIME
            assert "Larkfield Skin Clinic" in body
            assert "020 7946 0112" in body
            assert "Times are UK time." in body

    def test_medicines_are_to_be_kept_and_the_gap_is_never_named_without_its_condition(self, name, context):
        for body in everything(name, context)[1:]:
            said = words_of(body)
            assert said.count(MEDICINES) == 1
            assert said.count(MEDICINE_GAP) == context["with_medicine_gap"]
            rest = said.replace(MEDICINES, "").replace(MEDICINE_GAP, "")
            assert not re.search(r"\b(stop|skip|avoid|pause)|autoimmune|immune", rest, re.IGNORECASE)

    def test_text_and_html_say_the_same(self, name, context):
        rendered = render(name, context)
        said = words_of(rendered.html).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
        said = re.sub(r"\W+", "", said.replace("&#x27;", "'") + " ".join(links_of(rendered.html)))
        missing = [line for line in rendered.text.splitlines() if re.sub(r"\W+", "", line) not in said]
        assert missing == []

    def test_links_lead_to_the_phone_and_to_the_page_about_the_treatment_and_nothing_is_loaded(self, name, context):
        html = render(name, context).html
        anchors = {"get_ready": ["#before"], "after_2h": ["#after"], "after_24h": ["#after"]}.get(name, [])
        about = context["about_url"]
        own = [context["link_url"]] if "link_url" in context and name in WITH_A_LINK else []
        assert links_of(html) == [*own, *(about + anchor for anchor in anchors), "tel:02079460112", about]
        assert "src=" not in html and "url(" not in html
        assert html.count("http") == len(own) + len(anchors) + 1

    def test_styles_are_in_the_tags_and_dark_mode_stays_a_rule(self, name, context):
        html = render(name, context).html
        assert re.search(r'<h1 style="[^"]*font-size: 28px', html)
        assert "@media (prefers-color-scheme: dark)" in html
        assert "None" not in html and "{{" not in html and "{%" not in html

    def test_no_line_is_too_long_for_smtp_and_none_is_left_over(self, name, context):
        text = render(name, context).text
        assert max(map(len, text.splitlines())) < 400
        assert "\n\n\n" not in text and text == text.strip() + "\n"


def test_who_had_better_not_come_reads_so_and_neither_how_to_get_ready_nor_that_a_time_is_kept():
    rendered = render("before_48h", VISIT | {"is_stopped": True, "with_preparation": False})
    assert rendered.subject == "Please call us about your visit: Thursday 26 November 2026, 10:30"
    for said in (rendered.text, words_of(rendered.html)):
        assert "Please do not come on Thursday 26 November" in said
        assert "Call us about what comes next: 020 7946 0112" in said
        for promise in ("keep this time", "Your visit is on", "sun", "clean face", "sandpaper"):
            assert promise not in said


def test_preparation_rides_along_only_where_it_is_asked_for():
    for name, expected in {"confirmation": [True, False], "moved": [True, False], "before_48h": [True, True]}.items():
        said = ["sandpaper" in render(name, VISIT | {"with_preparation": asked}).text for asked in (True, False)]
        assert said == expected, name


def test_sun_is_named_from_its_hour_or_until_the_visit():
    assert "From Wednesday 25 November 2026, 10:30 please stay out of the sun" in render("before_48h", VISIT).text
    assert "Until your visit please stay out of the sun" in render("before_48h", VISIT | {"sun_from": ""}).text
    assert render("get_ready", VISIT).subject == "From Wednesday 10:30: get ready for your visit"
    late = render("get_ready", VISIT | {"sun_from": ""})
    assert late.subject == "Get ready for your visit: Thursday 26 November 2026, 10:30"
    assert "the 24 hours before your visit on Thursday 26 November 2026, 10:30 have begun" in late.text


@pytest.mark.parametrize("name", AFTER)
def test_aftercare_says_what_is_normal_whom_to_call_and_when_not_to_wait(name):
    rendered = render(name, VISIT)
    for said in (rendered.text, words_of(rendered.html)):
        assert "Call us the same day: 020 7946 0112" in said
        assert "Hard to breathe, swollen lips or throat, or faint? Call the emergency number at once." in said
        assert ("the numbing cream can do that" in said) == (name == "after_2h")
    assert f"until {VISIT['second_day_ends']}" in render("after_24h", VISIT).text
    assert f"Until {VISIT['first_day_ends']}" in render("after_2h", VISIT).text


@pytest.mark.parametrize("name", AFTER)
def test_the_clinics_emergency_number_is_named_where_it_has_one(name):
    rendered = render(name, VISIT | {"emergency_phone": "999"})
    for said in (rendered.text, words_of(rendered.html)):
        assert "Hard to breathe, swollen lips or throat, or faint? Call 999 at once." in said
        assert "the emergency number" not in said


def test_mail_after_two_days_asks_for_a_call_and_for_no_answer():
    rendered = render("after_48h", VISIT)
    for said in (rendered.text, words_of(rendered.html)):
        assert "Is it getting worse, or are you worried? Please call us now. Nobody reads answers to this mail." in said
        assert not re.search(r"\breply|\b[123] (calm|still|worse)", said, re.IGNORECASE)
    assert 'class="button"' not in rendered.html
