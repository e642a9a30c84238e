"""Pipelines, their versions and triggers move to the library, where definitions of all kinds are."""

from django.db import migrations

MOVED = {"SavedPipeline": "SavedDefinition", "PublishedVersion": "PublishedVersion", "Trigger": "Trigger"}


def copy(source, target, before, after, **added):
    """Copy all rows; the column `before` is called `after` in the target, which may lack some."""
    wanted = {field.attname for field in target._meta.fields}
    for row in source.objects.all():
        values = {field.attname.replace(before, after): getattr(row, field.attname) for field in source._meta.fields}
        target.objects.create(**{name: values[name] for name in wanted & values.keys()}, **added)


def to_library(apps, schema_editor):
    for old, new in MOVED.items():
        added = {"kind": "pipeline"} if old == "SavedPipeline" else {}
        copy(apps.get_model("pipelines", old), apps.get_model("library", new), "pipeline_id", "definition_id", **added)


def to_pipelines(apps, schema_editor):
    for old, new in MOVED.items():
        copy(apps.get_model("library", new), apps.get_model("pipelines", old), "definition_id", "pipeline_id")
    apps.get_model("library", "SavedDefinition").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [('pipelines', '0001_squashed_0002_triggers'), ('library', '0001_initial')]

    operations = [
        migrations.RunPython(to_library, to_pipelines),
        *(migrations.DeleteModel(name=name) for name in ('Trigger', 'PublishedVersion', 'SavedPipeline')),
    ]
