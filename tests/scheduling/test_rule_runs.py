"""A new version of the rules reaches every visit to come: in batches, each once, and the newest version at the end."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from patients.models import Patient
from scheduling import rule_runs
from scheduling.models import Reminder, RuleRun
from scheduling.reminders import mail_due_reminders
from scheduling.rule_runs import newest_run, publish_rules, work_off_runs
from tests.factories import (
    NOW,
    make_appointment,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_practitioner,
    make_user,
)
from treatments.answers import record_answers
from treatments.catalogue import CatalogueError
from treatments.models import CatalogueVersion, Screening
from treatments.publishing import PublishedMeanwhile

pytestmark = [pytest.mark.django_db, pytest.mark.both]

LATER = NOW + timedelta(hours=1)
HALF_A_YEAR_AND_A_DAY = "2025-07-18"  # before the visits of the tests


@pytest.fixture
def lead():
    make_catalogue()
    return make_user("lead")


def publish(lead, *, months=7, on_top_of=1, now=LATER) -> CatalogueVersion:
    text = CatalogueVersion.objects.current().source.replace("months: 6,", f"months: {months},", 1)
    return publish_rules(text=text, on_top_of=on_top_of, note="A longer wait.", by=lead, now=now)


def book(count: int, *, is_close: bool = False) -> list:
    """Visits on as many days; with `is_close` of patients whose six months are just over."""
    clinic = make_clinic()
    practitioner, made = make_practitioner(clinic), []
    for number in range(count):
        patient = make_clear_patient(clinic)
        if is_close:
            answers = {"Q04": "yes", "Q04b": HALF_A_YEAR_AND_A_DAY}
            record_answers(patient=patient, answers=answers, by=None, now=NOW)
        starts_at = NOW + timedelta(days=7 + number // 4, hours=3 + number % 4 * 1.5)
        made.append(make_appointment(location=clinic, patient=patient, practitioner=practitioner, starts_at=starts_at))
    return made


def lights(appointments) -> list[str]:
    newest = [each.session.screenings.newest_first().first() for each in appointments]
    return [screening.outcome if screening.stands_in_the_way else "clear" for screening in newest]


def test_publishing_begins_a_run_over_what_is_to_come(lead):
    appointments = book(3)
    version = publish(lead)
    run = newest_run()
    assert (version.number, version.note, version.published_by) == (2, "A longer wait.", lead)
    assert (run.version, run.total, run.done, run.finished_at) == (version, len(appointments), 0, None)


def test_a_run_gives_every_visit_the_light_of_the_new_version(lead):
    close, clear = book(2, is_close=True), book(1)
    assert lights([*close, *clear]) == ["clear"] * 3
    version = publish(lead)
    assert work_off_runs(now=LATER) == 3
    assert lights([*close, *clear]) == ["hard_block", "hard_block", "clear"]
    newest = [each.session.screenings.newest_first().first() for each in (*close, *clear)]
    assert {(each.catalogue_version, each.cause, each.created_at) for each in newest} == {
        (version, Screening.Cause.RULES, LATER)
    }
    run = newest_run()
    assert (run.done, run.changed, run.finished_at) == (3, 2, LATER)


def test_a_longer_time_out_of_the_sun_is_told_so_much_earlier(lead):
    [appointment] = book(1)
    told = appointment.reminders.get(kind=Reminder.Kind.GET_READY)
    assert appointment.starts_at - told.due_at == timedelta(hours=26)
    text = make_catalogue().source.replace("instant, hours: 24}", "instant, hours: 46}", 1)
    publish_rules(text=text, on_top_of=1, note="Longer.", by=lead, now=LATER)
    work_off_runs(now=LATER)
    told.refresh_from_db()
    assert appointment.starts_at - told.due_at == timedelta(hours=48)


def test_what_was_told_of_the_sun_is_not_told_again(lead):
    [appointment] = book(1)
    now = appointment.starts_at - timedelta(hours=25)
    mail_due_reminders(now=now)
    before = list(appointment.reminders.values_list("kind", "due_at", "state"))
    assert "planned" not in {state for _kind, _due_at, state in before}
    text = make_catalogue().source.replace("instant, hours: 24}", "instant, hours: 46}", 1)
    publish_rules(text=text, on_top_of=1, note="Longer.", by=lead, now=now)
    work_off_runs(now=now)
    assert list(appointment.reminders.values_list("kind", "due_at", "state")) == before


def test_what_was_screened_before_keeps_its_version(lead):
    [appointment] = book(1)
    before = appointment.session.screenings.get()
    publish(lead)
    work_off_runs(now=LATER)
    kept = Screening.objects.get(pk=before.pk)
    assert (kept.catalogue_version.number, kept.created_at) == (1, before.created_at)


def test_a_finished_run_has_nothing_left_to_do(lead):
    book(1)
    publish(lead)
    work_off_runs(now=LATER)
    screenings = Screening.objects.count()
    assert work_off_runs(now=LATER) == 0
    assert Screening.objects.count() == screenings


def test_without_visits_a_run_ends_at_once(lead):
    publish(lead)
    assert work_off_runs(now=LATER) == 0
    assert newest_run().finished_at == LATER


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_batches_of_any_size_take_each_visit_once(lead, monkeypatch, size):
    monkeypatch.setattr(rule_runs, "BATCH", size)
    appointments = book(3)
    publish(lead)
    assert work_off_runs(now=LATER) == 3
    assert [each.session.screenings.count() for each in appointments] == [2, 2, 2]
    assert newest_run().finished_at == LATER


def test_a_sweep_does_so_many_batches_and_the_next_goes_on(lead, monkeypatch):
    monkeypatch.setattr(rule_runs, "BATCH", 1)
    monkeypatch.setattr(rule_runs, "BATCHES_AT_ONCE", 2)
    book(3)
    publish(lead)
    assert work_off_runs(now=LATER) == 2
    assert (newest_run().done, newest_run().finished_at) == (2, None)
    assert work_off_runs(now=LATER) == 1
    assert newest_run().finished_at == LATER


def test_a_run_goes_on_where_a_killed_worker_left_it(lead, monkeypatch):
    monkeypatch.setattr(rule_runs, "BATCH", 2)
    appointments = book(5)
    publish(lead)
    rescreen, batches = rule_runs.rescreen, []

    def dies_in_the_second_batch(batch, **how):
        batches.append(batch)
        done = rescreen(batch, **how)
        if len(batches) == 2:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(rule_runs, "rescreen", dies_in_the_second_batch)
    with pytest.raises(KeyboardInterrupt):
        work_off_runs(now=LATER)
    assert (newest_run().done, newest_run().finished_at) == (2, None)
    monkeypatch.setattr(rule_runs, "rescreen", rescreen)
    assert work_off_runs(now=LATER) == 3
    assert [each.session.screenings.count() for each in appointments] == [2] * 5


def test_a_newer_version_ends_the_run_before_it_and_covers_everything(lead):
    appointments = book(2)
    older = publish(lead)
    newer = publish(lead, months=8, on_top_of=2, now=LATER + timedelta(minutes=1))
    assert RuleRun.objects.get(version=older).finished_at == LATER + timedelta(minutes=1)
    assert work_off_runs(now=LATER + timedelta(minutes=2)) == 2
    versions = {each.session.screenings.newest_first().first().catalogue_version for each in appointments}
    assert versions == {newer}
    assert RuleRun.objects.get(version=older).done == 0


def test_a_refused_text_or_an_outdated_base_begins_no_run(lead):
    with pytest.raises(CatalogueError):
        publish(lead, months=5)
    with pytest.raises(PublishedMeanwhile):
        publish(lead, on_top_of=7)
    assert newest_run() is None
    assert CatalogueVersion.objects.count() == 1


def test_a_batch_of_thirty_asks_as_much_as_one_of_three(lead, monkeypatch):
    monkeypatch.setattr(rule_runs, "BATCH", 31)

    def count_reads(months: int) -> int:
        publish(lead, months=months, on_top_of=CatalogueVersion.objects.current().number)
        with CaptureQueriesContext(connection) as queries:
            work_off_runs(now=LATER)
        # SQLite takes a thousand values at once, so that many new rows are several inserts there
        return len({query["sql"][:60] for query in queries if query["sql"].startswith("INSERT")}) + sum(
            not query["sql"].startswith("INSERT") for query in queries
        )

    book(3)
    few = count_reads(7)
    book(27)
    assert count_reads(8) == few


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_no_visit_twice(monkeypatch):
    make_catalogue()
    monkeypatch.setattr(rule_runs, "BATCH", 2)
    appointments = book(6)
    publish(make_user("lead"))
    gate = threading.Barrier(2)

    def work():
        try:
            gate.wait()
            work_off_runs(now=LATER)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _each in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work_off_runs(now=LATER)  # whatever one of them left to the other
    assert [each.session.screenings.count() for each in appointments] == [2] * 6
    run = newest_run()
    assert (run.done, run.finished_at) == (6, LATER)


@pytest.mark.django_db(transaction=True)
def test_who_writes_meanwhile_has_a_turn_between_two_batches(monkeypatch):
    make_catalogue()
    monkeypatch.setattr(rule_runs, "BATCH", 1)
    patient = book(8)[0].patient
    publish(make_user("lead"))

    def work():
        work_off_runs(now=LATER)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    while not newest_run().done:
        time.sleep(0.01)
    with transaction.atomic():
        Patient.objects.filter(pk=patient.pk).update(note="Called meanwhile")
        assert newest_run().finished_at is None
    worker.join()
    assert newest_run().finished_at == LATER
