"""htmx in one place: one view answers with its page or with the part of it that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def wants_part(request: HttpRequest, partial: str) -> bool:
    """Return True when htmx asked for the part with this name, which is also its element's id."""
    return "HX-Request" in request.headers and request.headers.get("HX-Target") == partial


def render_part(
    request: HttpRequest,
    template: str,
    partial: str,
    context: Mapping[str, Any],
    *,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """Render the named partial of `template` when htmx targets it, else the whole page."""
    name = f"{template}#{partial}" if wants_part(request, partial) else template
    response = render(request, name, dict(context), status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response
