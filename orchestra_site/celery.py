"""The Celery application: tasks of all apps, settings that start with `CELERY_`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from celery import Celery
from celery.signals import celeryd_init
from celery.utils.nodenames import default_nodename

from orchestra_site.settings.environment import select_settings

if TYPE_CHECKING:
    from celery.worker import WorkController

select_settings()
app = Celery("orchestra")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks()


@celeryd_init.connect
def _name_worker(sender: str, instance: WorkController, **_: object) -> None:
    """Give a worker that was started without a name one of its own.

    All workers of a host would have the same one, and RabbitMQ lets only the first of a name connect.
    """
    if sender == default_nodename(""):
        instance.hostname = sender.replace("@", f"-{os.getpid()}@", 1)  # type: ignore[attr-defined]  # missing in its stub
