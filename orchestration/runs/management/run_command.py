"""What commands about runs share: for whom they act, what they refuse, and waiting for the end of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import BaseCommand, CommandError

from orchestra_site.accounts.models import Membership
from orchestra_site.accounts.selectors import first_member
from orchestra_site.web.logs import printable
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.services.registry.seeding import prepare_installation
from orchestration.runs.models import Run
from orchestration.runs.tasks import execute_here

BAD_ARGUMENTS = 2


class RunCommand(BaseCommand):
    """A command about runs: exit 0 succeeded, 1 failed, 2 bad arguments."""

    def member(self, team: str) -> Membership:
        """Prepare the installation; return a member of the team, of the oldest one without a name."""
        for line in prepare_installation():
            self.stderr.write(line)
        found = first_member(team)
        if found is None:
            where = f"There is no team {team!r}." if team else "There is no team yet."
            words = f"{where} Start Orchestra once with `manage.py up`, or name another team."
            raise CommandError(words, returncode=BAD_ARGUMENTS)
        return found

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Exit with what is wrong with a request, and where."""
        try:
            yield
        except InvalidRequest as error:
            explained = f"{error.field}: {error}" if error.field else str(error)
            raise CommandError(printable(explained), returncode=BAD_ARGUMENTS) from None

    def finish(self, run: Run) -> None:
        """Execute a run until it is over or parked, and read it again."""
        try:
            execute_here(run.id)
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. Run {run.id} goes on when a worker is there.") from None
        run.refresh_from_db()
