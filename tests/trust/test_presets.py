# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Providers described in data: each by its own example, and what every one of them must keep to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.trust import explain
from trustpub.trust.claims import BadClaim, SignedClaims
from trustpub.trust.decision import Circumstances, Identity, Refused, Trusted, decide
from trustpub.trust.issuers import PRESETS, PROVIDERS, PUBLIC_ISSUERS, belongs_to, kind_of
from trustpub.trust.preset import Pin, Preset
from trustpub.trust.provider import ENVELOPE, SHARED_AUDIENCE_AGE, BadFields, Provider, seen
from trustpub.trust.publishers import Link, Publisher, Rules
from trustpub.trust.values import find, plain, steps

NOW = 1_790_000_000
KINDS = [preset.kind for preset in PRESETS]
BY_KIND = {preset.kind: preset for preset in PRESETS}
NO_RULES = Rules()
every_preset = pytest.mark.parametrize("kind", KINDS)


def a_publisher(kind: str, changes: Mapping[str, str] = {}, *, rules: Rules = NO_RULES) -> Publisher:
    """The publisher of the preset's example; a change to an empty text takes the field away."""
    provider = PROVIDERS[kind]
    fields = provider.spell({**provider.example_fields, **changes})
    link = Link(project_id="p-1", project="hello", rules=rules)
    return Publisher(id="pub-1", issuer=provider.example_claims["iss"], kind=kind, fields=fields, links=(link,))


def an_identity(kind: str, changed: dict[str, Any] | None = None) -> Identity:
    """The identity of the example; claims by name or pointer are changed, or taken away with None."""
    claims = deepcopy(dict(PROVIDERS[kind].example_claims))
    for name, value in (changed or {}).items():
        *above, last = steps(name)
        members = claims
        for step in above:
            members = members[step]
        members[last] = value
        if value is None:
            del members[last]
    return PROVIDERS[kind].identify(SignedClaims(claims))


def failed_fields(identity: Identity, publisher: Publisher) -> list[str]:
    refused = decide(identity, [publisher], NOW)
    assert isinstance(refused, Refused)
    return [check.field for check in refused.near_misses[0].failed]


def each_pin() -> Iterator[tuple[str, str]]:
    for preset in PRESETS:
        for pin in preset.pins:
            yield preset.kind, pin.name


every_pin = pytest.mark.parametrize(("kind", "name"), list(each_pin()))


@every_preset
def test_the_example_is_trusted_and_found(kind: str) -> None:
    publisher, identity = a_publisher(kind), an_identity(kind)
    assert isinstance(decide(identity, [publisher], NOW), Trusted)
    assert identity.kind == kind
    assert identity.lookups == {PROVIDERS[kind].lookup(publisher.fields)}
    assert identity.subject
    assert identity.subject.isprintable()


@every_preset
def test_a_publisher_that_also_says_everything_optional_is_trusted_and_meant(kind: str) -> None:
    everything = {pin.name: pin.example for pin in BY_KIND[kind].pins}
    full, usual = replace(a_publisher(kind, everything), id="full"), a_publisher(kind)
    found = decide(an_identity(kind), [full] if full.fields == usual.fields else [usual, full], NOW)
    assert isinstance(found, Trusted)
    assert found.publisher.id == "full"


@every_pin
@pytest.mark.parametrize("value", [None, "another", "", 7, True, {"a": "b"}, []])
def test_a_pinned_claim_that_is_gone_or_another_refuses(kind: str, name: str, value: object) -> None:
    pin = BY_KIND[kind].by_name[name]
    publisher = a_publisher(kind, {name: pin.example})
    if not pin.always:
        assert failed_fields(an_identity(kind, {pin.claim: value}), publisher) == [name]
    elif value == "another":
        if f"(?P<{name}>" in BY_KIND[kind].issuer_pattern:
            with pytest.raises(BadClaim, match="issuer"):
                an_identity(kind, {pin.claim: value})
        else:
            assert failed_fields(an_identity(kind, {pin.claim: value}), publisher) == [name]
    else:
        problem = "is missing" if value is None else "no plain string"
        with pytest.raises(BadClaim, match=f"{pin.claim}.*{problem}"):
            an_identity(kind, {pin.claim: value})


