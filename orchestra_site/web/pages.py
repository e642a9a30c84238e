"""What the page views of all apps share: a page or a part of it for htmx, the posted form, keyset paging."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

M = TypeVar("M", bound=Model)

NEWEST_FIRST = ("created_at", "id")
OLDER, NEWER = "o", "n"
LONGEST_CURSOR = 400
LONGEST_PATH = 2_000


def wants_part(request: HttpRequest, partial: str) -> bool:
    """Return whether htmx requests the partial of this name, which is also the id of its element."""
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


def local_path(request: HttpRequest, wanted: str) -> str:
    """Return the path and query of an address of this site that a browser named, "" for any other text."""
    ours, secure = {request.get_host()}, request.is_secure()
    if not url_has_allowed_host_and_scheme(wanted, allowed_hosts=ours, require_https=secure):
        return ""
    shown = urlsplit(wanted)
    path = f"{shown.path}?{shown.query}" if shown.query else shown.path
    plain = path.isprintable() and len(path) <= LONGEST_PATH
    return path if plain and path.startswith("/") and not path.startswith("//") else ""


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what to bind a form to: the posted data, even if empty, or None for a GET."""
    return request.POST if request.method == "POST" else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[M]):
    """Some rows, newest first, with the cursors of the pages beside them ("" where there is none)."""

    rows: list[M]
    next: str
    previous: str


def keyset_page(
    queryset: QuerySet[M], *, cursor: str, size: int = 25, keys: Sequence[str] = NEWEST_FIRST
) -> Page[M]:
    """Return the page at `cursor` ("" is the first), ordered by `keys` from high to low.

    Keyset paging costs the same on every page, and shows or skips no row twice when rows are added. The last
    of the one or two keys must be unique. Raises Http404 for a cursor that `write_cursor` did not make.
    """
    if not cursor:
        rows = list(queryset.order_by(*_falling(keys))[: size + 1])
        return _page(rows[:size], keys, has_newer=False, has_older=len(rows) > size)
    direction, values = read_cursor(queryset, keys, cursor)
    if direction == OLDER:
        rows = list(queryset.filter(beyond(keys, values, "lt")).order_by(*_falling(keys))[: size + 1])
        return _page(rows[:size], keys, has_newer=True, has_older=len(rows) > size)
    rows = list(queryset.filter(beyond(keys, values, "gt")).order_by(*keys)[: size + 1])
    if len(rows) <= size:  # the newest have been reached: show a full first page
        return keyset_page(queryset, cursor="", size=size, keys=keys)
    return _page(rows[size - 1 :: -1], keys, has_newer=True, has_older=True)


def _falling(keys: Sequence[str]) -> list[str]:
    return [f"-{key}" for key in keys]


def beyond(keys: Sequence[str], values: Sequence[Any], side: str) -> Q:
    """Return a tuple comparison in which the first key alone bounds the range, so that an index is used."""
    if len(keys) == 1:
        return Q(**{f"{keys[0]}__{side}": values[0]})
    bound = Q(**{f"{keys[0]}__{side}e": values[0]})
    return bound & (Q(**{f"{keys[0]}__{side}": values[0]}) | Q(**{f"{keys[1]}__{side}": values[1]}))


def _page(rows: list[M], keys: Sequence[str], *, has_newer: bool, has_older: bool) -> Page[M]:
    return Page(
        rows=rows,
        next=write_cursor(OLDER, rows[-1], keys) if has_older else "",
        previous=write_cursor(NEWER, rows[0], keys) if has_newer and rows else "",
    )


def write_cursor(direction: str, row: Model, keys: Sequence[str]) -> str:
    """Return the cursor of the page that starts beyond `row` in `direction`."""
    values = [_field(type(row), key).value_to_string(row) for key in keys]
    return base64.urlsafe_b64encode(json.dumps([direction, *values]).encode()).decode().rstrip("=")


def read_cursor(queryset: QuerySet[M], keys: Sequence[str], cursor: str) -> tuple[str, list[Any]]:
    """Return a cursor's direction and key values. Raises Http404 if `write_cursor` did not make it."""
    try:
        padded = cursor[:LONGEST_CURSOR] + "=" * (-len(cursor) % 4)
        direction, *texts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        values = [_key_value(queryset, key, text) for key, text in zip(keys, texts, strict=True)]
        if direction not in (OLDER, NEWER):
            raise ValueError("The direction is neither older nor newer.")  # noqa: TRY301  # one way out
    except (binascii.Error, ValueError, TypeError, OverflowError, ValidationError) as error:
        raise Http404("This page does not exist. Start from the first page of the list.") from error
    return direction, values


def _key_value(queryset: QuerySet[M], key: str, text: object) -> object:
    """Return a cursor's value for one key; a time as the database compares it."""
    value = _field(queryset.model, key).to_python(str(text))
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _field(model: type[Model], key: str) -> Field[Any, Any]:
    field = model._meta.get_field(key)  # noqa: SLF001  # Django documents _meta
    if not isinstance(field, Field):
        raise TypeError(f"{key} is not a column of {model.__name__}: a page cannot be ordered by it.")
    return field
