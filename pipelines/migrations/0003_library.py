"""Pipelines, their versions and triggers move to the library, where definitions of all kinds are."""

from django.db import migrations

KIND = "pipeline"
MOVED = (
    ("SavedPipeline", "SavedDefinition", {}, {"kind": KIND}),
    ("PublishedVersion", "PublishedVersion", {"pipeline_id": "definition_id"}, {}),
    ("Trigger", "Trigger", {"pipeline_id": "definition_id"}, {}),
)
"""Each model with that which takes its rows, the columns with another name, and those that are new."""


def rows_of(model):
    return [{field.attname: getattr(row, field.attname) for field in model._meta.fields} for row in model.objects.all()]


def to_library(apps, schema_editor):
    for old, new, renamed, added in MOVED:
        target = apps.get_model("library", new)
        for row in rows_of(apps.get_model("pipelines", old)):
            target.objects.create(**{renamed.get(name, name): value for name, value in row.items()}, **added)
    reword(apps, "pipeline.", "definition.", "pipeline", "starts")


def to_pipelines(apps, schema_editor):
    for old, new, renamed, added in MOVED:
        back = {now: before for before, now in renamed.items()}
        for row in rows_of(apps.get_model("library", new)):
            kept = {back.get(name, name): value for name, value in row.items() if name not in added}
            apps.get_model("pipelines", old).objects.create(**kept)
    apps.get_model("library", "SavedDefinition").objects.all().delete()
    reword(apps, "definition.", "pipeline.", "starts", "pipeline")


def reword(apps, before, after, old_key, new_key):
    """Have earlier entries of the audit log in the words of this version: what they say stays the same."""
    entries = apps.get_model("accounts", "AuditEntry").objects
    for entry in entries.filter(action__startswith=before):
        entry.action = after + entry.action.removeprefix(before)
        entry.after = {**entry.after, "of": KIND}
        entry.save()
    for entry in entries.filter(action__startswith="trigger."):
        for values in (entry.before, entry.after):
            if old_key in values:
                values[new_key] = values.pop(old_key)
        entry.save()


class Migration(migrations.Migration):

    dependencies = [
        ('pipelines', '0002_triggers'),
        ('library', '0001_initial'),
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.RunPython(to_library, to_pipelines),
        migrations.DeleteModel(name='Trigger'),
        migrations.DeleteModel(name='PublishedVersion'),
        migrations.DeleteModel(name='SavedPipeline'),
    ]
