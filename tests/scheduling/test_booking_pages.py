"""Booking a visit from the first question to the board, on Monday 12 January 2026 at seven in the morning."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from patients.records import record_fact
from scheduling.forms import slot_value
from scheduling.models import Appointment
from scheduling.slots import Slot
from tests.factories import (
    NOW,
    as_posted,
    clear_answers,
    make_appointment,
    make_catalogue,
    make_clinic,
    make_course,
    make_patient,
    make_practitioner,
    signed_in,
)
from tests.reading import words
from treatments.answers import answered_at, known_answers
from treatments.catalogue import Stage
from treatments.models import Course

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

BOOK = reverse("scheduling:booking-create")
TIMES = reverse("scheduling:booking-times")
SESSIONS = reverse("scheduling:booking-sessions")
HTMX = {"HX-Request": "true"}
START = datetime(2026, 1, 19, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def catalogue():
    return make_catalogue()


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def patient(clinic):
    return make_patient(clinic, given_name="Marta", family_name="Lindholm")


@pytest.fixture
def reception(clinic):
    return signed_in("receptionist", location=clinic)


def filled_in(patient, **changes):
    """The form for moderate acne scars from 19 January on, with health answers in whose way nothing stands."""
    return {
        "patient": patient.public_id,
        "key": uuid4(),
        "protocol": "acne_scar_moderate",
        "zones": ["cheeks"],
        "practitioner": "",
        "from_day": "2026-01-19",
        **as_posted(clear_answers(Stage.BOOKING)),
    } | changes


def told(patient):
    """What is known of the medicines that the owner's rules are about."""
    return {id: said for id, said in known_answers(patient).items() if id in ("Q04", "Q04b", "Q05", "Q05c")}


def chosen(start, practitioner):
    return slot_value(Slot(start, practitioner))


def offered(page):
    """The starts on offer, in order."""
    return [slot.starts_at for _day, starts in page.context["offer"]["days"] for _value, slot in starts]


def look(client, patient, *, at=TIMES, **changes):
    return client.post(at, filled_in(patient, **changes), headers=HTMX)


def book(client, patient, start, practitioner, **changes):
    data = filled_in(patient, slot=chosen(start, practitioner), **changes)
    return client.post(BOOK, data, headers=HTMX)


# --- The whole way ----------------------------------------------------------------------------------------------------


def test_from_the_first_question_to_the_board(reception, patient, practitioner):
    assert "Who is it for?" in words(reception.get(BOOK))

    asked = reception.get(BOOK, {"patient": patient.public_id})
    for part in ("Marta Lindholm", "What would the patient like to improve?", "Cheeks", "have you taken isotretinoin"):
        assert part in words(asked)

    free = look(reception, patient)
    assert "Nothing stands in the way" in words(free)
    assert "Monday 19 January 09:00" in words(free)

    answer = book(reception, patient, START, practitioner)
    booked = Appointment.objects.get()
    assert answer["HX-Redirect"] == f"/board/?day=2026-01-19&appointment={booked.public_id}"
    assert (booked.starts_at, booked.practitioner, booked.patient) == (START, practitioner, patient)
    assert [zone.code for zone in booked.session.course.zones.all()] == ["cheeks"]
    assert {each.kind for each in booked.reminders.all()} >= {"confirmation", "before_48h"}
    board = words(reception.get(answer["HX-Redirect"]))
    assert "Booked." in board
    assert "Marta Lindholm Acne scars, moderate Booked 10:00 to 11:15" in board


def test_the_same_way_without_scripts(reception, patient, practitioner):
    page = reception.post(TIMES, filled_in(patient))
    assert "New booking" in words(page)
    assert offered(page)[0] == START - timedelta(hours=1)
    answer = reception.post(BOOK, filled_in(patient, slot=chosen(START, practitioner)))
    booked = Appointment.objects.get()
    assertRedirects(answer, f"/board/?day=2026-01-19&appointment={booked.public_id}")


def test_who_booked_is_kept(clinic, patient, practitioner):
    client = signed_in("receptionist", location=clinic)
    book(client, patient, START, practitioner)
    assert Appointment.objects.get().created_by_id == int(client.session["_auth_user_id"])


