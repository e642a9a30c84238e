"""`python -m tests.support.begin_session LINEUP TASK`: begin a session of the oldest member."""

from __future__ import annotations

import json
import sys

import django

from orchestra_site.settings.environment import select_settings

select_settings()
django.setup()

from collaboration.selectors import KIND  # noqa: E402
from orchestra_site.accounts.selectors import first_member  # noqa: E402
from orchestration.runs.services.starting import store_run  # noqa: E402

if __name__ == "__main__":
    _, lineup, task = sys.argv
    member = first_member("")
    assert member is not None
    run = store_run(membership=member, kind=KIND, payload={"text": task, "lineup": json.loads(lineup)})
    print(run.id)  # noqa: T201  # how the parent learns it
