# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from trustpub.client.audiences import check_audience
from trustpub.client.indexes import resolve
from trustpub.errors import Declined, Misuse


@pytest.mark.parametrize(
    ("given", "upload_url"),
    [
        ("pypi", "https://upload.pypi.org/legacy/"),
        ("PyPI", "https://upload.pypi.org/legacy/"),
        ("https://pypi.org", "https://upload.pypi.org/legacy/"),
        ("https://upload.pypi.org/legacy/", "https://upload.pypi.org/legacy/"),
        ("testpypi", "https://test.pypi.org/legacy/"),
        ("https://test.pypi.org/legacy", "https://test.pypi.org/legacy/"),
        ("https://index.example", "https://index.example/legacy/"),
        ("https://index.example:8443/", "https://index.example:8443/legacy/"),
        ("https://index.example/legacy", "https://index.example/legacy/"),
        ("https://index.example/team/upload/", "https://index.example/team/upload/"),
        ("http://localhost:8000", "http://localhost:8000/legacy/"),
    ],
)
def test_an_index_is_given_by_name_base_or_upload_url(given: str, upload_url: str) -> None:
    index = resolve(given)
    assert index.upload_url == upload_url
    assert upload_url.startswith(index.origin + "/")
    assert index.origin.count("/") == 2


@pytest.mark.parametrize(
    "given",
    [
        "nobody",
        "",
        "index.example",
        "http://index.example",
        "https://",
        "https://u:p@index.example",
        "https://index.example/legacy/?token=x",
        "https://index.example/#x",
        "https://pypi.org/simple/",
        "https://index.example/simple",
        "file:///dist",
    ],
)
def test_what_is_no_upload_address_is_misuse(given: str) -> None:
    with pytest.raises(Misuse):
        resolve(given)


@pytest.mark.parametrize(
    ("index", "audience"),
    [
        ("pypi", "pypi"),
        ("testpypi", "testpypi"),
        ("https://index.example", "index_3f2a"),
        ("https://index.example", "https://index.example"),
        ("https://upload.index.example", "index.example"),
        ("https://localhost:8443", "localhost:8443"),
    ],
)
def test_an_index_may_ask_for_an_audience_of_its_own(index: str, audience: str) -> None:
    check_audience(resolve(index), audience)


@pytest.mark.parametrize(
    ("index", "audience"),
    [
        ("https://index.example", "pypi"),
        ("https://index.example", "PyPI"),
        ("https://pypi.org.index.example", "pypi"),
        ("https://upload.pypi.org:8443", "testpypi"),
        ("testpypi", "pypi"),
        ("pypi", "sigstore"),
        ("https://index.example", "sts.amazonaws.com"),
        ("https://index.example", "api://AzureADTokenExchange"),
        ("https://index.example", "npm:registry.npmjs.org"),
        ("https://index.example", "https://github.com/octo"),
        ("https://index.example", "example.index.example.org"),
        ("https://index.example", "two words"),
        ("https://index.example", "index\n::add-mask::x"),
        ("https://index.example", "x" * 257),
        ("https://index.example", "pÿpi"),
    ],
)
def test_no_index_may_ask_for_somebody_elses(index: str, audience: str) -> None:
    with pytest.raises(Declined) as caught:
        check_audience(resolve(index), audience)
    assert "\n" not in caught.value.message
    assert "::" not in caught.value.message