def test_a_patient_of_elsewhere_does_not_exist(reception, practitioner):
    foreign = make_patient(make_clinic())
    assert reception.get(BOOK, {"patient": foreign.public_id}).status_code == 404
    assert look(reception, foreign).status_code == 404
    assert book(reception, foreign, START, practitioner).status_code == 404
    assert reception.get(BOOK, {"patient": "junk"}).status_code == 404
    assert Course.objects.count() == 0


# --- What is missing --------------------------------------------------------------------------------------------------


def test_what_is_missing_is_asked_for_and_what_was_typed_stays(reception, patient):
    page = look(reception, patient, protocol="", Q05="", Q04="yes", Q04b_0="some day in spring", from_day="2026-02-02")
    assert page.status_code == 422
    assert "Choose what is to be treated." in words(page)
    assert "Please choose an answer; “Not sure” is one." in words(page)
    form, answers = page.context["form"], page.context["answers"]
    assert (form["from_day"].value(), form["zones"].value()) == ("2026-02-02", ["cheeks"])
    assert (answers["Q04"].value(), answers["Q04b"].value()) == ("yes", ["some day in spring", False])
    assert 'value="some day in spring"' in page.text
    assert page.context["offer"] is None
    assert told(patient) == {}


@pytest.mark.parametrize("slot", [None, "", "junk", "2026-01-19T10:00:00+00:00 nobody"])
def test_without_a_time_the_free_ones_are_shown_again(reception, patient, practitioner, slot):
    page = reception.post(BOOK, filled_in(patient) | ({} if slot is None else {"slot": slot}), headers=HTMX)
    assert page.status_code == 422
    assert "Not done: Choose one of the free times." in words(page)
    assert offered(page)[0] == START - timedelta(hours=1)
    assert Appointment.objects.count() == 0


def test_a_time_with_somebody_of_elsewhere_is_none(reception, patient, practitioner):
    page = book(reception, patient, START, make_practitioner(make_clinic()))
    assert (page.status_code, Appointment.objects.count()) == (422, 0)


# --- What the answers allow -------------------------------------------------------------------------------------------


def test_nothing_before_the_eligible_date(reception, patient, practitioner):
    dated = {"Q04": "yes", "Q04b_0": "31/08/2025"}
    page = look(reception, patient, **dated)
    assert "Not before Sunday 1 March 2026 Earlier times are left out." in words(page)
    assert offered(page)[0] == datetime(2026, 3, 1, 9, tzinfo=UTC)

    refused = book(
        reception, patient, datetime(2026, 2, 28, 16, tzinfo=UTC) - timedelta(minutes=15), practitioner, **dated
    )
    assert (refused.status_code, Appointment.objects.count()) == (409, 0)
    assert "The screening allows no visit before 1 March 2026." in words(refused)
    assert book(reception, patient, datetime(2026, 3, 1, 9, tzinfo=UTC), practitioner, **dated).status_code == 200
    assert Appointment.objects.get().starts_at == datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("answers", [{"Q04": "yes", "Q04b_1": "on"}, {"Q05": "yes", "Q05c": "keep_taking"}])
def test_while_there_is_no_date_there_are_no_times(reception, patient, practitioner, answers):
    page = look(reception, patient, **answers)
    assert "No visit can be booked now One answer leaves no first possible date." in words(page)
    assert offered(page) == []
    refused = book(reception, patient, START, practitioner, **answers)
    assert (refused.status_code, Appointment.objects.count()) == (409, 0)
    assert "The screening does not allow a booking now. Ask the clinical lead." in words(refused)


STILL_TAKES_IT = {"Q04": "yes", "Q04b_1": "on"}


