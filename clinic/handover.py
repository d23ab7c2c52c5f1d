"""A browser in the hands of somebody who is not staff: it reaches one place, until staff take it back.

The session of whoever handed it over remembers the place; `clinic.middleware` keeps the browser there.
"""

from dataclasses import asdict, dataclass

KEY = "handed_over"


@dataclass(frozen=True)
class Handover:
    """`place` begins every address that may still be reached; `back` is where staff go on afterwards."""

    place: str
    back: str

    def reaches(self, path: str) -> bool:
        return path.startswith(self.place)


def hand_over(request, *, place: str, back: str) -> None:
    """Lock the browser into `place`. The old cookie is worthless from now on, and with it whatever it had open."""
    request.session[KEY] = asdict(Handover(place, back))
    request.session.cycle_key()


def handover_of(request) -> Handover | None:
    """Where the browser is locked in; None while it is in the hands of staff."""
    stored = request.session.get(KEY)
    return Handover(**stored) if stored else None


def take_back(request) -> None:
    request.session.pop(KEY, None)
