"""The guarantee that a signed record stays as it was signed, kept by the database itself."""

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, models
from django.db.backends.ddl_references import Statement, Table

_SQLITE = """
CREATE TRIGGER %(trigger)s BEFORE %(event)s ON %(table)s
WHEN %(signed)s
BEGIN SELECT RAISE(ABORT, '%(name)s'); END
"""
_FUNCTION = """
CREATE OR REPLACE FUNCTION %(function)s() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF %(signed)s THEN
        RAISE EXCEPTION '%(name)s' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = '%(name)s';
    END IF;
    RETURN NEW;
END $$
"""
_POSTGRESQL = "CREATE TRIGGER %(trigger)s BEFORE %(event)s ON %(table)s FOR EACH ROW EXECUTE FUNCTION %(function)s()"


class SignedIsFinal(models.BaseConstraint):
    """No UPDATE of a signed visit; with `visit`, the name of a foreign key, none of its parts and no new part either.
    What is signed in the moment in which it is written `is_born_signed`, and takes no UPDATE at all.

    Kept by triggers on both databases. They refuse changes and additions; rows are protected from deletion by their
    foreign keys and because nothing in the application deletes them.
    """

    def __init__(
        self,
        *,
        name: str,
        visit: str = "",
        is_born_signed: bool = False,
        violation_error_message=None,
        violation_error_code=None,
    ):
        super().__init__(
            name=name, violation_error_message=violation_error_message, violation_error_code=violation_error_code
        )
        self.visit = visit
        self.is_born_signed = is_born_signed

    def _signed(self, model, quote, event: str) -> str:
        if self.is_born_signed:
            return "1 = 1"
        if not self.visit:
            return f"OLD.{quote('signed_at')} IS NOT NULL"
        key = model._meta.get_field(self.visit)
        table, column = quote(key.related_model._meta.db_table), quote(key.column)
        # a part may neither leave a signed record nor move into one
        rows = ", ".join(f"{row}.{column}" for row in (["OLD", "NEW"] if event == "UPDATE" else ["NEW"]))
        return (
            f"EXISTS (SELECT 1 FROM {table} AS visit WHERE visit.id IN ({rows}) "  # noqa: S608 only our own names
            "AND visit.signed_at IS NOT NULL)"
        )

    def _statements(self, model, editor) -> list[Statement]:
        quote = editor.quote_name
        statements = []
        for event in ("UPDATE", "INSERT") if self.visit else ("UPDATE",):
            parts = {
                "name": self.name,
                "event": event,
                "table": Table(model._meta.db_table, quote),
                "trigger": quote(f"{self.name}_{event.lower()}"),
                "function": quote(f"{self.name}_{event.lower()}"),
                "signed": self._signed(model, quote, event),
            }
            templates = [_FUNCTION, _POSTGRESQL] if editor.connection.vendor == "postgresql" else [_SQLITE]
            statements += [Statement(template, **parts) for template in templates]
        return statements

    def constraint_sql(self, model, schema_editor):
        if schema_editor.connection.vendor == "sqlite":
            schema_editor.deferred_sql.extend(self._set_aside(model, schema_editor))
        schema_editor.deferred_sql.extend(self._statements(model, schema_editor))
        return None

    def _set_aside(self, model, schema_editor) -> list[str]:
        """SQLite rebuilds a table under another name, and no trigger of another table may name it meanwhile.

        Drops the triggers that do and returns the statements that make them again.
        """
        table = model._meta.db_table.removeprefix("new__")
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name != %s AND sql LIKE %s",
                [table, f'%FROM "{table}"%'],
            )
            triggers = cursor.fetchall()
        for name, _sql in triggers:
            schema_editor.execute(f"DROP TRIGGER {schema_editor.quote_name(name)}")
        return [sql for _name, sql in triggers]

    def create_sql(self, model, schema_editor):
        for statement in self._statements(model, schema_editor):
            schema_editor.execute(statement, params=None)
        return None

    def remove_sql(self, model, schema_editor):
        quote = schema_editor.quote_name
        is_postgresql = schema_editor.connection.vendor == "postgresql"
        on_table = f" ON {quote(model._meta.db_table)}" if is_postgresql else ""
        for event in ("update", "insert"):
            name = quote(f"{self.name}_{event}")
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")
            if is_postgresql:
                schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}()")
        return None

    def validate(self, model, instance, exclude=None, using=DEFAULT_DB_ALIAS):
        if self.is_born_signed:
            if not instance._state.adding:
                raise ValidationError(self.get_violation_error_message(), code=self.violation_error_code)
            return
        visit = getattr(instance, self.visit) if self.visit else instance
        visits = type(visit)._default_manager.using(using)
        if visits.filter(pk=visit.pk, signed_at__isnull=False).exists():
            raise ValidationError(self.get_violation_error_message(), code=self.violation_error_code)

    def deconstruct(self):
        path, args, kwargs = super().deconstruct()
        own = {"visit": self.visit, "is_born_signed": self.is_born_signed}
        return path, args, kwargs | {name: value for name, value in own.items() if value}

    def __eq__(self, other):
        if isinstance(other, SignedIsFinal):
            return self.deconstruct() == other.deconstruct()
        return super().__eq__(other)

    __hash__ = models.BaseConstraint.__hash__
