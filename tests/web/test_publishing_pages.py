# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Publishers in the browser: forms, pending publishers, rules, and attempts that are one click from fixed."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.web.publishing_bench import FIELDS, HELD, PAGE, RUN, Bench, open_bench, words
from trustpub.index.kept import MAINTAINER, OWNER
from trustpub.index.manage.publishing import MAX_HELD
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.publishers import Rules

WRONG = replace(RUN, workflow="publish.yml")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with open_bench(tmp_path / "index", "gitlab", "google") as made:
        yield made


def attempt_page(attempt_id: str) -> str:
    return f"{PAGE}attempts/{attempt_id}/"


# What was refused.


def test_a_wrong_workflow_is_one_click_from_fixed_and_the_same_job_then_succeeds(bench: Bench) -> None:
    attempt = bench.refused(WRONG)
    owner = bench.owner
    listed = owner.get(PAGE)
    assert listed.text.index("Refused") < listed.text.index("<h2>Publishers")
    assert "workflow: publish.yml, wanted release.yml" in words(listed)
    page = owner.get(attempt_page(attempt))
    assert "workflow release.yml publish.yml differs" in words(page)
    for field in ("repository", "owner id", "repository id", "environment"):
        assert re.search(rf"{field} (\S+) \1 fits", words(page)), field
    done = owner.send(attempt_page(attempt), attempt_page(attempt) + "order/", do="mend")
    assert done.status_code == 303
    assert bench.publishers() == [{**FIELDS, "workflow": "publish.yml"}]
    assert bench.mint(WRONG).status_code == 200
    assert bench.events("publisher-added")[0]["by"]["name"] == "ada"
    assert bench.events("publisher-removed")[0]["by"]["name"] == "ada"
    assert "Start the job again" in words(owner.get(attempt_page(attempt)))


def test_it_can_be_registered_beside_the_one_that_there_is(bench: Bench) -> None:
    attempt = bench.refused(WRONG)
    owner = bench.owner
    assert owner.send(attempt_page(attempt), attempt_page(attempt) + "order/", do="register").status_code == 303
    assert {one["workflow"] for one in bench.publishers()} == {"release.yml", "publish.yml"}
    assert [bench.mint(one).status_code for one in (RUN, WRONG)] == [200, 200]


def test_another_repository_of_that_name_is_not_for_one_click(bench: Bench) -> None:
    attempt = bench.refused(replace(RUN, repository_id="999"))
    owner = bench.owner
    page = owner.get(attempt_page(attempt))
    assert "Mend the publisher" not in page.text
    assert 'value="999"' in page.text
    assert "Differs. Registered: 456789" in words(page)
    for do in ("mend", "register"):
        assert owner.send(attempt_page(attempt), attempt_page(attempt) + "order/", do=do).status_code == 409
    given = {**FIELDS, "repository_id": "999", "provider": "github", "issuer": bench.github.url, "prefilled": "yes"}
    for typed in ({}, {"retyped": ""}, {"retyped": "octo/helo"}):
        answer = owner.send(attempt_page(attempt), PAGE, **given, **typed)
        assert answer.status_code == 400
        assert "Type octo/hello" in words(answer)
    assert bench.publishers() == [FIELDS]
    answer = owner.send(attempt_page(attempt), PAGE, **given, retyped="octo/hello")
    assert answer.status_code == 400  # the same identity with other ids: first the old one has to go
    assert "registered with repository_id 456789, not 999" in words(answer)


def test_a_job_that_lacks_the_environment_is_not_for_one_click(bench: Bench) -> None:
    attempt = bench.refused(replace(RUN, environment=None))
    page = bench.owner.get(attempt_page(attempt))
    assert "environment release nothing differs" in words(page)
    assert "Mend the publisher" not in page.text
    assert 'name="retyped"' in page.text


def test_a_rule_that_was_not_kept_is_shown_where_it_can_be_changed(bench: Bench) -> None:
    (publisher,) = bench.folder.publishers.all("hello")
    bench.folder.publishers.set_rules(publisher.id, "hello", Rules(ref="refs/tags/v*"))
    attempt = bench.refused(replace(RUN, ref="refs/heads/main"))
    owner = bench.owner
    page = owner.get(attempt_page(attempt))
    assert "Mend the publisher" not in page.text
    found = re.search(r'href="([^"]*\?rules=ref)#rules"', page.text)
    assert found is not None
    assert "marked" in owner.get(found[1]).text
    rules = f"{PAGE}publishers/{publisher.id}/"
    assert owner.send(rules, rules + "rules/", rule_ref="refs/heads/main").status_code == 303
    assert bench.mint(replace(RUN, ref="refs/heads/main")).status_code == 200


