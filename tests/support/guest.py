"""`python -m tests.support.guest NAME LINEUP`: a second member of the team, and a published line-up.

LINEUP is a document as JSON. What is printed is the value of the member's session cookie.
"""

from __future__ import annotations

import json
import sys

import django

from orchestra_site.settings.environment import select_settings

select_settings()
django.setup()

from django.conf import settings  # noqa: E402

from collaboration.selectors import LINEUPS  # noqa: E402
from orchestra_site.accounts.models import Membership, Role, Team  # noqa: E402
from orchestration.expressions.documents import write_yaml  # noqa: E402
from orchestration.library.services.definitions import create_definition, publish  # noqa: E402
from tests.support.history import a_member, signed_in  # noqa: E402

if __name__ == "__main__":
    _, name, text = sys.argv
    document, owner = json.loads(text), Membership.objects.get()
    row = create_definition(membership=owner, kind=LINEUPS, name=document["name"], text=write_yaml(document))
    publish(membership=owner, definition=row, based_on=row.draft_number)
    guest = a_member(Role.OPERATOR, Team.objects.get(), name)
    sys.stdout.write(signed_in(guest).cookies[settings.SESSION_COOKIE_NAME].value)
