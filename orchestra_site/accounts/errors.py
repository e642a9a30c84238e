"""What can be wrong with a change to a team. Each message is a sentence for the person who asked.

AccountsError
├── NotAllowed          the member's role does not reach that far
├── LastOwner           a team always keeps an owner
├── AddressTaken        someone has an account with this e-mail address
└── InvitationClosed    used, withdrawn or expired
"""

from __future__ import annotations


class AccountsError(Exception):
    """Base of all: nothing was changed."""


class NotAllowed(AccountsError):
    """The member's role does not allow this."""


class LastOwner(AccountsError):
    """The team would be left without an owner."""


class AddressTaken(AccountsError):
    """Someone has an account with this e-mail address."""


class InvitationClosed(AccountsError):
    """The invitation was used, withdrawn, or has expired."""
