"""The guarantee against double booking, kept by the database itself on PostgreSQL and on SQLite."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, models
from django.db.backends.ddl_references import Statement, Table
from django.db.models import F, Func, Q

_TRIGGER = """
CREATE TRIGGER %(trigger)s BEFORE %(event)s ON %(table)s
WHEN NEW.%(column)s IS NOT NULL AND EXISTS (
    SELECT 1 FROM %(table)s AS taken
    WHERE taken.%(column)s = NEW.%(column)s AND taken.id <> %(own)s
    AND taken.starts_at < NEW.ends_at AND taken.ends_at > NEW.starts_at
)
BEGIN SELECT RAISE(ABORT, '%(name)s'); END
"""


class _Span(Func):
    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class NoOverlap(models.BaseConstraint):
    """Rows that name the same `resource` never overlap in `[starts_at, ends_at)`; rows that name none are free.

    PostgreSQL keeps it by an exclusion constraint. SQLite keeps it by two triggers, handed to the schema editor as
    deferred SQL, which Django emits at CREATE TABLE and again whenever it rebuilds the table.
    """

    def __init__(self, *, resource: str, name: str, violation_error_message=None, violation_error_code=None):
        super().__init__(
            name=name,
            violation_error_message=violation_error_message,
            violation_error_code=violation_error_code,
        )
        self.resource = resource

    def _exclusion(self) -> ExclusionConstraint:
        return ExclusionConstraint(
            name=self.name,
            expressions=[
                (_Span("starts_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                (F(self.resource), RangeOperators.EQUAL),
            ],
            condition=Q(**{f"{self.resource}__isnull": False}),
        )

    def _triggers(self, model, schema_editor) -> list[Statement]:
        quote = schema_editor.quote_name
        column = quote(model._meta.get_field(self.resource).column)
        changed = ", ".join([quote("starts_at"), quote("ends_at"), column])
        return [
            Statement(
                _TRIGGER,
                table=Table(model._meta.db_table, quote),
                column=column,
                event=event,
                own=own,
                trigger=quote(f"{self.name}_{suffix}"),
                name=self.name,
            )
            for event, suffix, own in [("INSERT", "insert", "-1"), (f"UPDATE OF {changed}", "update", "OLD.id")]
        ]

    def constraint_sql(self, model, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            return self._exclusion().constraint_sql(model, schema_editor)
        schema_editor.deferred_sql.extend(self._triggers(model, schema_editor))
        return None

    def create_sql(self, model, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            return self._exclusion().create_sql(model, schema_editor)
        for statement in self._triggers(model, schema_editor):
            schema_editor.execute(statement)
        return None

    def remove_sql(self, model, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            return self._exclusion().remove_sql(model, schema_editor)
        for suffix in ("insert", "update"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {schema_editor.quote_name(f'{self.name}_{suffix}')}")
        return None

    def validate(self, model, instance, exclude=None, using=DEFAULT_DB_ALIAS):
        taker = getattr(instance, model._meta.get_field(self.resource).attname)
        if taker is None or {self.resource, "starts_at", "ends_at"} & set(exclude or ()):
            return
        rivals = model._default_manager.using(using).filter(
            **{self.resource: taker}, starts_at__lt=instance.ends_at, ends_at__gt=instance.starts_at
        )
        if rivals.exclude(pk=instance.pk).exists():
            raise ValidationError(self.get_violation_error_message(), code=self.violation_error_code)

    def deconstruct(self):
        path, args, kwargs = super().deconstruct()
        return path, args, kwargs | {"resource": self.resource}

    def __eq__(self, other):
        if isinstance(other, NoOverlap):
            return self.deconstruct() == other.deconstruct()
        return super().__eq__(other)

    __hash__ = models.BaseConstraint.__hash__