@every_pin
def test_the_case_and_the_ends_of_a_pinned_claim_matter(kind: str, name: str) -> None:
    pin = BY_KIND[kind].by_name[name]
    value = find(PROVIDERS[kind].example_claims, pin.claim)
    assert isinstance(value, str | list)
    for other in (str(value).swapcase(), f"{value} ", f"{value}\n", f"x{value}"):
        if other != value:
            publisher = a_publisher(kind, {name: pin.example})
            identity = replace(an_identity(kind), values={**an_identity(kind).values, name: plain(other)}, claims={})  # type: ignore[type-var, attr-defined]
            assert name in failed_fields(identity, publisher)


@every_preset
def test_an_id_left_open_is_trusted_only_where_it_is_to_be_pinned(kind: str) -> None:
    ids = [pin.name for pin in BY_KIND[kind].pins if pin.immutable]
    publisher = a_publisher(kind)
    for name in (name for name in ids if not BY_KIND[kind].by_name[name].required):
        open_ended = replace(publisher, fields={one: text for one, text in publisher.fields.items() if one != name})
        assert failed_fields(an_identity(kind), open_ended) == [name]
        pinning = replace(open_ended, pin_on_first_use=True)
        assert isinstance(decide(an_identity(kind), [pinning], NOW), Trusted)
    anchors = an_identity(kind).anchors(publisher)
    assert list(anchors) == ids == list(PROVIDERS[kind].ids)
    assert all(publisher.fields[name] == text for name, text in anchors.items())


@every_preset
def test_what_is_required_and_left_open_is_never_trusted(kind: str) -> None:
    publisher = a_publisher(kind)
    for pin in BY_KIND[kind].pins:
        if pin.required:
            fields = {name: text for name, text in publisher.fields.items() if name != pin.name}
            bare = replace(publisher, fields=fields, pin_on_first_use=True)
            refused = decide(an_identity(kind), [bare], NOW)
            assert isinstance(refused, Refused)
            (check,) = refused.near_misses[0].failed
            wanted = "a registered id" if pin.immutable else "a registered value"
            assert (check.field, check.wanted, check.given) == (pin.name, wanted, pin.example)


@every_preset
def test_a_preset_is_whole(kind: str) -> None:
    """What the maker of providers relies on, and what makes a publisher of it safe."""
    preset = BY_KIND[kind]
    names = [pin.name for pin in preset.pins]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)
    assert preset.filed_under
    assert all(preset.by_name[name].required and preset.by_name[name].type == "string" for name in preset.filed_under)
    assert all(preset.by_name[name].always for name in re.compile(preset.issuer_pattern).groupindex)
    assert all(re.fullmatch(pin.form, pin.example) for pin in preset.pins if pin.form)
    assert all(bool(pin.form) == bool(pin.form_says) for pin in preset.pins)
    assert re.fullmatch(preset.issuer_pattern, preset.example["iss"])
    assert preset.title
    assert preset.notes


@every_preset
def test_a_preset_names_an_id_and_a_workload_or_says_why_there_is_none(kind: str) -> None:
    preset = BY_KIND[kind]
    without_id = [kind for kind in KINDS if not any(pin.immutable for pin in BY_KIND[kind].pins)]
    assert without_id == ["jenkins"]
    workload = {pin.name for pin in preset.pins if pin.workload}
    assert workload == {field.name for field in PROVIDERS[kind].fields if field.workload}
    assert workload < {*preset.by_name, "any other"}
    assert bool(workload) != bool(preset.more_claims or kind == "bitbucket")
    assert len(workload) < len(preset.pins) or kind == "jenkins"


@every_preset
def test_the_census_knows_the_example_and_every_claim_of_it_has_a_source(kind: str) -> None:
    census, preset = PROVIDERS[kind].census, BY_KIND[kind]
    assert census.unknown(preset.example) == ()
    assert census.unknown({**preset.example, "brand_new": 1}) == ("brand_new",)
    known = census.verified | census.optional | census.unchecked
    sourced = [claim for claims in preset.sources.values() for claim in claims]
    assert sorted(sourced) == sorted(known)
    assert census.verified <= set(preset.example)
    assert not census.verified & census.optional
    assert not (census.verified | census.optional) & census.unchecked
    assert set(preset.kept_claims) <= known | ENVELOPE


