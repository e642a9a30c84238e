"""Answers that are sent while they are made, so that a large file takes little memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

from orchestra_site.web.threads import in_thread


def streamed_file(
    request: HttpRequest, chunks: Iterator[bytes], *, name: str, content_type: str
) -> StreamingHttpResponse:
    """Send `chunks`, which may read the database, as a file to download.

    Under ASGI each is made in a thread of its own: Django would collect them all before it sent the first. So
    no query may stay open between two chunks.
    """
    is_async = isinstance(request, ASGIRequest)
    content = _made_in_threads(chunks) if is_async else chunks
    response = StreamingHttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
    response["Cache-Control"] = "no-store"
    return response


async def _made_in_threads(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (chunk := await in_thread(next, chunks, None)) is not None:
        yield chunk
