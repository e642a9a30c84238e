"""One answer from several: the one that the judge's own working supports, else the one that most agree on."""

from __future__ import annotations

from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.judging.agreement import agree, final_of, majority
from orchestration.llm.providers.simulated.judging.blocks import Case
from orchestration.llm.providers.simulated.judging.verdicts import opinions, own_answer
from orchestration.llm.providers.simulated.wording import footer


def synthesis(profile: SimulatedProfile, case: Case, drawn: str) -> str:
    """Write a synthesis that names the answer it rests on and why."""
    finals = {label: final_of(text) for label, text in case.answers.items()}
    own = own_answer(profile, case, drawn)
    backed = [
        label
        for label, final in finals.items()
        if own is not None and final is not None and agree(own, final)
    ]
    if own is not None and backed:
        return _short(
            profile, f"It rests on {_listed('answer', backed)}: working it out myself, I get the same.", own
        )
    most = majority(finals)
    final = finals[most] if most else None
    if most is not None and final is not None:
        others = [label for label, other in finals.items() if other is not None and agree(final, other)]
        why = (
            f"It rests on {_listed('answer', others)}: most agree on it, and I could not confirm any by "
            f"my own working."
        )
        return _short(profile, why, final)
    return _longer(profile, case, drawn)


def _short(profile: SimulatedProfile, why: str, answer: str) -> str:
    return f"Comparing the answers, the result is {answer}. {why}\n\nAnswer: {answer}\n\n{footer(profile)}"


def _longer(profile: SimulatedProfile, case: Case, drawn: str) -> str:
    """Hand on the answer that looks soundest, in its own words."""
    found = opinions(profile, case, drawn)
    best = max(found, key=lambda label: found[label].total)
    why = "The answers agree on no result, and I could not confirm any by my own working"
    return (
        f"{why}; answer {best} looks soundest, so this rests on "
        f"it:\n\n{case.answers[best].strip()}\n\n{footer(profile)}"
    )


def _listed(noun: str, labels: list[str]) -> str:
    if len(labels) == 1:
        return f"{noun} {labels[0]}"
    return f"{noun}s {', '.join(labels[:-1])} and {labels[-1]}"
