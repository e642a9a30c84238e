"""What judges said of answers: kept for comparison with people's ratings, and tried out on a past run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.types import Completion, Json
from orchestration.llm.models import LanguageModel
from orchestration.llm.services.credentials import provider_secrets
from orchestration.llm.services.panel import ModelStack, PanelRole, freeze, thaw
from orchestration.llm.services.resources import resources, run_async
from orchestration.runs.engine.budget import price
from orchestration.runs.models import Run
from orchestration.strategies.engine.quality.judging import JudgeVerdict, average, read_verdicts
from orchestration.strategies.engine.quality.prompts import judge_prompt, label
from orchestration.strategies.engine.quality.rubrics import Rubric
from orchestration.strategies.engine.quality.scoring import JudgeRating
from orchestration.strategies.engine.types import Request
from orchestration.strategies.models import JudgedAnswer

LONGEST_S = 90.0
MOST_ANSWERS = 8


def keep_judgements(runs: Sequence[Run]) -> None:
    """Keep what each judge said of the answers of ended runs; call it once for a run."""
    found = [
        JudgedAnswer(
            run=run, judge=each["judge"], rubric=each["rubric"], version=each["version"], score=each["score"]
        )
        for run in runs
        for each in {each["judge"]: each for each in _judgements(run)}.values()
    ]
    JudgedAnswer.objects.bulk_create(found, ignore_conflicts=True)


def _judgements(run: Run) -> Sequence[Mapping[str, Json]]:
    """Return what judges said of the answer that the run gave."""
    quality = (run.outcome or {}).get("quality") or {}
    judgements: Sequence[Mapping[str, Json]] = quality.get("judgements", ())
    return judgements


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedAnswer:
    """An answer of a past run, and what the judge gives it; `rating` is None where it gave nothing.

    `scores` are the criteria by name with their scores from 0 to 1, `total` is the weighted mean.
    """

    model: str
    text: str
    is_own_family: bool
    rating: JudgeRating | None
    scores: tuple[tuple[str, float | None], ...] = ()
    total: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RubricTrial:
    """A rubric tried out: each answer with its scores, and the judge's own words in both orders.

    `cost_usd` is None where the judge has no price.
    """

    judge: str
    answers: tuple[TriedAnswer, ...] = ()
    said: tuple[str, ...] = ()
    error: str = ""
    cost_usd: Decimal | None = None


def try_rubric(*, rubric: Rubric, judge: LanguageModel, run: Run) -> RubricTrial:
    """Have a judge score the answers of a past run by a rubric. Nothing is stored, and no run is made.

    Several answers are shown in both orders, as in a run.
    """
    candidates = [each for each in (run.outcome or {}).get("candidates", ()) if each.get("text")][
        :MOST_ANSWERS
    ]
    if not candidates:
        return RubricTrial(judge=judge.name, error="This run has no answer to judge. Choose another one.")
    request = Request(text=run.prompt, system=str(run.request.get("system", "")))
    texts = [str(each["text"]) for each in candidates]
    orders = [list(range(len(texts)))]
    if len(texts) > 1:
        orders.append(orders[0][::-1])
    try:
        said = _answers(judge, [(request, [texts[place] for place in order]) for order in orders], rubric)
    except ModelError as error:
        return RubricTrial(judge=judge.name, error=str(error))
    except TimeoutError:
        words = f"{judge.name} did not answer within {LONGEST_S:.0f} seconds. Try again later."
        return RubricTrial(judge=judge.name, error=words)
    verdicts = _by_place(orders, [each.text for each in said], rubric)
    spec = thaw(freeze(judge, PanelRole.HELPER)).spec
    costs = [cost for each in said if (cost := price(spec, each.usage)) is not None]
    return RubricTrial(
        judge=judge.name,
        answers=tuple(
            _tried(each, judge, rubric, verdicts.get(place, []), run) for place, each in enumerate(candidates)
        ),
        said=tuple(each.text for each in said),
        cost_usd=sum(costs, Decimal(0)) if len(costs) == len(said) else None,
    )


def _answers(
    judge: LanguageModel, asked: Sequence[tuple[Request, Sequence[str]]], rubric: Rubric
) -> list[Completion]:
    """Return what the judge writes. Raises `ModelError`, `TimeoutError`."""
    secrets = provider_secrets(judge.team_id, {judge.provider_id})
    frozen = thaw(freeze(judge, PanelRole.HELPER))

    async def ask() -> list[Completion]:
        stack = ModelStack(
            secrets=secrets,
            shared=resources(),
            scope=f"rubric/{uuid4()}",
            seed=0,
            time_left=lambda: LONGEST_S,
            meter=lambda bare: bare,
        )
        model = stack.live(frozen)
        prompts = [judge_prompt(model.spec, request, texts, rubric) for request, texts in asked]
        return list(await asyncio.gather(*map(model.complete, prompts)))

    return run_async(ask(), timeout=LONGEST_S)


def _by_place(
    orders: Sequence[Sequence[int]], said: Sequence[str], rubric: Rubric
) -> Mapping[int, list[JudgeVerdict]]:
    """Return the verdicts on each answer, by its place in the run."""
    found: dict[int, list[JudgeVerdict]] = {}
    for order, text in zip(orders, said, strict=True):
        verdicts = read_verdicts(text, rubric)
        for number, place in enumerate(order):
            if label(number) in verdicts:
                found.setdefault(place, []).append(verdicts[label(number)])
    return found


def _tried(
    candidate: Mapping[str, Json],
    judge: LanguageModel,
    rubric: Rubric,
    verdicts: Sequence[JudgeVerdict],
    run: Run,
) -> TriedAnswer:
    name = str(candidate.get("model", ""))
    families = {entry["spec"]["name"]: entry["spec"].get("family", "") for entry in run.panel}
    own = bool(judge.family) and families.get(name) == judge.family
    if not verdicts:
        return TriedAnswer(model=name, text=str(candidate["text"]), is_own_family=own, rating=None)
    rating = average(judge.name, verdicts, rubric)
    return TriedAnswer(
        model=name,
        text=str(candidate["text"]),
        is_own_family=own,
        rating=rating,
        scores=tuple((each.name, rating.scores.get(key)) for key, each in rubric.keys.items()),
        total=rubric.score(rating.scores),
    )