def test_whoever_acts_for_a_pull_request_is_let_in_by_nothing(bench: Bench) -> None:
    attempt = bench.refused(replace(RUN, event="pull_request_target"))
    page = bench.owner.get(attempt_page(attempt))
    assert "No registration lets this job in" in words(page)
    assert "<button>Mend" not in page.text


def test_what_was_accepted_is_shown_with_everything_that_was_compared(bench: Bench) -> None:
    assert bench.mint().status_code == 200
    page = words(bench.owner.get(PAGE))
    assert "Accepted" in page
    assert "workflow release.yml release.yml fits" in page


def test_a_gitlab_job_is_one_click_from_fixed_as_well(bench: Bench) -> None:
    from trustpub.rehearsal.issuers import example_job

    job: Any = example_job("gitlab")
    fields: dict[str, Any] = dict(PROVIDERS["gitlab"].example_fields)
    bench.publisher(kind="gitlab", **{**fields, "workflow_filepath": "other.yml"})
    attempt = bench.refused(job, kind="gitlab")
    owner = bench.owner
    assert owner.send(attempt_page(attempt), attempt_page(attempt) + "order/", do="mend").status_code == 303
    assert bench.mint(job, kind="gitlab").status_code == 200


def test_claims_are_escaped(bench: Bench) -> None:
    evil = "<script>alert(1)</script>"
    attempt = bench.refused(replace(RUN, environment=evil, run_id=evil))
    owner = bench.owner
    for page in (
        owner.get(PAGE),
        owner.get(attempt_page(attempt)),
        owner.get(PAGE, provider="github", repository=evil),
    ):
        assert page.status_code == 200
        assert evil not in page.text
        assert "&lt;script&gt;" in page.text


# Who may.


def test_an_attempt_or_a_publisher_of_another_project_is_not_there(bench: Bench) -> None:
    bench.project("other")
    mallory = bench.person("mallory", role=OWNER, project="other")
    attempt = bench.refused(WRONG)
    (publisher,) = bench.folder.publishers.all("hello")
    theirs = "/manage/project/other/settings/publishing/"
    assert mallory.get(theirs).status_code == 200
    for path in (f"{theirs}attempts/{attempt}/", f"{theirs}publishers/{publisher.id}/", f"{theirs}attempts/x/"):
        assert mallory.get(path).status_code == 404
    for path in (f"{theirs}attempts/{attempt}/order/", f"{PAGE}attempts/{attempt}/order/"):
        assert mallory.send(theirs, path, do="mend").status_code in (403, 404)
    for what in ("rules", "constrain", "remove"):
        for base in (theirs, PAGE):
            answer = mallory.send(theirs, f"{base}publishers/{publisher.id}/{what}/", environment="x")
            assert answer.status_code in (403, 404)
    assert mallory.send(theirs, PAGE, provider="github", **FIELDS).status_code == 403
    assert mallory.send(theirs, HELD + "remove/", publisher=publisher.id, project="hello").status_code == 404
    assert bench.publishers() == [FIELDS]


def test_a_maintainer_sees_and_may_not_change(bench: Bench) -> None:
    attempt = bench.refused(WRONG)
    (publisher,) = bench.folder.publishers.all("hello")
    grace = bench.person("grace", role=MAINTAINER)
    assert "Register another" not in grace.get(PAGE).text
    page = grace.get(attempt_page(attempt))
    assert "An owner of the project can put this in order" in words(page)
    assert grace.send(PAGE, attempt_page(attempt) + "order/", do="mend").status_code == 403
    assert grace.send(PAGE, f"{PAGE}publishers/{publisher.id}/remove/").status_code == 403
    assert bench.publishers() == [FIELDS]


def test_who_is_not_signed_in_is_asked_to_and_changes_nothing(bench: Bench) -> None:
    from tests.web.publishing_bench import Browser

    nobody = Browser(bench.client)
    for path in (PAGE, HELD, attempt_page("x")):
        answer = nobody.get(path)
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/login")
    assert nobody.post(HELD, provider="github", project_name="new", **FIELDS).status_code == 303
    assert bench.publishers("new") == []


