"""Columns are wide enough for what any kind of run fills; runs can wait for a moment and for messages."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('orchestration', '0004_event_kinds_open'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Timer',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('step', models.CharField(max_length=200)),
                ('due_at', models.DateTimeField(null=True)),
                ('for_message', models.BooleanField(default=False)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.RemoveIndex(
            model_name='run',
            name='run_history_by_ref',
        ),
        migrations.RemoveIndex(
            model_name='run',
            name='run_to_learn',
        ),
        migrations.AddField(
            model_name='command',
            name='payload',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='humanquestion',
            name='audience',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='run',
            name='output',
            field=models.JSONField(null=True),
        ),
        migrations.AlterField(
            model_name='call',
            name='purpose',
            field=models.CharField(max_length=40),
        ),
        migrations.AlterField(
            model_name='command',
            name='kind',
            field=models.CharField(choices=[('cancel', 'Cancel'), ('pause', 'Pause'), ('resume', 'Resume'), ('answer', 'Answer'), ('message', 'Message')], max_length=24),
        ),
        migrations.AlterField(
            model_name='event',
            name='kind',
            field=models.CharField(max_length=60),
        ),
        migrations.AlterField(
            model_name='run',
            name='kind',
            field=models.CharField(max_length=40),
        ),
        migrations.AlterField(
            model_name='run',
            name='ref',
            field=models.CharField(max_length=200),
        ),
        migrations.AlterField(
            model_name='step',
            name='kind',
            field=models.CharField(max_length=24),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['team', 'kind', 'ref', '-created_at', '-id'], name='run_history_by_ref'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('learned_at', None), ('status__in', ['succeeded', 'failed'])), fields=['finished_at'], name='run_to_learn'),
        ),
        migrations.AddField(
            model_name='timer',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='timers', to='orchestration.run'),
        ),
        migrations.AddIndex(
            model_name='timer',
            index=models.Index(fields=['due_at'], name='timer_due'),
        ),
        migrations.AddConstraint(
            model_name='timer',
            constraint=models.UniqueConstraint(fields=('run', 'step'), name='one_timer_a_step'),
        ),
    ]
