"""Teams: switching, making, naming; members and their roles."""

from __future__ import annotations

import pytest
from django.test import Client

from orchestra_site.accounts.models import AuditEntry, Membership, Role, Team, User
from orchestra_site.accounts.services import (
    LastOwner,
    NotAllowed,
    change_role,
    ensure_demo_team,
    remove_member,
)
from tests.support.history import a_member, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    return a_member(Role.OWNER, Team.objects.create(name="Engines"))


def joined(owner: Membership, role: Role) -> Membership:
    return a_member(role, owner.team)


def post(member: Membership, path: str, **data: str) -> tuple[int, str]:
    answer = signed_in(member).post(path, data)
    return answer.status_code, answer.content.decode()


def role_of(member: Membership) -> str:
    return str(Membership.objects.get(pk=member.pk).role)


def test_a_member_sees_the_others_and_a_viewer_cannot_change_them(owner: Membership) -> None:
    viewer = joined(owner, Role.VIEWER)
    page = signed_in(viewer).get("/team/").content.decode()
    assert owner.user.email in page
    for words in ("Remove", "Invite someone", "Audit log", "Rename"):
        assert words not in page


def test_an_owner_changes_a_role_and_it_holds_at_once(owner: Membership) -> None:
    member = joined(owner, Role.VIEWER)
    assert post(owner, f"/team/members/{member.pk}/role/", role="admin")[0] == 302
    assert signed_in(member).get("/team/audit/").status_code == 200


def test_the_same_role_again_changes_nothing(owner: Membership) -> None:
    change_role(membership=owner, member=owner, role=Role.OWNER)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("action", ["role", "remove"])
def test_the_last_owner_stays(owner: Membership, action: str) -> None:
    status, page = post(owner, f"/team/members/{owner.pk}/{action}/", role="admin")
    assert status == 422
    assert "is the only owner of Engines" in page
    assert role_of(owner) == Role.OWNER


def test_one_of_two_owners_may_go(owner: Membership) -> None:
    second = joined(owner, Role.OWNER)
    change_role(membership=owner, member=owner, role=Role.ADMIN)
    with pytest.raises(LastOwner):
        remove_member(membership=second, member=second)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_services_refuse_whoever_may_not_configure(owner: Membership, role: Role) -> None:
    someone, other = joined(owner, role), joined(owner, Role.VIEWER)
    with pytest.raises(NotAllowed):
        change_role(membership=someone, member=other, role=Role.ADMIN)
    with pytest.raises(NotAllowed):
        remove_member(membership=someone, member=other)


def test_an_admin_cannot_touch_or_make_owners(owner: Membership) -> None:
    admin, member = joined(owner, Role.ADMIN), joined(owner, Role.VIEWER)
    assert post(admin, f"/team/members/{owner.pk}/role/", role="viewer")[0] == 422
    assert post(admin, f"/team/members/{owner.pk}/remove/")[0] == 422
    assert post(admin, f"/team/members/{member.pk}/role/", role="owner")[0] == 422
    with pytest.raises(NotAllowed):
        change_role(membership=admin, member=member, role=Role.OWNER)
    assert (role_of(owner), role_of(member)) == (Role.OWNER, Role.VIEWER)


def test_a_role_that_does_not_exist_is_refused_in_words(owner: Membership) -> None:
    member = joined(owner, Role.VIEWER)
    status, page = post(owner, f"/team/members/{member.pk}/role/", role="king")
    assert (status, "Choose one of the roles" in page) == (422, True)


def test_whoever_is_removed_is_out_at_once(owner: Membership) -> None:
    member = joined(owner, Role.ADMIN)
    client = signed_in(member)
    assert post(owner, f"/team/members/{member.pk}/remove/")[0] == 302
    assert not Membership.objects.filter(user_id=member.user_id, team_id=owner.team_id).exists()
    page = client.get("/team/")
    assert (page.status_code, 'data-page="no-team"' in page.content.decode()) == (403, True)


def test_someone_without_a_team_can_change_the_password_and_sign_out() -> None:
    client = Client()
    client.force_login(User.objects.create_user("lone@example.org", "x"))
    assert client.post("/account/sign-out/").status_code == 302


def test_a_team_is_made_by_an_admin_who_then_works_in_it(owner: Membership) -> None:
    client = signed_in(owner)
    assert client.post("/team/new/", {"name": "Looms"}).status_code == 302
    page = client.get("/team/").content.decode()
    assert "Looms is made" in page
    assert "You are owner." in page


def test_switching_keeps_to_the_teams_one_belongs_to(owner: Membership) -> None:
    second = Membership.objects.create(
        team=Team.objects.create(name="Looms"), user=owner.user, role=Role.VIEWER
    )
    client = signed_in(owner)
    assert "<h1><bdi>Engines</bdi></h1>" in client.get("/team/").content.decode()
    client.post("/account/team/", {"team": str(second.team_id)})
    assert "<h1><bdi>Looms</bdi></h1>" in client.get("/team/").content.decode()
    second.delete()
    assert "<h1><bdi>Engines</bdi></h1>" in client.get("/team/").content.decode()


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_team_needs_a_name_of_some_length(owner: Membership, name: str) -> None:
    assert post(owner, "/team/name/", name=name)[0] == 422
    assert post(owner, "/team/new/", name=name)[0] == 422
    assert Team.objects.get().name == "Engines"


def test_a_renamed_team_shows_its_new_name(owner: Membership) -> None:
    assert post(owner, "/team/name/", name="Looms")[0] == 302
    assert "<h1><bdi>Looms</bdi></h1>" in signed_in(owner).get("/team/").content.decode()


def test_a_membership_is_looked_up_through_its_team(owner: Membership) -> None:
    stranger = a_member(Role.OWNER)
    assert list(Membership.objects.visible_to(stranger)) == [stranger]
    assert not Membership.objects.filter(user_id=stranger.user_id, team_id=owner.team_id).exists()


def test_a_first_start_makes_the_demo_team_and_tells_its_password_once() -> None:
    team, email, password = ensure_demo_team()
    again, same_email, nothing = ensure_demo_team()
    assert (again, same_email, nothing) == (team, email, None)
    assert password is not None
    assert User.objects.get(email=email).check_password(password)


def test_users_made_by_hand_get_the_demo_team_and_keep_their_password() -> None:
    user = User.objects.create_user("root@example.org", "kept")
    team, email, password = ensure_demo_team()
    assert (team.name, email, password) == ("Demo team", user.email, None)


def test_a_team_that_is_there_already_stands(owner: Membership) -> None:
    assert ensure_demo_team() == (owner.team, owner.user.email, None)
