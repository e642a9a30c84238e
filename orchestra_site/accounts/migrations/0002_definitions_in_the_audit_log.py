"""Entries about pipelines get the words of definitions of any kind: what they say stays the same."""

from django.db import migrations


def to_definitions(apps, schema_editor):
    reword(apps, "pipeline.", "definition.", "pipeline", "starts")


def to_pipelines(apps, schema_editor):
    reword(apps, "definition.", "pipeline.", "starts", "pipeline")


def reword(apps, before, after, old_key, new_key):
    entries = apps.get_model("accounts", "AuditEntry").objects
    for entry in entries.filter(action__startswith=before):
        entry.action = after + entry.action.removeprefix(before)
        entry.after = {**entry.after, "of": "pipeline"}
        entry.save()
    for entry in entries.filter(action__startswith="trigger."):
        for values in (entry.before, entry.after):
            if old_key in values:
                values[new_key] = values.pop(old_key)
        entry.save()


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.RunPython(to_definitions, to_pipelines),
    ]
