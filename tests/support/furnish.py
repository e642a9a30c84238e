"""`python -m tests.support.furnish BASE_URL NAME,NAME [column=value]...`: a provider with models."""

from __future__ import annotations

import sys
from decimal import Decimal

from orchestra_site.settings.loading import load_site

load_site()

from orchestra_site.accounts.models import Team  # noqa: E402
from orchestration.llm.models import LanguageModel, Price, Provider, ProviderKind  # noqa: E402


def furnish(base_url: str, names: list[str], columns: dict[str, float]) -> None:
    team = Team.objects.get()
    provider = Provider.objects.create(
        team=team, name="loopback", kind=ProviderKind.OPENAI_COMPATIBLE, base_url=base_url
    )
    for name in names:
        model = LanguageModel.objects.create(
            team=team, provider=provider, name=name, remote_name=name, family=name, **columns
        )
        Price.objects.create(
            model=model, input_per_million=Decimal(1), output_per_million=Decimal(4), valid_from="2020-01-01"
        )


if __name__ == "__main__":
    _, url, listed, *pairs = sys.argv
    furnish(
        url, listed.split(","), {name: float(value) for name, _, value in (p.partition("=") for p in pairs)}
    )
