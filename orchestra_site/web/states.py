"""How states look: icon, word and tone, so that none is told by colour alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StateLook:
    """An icon of the sprite, the word beside it, and the CSS tone."""

    icon: str
    word: str
    tone: str


LOOKS = {
    "queued": StateLook("clock", "Queued", "queued"),
    "running": StateLook("loader-2", "Running", "running"),
    "waiting": StateLook("hand-stop", "Waiting", "waiting"),
    "succeeded": StateLook("circle-check", "Succeeded", "succeeded"),
    "done": StateLook("circle-check", "Answered", "succeeded"),
    "failed": StateLook("circle-x", "Failed", "failed"),
    "cancelled": StateLook("player-stop", "Cancelled", "cancelled"),
    "resumed": StateLook("arrow-forward-up", "Resumed", "resumed"),
    "lost": StateLook("alert-triangle", "Lost", "resumed"),
}


def look_of(state: str) -> StateLook:
    """Return how `state` looks; one without a look of its own shows its name on a neutral tone."""
    return LOOKS.get(state) or StateLook("circle-dashed", state.replace("_", " ").capitalize(), "queued")
