"""The pages for a week, time off and closures, as those who plan meet them and nobody else."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from clinic import times
from clinic.editing import Difference, fingerprint
from scheduling.hours import week_of
from scheduling.models import Closure, TimeOff, WorkingHours
from tests.factories import (
    make_appointment,
    make_clinic,
    make_location,
    make_practitioner,
    make_user,
    signed_in,
)

pytestmark = pytest.mark.django_db

CLOSURES = reverse("scheduling:closure-list")
NEW_CLOSURE = reverse("scheduling:closure-create")
NEXT_YEAR = times.now().year + 1


@pytest.fixture
def location():
    return make_clinic(name="Larkfield")


@pytest.fixture
def practitioner(location):
    return make_practitioner(location, days=[0])


@pytest.fixture
def lead(location):
    return signed_in("lead", location=location)


@pytest.fixture
def clock(settings, tmp_path):
    """Sets what the clinic takes for now."""
    settings.CLOCK_FILE = tmp_path / "clock"

    def set_to(moment):
        settings.CLOCK_FILE.write_text(str(int((moment - times.real_now()).total_seconds())))

    return set_to


def hours(practitioner):
    return reverse("scheduling:hours-edit", args=[practitioner.public_id])


def new_time_off(practitioner):
    return reverse("scheduling:time-off-create", args=[practitioner.public_id])


def delete(row):
    name = "time-off-delete" if isinstance(row, TimeOff) else "closure-delete"
    return reverse(f"scheduling:{name}", args=[row.public_id])


def week_form(practitioner, location, **changes):
    """What the page would post: empty but for the changes, as tuesday="09:00-12:00 13:00-17:00"."""
    names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    data = {"seen": fingerprint(week_of(practitioner, location))}
    for name, text in changes.items():
        for number, stretch in enumerate(text.split()):
            starts, ends = stretch.split("-")
            data |= {f"{names.index(name)}_{number}_starts": starts, f"{names.index(name)}_{number}_ends": ends}
    return data


def make_time_off(practitioner, **fields):
    start = times.now() + timedelta(days=30)
    return TimeOff.objects.create(
        **{"practitioner": practitioner, "starts_at": start, "ends_at": start + timedelta(days=1)} | fields
    )


def make_closure(location, **fields):
    day = date(NEXT_YEAR, 12, 24)
    return Closure.objects.create(
        **{"location": location, "first_day": day, "last_day": day, "reason": "Holiday"} | fields
    )


# --- The week ---------------------------------------------------------------------------------------------------------


def test_week_is_shown_and_stored(location, practitioner, lead):
    assertContains(lead.get(hours(practitioner)), 'value="09:00"', count=1)
    data = week_form(practitioner, location, tuesday="09:00-12:00 13:00-17:00")
    assertRedirects(lead.post(hours(practitioner), data), hours(practitioner))
    assert list(practitioner.working_hours.values_list("location", "weekday", "starts", "ends")) == [
        (location.pk, 1, time(9), time(12)),
        (location.pk, 1, time(13), time(17)),
    ]


def test_week_with_mistakes_keeps_what_was_typed(location, practitioner, lead):
    data = week_form(
        practitioner, location, tuesday="09:00-12:30 12:00-17:00", wednesday="17:00-08:15", thursday="07:45-"
    )
    answer = lead.post(hours(practitioner), data)
    for sentence in (
        "These two stretches overlap. Leave the break between them.",
        "The end of work must come after its start.",
        "Give both the start and the end, or leave both empty.",
    ):
        assertContains(answer, sentence, status_code=422, count=1)
    for kept in ("12:30", "08:15", "07:45"):
        assertContains(answer, f'value="{kept}"', status_code=422)
    assert WorkingHours.objects.values_list("weekday").get() == (0,)


def test_week_at_two_places_at_once_is_refused_on_its_day(location, practitioner, lead):
    WorkingHours.objects.create(
        practitioner=practitioner, location=make_location(), weekday=3, starts=time(9), ends=time(17)
    )
    answer = lead.post(hours(practitioner), week_form(practitioner, location, thursday="16:00-18:00"))
    assertContains(answer, "Another location has 09:00 to 17:00 on this day.", status_code=422)


def test_week_edited_meanwhile_shows_both_versions_and_then_saves_over(location, practitioner, lead):
    late = week_form(practitioner, location, monday="10:00-12:00")
    lead.post(hours(practitioner), week_form(practitioner, location, monday="11:00-17:00"))
    answer = lead.post(hours(practitioner), late)
    assert answer.status_code == 409
    assert answer.context["differences"] == [
        Difference(label="Monday 1, from", stored="11:00", typed="10:00"),
        Difference(label="Monday 1, until", stored="17:00", typed="12:00"),
    ]
    assert week_of(practitioner, location)[0] == [(time(11), time(17))]
    again = late | {"seen": answer.context["form"]["seen"].value()}
    assertRedirects(lead.post(hours(practitioner), again), hours(practitioner))
    assert week_of(practitioner, location)[0] == [(time(10), time(12))]


@pytest.mark.parametrize("text", ["\x00", "25:00", "9", "x" * 10_000, "<script>alert(1)</script>", "٠٩:٠٠", "\u200b"])
def test_week_survives_hostile_text(location, practitioner, lead, text):
    data = week_form(practitioner, location) | {"0_0_starts": text, "0_0_ends": "17:00"}
    answer = lead.post(hours(practitioner), data)
    assert answer.status_code in (302, 422)
    assertNotContains(lead.get(hours(practitioner)), "<script>alert")


def test_hours_ask_as_much_for_three_rows_as_for_one(practitioner, lead, django_assert_num_queries):
    expected = 7  # session, user, her locations; the practitioner, the week, time off, visits inside
    make_time_off(practitioner)
    with django_assert_num_queries(expected):
        lead.get(hours(practitioner))
    make_time_off(practitioner)
    make_time_off(practitioner)
    with django_assert_num_queries(expected):
        lead.get(hours(practitioner))


# --- Time off ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "starts_at", "ends_at"),
    [
        (
            {"first_day": f"{NEXT_YEAR}-01-04"},
            datetime(NEXT_YEAR, 1, 4, tzinfo=UTC),
            datetime(NEXT_YEAR, 1, 5, tzinfo=UTC),
        ),
        (
            {"first_day": f"{NEXT_YEAR}-07-01", "last_day": f"{NEXT_YEAR}-07-02"},
            datetime(NEXT_YEAR, 6, 30, 23, tzinfo=UTC),
            datetime(NEXT_YEAR, 7, 2, 23, tzinfo=UTC),
        ),
        (
            {"first_day": f"{NEXT_YEAR}-07-01", "starts": "13:00", "ends": "15:30"},
            datetime(NEXT_YEAR, 7, 1, 12, tzinfo=UTC),
            datetime(NEXT_YEAR, 7, 1, 14, 30, tzinfo=UTC),
        ),
        # 25 October 2026 shows 01:30 twice in London
        ({"first_day": "2026-10-25", "starts": "01:30", "ends": "02:30"}, "2026-10-25T00:30Z", "2026-10-25T02:30Z"),
        ({"first_day": "2026-10-25", "starts": "00:30", "ends": "01:30"}, "2026-10-24T23:30Z", "2026-10-25T01:30Z"),
    ],
)
def test_time_off_is_read_in_the_location_s_time(practitioner, lead, clock, typed, starts_at, ends_at):
    clock(datetime(2026, 10, 1, tzinfo=UTC))
    assertRedirects(lead.post(new_time_off(practitioner), {"note": "Course"} | typed), hours(practitioner))
    row = TimeOff.objects.get()
    expected = [datetime.fromisoformat(at) if isinstance(at, str) else at for at in (starts_at, ends_at)]
    assert [row.starts_at, row.ends_at] == expected
    assert (row.practitioner, row.note) == (practitioner, "Course")


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({}, "first_day", "Please fill this in."),
        ({"first_day": "2027-02-30"}, "first_day", "Give the whole date: day, month and year."),
        ({"first_day": "0001-01-01"}, "first_day", "Give days between 2000 and 2100."),
        ({"first_day": "2027-01-04", "last_day": "9999-12-31"}, "last_day", "Give days between 2000 and 2100."),
        ({"first_day": "2027-01-04", "last_day": "2027-01-03"}, "__all__", "The end must come after the start."),
        (
            {"first_day": "2027-01-04", "starts": "10:00", "ends": "10:00"},
            "__all__",
            "The end must come after the start.",
        ),
        ({"first_day": "2001-01-04"}, "__all__", "This lies in the past. Check the dates."),
        (
            {"first_day": "2027-03-28", "starts": "01:30"},
            "starts",
            "The clocks go forward on that day and skip 01:30. Choose a time before or after the change.",
        ),
        (
            {"first_day": "2027-03-27", "last_day": "2027-03-28", "ends": "01:00"},
            "ends",
            "The clocks go forward on that day and skip 01:00. Choose a time before or after the change.",
        ),
        ({"first_day": "2027-01-04", "note": "x" * 10_000}, "note", "Shorten the note to 200 characters."),
    ],
)
def test_time_off_that_makes_no_sense_comes_back_by_sentence(practitioner, lead, clock, typed, field, sentence):
    clock(datetime(2026, 10, 1, tzinfo=UTC))
    answer = lead.post(new_time_off(practitioner), typed)
    assert answer.status_code == 422
    assert answer.context["form"].errors == {field: [sentence]}
    assert TimeOff.objects.count() == 0


def test_time_off_over_visits_says_how_many_and_keeps_them(location, practitioner, lead, clock):
    appointment = make_appointment(location=location, practitioner=make_practitioner(location))
    clock(appointment.starts_at - timedelta(days=2))
    day = appointment.starts_at.date().isoformat()
    answer = lead.post(new_time_off(appointment.practitioner), {"first_day": day}, follow=True)
    assertContains(answer, "Saved. 1 visit is booked in that time and stays until somebody moves it.")
    assertContains(answer, f"{reverse('scheduling:board-day')}?day={day}")
    appointment.refresh_from_db()
    assert appointment.is_cancelled is False


def test_time_off_is_deleted(practitioner, lead):
    row = make_time_off(practitioner)
    assertRedirects(lead.post(delete(row)), hours(practitioner))
    assert TimeOff.objects.count() == 0


# --- Closures ---------------------------------------------------------------------------------------------------------


def test_closure_is_added_listed_and_deleted(location, lead):
    data = {"first_day": f"{NEXT_YEAR}-12-24", "last_day": "", "reason": "Christmas"}
    assertContains(lead.get(CLOSURES), "No closed days ahead")
    assertRedirects(lead.post(NEW_CLOSURE, data), CLOSURES)
    closure = Closure.objects.get()
    day = date(NEXT_YEAR, 12, 24)
    assert (closure.location, closure.first_day, closure.last_day, closure.reason) == (location, day, day, "Christmas")
    assertContains(lead.get(CLOSURES), "Christmas")
    assertRedirects(lead.post(delete(closure)), CLOSURES)
    assert Closure.objects.count() == 0


def test_closure_over_visits_says_how_many(location, lead, clock):
    appointment = make_appointment(location=location)
    clock(appointment.starts_at - timedelta(days=2))
    day = appointment.starts_at.date().isoformat()
    answer = lead.post(NEW_CLOSURE, {"first_day": day, "reason": "Burst pipe"}, follow=True)
    assertContains(answer, "Saved. 1 visit is booked in that time and stays until somebody moves it.")
    assertContains(answer, f"{reverse('scheduling:board-day')}?day={day}")


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"first_day": "2027-01-04"},
        {"first_day": "0001-01-01", "reason": "x"},
        {"first_day": "9999-12-31", "reason": "x"},
        {"first_day": "2027-01-04", "last_day": "2027-01-03", "reason": "x"},
        {"first_day": "2027-01-04", "reason": "x" * 10_000},
        {"first_day": "2027-01-04", "reason": "\x00\u200b"},
        {"first_day": "\x00", "last_day": "[]", "reason": "x"},
    ],
)
def test_closure_that_makes_no_sense_is_refused(lead, typed):
    assert lead.post(NEW_CLOSURE, typed).status_code == 422
    assert Closure.objects.count() == 0


def test_closures_ask_as_much_for_three_rows_as_for_one(location, lead, django_assert_num_queries):
    expected = 5  # session, user, her locations; the closures, visits inside
    make_closure(location)
    with django_assert_num_queries(expected):
        lead.get(CLOSURES)
    make_closure(location)
    make_closure(location)
    with django_assert_num_queries(expected):
        lead.get(CLOSURES)


def test_words_are_never_scripts(location, practitioner, lead):
    make_closure(location, reason="<script>alert(1)</script>")
    make_time_off(practitioner, note="<script>alert(1)</script>")
    assertNotContains(lead.get(CLOSURES), "<script>alert")
    assertNotContains(lead.get(hours(practitioner)), "<script>alert")


# --- Doors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["receptionist", "practitioner"])
def test_who_does_not_plan_is_refused(location, practitioner, role):
    client = signed_in(role, location=location)
    rows = [make_time_off(practitioner), make_closure(location)]
    answers = [
        client.get(hours(practitioner)),
        client.post(hours(practitioner), week_form(practitioner, location)),
        client.get(new_time_off(practitioner)),
        client.post(new_time_off(practitioner), {"first_day": f"{NEXT_YEAR}-01-04"}),
        client.get(CLOSURES),
        client.get(NEW_CLOSURE),
        client.post(NEW_CLOSURE, {"first_day": f"{NEXT_YEAR}-01-04", "reason": "x"}),
        *(client.post(delete(row)) for row in rows),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert [list(TimeOff.objects.all()), list(Closure.objects.all())] == [[rows[0]], [rows[1]]]
    assert WorkingHours.objects.count() == 1


@pytest.mark.parametrize("role", ["lead", "owner"])
def test_who_plans_opens_every_page(location, practitioner, role):
    client = signed_in(role, location=location)
    pages = [hours(practitioner), new_time_off(practitioner), CLOSURES, NEW_CLOSURE]
    assert {client.get(page).status_code for page in pages} == {200}


def test_what_is_foreign_does_not_exist(lead):
    elsewhere = make_location()
    foreign = make_practitioner(elsewhere, days=[0])
    rows = [make_time_off(foreign), make_closure(elsewhere)]
    answers = [
        lead.get(hours(foreign)),
        lead.post(hours(foreign), week_form(foreign, elsewhere)),
        lead.get(new_time_off(foreign)),
        lead.post(new_time_off(foreign), {"first_day": f"{NEXT_YEAR}-01-04"}),
        *(lead.post(delete(row)) for row in rows),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert [list(TimeOff.objects.all()), list(Closure.objects.all())] == [[rows[0]], [rows[1]]]
    assert foreign.working_hours.count() == 1


def test_other_methods_are_refused(location, practitioner, lead):
    rows = [make_time_off(practitioner), make_closure(location)]
    for page in (hours(practitioner), new_time_off(practitioner), NEW_CLOSURE):
        assert {getattr(lead, method)(page).status_code for method in ("put", "patch", "delete", "options")} == {405}
    assert {getattr(lead, method)(CLOSURES).status_code for method in ("post", "put", "delete", "options")} == {405}
    for row in rows:
        assert {getattr(lead, method)(delete(row)).status_code for method in ("get", "head", "put", "delete")} == {405}


def test_forms_ask_for_the_token(location, practitioner):
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("lead", location=location), backend="django.contrib.auth.backends.ModelBackend")
    rows = [make_time_off(practitioner), make_closure(location)]
    for page in (hours(practitioner), new_time_off(practitioner), NEW_CLOSURE, *map(delete, rows)):
        assert client.post(page, {}).status_code == 403