def test_without_the_forms_token_nothing_happens(bench: Bench) -> None:
    owner = bench.owner
    assert owner.post(PAGE, provider="github", **{**FIELDS, "workflow": "x.yml"}).status_code == 403
    assert bench.publishers() == [FIELDS]


def test_ten_minutes_after_the_proof_it_is_asked_for_anew(bench: Bench) -> None:
    owner = bench.owner
    bench.now[0] += 601
    page = owner.get(PAGE, provider="github")
    assert "Prove anew that it is you" in words(page)
    assert 'name="workflow"' not in page.text
    answer = owner.send(PAGE, provider="github", **{**FIELDS, "workflow": "x.yml"})
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/confirm")
    assert bench.publishers() == [FIELDS]


# Forms.


def test_every_kind_that_the_index_believes_has_a_form_with_its_fields_and_examples(bench: Bench) -> None:
    owner = bench.owner
    for kind in ("github", "gitlab", "google", "activestate"):
        page = owner.get(PAGE, provider=kind)
        assert page.status_code == 200
        for field in PROVIDERS[kind].fields:
            assert f'id="{field.name}"' in page.text
            assert field.title in words(page)
            assert field.example in page.text
        assert "Whoever is named here can publish" in words(page)
    assert 'name="repository"' not in owner.get(PAGE, provider="jenkins").text  # nobody believes one here


def test_faults_stand_beside_their_fields_and_what_was_typed_stays(bench: Bench) -> None:
    answer = bench.owner.send(
        PAGE, provider="github", issuer=bench.github.url, repository="no slash", workflow="dir/release.yml",
        environment="release", rule_ref="*", owner_id="12x",
    )  # fmt: skip
    assert answer.status_code == 400
    for name in ("repository", "workflow", "owner_id", "rule_ref"):
        assert f'id="{name}-fault"' in answer.text
        assert re.search(rf'id="{name}" [^>]*aria-invalid="true"', answer.text)
    assert 'id="environment-fault"' not in answer.text
    assert 'value="no slash"' in answer.text
    assert "--" not in words(answer)  # nothing to type on a command line


def test_a_link_fills_the_form_in_also_one_made_for_pypi_and_the_name_has_to_be_typed(bench: Bench) -> None:
    owner = bench.owner
    ours = owner.get(PAGE, provider="github", repository="octo/more", workflow="ci.yml", environment="pypi")
    pypis = owner.get(
        PAGE, provider="github", owner="octo", repository="more", workflow_filename="ci.yml", environment="pypi"
    )
    for page in (ours, pypis):
        for value in ("octo/more", "ci.yml", "pypi"):
            assert f'value="{value}"' in page.text
        assert "Type octo/more" in words(page)
    assert 'name="retyped"' not in owner.get(PAGE, provider="github").text


def test_ids_that_nobody_can_be_asked_for_are_wanted_beside_their_fields(bench: Bench) -> None:
    owner = bench.owner
    given = {"provider": "github", "issuer": bench.github.url, "repository": "octo/more", "workflow": "x.yml"}
    answer = owner.send(PAGE, **given)
    assert answer.status_code == 400
    assert 'id="owner_id-fault"' in answer.text
    assert 'id="repository_id-fault"' in answer.text
    assert owner.send(PAGE, **given, pin_on_first_use="yes").status_code == 303
    assert {"repository": "octo/more", "workflow": "x.yml"} in bench.publishers()


def test_ids_are_asked_of_the_forge(tmp_path: Path) -> None:
    class GitHub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"id": 77, "full_name": "octo/more", "owner": {"id": 5}}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), GitHub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with open_bench(tmp_path / "index", forge=url) as bench:
            answer = bench.owner.send(
                PAGE, provider="github", issuer="https://token.actions.githubusercontent.com",
                repository="octo/more", workflow="x.yml",
            )  # fmt: skip
            assert answer.status_code == 303, words(answer)
            assert {"repository": "octo/more", "workflow": "x.yml", "owner_id": "5", "repository_id": "77"} in (
                bench.publishers()
            )
        server.shutdown()