def test_who_cannot_be_booked_is_called_back_by_the_clinical_lead(reception, patient):
    page = look(reception, patient, **STILL_TAKES_IT)
    assert "Ask the clinical lead to call back" in words(page)
    url = reverse("scheduling:patient-call", args=[patient.public_id])
    assert f'hx-post="{url}"' in page.text
    for _press in range(2):
        asked = reception.post(url, headers=HTMX)
        waits = f"The clinical lead calls {patient.phone}. It stands in the worklist since Mon 12 Jan, 07:00."
        assert words(asked) == waits
    assert waits in words(look(reception, patient, **STILL_TAKES_IT))
    worklists = reverse("scheduling:worklists")
    assert f"{patient.name} Nothing can be booked. For the clinical lead, asked by" in words(reception.get(worklists))
    assertRedirects(reception.post(reverse("scheduling:patient-called", args=[patient.public_id])), worklists)
    assert "Nothing can be booked" not in words(reception.get(worklists))
    assert "Ask the clinical lead to call back" in words(look(reception, patient, **STILL_TAKES_IT))


def test_a_call_back_is_asked_for_without_scripts(reception, patient):
    answer = reception.post(reverse("scheduling:patient-call", args=[patient.public_id]))
    assertRedirects(answer, reverse("scheduling:worklists"))
    assert patient.call_requests.count() == 1


def test_without_a_number_the_number_is_asked_for(reception, clinic):
    patient = make_patient(clinic, phone="")
    page = look(reception, patient, **STILL_TAKES_IT)
    assert "Without a phone number nobody can call back. Enter the number first" in words(page)
    assert reverse("scheduling:patient-edit", args=[patient.public_id]) in page.text


def test_whom_a_time_can_be_offered_to_need_not_be_called(reception, patient, practitioner):
    for answers in ({}, {"Q04": "not_sure"}, {"Q04": "yes", "Q04b_0": "31/08/2025"}):
        assert "call back" not in words(look(reception, patient, **answers))


@pytest.mark.parametrize(
    "answers",
    [{"Q04": "not_sure"}, {"Q04": "yes"}, {"Q05": "not_sure"}, {"Q05": "yes", "Q05c": "not_asked"}],
)
def test_what_waits_for_a_clinician_can_be_booked_on_hold(reception, patient, practitioner, answers):
    page = look(reception, patient, **answers)
    assert "Bookable, on hold The time is kept." in words(page)
    board = reception.get(book(reception, patient, START, practitioner, **answers)["HX-Redirect"])
    assert "1 visit, 6 h free 1 on hold" in words(board)


@pytest.mark.parametrize(
    ("answers", "script"),
    [
        ({}, "So far nothing stands in the way, and we ask again two days before. Which time suits you?"),
        (
            {"Q04": "yes", "Q04b_0": "31/08/2025"},
            "The first day we can offer is Sunday 1 March 2026."
            " Please keep taking the medicine that your doctor gives you.",
        ),
        (
            {"Q04": "not_sure"},
            "I can keep a time for you, and one of our clinicians looks at your answers first."
            " Please keep taking the medicine that your doctor gives you.",
        ),
        (
            STILL_TAKES_IT,
            "One of our clinicians would like to talk to you first."
            " Please keep taking the medicine that your doctor gives you.",
        ),
    ],
)
def test_reception_reads_what_can_be_said_on_the_phone(reception, patient, practitioner, answers, script):
    assert f"What you can say “{script}”" in words(look(reception, patient, **answers))


def test_skin_that_stays_untreated_is_named_and_why_is_not(reception, patient, practitioner):
    tattoo = {"zones": ["cheeks", "neck"], "Q20": "yes", "Q20b": ["neck"]}
    page = words(look(reception, patient, **tattoo))
    assert "Nothing stands in the way This skin stays untreated: Neck. What you can say" in page
    assert "This part of your skin we leave as it is this time: Neck. So far nothing" in page
    assert "stays untreated" not in words(look(reception, patient))


def test_few_days_are_shown_first_and_the_others_on_demand(reception, patient, practitioner):
    page = look(reception, patient)
    first, _summary, more = page.text.partition("<details")
    assert (first.count('class="slots"'), more.count('class="slots"')) == (2, 4)
    assert "Show more: 4 days to Saturday 24 January" in words(page)
    assert '<details class="slots-more">' in page.text
    again = look(reception, patient, slot=chosen(START + timedelta(days=4), practitioner))
    assert '<details class="slots-more" open>' in again.text  # what is chosen is in sight


