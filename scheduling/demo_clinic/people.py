"""The demo's patients: who they are, what they come for and what they answered. Nothing is stored here."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from clinic.models import Practitioner
from clinic.times import at_local, local_date, minus_months
from patients.folding import fold
from patients.models import Patient
from scheduling.demo_clinic.names import invent_names
from scheduling.demo_clinic.place import Place
from treatments import screening
from treatments.catalogue import Outcome, Stage
from treatments.models import CatalogueVersion, Protocol, Zone
from treatments.publishing import catalogue_of

MAILBOXES = ("example.org", "example.com", "example.net")
PHONES = [f"07700 900{tail:03}" for tail in range(1000)]  # kept free for fiction
WITHOUT_EMAIL, WITHOUT_PHONE = 0.07, 0.12  # the second of those who have an address
NOTES = (
    "Prefers mornings.",
    "Please write, does not pick up the phone.",
    "Comes with her guide dog.",
    "Needs a room without steps.",
    "Likes to be called by her last name.",
    "Moves house in spring, ask for the new address.",
)


@dataclass(frozen=True)
class Concern:
    """What people of an age come for, how often of a hundred, and where."""

    share: int
    ages: range
    zones: tuple[tuple[str, ...], ...]


CONCERNS = {
    "acne_scar_moderate": Concern(14, range(18, 50), (("cheeks",), ("cheeks", "temple"), ("cheeks", "chin_jaw"))),
    "acne_scar_mild": Concern(10, range(18, 45), (("cheeks",), ("forehead", "cheeks"), ("chin_jaw",))),
    "acne_scar_severe": Concern(4, range(20, 50), (("cheeks", "temple", "chin_jaw"),)),
    "scar_surgical": Concern(6, range(20, 80), (("neck",), ("abdomen_hips_thighs",), ("chest",), ("hands",))),
    "scar_hypertrophic": Concern(4, range(18, 70), (("chest",), ("shoulders_upper_back_upper_arms",))),
    "scar_thermal_burn": Concern(3, range(18, 70), (("hands",), ("shoulders_upper_back_upper_arms",))),
    "stretch_marks": Concern(7, range(20, 50), (("abdomen_hips_thighs",),)),
    "wrinkles_fine": Concern(14, range(32, 65), (("forehead", "periorbital_outer"), ("periorbital_outer",))),
    "wrinkles_deep": Concern(8, range(45, 80), (("forehead", "cheeks"), ("perioral", "chin_jaw"))),
    "pigmentation": Concern(8, range(22, 75), (("cheeks",), ("hands",), ("forehead", "cheeks"))),
    "melasma": Concern(5, range(24, 55), (("cheeks", "forehead"), ("cheeks",))),
    "sagging": Concern(7, range(45, 80), (("chin_jaw", "neck"), ("neck",))),
    "rejuvenation": Concern(10, range(25, 75), (("forehead", "cheeks", "nose", "chin_jaw"), ("neck", "chest"))),
}
ZONES_NOT_KNOWN = 0.05

NO_TO_ALL = {"Q04": "no", "Q05": "no"}


def _isotretinoin_long_ago(rng: Random, today: date) -> dict[str, str]:
    """More than half a year ago however coarsely it is remembered."""
    return {
        "Q04": "yes",
        "Q04b": rng.choice(
            [
                (today - timedelta(days=rng.randint(215, 330))).isoformat(),
                (today - timedelta(days=rng.randint(245, 330))).isoformat()[:7],
                (today - timedelta(days=600)).isoformat()[:4],
            ]
        ),
        "Q05": "no",
    }


def _isotretinoin_recently(rng: Random, today: date) -> dict[str, str]:
    """The half year ends within the weeks to come."""
    return {"Q04": "yes", "Q04b": minus_months(today + timedelta(days=rng.randint(2, 30)), 6).isoformat(), "Q05": "no"}


# What the others answered, in thousandths of all patients; each at least once.
STORIES: tuple[tuple[int, Callable[[Random, date], dict[str, str]]], ...] = (
    (35, _isotretinoin_long_ago),
    (30, _isotretinoin_recently),
    (8, lambda rng, today: {"Q04": "yes", "Q04b": "still", "Q05": "no"}),
    (6, lambda rng, today: {"Q04": "not_sure", "Q05": "no"}),
    (25, lambda rng, today: {"Q04": "no", "Q05": "yes", "Q05c": "may_pause"}),
    (15, lambda rng, today: {"Q04": "no", "Q05": "yes", "Q05c": "not_asked"}),
    (8, lambda rng, today: {"Q04": "no", "Q05": "yes", "Q05c": "keep_taking"}),
    (20, lambda rng, today: {}),
)


@dataclass(eq=False)
class Person:
    """A patient in the plan: `days` are those on which she is needled, `wanted` how many she comes for in all.

    She comes to her own practitioner, not before `first_day`, and keeps `pace` days between two visits.
    """

    patient: Patient
    answers: dict[str, str]
    protocol: Protocol
    zones: tuple[Zone, ...]
    practitioner: Practitioner
    pace: int
    wanted: int
    first_day: date
    is_on_hold: bool
    days: list[date] = field(default_factory=list)

    def may_come_on(self, day: date) -> bool:
        return (
            len(self.days) < self.wanted
            and day >= self.first_day
            and all(abs((day - other).days) >= self.pace for other in self.days)
        )


def invent_people(
    *, count: int, place: Place, catalogue: CatalogueVersion, first_day: date, now: datetime, rng: Random
) -> list[Person]:
    """So many patients for a plan that begins on `first_day`."""
    today = local_date(now, place.zone)
    protocols = {protocol.code: protocol for protocol in catalogue.protocols.all()}
    zones = {zone.code: zone for zone in catalogue.zones.all()}
    phones = rng.sample(PHONES, len(PHONES))
    people = []
    for number, (name, answers) in enumerate(zip(invent_names(count, rng), _answers(count, today, rng), strict=True)):
        age = int(rng.triangular(18, 78, 33))
        protocol = protocols[_concern(age, rng)]
        person = Person(
            patient=_invent_patient(number, name, today, age, phones[number % len(phones)], rng),
            answers=answers,
            protocol=protocol,
            zones=tuple(zones[code] for code in _zones(protocol.code, rng)),
            practitioner=_own_practitioner(place, protocol, people),
            pace=protocol.interval_weeks_min * 7 + rng.randint(0, 9),
            wanted=rng.randint(3, 6),
            first_day=first_day,
            is_on_hold=False,
        )
        _screen(person, catalogue, place, today, rng)
        people.append(person)
    return people


def _answers(count: int, today: date, rng: Random) -> list[dict[str, str]]:
    """What each of so many patients answered, in no order."""
    told = [story(rng, today) for thousandth, story in STORIES for _each in range(max(1, count * thousandth // 1000))]
    told += [NO_TO_ALL] * (count - len(told))
    rng.shuffle(told)
    return told[:count]


def _invent_patient(number: int, name: tuple[str, str], today: date, age: int, phone: str, rng: Random) -> Patient:
    letters = ".".join("".join(c for c in fold(part) if c.isascii() and c.isalnum()) for part in name)
    has_email = rng.random() >= WITHOUT_EMAIL
    has_phone = not has_email or rng.random() >= WITHOUT_PHONE
    patient = Patient(
        given_name=name[0],
        family_name=name[1],
        date_of_birth=today - timedelta(days=int((age + 0.02 + rng.random() * 0.96) * 365.25)),
        email=f"{letters}{number}@{rng.choice(MAILBOXES)}" if has_email else "",
        phone=phone if has_phone else "",
        note=rng.choice(NOTES) if rng.random() < 0.06 else "",
    )
    patient.fold_for_search()
    return patient


def _concern(age: int, rng: Random) -> str:
    fitting = {code: concern.share for code, concern in CONCERNS.items() if age in concern.ages}
    return rng.choices(list(fitting), list(fitting.values()))[0]


def _zones(protocol: str, rng: Random) -> tuple[str, ...]:
    return () if rng.random() < ZONES_NOT_KNOWN else rng.choice(CONCERNS[protocol].zones)


def _own_practitioner(place: Place, protocol: Protocol, people: list[Person]) -> Practitioner:
    """Of those who go as deep as the protocol begins, the one who has the most time for each of her patients."""
    patients = Counter(person.practitioner for person in people)
    able = [each for each in place.practitioners if goes_deep_enough(each, protocol)]
    return min(able, key=lambda each: patients[each] / place.weekly_hours[each])


def goes_deep_enough(practitioner: Practitioner, protocol: Protocol) -> bool:
    return protocol.depth_start_mm <= practitioner.max_depth_mm


def _screen(person: Person, catalogue: CatalogueVersion, place: Place, today: date, rng: Random) -> None:
    """Let the rules say from when on somebody may come, whether only on hold, or not at all."""
    result = screening.evaluate(
        catalogue=catalogue_of(catalogue),
        answers=person.answers,
        stage=Stage.BOOKING,
        visit_start=at_local(person.first_day, time.min, place.zone),
        zone=place.zone,
        protocol=person.protocol.code,
    )
    if result.is_blocked_without_date:
        person.wanted = 0
    elif result.not_before:
        person.first_day = local_date(result.not_before, place.zone)
    elif result.outcome == Outcome.HOLD:
        # Nobody is treated while a question is open: she is new, and her only visit lies ahead.
        person.is_on_hold, person.wanted = True, 1
        person.first_day = today + timedelta(days=rng.randint(1, 21))
