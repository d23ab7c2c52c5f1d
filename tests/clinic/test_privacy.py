"""What may be said to whom: health to those who treat, and no patient at all to logs, addresses, tasks and subjects."""

import inspect
import json
import logging
import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import unquote_plus
from uuid import uuid4

import pytest
import yaml
from auditlog.models import LogEntry
from celery.signals import before_task_publish
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import TextField
from django.db.models.functions import Cast
from django.test import Client
from django.urls import reverse

from clinic.celery import app as celery_app
from clinic.models import OutgoingMail
from patients.models import MedicalFact, Patient
from scheduling import tasks
from scheduling.models import Appointment
from tests.clinic.test_access_matrix import MATRIX, POSTED, pages
from tests.clinic.test_architecture import APPS
from tests.factories import PASSWORD, as_posted, clear_answers
from tests.scene import HEALTH, HTMX, Scene, client_of, undone
from tests.servers import Received, smtp_sink
from treatments.answers import record_answers
from treatments.catalogue import Stage, read, shipped_text
from treatments.models import Course, Screening, ScreeningFinding
from treatments.reasons import reason_of

pytestmark = pytest.mark.django_db

DO_NOT_READ_ANSWERS = ["receptionist", "owner"]


# --- Health, and those who do not treat -------------------------------------------------------------------------------


def shown(finding: ScreeningFinding) -> str:
    """What those who treat read of a finding, after the name of its rule."""
    words = reason_of(finding).partition(": ")[2]
    return words[:1].upper() + words[1:]


@pytest.fixture
def health_words(scene) -> dict[str, re.Pattern]:
    """All that only those who treat may read, by the word."""
    catalogue = yaml.safe_load(shipped_text())
    lists = catalogue["medicine_lists"].items()  # what acts for long is told by plain words too, such as pen
    medicines = {name for what, names in lists if what != "long_acting" for name in names}
    # every patient is asked to come with a clean face, and a mail is called so: it says nothing about anybody
    rules = {rule["name"] for rule in catalogue["rules"]} - {"Clean face"}
    findings = ScreeningFinding.objects.select_related("screening__catalogue_version")
    in_the_way = findings.filter(outcome__in=Screening.STANDS_IN_THE_WAY)
    reasons = {each.reason for each in findings} | {shown(each) for each in in_the_way}
    facts = {text for fact in MedicalFact.objects.all() for text in (fact.subject, fact.on) if text}
    offered = " ".join(protocol["name"] for protocol in catalogue["protocols"]).lower()  # "and dark marks"
    told = (*medicines, *rules, *reasons, *facts, *HEALTH)
    words = {word for word in told if len(word) > 2 and word.lower() not in offered}
    patterns = {word: re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE) for word in words}
    codes = "|".join(rule["code"] for rule in catalogue["rules"])
    return patterns | {"the code of a rule": re.compile(rf"\b({codes})\b")}


def said_in(page: str, words: dict[str, re.Pattern]) -> list[str]:
    text = unescape(re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL))  # their paths are full of S4 and S12
    return [word for word, pattern in words.items() if pattern.search(text)]


def without_questions(page: str) -> str:
    """The pages that ask but for what they ask: there alone a medicine is named to reception."""
    for question in read().questions.values():
        for words in (question.text, *(label for _value, label in question.choices)):
            page = unescape(page).replace(str(words), "")
    return page


def is_question_form(page: str) -> bool:
    return 'class="question-group"' in page


@pytest.mark.parametrize("who", DO_NOT_READ_ANSWERS)
def test_no_page_tells_health_to_those_who_do_not_treat(scene, health_words, who):
    client, told, leaflet = client_of(scene, who), [], reverse("scheduling:about-treatment")  # open to everybody
    for url in pages(scene):
        for headers in ({}, HTMX) if url != leaflet else ():
            page = client.get(url, headers=headers).content.decode()
            if is_question_form(page):
                page = without_questions(page)
            told += [f"{url}: {word}" for word in said_in(page, health_words)]
    assert told == []


@pytest.mark.parametrize("who", DO_NOT_READ_ANSWERS)
def test_no_answer_to_a_form_tells_health_to_those_who_do_not_treat(scene, health_words, who):
    client, told, bodies = client_of(scene, who), [], scene.bodies
    typed = {"Q04b_0": "", "slot": scene.slot(8)}  # taken, so that the booking is refused on its page
    refused = {name: body | {key: typed[key] for key in typed if key in body} for name, body in bodies.items()}
    for row in POSTED:
        url = scene.url(row.name, row.about)
        for body in (bodies[row.name], refused[row.name], {}):
            for headers in ({}, HTMX):
                with undone():
                    page = client.post(url, body, headers=headers).content.decode()
                if is_question_form(page):
                    page = without_questions(page).replace(str(body.get("Q04b_0", "-")) or "-", "")
                told += [f"{url}: {word}" for word in said_in(page, health_words)]
    assert told == []


