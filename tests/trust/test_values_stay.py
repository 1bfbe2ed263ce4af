# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Values that decide who is trusted cannot be changed once they are made, nor be mixed up while they are."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil

import pytest

import trustpub.trust

VALUES = {
    f"{value.__module__}.{value.__qualname__}": value
    for found in pkgutil.walk_packages(trustpub.trust.__path__, "trustpub.trust.")
    for _, value in inspect.getmembers(importlib.import_module(found.name), dataclasses.is_dataclass)
    if isinstance(value, type)
}


def test_there_are_such_values() -> None:
    assert {"trustpub.trust.decision.Check", "trustpub.trust.providers.gitlab.Identity"} <= set(VALUES)


@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_value_is_frozen_has_no_room_for_more_and_takes_its_parts_by_name(name: str) -> None:
    value = VALUES[name]
    params = vars(value)["__dataclass_params__"]
    assert params.frozen
    assert "__slots__" in vars(value)
    assert all(field.kw_only for field in dataclasses.fields(value))
