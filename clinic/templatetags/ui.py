"""What templates need to draw the interface."""

from datetime import datetime, time, timedelta
from functools import cache

from django import template
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from lucide.templatetags.lucide import lucide

register = template.Library()


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """A Lucide icon as inline SVG, hidden from screen readers: the word beside it, or a label, says it all.

    Raises lucide.IconDoesNotExist for an unknown name. Only names from our own code may come in here, which
    keeps the cache as small as the set of icons.
    """
    return lucide(name, size=18, stroke_width="1.75", aria_hidden="true", focusable="false", **{"class": "icon"})


@register.filter
def day_or_moment(at: datetime) -> str:
    """A local time in words, at midnight the day alone."""
    return date_format(at, "l j F Y" if at.time() == time() else "l j F Y, H:i")


@register.filter
def in_days_and_hours(span: timedelta) -> str:
    """A span in words for a person, to the hour: "2 days, 3 hours"."""
    hours = span.seconds // 3600
    parts = []
    if span.days:
        parts.append(ngettext("%(n)d day", "%(n)d days", span.days) % {"n": span.days})
    if hours:
        parts.append(ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours})
    return ", ".join(parts) or _("less than an hour")
