"""Addresses of accounts: one's own account, and the team."""

from django.urls import path

from orchestra_site.accounts.views import account, team

app_name = "accounts"
urlpatterns = [
    path("account/sign-in/", account.sign_in, name="sign-in"),
    path("account/sign-out/", account.sign_out, name="sign-out"),
    path("account/password/", account.change_password, name="password"),
    path("account/team/", account.switch_team, name="switch-team"),
    path("team/", team.show_team, name="team"),
    path("team/new/", team.create, name="create-team"),
    path("team/name/", team.rename, name="rename-team"),
    path("team/members/<uuid:member_id>/role/", team.change_role, name="change-role"),
    path("team/members/<uuid:member_id>/remove/", team.remove, name="remove-member"),
    path("team/invitations/", team.invite, name="invite"),
    path("team/invitations/<uuid:invitation_id>/withdraw/", team.withdraw, name="withdraw-invitation"),
    path("team/audit/", team.show_audit, name="audit"),
    path("join/<str:token>/", account.join, name="join"),
]
