"""What a fault was found to have done, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One measured value: what was found, what is allowed (empty: no limit), whether it holds."""

    what: str
    found: int | str
    allowed: str = ""
    holds: bool = True


def reported(what: str, found: int | str) -> Finding:
    """Return a finding without a limit."""
    return Finding(what=what, found=found)


def none_of(what: str, found: int) -> Finding:
    """Return a finding that must be zero."""
    return Finding(what=what, found=found, allowed="0", holds=found == 0)


def at_most(what: str, found: int, limit: int) -> Finding:
    """Return a finding that has an upper limit."""
    return Finding(what=what, found=found, allowed=f"at most {limit}", holds=found <= limit)


def exactly(what: str, found: int | str, wanted: int | str) -> Finding:
    """Return a finding that must be this."""
    return Finding(what=what, found=found, allowed=str(wanted), holds=found == wanted)


def show(found: Mapping[str, Sequence[Finding]], *, seed: int, as_json: bool) -> bool:
    """Print what every fault did, by its name, and return whether all of it holds."""
    everything = [finding for findings in found.values() for finding in findings]
    if as_json:
        faults = {name: [asdict(finding) for finding in findings] for name, findings in found.items()}
        print(json.dumps({"seed": seed, "faults": faults}, indent=2))
    else:
        _table(found, max(len(finding.what) for finding in everything))
    return all(finding.holds for finding in everything)


def _table(found: Mapping[str, Sequence[Finding]], width: int) -> None:
    for name, findings in found.items():
        print(f"\n{name}")
        for finding in findings:
            verdict = "" if not finding.allowed else "holds" if finding.holds else "BREACH"
            print(f"  {finding.what:<{width}}  {finding.found!s:>10}  {finding.allowed:<12}  {verdict}")
