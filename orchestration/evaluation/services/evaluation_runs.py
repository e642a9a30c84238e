"""The run kind `evaluation`: every item of a dataset under every configuration, a few at a time, scored."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import CharField, Count, QuerySet
from django.db.models.functions import Cast
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestra_site.accounts.models import AuditAction, Membership
from orchestra_site.accounts.services import record_change
from orchestra_site.web.alphabets import storable_text
from orchestra_site.web.threads import in_database_thread
from orchestration.evaluation.engine.scorers import (
    ItemScorer,
    ScorerKind,
    Verdict,
    reference_problem,
    verdict,
)
from orchestration.evaluation.models import Dataset, DatasetItem, ItemOutcome
from orchestration.evaluation.selectors import NAME, recommendation
from orchestration.evaluation.services.configurations import (
    ConfigurationRequest,
    child_request,
    frozen_configuration,
    labelled,
)
from orchestration.evaluation.services.learning import learn_from_evaluations
from orchestration.evaluation.services.routes import add_plans, route_of_outcome
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Json
from orchestration.routing.engine.executing import FALLBACK
from orchestration.routing.selectors import KIND as AUTO
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import ChildFailed
from orchestration.runs.engine.types import Outcome, RunEvent
from orchestration.runs.kinds import CheckedRequest, FrozenRun, RunKind, SavedTitles, with_children
from orchestration.runs.models import Call, CallStatus, Run
from orchestration.strategies.engine.quality.judging import ask_judge
from orchestration.strategies.engine.quality.scoring import combine
from orchestration.strategies.engine.rounds import run_together
from orchestration.strategies.engine.strategy import escalations
from orchestration.strategies.engine.types import Candidate, Constraints, Request
from orchestration.strategies.services.strategy_runs import live_models, shared_panel

AT_ONCE = 8
"""Answers under way at a time, each to an item under one configuration; a slow one holds up no other item."""
MOST_CONFIGURATIONS = 12
MOST_OUTCOMES = 20_000
"""Items times configurations of one evaluation."""
STEPS_OF_ONE = 60
PROGRESS = "evaluation_progressed"
"""The event that a page is drawn anew by: at most about 100 of them in a run."""
PROGRESS_EVENTS = 100
LONGEST_KEPT = 4_000
"""Characters of an answer that are kept with its outcome; the whole answer stands with its call."""


class EvaluationPayload(BaseModel):
    """What to evaluate: a dataset (the first items of it, or all), a scorer, configurations, limits."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    dataset: UUID
    scorer: ItemScorer = ItemScorer()
    configurations: tuple[ConfigurationRequest, ...] = Field(min_length=1, max_length=MOST_CONFIGURATIONS)
    constraints: Constraints = Constraints()
    first: int | None = Field(default=None, ge=1, le=MOST_OUTCOMES)


