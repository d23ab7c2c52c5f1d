"""The demo's patients: who they are and what they answered. Nothing is stored here."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from patients.folding import fold
from patients.models import Patient
from scheduling.demo_clinic.answers import NO_TO_ALL, Story, invent_stories
from scheduling.demo_clinic.names import invent_names
from treatments.answers import advice_in_words
from treatments.catalogue.spec import ADVICE
from treatments.models import PrescriberAdvice

MAILBOXES = ("example.org", "example.com", "example.net")
PHONES = [f"07700 900{tail:03}" for tail in range(1000)]  # kept free for fiction
WITHOUT_EMAIL, WITHOUT_PHONE = 0.07, 0.12  # the second of those who have an address
PRESCRIBER, HEARD_BEFORE = "Dr Amara Obi", timedelta(days=300)
NOTES = (
    "Prefers mornings.",
    "Please write, does not pick up the phone.",
    "Comes with her guide dog.",
    "Needs a room without steps.",
    "Likes to be called by her last name.",
    "Moves house in spring, ask for the new address.",
)


@dataclass(eq=False)
class Person:
    """A patient in the plan, `age` years old, with her story, all that is known by it, and her prescriber's advice."""

    patient: Patient
    age: int
    story: Story
    answers: Story
    advice: PrescriberAdvice | None

    @property
    def has_nothing_to_tell(self) -> bool:
        return self.story == NO_TO_ALL

    @property
    def was_asked(self) -> bool:
        return bool(self.story)


def invent_people(*, count: int, today: date, rng: Random) -> list[Person]:
    """So many patients who have answered no more yet than their story tells."""
    phones = rng.sample(PHONES, len(PHONES))
    people = []
    for number, (name, story) in enumerate(
        zip(invent_names(count, rng), invent_stories(count, today, rng), strict=True)
    ):
        age = int(rng.triangular(18, 78, 33))
        patient = _invent_patient(number, name, today, age, phones[number % len(phones)], rng)
        advice = _advice(patient, story, today)
        answers = {**story, ADVICE.id: advice_in_words(advice)} if advice else story
        people.append(Person(patient, age, story, answers, advice))
    return people


def _advice(patient: Patient, story: Story, today: date) -> PrescriberAdvice | None:
    """What the clinic has heard from whoever prescribes the medicine of a story, before it came to any visit."""
    said = story.get("Q05c")
    if said not in (PrescriberAdvice.Said.MAY_PAUSE, PrescriberAdvice.Said.KEEP_TAKING):
        return None
    said_on = today - HEARD_BEFORE
    return PrescriberAdvice(patient=patient, medicine=story["Q05b"], said=said, said_by=PRESCRIBER, said_on=said_on)


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