def test_the_reason_is_shown_to_those_who_treat_alone(clinic, patient, practitioner):
    still = {"Q04": "yes", "Q04b_1": "on"}
    asking = words(look(signed_in("receptionist", location=clinic), patient, **still))
    assert "S1" not in asking
    assert "this goes on" not in asking
    assert "S1 Isotretinoin capsules: this goes on" in words(look(signed_in("lead", location=clinic), patient, **still))


# --- A course ---------------------------------------------------------------------------------------------------------


def sessions_on_offer(page):
    return [value for value, _label in page.context["form"].fields["sessions"].choices]


@pytest.mark.parametrize(
    ("protocol", "numbers", "usual"),
    [
        ("acne_scar_moderate", [1, 3, 4], 3),
        ("scar_thermal_burn", [1, 2, 3, 4, 5], 4),
        ("stretch_marks", [1, 3, 4, 5], 5),
        ("wrinkles_deep", [1, 4, 5, 6], 6),
    ],
)
def test_a_protocol_offers_its_own_numbers_of_sessions_and_proposes_the_usual_one(reception, protocol, numbers, usual):
    page = reception.get(SESSIONS, {"protocol": protocol}, headers=HTMX)
    assert sessions_on_offer(page) == numbers
    assert page.context["form"]["sessions"].value() == usual
    assert "How many sessions? A single visit" in words(page)


@pytest.mark.parametrize("protocol", ["", "nonsense", None])
def test_without_a_protocol_no_number_is_asked_for(reception, protocol):
    page = reception.get(SESSIONS, {} if protocol is None else {"protocol": protocol}, headers=HTMX)
    assert (page.status_code, words(page)) == (200, "")


def test_a_course_is_booked_with_its_first_session(reception, patient, practitioner):
    board = reception.get(book(reception, patient, START, practitioner, sessions="4")["HX-Redirect"])
    course = Course.objects.get()
    assert (course.planned_sessions, course.sessions.count()) == (4, 4)
    assert "Acne scars, moderate, 1 of 4" in words(board)


def test_without_a_number_it_is_a_single_visit(reception, patient, practitioner):
    book(reception, patient, START, practitioner)
    assert Course.objects.get().planned_sessions == 1


@pytest.mark.parametrize("sessions", ["2", "5", "0", "-3", "many", "3.0"])
def test_a_number_that_the_protocol_does_not_take_is_asked_again(reception, patient, practitioner, sessions):
    for page in (
        look(reception, patient, sessions=sessions),
        book(reception, patient, START, practitioner, sessions=sessions),
    ):
        assert page.status_code == 422
        assert "Acne scars, moderate takes 3 to 4 sessions. Plan a number between them." in words(page)
        assert sessions_on_offer(page) == [1, 3, 4]
    assert Course.objects.count() == 0


def test_the_number_that_was_chosen_stays_while_times_are_looked_for(reception, patient, practitioner):
    assert look(reception, patient, sessions="4").context["form"]["sessions"].value() == "4"


def test_a_course_that_goes_on_is_offered_before_a_new_one(reception, clinic, patient, practitioner):
    course = make_course(location=clinic, patient=patient, practitioner=practitioner, planned=3)
    page = reception.get(BOOK, {"patient": patient.public_id})
    assert "Book session 2 Acne scars, moderate, from 16 Feb to 16 Mar 2026" in words(page)
    assert reverse("scheduling:session-book", args=[course.sessions.get(number=2).public_id]) in page.text
    other = make_patient(clinic)
    assert "Book session" not in words(reception.get(BOOK, {"patient": other.public_id}))


# --- Answers that are kept --------------------------------------------------------------------------------------------


def test_answers_become_facts_that_those_who_treat_can_read(reception, clinic, patient, practitioner):
    look(reception, patient, Q04="yes", Q04b_0="08/2025", Q05="yes", Q05c="may_pause")
    assert told(patient) == {"Q04": "yes", "Q04b": "2025-08", "Q05": "yes", "Q05c": "may_pause"}
    record = reverse("patients:patient-show", args=[patient.public_id])
    assert "Isotretinoin August 2025 Yes" in words(signed_in("practitioner", location=clinic).get(record))
    assert "Isotretinoin" not in words(reception.get(record))


