"""What stages see of those before them.

Which stages an input was taken from must not depend on chance when a run is replayed: a stage sees those that
it follows and what these saw, whatever else has ended by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestration.expressions.values import size
from orchestration.graphs.graph import Join
from orchestration.graphs.scheduling import EndStatus
from orchestration.llm.engine.types import Json
from pipelines.engine.endings import StageEnd
from pipelines.engine.mapping import with_output
from pipelines.engine.plans import PipelinePlan
from pipelines.engine.scope import Scope

MOST_COUNTED = 10_000
"""Items and characters of the input and the variables that are counted: beyond it a value is large."""


TOGETHER = (Join.ALL, Join.QUORUM)
"""The joins of which all outputs are read, not only the first one."""


class StageScopes:
    """The scopes of one run of a pipeline. `ends` are the stages that have ended, in order."""

    def __init__(self, plan: PipelinePlan, value: Json, context: Mapping[str, Json]) -> None:
        self._plan, self._input, self._context = plan, value, context
        self._graph = plan.pipeline.graph
        self.ends: dict[str, StageEnd] = {}
        self._known: dict[str, Mapping[str, Json]] = {}
        self._previous: dict[str, tuple[str, ...] | None] = {}
        self._seen: dict[str, int] = {}  # as bits of the graph
        self._ended, self._all_succeeded = 0, True
        self._size = size([value, plan.pipeline.variables], MOST_COUNTED)

    def note(self, name: str, end: StageEnd) -> None:
        """Note how a stage ended."""
        self.ends[name], self._known[name] = end, end.known
        self._size += end.size
        self._ended |= self._graph.bits[name]
        self._all_succeeded = self._all_succeeded and end.status is EndStatus.SUCCEEDED

    def follows(self, name: str, joined: Sequence[str]) -> None:
        """Note which stages one follows that have ended: it sees these, and what they have seen."""
        seen, bits = 0, self._graph.bits
        for each in joined:
            seen |= self._seen[each] | bits[each]
        self._seen[name] = seen

    def of(self, name: str, joined: Sequence[str]) -> Scope:
        """Return what a stage can read that starts after some others."""
        self.follows(name, joined)
        needs = self._graph.needs[name]
        together = len(needs) > 1 and self._graph.node(name).join in TOGETHER
        self._previous[name] = self._worked_on(name, joined, together=together)
        stages = self._visible(self._seen[name])
        return Scope(
            input=self._input,
            variables=self._variables(stages),
            stages=stages,
            previous=self._previous[name],
            together=together,
            context=self._context,
            size=self._size,
        )

    def _visible(self, seen: int) -> Mapping[str, Mapping[str, Json]]:
        """Return what is known of stages that have ended, given as bits."""
        if seen == self._ended:
            return self._known.copy()
        bits = self._graph.bits
        return {name: known for name, known in self._known.items() if seen & bits[name]}

    def _worked_on(self, name: str, joined: Sequence[str], *, together: bool) -> tuple[str, ...] | None:
        """Return the stages whose outputs one works on, None for one that follows none.

        Of a stage that was passed over, it is what that one would have worked on.
        """
        if not joined:
            return None
        if self._all_succeeded and name in self._graph.plain:
            return self._graph.needs[name]  # the usual case
        needs = [each for each in joined if each in self._graph.needs[name]]
        if together:
            return tuple(each for each in needs if self.ends[each].status is EndStatus.SUCCEEDED)
        found = self._given_by(needs)
        return self._given_by([each for each in joined if self._led(each, name)]) if found == () else found

    def _given_by(self, stages: Sequence[str]) -> tuple[str, ...] | None:
        """Return the stages whose outputs follow some; for one that was passed over, what that would have."""
        found: dict[str, None] = {}
        is_first = False
        for each in stages:
            end = self.ends[each]
            if end.status is EndStatus.SUCCEEDED:
                found[each] = None
            elif end.passes or end.jumps:
                before = self._previous[each]
                is_first = is_first or before is None
                found |= dict.fromkeys(before or ())
        return None if is_first and not found else tuple(found)

    def _led(self, router: str, name: str) -> bool:
        """Return whether a stage chose another one, or jumped to it."""
        end = self.ends[router]
        return name in end.chosen or end.handled == f"goto:{name}"

    def _variables(self, stages: Mapping[str, Mapping[str, Json]]) -> Mapping[str, Json]:
        """Return the variables after some stages."""
        variables: Mapping[str, Json] = self._plan.pipeline.variables
        for name in self._plan.writers:
            if "output" in stages.get(name, {}):
                variables = with_output(variables, self._plan.stages[name].output, stages[name]["output"])
        return variables

    def at_the_end(self) -> Scope:
        """Return what the output of the pipeline can read: all that has ended."""
        variables = self._variables(self._known)
        return Scope(input=self._input, variables=variables, stages=self._known, context=self._context)
