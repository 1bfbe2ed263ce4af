# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Real attestations: taken from whom they are, and refused after any change."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustpub.proofs.attestation import MAX_BYTES, BadAttestation, read
from trustpub.proofs.root import Root, public_good, read_root
from trustpub.proofs.verify import Checker

from .conftest import GITHUB_SAMPLE, REAL, SAMPLES, SLSA_SAMPLE, Sample, attestation, check
from .signing import Sigstore

Alter = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: one.name)
def test_a_real_attestation_is_taken_from_the_run_that_made_it(public: Checker, sample: Sample) -> None:
    verified = check(public, sample)
    assert verified.root.name == "public-good"
    assert verified.signer["issuer"] == sample.issuer
    assert verified.logged == int(
        sample.attestation["verification_material"]["transparency_entries"][0]["integratedTime"]
    )


def test_whoever_is_not_that_run_has_made_none_of_them(public: Checker) -> None:
    for sample in SAMPLES:
        for other in SAMPLES:
            if other.claims != sample.claims:
                stranger = replace(sample, kind=other.kind, issuer=other.issuer, claims=other.claims)
                with pytest.raises(BadAttestation):
                    check(public, stranger)


# One change each, to the attestation itself. Everything in it is signed by somebody, or names its signer.


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _paths(below, (*path, name))
    elif isinstance(value, list):
        for at, below in enumerate(value[:2]):
            yield from _paths(below, (*path, at))


def _holder(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path[:-1]:
        value = value[step]
    return value


def _other(value: Any) -> Any:
    """Something else of the same form."""
    if isinstance(value, dict):
        return {}
    if isinstance(value, list):
        return [*value, *value] if value else ["AAAA"]
    if isinstance(value, int):
        return value + 1
    if value.isdecimal():
        return str(int(value) + 1)
    middle = len(value) // 2
    return value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]


def _drop(path: tuple[str | int, ...]) -> Alter:
    return lambda value: _holder(value, path).pop(path[-1])


def _put(path: tuple[str | int, ...], make: Callable[[Any], Any]) -> Alter:
    def alter(value: dict[str, Any]) -> None:
        holder = _holder(value, path)
        holder[path[-1]] = make(holder[path[-1]])

    return alter


ENTRY = ("verification_material", "transparency_entries", 0)


def _in_base64(path: tuple[str | int, ...], make: Callable[[bytes], bytes]) -> Alter:
    return _put(path, lambda text: base64.b64encode(make(base64.b64decode(text))).decode())


def _in_statement(make: Callable[[Any], Any]) -> Alter:
    return _in_base64(("envelope", "statement"), lambda raw: json.dumps(make(json.loads(raw))).encode())


def _in_body(make: Callable[[Any], Any]) -> Alter:
    return _in_base64((*ENTRY, "canonicalizedBody"), lambda raw: json.dumps(make(json.loads(raw))).encode())


def _checkpoint(make: Callable[[str], str]) -> Alter:
    return _put((*ENTRY, "inclusionProof", "checkpoint", "envelope"), make)


def _set(value: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**value, **changes}


MATERIAL = SLSA_SAMPLE.attestation["verification_material"]
SUBJECT = {"name": GITHUB_SAMPLE.filename, "digest": {"sha256": GITHUB_SAMPLE.sha256}}

