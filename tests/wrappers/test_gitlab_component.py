# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The GitLab component, included with inputs and run as a job of a pipeline, with trustpub installed from its wheel."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from trustpub import __version__
from trustpub.rehearsal.issuers import GitLabIssuer, PipelineJob
from trustpub.rehearsal.sigstore.server import LocalSigstore

from .conftest import ROOT, TOKEN, Make, Shop, hashes
from .gitlab import PipelineError, Ran, include, run

TEMPLATE = ROOT / "templates" / "publish" / "template.yml"
SMALL = f"trustpub=={__version__}"
Publish = Callable[..., Ran]


@pytest.fixture(scope="module")
def gitlab(shop: Shop) -> Iterator[GitLabIssuer]:
    with GitLabIssuer(clock=time.time) as issuer:
        shop.believe(issuer, "gitlab")
        yield issuer


@pytest.fixture
def job(project: str) -> PipelineJob:
    return PipelineJob(
        project_path=f"acme/{project}", project_id="22", namespace_id="72", environment="release", ref="refs/tags/v1.0"
    )


@pytest.fixture
def registered(shop: Shop, gitlab: GitLabIssuer, project: str, job: PipelineJob) -> str:
    """Id of the publisher that the job is."""
    return shop.register(project, "gitlab", gitlab, fields_of(job))


