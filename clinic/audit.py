"""The trail of who changed or opened what: the fields are named, their words are not."""

from collections.abc import Collection

from auditlog.cid import get_cid
from auditlog.diff import model_instance_diff
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from auditlog.signals import accessed
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model


def hide_words(value: str) -> str:
    return "***"


def watch(model, *, hide: bool = True, m2m: tuple[str, ...] = ()) -> None:
    """Write down every change of the model. With `hide`, which fields changed, but none of their content."""
    fields = [field.name for field in model._meta.concrete_fields]
    auditlog.register(
        model,
        include_fields=fields,  # what points to the model is read for nothing
        mask_fields=fields if hide else [],
        mask_callable="clinic.audit.hide_words",
        m2m_fields=set(m2m),
    )


def record_opening(instance) -> None:
    """Write down that the signed-in person opened this."""
    accessed.send(type(instance), instance=instance)


def record_creations(instances: Collection[Model], *, by) -> None:
    """Write down that rows were stored, where they were stored in bulk and the trail does not see it by itself."""
    LogEntry.objects.bulk_create(
        LogEntry(
            content_type=ContentType.objects.get_for_model(instance),
            object_pk=str(instance.pk),
            object_id=instance.pk,
            object_repr=str(instance),
            action=LogEntry.Action.CREATE,
            changes=model_instance_diff(None, instance, [field.name for field in instance._meta.concrete_fields]),
            actor=by,
            actor_email=by and by.email,
            cid=get_cid(),
        )
        for instance in instances
    )
