"""Language models: providers, prices, and how a model is asked safely."""

from django.apps import AppConfig

from orchestra_site.web.health import register_check


class LanguageModelsConfig(AppConfig):
    """Providers and models."""

    name = "orchestration.llm"

    def ready(self) -> None:
        """Register what needs the models, which are there only now."""
        from orchestration.llm.services.checking import provider_findings  # noqa: PLC0415
        from orchestration.llm.services.registry.prices import price_findings  # noqa: PLC0415

        register_check("providers", provider_findings)
        register_check("prices", price_findings)