ALTERATIONS: dict[str, Alter] = {
    **{f"without {'/'.join(map(str, path))}": _drop(path) for path in _paths(GITHUB_SAMPLE.attestation)},
    **{
        f"another {'/'.join(map(str, path))}": _put(path, _other)
        for path in _paths(GITHUB_SAMPLE.attestation)
        if path[-2:] != ("checkpoint", "envelope")
    },
    **{f"null {'/'.join(map(str, path))}": _put(path, lambda _: None) for path in _paths(GITHUB_SAMPLE.attestation)},
    "version true": _put(("version",), lambda _: True),
    "version 1.0": _put(("version",), lambda _: 1.0),
    "version as text": _put(("version",), lambda _: "1"),
    "a second entry of nonsense": _put(("verification_material", "transparency_entries"), lambda old: [*old, {}]),
    "line breaks in base64": _put(("envelope", "signature"), lambda text: text[:8] + "\n" + text[8:]),
    "a certificate that ends early": _in_base64(("verification_material", "certificate"), lambda raw: raw[:-9]),
    "a certificate with another signature": _in_base64(
        ("verification_material", "certificate"), lambda raw: raw[:-1] + bytes([raw[-1] ^ 1])
    ),
    "the certificate of another run": _put(
        ("verification_material", "certificate"),
        lambda _: SLSA_SAMPLE.attestation["verification_material"]["certificate"],
    ),
    "the log entry of another attestation": _put(
        ENTRY, lambda _: SLSA_SAMPLE.attestation["verification_material"]["transparency_entries"][0]
    ),
    "the signature of another attestation": _put(
        ("envelope", "signature"), lambda _: SLSA_SAMPLE.attestation["envelope"]["signature"]
    ),
    "another name in the statement": _in_statement(lambda one: _set(one, subject=[{**SUBJECT, "name": "a-1.tar.gz"}])),
    "the same name spelled another way": _in_statement(
        lambda one: _set(one, subject=[{**SUBJECT, "name": "pypi-attestations-0.0.19.tar.gz"}])
    ),
    "another digest in the statement": _in_statement(
        lambda one: _set(one, subject=[{**SUBJECT, "digest": {"sha256": "0" * 64}}])
    ),
    "two subjects": _in_statement(lambda one: _set(one, subject=[SUBJECT, SUBJECT])),
    "no subject": _in_statement(lambda one: _set(one, subject=[])),
    "another type of statement": _in_statement(lambda one: _set(one, _type="https://in-toto.io/Statement/v0.1")),
    "another predicate type": _in_statement(lambda one: _set(one, predicateType="https://slsa.dev/provenance/v1")),
    "a predicate": _in_statement(lambda one: _set(one, predicate={"by": "me"})),
    "white space in the statement": _in_base64(("envelope", "statement"), lambda raw: raw + b" "),
    "another payload in the log": _in_body(
        lambda one: _set(one, spec=_set(one["spec"], payloadHash={"algorithm": "sha256", "value": "0" * 64}))
    ),
    "another kind in the log": _in_body(lambda one: _set(one, kind="hashedrekord")),
    "a day later": _put((*ENTRY, "integratedTime"), lambda text: str(int(text) + 86_400)),
    "a day earlier": _put((*ENTRY, "integratedTime"), lambda text: str(int(text) - 86_400)),
    "no time": _put((*ENTRY, "integratedTime"), lambda _: "0"),
    "a negative time": _put((*ENTRY, "integratedTime"), lambda text: "-" + text),
    "a time beyond all": _put((*ENTRY, "integratedTime"), lambda _: "9" * 30),
    "a number for a text": _put((*ENTRY, "logIndex"), int),
    "an unknown member of the entry": _put(ENTRY, lambda one: {**one, "more": 1}),
    "an unknown kind of entry": _put((*ENTRY, "kindVersion"), lambda _: {"kind": "intoto", "version": "0.0.2"}),
    "an unknown version of the entry": _put((*ENTRY, "kindVersion"), lambda _: {"kind": "dsse", "version": "9"}),
    "a proof without a hash": _put((*ENTRY, "inclusionProof", "hashes"), lambda old: old[:-1]),
    "a proof with hashes the other way round": _put((*ENTRY, "inclusionProof", "hashes"), lambda old: old[::-1]),
    "a smaller tree": _put((*ENTRY, "inclusionProof", "treeSize"), lambda _: "1"),
    "another root hash in the checkpoint": _checkpoint(lambda text: text.replace("=\n\n", "A\n\n")),
    "another size in the checkpoint": _checkpoint(lambda text: text.replace("\n31550402\n", "\n31550403\n")),
    "a checkpoint of another log": _checkpoint(lambda text: text.replace("rekor.sigstore.dev -", "rekor.example -")),
    "a checkpoint without a signature": _checkpoint(lambda text: text.partition("\n\n")[0]),
    "a checkpoint that is no text of one": _checkpoint(lambda text: text[::-1]),
}


