"""An answer should fit the schema it was to have."""

from __future__ import annotations

from orchestration.engine.consensus.json_in_text import whole_json
from orchestration.engine.quality.evidence import Dimension, Finding, Subject
from orchestration.engine.quality.json_shape import faults


def check(subject: Subject) -> Finding | None:
    """Find an answer that is not JSON of the asked-for shape; the first fault is named."""
    if subject.schema is None:
        return None
    try:
        value = whole_json(subject.text)
    except ValueError:
        return _finding("The answer is not the JSON that was asked for.")
    fault = next(faults(value, subject.schema), None)
    return None if fault is None else _finding(f"The answer's JSON does not fit: {fault}.")


def _finding(evidence: str) -> Finding:
    bounds = {Dimension.COMPLETENESS: 0.3}
    return Finding(check="schema", evidence=evidence, effect=-4.0, bounds=bounds, disqualifying=True)
