"""What patients are asked and told can be read by a child of nine to eleven."""

import re

import pytest
import textstat

from treatments.catalogue import read

HARDEST = 6.0  # Flesch-Kincaid school grade; who is eleven is in the sixth

# Names that people know from the pack or from their doctor, and that no easier word stands for.
NAMES = (
    "isotretinoin",
    "Accutane",
    "Roaccutane",
    "warfarin",
    "aspirin",
    "insulin",
    "retinol",
    "thyroid",
    "lupus",
    "arthritis",
    "psoriasis",
    "diabetes",
    "immune system",
    "pacemaker",
    "G6PD",
    "microdermabrasion",
    "dermabrasion",
)
NAME = re.compile(rf"\b(?:{'|'.join(NAMES)})\b", re.IGNORECASE)


def grade(text: str) -> float:
    return textstat.flesch_kincaid_grade(NAME.sub("pill", text.format(clear_from="1 March", since="Sunday 1 March")))


@pytest.mark.parametrize("question", read().questions.values(), ids=read().questions)
def test_a_question_and_its_message_are_easy_to_read(question):
    texts = (question.text, question.patient_message, *question.patient_messages.values())
    hard = {text: grade(text) for text in texts if grade(text) > HARDEST}
    assert hard == {}


def test_every_name_is_one_that_is_used():
    said = " ".join(f"{each.text} {each.patient_message}" for each in read().questions.values()).lower()
    assert [name for name in NAMES if name.lower() not in said] == []


def test_hard_words_are_seen():
    assert grade("Do you experience dermatological hypersensitivity following pharmaceutical administration?") > 15
