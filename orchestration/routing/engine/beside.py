"""What a cascade would have made of answers that another strategy asked for: nothing is asked again.

A vote that asks all models shows for each cascade over them whom it would have asked, what it would have
answered and at what cost. Each such answer teaches of the cascade what one of its own would have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestration.llm.engine.types import ModelSpec
from orchestration.routing.engine.arms import WEIGHTS, Result, ResultSource
from orchestration.strategies.engine.asking import read_candidate
from orchestration.strategies.engine.belief.model import Belief
from orchestration.strategies.engine.belief.reading import question_traits
from orchestration.strategies.engine.cascade import CascadeOptions, first_width, least_gains, places
from orchestration.strategies.engine.profiles import Profile
from orchestration.strategies.engine.single_model import longer_than_usual
from orchestration.strategies.engine.types import Candidate, Request


def cascade_beside(
    request: Request,
    answers: Sequence[Candidate],
    specs: Sequence[ModelSpec],
    profiles: Mapping[str, Sequence[Profile]],
    belief: Belief,
    options: CascadeOptions,
) -> tuple[int, Result] | None:
    """Return whose answer a cascade of the models would have given, and what it would have come to.

    The former is the place of the model; None where it cannot be told. The answers are in the order of the
    models, each given without the others in sight. Its quality is what is believed of its answer with all of
    them in sight; it can be told where answers can be compared. What checks and judges say of an answer does
    not count, nor a threshold among the options.
    """
    question = question_traits(request.text, request.system)
    read = [read_candidate(each, request.text) for each in answers]
    order = places(specs, options, request, profiles)
    width = first_width(options, len(order))
    asked, left = list(order[:width]), list(order[width:])
    while True:
        posterior = belief.after(question, [read[place] for place in asked])
        if not posterior.groups:
            return None
        if not left:
            break
        longer = longer_than_usual(request, [answers[place] for place in asked], specs, profiles)
        needed = least_gains(specs, request, options, profiles, longer)
        names = {place: specs[place].name for place in left}
        gains = {place: belief.worth(posterior, question, name) for place, name in names.items()}
        most = max(left, key=lambda place: gains[place] / needed[names[place]])
        if gains[most] <= needed[names[most]]:
            break
        asked.append(most)
        left.remove(most)
    place = asked[posterior.best.places[0]]
    chosen = belief.after(question, read).of(place)
    if chosen is None:
        return None
    seconds = [answers[place].latency_s for place in asked]
    return place, Result(
        quality=chosen.right,
        cost_usd=float(sum(answers[place].cost_usd or 0 for place in asked)),
        seconds=max(seconds[:width]) + sum(seconds[width:]),
        weight=WEIGHTS[ResultSource.POSTERIOR],
    )