def test_there_are_more_than_forty_alterations() -> None:
    assert len(ALTERATIONS) > 100


@pytest.mark.parametrize("name", ALTERATIONS)
def test_a_real_attestation_is_refused_after(public: Checker, name: str) -> None:
    value = GITHUB_SAMPLE.altered()
    ALTERATIONS[name](value)
    with pytest.raises(BadAttestation) as refused:
        check(public, GITHUB_SAMPLE, value)
    assert refused.value.code
    assert refused.value.message.endswith(".")
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 700


def test_whose_key_signed_a_checkpoint_counts_and_not_the_name_beside_it(public: Checker) -> None:
    value = GITHUB_SAMPLE.altered()
    _checkpoint(lambda text: text.replace("\u2014 rekor.sigstore.dev ", "\u2014 rekor.example "))(value)
    check(public, GITHUB_SAMPLE, value)


# Changes to what it is compared with.

COMPARED = {name: value for name, value in GITHUB_SAMPLE.claims.items() if name not in ("ref", "sha")}
RUNS = {
    **{f"another {name}": {name: value + "0"} for name, value in COMPARED.items()},
    "another ref": {"workflow_ref": GITHUB_SAMPLE.claims["workflow_ref"].replace("v0.0.19", "v0.0.18")},
    "a branch for a tag": {"workflow_ref": GITHUB_SAMPLE.claims["workflow_ref"].replace("tags", "heads")},
    "another file": {"workflow_ref": GITHUB_SAMPLE.claims["workflow_ref"].replace("release.yml", "test.yml")},
    "the repository's id and the owner's exchanged": {
        "repository_id": GITHUB_SAMPLE.claims["repository_owner_id"],
        "repository_owner_id": GITHUB_SAMPLE.claims["repository_id"],
    },
    "no workflow": {"workflow_ref": ""},
    "no repository": {"repository": ""},
    "no owner": {"repository_owner_id": ""},
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_a_real_attestation_is_refused_for_a_run_with(public: Checker, name: str) -> None:
    with pytest.raises(BadAttestation):
        check(public, replace(GITHUB_SAMPLE, claims={**GITHUB_SAMPLE.claims, **RUNS[name]}))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"filename": "pypi_attestations-0.0.18.tar.gz"}, "subject"),
        ({"filename": "pypi_attestations-0.0.19-py3-none-any.whl"}, "subject"),
        ({"filename": "pypi_attestation-0.0.19.tar.gz"}, "subject"),
        ({"sha256": "0" * 64}, "digest"),
        ({"issuer": "https://token.actions.githubusercontent.com/acme"}, "identity"),
        ({"issuer": "https://ghe.example/_services/token"}, "identity"),
        ({"kind": "gitlab"}, "unknown-run"),
        ({"kind": "generic"}, "unknown-run"),
    ],
)  # fmt: skip
def test_a_real_attestation_is_refused_for(public: Checker, changes: dict[str, str], code: str) -> None:
    with pytest.raises(BadAttestation) as refused:
        check(public, replace(GITHUB_SAMPLE, **changes))  # type: ignore[arg-type]
    assert refused.value.code == code


def test_the_same_file_under_another_spelling_of_its_name_is_the_same_file(public: Checker) -> None:
    check(public, replace(GITHUB_SAMPLE, filename="pypi-attestations-0.0.19.tar.gz"))


# Other roots.


def test_an_instance_that_is_not_believed_vouches_for_nobody(own_root: Root, sigstore: Sigstore) -> None:
    with pytest.raises(BadAttestation) as refused:
        check(Checker(lambda: [own_root]), GITHUB_SAMPLE)
    assert refused.value.code == "unknown-log"
    with pytest.raises(BadAttestation) as refused:
        check(Checker(list), GITHUB_SAMPLE)
    assert refused.value.code == "unknown-log"


