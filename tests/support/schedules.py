"""`python -m tests.support.schedules COUNT`: a pipeline with so many schedules."""

from __future__ import annotations

import sys

from orchestra_site.settings.loading import load_site

load_site()

from orchestra_site.accounts.models import Membership  # noqa: E402
from orchestration.library.models import Trigger  # noqa: E402
from orchestration.library.services.triggers import add_schedule  # noqa: E402
from tests.support.pipelines import a_pipeline  # noqa: E402


def make(count: int) -> None:
    """Publish a pipeline with schedules that are not due for long, each with an input of its own."""
    owner = Membership.objects.get()
    row = a_pipeline(owner)
    for number in range(count):
        trigger = Trigger(title=f"{number}", crontab="0 0 1 1 *", zone="UTC", input={"text": f"{number}"})
        add_schedule(membership=owner, definition=row, trigger=trigger)


if __name__ == "__main__":
    make(int(sys.argv[1]))
