"""Encrypt every stored key again, with the newest encryption key."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from orchestration.llm.services.credentials import reseal_secrets


class Command(BaseCommand):
    """`manage.py rotate_keys`: after a new key was put first into ORCHESTRA_ENCRYPTION_KEYS."""

    help = "Encrypt all stored keys with the first of ORCHESTRA_ENCRYPTION_KEYS; then drop the old ones."

    def handle(self, **_: object) -> None:
        """Encrypt again, and name what could not be read. Exits with status 1 if there is any."""
        resealed, unreadable = reseal_secrets()
        self.stdout.write(f"Keys encrypted with the newest key: {resealed}.")
        if unreadable:
            raise CommandError(
                f"Not readable with ORCHESTRA_ENCRYPTION_KEYS: {', '.join(unreadable)}. Add the"
                " key they were encrypted with and run this again, or enter them again on the pages"
                " Models and Tools."
            )
        self.stdout.write(
            "No stored key needs the other ones of ORCHESTRA_ENCRYPTION_KEYS any more. Webhooks do that were"
            " not used since the newest one was added."
        )
