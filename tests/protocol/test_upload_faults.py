# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with an upload form, in words."""

from __future__ import annotations

from trustpub.protocol.upload import Fault


def test_a_fault_is_its_field_and_what_is_wrong_with_it() -> None:
    assert str(Fault(field="name", problem="is missing")) == "name: is missing"
