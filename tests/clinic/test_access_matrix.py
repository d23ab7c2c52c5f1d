"""Who may do what, in one table; and what holds at every door, whoever stands before it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from axes.models import AccessAttempt
from django.test import Client
from django.urls import reverse

from clinic import staff
from tests.factories import PASSWORD, make_user, signed_in
from tests.scene import CONTACTS, HEALTH, HTMX, PEOPLE, ROLES, Scene, client_of, make_scene, said, stored, undone, walk

pytestmark = pytest.mark.django_db

# A row for each address: what it is about, then for each person the answer to GET and HEAD, and the answer to a POST
# that is in order. The stranger holds every role, at another location. `writes` says whether such a POST stores
# anything but the person's own session. Every method that is not named here is answered by 405, before anybody's role
# is asked, and who is not signed in is sent to the login page whatever he asks for.
# The pages of a patient's link come before the address that opens them; with its cookie they are tested by themselves.
TABLE = """
address                            about        anonymous receptionist practitioner lead      owner     stranger  writes
clinic:login                       -            200/302   302/302      302/302      302/302   302/302   302/302   no
clinic:logout                      -            login     405/302      405/302      405/302   405/302   405/302   no
clinic:unlock                      -            login     302/302      302/302      302/302   302/302   302/302   no
clinic:location-switch             -            login     405/302      405/302      405/302   405/302   405/404   no
clinic:settings                    -            login     403/405      403/405      200/405   200/405   200/405   no
clinic:location-create             -            login     403/403      403/403      403/403   200/302   200/302   yes
clinic:location-edit               -            login     403/403      403/403      200/302   200/302   200/409   yes
clinic:room-create                 -            login     403/403      403/403      200/302   200/302   200/302   yes
clinic:room-edit                   room         login     403/403      403/403      200/302   200/302   404/404   yes
clinic:device-create               -            login     403/403      403/403      200/302   200/302   200/302   yes
clinic:device-edit                 device       login     403/403      403/403      200/302   200/302   404/404   yes
clinic:staff-create                -            login     403/403      403/403      403/403   200/302   200/422   yes
clinic:staff-edit                  colleague    login     403/403      403/403      403/403   200/302   404/404   yes
clinic:staff-password              colleague    login     403/403      403/403      403/403   200/302   404/404   yes
clinic:staff-switch-off            colleague    login     405/403      405/403      405/403   405/302   405/404   yes
clinic:staff-switch-on             left         login     405/403      405/403      405/403   405/302   405/404   yes
patients:patient-list              -            login     200/200      200/200      200/200   200/200   200/200   no
patients:patient-search            -            login     405/200      405/200      405/200   405/200   405/200   no
patients:patient-prefill           -            login     405/302      405/302      405/302   405/302   405/302   no
patients:patient-create            -            login     200/302      200/302      200/302   200/302   200/302   yes
patients:patient-show              patient      login     200/405      200/405      200/405   200/405   404/405   no
scheduling:patient-edit            patient      login     200/302      200/302      200/302   200/302   404/404   yes
scheduling:patient-call            other        login     405/302      405/302      405/302   405/302   405/404   yes
scheduling:patient-called          patient      login     405/302      405/302      405/302   405/302   405/404   yes
scheduling:fact-create             patient      login     403/403      200/302      200/302   403/403   404/404   yes
scheduling:fact-end                fact         login     405/403      405/302      405/302   405/403   405/404   yes
scheduling:home                    -            login     302/405      302/405      302/405   302/405   302/405   no
scheduling:about-treatment         -            200/405   200/405      200/405      200/405   200/405   200/405   no
scheduling:health                  -            200/405   200/405      200/405      200/405   200/405   200/405   no
scheduling:board-day               -            login     200/405      200/405      200/405   200/405   200/405   no
scheduling:worklists               -            login     200/405      200/405      200/405   200/405   200/405   no
scheduling:worklists-count         -            login     200/405      200/405      200/405   200/405   200/405   no
scheduling:booking-create          -            login     200/302      200/302      200/302   200/302   200/404   yes
scheduling:booking-times           -            login     405/200      405/200      405/200   405/200   405/404   yes
scheduling:booking-sessions        -            login     200/405      200/405      200/405   200/405   200/405   no
scheduling:appointment-show        held         login     302/405      302/405      302/405   302/405   404/405   no
scheduling:appointment-confirm     clear        login     405/302      405/302      405/302   405/302   405/404   yes
scheduling:appointment-move        held         login     200/302      200/302      200/302   200/302   404/404   yes
scheduling:appointment-link        held         login     405/302      405/302      405/302   405/302   405/404   yes
scheduling:appointment-places      held         login     405/302      405/302      405/302   405/302   405/404   yes
scheduling:appointment-cancel      held         login     405/302      405/302      405/302   405/302   405/404   yes
scheduling:appointment-reactivate  cancelled    login     405/302      405/302      405/302   405/302   405/404   yes
scheduling:course-show             course       login     200/405      200/405      200/405   200/405   404/405   no
scheduling:course-plan             course       login     405/403      405/403      405/302   405/403   405/404   yes
scheduling:course-refresher        refreshed    login     405/302      405/302      405/302   405/302   405/404   yes
scheduling:session-book            session      login     200/302      200/302      200/302   200/302   404/404   yes
scheduling:appointment-arrive      expected     login     405/302      405/302      405/302   405/302   405/404   yes
scheduling:appointment-undo-arrival here        login     405/302      405/302      405/302   405/302   405/404   yes
scheduling:appointment-call        clear        login     405/302      405/302      405/302   405/302   405/404   yes
scheduling:appointment-called      held         login     405/302      405/302      405/302   405/302   405/404   yes
scheduling:treatment-change        held         login     200/302      200/302      200/302   200/302   404/404   yes
scheduling:checkin-show            here         login     200/302      200/302      200/302   200/302   404/404   yes
scheduling:screening-show          held         login     200/405      200/405      200/405   200/405   404/405   no
scheduling:screening-decide        here         login     405/403      405/409      405/302   405/403   405/404   yes
scheduling:screening-ask           held         login     200/302      200/302      200/302   200/302   404/404   yes
scheduling:screening-advice        held         login     405/403      405/302      405/302   405/403   405/404   yes
scheduling:checkin-hand-over       here         login     405/302      405/302      405/302   405/302   405/404   no
scheduling:checkin-patient         here         login     302/302      302/302      302/302   302/302   404/404   no
scheduling:visit-show              begun        login     403/405      200/405      200/405   403/405   404/405   no
scheduling:visit-start             ready        login     405/403      405/302      405/302   405/403   405/404   yes
scheduling:visit-numbing           begun        login     405/403      405/302      405/302   405/403   405/404   yes
scheduling:visit-zone              begun        login     405/403      405/302      405/302   405/403   405/404   yes
scheduling:visit-remove-zone       ended        login     405/403      405/302      405/302   405/403   405/404   yes
scheduling:visit-cartridge         begun        login     405/403      405/302      405/302   405/403   405/404   yes
scheduling:visit-topical           begun        login     405/403      405/302      405/302   405/403   405/404   yes
scheduling:visit-remove-topical    ended        login     405/403      405/302      405/302   405/403   405/404   yes
scheduling:visit-result            begun        login     405/403      405/302      405/302   405/403   405/404   yes
scheduling:visit-end               begun        login     405/403      405/302      405/302   405/403   405/404   yes
scheduling:visit-sign              ended        login     405/403      405/302      405/302   405/403   405/404   yes
scheduling:visit-amend             signed       login     405/403      405/302      405/302   405/403   405/404   yes
scheduling:day-show                -            login     403/405      200/405      403/405   403/405   200/405   no
scheduling:patient-visits          patient      login     200/405      200/405      200/405   200/405   404/405   no
scheduling:link-visit              link         404/404   404/404      404/404      404/404   404/404   404/404   no
scheduling:link-start              link         404/405   404/405      404/405      404/405   404/405   404/405   no
scheduling:link-question           asked        404/404   404/404      404/404      404/404   404/404   404/404   no
scheduling:link-answers            link         404/404   404/404      404/404      404/404   404/404   404/404   no
scheduling:link-result             link         404/405   404/405      404/405      404/405   404/405   404/405   no
scheduling:link-call               link         405/404   405/404      405/404      405/404   405/404   405/404   no
scheduling:link-calendar           link         404/405   404/405      404/405      404/405   404/405   404/405   no
scheduling:link-open               token        302/405   302/405      302/405      302/405   302/405   302/405   no
scheduling:hours-edit              practitioner login     403/403      403/403      200/302   200/302   404/404   yes
scheduling:time-off-create         practitioner login     403/403      403/403      200/302   200/302   404/404   yes
scheduling:time-off-delete         time_off     login     405/403      405/403      405/302   405/302   405/404   yes
scheduling:closure-list            -            login     403/405      403/405      200/405   200/405   200/405   no
scheduling:closure-create          -            login     403/403      403/403      200/302   200/302   200/302   yes
scheduling:closure-delete          closure      login     405/403      405/403      405/302   405/302   405/404   yes
scheduling:rule-list               -            login     403/405      403/405      200/405   403/405   200/405   no
scheduling:rule-progress           -            login     403/405      403/405      200/405   403/405   200/405   no
scheduling:rule-versions           -            login     403/405      403/405      200/405   403/405   200/405   no
scheduling:rule-version            version      login     403/405      403/405      200/405   403/405   200/405   no
scheduling:rule-edit               rule         login     403/403      403/403      200/302   403/403   200/302   yes
scheduling:rule-try                rule         login     405/403      405/403      405/200   405/403   405/200   no
scheduling:mailbox-list            -            login     200/405      200/405      200/405   200/405   200/405   no
scheduling:mailbox-show            mail         login     200/405      200/405      200/405   200/405   200/405   no
scheduling:mailbox-html            mail         login     200/405      200/405      200/405   200/405   200/405   no
scheduling:clock-move              -            login     405/302      405/302      405/302   405/302   405/302   no
"""
METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")  # and POST, which comes with a body


@dataclass(frozen=True)
class Row:
    name: str
    about: str
    writes: bool
    answers: dict[str, str]

    def wanted(self, who: str, method: str) -> int:
        """The status that the table promises."""
        cell = self.answers[who]
        if cell == "login":
            return 302
        get, post = map(int, cell.split("/"))
        return {"GET": get, "HEAD": get, "POST": post}.get(method, 405)


def read_table(table: str) -> dict[str, Row]:
    head, *lines = (line.split() for line in table.strip().splitlines())
    rows = {}
    for name, about, *cells, writes in lines:
        answers = dict(zip(head[2:-1], cells, strict=True))
        rows[name] = Row(name, "" if about == "-" else about, writes == "yes", answers)
    return rows


MATRIX = read_table(TABLE)
POSTED = [row for row in MATRIX.values() if row.wanted("owner", "POST") != 405]


def pages(scene: Scene) -> Iterator[str]:
    """Every address in the scene, and those that open something beside the page."""
    for row in MATRIX.values():
        yield scene.url(row.name, row.about)
    for visit in scene.visits:
        yield f"{scene.url('scheduling:board-day')}?day={visit.starts_at.date()}&appointment={visit.public_id}"
    yield f"{scene.url('scheduling:booking-create')}?patient={scene.patient.public_id}"
    yield f"{scene.url('scheduling:checkin-show', 'here')}?again=1"
    for name in ("scheduling:checkin-show", "scheduling:visit-show"):
        yield from (scene.url(name, about) for about in ("expected", "ready", "signed"))


# --- The table --------------------------------------------------------------------------------------------------------


def test_every_address_has_a_row_and_every_row_an_address():
    assert sorted(name for name, _pattern in walk()) == sorted(MATRIX)


def test_every_form_has_a_body_that_is_in_order(scene):
    assert sorted(scene.bodies) == sorted(row.name for row in POSTED)


def test_every_person_gets_the_written_answer_to_every_method(scene):
    deviations = []
    for who in PEOPLE:
        client = client_of(scene, who)
        before = stored()
        for row in MATRIX.values():
            url = scene.url(row.name, row.about)
            for method in METHODS:
                answer, wanted = client.generic(method, url), row.wanted(who, method)
                faults = [*faults_of(answer, row, who)]
                if answer.status_code != wanted:
                    faults.append(f"{answer.status_code} instead of {wanted}")
                if method == "HEAD" and answer.content:
                    faults.append("has a body")
                deviations += [f"{row.name} {method} by {who}: {fault}" for fault in faults]
        if stored() != before:
            deviations.append(f"{who} stored something without a POST")
    assert deviations == []


def test_a_mail_of_the_demo_stands_alone_in_its_frame(scene):
    policy = client_of(scene, "receptionist").get(scene.url("scheduling:mailbox-html", "mail"))[
        "Content-Security-Policy"
    ]
    assert policy == "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


def test_every_person_gets_the_written_answer_to_every_form(scene):
    deviations, bodies = [], scene.bodies
    clients = {who: client_of(scene, who) for who in PEOPLE}
    before = stored()
    for row in POSTED:
        for who in PEOPLE:
            with undone():
                client = Client()
                client.cookies = clients[who].cookies.copy()
                answer, wanted = client.post(scene.url(row.name, row.about), bodies[row.name]), row.wanted(who, "POST")
                has_stored = stored() != before
            faults = [*faults_of(answer, row, who)]
            if answer.status_code != wanted:
                faults.append(f"{answer.status_code} instead of {wanted}")
            if has_stored != (row.writes and wanted < 400 and row.answers[who] != "login"):
                faults.append(f"{'something' if has_stored else 'nothing'} was stored")
            deviations += [f"{row.name} by {who}: {fault}" for fault in faults]
    assert deviations == []


POLICY = {
    "default-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "img-src": "'self' data:",
    "object-src": "'none'",
}


def policy_of(answer) -> dict[str, str]:
    parts = answer.headers.get("Content-Security-Policy", "").split(";")
    return dict(part.strip().split(" ", 1) for part in parts if " " in part)


def faults_of(answer, row: Row, who: str) -> Iterator[str]:
    """What no answer may lack or hold, whoever asked for what."""
    head = answer.headers
    # The demo shows a mail in a frame of its own page; the mail brings its own styles and may run nothing.
    is_mail = row.name == "scheduling:mailbox-html" and answer.status_code == 200
    if row.answers[who] == "login" and head.get("Location", "").partition("?")[0] != reverse("clinic:login"):
        yield "is not sent to the login page"
    if "no-store" not in head.get("Cache-Control", ""):
        yield "may be kept by a cache"
    if "HX-Request" not in head.get("Vary", ""):
        yield "page and fragment are not told apart"
    if not is_mail and policy_of(answer) != POLICY:
        yield "has another policy for scripts, styles and frames"
    if head.get("X-Frame-Options") != ("SAMEORIGIN" if is_mail else "DENY"):
        yield "may be framed"
    if who in ("anonymous", "stranger"):
        yield from (f"says {word!r}" for word in (*CONTACTS, *HEALTH) if word in said(answer))


# --- What the table cannot say ----------------------------------------------------------------------------------------


def test_no_form_is_taken_without_its_token(scene):
    clients = [client_of(scene, who, enforce_csrf_checks=True) for who in PEOPLE]
    bodies, before = scene.bodies, stored()
    for row in POSTED:
        url = scene.url(row.name, row.about)
        assert {client.post(url, bodies[row.name]).status_code for client in clients} == {403}, row.name
    assert stored() == before


# An address of one's own, and in its form something that belongs to another location.
FOREIGN = {
    "a patient to book": ("booking-create", "", lambda far: {"patient": far.patient.public_id}, 404),
    "a patient to look for times": ("booking-times", "", lambda far: {"patient": far.patient.public_id}, 404),
    "a patient's id for a new one": (
        "patient-create",
        "",
        lambda far: {"public_id": far.patient.public_id, "confirmed": "yes"},
        404,
    ),
    "a slot to book": ("booking-create", "", lambda far: {"slot": far.slot(90, 11)}, 422),
    "a practitioner to look for times": (
        "booking-times",
        "",
        lambda far: {"practitioner": far.practitioner.public_id},
        422,
    ),
    "a visit's key to book": ("booking-create", "", lambda far: {"key": far.held.public_id}, 409),
    "a slot to move to": ("appointment-move", "held", lambda far: {"slot": far.slot(9, 14)}, 422),
    "a room": ("appointment-places", "held", lambda far: {"room": far.room.public_id}, 422),
    "a device": ("appointment-places", "held", lambda far: {"device": far.device.public_id}, 422),
    "a room that was seen": ("appointment-places", "held", lambda far: {"seen_room": far.held.room.public_id}, 422),
    "a location to look at": ("location-switch", "", lambda far: {"location": far.location.public_id}, 404),
    "a location for an account": ("staff-edit", "colleague", lambda far: {"locations": [far.location.public_id]}, 422),
    "a location for a new one": ("staff-create", "", lambda far: {"locations": [far.location.public_id]}, 422),
}
FULL_NAMES = {name.partition(":")[2]: name for name in MATRIX}


def test_what_belongs_to_another_location_cannot_be_named_in_a_form(scene):
    far = make_scene(family_name="Ferncastle")
    owner, bodies = client_of(scene, "owner"), scene.bodies
    before, deviations = stored(), []
    for case, (name, about, changes, status) in FOREIGN.items():
        name = FULL_NAMES[name]
        with undone():
            answer = owner.post(scene.url(name, about), bodies[name] | changes(far))
            after = stored()
        if answer.status_code != status:
            deviations.append(f"{case}: {answer.status_code} instead of {status}")
        if "Ferncastle" in said(answer):
            deviations.append(f"{case}: names the foreign patient")
        changed = {label for label in after if after[label] != before[label]}
        # A booking that is refused keeps the own patient's answers, which are true all the same, and what they mean.
        screened = {"treatments.Screening", "treatments.ScreeningFinding"}
        kept = {"patients.MedicalFact", "treatments.AnsweredSkin", "changes"} | screened
        if changed - (kept if status == 409 else set()):
            deviations.append(f"{case}: changed {changed}")
    assert deviations == []


def test_a_fact_is_ended_under_its_own_patient_alone(scene):
    before = stored()
    for whose in (scene.other, make_scene(family_name="Ferncastle").patient):
        before = stored()
        url = reverse("scheduling:fact-end", args=[whose.public_id, scene.fact.public_id])
        assert client_of(scene, "practitioner").post(url).status_code == 404
        assert stored() == before


def test_a_foreign_visit_or_patient_in_an_address_shows_nothing(scene):
    far, client = make_scene(family_name="Ferncastle"), client_of(scene, "owner")
    board = client.get(reverse("scheduling:board-day"), {"appointment": far.held.public_id})
    booking = client.get(reverse("scheduling:booking-create"), {"patient": far.patient.public_id})
    assert (board.status_code, booking.status_code) == (200, 404)
    for answer in (board, booking):
        assert "Ferncastle" not in said(answer)
    assert not LogEntry.objects.get_for_object(far.patient).filter(action=LogEntry.Action.ACCESS).exists()


def test_a_fragment_is_refused_like_its_page(scene):
    for who in ("anonymous", "receptionist", "stranger"):
        client = client_of(scene, who)
        for row in MATRIX.values():
            answer, wanted = client.get(scene.url(row.name, row.about), headers=HTMX), row.wanted(who, "GET")
            # Where a page leads to its fragment on another page, the fragment itself comes to htmx.
            assert answer.status_code == (
                200 if (row.about, wanted) == ("held", 302) and who != "anonymous" else wanted
            )
            if who != "receptionist":
                assert [word for word in (*CONTACTS, *HEALTH) if word in said(answer)] == []


def test_no_link_leads_nowhere(scene):
    for who in ("owner", "practitioner"):
        client = client_of(scene, who)
        assert [url for url in pages(scene) if 'href=""' in client.get(url).content.decode()] == []


def test_roles_add_up(scene):
    both = signed_in("receptionist", "practitioner", location=scene.location)
    assert both.get(scene.url("scheduling:fact-create", "patient")).status_code == 200
    assert both.get(scene.url("clinic:settings")).status_code == 403


def test_an_account_without_a_location_opens_nothing(scene):
    client = signed_in(*ROLES)
    for row in MATRIX.values():
        if row.about != "mail" and row.wanted("stranger", "GET") in (200, 404):
            answer = client.get(scene.url(row.name, row.about))
            assert answer.status_code in (200, 403, 404)
            assert [word for word in (*CONTACTS, *HEALTH) if word in said(answer)] == []


# --- In and out -------------------------------------------------------------------------------------------------------


def test_a_switched_off_account_is_out_at_once_and_its_cookies_stay_dead(scene):
    """Also the cookie that nobody showed while the account was off."""
    user, board = scene.staff["receptionist"], reverse("scheduling:board-day")
    shown, kept = client_of(scene, "receptionist"), client_of(scene, "receptionist")
    assert (shown.get(board).status_code, kept.get(board).status_code) == (200, 200)
    staff.switch_off(user=user, by=scene.staff["owner"])
    assert shown.get(board)["Location"].startswith(reverse("clinic:login"))
    assert sign_in(user.username).status_code == 200
    staff.switch_on(user=user)
    for client in (shown, kept):
        assert client.get(board)["Location"].startswith(reverse("clinic:login"))
    assert sign_in(user.username)["Location"] == reverse("scheduling:home")


def test_a_new_password_ends_the_sessions_of_the_old_one(scene):
    client = client_of(scene, "receptionist")
    staff.set_password(user=scene.staff["receptionist"], password="velvet-otter-in-june")
    assert client.get(reverse("scheduling:board-day")).status_code == 302


def test_a_session_does_not_outlive_its_sign_out(scene):
    client = client_of(scene, "receptionist")
    copy = Client()
    copy.cookies = client.cookies.copy()
    client.post(reverse("clinic:logout"))
    assert copy.get(reverse("scheduling:board-day")).status_code == 302


@pytest.mark.parametrize(
    "next_page", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil.example"]
)
def test_signing_in_leads_to_no_other_host(scene, next_page):
    user = scene.staff["receptionist"]
    assert sign_in(user.username, next=next_page)["Location"] == reverse("scheduling:home")
    switched = client_of(scene, "receptionist").post(
        reverse("clinic:location-switch"), {"location": scene.location.public_id, "next": next_page}
    )
    assert switched["Location"] == reverse("scheduling:home")


def sign_in(username: str, password: str = PASSWORD, **fields):
    return Client().post(reverse("clinic:login"), {"username": username, "password": password} | fields)


def words_of(answer) -> str:
    """The page without what differs each time or was typed by the visitor."""
    text = re.sub(r"(csrfmiddlewaretoken\" value=|x-csrftoken\": )\"\w+\"", "", answer.content.decode())
    return re.sub(r' value="staff[^"]*"', "", text)


@pytest.mark.parametrize("is_known", [True, False])
def test_the_eleventh_guess_is_refused_and_so_is_the_right_password(is_known):
    user = make_user(username="staff-known")
    name = user.username if is_known else "staff-nobody"
    statuses = [sign_in(name, f"guess {number}").status_code for number in range(10)]
    assert statuses == [200] * 9 + [429]
    eleventh = sign_in(name, "guess 11")
    assert eleventh.status_code == 429
    assert "Too many wrong tries" in eleventh.content.decode()
    assert sign_in(name).status_code == 429
    a_quarter_of_an_hour_passes()
    again = sign_in(name)
    assert again.status_code == (302 if is_known else 200)


def a_quarter_of_an_hour_passes() -> None:
    for attempt in AccessAttempt.objects.all():
        attempt.attempt_time -= timedelta(minutes=15, seconds=1)
        attempt.save()


def test_known_and_unknown_accounts_are_answered_alike():
    make_user(username="staff-known")
    make_user(username="staff-left", is_active=False)
    names = ("staff-known", "staff-left", "staff-nobody")
    for _guess in range(11):
        answers = [sign_in(name, "not the password") for name in names]
        assert len({(answer.status_code, words_of(answer)) for answer in answers}) == 1


def test_another_spelling_of_the_name_or_another_machine_gives_no_more_guesses():
    make_user(username="reception")
    spellings = ["reception", "Reception", "RECEPTION", " reception ", "recepTion", "ｒｅｃｅｐｔｉｏｎ", "receptıon"]
    for number in range(10):
        name = spellings[number % len(spellings)]
        Client(REMOTE_ADDR=f"10.0.0.{number}", headers={"User-Agent": f"Browser {number}"}).post(
            reverse("clinic:login"), {"username": name, "password": "guess"}
        )
    assert {sign_in(name).status_code for name in spellings} == {429}


def test_a_success_before_the_lock_forgives_the_slips_before_it():
    make_user(username="reception")
    for _round in range(3):
        for _slip in range(9):
            assert sign_in("reception", "slip").status_code == 200
        assert sign_in("reception").status_code == 302


def test_one_account_is_locked_and_no_other():
    make_user(username="reception")
    make_user(username="owner")
    for _guess in range(11):
        sign_in("reception", "guess")
    assert sign_in("owner").status_code == 302