def test_what_follows_an_answer_that_was_not_given_is_dropped(reception, patient, practitioner):
    page = look(reception, patient, Q04="no", Q05="no", Q05c="keep_taking")
    assert told(patient) == {"Q04": "no", "Q05": "no"}
    assert "Nothing stands in the way" in words(page)


def test_a_date_beside_a_no_is_asked_about_and_nothing_is_kept(reception, patient, practitioner):
    page = look(reception, patient, Q04="no", Q04b_0="12/2025", Q05="no")
    assert (page.status_code, told(patient)) == (422, {})
    assert "This says no, and a date is given below it. Change one of the two." in words(page)
    assert 'value="12/2025"' in page.text


def test_a_known_answer_may_stand_and_is_not_shown(reception, patient, practitioner):
    dose = {"subject": "isotretinoin", "answer": "yes", "on": "2025-08-17"}
    record_fact(patient=patient, kind="medicine", by=None, now=NOW - timedelta(days=9), **dose)
    page = reception.get(BOOK, {"patient": patient.public_id})
    assert "Answered on 3 January 2026. Ask whether that still holds." in words(page)
    assert "Nothing has changed" in words(page)
    assert page.context["answers"]["Q04"].value() is None
    assert "17" not in words(page).partition("Health questions")[2].partition("When")[0]

    free = look(reception, patient, Q04="same")
    assert offered(free)[0] == datetime(2026, 2, 17, 9, tzinfo=UTC)
    assert told(patient) == {"Q04": "yes", "Q04b": "2025-08-17", "Q05": "no"}
    assert answered_at(patient, "Q04") == NOW - timedelta(days=9)


def test_there_is_nothing_to_leave_unchanged_before_the_first_answer(reception, patient):
    page = look(reception, patient, Q04="same")
    assert (page.status_code, told(patient)) == (422, {})


def test_looking_and_booking_at_once_is_one_answer(reception, patient, practitioner):
    look(reception, patient)
    facts = patient.facts.count()
    book(reception, patient, START, practitioner)
    assert patient.facts.count() == facts


# --- Twice and at the same time ---------------------------------------------------------------------------------------


def test_a_form_that_is_sent_twice_books_once(reception, patient, practitioner):
    key = uuid4()
    first, second = (book(reception, patient, START, practitioner, key=key) for _each in range(2))
    assert first["HX-Redirect"] == second["HX-Redirect"]
    assert Appointment.objects.get().public_id == key
    assert Appointment.objects.get().reminders.filter(kind="confirmation").count() == 1


def test_a_form_that_was_used_for_somebody_else_books_nothing(reception, clinic, patient, practitioner):
    taken = make_appointment(location=clinic, practitioner=practitioner, starts_at=START)
    page = book(reception, patient, START + timedelta(hours=3), practitioner, key=taken.public_id)
    assert (page.status_code, Appointment.objects.count()) == (409, 1)
    assert "Another visit was booked with this form. Open the page again." in words(page)


def test_a_time_that_somebody_took_meanwhile(reception, clinic, patient, practitioner):
    look(reception, patient)
    make_appointment(location=clinic, practitioner=practitioner, starts_at=START)
    page = book(reception, patient, START, practitioner, Q04="yes", Q04b_0="2020", from_day="2026-01-19")
    assert (page.status_code, Appointment.objects.count()) == (409, 1)
    name = practitioner.name
    assert "Not done: The practitioner is taken at that time." in words(page)
    assert f"Nearest free times Mon 19 Jan, 09:30 {name} Mon 19 Jan, 10:30 {name} Mon 19 Jan, 11:15 {name}" in words(
        page
    )
    assert page.context["answers"]["Q04b"].value() == ["2020", False]
    assert page.context["form"]["zones"].value() == ["cheeks"]
    assert START not in offered(page)


def test_too_close_to_another_needling_is_told_and_later_days_are_offered(reception, clinic, patient, practitioner):
    make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=START)
    page = book(reception, patient, START + timedelta(days=27), practitioner)
    assert (page.status_code, Appointment.objects.count()) == (409, 1)
    assert "The same skin is treated on 19 January 2026. Keep 28 days between the two visits." in words(page)
    assert offered(page)[0] == datetime(2026, 2, 16, 9, tzinfo=UTC)


