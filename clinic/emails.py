"""Turn the templates of one mail into its subject, text and HTML."""

import re
from dataclasses import dataclass
from functools import cache

import css_inline
from django.template import Context
from django.template.loader import get_template


@dataclass(frozen=True)
class Rendered:
    subject: str
    text: str
    html: str


def render(name: str, context: dict) -> Rendered:
    """The mail `templates/emails/<name>` in the language that is active.

    Subject and text are plain, so nothing is escaped in them; in the HTML everything is. Styles move from the base
    template into the tags, where every mail reader looks; what must stay a rule, such as dark mode, stays one.
    """
    return Rendered(
        subject=" ".join(_plain(f"emails/{name}.subject.txt", context).split()),
        text=re.sub(r"\n{3,}", "\n\n", _plain(f"emails/{name}.txt", context)).strip() + "\n",
        html=_inliner().inline(get_template(f"emails/{name}.html").render(context)),
    )


def _plain(template_name: str, context: dict) -> str:
    return get_template(template_name).template.render(Context(context, autoescape=False))


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
