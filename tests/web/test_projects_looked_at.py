# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Pages that show projects: what they say of releases and who published them, and what they let nobody smuggle in."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey

from tests.index.storage.conftest import a_project
from tests.index.web.conftest import sdist
from tests.proofs.signing import Sigstore
from tests.proofs.test_signed_here import RUN, github
from trustpub.index.kept import Issuer
from trustpub.proofs.root import PUBLIC_GOOD
from trustpub.trust.publishers import Link, Publisher

from .stocked import OTHER, Stocked, a_wheel, counted, many_projects, stocked

GITHUB = "https://token.actions.githubusercontent.com"


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": "key-1"})


@pytest.fixture
def index(tmp_path: Path, key: RSAKey) -> Iterator[Stocked]:
    with stocked(tmp_path / "index", key) as made:
        yield made


@pytest.fixture
def private(tmp_path: Path, key: RSAKey) -> Iterator[Stocked]:
    with stocked(tmp_path / "index", key, private=True) as made:
        yield made


def words(html: str) -> str:
    """What is read on a page, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_front_door_is_a_page_for_browsers_and_plain_text_for_all_others(index: Stocked) -> None:
    page = index.browser().get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "https://index.example/simple/" in page.text
    assert "Accept" in page.headers["vary"]
    for accept in ("*/*", "text/plain", "application/json"):
        text = index.browser().client.get("/", headers={"Accept": accept})
        assert text.headers["content-type"].startswith("text/plain")
        assert "Audience" in text.text


def test_a_release_by_a_job_is_shown_with_its_publisher_commit_and_run(index: Stocked) -> None:
    index.release("1.0", run_id="77")
    page = index.browser().get("/project/hello/")
    said = words(page.text)
    assert "✓ Trusted publisher GitHub Actions: octo/hello" in said
    assert "octo/hello/.github/workflows/release.yml, environment release" in said
    assert "ffffffffffff of refs/tags/v1" in said
    assert "pip install --index-url https://index.example/simple/ hello" in said
    file = index.file("hello-1.0-py3-none-any.whl")
    assert file is not None
    assert file.sha256 in said
    assert f"/packages/{file.blake2b_256[:2]}/" in page.text
    assert "Warning" not in said
    # The issuer is not GitHub's own: nobody knows where its repositories are shown.
    assert "https://github.com" not in page.text


def test_a_file_can_be_downloaded_from_its_link(index: Stocked) -> None:
    index.release("1.0")
    browser = index.browser()
    (link,) = re.findall(r'href="(/packages/[^"]+)"', browser.get("/project/hello/").text)
    file = index.file("hello-1.0-py3-none-any.whl")
    assert file is not None
    assert hashlib.sha256(browser.client.get(link).content).hexdigest() == file.sha256


def test_a_change_of_publisher_between_releases_is_a_warning(index: Stocked) -> None:
    index.other_publisher()
    index.release("1.0")
    index.release("1.1")
    index.release("1.2", **OTHER, environment=None)
    page = index.browser().get("/project/hello/")
    said = words(page.text)
    warning = "1.2 was published by GitHub Actions: evil/hello, and 1.1 by GitHub Actions: octo/hello."
    assert "This release was published otherwise than the one before it." in said
    assert said.count(warning) == 2  # above, and in the table beside the strip
    older = words(index.browser().get("/project/hello/1.1/").text)
    assert "This release was published otherwise" not in older
    assert "This is not the release that installers choose." in older
    assert "hello==1.1" in older


def test_a_token_after_trusted_publishing_is_a_warning_of_its_own(index: Stocked) -> None:
    index.release("1.0")
    index.release("1.1", token=index.user_token("ada"))
    said = words(index.browser().get("/project/hello/").text)
    assert "1.1 was published by ada, with a token, and 1.0 by GitHub Actions: octo/hello." in said
    assert "A token was used instead of Trusted Publishing." in said


def test_a_repository_made_anew_under_the_same_name_is_another_publisher(index: Stocked) -> None:
    index.release("1.0")
    with index.store.write() as writing:
        writing.unlink_publisher("pub-1", index.project().id)
    index.other_publisher(repository="octo/hello")
    ids = {"repository_id": "999", "repository_owner_id": "666"}
    index.release("1.1", **ids, environment=None)
    said = words(index.browser().get("/project/hello/").text)
    assert "1.1 was published by GitHub Actions: octo/hello (B, another of the same name), and 1.0 by" in said


def test_another_workflow_of_the_same_repository_is_told_and_is_no_warning(index: Stocked) -> None:
    index.other_publisher(repository="octo/hello", workflow="next.yml", owner_id="123456", repository_id="456789")
    index.release("1.0")
    file = "octo/hello/.github/workflows/next.yml"
    index.release("1.1", job_workflow_ref=f"{file}@refs/tags/v1", workflow_ref=f"{file}@refs/tags/v1", environment=None)
    said = words(index.browser().get("/project/hello/").text)
    assert f"1.1 was published by {file}; 1.0 by octo/hello/.github/workflows/release.yml, environment release." in said
    assert "Warning" not in said


def test_releases_are_drawn_in_a_strip_with_letters_and_a_table_beside_it(index: Stocked) -> None:
    index.other_publisher()
    index.release("1.0")
    index.release("1.1", **OTHER, environment=None)
    index.release("1.2", token=index.user_token("ada"))
    page = index.browser().get("/project/hello/").text
    svg = page[page.index('role="img"') : page.index("</figure>")]
    assert re.findall(r">([A-Z])</text>", svg) == ["A", "B", "T", "A", "B", "T"]  # blocks, then the legend
    fills = re.findall(r'<rect [^>]*fill="(#[0-9a-f]{6})"', svg)
    assert len(set(fills[:3])) == 3
    assert "A is GitHub Actions: octo/hello (1 release); B is GitHub Actions: evil/hello (1 release)" in svg
    rows = re.findall(r'<th scope="row"><a href="/project/hello/([^/]+)/"', page)
    assert rows == ["1.2", "1.1", "1.0"]
    assert " style=" not in page
    assert "<script" not in page


def test_a_project_with_many_releases_draws_the_last_and_lists_all_on_demand(index: Stocked) -> None:
    known = index.file(index.release("1.0"))
    assert known is not None
    with index.store.write() as writing:
        for number in range(70):
            digest, name = f"{number:064x}", f"hello-0.{number}.tar.gz"
            older = replace(known, filename=name, version=f"0.{number}", sha256=digest, blake2b_256=digest)
            writing.add_file(replace(older, filetype="sdist", metadata_sha256=None, uploaded=float(number)))
    page = index.browser().get("/project/hello/").text
    row = '<th scope="row"><a href="/project/hello/'
    assert "11 earlier releases are not drawn." in page
    assert page.count(row) == 60
    assert "All 71 releases" in page
    assert index.browser().get("/project/hello/?releases=all").text.count(row) == 71


def test_an_attested_file_leads_to_its_provenance_and_to_the_forge_and_its_loss_is_a_warning(index: Stocked) -> None:
    sigstore, folder = Sigstore(), index.live.folder
    folder.trust.write(PUBLIC_GOOD, json.dumps(sigstore.trusted_root()).encode())
    workflow = "Acme/hello/.github/workflows/release.yml"
    jwks = {"keys": [index.live.key.as_dict(private=False)]}
    with index.store.write() as writing:
        writing.put_issuer(Issuer(url=GITHUB, kind="github", jwks=jwks))
        link = Link(project_id=index.project().id, project="Hello")
        fields = {"repository": "Acme/hello", "workflow": "release.yml", "owner_id": "11", "repository_id": "22"}
        writing.add_publisher(Publisher(id="pub-3", issuer=GITHUB, kind="github", fields=fields, links=(link,)))
    run = {
        **RUN, "iss": GITHUB, "repository_owner": "Acme", "job_workflow_ref": f"{workflow}@refs/tags/v1",
        "run_id": "77",
    }  # fmt: skip
    content, name = a_wheel("hello", "1.0"), "hello-1.0-py3-none-any.whl"
    at = f"https://github.com/{workflow}@refs/tags/v1"
    signed = sigstore.attest(github(san=at, build_signer_uri=at), name, hashlib.sha256(content).hexdigest())
    index.upload(index.minted(**run), content, name, "1.0", attestations=json.dumps([signed]))
    index.release("1.1", **run)
    browser = index.browser()
    page = browser.get("/project/hello/1.0/").text
    (provenance,) = re.findall(r'href="(/integrity/[^"]+)"', page)
    bundles = browser.client.get(provenance).json()["attestation_bundles"]
    assert bundles[0]["publisher"]["repository"] == "Acme/hello"
    for below in ("", f"/commit/{'c' * 40}", "/actions/runs/77"):
        assert f'href="https://github.com/Acme/hello{below}" rel="nofollow noopener"' in page
    said = words(browser.get("/project/hello/1.1/").text)
    assert "Every file of 1.0 came with an attestation, and no file of 1.1 did." in said


def test_the_description_is_rendered_and_nothing_in_it_runs_loads_or_leads_into_this_site(index: Stocked) -> None:
    readme = (
        "# Hello\n\nA *fine* thing. <script>alert(1)</script> <img src=x onerror=alert(2)>\n\n"
        "![Build](https://evil.example/badge.svg) [![Docs](https://evil.example/d.svg)](https://docs.example/)\n\n"
        "[sign out](/logout) [run](javascript:alert(3)) <a href='//evil.example/x'>there</a>\n\n"
        "<form action='https://evil.example'><input name=password><button>Go</button></form>\n"
        "<div class='notice warning' id='warnings' style='position:fixed'>All is well</div>\n"
        "<style>body { display: none }</style>\n"
    )
    index.release("1.0", "Description-Content-Type: text/markdown", body=readme)
    answer = index.browser().get("/project/hello/")
    page = answer.text
    shown = page[page.index('<div class="readme">') :]
    assert "<h3" in shown
    assert "<em>fine</em>" in shown
    for bad in (
        "<script",
        "<img",
        "<form",
        "<input",
        "<button",
        "<style",
        " style=",
        "onerror=",
        "javascript:",
        'class="notice',
    ):
        assert bad not in shown.partition("</main>")[0], bad
    assert 'href="/logout"' not in shown
    assert 'href="//evil' not in shown
    assert '<a href="https://evil.example/badge.svg" rel="nofollow noopener">[Build]</a>' in shown
    assert '<a href="https://docs.example/" rel="nofollow noopener">Docs</a>' in shown
    assert 'id="readme-warnings"' in shown
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script" not in answer.headers["content-security-policy"]


def test_the_description_of_a_source_distribution_is_read_from_its_archive(index: Stocked) -> None:
    content = sdist("hello", "1.0")
    index.upload(index.minted(), content, "hello-1.0.tar.gz", "1.0", filetype="sdist", pyversion="source")
    page = index.browser().get("/project/hello/").text
    assert "Hello." in page[page.index('<div class="readme">') :]


def test_what_a_release_says_of_itself_is_escaped_everywhere(index: Stocked) -> None:
    mark, ref, workflow = "<i>&\"'", "refs/tags/<i>\u202e", "octo/hello/.github/workflows/release.yml"
    index.release(
        "1.0", f"Summary: {mark}", f"Author: {mark}", f"License: {mark}", f"Keywords: {mark},b",
        f'Project-URL: {mark}, https://example.org/?a="<i>', "Project-URL: Bad, javascript:alert(1)",
        "Requires-Dist: other; extra == 'x'",
        ref=ref, run_id='"><i>', sha="<i>", job_workflow_ref=f"{workflow}@{ref}", workflow_ref=f"{workflow}@{ref}",
    )  # fmt: skip
    with index.store.write() as writing:
        writing.set_status(index.project().id, "deprecated", "use <i>other</i>")
    page = index.browser().get("/project/hello/").text
    assert "<i>" not in page
    assert "&lt;i&gt;&amp;" in page
    assert "javascript:" not in page
    assert "\u202e" not in page
    assert "refs/tags/&lt;i&gt;" in page


def test_names_and_versions_have_one_address_each(index: Stocked) -> None:
    index.release("1.0")
    browser = index.browser()
    assert browser.get("/project/HELLO/").headers["location"] == "/project/hello/"
    assert browser.get("/project/hello/1.0.0/").status_code == 404
    assert browser.get("/project/hello/v1.0/").headers["location"] == "/project/hello/1.0/"
    for path in (
        "/project/none/",
        "/project/hello/2.0/",
        "/project/hello/x/",
        "/project/%3Ci%3E/",
        "/project/hello/1%2F2/",
    ):
        assert browser.get(path).status_code == 404, path


def test_a_yanked_release_says_so_and_why(index: Stocked) -> None:
    index.release("1.0")
    index.release("1.1")
    with index.store.write() as writing:
        writing.yank("hello-1.1-py3-none-any.whl", "breaks <b>all</b>")
    assert "1.0" in words(re.findall(r"<h1>(.*)</h1>", index.browser().get("/project/hello/").text)[0])
    said = words(index.browser().get("/project/hello/1.1/").text)
    assert "This release is yanked" in said
    assert "breaks &lt;b&gt;all&lt;/b&gt;" in said


def test_a_project_in_quarantine_says_so_and_shows_no_file(index: Stocked) -> None:
    index.release("1.0")
    index.live.folder.projects.quarantine("hello", "looks stolen")
    page = index.browser().get("/project/hello/")
    assert "in quarantine" in words(page.text)
    assert "/packages/" not in page.text
    assert index.browser().get("/project/hello/1.0/").status_code == 404


def test_a_name_that_is_only_held_has_no_page(index: Stocked) -> None:
    with index.store.write() as writing:
        writing.add_project(a_project("Held", "project-2", pending_until=int(index.now()) + 1000))
    assert index.browser().get("/project/held/").status_code == 404
    assert "Held" not in index.browser().get("/search").text


def test_search_finds_by_words_and_goes_on_page_by_page(index: Stocked) -> None:
    many_projects(index, 120)
    browser = index.browser()
    first = browser.get("/search?q=many")
    assert first.text.count('<th scope="row">') == 50
    (more,) = re.findall(r'<a rel="next" href="([^"]+)"', first.text)
    second = browser.get(more.replace("&amp;", "&"))
    assert "many-0050" in second.text
    assert second.text.count('<th scope="row">') == 50
    assert "many-0007" in browser.get("/search?q=0007+many").text
    assert "No project has" in browser.get("/search?q=nothing").text
    assert "<i>" not in browser.get("/search?q=%3Ci%3E%25_").text
    assert "GitHub Actions: octo/hello" in browser.get("/search?q=hello").text


def test_pages_of_a_large_index_take_as_many_statements_as_those_of_a_small_one(index: Stocked) -> None:
    index.release("1.0")
    browser, ada = index.browser(), index.browser("ada")
    pages = [
        (browser, "/search?q=e"), (browser, "/search"), (browser, "/project/hello/"), (browser, "/project/hello/1.0/"),
        (ada, "/manage/projects/"), (ada, "/manage/project/hello/"), (ada, "/manage/project/hello/release/1.0/"),
        (ada, "/manage/project/hello/members/"), (ada, "/manage/project/hello/log/"),
        (ada, "/manage/project/hello/settings/"),
    ]  # fmt: skip

    def counts() -> list[int]:
        found = []
        for who, path in pages:
            assert who.get(path).status_code == 200, path
            found.append(counted(index, partial(who.get, path)))
        return found

    index.now(60)
    ada.get("/")  # that she was seen is noted once a minute
    few = counts()
    many_projects(index, 2_000)
    for number in range(1, 12):
        index.release(f"1.{number}")
    ada.get("/")
    many = counts()
    assert few == many
    assert 0 < max(many) <= 10


def test_a_private_index_shows_nothing_to_those_who_are_not_signed_in(private: Stocked) -> None:
    private.release("1.0")
    nobody = private.browser()
    answers = {
        nobody.get(path).headers["location"].partition("?")[0]
        for path in ("/search", "/project/hello/", "/project/none/")
    }
    assert answers == {"/login"}
    assert "Search projects" not in nobody.get("/").text
    cy = private.browser("cy")
    assert cy.get("/project/hello/").status_code == 200
    assert cy.get("/project/none/").status_code == 404
    assert cy.get("/manage/project/hello/").status_code == 403