class EvaluationKind(RunKind):
    """Runs that measure configurations on a dataset."""

    name = NAME
    title = "Evaluation"
    most_steps = MOST_OUTCOMES * STEPS_OF_ONE

    def check(self, membership: Membership, payload: Mapping[str, Json]) -> CheckedRequest:
        """Check a request whole: the dataset fits the scorer, and every configuration can be run."""
        try:
            request = EvaluationPayload.model_validate(payload)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            field = ".".join(map(str, detail["loc"]))
            raise InvalidRequest(f"{field}: {detail['msg']}.", field=field) from None
        dataset = Dataset.objects.visible_to(membership).filter(pk=request.dataset, removed_at=None).first()
        if dataset is None:
            raise InvalidRequest("There is no such dataset in this team.", field="dataset")
        items = list(dataset.items.all()[: request.first])
        _check_scorer(request.scorer, items)
        if len(items) * len(request.configurations) > MOST_OUTCOMES:
            raise InvalidRequest(
                f"{len(items):,} items under {len(request.configurations)} configurations are more than"
                f" {MOST_OUTCOMES:,}. Take the first items only, or fewer configurations.",
                field="first",
            )
        longest = max((item.prompt for item in items), key=len)
        named, children = dict[str, str](), list[CheckedRequest]()
        for place, each in enumerate(request.configurations):
            children.append(frozen_configuration(membership, each, longest, place))
            names = (entry["spec"]["name"] for entry in children[-1].panel)
            named = dict.fromkeys(names, f"configurations.{place}.models") | named
        if request.scorer.kind is ScorerKind.JUDGE and request.scorer.judge:
            named.setdefault(request.scorer.judge, "scorer.judge")
        shares = len(items) * sum(len(each.models) for each in request.configurations)
        panel = shared_panel(membership, named, request.constraints, longest, shares)
        stored = {
            **with_children({}, children),
            **request.model_dump(mode="json"),
            "items": len(items),
            "dataset_name": dataset.name,
            "configurations": labelled(request.configurations),
        }
        number = len(request.configurations)
        words = (
            f"{dataset.name}: {len(items):,} items under {number} configuration{'s' if number > 1 else ''}"
        )
        return CheckedRequest(ref=str(dataset.pk), prompt=words, request=stored, panel=panel)

    async def execute(self, run: FrozenRun, context: RunContext) -> Outcome:
        """Evaluate what has not been yet. Raises `EngineError`."""
        work = await in_database_thread(_work, run)
        models = await live_models(run, context)
        judge = models.get(work.scorer.judge or "") if work.scorer.kind is ScorerKind.JUDGE else None
        await Evaluator(work=work, judge=judge, context=context).evaluate()
        words = await in_database_thread(recommendation, run.run, run.request)
        return Outcome(answer=words, output={"recommendation": words})

    def finished_parts(self, run: Run) -> Collection[str]:
        """Return the items whose outcomes are stored: they are not evaluated again."""
        numbers = DatasetItem.objects.filter(pk__in=_done(run.pk, run.request)).values_list(
            "number", flat=True
        )
        return {_part(number) for number in numbers}

    def record_start(self, membership: Membership, run: Run) -> None:
        """Record that an evaluation was started, of which all that it asks follows."""
        request = run.request
        after = {"items": request["items"], "configurations": len(request["configurations"])}
        action, name = AuditAction.EVALUATION_STARTED, request["dataset_name"]
        record_change(membership=membership, action=action, subject=name, after=after)

    def learn(self, runs: Sequence[Run]) -> None:
        """Learn how often each model is right."""
        learn_from_evaluations(runs)

    def saved_titles(self, membership: Membership) -> SavedTitles:
        """Return the names of the datasets that evaluations ran on."""
        datasets = Dataset.objects.visible_to(membership)
        return datasets.values_list(Cast("pk", CharField()), "name")

    def titles(self, membership: Membership, saved: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002
        """Return the names of the datasets; not every database casts their keys to the same text."""
        return {str(UUID(pk)): name for pk, name in saved.items()}


def _check_scorer(scorer: ItemScorer, items: Sequence[DatasetItem]) -> None:
    """Raise `InvalidRequest` where the scorer of some item cannot use its reference."""
    if not items:
        raise InvalidRequest("The dataset has no items.", field="dataset")
    if scorer.kind is ScorerKind.JUDGE and not scorer.judge:
        raise InvalidRequest("Name the model that judges.", field="scorer.judge")
    for item in items:
        own = scorer_for(item, scorer)
        if own.kind is ScorerKind.JUDGE and not own.judge:
            raise InvalidRequest(
                f"Item {item.key} asks for a judge: name the model that judges.", field="scorer.judge"
            )
        if problem := reference_problem(own, item.reference, item.prompt):
            raise InvalidRequest(
                f"The scorer cannot be used for item {item.key}: {problem} Choose another one.",
                field="scorer.kind",
            )


def scorer_for(item: DatasetItem, scorer: ItemScorer) -> ItemScorer:
    """Return the scorer of an item: its own kind with the settings of the evaluation's, or that one."""
    return scorer.model_copy(update={"kind": ScorerKind(item.scorer)}) if item.scorer else scorer


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingItems:
    """What an evaluation has to do: its items, without those that are done, and how it scores."""

    run: UUID
    scorer: ItemScorer
    configurations: Sequence[Mapping[str, Json]]
    items: Sequence[DatasetItem]
    done: int

    @property
    def total(self) -> int:
        """Outcomes in all."""
        return (self.done + len(self.items)) * len(self.configurations)


def _work(run: FrozenRun) -> PendingItems:
    """Read the items, and which of them an earlier attempt has finished: those are not replayed."""
    configurations = run.request["configurations"]
    items = list(DatasetItem.objects.filter(dataset_id=run.request["dataset"])[: run.request["items"]])
    done = set(_done(run.run, run.request))
    return PendingItems(
        run=run.run,
        scorer=ItemScorer.model_validate(run.request["scorer"]),
        configurations=configurations,
        items=[item for item in items if item.pk not in done],
        done=len(done),
    )


def _done(run: UUID, request: Mapping[str, Json]) -> QuerySet[ItemOutcome, int]:
    """Return the ids of the items that have an outcome under every configuration."""
    rows = ItemOutcome.objects.filter(run_id=run).order_by().values("item").annotate(number=Count("id"))
    return rows.filter(number=len(request["configurations"])).values_list("item", flat=True)


def _part(number: int) -> str:
    """Return the key that the steps of an item are below."""
    return f"item-{number}"


class Evaluator:
    """Evaluates the items of one run, several at a time, each under all configurations."""

    def __init__(self, *, work: PendingItems, judge: ChatModel | None, context: RunContext) -> None:
        self._work = work
        self._judge = judge
        self._context = context
        self._done = work.done
        self._left = iter(work.items)
        self._free = asyncio.Semaphore(AT_ONCE)

    async def evaluate(self) -> None:
        """Evaluate all items. Raises `EngineError`, such as `LimitReached`; what is done is kept."""
        await run_together(self._lane() for _ in range(min(AT_ONCE, len(self._work.items))))

    async def _lane(self) -> None:
        for item in self._left:
            part = self._context.part(_part(item.number))
            places = range(len(self._work.configurations))
            rows = await run_together(self._admitted(item, place, part) for place in places)
            await in_database_thread(_store, rows, part.key("x")[:-1])
            await self._progressed()

    async def _progressed(self) -> None:
        self._done += 1
        number = self._work.done + len(self._work.items)
        step = max(1, number // PROGRESS_EVENTS)
        if self._done % step == 0 or self._done == number:
            await self._context.emit(RunEvent(kind=PROGRESS, data={"done": self._done, "of": number}))

    async def _admitted(self, item: DatasetItem, place: int, part: RunContext) -> ItemOutcome:
        async with self._free:
            return await self._outcome(item, place, part)

    async def _outcome(self, item: DatasetItem, place: int, part: RunContext) -> ItemOutcome:
        """Run one configuration on one item and score what comes; that it fails is an outcome, too."""
        asked, step = self._work.configurations[place], f"configuration-{place}"
        row = ItemOutcome(run_id=self._work.run, item=item, configuration=place)
        made = child_request(asked, item)
        row.route = made.urgency if made.kind == AUTO else None
        try:
            child = await part.run_child(made.kind, made.ref, made.payload, panel=made.panel, step=step)
        except ChildFailed as failed:
            row.failed, row.correct, row.score, row.reason = True, False, 0.0, _short(str(failed))
        else:
            scorer = scorer_for(item, self._work.scorer)
            found = await self._verdict(scorer, item, child["answer"], part.scoped(f"score-{place}"))
            row.reason = "The judge gave no verdict." if found is None else _short(found.reason)
            row.correct = None if found is None else found.correct
            row.score = None if found is None else found.score
            await asyncio.to_thread(_fill, row, child, scorer)
        timing = part.timing(step)
        row.seconds = None if timing is None else timing.seconds
        return row

    async def _verdict(
        self, scorer: ItemScorer, item: DatasetItem, answer: str, context: RunContext
    ) -> Verdict | None:
        """Return the journaled verdict on an answer, None where a judge gave none."""
        found: Verdict | None
        if scorer.kind is not ScorerKind.JUDGE or self._judge is None:
            found = await asyncio.to_thread(verdict, scorer, answer, item.reference, item.prompt)
        else:
            found = await self._judged(self._judge, scorer, item, answer, context)
        given: Json = None if found is None else [found.correct, found.score, storable_text(found.reason)]
        kept = await context.decide("verdict", given)
        return None if kept is None else Verdict(correct=kept[0], score=kept[1], reason=kept[2])

    @staticmethod
    async def _judged(
        judge: ChatModel, scorer: ItemScorer, item: DatasetItem, answer: str, context: RunContext
    ) -> Verdict | None:
        rubric = [scorer.rubric, f"The reference answer: {item.reference}" if item.reference else ""]
        asked = Request(text=item.prompt, system="\n\n".join(filter(None, rubric)))
        report = await ask_judge(judge, asked, [Candidate(model="", step="answer", text=answer)], context)
        rating = report["answer"]
        if isinstance(rating, str):
            return None
        score = combine((), [rating]).overall
        return Verdict(correct=score >= scorer.threshold, score=score, reason=rating.reason)


def _fill(row: ItemOutcome, child: Mapping[str, Json], scorer: ItemScorer) -> None:
    """Copy what a strategy's outcome says into the row, and score the answer of each model by itself."""
    data = child["data"]
    quality = data.get("quality") or {}
    row.answer = child["answer"][:LONGEST_KEPT]
    row.quality = quality.get("overall")
    row.escalated = any(each["kind"] in {*escalations(), FALLBACK} for each in data["decisions"])
    row.answers = list(_answers(row.item, data["candidates"], scorer))
    if row.route is not None:
        row.route = {**row.route, **route_of_outcome(child, row.item, scorer)}


def _answers(
    item: DatasetItem, candidates: Sequence[Mapping[str, Json]], scorer: ItemScorer
) -> Iterator[dict[str, Json]]:
    for each in candidates:
        if each["state"] == "answered":
            is_compared = scorer.kind is not ScorerKind.JUDGE
            right = (
                verdict(scorer, each["text"], item.reference, item.prompt).correct if is_compared else None
            )
            known = {"model": each["model"], "extracted": each["extracted"], "correct": right}
            yield {**known, "text": each["text"][:LONGEST_KEPT]}


def _store(rows: Sequence[ItemOutcome], prefix: str) -> None:
    """Store the outcomes of one item, with what the calls of each cost; a row that is there stays."""
    calls = Call.objects.filter(run_id=rows[0].run_id, step__startswith=prefix)
    known = list(calls.values_list("step", "cost_usd", "status"))
    for row in rows:
        own = f"{prefix}configuration-{row.configuration}/"
        costs = [(cost, status) for step, cost, status in known if step.startswith(own)]
        row.calls = len(costs)
        is_unknown = any(cost is None and status == CallStatus.DONE for cost, status in costs)
        row.cost_usd = None if is_unknown else sum((cost or Decimal(0) for cost, _ in costs), Decimal(0))
    add_plans(
        rows,
        rows[0].run_id,
        {row.configuration: f"{prefix}configuration-{row.configuration}" for row in rows},
    )
    ItemOutcome.objects.bulk_create(rows, ignore_conflicts=True)


def _short(words: str) -> str:
    return storable_text(words)[:400]
