# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.protocol.upload import MULTIPLE, SDIST, SINGLE, WHEEL, Faults, Submission, form_fields, read_fields

A = "a" * 64
LEAST = [
    (":action", "file_upload"),
    ("filetype", "sdist"),
    ("sha256_digest", A),
    ("metadata_version", "2.4"),
    ("name", "hello"),
    ("version", "1.0"),
]
values = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    lambda text: text == text.strip() and text != "UNKNOWN"
)


def good(pairs: list[tuple[str, str]]) -> Submission:
    read = read_fields(pairs)
    assert isinstance(read, Submission), read
    return read


def bad(pairs: list[tuple[str, str]]) -> dict[str, str]:
    read = read_fields(pairs)
    assert isinstance(read, Faults), read
    return {fault.field: fault.problem for fault in read.faults}


@given(
    st.fixed_dictionaries(
        {"Metadata-Version": st.tuples(values), "Name": st.tuples(values), "Version": st.tuples(values)},
        optional={
            **{header: st.tuples(values) for header in SINGLE if header not in ("Metadata-Version", "Name", "Version")},
            **{header: st.lists(values, min_size=1, max_size=3, unique=True).map(tuple) for header in MULTIPLE},
        },
    )
)
def test_what_a_client_sends_is_what_an_index_reads(fields: dict[str, tuple[str, ...]]) -> None:
    sent = Submission(filetype=WHEEL, pyversion="py3", fields=fields, sha256=A, blake2b_256="b" * 64, md5="c" * 32)
    assert read_fields(form_fields(sent)) == sent


def test_headers_in_any_case_are_sent() -> None:
    fields = {"metadata-version": ["2.4"], "NAME": ["hello"], "version": ["1"], "requires-dist": ["a", "b"]}
    pairs = form_fields(Submission(filetype=SDIST, pyversion="source", fields=fields, sha256=A))
    assert ("name", "hello") in pairs
    assert [value for field, value in pairs if field == "requires_dist"] == ["a", "b"]


def test_the_least_that_is_needed() -> None:
    read = good(LEAST)
    assert (read.name, read.version, read.metadata_version) == ("hello", "1.0", "2.4")
    assert (read.filetype, read.pyversion, read.sha256, read.blake2b_256, read.md5) == (SDIST, "source", A, None, None)


def test_order_unknown_fields_empty_values_and_unknown_make_no_difference() -> None:
    noise = [("comment", "x"), ("author", ""), ("license", "UNKNOWN"), ("requires_python", " "), ("gpg_signature", "x")]
    assert good([*noise, *reversed(LEAST)]) == good(LEAST)


def test_both_spellings_of_a_repeated_field_are_read_as_one() -> None:
    read = good([*LEAST, ("provides_extras", "a"), ("provides_extra", "b"), ("classifier", "c"), ("import_names", "d")])
    assert set(read.fields["Provides-Extra"]) == {"a", "b"}
    assert read.fields["Classifier"] == ("c",)
    assert read.fields["Import-Name"] == ("d",)


def test_a_description_keeps_its_indentation_and_nul_is_escaped() -> None:
    read = good([*LEAST, ("description", "  code\x00\n"), ("summary", " short ")])
    assert read.fields["Description"] == ("  code\\x00\n",)
    assert read.fields["Summary"] == ("short",)


def test_an_md5_is_read_in_hex_and_in_base64() -> None:
    digest = bytes(range(240, 256))
    hexadecimal = good([*LEAST, ("md5_digest", digest.hex().upper())])
    assert hexadecimal == good([*LEAST, ("md5_digest", "8PHy8_T19vf4-fr7_P3-_w")])
    assert hexadecimal.md5 == digest.hex()


def test_everything_wrong_is_told_at_once_and_without_values() -> None:
    faults = bad([(":action", "evil"), ("filetype", "evil"), ("sha256_digest", "evil"), ("protocol_version", "evil")])
    assert set(faults) == {
        ":action", "protocol_version", "filetype", "sha256_digest", "metadata_version", "name", "version",
    }  # fmt: skip
    assert "evil" not in "".join(faults.values())


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ([("name", "other")], "name"),
        ([("summary", "a"), ("summary", "b")], "summary"),
        ([("filetype", "bdist_wheel")], "filetype"),
        ([("pyversion", "py3")], "pyversion"),
        ([("md5_digest", "!" * 22)], "md5_digest"),
        ([("blake2_256_digest", "g" * 64)], "blake2_256_digest"),
    ],
)
def test_what_contradicts_itself_is_a_fault(more: list[tuple[str, str]], field: str) -> None:
    assert field in bad([*LEAST, *more])


def test_a_wheel_needs_its_python_tag_and_a_form_a_digest() -> None:
    wheel = [("filetype", "bdist_wheel"), *(pair for pair in LEAST if pair[0] not in ("filetype", "sha256_digest"))]
    assert set(bad(wheel)) == {"pyversion", "sha256_digest"}


@pytest.mark.parametrize("action", ["submit", "submit_pkg_info", "doc_upload"])
def test_an_action_of_old_is_gone(action: str) -> None:
    read = read_fields([(":action", action)])
    assert isinstance(read, Faults)
    assert read.status == 410


def test_name_version_and_metadata_version_are_as_sent() -> None:
    read = good(LEAST)
    assert (read.name, read.version, read.metadata_version) == ("hello", "1.0", "2.4")


def test_a_form_with_nothing_in_it_lacks_everything_at_once() -> None:
    faults = bad([])
    assert set(faults) == {":action", "filetype", "sha256_digest", "metadata_version", "name", "version"}
    assert all(problem.startswith("is missing") for problem in faults.values())
