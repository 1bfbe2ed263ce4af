# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The management API does what its OpenAPI document says, whatever it is sent: schemathesis asks every operation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import RSAKey
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from starlette.testclient import TestClient

from trustpub.protocol.management.openapi import document
from trustpub.protocol.management.table import OPERATIONS

from .stocked import Stocked, stocked

EXAMPLES = 12
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    negative_data_rejection, unsupported_method,
]  # fmt: skip


def described() -> Any:
    """The document without what it says of tokens: who may ask is for the matrix (test_authorisation.py)."""
    said = document("https://index.example", "1.0")
    del said["security"], said["components"]["securitySchemes"]
    for path in said["paths"].values():
        for one in path.values():
            one.pop("security", None)
    return schemathesis.openapi.from_dict(said)


DESCRIBED = described()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stocked]:
    key = RSAKey.generate_key(2048, parameters={"kid": "key-1"})
    path: Path = tmp_path_factory.mktemp("described") / "index"
    with stocked(path, key) as made:
        made.release("1.0")
        yield made


@pytest.fixture(scope="module")
def header(index: Stocked) -> dict[str, str]:
    secret = index.live.folder.credentials.issue_user_token(index.users["root"], scope="manage")[1]
    return {"Authorization": f"Bearer {secret.reveal()}"}


def test_the_document_is_served_as_it_is_made_and_every_operation_is_in_it_once(index: Stocked) -> None:
    with TestClient(index.app, base_url="https://index.example") as client:
        served = client.get("/api/v1/openapi.json")
    assert served.headers["content-type"] == "application/json"
    said = served.json()
    assert said["openapi"] == "3.1.0"
    found = [(path, method) for path, one in said["paths"].items() for method in one]
    assert sorted(found) == sorted((one.path, one.method.lower()) for one in OPERATIONS.values())
    assert {one["operationId"] for path in said["paths"].values() for one in path.values()} == set(OPERATIONS)
    assert json.loads(json.dumps(document("https://index.example", said["info"]["version"]))) == said


KNOWN = {"project": "hello", "user": "ben", "publisher": "pub-1", "name": "hello"}
"""What is there, for parts of a path: what is made up is nearly always of nothing."""


def examine(index: Stocked, header: dict[str, str], name: str, examples: int) -> None:
    """Ask with what the document allows, of things that are there and that are not, and with what it does not allow."""
    operation: Any = DESCRIBED.find_operation_by_id(name)
    known = {part: KNOWN[part] for part in OPERATIONS[name].parts if part in KNOWN}
    positive, negative = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
    rounds: list[tuple[Any, dict[str, str]]] = [(positive, {}), *([(positive, known)] if known else [])]
    if OPERATIONS[name].body is not None or OPERATIONS[name].query:
        rounds.append((negative, {}))
    with TestClient(index.app, base_url="https://index.example", raise_server_exceptions=False) as client:

        def ask(case: Any, parts: dict[str, str]) -> None:
            case.path_parameters.update(parts)
            sent = case.as_transport_kwargs(base_url="https://index.example/api/v1")
            answer = client.request(
                sent["method"], sent["url"], params=sent.get("params"), json=sent.get("json"),
                content=sent.get("data"), headers={**(sent.get("headers") or {}), **header},
            )  # fmt: skip
            case.validate_response(answer, checks=CHECKS)

        for mode, parts in rounds:
            asked = given(case=operation.as_strategy(generation_mode=mode), parts=st.just(parts))(ask)
            settings(
                max_examples=examples, deadline=None, derandomize=True, database=None,
                suppress_health_check=list(HealthCheck),
            )(asked)()  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_answers_as_described(index: Stocked, header: dict[str, str], name: str) -> None:
    examine(index, header, name, EXAMPLES)


@pytest.mark.long
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_answers_as_described_to_very_many(index: Stocked, header: dict[str, str], name: str) -> None:
    examine(index, header, name, 400)
