# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What would let a refused job in, and how much a person must look at it first. Pure.

A refused attempt is somebody else's wish. It is put in order with one click only where nothing of it is anybody
else's: the ids of owner and repository, which are never given again, equal those of a publisher of this project, and
what changes is a file or an environment of that very repository. Otherwise the form opens, filled in and with what
differs marked, and the name of the repository has to be typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from trustpub.index.kept import Attempt, Near
from trustpub.index.registration import FORBIDDEN_EVENTS, RULE_OF
from trustpub.trust.decision import REGISTRATION
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.provider import CIRCUMSTANCES, BadFields, Provider
from trustpub.trust.providers import generic, github, gitlab
from trustpub.trust.publishers import Publisher
from trustpub.trust.values import worded


class Remedy(StrEnum):
    """What a person can do about an attempt."""

    ONE_CLICK = "one-click"
    """Register what the job is, or make the nearest publisher that."""
    FORM = "form"
    """Look at the form, filled in, and type the repository's name."""
    RULES = "rules"
    """The job is a publisher of the project; only rules keep it out."""
    DONE = "done"
    """A publisher of the project means this job by now."""
    NONE = "none"
    """No registration would let it in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A way out."""

    remedy: Remedy
    publisher_id: str | None = None
    """The nearest publisher that the project has now."""
    proposed: Mapping[str, str] = field(default_factory=dict)
    """The fields of a further publisher: the narrowest that the job is, as they are typed."""
    mended: Mapping[str, str] = field(default_factory=dict)
    """What the nearest publisher would become; empty where it would become another, or lose what it demands."""
    differing: Mapping[str, str | None] = field(default_factory=dict)
    """Fields that are not those of the nearest publisher, with what it has: None: nothing."""
    rules: tuple[str, ...] = ()
    """Rules of the nearest publisher that the run did not keep, by the names of :class:`Rules`."""
    retype: str = ""
    """What has to be typed by hand; empty with one click."""


_CHANGES: Mapping[str, frozenset[str]] = {
    # Both ids are of owner and repository: whoever has them is the same, however it is called by now.
    github.PROVIDER.kind: frozenset({"repository", "workflow", "calling_workflow", "environment"}),
    gitlab.PROVIDER.kind: frozenset({"namespace", "project", "workflow_filepath", "environment"}),
}
"""Fields that may change with one click. Of other kinds, only those that say which job it is."""

_CALLED: Mapping[str, tuple[str, ...]] = {
    github.PROVIDER.kind: ("repository",),
    gitlab.PROVIDER.kind: ("namespace", "project"),
}
"""Fields that together are what people call it. Of other kinds, the first one."""


def called(kind: str, fields: Mapping[str, str], otherwise: str = "") -> str:
    """What a publisher with these fields is to people: its repository, or what stands for one; else ``otherwise``."""
    provider = PROVIDERS[kind]
    names = _CALLED.get(kind) or tuple(one.name for one in provider.fields)[:1]
    return "/".join(worded(fields[name]) for name in names if name in fields) or otherwise


def offer(attempt: Attempt, publishers: Sequence[Publisher], *, project: str) -> Offer:
    """What can be done about ``attempt``.

    Args:
        attempt: one of the project.
        publishers: those of the project now, which may be others than when it was refused.
        project: its name, to be typed where a publisher is called nothing itself.
    """
    provider = PROVIDERS.get(attempt.kind)
    if provider is None:
        return Offer(remedy=Remedy.NONE)
    ours = {one.id: one for one in publishers if (one.issuer, one.kind) == (attempt.issuer, attempt.kind)}
    there = [one for one in attempt.near if one.publisher_id in ours]
    nearest = ours[there[0].publisher_id] if there else next(iter(ours.values()), None)
    nearest_id = None if nearest is None else nearest.id
    if any(_hopeless(one, provider) for one in attempt.near[:1]) or _tie(there):
        return Offer(remedy=Remedy.NONE, publisher_id=nearest_id)
    rules = _failing_rules(there[0]) if there else ()
    if rules and all(one.holds or one.field in CIRCUMSTANCES for one in there[0].compared):
        return Offer(remedy=Remedy.RULES, publisher_id=nearest_id, rules=rules)
    proposed = attempt.proposed or next((one.fields for one in attempt.near if one.fields), {})
    if not proposed:
        return Offer(remedy=Remedy.NONE, publisher_id=nearest_id)
    lapsed = any(one.field == REGISTRATION for near in there[:1] for one in near.compared)
    if not lapsed and _means(ours.values(), [proposed, *(one.fields for one in attempt.near)], provider):
        return Offer(remedy=Remedy.DONE, publisher_id=nearest_id)
    for one in there:
        publisher = ours[one.publisher_id]
        if _within(one.fields, publisher, provider):
            return Offer(
                remedy=Remedy.ONE_CLICK,
                publisher_id=publisher.id,
                proposed=proposed if _within(proposed, publisher, provider) else one.fields,
                mended=one.fields,
                differing=_differing(one.fields, publisher),
                rules=_failing_rules(one),
            )
    return Offer(
        remedy=Remedy.FORM,
        publisher_id=nearest_id,
        proposed=proposed,
        differing=_differing(proposed, nearest),
        rules=rules,
        retype=called(attempt.kind, proposed, project),
    )