def fields_of(job: PipelineJob) -> dict[str, str]:
    """What the job is registered by."""
    return {
        "namespace": "acme", "project": job.project_path.partition("/")[2], "workflow_filepath": job.file,
        "environment": "release", "project_id": "22", "namespace_id": "72",
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project's folder on the runner."""
    made = tmp_path / "builds"
    made.mkdir()
    return made


@pytest.fixture
def publish(
    shop: Shop, gitlab: GitLabIssuer, job: PipelineJob, offline: Mapping[str, str], own_wheel: Path, folder: Path
) -> Publish:
    """Include the component, and run its job."""

    def one(*, shell: str = "bash", id_tokens: bool = True, more: Mapping[str, str] | None = None, **given: Any) -> Ran:
        given = {"index": shop.url, "audience": shop.audience, "requirement": SMALL, **given}
        configuration = include(TEMPLATE, {name.replace("_", "-"): value for name, value in given.items()})
        (definition,) = configuration.values()
        find = f"{offline['PIP_FIND_LINKS']} {own_wheel.parent}"
        settings = {**offline, "PIP_FIND_LINKS": find, "SSL_CERT_FILE": str(shop.index.ca), **(more or {})}
        ran = run(definition, folder, shell=shell, issuer=gitlab, job=job, variables=settings, id_tokens=id_tokens)
        assert TOKEN.findall(ran.log) == []
        return ran

    return one


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_files_are_published_and_the_token_is_given_back(
    publish: Publish, shop: Shop, registered: str, folder: Path, make: Make, project: str, shell: str
) -> None:
    files = make(folder / "dist", project)
    ran = publish(shell=shell)
    assert ran.code == 0, ran.log
    assert shop.files(project) == hashes(files)
    (grant,) = shop.grants(registered)
    assert grant.burned


@pytest.mark.long
def test_the_usual_requirement_brings_what_signs(
    publish: Publish, gitlab: GitLabIssuer, signing_shop: Shop, sigstore: LocalSigstore, job: PipelineJob,
    folder: Path, make: Make, project: str,
) -> None:  # fmt: skip
    files = make(folder / "dist", project)
    usual = include(TEMPLATE, {})["publish"]["variables"]["TRUSTPUB_REQUIREMENT"]["value"]
    assert usual == f"trustpub[attest]=={__version__}"
    sigstore.believe(gitlab.url, "gitlab", gitlab.jwks)
    signing_shop.believe(gitlab, "gitlab")
    signing_shop.register(project, "gitlab", gitlab, fields_of(job))
    there = {"index": signing_shop.url, "audience": signing_shop.audience, "requirement": usual}
    more = {"SSL_CERT_FILE": str(signing_shop.index.ca)}
    # What must be signed and cannot be, for want of an identity token for this instance, is not published.
    assert publish(**there, more=more, attestations="required").code
    assert signing_shop.files(project) == {}
    ran = publish(**there, more=more, attestations="required", sigstore_audience="sigstore:localhost")
    assert ran.code == 0, ran.log
    assert signing_shop.files(project) == hashes(files)
    assert signing_shop.signed(project) == set(hashes(files))


def test_the_inputs_say_what_is_published_and_how(
    publish: Publish, shop: Shop, registered: str, folder: Path, make: Make, project: str
) -> None:
    files = make(folder / "my $HOME [wheels]", project)
    ran = publish(packages_dir="my $HOME [wheels]", print_hash=True, verbose=True, attestations="off")
    assert ran.code == 0, ran.log
    assert shop.files(project) == hashes(files)
    assert set(hashes(files).values()) <= set(re.findall("[0-9a-f]{64}", ran.log))
    make(folder / "dist", project, padding=100)
    assert publish(attestations="off").code != 0
    ran = publish(skip_existing=True, attestations="off")
    assert ran.code == 0, ran.log
    assert shop.files(project) == hashes(files)


def test_the_job_is_what_the_inputs_make_it() -> None:
    rules = [{"if": "$CI_COMMIT_BRANCH"}]
    made = include(
        TEMPLATE, {"job": "to-pypi", "stage": "release", "image": "python:3.12", "environment": "pypi", "rules": rules}
    )
    assert list(made) == ["to-pypi"]
    job = made["to-pypi"]
    assert [job[name] for name in ("stage", "image", "environment", "rules")] == [
        "release",
        "python:3.12",
        "pypi",
        rules,
    ]
    assert job["id_tokens"] == {"TRUSTPUB_ID_TOKEN": {"aud": "pypi"}, "TRUSTPUB_SIGSTORE_ID_TOKEN": {"aud": "sigstore"}}
    assert job["cache"] == []
    assert "$[[" not in str(made)
    assert "inputs." not in "".join(job["script"])


@pytest.mark.parametrize(
    "given",
    [{"attestations": "maybe"}, {"skip-existing": "true"}, {"password": "x"}, {"rules": "always"}, {"index": 1}],
)
def test_inputs_that_cannot_be_meant_make_no_pipeline(given: dict[str, Any]) -> None:
    with pytest.raises(PipelineError):
        include(TEMPLATE, given)


@pytest.mark.parametrize("names", [["index", "packages_dir", "audience", "sigstore_audience"], ["requirement"]])
def test_no_input_becomes_a_command(publish: Publish, folder: Path, make: Make, project: str, names: list[str]) -> None:
    make(folder / "dist", project)
    ran = publish(
        **dict.fromkeys(names, "x'\"; touch made-by-shell; $(touch made-by-shell) `touch made-by-shell` --help")
    )
    assert ran.code
    assert not list(folder.parent.rglob("made-by-shell"))


def test_without_its_identity_token_the_job_says_what_to_write(
    publish: Publish, folder: Path, make: Make, project: str
) -> None:
    make(folder / "dist", project)
    ran = publish(id_tokens=False)
    assert ran.code, ran.log
    assert "id_tokens" in ran.log


def test_another_audience_than_the_index_asks_for_is_refused(
    publish: Publish, shop: Shop, registered: str, folder: Path, make: Make, project: str
) -> None:
    make(folder / "dist", project)
    ran = publish(audience="9somebody-else")
    assert ran.code, ran.log
    assert shop.audience in ran.log
    assert shop.files(project) == {}


def test_a_job_that_nobody_registered_publishes_nothing(
    publish: Publish, shop: Shop, folder: Path, make: Make, project: str
) -> None:
    make(folder / "dist", project)
    ran = publish()
    assert ran.code, ran.log
    assert "invalid-publisher" in ran.log
    assert shop.files(project) == {}


def test_every_input_has_a_test() -> None:
    tested = Path(__file__).read_text(encoding="utf-8")
    header = TEMPLATE.read_text(encoding="utf-8").partition("\n---\n")[0]
    names = re.findall(r"^    ([a-z-]+):$", header, re.MULTILINE)
    assert len(names) == 14
    for name in names:
        assert re.search(rf"\b{name.replace('-', '_')}=|\"{name}\"", tested), f"{name} has no test"
