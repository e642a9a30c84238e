"""The addresses of the site and those of recipes: a list, a page and a run beside the library's."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from orchestra_site import urls as site
from orchestration.library.urls import definition_urls
from tests.support.recipes import NAME

handler400, handler403, handler404, handler500 = (
    site.handler400,
    site.handler403,
    site.handler404,
    site.handler500,
)


def shown(request: HttpRequest, name: str = "") -> HttpResponse:
    return HttpResponse(f"The page of {name or 'all recipes'}.")


PAGES = [
    path("", shown, name="list"),
    path("<slug:name>/", shown, name="recipe"),
    path("<slug:name>/run", shown, name="run"),
    *definition_urls(NAME),
]
urlpatterns = [*site.urlpatterns, path("recipes/", include((PAGES, "recipes")))]
