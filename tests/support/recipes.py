"""A second kind of saved definition with runs of its own: what the library offers is tried with it.

A recipe has steps, each a text, and may name other definitions. Its runs give the steps back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from orchestra_site.accounts.models import Membership
from orchestration.expressions.documents import write_yaml
from orchestration.library.kinds import (
    DEFINITION_KINDS,
    ContainedDefinition,
    DefinitionKind,
    DefinitionReading,
    SyntaxFault,
    register_definitions,
)
from orchestration.library.models import PublishedVersion, SavedDefinition
from orchestration.library.services.definitions import create_definition, publish, save_draft
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import Outcome
from orchestration.runs.kinds import KINDS, PAGES, CheckedRequest, FrozenRun, RunKind, register
from orchestration.runs.models import Run
from orchestration.runs.services.starting import store_run

NAME = "recipe"
NEWEST = 1


@dataclass(frozen=True)
class Recipe:
    """What a recipe says."""

    name: str
    steps: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()


class RecipeDefinitions(DefinitionKind[Recipe]):
    """Recipes. In version 0 the steps were one text, with commas."""

    name = NAME
    noun = "recipe"
    plural = "recipes"
    namespace = "recipes"
    page = "recipes:recipe"

    def blank(self, name: str) -> dict[str, Json]:
        return {"name": name, "version": NEWEST, "title": "", "steps": []}

    def check(
        self, written: Json, known: Mapping[str, Recipe], *, name: str = ""
    ) -> DefinitionReading[Recipe, SyntaxFault]:
        if not isinstance(written, dict) or written.get("version", 0) > NEWEST:
            message = "A recipe is an object of version 1."
            return DefinitionReading(problems=(SyntaxFault(message=message),))
        document, upgrades = self._upgraded(written)
        steps, uses = document.get("steps"), tuple(document.get("uses", ()))
        if not isinstance(steps, list) or not isinstance(document.get("name"), str):
            fault = SyntaxFault(path="steps", message="The steps are a list of texts.")
            return DefinitionReading(document=document, problems=(fault,))
        recipe = Recipe(name=document["name"], steps=tuple(steps), uses=uses)
        missing = [
            each for each in uses if each.startswith(f"{NAME}/") and each[len(NAME) + 1 :] not in known
        ]
        found = [SyntaxFault(path="uses", message=f"There is no {each}.") for each in missing]
        found += [SyntaxFault(path="steps", message="A step has words.") for step in steps if not step]
        if name and recipe.name != name:
            found.append(SyntaxFault(path="name", message=f"This recipe is called “{name}”."))
        return DefinitionReading(
            document=document, definition=recipe, upgrades=upgrades, problems=tuple(found)
        )

    def _upgraded(self, written: Mapping[str, Json]) -> tuple[dict[str, Json], tuple[SyntaxFault, ...]]:
        if "version" in written:
            return {**written}, ()
        steps = written.get("steps")
        newer = {
            **written,
            "version": NEWEST,
            "steps": steps.split(", ") if isinstance(steps, str) else steps,
        }
        return newer, (SyntaxFault(path="steps", message="The steps became a list."),)

    def stored(self, document: Json) -> Recipe | None:
        return self.check(document, {}).definition

    def changes(self, old: Recipe, new: Recipe) -> Sequence[SyntaxFault]:
        gone = [f"Step {step} was removed" for step in old.steps if step not in new.steps]
        come = [f"Step {step} was added" for step in new.steps if step not in old.steps]
        return [SyntaxFault(path="steps", message=message) for message in gone + come]

    def contained(self, definition: Recipe) -> list[ContainedDefinition]:
        pairs = (each.partition("/") for each in definition.uses)
        return [ContainedDefinition(kind=kind, name=name) for kind, _, name in pairs]

    def example(self, document: Mapping[str, Json]) -> Json:
        return document.get("example")

    def payload(self, name: str, value: Json) -> Mapping[str, Json]:
        return {"recipe": name, "people": value}


class RecipeRuns(RunKind):
    """Runs of recipes; their input is for how many people it is."""

    name = NAME
    title = "Recipe"

    def check(self, membership: Membership, payload: Mapping[str, Json]) -> CheckedRequest:
        versions = PublishedVersion.objects.filter(
            definition__team=membership.team, definition__kind=NAME, definition__name=payload["recipe"]
        )
        version = versions.first()
        if version is None:
            raise InvalidRequest("This recipe is not published.", field="recipe")
        people = payload["people"]
        if not isinstance(people, int):
            raise InvalidRequest("Say for how many people it is.", field="people")
        request = {"version": version.number, "people": people, "steps": version.document["steps"]}
        return CheckedRequest(ref=payload["recipe"], prompt=f"For {people}", request=request)

    async def execute(self, run: FrozenRun, context: RunContext) -> Outcome:  # noqa: ARG002  # asks nobody
        return Outcome(answer=", ".join(run.request["steps"]), output=run.request["steps"])


RECIPES = RecipeDefinitions()


def register_recipes() -> None:
    """Make recipes and their runs known."""
    register(RecipeRuns())
    register_definitions(RECIPES)


@contextmanager
def recipes() -> Iterator[None]:
    """Have recipes for as long as the block lasts."""
    register_recipes()
    try:
        yield
    finally:
        del KINDS[NAME], PAGES[NAME], DEFINITION_KINDS[NAME]


def recipe_text(*steps: str, name: str = "soup", **fields: Json) -> str:
    """Return a recipe in YAML."""
    return write_yaml({"name": name, "version": NEWEST, "steps": [*(steps or ("cut", "cook"))], **fields})


def a_recipe_draft(member: Membership, *steps: str, name: str = "soup", **fields: Json) -> SavedDefinition:
    """Store a recipe with a draft."""
    text = recipe_text(*steps, name=name, **fields)
    return create_definition(membership=member, kind=RECIPES, name=name, text=text)


def a_recipe(member: Membership, *steps: str, name: str = "soup", **fields: Json) -> SavedDefinition:
    """Store a recipe with a published version."""
    row = a_recipe_draft(member, *steps, name=name, **fields)
    publish(membership=member, definition=row, based_on=row.draft_number)
    return row


def changed(member: Membership, row: SavedDefinition, text: str) -> SavedDefinition:
    """Store another draft of a definition, whatever its draft is now."""
    row.refresh_from_db()
    return save_draft(membership=member, definition=row, text=text, based_on=row.draft_number)


def published(member: Membership, row: SavedDefinition, note: str = "") -> PublishedVersion:
    """Publish the draft of a definition as it is now."""
    row.refresh_from_db()
    return publish(membership=member, definition=row, based_on=row.draft_number, note=note)


def a_recipe_run(member: Membership, name: str = "soup", people: int = 2) -> Run:
    """Store a queued run of a recipe."""
    return store_run(membership=member, kind=NAME, payload={"recipe": name, "people": people})
