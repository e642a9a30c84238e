"""Addresses of the pages of the router; a rule set called `new` or `import` stands at `new/`."""

from django.urls import URLPattern, path

from orchestration.library.urls import definition_urls
from orchestration.routing.selectors import KIND
from orchestration.routing.views import router, rules

app_name = "routing"
urlpatterns: list[URLPattern] = [
    path("", router.overview, name="list"),
    path("reset", router.reset, name="reset"),
    path("<slug:name>/", rules.rules, name="rules"),
    path("<slug:name>/run", rules.ask_with, name="run"),
    path("<slug:name>/dry-run", rules.dry_run, name="dry-run"),
    *definition_urls(KIND),
]