def test_the_staging_instance_does_not_vouch_for_what_the_public_one_signed() -> None:
    staging = read_root("staging", REAL / "trusted_root.sigstage.dev.json", dated="")
    with pytest.raises(BadAttestation, match="no trust root here knows"):
        check(Checker(lambda: [staging]), GITHUB_SAMPLE)


@pytest.mark.parametrize("part", ["certificateAuthorities", "ctlogs", "tlogs"])
def test_a_root_of_which_one_part_is_of_another_instance_vouches_for_nobody(
    sigstore: Sigstore, tmp_path: Any, part: str
) -> None:
    mixed = json.loads(public_good().path.read_text())
    strange = sigstore.trusted_root()[part]
    # The ids stay, so that it is asked: what it must not do is answer yes.
    for one, kept in zip(strange, mixed[part], strict=False):
        if "logId" in one:
            one["logId"] = kept["logId"]
    mixed[part] = strange
    path = tmp_path / "mixed.json"
    path.write_text(json.dumps(mixed))
    root = read_root("mixed", path, dated="")
    with pytest.raises(BadAttestation) as refused:
        check(Checker(lambda: [root]), GITHUB_SAMPLE)
    assert refused.value.code == "sigstore"


def test_an_entry_of_rekor_version_2_is_refused_with_what_to_do() -> None:
    bundle = json.loads((REAL / "rekor2-dsse.staging.bundle.sigstore.json").read_text())
    material, envelope = bundle["verificationMaterial"], bundle["dsseEnvelope"]
    value = {
        "version": 1,
        "verification_material": {
            "certificate": material["certificate"]["rawBytes"],
            "transparency_entries": material["tlogEntries"],
        },
        "envelope": {"statement": envelope["payload"], "signature": envelope["signatures"][0]["sig"]},
    }
    with pytest.raises(BadAttestation, match="sign with version 1"):
        attestation(value)


# Size and form.


def test_an_attestation_may_have_64_kib_and_no_more() -> None:
    value = GITHUB_SAMPLE.altered()
    bare = len(json.dumps({**value, "more": ""}))
    read(json.dumps({**value, "more": "x" * (MAX_BYTES - bare)}))
    with pytest.raises(BadAttestation) as refused:
        read(json.dumps({**value, "more": "x" * (MAX_BYTES - bare + 1)}))
    assert refused.value.code == "too-large"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "1", '"text"', '{"version": 1, "version": 1}', '{"version": NaN}', "[" * 30_000, "\ud800"],
)
def test_what_is_no_attestation_at_all_is_refused(text: str) -> None:
    with pytest.raises(BadAttestation):
        read(text)


def test_members_that_nobody_knows_are_kept_as_they_came(public: Checker) -> None:
    value = GITHUB_SAMPLE.altered()
    value["more"] = "é"
    value["verification_material"]["timestamps"] = []
    text = json.dumps(value, indent=1)
    verified = public.check(read(text), GITHUB_SAMPLE.expected, GITHUB_SAMPLE.filename, GITHUB_SAMPLE.sha256)
    assert verified.attestation.original == text


@given(at=st.integers(0, 12_000), to=st.characters(min_codepoint=0x20, max_codepoint=0x17F), times=st.integers(1, 3))
@settings(max_examples=150)
def test_whatever_a_character_becomes_it_is_a_verdict(at: int, to: str, times: int) -> None:
    text = json.dumps(GITHUB_SAMPLE.attestation)
    at %= len(text)
    changed = text[:at] + to * times + text[at + 1 :]
    root, said = public_good(), ""
    try:
        one = read(changed)
        Checker(lambda: [root]).check(one, GITHUB_SAMPLE.expected, GITHUB_SAMPLE.filename, GITHUB_SAMPLE.sha256)
    except BadAttestation as refused:
        said = refused.message
    assert not said or said.isprintable()
