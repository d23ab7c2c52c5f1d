"""The pages for finding, entering and showing patients, as the people who use them meet them."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from clinic import times
from patients.models import Patient
from tests.factories import make_fact, make_location, make_patient, make_user, signed_in
from tests.reading import words

pytestmark = pytest.mark.django_db

LIST = reverse("patients:patient-list")
SEARCH = reverse("patients:patient-search")
CREATE = reverse("patients:patient-create")
PREFILL = reverse("patients:patient-prefill")
HTMX = {"HX-Request": "true"}
EVERY_ROLE = ["receptionist", "practitioner", "lead", "owner"]


@pytest.fixture
def location():
    return make_location()


@pytest.fixture
def reception(location):
    return signed_in("receptionist", location=location)


def show(patient):
    return reverse("patients:patient-show", args=[patient.public_id])


def typed(**changes):
    return {
        "public_id": str(uuid4()),
        "given_name": "Marta",
        "family_name": "Lindholm",
        "date_of_birth": "1992-03-12",
        "phone": "020 7946 0812",
        "email": "marta@example.org",
        "note": "",
    } | changes


# --- Finding ----------------------------------------------------------------------------------------------------------


def test_list_names_nobody_before_a_search(location, reception):
    make_patient(location, given_name="Marta")
    page = reception.get(LIST)
    assertContains(page, "Who are you looking for?")
    assertNotContains(page, "Marta")


def test_list_answers_a_search_with_page_or_fragment(location, reception):
    patient = make_patient(location, given_name="Marta", family_name="Lindholm")
    page, fragment = reception.post(LIST, {"q": "lind"}), reception.post(LIST, {"q": "lind"}, headers=HTMX)
    assertContains(page, "<!doctype html>")
    assertNotContains(fragment, "<!doctype html>")
    for answer in (page, fragment):
        assertContains(answer, "Marta <mark>Lind</mark>holm")
        assertContains(answer, show(patient))
        assert "HX-Request" in answer["Vary"]
        assert answer["Cache-Control"] == "no-store, private"


def test_search_takes_no_text_from_the_address(location, reception):
    make_patient(location, given_name="Marta")
    assertNotContains(reception.get(LIST, {"q": "marta"}), "<mark>")
    assert reception.get(SEARCH, {"q": "marta"}).status_code == 405


def test_search_box_leads_to_the_patient_and_to_a_new_one(location, reception):
    patient = make_patient(location, given_name="Marta", phone="020 7946 0812")
    fragment = reception.post(SEARCH, {"q": "mart"}, headers=HTMX)
    assertContains(fragment, f'href="{show(patient)}"')
    assertContains(fragment, "17 May 1990, 020 7946 0812")
    assertContains(fragment, "New patient “mart”")
    assertContains(fragment, f'href="{CREATE}"')


def test_search_box_for_booking_leads_to_the_booking(location, reception):
    patient = make_patient(location, given_name="Marta")
    fragment = reception.post(f"{SEARCH}?for=booking", {"q": "mart"}, headers=HTMX)
    assertContains(fragment, f"{reverse('scheduling:booking-create')}?patient={patient.public_id}")
    assertNotContains(fragment, show(patient))
    assertContains(fragment, f"{CREATE}?next=booking")


def test_search_box_is_empty_below_two_characters(location, reception):
    assert reception.post(SEARCH, {"q": "m"}, headers=HTMX).content.strip() == b""


def test_search_box_without_scripts_is_the_search_page(location, reception):
    make_patient(location, given_name="Marta")
    assertContains(reception.post(SEARCH, {"q": "mart"}), "<!doctype html>")


def test_search_box_shows_eight_and_says_so(location, reception):
    for _ in range(9):
        make_patient(location, given_name="Ida")
    fragment = reception.post(SEARCH, {"q": "ida"}, headers=HTMX)
    assertContains(fragment, "<mark>Ida</mark>", count=8)
    assertContains(fragment, "The first 8 are shown.")


def test_search_never_shows_a_patient_of_another_location(location, reception):
    make_patient(make_location(), given_name="Marta")
    for url in (LIST, SEARCH):
        assertNotContains(reception.post(url, {"q": "marta"}, headers=HTMX), "<mark>")


@pytest.mark.parametrize("url", [LIST, SEARCH])
def test_search_asks_as_much_for_three_hits_as_for_one(location, reception, url, django_assert_num_queries):
    make_patient(location, given_name="Ida")
    expected = 4  # session, user, her locations, the search
    with django_assert_num_queries(expected):
        assertContains(reception.post(url, {"q": "ida"}, headers=HTMX), "<mark>", count=1)
    make_patient(location, given_name="Ida")
    make_patient(location, given_name="Ida")
    with django_assert_num_queries(expected):
        assertContains(reception.post(url, {"q": "ida"}, headers=HTMX), "<mark>", count=3)


def test_name_is_never_a_script(location, reception):
    patient = make_patient(location, given_name="<script>alert(1)</script>", note="<img src=x onerror=alert(1)>")
    for answer in (
        reception.post(LIST, {"q": "alert"}),
        reception.post(SEARCH, {"q": "<script>alert"}, headers=HTMX),
        reception.get(show(patient)),
    ):
        assertNotContains(answer, "<script>alert")
        assertNotContains(answer, "<img src=x")


# --- Entering ---------------------------------------------------------------------------------------------------------


def test_create_stores_the_patient_at_the_location_on_the_screen(location, reception):
    answer = reception.post(CREATE, typed(note="Likes tea."))
    patient = Patient.objects.get()
    assertRedirects(answer, show(patient))
    assert (patient.name, patient.phone, patient.email) == ("Marta Lindholm", "020 7946 0812", "marta@example.org")
    assert (patient.date_of_birth, patient.note) == (date(1992, 3, 12), "Likes tea.")
    assert list(patient.locations.all()) == [location]


def test_create_for_a_booking_goes_on_to_it(reception):
    answer = reception.post(f"{CREATE}?next=booking", typed())
    expected = f"{reverse('scheduling:booking-create')}?patient={Patient.objects.get().public_id}"
    assertRedirects(answer, expected, fetch_redirect_response=False)


def test_create_goes_nowhere_else(reception):
    answer = reception.post(f"{CREATE}?next=https://evil.example/", typed())
    assertRedirects(answer, show(Patient.objects.get()))


def test_create_with_mistakes_keeps_what_was_typed(reception):
    tomorrow = (times.now() + timedelta(days=1)).date().isoformat()
    answer = reception.post(CREATE, typed(family_name="\u200b", date_of_birth=tomorrow, email="marta@", phone="x"))
    assert answer.status_code == 422
    assert answer.context["form"].errors == {
        "family_name": ["Give the last name."],
        "date_of_birth": ["This date of birth lies in the future. Check the year."],
        "email": ["Write the whole e-mail address, such as name@example.org."],
        "phone": ["Write the phone number in digits, such as 020 7946 0812 or +44 20 7946 0812."],
    }
    for kept in ('value="Marta"', 'value="marta@"', f'value="{tomorrow}"'):
        assertContains(answer, kept, status_code=422)
    assert Patient.objects.count() == 0


def test_create_shows_likely_duplicates_once_and_stores_nothing(location, reception):
    double = make_patient(location, given_name="Martha", family_name="Lindholm", date_of_birth=date(1992, 3, 12))
    answer = reception.post(CREATE, typed(phone="07700 900999"))
    assertContains(answer, "Already a patient here?", status_code=409)
    assertContains(answer, f'href="{show(double)}"', status_code=409)
    assertContains(answer, 'value="07700 900999"', status_code=409)
    assert list(Patient.objects.all()) == [double]


def test_create_anyway_stores_a_second_one(location, reception):
    make_patient(location, phone="020 7946 0812")
    assert reception.post(CREATE, typed(confirmed="yes")).status_code == 302
    assert Patient.objects.count() == 2


def test_duplicate_can_be_taken_to_the_booking(location, reception):
    double = make_patient(location, phone="020 7946 0812")
    answer = reception.post(f"{CREATE}?next=booking", typed())
    expected = f"{reverse('scheduling:booking-create')}?patient={double.public_id}"
    assertContains(answer, expected, status_code=409)


def test_duplicates_of_another_location_stay_unseen(reception):
    make_patient(make_location(), phone="020 7946 0812", email="marta@example.org")
    assert reception.post(CREATE, typed()).status_code == 302


def test_create_posted_twice_makes_one_row(reception):
    data = typed()
    assertRedirects(reception.post(CREATE, data), show(Patient.objects.get()))
    assertRedirects(reception.post(CREATE, data | {"phone": "07700 900111"}), show(Patient.objects.get()))
    assert Patient.objects.get().phone == "020 7946 0812"


def test_create_under_the_id_of_a_foreign_patient_is_refused(reception):
    foreign = make_patient(make_location(), given_name="Ada")
    before = Patient.objects.values().get()
    answer = reception.post(CREATE, typed(public_id=str(foreign.public_id), confirmed="yes"))
    assert answer.status_code == 404
    assert Patient.objects.values().get() == before


@pytest.mark.parametrize("public_id", ["", "x", "0", "\x00", "[]"])
def test_create_without_a_proper_id_is_refused(reception, public_id):
    assert reception.post(CREATE, typed(public_id=public_id)).status_code == 422
    assert Patient.objects.count() == 0


@pytest.mark.parametrize("field", ["given_name", "family_name", "date_of_birth", "phone", "email", "note"])
@pytest.mark.parametrize(
    "text", ["\x00", "\u200b", "a\r\nb", "x" * 10_000, "<script>alert(1)</script>", "0001-01-01", "\u202e"]
)
def test_create_survives_hostile_text(reception, field, text):
    answer = reception.post(CREATE, typed(**{field: text}))
    assert answer.status_code in (302, 422)
    if answer.status_code == 422:
        assertNotContains(answer, "<script>alert", status_code=422)
    for patient in Patient.objects.all():
        assert reception.get(show(patient)).status_code == 200


def test_create_survives_bytes_that_are_no_text(reception):
    body = b"given_name=%ED%A0%80%00&family_name=%FF%FE&date_of_birth=%00&public_id=%ED%A0%80"
    answer = reception.post(CREATE, body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 422


def test_prefill_carries_what_was_typed_outside_the_address(reception):
    answer = reception.post(PREFILL, {"q": "marta lindholm"})
    assertRedirects(answer, CREATE, fetch_redirect_response=False)
    stored = Session.objects.get().session_data
    page = reception.get(CREATE)
    assert page.context["form"].initial == {"given_name": "Marta", "family_name": "Lindholm"}
    assert "marta" not in str(Session.objects.get().get_decoded()).lower()
    assert "marta" not in stored.lower()
    assert reception.get(CREATE).context["form"].initial == {}


def test_prefill_by_htmx_sends_the_browser_on(reception):
    answer = reception.post(f"{PREFILL}?next=booking", {"q": "020 7946"}, headers=HTMX)
    assert answer["HX-Redirect"] == f"{CREATE}?next=booking"
    assert reception.get(CREATE).context["form"].initial == {"phone": "020 7946"}


# --- Showing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_every_role_sees_who_the_patient_is(location, role):
    patient = make_patient(location, note="Likes tea.", date_of_birth=date(1990, 5, 17))
    page = signed_in(role, location=location).get(show(patient))
    for text in (patient.name, patient.email, patient.phone, "born 17 May 1990", "Likes tea."):
        assertContains(page, text)
    assertContains(page, reverse("scheduling:patient-visits", args=[patient.public_id]))


@pytest.mark.parametrize("role", ["receptionist", "owner"])
def test_who_does_not_treat_never_reads_an_answer(location, role):
    patient = make_patient(location)
    make_fact(patient, subject="isotretinoin", answer="yes, until last week", on="2025-08")
    make_fact(patient, kind="allergy", subject="Latex")
    page = signed_in(role, location=location).get(show(patient))
    assertContains(page, "2 health answers on file, last given 12 January 2026.")
    for word in ("sotretinoin", "until last week", "2025-08", "August 2025", "Latex", "Allergy", "Medicine"):
        assertNotContains(page, word)


@pytest.mark.parametrize("roles", [["practitioner"], ["lead"], ["receptionist", "practitioner"]])
def test_who_treats_reads_the_answers(location, roles):
    patient = make_patient(location)
    fact = make_fact(patient, subject="isotretinoin", answer="yes", on="2025-08")
    page = signed_in(*roles, location=location).get(show(patient))
    for text in ("Isotretinoin", "Yes", "August 2025", reverse("scheduling:fact-create", args=[patient.public_id])):
        assertContains(page, text)
    assertContains(page, reverse("scheduling:fact-end", args=[patient.public_id, fact.public_id]))


def test_showing_asks_as_much_for_three_facts_as_for_one(location, django_assert_num_queries):
    client = signed_in("practitioner", location=location)
    patient = make_patient(location)
    recorder = make_user("lead")
    make_fact(patient, subject="Fact 1", recorded_by=recorder)
    client.get(show(patient))  # content types are read once a process
    expected = 7  # session, user, her locations, the patient, the opening, the facts, the alerts among them
    with django_assert_num_queries(expected):
        assertContains(client.get(show(patient)), "Fact ", count=2)
    make_fact(patient, subject="Fact 2", recorded_by=recorder)
    make_fact(patient, subject="Fact 3", recorded_by=recorder)
    with django_assert_num_queries(expected):
        assertContains(client.get(show(patient)), "Fact ", count=6)


def test_every_opening_is_written_down(location):
    user = make_user("receptionist", location=location)
    patient = make_patient(location)
    client = signed_in(user=user)
    client.get(show(patient))
    openings = LogEntry.objects.get_for_object(patient).filter(action=LogEntry.Action.ACCESS)
    assert [entry.actor for entry in openings] == [user]


# --- Doors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_foreign_patient_does_not_exist(role, location):
    foreign = make_patient(make_location(), given_name="Secretname")
    before = Patient.objects.values().get()
    client = signed_in(role, location=location)
    assertNotContains(client.get(show(foreign)), "Secretname", status_code=404)
    assert Patient.objects.values().get() == before
    assert not LogEntry.objects.get_for_object(foreign).filter(action=LogEntry.Action.ACCESS).exists()


@pytest.mark.parametrize(
    ("url_of", "methods"),
    [
        (lambda patient: LIST, ["put", "patch", "delete", "options", "trace"]),
        (lambda patient: SEARCH, ["get", "head", "put", "patch", "delete", "options", "trace"]),
        (lambda patient: CREATE, ["put", "patch", "delete", "options", "trace"]),
        (lambda patient: PREFILL, ["get", "head", "put", "patch", "delete", "options", "trace"]),
        (show, ["post", "put", "patch", "delete", "options", "trace"]),
    ],
)
def test_other_methods_are_refused(location, reception, url_of, methods):
    patient = make_patient(location)
    assert {getattr(reception, method)(url_of(patient)).status_code for method in methods} == {405}


def test_forms_ask_for_the_token(location):
    user = make_user("receptionist", location=location)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    for url in (LIST, SEARCH, CREATE, PREFILL):
        assert client.post(url, typed()).status_code == 403
    assert Patient.objects.count() == 0


def test_nobody_comes_in_without_signing_in(location, client):
    patient = make_patient(location)
    for url in (LIST, CREATE, show(patient)):
        assertRedirects(client.get(url), f"{reverse('clinic:login')}?next={url}", fetch_redirect_response=False)


def test_alerts_stand_under_the_name_for_those_who_treat(location):
    patient = make_patient(location)
    make_fact(patient, kind="allergy", subject="latex", answer="Rash from gloves")
    make_fact(patient, kind="condition", subject="diabetes", answer="no")
    treating = words(signed_in("practitioner", location=location).get(show(patient)))
    head = treating.partition("Loading the visits")[0]
    assert "Latex: Rash from gloves" in head
    assert "Diabetes" not in head
    assert "Latex" not in words(signed_in("receptionist", location=location).get(show(patient)))
