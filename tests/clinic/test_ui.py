from datetime import datetime, timedelta

import pytest
from django.template import Context, Template
from lucide import IconDoesNotExist

from clinic.templatetags import ui


def render(source, **context):
    return Template("{% load ui %}" + source).render(Context(context))


def test_a_moment_at_midnight_is_its_day_alone():
    assert ui.day_or_moment(datetime(2026, 12, 12)) == "Saturday 12 December 2026"
    assert ui.day_or_moment(datetime(2026, 12, 12, 10, 30)) == "Saturday 12 December 2026, 10:30"


def test_icon_is_inline_svg_that_screen_readers_skip():
    svg = render('{% icon "check" %}')
    assert svg.startswith("<svg")
    assert 'class="icon"' in svg
    assert 'aria-hidden="true"' in svg
    assert "style=" not in svg


def test_icon_with_an_unknown_name_is_refused():
    with pytest.raises(IconDoesNotExist):
        render('{% icon "no-such-icon" %}')


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(days=2, hours=3), "2 days, 3 hours"),
        (timedelta(hours=1, minutes=59), "1 hour"),
        (timedelta(minutes=59), "less than an hour"),
    ],
)
def test_in_days_and_hours(span, words):
    assert ui.in_days_and_hours(span) == words


@pytest.mark.parametrize(
    ("kind", "tone", "word"),
    [
        ("success", "tone-leaf", "Done:"),
        ("info", "tone-sky", "For your information:"),
        ("warning", "tone-gold", "Please note:"),
        ("error", "tone-clay", "Not done:"),
    ],
)
def test_alert_says_its_kind_by_tone_icon_and_word(kind, tone, word):
    html = render('{% include "components/_alert.html" with kind=kind text=text only %}', kind=kind, text="<b>")
    assert f'class="alert {tone}"' in html
    assert word in html
    assert "<svg" in html
    assert "&lt;b&gt;" in html
