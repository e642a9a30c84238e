"""What can happen in a run is the engine's to say: a new kind of event needs no change of the table."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Let the kind of an event be any name."""

    dependencies: ClassVar = [("orchestration", "0003_profiles")]

    operations: ClassVar = [
        migrations.AlterField(model_name="event", name="kind", field=models.CharField(max_length=24)),
    ]
