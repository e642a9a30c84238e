"""What faults are injected into: an installation, a member who asks, a provider that counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from random import Random

from benchmarks.faults import FOLDER
from benchmarks.faults.provider import API_KEY, CountingProvider
from benchmarks.installation import Installation
from benchmarks.member import Member
from benchmarks.waiting import until
from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Prices
from orchestration.llm.services.registry.models import NewModel, add_models
from orchestration.llm.services.registry.providers import connect_provider
from orchestration.runs.models import TERMINAL, Run

MODELS = ("m1", "m2", "m3")
PRICES = Prices(input_per_million=Decimal(1), output_per_million=Decimal(4))
METHODS: tuple[Mapping[str, str], ...] = (
    {"strategy": "parallel"},
    {"strategy": "parallel", "options.select": "first_good_enough", "options.threshold": "10"},
    {"strategy": "sequential"},
)
ENDS_WITHIN_S = 180.0


@dataclass(kw_only=True)
class World:
    """One for all faults. `asked` are the ids of the runs that were accepted since `begin`."""

    installation: Installation
    member: Member
    provider: CountingProvider
    random: Random
    asked: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _before: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Forget what earlier faults asked."""
        self.asked.clear()
        self._before = set(map(str, Run.objects.values_list("id", flat=True)))

    def next_number(self) -> int:
        """Return the number of the next question; none comes twice."""
        return next(self._numbers)

    def ask(self, models: tuple[str, ...] = MODELS, method: Mapping[str, str] | None = None) -> str:
        """Ask a question that was never asked; return the run's id. Raises `httpx.TransportError`."""
        number = self.next_number()
        fields = dict(method or METHODS[number % len(METHODS)])
        run = self.member.ask(f"Question {number}: how much is {number} + 374?", models, **fields)
        self.asked.append(run)
        return run

    def runs(self) -> list[Run]:
        """Return the runs stored since `begin`, also those whose acceptance the member never received."""
        return [run for run in Run.objects.order_by("created_at") if str(run.id) not in self._before]

    def restart(self) -> None:
        """Start the installation again, where it was."""
        port = self.installation.address.rstrip("/").rpartition(":")[2]
        self.installation.up("--port", port)

    def wait_for_the_end(self) -> None:
        """Wait until every run has ended; the audit reports what has not by then."""
        try:
            until(self._all_over, ENDS_WITHIN_S, "the end of all runs")
        except TimeoutError as late:
            print(late)

    def _all_over(self) -> bool:
        return not Run.objects.exclude(status__in=TERMINAL).exists()


@contextmanager
def world(seed: int) -> Iterator[World]:
    """Start an installation with three models of a counting provider; end both afterwards."""
    installation, provider = Installation(FOLDER), CountingProvider(seed)
    provider.start()
    try:
        installation.up()
        _furnish(provider.base_url)
        random = Random(seed)
        yield World(installation=installation, member=installation.member(), provider=provider, random=random)
    finally:
        installation.stop()
        provider.stop()


def _furnish(base_url: str) -> None:
    owner = Membership.objects.get()
    provider = connect_provider(membership=owner, name="counting", base_url=base_url, api_key=API_KEY)
    models = [NewModel(remote_name=name, name=name, family=name, prices=PRICES) for name in MODELS]
    for model in add_models(membership=owner, provider=provider, models=models):
        model.max_concurrency = 64
        model.save(update_fields=["max_concurrency"])