def test_a_confirmation_that_waits_for_a_decision_is_refused_without_the_reason(scene, health_words):
    url, body = scene.url("scheduling:appointment-confirm", "held"), {"revision": scene.held.revision}
    answer = client_of(scene, "receptionist").post(url, body, headers=HTMX)
    assert answer.status_code == 409
    assert said_in(answer.content.decode(), health_words) == []


def test_the_words_are_there_for_those_who_treat(scene, health_words):
    """Or the tests above would look for what nobody says."""
    client = client_of(scene, "practitioner")
    record = client.get(scene.url("patients:patient-show", "patient")).content.decode()
    panel = client.get(scene.url("scheduling:appointment-show", "held"), headers=HTMX).content.decode()
    assert {*HEALTH[:2], "isotretinoin"} <= set(said_in(record, health_words))
    assert "the code of a rule" in said_in(panel, health_words)
    held = ScreeningFinding.objects.filter(screening__session=scene.held.session, outcome="hold")
    assert {shown(each) for each in held} <= set(said_in(panel, health_words))


@pytest.mark.parametrize("who", DO_NOT_READ_ANSWERS)
def test_pages_are_the_same_whatever_was_answered(scene, who):
    client = client_of(scene, who)
    urls = [
        f"{reverse('scheduling:booking-create')}?patient={scene.patient.public_id}",
        scene.url("patients:patient-show", "patient"),
        scene.url("scheduling:patient-edit", "patient"),
    ]
    seen = []
    for answers in ({"Q04": "yes", "Q04b": "2024-03"}, {"Q04": "no"}, {"Q04": "not_sure"}):
        record_answers(patient=scene.patient, answers=answers, by=scene.staff["practitioner"], now=scene.now)
        seen.append([plain(client.get(url).content.decode()) for url in urls])
    assert seen[0] == seen[1] == seen[2]


def plain(page: str) -> str:
    """Without what is drawn by lot each time."""
    return re.sub(r'(?<=value=")\w{64}|(?<=x-csrftoken": ")\w{64}|(?<=name="key" value=")[\w-]{36}', "", page)


# --- The silence of everything else -----------------------------------------------------------------------------------


@dataclass
class Journey:
    """A visit from the first call to the mails, and all that it left behind."""

    words: list[str]
    answers: list = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    mails: list[Received] = field(default_factory=list)
    log: str = ""
    published: list[str] = field(default_factory=list)

    def find_in(self, text: str) -> list[str]:
        text = unquote_plus(text).casefold()
        return [word for word in (*self.words, *self.tokens) if word.casefold() in text]


NEWCOMER = {
    "given_name": "Zephyrine",
    "family_name": "Okonkwo",
    "date_of_birth": "1977-04-19",
    "phone": "020 7946 0377",
    "email": "zephyrine@private.example",
    "note": "Needs the ground floor",
}
SUBJECT = "Bergamotallergy"