def _tie(near: Sequence[Near]) -> bool:
    """Whether several publishers that are still there mean the job equally well."""
    return sum(all(check.holds for check in one.compared) for one in near) > 1


def _hopeless(near: Near, provider: Provider) -> bool:
    """Whether something failed that no registration can say: who started the run, what the platform says of itself."""
    own = {one.name for one in provider.fields} | set(near.fields) | CIRCUMSTANCES | {REGISTRATION}
    return any(
        not one.holds and (one.field not in own or (one.field == "event" and one.given in FORBIDDEN_EVENTS))
        for one in near.compared
        if not one.field.startswith("/") and provider.kind != generic.PROVIDER.kind
    )


def _failing_rules(near: Near) -> tuple[str, ...]:
    names = [one.field for one in near.compared if not one.holds and one.field in CIRCUMSTANCES]
    return tuple(RULE_OF.get(name, name) for name in names)


def _means(publishers: Iterable[Publisher], several: Iterable[Mapping[str, str]], provider: Provider) -> bool:
    """Whether one of the publishers is registered with one of these sets of fields, ids and all."""
    wanted = [spelled for one in several if (spelled := _spelled(one, provider))]
    return any(dict(publisher.fields) == one for publisher in publishers for one in wanted)


def _spelled(fields: Mapping[str, str], provider: Provider) -> dict[str, str]:
    """In the provider's spelling; empty where no publisher can have them."""
    try:
        return provider.spell(fields) if fields else {}
    except BadFields:
        return {}


def _ids(publisher: Publisher, provider: Provider) -> tuple[str, ...]:
    return publisher.immutable or provider.ids


def _within(fields: Mapping[str, str], publisher: Publisher, provider: Provider) -> bool:
    """Whether a publisher with these fields is the same owner's and repository's, and asks for no less of a job."""
    spelled, ids = _spelled(fields, provider), _ids(publisher, provider)
    if not spelled or not ids or any(spelled.get(one) is None for one in ids):
        return False
    if any(spelled[one] != publisher.fields.get(one) for one in ids):
        return False
    if set(publisher.fields) - set(spelled):
        return False  # it would lose an environment, or another thing that it demands
    marked = frozenset(one.name for one in provider.fields if one.workload)
    may_change = _CHANGES.get(provider.kind, marked)
    changed = {name for name, value in spelled.items() if publisher.fields.get(name) != value}
    return changed <= may_change and not _elsewhere(spelled, changed)


def _elsewhere(fields: Mapping[str, str], changed: Iterable[str]) -> bool:
    """Whether a workflow of another repository would come in, OWNER/NAME/.github/workflows/FILE@REF."""
    return any("@" in fields[name] or "/" in fields[name] for name in changed if name.endswith("workflow"))


def _differing(fields: Mapping[str, str], publisher: Publisher | None) -> Mapping[str, str | None]:
    if publisher is None:
        return dict.fromkeys(fields)
    registered = publisher.fields
    provider = PROVIDERS[publisher.kind]
    spelled = _spelled(fields, provider) or fields
    names = [*spelled, *(name for name in registered if name not in spelled)]
    found = [name for name in names if spelled.get(name) != registered.get(name)]
    return {name: None if name not in registered else worded(registered[name]) for name in found}
