"""Typed answers are told apart from newer ones by the moment up to which they are in step with what is on file."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0004_call_without_visit")]

    operations = [migrations.RenameField(model_name="patientanswers", old_name="begun_at", new_name="as_of")]