@pytest.fixture
def journey(scene, settings, caplog) -> Journey:
    """Reception signs in with a slip, enters a patient, asks, books, moves, cancels; a practitioner adds to the record;
    the mail server first refuses the address and then takes the mails."""
    caplog.set_level(logging.DEBUG)
    for logger in ("django.request", "django.security"):
        caplog.set_level(logging.DEBUG, logger)
    journey = Journey([*NEWCOMER.values(), "02079460377", "02/2024", "2024-02", SUBJECT, "Since the spring"])
    reception, practitioner = Client(), client_of(scene, "practitioner")

    def go(client: Client, name: str, fields=None, *, about="", url="", headers=HTMX):
        url = url or scene.url(name, about)
        answer = client.get(url, headers=headers) if fields is None else client.post(url, fields, headers=headers)
        journey.answers.append(answer)
        return answer

    def publish(body=None, headers=None, **kwargs):
        journey.published.append(f"{body} {headers}")

    before_task_publish.connect(publish)
    with smtp_sink() as sink:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        account = {"username": scene.staff["receptionist"].username, "password": "not the password"}
        go(reception, "clinic:login", account)
        go(reception, "clinic:login", account | {"password": PASSWORD})
        go(reception, "patients:patient-search", {"q": "Zephyrine Okonkwo"})
        go(reception, "patients:patient-prefill", {"q": "Zephyrine Okonkwo"})
        go(reception, "patients:patient-create")
        go(reception, "patients:patient-create", NEWCOMER | {"public_id": uuid4(), "email": "no address"}, headers={})
        go(reception, "patients:patient-create", NEWCOMER | {"public_id": uuid4()}, headers={})
        go(reception, "patients:patient-create", NEWCOMER | {"public_id": uuid4()}, headers={})  # a likely double
        patient = Patient.objects.get(given_name="Zephyrine")
        wish = as_posted(clear_answers(Stage.BOOKING)) | scene.bodies["scheduling:booking-create"]
        wish |= {"patient": patient.public_id, "slot": scene.slot(20, 13)}
        go(reception, "", url=f"{reverse('scheduling:booking-create')}?patient={patient.public_id}")
        go(reception, "scheduling:booking-times", wish)
        go(reception, "scheduling:booking-create", wish | {"slot": scene.slot(8), "key": uuid4()})  # taken
        go(reception, "scheduling:booking-create", wish)
        sink.refused.add(NEWCOMER["email"])
        tasks.sweep()
        sink.refused.clear()
        visit = Appointment.objects.get(public_id=wish["key"])

        def act(what: str, **fields):
            visit.refresh_from_db()
            url = reverse(f"scheduling:appointment-{what}", args=[visit.public_id])
            return go(reception, "", {"revision": visit.revision} | fields, url=url)

        act("confirm")  # waits for a decision
        act("move", slot=scene.slot(21, 13))
        tasks.sweep()
        act("cancel")
        act("cancel")
        tasks.sweep()
        act("reactivate")
        tasks.sweep()
        record = reverse("patients:patient-show", args=[patient.public_id])
        fact = scene.bodies["scheduling:fact-create"] | {"subject": SUBJECT, "answer": "Since the spring"}
        go(practitioner, "", fact, url=reverse("scheduling:fact-create", args=[patient.public_id]), headers={})
        go(practitioner, "", url=record, headers={})
        edit = reverse("scheduling:patient-edit", args=[patient.public_id])
        go(reception, "", NEWCOMER | {"revision": 0, "note": "Now on foot"}, url=edit, headers={})
        go(reception, "", NEWCOMER | {"revision": 0, "note": "Now by car"}, url=edit, headers={})  # saved by another
        go(reception, "", url=f"{record}nowhere/", headers={})
        go(reception, "", {}, url=reverse("clinic:settings"), headers={})
        go(Client(enforce_csrf_checks=True), "patients:patient-search", {"q": "Zephyrine Okonkwo"})
        journey.mails = sink.messages
    before_task_publish.disconnect(publish)
    journey.log = caplog.text
    journey.words += ["Now on foot", "Now by car"]
    journey.tokens = [
        *Session.objects.values_list("session_key", flat=True),
        *{cookie.value for client in (reception, practitioner) for cookie in client.cookies.values() if cookie.value},
    ]
    return journey


def test_the_journey_went_all_the_way(journey):
    """Or its silence would prove nothing."""
    assert {200, 302, 403, 404, 405, 409, 422} <= {answer.status_code for answer in journey.answers}
    assert OutgoingMail.objects.filter(status=OutgoingMail.Status.FAILED).count() == 1
    assert [mail.recipients for mail in journey.mails if "zephyrine" in mail.recipients[0]] == [
        (NEWCOMER["email"],)
    ] * 3
    assert MedicalFact.objects.filter(patient__given_name="Zephyrine").count() == 25


def test_no_log_holds_a_word_of_a_patient(journey):
    for logger in ("clinic.outbox", "django.request", "django.security.csrf"):
        assert logger in journey.log
    assert journey.find_in(journey.log) == []


def test_no_address_holds_a_word_of_a_patient(journey):
    addresses = set()
    for answer in journey.answers:
        addresses |= {answer.headers[name] for name in LEADING_ON if name in answer.headers}
        addresses |= set(re.findall(ADDRESS, answer.content.decode()))
    assert len(addresses) > 30
    assert [address for address in map(unescape, addresses) if journey.find_in(address)] == []


LEADING_ON = ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url")
ADDRESS = r'(?:href|src|action|formaction|hx-(?:get|post|put|delete|push-url))="([/?][^"]*)"'