@every_preset
def test_only_a_claim_that_the_example_has_not_documented_may_be_absent_from_it(kind: str) -> None:
    absent = PROVIDERS[kind].census.optional - set(BY_KIND[kind].example)
    assert absent == ({"trg"} if kind == "semaphore" else set())


def test_nothing_is_decided_by_a_subject_that_jobs_can_shape() -> None:
    by_subject = [preset.kind for preset in PRESETS if any(pin.claim == "sub" for pin in preset.pins)]
    assert by_subject == ["jenkins"]
    for kind in ("buildkite", "circleci"):
        assert isinstance(decide(an_identity(kind, {"sub": "anything"}), [a_publisher(kind)], NOW), Trusted)


@every_preset
def test_a_publisher_may_want_more_claims(kind: str) -> None:
    publisher = a_publisher(kind, {"/team/id": "7", "/own": "true"})
    assert isinstance(decide(an_identity(kind, {"team": {"id": 7}, "own": True}), [publisher], NOW), Trusted)
    assert failed_fields(an_identity(kind, {"team": {"id": "7"}, "own": True}), publisher) == ["/team/id"]
    assert failed_fields(an_identity(kind), publisher) == ["/team/id", "/own"]


def faults_of(kind: str, changes: Mapping[str, str]) -> dict[str, str]:
    with pytest.raises(BadFields) as caught:
        a_publisher(kind, changes)
    return {fault.field: fault.problem for fault in caught.value.faults}


@every_preset
def test_every_fault_of_a_registration_is_told_at_once(kind: str) -> None:
    required = {pin.name: "" for pin in BY_KIND[kind].pins if pin.required}
    wrong = {"/iss": '"x"', "/a//b": "1", "/word": "bare", "unheard": "of"}
    faults = faults_of(kind, {**required, **wrong})
    assert set(faults) == {*required, *wrong}
    assert {faults[name] for name in required} == {"is missing"}
    most = {f"/c{number}": "1" for number in range(32 - len(PROVIDERS[kind].example_fields))}
    assert len(a_publisher(kind, most).fields) == 32
    assert faults_of(kind, {**most, "/one_more": "1"}) == {"fields": "are more than 32"}


@every_pin
def test_a_word_needs_no_quotes_and_may_have_them(kind: str, name: str) -> None:
    example = BY_KIND[kind].by_name[name].example
    assert a_publisher(kind, {name: f'"{example}"'}) == a_publisher(kind, {name: example})


@every_pin
def test_a_word_that_is_no_string_or_of_another_form_is_refused(kind: str, name: str) -> None:
    pin = BY_KIND[kind].by_name[name]
    for typed in ('"half" quoted"', '""', "x" * 2000):
        assert "is no string" in faults_of(kind, {name: typed})[name]
    if pin.form:
        wrong = "default" if name == "service_account" else pin.example.upper().strip("{}") + "!"
        assert faults_of(kind, {name: wrong}) == {name: pin.form_says}
        assert faults_of(kind, {name: f'"{wrong}"'}) == {name: pin.form_says}


def test_a_long_subject_is_cut_to_a_line() -> None:
    assert len(an_identity("jenkins", {"sub": "x" * 500}).subject) == 200


def test_a_quotation_mark_alone_is_a_word() -> None:
    assert a_publisher("buildkite", {"step_key": '"'}).fields["step_key"] == '"\\""'


def test_circleci_believes_an_organisation_only_about_itself() -> None:
    root = {"iss": "https://oidc.circleci.com"}
    other = "00000000-0000-4000-8000-000000000000"
    assert isinstance(
        decide(an_identity("circleci", root), [replace(a_publisher("circleci"), issuer=root["iss"])], NOW), Trusted
    )
    with pytest.raises(BadClaim, match=r"org-id.*issuer"):
        an_identity("circleci", {"iss": f"https://oidc.circleci.com/org/{other}"})
    played = "http://127.0.0.1:8000"
    identity = an_identity("circleci", {"iss": played})
    assert isinstance(decide(identity, [replace(a_publisher("circleci"), issuer=played)], NOW), Trusted)


@pytest.mark.parametrize("value", [True, "false", 0, "true", [False]])
def test_circleci_publishes_nothing_from_a_job_run_again_over_ssh(value: object) -> None:
    identity = an_identity("circleci", {"oidc.circleci.com/ssh-rerun": value})
    assert failed_fields(identity, a_publisher("circleci")) == ["oidc.circleci.com/ssh-rerun"]


