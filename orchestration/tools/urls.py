"""Addresses of the Tools page."""

from django.urls import URLPattern, path

from orchestration.tools import views

app_name = "tools"
urlpatterns: list[URLPattern] = [
    path("tools/", views.tools, name="tools"),
    path("tools/call/<str:name>/", views.tool, name="tool"),
    path("tools/servers/add/", views.add_server, name="server-add"),
    path("tools/servers/<uuid:pk>/refresh/", views.refresh_server, name="server-refresh"),
    path("tools/servers/<uuid:pk>/change/", views.change_server, name="server-change"),
    path("tools/servers/<uuid:pk>/remove/", views.remove_server, name="server-remove"),
    path("tools/credentials/add/", views.add_credential, name="credential-add"),
    path("tools/credentials/<uuid:pk>/change/", views.change_credential, name="credential-change"),
    path("tools/credentials/<uuid:pk>/remove/", views.remove_credential, name="credential-remove"),
    path("tools/documents/add/", views.add_document, name="document-add"),
    path("tools/documents/<uuid:pk>/remove/", views.remove_document, name="document-remove"),
]
