"""Pages of a team's pipelines."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orchestra_site.accounts.access import MemberRequest
from pipelines.models import SavedPipeline


@require_safe
def list_pipelines(request: MemberRequest) -> HttpResponse:
    """List the team's pipelines."""
    found = SavedPipeline.objects.visible_to(request.membership)
    return render(request, "pipelines/pipeline_list.html", {"pipelines": found})
