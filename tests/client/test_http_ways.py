# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Two ways out that few requests take: from another address, and by plain HTTP to a metadata server."""

from __future__ import annotations

from typing import Any

import pytest

from trustpub.errors import Misuse, Unreachable
from trustpub.http import Http, split
from trustpub.rehearsal.impostors import ELSEWHERE, has_second_address


@pytest.mark.skipif(not has_second_address(), reason=f"this machine has no {ELSEWHERE}: NOTHING ABOUT IT WAS TESTED")
def test_a_request_may_come_from_another_address_of_this_machine(plain: Any, index: Any, certificates: Any) -> None:
    with Http(env={}, source_address=ELSEWHERE) as http:
        http.request("GET", f"{plain.url}/x")
    with Http(env={}, source_address=ELSEWHERE, ca=str(certificates / "ca.pem")) as http:
        http.request("GET", f"{index.url}/x")
    assert [one.address for one in (*plain.asked, *index.asked)] == [ELSEWHERE, ELSEWHERE]


def test_an_address_that_is_not_ours_is_told(plain: Any) -> None:
    with Http(env={}, source_address="192.0.2.1") as http, pytest.raises(Unreachable, match="cannot be reached"):
        http.request("GET", f"{plain.url}/x")


def test_plain_http_is_for_those_who_ask_for_it() -> None:
    with pytest.raises(Misuse, match="http://"):
        split("http://metadata.google.internal/x")
    assert split("http://metadata.google.internal/x", plain=True).hostname == "metadata.google.internal"
    for url in ("ftp://metadata/", "http://user@metadata/", "http:///x"):
        with pytest.raises(Misuse):
            split(url, plain=True)


def test_plain_http_never_goes_through_a_proxy(plain: Any) -> None:
    with (
        Http(env={"HTTPS_PROXY": plain.url, "ALL_PROXY": plain.url, "http_proxy": plain.url}) as http,
        pytest.raises(Unreachable, match=r"metadata\.test cannot be reached"),
    ):
        http.request("GET", "http://metadata.test/x", plain=True)
    assert plain.asked == []
