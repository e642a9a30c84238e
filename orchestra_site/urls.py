"""Addresses of the whole site."""

from django.urls import URLPattern, URLResolver, include, path

from orchestration.library.views.triggers import receive_hook

handler400 = "orchestra_site.web.errors.bad_request"
handler403 = "orchestra_site.web.errors.forbidden"
handler404 = "orchestra_site.web.errors.not_found"
handler500 = "orchestra_site.web.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("orchestra_site.accounts.urls")),
    path("methods/routing/", include("orchestration.routing.urls")),
    # before the strategies, whose pages are called by any name below methods/
    path("methods/", include("orchestration.evaluation.urls")),
    path("", include("orchestration.strategies.urls")),
    path("", include("orchestration.runs.urls")),
    path("", include("orchestration.tools.urls")),
    path("hooks/<uuid:trigger>/", receive_hook, name="hook"),
    path("", include("orchestration.llm.urls")),
    path("pipelines/", include("pipelines.urls")),
    path("sessions/", include("collaboration.urls")),
]
