"""A run's rows written step by step, as a recorder would, for tests of its page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestration.runs.engine.types import EventKind, RunEvent
from orchestration.runs.models import Call, CallStatus, Run, RunStatus, Step
from orchestration.runs.services.events import emit_events
from orchestration.strategies.engine.types import StrategyEvent

PRICES = {"input_per_million": "0.50", "output_per_million": "1.50"}


def panel_entry(name: str, role: str = "member", **spec: object) -> dict[str, Any]:
    """Return a frozen model of a panel."""
    known = {"provider": "Simulated", "remote_name": name, "tier": "small", "max_output_tokens": 1000}
    return {"role": role, "kind": "simulated", "spec": {"name": name, "prices": PRICES, **known, **spec}}


@dataclass
class RunRows:
    """A run and the hand that writes it."""

    run: Run

    @classmethod
    def queued(
        cls,
        member: Membership,
        *models: str,
        prompt: str = "What is 17% of 2,300?",
        ref: str = "",
        kind: str = "strategy",
        age_s: float = 0.0,
        **columns: object,
    ) -> RunRows:
        """Store a queued run of `models`."""
        at = timezone.now() - timedelta(seconds=age_s)
        ref = ref or {"strategy": "parallel", "second": "board"}[kind]
        names = models or ("sim-swift", "sim-sage")
        panel = [panel_entry(name) for name in names]
        asked = {"text": prompt, "constraints": {}}
        own = (
            {"strategy": ref, "models": names}
            if kind == "strategy"
            else {"writers": names, "checkers": names}
        )
        request = {**asked, **own}
        given = {
            "kind": kind,
            "ref": ref,
            "prompt": prompt,
            "panel": panel,
            "request": request,
            "seed": 1,
            **columns,
        }
        run = Run.objects.create(
            team=member.team, created_by=member.user, created_at=at, queued_at=at, **given
        )
        rows = cls(run)
        rows.emit(EventKind.RUN_QUEUED, reason="new")
        return rows

    def emit(
        self, happened: str, where: str = "", changes: dict[str, Any] | None = None, /, **data: object
    ) -> None:
        """Append an event, and change columns of the run with it."""
        emit_events(self.run, [RunEvent(kind=happened, step=where, data=data)], **(changes or {}))

    def start(self, age_s: float = 0.0) -> None:
        """Let a worker take the run."""
        at = timezone.now() - timedelta(seconds=age_s)
        lease = timezone.now() + timedelta(seconds=30)
        taken = {"status": RunStatus.RUNNING, "started_at": at, "lease_until": lease}
        self.emit(EventKind.RUN_STARTED, "", taken, claim=1)

    def ask(
        self,
        model: str,
        text: str = "",
        *,
        attempt: int = 1,
        purpose: str = "answer",
        at_s: float = 0.1,
        part: str = "",
    ) -> Call:
        """Start a call; `part` is the round that it is of an answer, as in `.round-2`."""
        step = f"{'ask' if purpose == 'answer' else purpose}/{model}{part}"
        call = Call.objects.create(
            run=self.run,
            step=step,
            attempt=attempt,
            model=model,
            provider="Simulated",
            purpose=purpose,
            text=text,
            started_s=at_s,
        )
        data = {
            "call": str(call.pk),
            "model": model,
            "provider": "Simulated",
            "attempt": attempt,
            "purpose": purpose,
        }
        self.emit(EventKind.CALL_STARTED, step, **data)
        return call

    def save_text(self, call: Call, text: str) -> None:
        """Save what a running call has said so far."""
        Call.objects.filter(pk=call.pk).update(text=text)

    def answer(
        self, call: Call, text: str, *, seconds: float = 1.2, tokens: int = 20, finish: str = "stop"
    ) -> None:
        """End a call with an answer, and its step."""
        cost = Decimal(tokens) * Decimal("1.5") / 1_000_000
        ended = {"text": text, "status": CallStatus.DONE, "latency_s": seconds, "first_token_s": seconds / 4}
        costs = {"input_tokens": 12, "output_tokens": tokens, "cost_usd": cost, "finish": finish}
        Call.objects.filter(pk=call.pk).update(**ended, **costs)
        told = {"seconds": seconds, "input_tokens": 12, "output_tokens": tokens, "cost_usd": str(cost)}
        data = {"call": str(call.pk), "model": call.model, "finish": finish, **told}
        self.emit(EventKind.CALL_FINISHED, call.step, **data)
        self.end_step(call.step, "done", at_s=call.started_s, seconds=seconds)

    def want_tools(self, model: str, *, seconds: float = 0.5) -> None:
        """Have a model answer with tool calls."""
        self.answer(self.ask(model), "", seconds=seconds, finish="tool_calls")

    def call_tool(self, model: str, tool: str, number: int = 1) -> str:
        """Start a tool call of a model and return its step."""
        step = f"ask/{model}.tool-{number}"
        self.emit(EventKind.TOOL_CALLED, step, tool=tool, attempt=1)
        return step

    def end_tool(
        self, model: str, tool: str, number: int = 1, /, *, error: str = "", **shown: object
    ) -> None:
        """End a tool call of a model, and its step."""
        step = self.call_tool(model, tool, number)
        ended = {"tool": tool, "seconds": 0.25, "ok": not error, "error": error, "model": model}
        self.emit(EventKind.TOOL_ENDED, step, **ended, **shown)
        self.end_step(step, "failed" if error else "done", kind="tool", at_s=0.8, seconds=0.25)

    def fail(self, call: Call, message: str, *, code: str = "rate_limited", final: bool = True) -> None:
        """End a call with an error; its step too when no other attempt follows."""
        ended = {"status": CallStatus.FAILED, "latency_s": 0.4, "error": message, "error_code": code}
        Call.objects.filter(pk=call.pk).update(**ended)
        data = {"call": str(call.pk), "model": call.model, "code": code, "message": message}
        self.emit(EventKind.CALL_FAILED, call.step, **data)
        if final:
            self.end_step(call.step, "failed", at_s=call.started_s, seconds=0.4)

    def drop(self, call: Call, status: CallStatus = CallStatus.CANCELLED) -> None:
        """End a call that was stopped, or lost with its process."""
        Call.objects.filter(pk=call.pk).update(status=status, latency_s=0.8, maybe_billed=True)
        kind = EventKind.CALL_LOST if status == CallStatus.LOST else EventKind.CALL_CANCELLED
        self.emit(kind, call.step, call=str(call.pk), model=call.model)

    def end_step(
        self, key: str, status: str, *, kind: str = "ask", at_s: float = 0.0, seconds: float = 0.0
    ) -> None:
        """End a journaled step."""
        Step.objects.create(run=self.run, key=key, kind=kind, status=status, started_s=at_s, seconds=seconds)
        self.emit(EventKind.STEP_ENDED, key, key=key, kind=kind, status=status)

    def score(self, model: str, overall: float, *, step: str = "", judged: bool = True) -> None:
        """Tell how good a model's answer probably is."""
        marks = {
            "coherence": 0.9,
            "relevance": 0.8,
            "completeness": None,
            "accuracy": overall,
            "fluency": 0.95,
        }
        data = {
            "model": model,
            "overall": overall,
            "judged": judged,
            "dimensions": marks if judged else dict.fromkeys(marks),
            "evidence": ["Judged by sim-oracle." if judged else "The checks found nothing wrong."],
        }
        self.emit(StrategyEvent.CANDIDATE_SCORED, step or f"ask/{model}", **data)

    def choose(self, model: str, scores: dict[str, float]) -> None:
        """Tell which answer was chosen, and why."""
        reason = f"{model} has the highest estimated quality."
        chosen = {
            "kind": "select",
            "chosen": model,
            "reason": reason,
            "options": list(scores),
            "scores": scores,
        }
        self.end_step("select", "done", kind="decision", at_s=1.3)
        self.emit(EventKind.DECISION_MADE, "select", **chosen)

    def succeed(self, answer: str, *, chosen: str = "", **outcome: object) -> None:
        """End the run with an answer."""
        whole = {"answer": answer, "chosen": chosen, "candidates": [], "decisions": [], **outcome}
        self.end(RunStatus.SUCCEEDED, answer=answer, outcome=whole, quality=0.87)

    def end(self, status: RunStatus, **changes: object) -> None:
        """End the run."""
        kind = EventKind(f"run_{status.value}")
        calls = self.run.calls.count()
        ended = {"status": status, "finished_at": timezone.now(), "lease_until": None}
        told = {"cost_usd": "0.00012", "calls": calls, "error": changes.get("error", "")}
        self.emit(kind, "", {**ended, **changes}, **told)
