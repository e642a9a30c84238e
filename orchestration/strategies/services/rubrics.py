"""Rubrics of a team: saved as versions, frozen into runs, tried out; and what judges said by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from orchestra_site.accounts.models import AuditAction, Membership
from orchestration.llm.engine.errors import InvalidRequest, ModelError
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel
from orchestration.llm.services.checking import ask_outside_runs
from orchestration.llm.services.panel import model_spec
from orchestration.llm.services.registry.rows import locked, record, stored_whole
from orchestration.runs.engine.budget import price
from orchestration.runs.models import Run
from orchestration.strategies.engine.quality.judging import judge_report
from orchestration.strategies.engine.quality.prompts import judge_prompt
from orchestration.strategies.engine.quality.rubrics import FIVE_DIMENSIONS, Rubric
from orchestration.strategies.engine.quality.scoring import JudgeRating
from orchestration.strategies.engine.types import Request, total
from orchestration.strategies.models import JudgedAnswer, RubricVersion, SavedRubric

TAKEN = "Your team has a rubric of this name. Choose another name."
CHANGED = "Somebody else saved this rubric while you were writing. Load the page again to see theirs."
MOST_RUBRICS = 100
LONGEST_S = 90.0
MOST_ANSWERS = 8


def save_rubric(
    *, membership: Membership, rubric: Rubric, saved: SavedRubric | None = None, based_on: int = 0
) -> SavedRubric:
    """Store a rubric: a new one, or the next version of a saved one, unless that says the same.

    Raises `InvalidRequest` at `name`, and where `based_on` is not the newest version any more.
    """
    if saved is None and SavedRubric.objects.visible_to(membership).count() >= MOST_RUBRICS:
        raise InvalidRequest(f"A team has at most {MOST_RUBRICS} rubrics. Delete one first.", field="name")
    if rubric.name.casefold() == FIVE_DIMENSIONS.name.casefold():
        raise InvalidRequest("This is the name of the one that comes with Orchestra.", field="name")
    document = rubric.model_dump(mode="json", exclude={"version"})
    with stored_whole(TAKEN, "name"):
        if saved is None:
            row, number = SavedRubric.objects.create(team=membership.team, name=rubric.name), 1
            action, facts = AuditAction.RUBRIC_CREATED, {"criteria": len(rubric.criteria)}
        else:
            row = locked(saved, membership)
            newest = row.newest
            if newest.number != based_on:
                raise InvalidRequest(CHANGED)
            if newest.document == document:
                return row
            row.name, number = rubric.name, based_on + 1
            row.save(update_fields=["name"])
            action, facts = AuditAction.RUBRIC_CHANGED, {"number": number}
        RubricVersion.objects.create(saved=row, number=number, document=document, author=membership.user)
        record(membership, action, row, {}, facts)
    return row


def restore_rubric(*, membership: Membership, version: RubricVersion) -> None:
    """Make an earlier version the newest again, under the rubric's present name."""
    saved = version.saved
    rubric = version.rubric.model_copy(update={"name": saved.name})
    save_rubric(membership=membership, rubric=rubric, saved=saved, based_on=saved.newest.number)


@transaction.atomic
def delete_rubric(*, membership: Membership, saved: SavedRubric) -> None:
    """Delete a rubric with its versions; runs keep what they were frozen with. Raises `InvalidRequest`."""
    row = locked(saved, membership)
    record(membership, AuditAction.RUBRIC_DELETED, row, {"versions": row.versions.count()}, {})
    row.delete()


def freeze_rubric(membership: Membership, name: str) -> Mapping[str, Json]:
    """Return what a run keeps of a rubric. Raises `InvalidRequest` for one that is not there."""
    found = SavedRubric.objects.visible_to(membership).filter(name=name).prefetch_related("versions").first()
    if found is None:
        words = f"There is no rubric “{name[:60]}” in this team. See Methods > Judges."
        raise InvalidRequest(words, field="options.rubric")
    return dict(found.newest.rubric.model_dump(mode="json"))


def keep_judgements(runs: Sequence[Run]) -> None:
    """Keep what each judge said of the answers of ended runs; call it once for a run."""
    found = [
        JudgedAnswer(
            run=run, judge=each["judge"], rubric=each["rubric"], version=each["version"], score=each["score"]
        )
        for run in runs
        for quality in [(run.outcome or {}).get("quality") or {}]
        for each in {each["judge"]: each for each in quality.get("judgements", ())}.values()
    ]
    JudgedAnswer.objects.bulk_create(found, ignore_conflicts=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedAnswer:
    """An answer of a past run, and what the judge gives it; `rating` is None where it gave nothing."""

    model: str
    text: str
    is_own_family: bool
    rating: JudgeRating | None

    @property
    def scores(self) -> list[tuple[str, float | None]]:
        """The criteria by name with their scores from 0 to 1."""
        if self.rating is None:
            return []
        scores, criteria = self.rating.scores, self.rating.rubric.keys
        return [(each.name, scores.get(key)) for key, each in criteria.items()]

    @property
    def total(self) -> float | None:
        """The weighted mean of the scores."""
        return None if self.rating is None else self.rating.rubric.score(self.rating.scores)


@dataclass(frozen=True, kw_only=True, slots=True)
class RubricTrial:
    """A rubric tried out: answers with scores, the judge's words in both orders, what it cost if known."""

    judge: str
    answers: tuple[TriedAnswer, ...] = ()
    said: tuple[str, ...] = ()
    error: str = ""
    cost_usd: Decimal | None = None


def try_rubric(*, rubric: Rubric, judge: LanguageModel, run: Run) -> RubricTrial:
    """Have a judge score a past run's answers by a rubric, in both orders, as in a run. Nothing is stored."""
    answered = [each for each in (run.outcome or {}).get("candidates", ()) if each.get("text")]
    candidates = answered[:MOST_ANSWERS]
    if not candidates:
        return RubricTrial(judge=judge.name, error="This run has no answer to judge. Choose another one.")
    request = Request(text=run.prompt, system=str(run.request.get("system", "")))
    texts = {str(place): str(each["text"]) for place, each in enumerate(candidates)}
    order = list(texts)
    orders = [order, order[::-1]] if len(order) > 1 else [order]
    spec = model_spec(judge)
    prompts = [judge_prompt(spec, request, [texts[each] for each in shown], rubric) for shown in orders]
    try:
        said = ask_outside_runs(judge, prompts, LONGEST_S)
    except ModelError as error:
        return RubricTrial(judge=judge.name, error=str(error))
    report = judge_report(judge.name, list(zip(orders, said, strict=True)), rubric)
    families = {entry["spec"]["name"]: entry["spec"].get("family", "") for entry in run.panel}
    return RubricTrial(
        judge=judge.name,
        answers=tuple(
            TriedAnswer(
                model=name,
                text=texts[place],
                is_own_family=bool(judge.family) and families.get(name) == judge.family,
                rating=None if isinstance(rating := report[place], str) else rating,
            )
            for place, name in zip(order, (str(each.get("model", "")) for each in candidates), strict=True)
        ),
        said=tuple(each.text for each in said),
        cost_usd=total(price(spec, each.usage) for each in said),
    )