def test_circleci_may_leave_out_what_says_that_it_was_not_run_again() -> None:
    identity = an_identity("circleci", {"oidc.circleci.com/ssh-rerun": None})
    assert isinstance(decide(identity, [a_publisher("circleci")], NOW), Trusted)


def test_a_context_of_circleci_is_one_of_the_job_s_contexts() -> None:
    claim, context = "oidc.circleci.com/context-ids", "b2f1d7aa-5e6c-4c0e-a4c9-7d1f0f3f8a21"
    publisher = a_publisher("circleci", {"context_id": context})
    several: tuple[list[object], ...] = (["x", context], [None, {}, context])
    for contexts in several:
        assert isinstance(decide(an_identity("circleci", {claim: contexts}), [publisher], NOW), Trusted)
    for wrong in ([], ["x", True], context, None, [[context]], [context + "0"]):
        assert failed_fields(an_identity("circleci", {claim: wrong}), publisher) == ["context_id"]
    identity = an_identity("circleci", {claim: ["x", True, None]})
    refused = decide(identity, [publisher], NOW)
    assert isinstance(refused, Refused)
    (check,) = refused.near_misses[0].failed
    assert (check.wanted, check.given) == (context, "x, true")
    identity = an_identity("circleci", {claim: [str(number) for number in range(40)]})
    refused = decide(identity, [publisher], NOW)
    assert isinstance(refused, Refused)
    assert refused.near_misses[0].failed[0].given == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"


def test_buildkite_without_the_ids_is_told_to_ask_for_them() -> None:
    with pytest.raises(BadClaim, match="BUILDKITE_OIDC_TOKEN_CLAIMS=organization_id,pipeline_id"):
        an_identity("buildkite", {"pipeline_id": None})


@pytest.mark.parametrize("value", ["debug_job", "project_debug_job", None, "", True])
def test_semaphore_publishes_nothing_from_a_debug_job(value: object) -> None:
    refused = decide(an_identity("semaphore", {"job_type": value}), [a_publisher("semaphore")], NOW)
    assert isinstance(refused, Refused)
    (check,) = refused.near_misses[0].failed
    assert (check.field, check.wanted) == ("job_type", "pipeline_job, because a debug job does what somebody types")


def test_forgejo_without_a_claim_for_the_workflow_registers_and_trusts_nobody() -> None:
    assert faults_of("forgejo", {"/sub": ""}) == {"/claim": "is missing"}
    publisher = a_publisher("forgejo")
    bare = replace(publisher, fields={name: text for name, text in publisher.fields.items() if name != "/sub"})
    assert failed_fields(an_identity("forgejo"), bare) == ["claim"]


def test_kubernetes_never_trusts_the_account_that_every_pod_has() -> None:
    faults = faults_of("kubernetes", {"service_account": "default"})
    assert faults == {"service_account": "is the service account that any pod of the namespace has"}
    assert a_publisher("kubernetes", {"service_account": "default-publisher"}).fields


@pytest.mark.parametrize(
    ("kind", "changed", "told"),
    [
        ("circleci", {}, Circumstances(ref="refs/heads/main")),
        ("circleci", {"oidc.circleci.com/vcs-ref": None}, Circumstances()),
        (
            "buildkite",
            {},
            Circumstances(ref="refs/tags/v1.0.0", event="webhook", runner="buildkite-hosted"),
        ),
        (
            "buildkite",
            {"build_tag": None, "build_source": ["ui"], "runner_environment": ""},
            Circumstances(ref="refs/heads/main"),
        ),
        ("azure", {}, Circumstances(ref="refs/heads/main")),
        ("semaphore", {"trg": "x"}, Circumstances(event="x")),
        ("kubernetes", {}, Circumstances()),
        ("jenkins", {}, Circumstances()),
        ("forgejo", {}, Circumstances()),
        ("bitbucket", {}, Circumstances()),
    ],
)
def test_rules_see_what_a_token_tells_of_its_run(kind: str, changed: dict[str, Any], told: Circumstances) -> None:
    found = an_identity(kind, changed).circumstances
    assert found == told
    names = {name for name in ("ref", "ref_protected", "event", "runner") if getattr(found, name) is not None}
    assert names <= PROVIDERS[kind].tells


