"""Whether the application can do its work."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from kombu import Connection
from kombu.exceptions import OperationalError

from clinic import times
from clinic.heartbeats import last_beat
from clinic.models import OutgoingMail
from scheduling.models import Reminder


@require_safe
@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """`ok` or `late` or `down`, as JSON. Only a missing database is a 503: without the broker mails wait, no more.

    A mail is overdue one lease after it, or the reminder that it is to be made of, was due.
    """
    try:
        last_sweep = last_beat("sweep")
        lease = timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
        now = times.now()
        overdue = OutgoingMail.objects.overdue(now, lease).count() + Reminder.objects.due(now - lease).count()
    except DatabaseError:
        return JsonResponse({"status": "down", "database": "down"}, status=503)
    is_swept = last_sweep is not None and times.real_now() - last_sweep < 4 * timedelta(seconds=settings.SWEEP_SECONDS)
    return JsonResponse(
        {
            "status": "ok" if is_swept and not overdue else "late",
            "database": "ok",
            "broker": "ok" if _is_broker_reachable() else "down",
            "last_sweep": last_sweep and last_sweep.isoformat(),
            "mails_overdue": overdue,
        }
    )


def _is_broker_reachable() -> bool:
    """Asked with the same short time-outs as everything else that talks to the broker."""
    try:
        with Connection(
            settings.CELERY_BROKER_URL, transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS
        ) as connection:
            connection.ensure_connection(max_retries=1, timeout=1, interval_start=0)
            return True
    except (OperationalError, OSError):
        return False
