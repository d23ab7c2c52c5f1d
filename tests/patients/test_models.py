from datetime import date

import pytest

from patients.models import Patient


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(1992, 3, 12), date(2026, 3, 11), 33),
        (date(1992, 3, 12), date(2026, 3, 12), 34),
        (date(2004, 2, 29), date(2025, 2, 28), 20),
        (date(2004, 2, 29), date(2025, 3, 1), 21),
    ],
)
def test_age_turns_on_the_birthday(born, day, age):
    assert Patient(date_of_birth=born).age_on(day) == age
