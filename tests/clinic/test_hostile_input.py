"""Whatever is typed, sent or asked for: never an error of ours, never a silent success, nothing cut, no script runs.

The tables name every field of every form and every query parameter. What a browser finds on the pages, and what the
views read, is compared with them, so that a field without a row fails.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from html import escape
from html.parser import HTMLParser
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID

import pytest
from django.apps import apps
from django.core import mail
from django.db import models
from django.test import Client
from django.urls import resolve, reverse

from clinic import outbox, times
from clinic.text import one_line, paragraphs
from scheduling.reminders import mail_due_reminders
from tests.clinic.test_access_matrix import MATRIX, POSTED, pages
from tests.clinic.test_architecture import APPS, written
from tests.scene import HTMX, ROLES, client_of, said, stored, undone

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert(7)</script>"
ANYWHERE = {
    "empty": "",
    "NUL": "a\x00b",
    "half a surrogate pair": "a\ud83d",
    "10,000 characters": "x" * 10_000,
    "a script": SCRIPT,
    "nothing that can be seen": "\u200b\u2060\ufeff",
    "a list": "[]",
}
TO_READ = ANYWHERE | {
    "an attribute and a template": '"><img src=x onerror=alert(7)>{{7*7}}{% debug %}',
    "another header": "Ann\r\nBcc: eve@evil.example",
    "right to left, and an emoji": "Ann\u202egnp 👩\u200d⚕️",
    "SQL": "Ann'; DROP TABLE clinic_user; --",
}
NUMBERS = {
    "underscores": "1_000",
    "digits of another script": "١٢",
    "a huge number": "9" * 400,
    "nobody's UUID": str(UUID(int=0)),
}
TO_CHOOSE = {what: ANYWHERE[what] for what in ("empty", "NUL", "half a surrogate pair", "a script")} | NUMBERS
TO_TYPE = (
    ANYWHERE
    | NUMBERS
    | {
        "a negative number": "-1",
        "digits of another script in a date": "٢٠٢٦-01-01",
        "digits of another script in a time": "٩:٣",
        "the first day": "0001-01-01",
        "the last day": "9999-12-31",
        "no day": "2026-02-30",
    }
)

# How each field takes what it is given:
#   text     words: stored whole, as clinic.text cleans them, or refused
#   typed    a date, a time or a number, written by hand: all of the above is refused; `typed?` may be left empty
#   pick     chosen from a list, or carried by the page: refused; `pick?` may be left empty
#   id       made by the page: any UUID will do, and nothing else
#   secret   a password, which never comes back
#   find     words to look for: nothing is stored
#   any      whatever it says, it is harmless
# What was written by hand is still there when the form comes back.
PATIENT = {"given_name": "text", "family_name": "text", "date_of_birth": "typed", "phone": "text", "email": "text"}
PERSON = {
    "name": "text",
    "username": "text",
    "email": "text",
    "roles": "pick",
    "locations": "pick",
    "title": "text",
    "tone": "pick",
    "max_depth_mm": "typed",
}
WISH = {
    "patient": "pick",
    "key": "id",
    "protocol": "pick",
    "sessions": "pick?",
    "zones": "pick?",
    "practitioner": "pick?",
    "from_day": "typed?",
    "Q04": "pick",
    "Q04b_0": "typed?",
    "Q04b_1": "any",
    "Q05": "pick",
    "Q05b_0": "text",
    "Q05c": "pick?",
    "Q14": "pick",
    "same-medicines": "any",
}
# Of the questions about health one of each kind has a row; the others go through the same code.
QUESTION = re.compile(r"[QPC][0-9]{2}[a-z]?(_[0-2])?|same-\w+")
RULE = {"base": "pick", "name": "text", "hours": "typed", "outcome_checkin": "pick", "override": "pick", "note": "text"}
RULE |= dict.fromkeys(["staff", "message_C01", "message_C01b"], "any")  # kept within the text of the catalogue
FORMS = {
    "clinic:login": {"username": "text", "password": "secret", "next": "any"},
    "clinic:logout": {},
    "clinic:unlock": {},  # read only where a browser was handed over
    "clinic:location-switch": {"location": "pick", "next": "any"},
    "clinic:location-create": {"name": "text", "address": "text", "phone": "text", "zone_name": "pick", "seen": "any"}
    | {"emergency_phone": "text"},
    "clinic:location-edit": {"name": "text", "address": "text", "phone": "text", "zone_name": "pick", "seen": "pick"}
    | {"emergency_phone": "text"},
    "clinic:room-create": {"name": "text", "seen": "any"},
    "clinic:room-edit": {"name": "text", "is_active": "any", "seen": "pick"},
    "clinic:device-create": {"name": "text", "max_depth_mm": "typed", "seen": "any"},
    "clinic:device-edit": {"name": "text", "max_depth_mm": "typed", "is_active": "any", "seen": "pick"},
    "clinic:staff-create": PERSON | {"password": "secret", "seen": "any"},
    "clinic:staff-edit": PERSON | {"seen": "pick"},
    "clinic:staff-password": {"password": "secret"},
    "clinic:staff-switch-off": {},
    "clinic:staff-switch-on": {},
    "patients:patient-list": {"q": "find"},
    "patients:patient-search": {"q": "find"},
    "patients:patient-prefill": {"q": "find"},
    "patients:patient-create": PATIENT | {"note": "text", "public_id": "id", "confirmed": "any"},
    "scheduling:patient-edit": PATIENT | {"note": "text", "revision": "pick"},
    "scheduling:fact-create": {
        "public_id": "id",
        "kind": "pick",
        "subject": "text",
        "answer": "text",
        "day": "typed?",
        "month": "pick",
        "year": "typed",
    },
    "scheduling:fact-end": {},
    "scheduling:patient-call": {},
    "scheduling:patient-called": {},
    "scheduling:booking-times": WISH | {"slot": "any"},
    "scheduling:booking-create": WISH | {"slot": "pick"},
    "scheduling:appointment-confirm": {"revision": "pick"},
    "scheduling:appointment-cancel": {"revision": "pick"},
    "scheduling:appointment-reactivate": {"revision": "pick"},
    "scheduling:appointment-move": {"revision": "pick", "slot": "pick"},
    "scheduling:course-plan": {"text": "text"},
    "scheduling:course-refresher": {"per_year": "pick"},
    "scheduling:session-book": {"key": "id", "slot": "pick"},
    "scheduling:appointment-places": dict.fromkeys(["revision", "room", "device", "seen_room", "seen_device"], "pick"),
    "scheduling:appointment-link": {"seen": "pick", "page": "any"},
    "scheduling:appointment-arrive": {"revision": "pick"},
    "scheduling:appointment-undo-arrival": {"revision": "any"},
    "scheduling:appointment-call": {},
    "scheduling:appointment-called": {"revision": "any"},
    "scheduling:treatment-change": {"revision": "pick", "protocol": "pick", "sessions": "pick?", "zones": "pick?"}
    | {"slot": "pick?"}
    | {"Q09": "pick?", "Q19": "pick?", "Q23_0": "text"},
    "scheduling:checkin-show": {"start": "pick", "part": "any", "C01": "pick", "C01b_0": "any", "C01b_1": "any"}
    | {"C02_0": "typed?", "C02_1": "any", "C03": "any", "C04": "pick", "Q04b_0": "any", "Q04b_1": "any"},
    "scheduling:screening-decide": {
        "screening": "pick",
        "kind": "pick",
        "not_before": "typed?",
        "reason": "text",
        "is_skin_checked": "any",
    },
    "scheduling:screening-ask": {"Q09": "pick?", "Q19": "pick?", "Q23_0": "text"},
    "scheduling:screening-advice": {
        "medicine": "text",
        "said": "pick",
        "said_by": "text",
        "said_on": "typed",
        "note": "text",
    },
    "scheduling:checkin-hand-over": {},
    "scheduling:checkin-patient": {},  # read only where a browser was handed over
    "scheduling:visit-start": {},
    "scheduling:visit-numbing": {
        "revision": "pick",
        "agent": "text",
        "strength_percent": "typed?",
        "applied_at": "typed?",
        "removed_at": "typed?",
        "none_reason": "text",
        "note": "text",
        "stamp": "any",
    },
    "scheduling:visit-zone": {
        "revision": "pick",
        "zone": "pick",
        "depth_mm": "typed",
        "passes": "typed",
        "reason": "text",
    },
    "scheduling:visit-remove-zone": {"revision": "pick", "zone": "pick"},
    "scheduling:visit-cartridge": {
        "revision": "pick",
        "device": "pick",
        "cartridge_make": "text",
        "cartridge_lot": "text",
        "cartridge_expires_on": "typed?",
    },
    "scheduling:visit-topical": {"revision": "pick", "name": "text", "lot": "text", "expires_on": "typed?"},
    "scheduling:visit-remove-topical": {"revision": "pick", "topical": "pick"},
    "scheduling:visit-result": {"revision": "pick"}
    | dict.fromkeys(["endpoint", "bleeding", "redness", "swelling", "pain"], "pick?")
    | {"reaction": "text", "is_aftercare_given": "any", "note": "text"},
    "scheduling:visit-end": {"revision": "pick"},
    "scheduling:visit-sign": {"revision": "pick"},
    "scheduling:visit-amend": {"key": "id", "text": "text"},
    # the pages of a link are closed without its cookie, and tested with it beside their view
    "scheduling:link-visit": {},
    "scheduling:link-question": {},
    "scheduling:link-answers": {},
    "scheduling:link-call": {},
    "scheduling:hours-edit": {
        "seen": "pick",
        "0_0_starts": "typed",
        "0_0_ends": "typed",
        "0_1_starts": "typed?",
        "0_1_ends": "typed?",
    },
    "scheduling:time-off-create": {
        "first_day": "typed",
        "starts": "typed?",
        "last_day": "typed?",
        "ends": "typed?",
        "note": "text",
    },
    "scheduling:time-off-delete": {},
    "scheduling:closure-create": {"first_day": "typed", "last_day": "typed?", "reason": "text"},
    "scheduling:closure-delete": {},
    "scheduling:rule-edit": RULE,
    "scheduling:rule-try": RULE
    | {"visit_day": "typed", "visit_at": "typed", "stage": "pick", "said_day": "typed?", "said_at": "typed?"},
    "scheduling:clock-move": {},
}
QUERIES = {
    "clinic:login": ["next"],
    "patients:patient-list": ["for"],
    "patients:patient-create": ["next"],
    "scheduling:board-day": ["day", "appointment", "seen"],
    "scheduling:day-show": ["day", "visit", "seen"],
    "scheduling:booking-create": ["patient", "day", "practitioner", "at"],
    "scheduling:booking-sessions": ["protocol", "planned"],
    "scheduling:session-book": ["practitioner", "from_day", "exception"],
    "scheduling:appointment-move": ["practitioner", "from_day", "exception", "slot"],
    "scheduling:checkin-show": ["again"],
    "scheduling:mailbox-list": ["page", "newest"],
    "scheduling:mailbox-show": ["view"],
}
# These answer by a fragment, in place of a redirect, so that a refusal has its status.
BY_HTMX = {name for name in FORMS if "appointment-" in name}
# The fields that both have are read by the same code and are tested there.
READ_ALIKE = {"scheduling:booking-create": "scheduling:booking-times", "scheduling:rule-try": "scheduling:rule-edit"}
WRITTEN_BY_HAND = {"text", "typed", "typed?", "find"}


def values_for(kind: str) -> dict[str, str]:
    if kind == "any":  # whatever is not looked at
        return {"a script": SCRIPT, "NUL": "a\x00b"}
    if kind in ("text", "find", "secret"):
        return TO_READ
    return TO_TYPE if kind in ("typed", "typed?") else TO_CHOOSE


def post(client: Client, name: str, url: str, fields: dict):
    """As a browser would, but for what no browser sends."""
    body = urlencode(fields, doseq=True, errors="surrogatepass")
    headers = HTMX if name in BY_HTMX else {}
    return client.post(url, body, content_type="application/x-www-form-urlencoded", headers=headers)


# --- The tables are complete ------------------------------------------------------------------------------------------


class FormReader(HTMLParser):
    """The forms of a page: for each, its method, its address and the names of its fields."""

    def __init__(self, page: str, url: str):
        super().__init__()
        self.url, self.forms = url, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.forms.append((attrs.get("method", "get"), attrs.get("action") or self.url, set()))
        elif tag in ("input", "select", "textarea", "button") and self.forms and attrs.get("name"):
            action = attrs.get("formaction")
            method, address, names = self.forms[-1]
            names.add(attrs["name"])
            if action:
                self.forms.append((method, action, names))


def test_every_field_on_a_page_has_a_row(scene):
    found, theme = [], {"csrfmiddlewaretoken", "theme"}
    for who in ("owner", "practitioner"):
        client = client_of(scene, who)
        sources = [(url, client.get(url).content.decode()) for url in pages(scene)]
        times_page = post(client, "", scene.url("scheduling:booking-times"), scene.bodies["scheduling:booking-times"])
        sources.append((scene.url("scheduling:booking-times"), times_page.content.decode()))
        for url, page in sources:
            for method, action, names in FormReader(page, url).forms:
                match = resolve(urlsplit(action).path)
                known = FORMS[match.view_name] if method == "post" else QUERIES[match.view_name]
                if any(map(QUESTION.fullmatch, known)):
                    names = {name for name in names if not QUESTION.fullmatch(name)}
                if match.view_name == "scheduling:hours-edit":  # seven days alike
                    names = {name for name in names if not re.match("[1-6]_", name)}
                found += [f"{match.view_name} {name}" for name in names - theme - set(known)]
    assert found == []


def test_every_form_has_a_row():
    assert sorted(FORMS) == sorted(row.name for row in POSTED)


def test_every_parameter_that_a_view_reads_has_a_row():
    read = set()
    for module in written():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call | ast.Subscript | ast.Compare) and ".GET" in ast.unparse(node):
                text = ast.unparse(node)
                read |= set(re.findall(r"\.GET(?:\.get\(|\[)'(\w+)'|'(\w+)' (?:not )?in \w+\.GET", text))
    names = {name for pair in read for name in pair if name}
    assert names <= {name for names in QUERIES.values() for name in names}


# --- Forms ------------------------------------------------------------------------------------------------------------


def shares(names: Iterable[str], number: int) -> list[list[str]]:
    """The names dealt out, so that few clinics are built and both halves of a run have work."""
    names = list(names)
    return [names[first::number] for first in range(number)]


@pytest.mark.parametrize("names", shares(FORMS, 8), ids=range(8))
def test_a_form_survives_every_field(scene, names):
    before = stored()
    assert [f"{name}: {fault}" for name in names for fault in faults_of_form(scene, name)] == []
    assert stored() == before


def faults_of_form(scene, name: str) -> list[str]:
    row, client = MATRIX[name], client_of(scene, "anonymous" if name == "clinic:login" else best_for(name))
    url, good, faults = scene.url(name, row.about), scene.bodies[name], []
    for field in set(FORMS[name]) - set(FORMS.get(READ_ALIKE.get(name), ())):
        kind = FORMS[name][field]
        cases = {**values_for(kind), "missing": None}
        for what, value in cases.items():
            fields = {key: kept for key, kept in good.items() if key != field}
            if value is not None:
                fields[field] = value
            with undone():
                answer = post(client, name, url, fields)
                for fault in faults_of(answer, name, field, kind, value, fields):
                    faults.append(f"{field} with {what}: {fault}")
        with undone():
            answer = post(client, name, url, good | {field: [*_list(good.get(field, "")), SCRIPT]})
            if answer.status_code >= 500 or SCRIPT in answer.content.decode():
                faults.append(f"{field} twice: {answer.status_code}")
    return faults


def _list(value) -> list:
    return value if isinstance(value, list) else [value]


def best_for(name: str) -> str:
    """Somebody who may."""
    fitting = {"fact": "practitioner", "course": "lead", "session": "lead", "checkin": "lead"}
    fitting |= {"visit": "practitioner", "day": "practitioner", "rule": "lead", "screening": "lead"}
    return fitting.get(name.partition(":")[2].partition("-")[0], "owner")


def is_taken(answer, name: str) -> bool:
    return answer.status_code < 400 and not (name == "clinic:login" and answer.status_code == 200)


def faults_of(answer, name: str, field: str, kind: str, value: str | None, fields: dict) -> Iterator[str]:
    page, status = answer.content.decode(), answer.status_code
    if status >= 500:
        yield f"{status}"
        return
    if "<script>alert" in page or "<img src=x" in page:
        yield "the script would run"
    taken, typed = is_taken(answer, name), value or ""
    is_blank = not one_line(typed)
    if taken and kind in ("typed", "pick", "id") or taken and kind in ("typed?", "pick?") and not is_blank:
        if not (kind == "id" and typed == str(UUID(int=0))):
            yield f"taken ({status})"
    if taken and kind == "text" and not is_blank and "\x00" not in typed and not is_stored(typed):
        yield f"taken ({status}) but not stored as it was typed"
    if kind == "find" and not taken:
        yield f"a search is refused ({status})"
    if not taken and status in (200, 409, 422) and name not in BY_HTMX:
        yield from (f"loses {key}" for key in lost(name, fields, page))


def lost(name: str, fields: dict, page: str) -> Iterator[str]:
    """What was written by hand and is not on the page that comes back."""
    for key, value in fields.items():
        kind = FORMS[name].get(key, "")
        if kind in WRITTEN_BY_HAND and isinstance(value, str) and "\x00" not in value and "\ud83d" not in value:
            if escape(value) not in page and escape(value).replace("\r\n", "\n") not in page:
                yield key
        if kind == "secret" and value and escape(value) in page:
            yield f"the secrecy of {key}"


def is_stored(typed: str) -> bool:
    """Whether some column holds the words, cleaned as clinic.text cleans them and otherwise whole."""
    typed = typed.replace("\ud83d", "\ufffd\ufffd\ufffd")  # what the bytes of half a pair are read as
    wanted = {one_line(typed).casefold(), paragraphs(typed).casefold()}
    return any(
        str(value).casefold() in wanted
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        for value in model.objects.values_list(field.attname, flat=True)
    )


# --- Bodies, addresses and heads --------------------------------------------------------------------------------------

BOUNDARY = "multipart/form-data; boundary=x"
BODIES = {
    "a list in JSON": ("application/json", b"[]"),
    "half a surrogate pair in JSON": ("application/json", b'{"q": "\\ud83d\\u0000"}'),
    "no JSON": ("application/json", b"{"),
    "nothing": ("application/x-www-form-urlencoded", b""),
    "bytes that are no text": ("application/x-www-form-urlencoded", b"q=%ff%fe%00&%00=1&=&&&;"),
    "600 fields": ("application/x-www-form-urlencoded", b"&".join(b"q%d=1" % n for n in range(600))),
    "three megabytes": ("application/x-www-form-urlencoded", b"q=" + b"x" * 3_000_000),
    "a broken form with files": (BOUNDARY, b"--x\r\nContent-Disposition: form-data; name=q\r\n\r\nhalf"),
    "no boundary": ("multipart/form-data", b"--x"),
    "a file for a word": (
        BOUNDARY,
        b'--x\r\nContent-Disposition: form-data; name="q"; filename="../x.html"\r\n\r\n<script>\r\n--x--\r\n',
    ),
    "an unknown alphabet": ("application/x-www-form-urlencoded; charset=nonsense", b"q=1"),
    "a kind that nobody knows": ("\x01/\x02", b"\x00"),
}
# A body is taken apart before any view is asked, so that few forms need every kind.
READ_IN_FULL = {"clinic:login", "patients:patient-create", "scheduling:booking-create", "scheduling:appointment-move"}


def test_a_body_of_any_kind_changes_nothing(scene):
    before, faults = stored(), []
    # What needs no field is taken with any body; it is tested where the fields of forms are.
    for name in (name for name, fields in FORMS.items() if set(fields.values()) - {"any"}):
        client = client_of(scene, "anonymous" if name == "clinic:login" else best_for(name))
        url = scene.url(name, MATRIX[name].about)
        bodies = BODIES if name in READ_IN_FULL else {what: BODIES[what] for what in ("nothing", "a list in JSON")}
        for what, (kind, body) in bodies.items():
            answer = client.generic("POST", url, body, kind, headers=HTMX if name in BY_HTMX else {})
            is_search = FORMS[name] == {"q": "find"}
            if answer.status_code >= 500 or (is_taken(answer, name) and not is_search):
                faults.append(f"{name} with {what}: {answer.status_code}")
    assert faults == []
    assert stored() == before


@pytest.mark.parametrize("names", shares(QUERIES, 4), ids=range(4))
def test_a_page_survives_every_parameter(scene, names):
    assert [f"{name}: {fault}" for name in names for fault in faults_of_page(scene, name)] == []


def faults_of_page(scene, name: str) -> list[str]:
    faults, client = [], client_of(scene, "anonymous" if name == "clinic:login" else best_for(name))
    url = scene.url(name, MATRIX[name].about)
    good = {"patient": scene.patient.public_id} if "patient" in QUERIES[name] else {}
    for parameter in QUERIES[name]:
        for what, value in (TO_READ | TO_TYPE | {"a folder": "../../etc/passwd"}).items():
            alone, beside = {parameter: value}, good | {parameter: [value, value]}
            for given, headers in ((alone, {}), (beside, HTMX)):
                query = urlencode(given, doseq=True, errors="surrogatepass")
                answer = client.get(f"{url}?{query}", headers=headers)
                if answer.status_code not in ({400} if "\x00" in value else {200, 204, 302, 404}):
                    faults.append(f"{parameter} with {what}: {answer.status_code}")
                if "<script>alert" in said(answer) or "<img src=x" in said(answer):
                    faults.append(f"{parameter} with {what}: the script would run")
    return faults


def test_an_address_of_any_kind_leads_nowhere(scene):
    faults, before = [], stored()
    words = {*TO_READ.values(), *TO_TYPE.values(), "..", "%00", "a/b", ";", "a" * 300} - {""}
    ids = {ANYWHERE["NUL"], ANYWHERE["half a surrogate pair"], SCRIPT, "..", "1_000", str(UUID(int=0)), "A" * 32}
    for row in (row for row in MATRIX.values() if row.about):
        good, client = scene.url(row.name, row.about), client_of(scene, best_for(row.name))
        for argument in scene.objects[row.about]:
            for piece in ids if isinstance(argument, UUID) else words:
                url = good.replace(str(argument), quote(piece, safe="", errors="surrogatepass"))
                for method in ("GET", "POST"):
                    status = client.generic(method, url).status_code
                    # A UUID, or a word where a word belongs, leads to the view, which may have no such method.
                    if status not in {400, 404, 405}:
                        faults.append(f"{method} {row.name} with {piece[:20]!r}: {status}")
    assert faults == []
    assert stored() == before


HEADS = {
    "another host": ({"host": "evil.example"}, {400}),
    "a host of nonsense": ({"host": "a b\x00c"}, {400}),
    "a session of nonsense": ({"cookie": "sessionid=" + "%00" * 40 + "; csrftoken=<script>"}, {302}),
    "a cookie that is none": ({"cookie": "=;=;\x01;;sessionid"}, {302}),
    "ten thousand letters": ({"user-agent": "x" * 10_000, "accept-language": "x" * 10_000}, {302}),
    "a page that is none": ({"hx-request": "true", "hx-current-url": "http://[::1"}, {302}),
}


@pytest.mark.parametrize(("headers", "statuses"), HEADS.values(), ids=HEADS)
def test_a_head_of_any_kind_opens_nothing(scene, headers, statuses):
    for row in MATRIX.values():
        if row.answers["anonymous"] == "login":
            assert Client().get(scene.url(row.name, row.about), headers=headers).status_code in statuses
    if "host" not in headers:
        wrong = {"username": "x" * 10_000, "password": "y" * 10_000}
        assert Client().post(reverse("clinic:login"), wrong, headers=headers).status_code == 200


def test_a_port_in_the_host_reaches_no_mail(scene):
    client, body = client_of(scene, "owner"), scene.bodies["scheduling:appointment-cancel"]
    url = scene.url("scheduling:appointment-cancel", "held")
    assert client.post(url, body, headers={"host": "localhost:99999"}).status_code == 302
    send_mails()
    assert mail.outbox
    assert not [message for message in mail.outbox if "99999" in message.message().as_string()]


# --- What was stored long ago -----------------------------------------------------------------------------------------


def test_stored_scripts_and_templates_are_words_on_every_page_and_in_every_mail(scene):
    hostile = "\"'><img src=x onerror=alert(7)>" + SCRIPT + "{{7*7}}{% debug %}"
    for thing, columns in (
        (scene.patient, "note"),
        (scene.location, "name address"),
        (scene.room, "name"),
        (scene.device, "name"),
        (scene.practitioner, "title"),
        (scene.closure, "reason"),
        (scene.time_off, "note"),
        (scene.fact, "subject answer"),
    ):
        for column in columns.split():
            room = type(thing)._meta.get_field(column).max_length or 1000
            setattr(thing, column, hostile if len(hostile) <= room else SCRIPT[:room])
        thing.save()
    for person in (scene.patient, scene.other):
        person.given_name, person.family_name = SCRIPT, "{{7*7}}"
        person.fold_for_search()
        person.save()
    for user in scene.staff.values():
        user.name = f"{SCRIPT} {{{{7*7}}}}"
        user.save()
    for who in ROLES:
        client = client_of(scene, who)
        for url in pages(scene):
            for headers in ({}, HTMX):
                page = client.get(url, headers=headers).content.decode()
                assert "<script>alert" not in page, url
                assert "<img src=x" not in page, url
        found = client.post(reverse("patients:patient-list"), {"q": "script"}).content.decode()
        assert "alert(7)" in found
        assert "<script>alert" not in found
    send_mails()
    assert mail.outbox
    for message in mail.outbox:
        html = message.alternatives[0].content
        assert "&lt;script&gt;alert" in html
        assert "<script>alert" not in html
        assert "{{7*7}}" not in message.subject


def send_mails() -> None:
    now = times.now()
    mail_due_reminders(now=now)
    outbox.deliver(now=now)
