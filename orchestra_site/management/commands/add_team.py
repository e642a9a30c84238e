"""Create a team from the command line: the first one of a production installation, or another one."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from orchestra_site.accounts.models import Team, User
from orchestra_site.accounts.services import create_team, readable_password
from orchestration.llm.services.registry.seeding import seed_simulated

LONGEST_NAME = 80


class Command(BaseCommand):
    """`manage.py add_team NAME --owner EMAIL`: a team, its owner, and the owner's password once."""

    help = "Create a team with an owner; a new owner's password is printed once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the team's name and its owner's address."""
        parser.add_argument("name", help="the team's name")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="who owns it, by e-mail address")
        parser.add_argument("--simulated", action="store_true", help="give it the simulated models, too")

    def handle(self, *, name: str, owner: str, simulated: bool, **_: object) -> None:
        """Create the team, and the owner if no user has that address."""
        if not name.strip() or len(name) > LONGEST_NAME:
            raise CommandError(f"A team's name has 1 to {LONGEST_NAME} characters.")
        if Team.objects.filter(name=name).exists():
            raise CommandError(f"There is a team called {name} already.")
        try:
            validate_email(owner)
        except ValidationError:
            raise CommandError(f"{owner} is not an e-mail address.") from None
        with transaction.atomic():
            user = User.objects.filter(email=owner.lower()).first()
            password = None if user else readable_password()
            user = user or User.objects.create_user(owner, password)
            team = create_team(name, user)
            if simulated:
                seed_simulated(team)
        self.stdout.write(f"{name} is ready; {user.email} owns it.")
        if password:
            self.stdout.write(f"\n    e-mail    {user.email}\n    password  {password}\n")
