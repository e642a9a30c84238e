"""Who takes part: an Orchestra, its owner, two foreign servers. And what is written down of each step."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from benchmarks.foreign.server import ForeignServer
from benchmarks.installation import Installation
from benchmarks.member import RUN, Member

BABBLER, ALIAS, STAMMERER = "babbler", "mumbler", "stammerer"
"""Two names of the first server's model, which answers to any, and the second server's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a step was to show, whether it did, and what was seen."""

    step: str
    ok: bool
    observed: str


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that the steps act on."""

    orchestra: Installation
    member: Member
    first: ForeignServer
    second: ForeignServer
    numbers: count[int]

    def question(self) -> str:
        """Return a question that has not been asked yet, so that no answer is reused."""
        return f"What is {next(self.numbers)} times 17?"

    def ask(self, models: Sequence[str], strategy: str = "parallel", **fields: str) -> str:
        """Ask a new question and return the run's id."""
        return self.member.ask(self.question(), models, strategy, **fields)

    def session(self, task: str, lineup: Mapping[str, Any]) -> str:
        """Start a session of a line-up from the page of sessions and return the run's id."""
        made = self.member.post("/sessions/import", {"text": json.dumps(lineup), "import": "1"})
        assert made.is_redirect, made.text[:2000]
        start = {"text": task, "lineup": str(lineup["name"]), "version": "draft"}
        answer = self.member.post("/sessions/start", start)
        found = RUN.search(answer.headers.get("location", ""))
        assert found is not None, answer.text[:3000]
        return found[1]

    def provider(self, server: ForeignServer) -> str:
        """Return where the pages of a server's provider are."""
        query = "select id from llm_provider where base_url = ?"
        ((found,),) = self.orchestra.rows(query, [server.base_url])
        return f"/models/providers/{_dashed(found)}"

    def model(self, name: str) -> str:
        """Return where the page of a model is."""
        ((found,),) = self.orchestra.rows("select id from llm_languagemodel where name = ?", [name])
        return f"/models/{_dashed(found)}"

    def model_of(self, call: str) -> str:
        """Return which model a call asks; from the table, which takes no time that streams use."""
        query = "select model from runs_call where id = ?"
        ((name,),) = self.orchestra.rows(query, [call.replace("-", "")])
        return str(name)


Step = Callable[[Scene], Finding]


def _dashed(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