def test_a_publisher_is_shown_with_its_workflow_constrained_and_removed(bench: Bench) -> None:
    fields = {name: value for name, value in FIELDS.items() if name != "environment"}
    owner = bench.owner
    made = owner.send(
        PAGE, provider="github", issuer=bench.github.url, **{**fields, "workflow": "x.yml"}, rule_ref="refs/tags/v*"
    )
    path = made.headers["location"]
    page = owner.get(path)
    assert ".github/workflows/x.yml" in page.text
    assert "trustpub publish --index https://index.example" in page.text
    assert "id-token: write" in page.text
    bad = owner.send(path, path + "constrain/", environment="a,b")
    assert bad.status_code == 400
    assert 'id="environment-fault"' in bad.text
    moved = owner.send(path, path + "constrain/", environment="Release")
    assert moved.status_code == 303
    assert {**fields, "workflow": "x.yml", "environment": "release"} in bench.publishers()
    assert {**fields, "workflow": "x.yml"} not in bench.publishers()
    assert owner.get(path).status_code == 404
    path = moved.headers["location"]
    assert "refs/tags/v*" in words(owner.get(path))  # the rules went with it
    wrong = owner.send(path, path + "rules/", rule_ref="*")
    assert wrong.status_code == 400
    assert 'id="rule_ref-fault"' in wrong.text
    assert owner.send(path, path + "remove/").status_code == 303
    assert bench.publishers() == [FIELDS]


# Pending publishers.


def held(bench: Bench, name: str = "fresh", **more: str) -> dict[str, str]:
    fields = {**FIELDS, "repository": f"octo/{name}"}
    return {"provider": "github", "issuer": bench.github.url, "project_name": name, **fields, **more}


def test_a_pending_publisher_holds_the_name_until_it_is_removed(bench: Bench) -> None:
    ada = bench.person("ada")
    assert ada.send(HELD, **held(bench)).status_code == 303
    page = ada.get(HELD)
    assert "The name fresh is held for its first release." in words(page)
    assert "octo/fresh" in page.text
    assert bench.mint(replace(RUN, repository="octo/fresh")).status_code == 200
    publisher = re.search(r'name="publisher" value="([^"]+)"', page.text)
    assert publisher is not None
    eve = bench.person("eve")
    for path in (HELD + "remove/",):
        assert eve.send(HELD, path, publisher=publisher[1], project="fresh").status_code == 404
    assert eve.get("/manage/project/fresh/settings/publishing/").status_code == 404
    assert ada.send(HELD, HELD + "remove/", publisher=publisher[1], project="fresh").status_code == 303
    assert bench.publishers("fresh") == []


def test_a_name_that_others_have_or_hold_is_taken_and_nobody_becomes_its_owner(bench: Bench) -> None:
    assert bench.person("ada").send(HELD, **held(bench)).status_code == 303
    eve = bench.person("eve")
    for name in ("fresh", "Fresh", "hello"):
        answer = eve.send(HELD, **held(bench, name, workflow="evil.yml"))
        assert answer.status_code == 400
        assert "is taken" in words(answer)
        assert 'id="project_name-fault"' in answer.text
    assert len(bench.publishers("fresh")) == 1
    assert eve.get("/manage/project/fresh/settings/publishing/").status_code == 404
    owner = bench.owner
    assert "is yours already" in words(owner.send(HELD, **held(bench, "hello", workflow="x.yml")))


@pytest.mark.parametrize(
    ("name", "says"), [("os", "standard library"), ("he llo", "cannot be"), ("he11o", "looks like")]
)
def test_a_name_that_nobody_may_have_is_refused_in_words(bench: Bench, name: str, says: str) -> None:
    answer = bench.person("ada").send(HELD, **{**held(bench, "x"), "project_name": name})
    assert answer.status_code == 400
    assert says in words(answer)


def test_one_person_holds_so_many_names_and_no_more(bench: Bench) -> None:
    ada = bench.person("ada")
    for number in range(MAX_HELD):
        assert ada.send(HELD, **held(bench, f"fresh{number}x")).status_code == 303
    answer = ada.send(HELD, **held(bench, "onemore"))
    assert answer.status_code == 400
    assert f"You hold {MAX_HELD} names already" in words(answer)
    assert bench.person("root", administrator=True).send(HELD, **held(bench, "onemore")).status_code == 303


def test_pages_are_strict_about_what_they_load(bench: Bench) -> None:
    page = bench.owner.get(PAGE, provider="github")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text
    assert " style=" not in page.text
