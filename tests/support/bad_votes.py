"""`python -m tests.support.bad_votes`: rule sets for Auto, and three votes that make optimisations act."""

from __future__ import annotations

import django

from orchestra_site.settings.environment import select_settings

select_settings()
django.setup()

from django.core.management import call_command  # noqa: E402

from orchestra_site.accounts.models import Membership  # noqa: E402
from orchestration.runs.models import Run  # noqa: E402
from tests.support.evaluations import PANEL, VOTE, go_badly, watching_rule_sets  # noqa: E402

if __name__ == "__main__":
    watching_rule_sets(Membership.objects.get())
    for _ in range(3):
        call_command("orchestrate", VOTE, strategy="voting", model=list(PANEL))
    go_badly(Run.objects.filter(prompt=VOTE))