def test_a_rule_is_kept_or_the_project_withheld() -> None:
    tags = a_publisher("buildkite", rules=Rules(ref="refs/tags/v*", events=("webhook",), runner="buildkite-hosted"))
    assert isinstance(decide(an_identity("buildkite"), [tags], NOW), Trusted)
    for changed in ({"build_tag": None}, {"build_source": "ui"}, {"runner_environment": "self-hosted"}):
        assert isinstance(decide(an_identity("buildkite", changed), [tags], NOW), Refused)


@every_preset
def test_a_stranger_learns_nothing_of_a_publisher_and_the_registered_one_what_is_wanted(kind: str) -> None:
    preset, publisher = BY_KIND[kind], a_publisher(kind, {"/wanted": '"wish"'})
    identity = an_identity(kind)
    refused = decide(identity, [publisher], NOW)
    assert isinstance(refused, Refused)
    assert ("wish" in explain.for_caller(refused, identity).text) == any(pin.immutable for pin in preset.pins)
    for pin in preset.pins:
        if pin.immutable and f"(?P<{pin.name}>" not in preset.issuer_pattern:
            stranger = an_identity(kind, {pin.claim: "another"})
            refused = decide(stranger, [publisher], NOW)
            assert isinstance(refused, Refused)
            text = explain.for_caller(refused, stranger).text
            assert "wish" not in text
            assert pin.example not in text


def test_tokens_are_taken_as_each_provider_writes_them() -> None:
    arrays = {kind for kind, one in PROVIDERS.items() if one.terms.array_audience}
    assert arrays == {"kubernetes", "jenkins"}
    assert {kind for kind, one in PROVIDERS.items() if "ES256" in one.terms.algorithms} == {"kubernetes"}
    assert all("RS256" in one.terms.algorithms for one in PROVIDERS.values())
    assert {kind for kind in (*KINDS, "generic") if PROVIDERS[kind].has_jti} == {"semaphore", "azure"}
    assert {kind for kind, one in PROVIDERS.items() if one.fixed_audience} == {"semaphore", "azure"}
    assert {kind for kind, one in PROVIDERS.items() if one.experimental} == {
        "forgejo",
        "bitbucket",
        "semaphore",
        "azure",
    }


@pytest.mark.parametrize("kind", ["semaphore", "azure"])
def test_a_shared_audience_is_taken_from_one_tenant_and_nearly_new_only(kind: str) -> None:
    provider = PROVIDERS[kind]
    assert provider.terms.max_age <= SHARED_AUDIENCE_AGE
    for issuer in ("https://semaphoreci.com", "https://vstoken.dev.azure.com", "https://vstoken.dev.azure.com/org"):
        assert not provider.is_issuer(issuer)


def test_no_index_believes_a_preset_before_an_administrator_says_so() -> None:
    assert set(PUBLIC_ISSUERS.values()) == {"github", "gitlab", "google", "activestate"}
    assert all(not PROVIDERS[kind].experimental for kind in PUBLIC_ISSUERS.values())
    assert list(PROVIDERS)[-1] == "generic"
    assert all(kind == one.kind for kind, one in PROVIDERS.items())


ANYBODYS = ("gitlab", "kubernetes", "jenkins", "generic")


@pytest.mark.parametrize(
    ("url", "owner", "kinds"),
    [
        ("https://token.actions.githubusercontent.com", "github", ("github",)),
        ("https://token.actions.githubusercontent.com/octo", "github", ("github",)),
        ("https://accounts.google.com", "google", ("google",)),
        ("https://oidc.circleci.com", "circleci", ("circleci",)),
        ("https://oidc.circleci.com/org/5034460f-c7c4-4c43-9457-de07e2029e7b", "circleci", ("circleci",)),
        ("https://oidc.circleci.com/org/me", "circleci", ()),
        ("https://OIDC.circleci.com./org/me", "circleci", ()),
        ("https://agent.buildkite.com", "buildkite", ("buildkite",)),
        ("https://agent.buildkite.com/", "buildkite", ()),
        ("https://octo.semaphoreci.com", "semaphore", ("semaphore",)),
        ("https://vstoken.dev.azure.com/4f1d8b37-9a26-4c05-b3e8-6d7c2a0f5e91", "azure", ("azure",)),
        ("https://semaphoreci.com", None, ANYBODYS),
        ("https://notsemaphoreci.com", None, ANYBODYS),
        ("https://ci.example.org", None, ANYBODYS),
        ("https://[::1", None, ANYBODYS),
    ],
)
def test_an_issuer_of_a_known_provider_can_be_of_no_other_kind(
    url: str, owner: str | None, kinds: tuple[str, ...]
) -> None:
    assert belongs_to(url) == owner
    assert set(kinds) <= set(kind_of(url))
    if owner is not None:
        assert kind_of(url) == kinds
    else:
        assert not {"circleci", "buildkite", "semaphore", "azure", "google"} & set(kind_of(url))


