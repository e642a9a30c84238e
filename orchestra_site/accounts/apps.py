"""Accounts: users, teams, membership and audit."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The people of an installation."""

    name = "orchestra_site.accounts"
    label = "accounts"
