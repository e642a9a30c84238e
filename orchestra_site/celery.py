"""The Celery application: tasks of all apps, settings that start with `CELERY_`."""

from __future__ import annotations

from celery import Celery

from orchestra_site.settings.environment import select_settings

select_settings()
app = Celery("orchestra")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks()
