"""The trail of who changed or opened what: the fields are named, their words are not."""

from auditlog.registry import auditlog
from auditlog.signals import accessed


def hide_words(value: str) -> str:
    return "***"


def watch(model, *, hide: bool = True, m2m: tuple[str, ...] = ()) -> None:
    """Write down every change of the model. With `hide`, which fields changed, but none of their content."""
    fields = [field.name for field in model._meta.concrete_fields]
    auditlog.register(
        model,
        mask_fields=fields if hide else [],
        mask_callable="clinic.audit.hide_words",
        m2m_fields=set(m2m),
    )


def record_opening(instance) -> None:
    """Write down that the signed-in person opened this."""
    accessed.send(type(instance), instance=instance)