def test_no_subject_and_no_head_of_a_mail_holds_a_word_of_a_patient(journey):
    for mail in journey.mails:
        heads = "\n".join(f"{name}: {value}" for name, value in mail.message.items() if name != "To")
        assert journey.find_in(heads) == []
        protocols = yaml.safe_load(shipped_text())["protocols"]
        assert not [entry["name"] for entry in protocols if entry["name"].casefold() in mail.subject.casefold()]


def test_no_mail_names_a_medicine_or_an_answer(journey, health_words):
    for mail in journey.mails:
        assert said_in(f"{mail.text} {mail.html} {mail.calendar}", health_words) == []


def test_no_task_takes_more_than_ids(journey):
    assert journey.find_in(" ".join(journey.published)) == []
    own = {name: task for name, task in celery_app.tasks.items() if name.partition(".")[0] in APPS}
    assert "scheduling.tasks.sweep" in own
    for task in own.values():
        parameters = inspect.signature(task.run).parameters
        assert all(name.endswith(("_id", "_ids", "_pk")) for name in parameters)
    assert all(not entry.get("args") and not entry.get("kwargs") for entry in celery_app.conf.beat_schedule.values())


def test_the_audit_names_fields_and_never_their_words(journey):
    entries = LogEntry.objects.all()
    whole = " ".join(
        json.dumps([entry.changes, entry.object_repr, entry.additional_data, entry.serialized_data], default=str)
        for entry in entries
    )
    assert journey.find_in(whole) == []
    assert set(entries.values_list("remote_addr", flat=True)) == {None}
    for model in (Patient, MedicalFact, Course, Screening):
        own = entries.filter(content_type=ContentType.objects.get_for_model(model)).exclude(
            action=LogEntry.Action.ACCESS
        )
        assert own
        for entry in own:
            values = [value for pair in entry.changes.values() if isinstance(pair, list) for value in pair]
            # What lies behind a relation is named by its kind: treatments.Course.None.
            assert [value for value in values if not re.fullmatch(r"\*\*\*|(\w+\.\w+\.)?None", value)] == []
    edited = entries.filter(content_type=ContentType.objects.get_for_model(Patient), action=LogEntry.Action.UPDATE)
    assert {"note", "revision"} in [set(entry.changes) for entry in edited]


def test_health_is_unreadable_in_the_database_and_names_are_in_few_columns(journey):
    """Read as the database keeps it: of health no word, of contacts those of the patient and of the mails to her."""
    kept = {}
    for model in (model for app in APPS for model in apps.get_app_config(app).get_models()):
        for column in model._meta.concrete_fields:
            raw = model.objects.annotate(raw=Cast(column.attname, TextField()))
            found = {word for value in raw.values_list("raw", flat=True) for word in journey.find_in(value or "")}
            if found - {"1977-04-19"}:
                kept[f"{model.__name__}.{column.name}"] = found
    assert sorted(kept) == [
        *("OutgoingMail.to", "Patient.email", "Patient.family_name", "Patient.given_name", "Patient.phone"),
        *("Patient.phone_digits", "Patient.search_name"),
    ]


OPENINGS = {
    "the page": ("patients:patient-show", "patient", {}),
    "the form": ("scheduling:patient-edit", "patient", {}),
    "the form for a fact": ("scheduling:fact-create", "patient", {}),
    "the panel": ("scheduling:appointment-show", "held", HTMX),
    "the page to move to": ("scheduling:appointment-move", "held", {}),
}


@pytest.mark.parametrize(("name", "about", "headers"), OPENINGS.values(), ids=OPENINGS)
def test_every_opening_of_a_patient_is_written_down_with_who_opened(scene, name, about, headers):
    assert client_of(scene, "practitioner").get(scene.url(name, about), headers=headers).status_code == 200
    assert openings(scene) == [scene.staff["practitioner"]]


def test_opening_a_booking_or_a_panel_beside_the_board_is_written_down(scene):
    client = client_of(scene, "receptionist")
    client.get(reverse("scheduling:booking-create"), {"patient": scene.patient.public_id})
    client.get(reverse("scheduling:board-day"), {"appointment": scene.held.public_id})
    assert openings(scene) == [scene.staff["receptionist"]] * 2


def openings(scene: Scene) -> list:
    entries = LogEntry.objects.get_for_object(scene.patient).filter(action=LogEntry.Action.ACCESS)
    return [entry.actor for entry in entries]


def test_an_opening_that_was_refused_is_none(scene):
    for who in ("anonymous", "stranger"):
        for row in MATRIX.values():
            client_of(scene, who).get(scene.url(row.name, row.about))
    assert openings(scene) == []
