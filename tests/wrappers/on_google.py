# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What `test_cloud_build.py` runs on a machine of Google's that it makes; elsewhere nobody collects this file."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from trustpub import __version__
from trustpub.rehearsal.issuers import Account, GoogleIssuer

from ..compat.documents.test_documents import forwarded  # noqa: TID252 - pytest gives these folders no absolute name
from .cloudbuild import Built, submit
from .conftest import ROOT, TOKEN, Make, Shop, hashes

CONFIG = ROOT / "wrappers" / "cloudbuild" / "publish.yaml"
SMALL = f"trustpub=={__version__}"
Submit = Callable[..., Built]


@pytest.fixture(scope="module")
def google(shop: Shop) -> Iterator[GoogleIssuer]:
    with GoogleIssuer(clock=time.time) as issuer, forwarded(80, issuer.metadata_host):
        shop.believe(issuer, "google")
        yield issuer


@pytest.fixture
def account(shop: Shop, project: str) -> Account:
    """The service account that the build runs as."""
    return Account(email=f"{project}@proj.iam.gserviceaccount.com", sub=str(int(project[1:], 16)))


@pytest.fixture
def registered(shop: Shop, google: GoogleIssuer, account: Account, project: str) -> str:
    """Id of the publisher that the build is."""
    return shop.register(project, "google", google, {"email": account.email, "sub": account.sub})


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """What was submitted."""
    made = tmp_path / "build" / "workspace"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def publish(request: pytest.FixtureRequest, offline: Mapping[str, str], own_wheel: Path, workspace: Path) -> Submit:
    """Submit the build, as the account."""
    shop: Shop = request.getfixturevalue("shop")
    google: GoogleIssuer = request.getfixturevalue("google")
    google.serve(request.getfixturevalue("account"))
    find = f"{offline['PIP_FIND_LINKS']} {own_wheel.parent}"
    network = {**offline, "PIP_FIND_LINKS": find, "SSL_CERT_FILE": str(shop.index.ca)}
    del network["NO_GCE_CHECK"]

    def one(**given: str) -> Built:
        substitutions = {"INDEX": shop.url, "REQUIREMENT": SMALL, **given}
        built = submit(CONFIG, {f"_{name}": value for name, value in substitutions.items()}, workspace, network)
        assert TOKEN.findall(built.log) == []
        return built

    return one


def test_files_are_published_and_the_token_is_given_back(
    publish: Submit, shop: Shop, registered: str, workspace: Path, make: Make, project: str
) -> None:
    files = make(workspace / "dist", project)
    built = publish(AUDIENCE=shop.audience)
    assert built.code == 0, built.log
    assert shop.files(project) == hashes(files)
    (grant,) = shop.grants(registered)
    assert grant.burned


def test_the_substitutions_say_what_is_published_and_how(
    publish: Submit, shop: Shop, registered: str, workspace: Path, make: Make, project: str
) -> None:
    files = make(workspace / "my $HOME [wheels]", project)
    usual = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["substitutions"]["_REQUIREMENT"]
    built = publish(PACKAGES_DIR="my $HOME [wheels]", PRINT_HASH="true", VERBOSE="true", REQUIREMENT=usual)
    assert built.code == 0, built.log
    assert shop.files(project) == hashes(files)
    assert set(hashes(files).values()) <= set(re.findall("[0-9a-f]{64}", built.log))
    make(workspace / "dist", project, padding=100)
    assert publish().code != 0
    built = publish(SKIP_EXISTING="true")
    assert built.code == 0, built.log
    assert shop.files(project) == hashes(files)


def test_attestations_that_cannot_be_made_stop_the_release_only_where_they_must(
    publish: Submit, shop: Shop, registered: str, workspace: Path, make: Make, project: str
) -> None:
    files = make(workspace / "dist", project)
    assert publish(ATTESTATIONS="required").code in (1, 2)
    assert shop.files(project) == {}
    assert publish(ATTESTATIONS="off").code == 0
    assert shop.files(project) == hashes(files)


def test_another_audience_than_the_index_asks_for_is_refused(
    publish: Submit, shop: Shop, registered: str, workspace: Path, make: Make, project: str
) -> None:
    make(workspace / "dist", project)
    built = publish(AUDIENCE="elsewhere")
    assert built.code == 1
    assert shop.audience in built.log


def test_an_account_that_nobody_registered_publishes_nothing(
    publish: Submit, shop: Shop, workspace: Path, make: Make, project: str
) -> None:
    make(workspace / "dist", project)
    built = publish()
    assert built.code == 1
    assert "invalid-publisher" in built.log
    assert shop.files(project) == {}


@pytest.mark.parametrize("name", ["INDEX", "PACKAGES_DIR"])
def test_no_substitution_becomes_a_command(
    publish: Submit, workspace: Path, make: Make, project: str, name: str
) -> None:
    make(workspace / "dist", project)
    assert publish(**{name: "x'\"; touch made-by-shell; $(touch made-by-shell) `touch made-by-shell` --help"}).code != 0
    assert not list(workspace.parent.rglob("made-by-shell"))