def test_forgejo_and_github_servers_have_their_own_paths() -> None:
    assert "forgejo" in kind_of("https://forgejo.example.org/api/actions")
    assert "forgejo" in kind_of("https://example.org/forgejo/api/actions")
    assert "forgejo" not in kind_of("https://forgejo.example.org/api/actions/")
    assert "github" in kind_of("https://ghes.example.org/_services/token")


TEXTS = st.sampled_from(["", "x", "org", "7", "refs/heads/main", "\ud800", "x" * 2000])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS, below, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(KINDS), st.data())
def test_any_claims_end_in_a_verdict_or_a_bad_claim(kind: str, data: st.DataObject) -> None:
    example = PROVIDERS[kind].example_claims
    changes = data.draw(st.dictionaries(st.sampled_from([*sorted(example), "aud", "new"]), VALUES, max_size=4))
    try:
        identity = PROVIDERS[kind].identify(SignedClaims({**example, **changes}))
    except BadClaim:
        return
    assert isinstance(decide(identity, [a_publisher(kind)], NOW), Refused | Trusted)
    assert isinstance(identity.circumstances, Circumstances)
    assert all(text.isascii() for text in identity.lookups)


@given(st.sampled_from(list(each_pin())), st.text(alphabet="aA0-{}/ \n", max_size=40))
def test_any_other_value_of_a_pinned_claim_is_never_trusted(pinned: tuple[str, str], value: str) -> None:
    kind, name = pinned
    pin = BY_KIND[kind].by_name[name]
    try:
        identity = an_identity(kind, {pin.claim: [value] if pin.type == "member" else value})
    except BadClaim:
        return
    trusted = isinstance(decide(identity, [a_publisher(kind, {name: pin.example})], NOW), Trusted)
    assert trusted == (value == pin.example)


def test_a_preset_of_somebody_s_own_makes_a_provider() -> None:
    """The smallest there is: one claim, no rule, any issuer."""
    from trustpub.trust.preset import preset

    pin = Pin(name="job", claim="/job/id", title="Job", example="7", immutable=True)
    one = Preset(
        kind="own",
        title="Our own",
        issuer_form="https://HOST",
        issuer_pattern=".+",
        pins=(pin,),
        filed_under=("job",),
        sources={},
        example={"iss": "https://ci.test", "job": {"id": "7"}},
    )
    provider: Provider = preset(one)
    publisher = Publisher(
        id="p", issuer="https://ci.test", kind="own", fields=provider.spell(provider.example_fields), links=()
    )
    identity = provider.identify(SignedClaims(one.example))
    assert [check.holds for check in identity.checks(publisher)] == [True]
    assert provider.census.verified == {"job"}
    assert provider.tells == frozenset()


def test_the_claims_kept_of_a_run_are_its_plain_ones_cut() -> None:
    claims = {"text": "x" * 400, "number": 7, "truth": True, "list": ["x"], "none": None, "other": "x"}
    kept = seen(claims, ("text", "number", "truth", "list", "none", "absent"))
    assert kept == {"text": "x" * 300, "number": "7", "truth": "true"}


@every_preset
def test_what_is_demanded_of_every_token_is_said_to_whoever_registers(kind: str) -> None:
    for demand in BY_KIND[kind].demands:
        (note,) = (note for note in PROVIDERS[kind].notes if note.startswith(f"`{demand.claim}` must be `"))
        assert demand.why in note
        assert ("or absent" in note) == demand.absent
        assert (demand.claim in PROVIDERS[kind].census.verified) == (not demand.absent)
