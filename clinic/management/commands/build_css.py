"""Writes static/css/board-grid.css: the places on the day board, as classes.

The Content-Security-Policy allows no style attribute, so where a card stands cannot be written into the page.
"""

from django.conf import settings
from django.core.management.base import BaseCommand

PATH = settings.BASE_DIR / "static" / "css" / "board-grid.css"
ROWS = 24 * 12  # a whole day in steps of five minutes
LANES = 12


def board_grid() -> str:
    """`r-N`: begins in row N, from 1. `s-N`: N rows long. `l-I-N`: lane I, from 1, of N side by side."""
    rules = ["/* Written by manage.py build_css. */"]
    rules += [f".r-{n}{{grid-row-start:{n}}}" for n in range(1, ROWS + 1)]
    rules += [f".s-{n}{{grid-row-end:span {n}}}" for n in range(1, ROWS + 1)]
    rules += [
        f".l-{lane}-{lanes}{{--lane:{lane};--lanes:{lanes}}}"
        for lanes in range(2, LANES + 1)
        for lane in range(1, lanes + 1)
    ]
    return "\n".join(rules) + "\n"


class Command(BaseCommand):
    help = "Write the stylesheet with the places on the day board."

    def handle(self, *args, **options):
        PATH.write_text(board_grid())