# --- A place on the board ---------------------------------------------------------------------------------------------


def look_from(client, wish, patient, **wanted):
    """What is free, asked on the page of a place on the board."""
    return look(client, patient, at=f"{TIMES}?{urlencode(wish)}", **wanted)


def test_a_place_on_the_board_goes_along_until_the_visit_is_booked(reception, clinic, patient, practitioner):
    make_practitioner(clinic)
    wish = {"day": "2026-01-20", "at": "14:30", "practitioner": str(practitioner.public_id)}
    page = reception.get(BOOK, wish)
    assert "For Tuesday 20 January, 14:30" in words(page)
    along = urlencode(wish).replace("&", "&amp;")
    assert f'hx-post="{reverse("patients:patient-search")}?for=booking&amp;{along}"' in page.text
    search = reception.post(
        f"{reverse('patients:patient-search')}?for=booking&{urlencode(wish)}",
        {"q": patient.family_name},
        headers={"HX-Request": "true"},
    )
    assert f'href="{BOOK}?patient={patient.public_id}&amp;{along}"' in search.text
    page = reception.get(BOOK, {"patient": patient.public_id} | wish)
    assert "For Tuesday 20 January, 14:30" in words(page)
    form = page.context["form"]
    assert (form["practitioner"].value(), form["from_day"].value()) == (str(practitioner.public_id), date(2026, 1, 20))
    free = look_from(reception, wish, patient, practitioner=practitioner.public_id, from_day="2026-01-20")
    assert free.context["chosen_slot"] == chosen(datetime(2026, 1, 20, 14, 30, tzinfo=UTC), practitioner)


def test_a_new_patient_takes_the_place_along(reception):
    wish = {"day": "2026-01-20", "at": "14:30"}
    prefill = f"{reverse('patients:patient-prefill')}?{urlencode({'next': 'booking'} | wish)}"
    answer = reception.post(prefill, {"q": "Marta"})
    assert answer.url == f"{reverse('patients:patient-create')}?next=booking&day=2026-01-20&at=14%3A30"


def test_two_tabs_hold_two_places(reception, patient):
    first, second = ({"patient": patient.public_id, "day": "2026-01-20", "at": at} for at in ("14:30", "09:00"))
    reception.get(BOOK, first)
    assert "For Tuesday 20 January, 09:00" in words(reception.get(BOOK, second))
    assert "For Tuesday 20 January, 14:30" in words(reception.get(BOOK, first))
    assert "For Tuesday" not in words(reception.get(BOOK, {"patient": patient.public_id}))


def test_a_place_that_is_not_free_for_this_visit_is_not_chosen(reception, patient, practitioner):
    wish = {"day": "2026-01-20", "at": "16:00", "practitioner": practitioner.public_id}
    assert look_from(reception, wish, patient, from_day="2026-01-20").context["chosen_slot"] == ""  # lasts until 17:15


def test_a_place_in_no_calendar_is_no_wish(reception, patient, practitioner):
    wish = {"day": "2026-02-30", "practitioner": "junk", "at": "25:99"}
    page = reception.get(BOOK, wish)
    assert "For " not in words(page).partition("Who is it for?")[0]
    assert reception.get(BOOK, {"patient": patient.public_id} | wish).status_code == 200
    assert look_from(reception, wish, patient).context["chosen_slot"] == ""


# --- Queries ----------------------------------------------------------------------------------------------------------


def test_free_times_are_found_with_the_same_number_of_queries(reception, clinic, patient, practitioner):
    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            assert offered(look(reception, patient))
        return len(queries)

    make_appointment(location=clinic, practitioner=practitioner, starts_at=START)
    look(reception, patient)  # from now on the answers are known
    with_one = count_queries()
    for hours in (2, 4):
        make_appointment(
            location=clinic, practitioner=make_practitioner(clinic), starts_at=START + timedelta(hours=hours)
        )
    assert count_queries() == with_one
