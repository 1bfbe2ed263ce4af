# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The questions of ``trustpub init``: answered by an option, by the project, by a run before, by a person, or as usual.

In this order; a person is asked only on a terminal, and only what nothing else answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from trustpub.errors import Misuse
from trustpub.printable import printable, quoted

if TYPE_CHECKING:
    from trustpub.declared import Declared
    from trustpub.workflow.generate.answers import Answers, Target
    from trustpub.workflow.infer.conclusion import Inferred

OWN_ENVIRONMENT = "release"
"""Of an index that is neither PyPI nor TestPyPI."""
_WITH_ENVIRONMENTS = ("github", "gitlab")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """All answers, and what is known of them."""

    answers: Answers
    values: Mapping[str, Any]
    """Those that somebody gave, now or before."""
    usual: Mapping[str, Any]
    """Those that would hold if nobody had."""
    why: Mapping[str, str]
    """By question, where its answer is from."""


def resolve(
    given: Mapping[str, Any], recalled: Mapping[str, Any], inferred: Inferred, declared: Declared, *, ask: bool
) -> Resolved:
    """The answers.

    Raises:
        Misuse: something cannot be known, or the answers cannot be meant; names everything at fault.
    """
    from trustpub.workflow.generate import faults

    values = _Values(given, recalled, inferred, ask=ask)
    answers = values.answers(declared)
    found = dict.fromkeys([*faults.faults(answers), *_of_action(answers), *_of_version(answers, inferred)])
    if found:
        raise Misuse("\n".join(["This cannot be written:", *(f"  {fault}" for fault in found)]))
    return Resolved(
        answers=answers,
        values={**recalled, **values.said, "trigger": answers.trigger, "trial": answers.trial},
        usual=values.usual(),
        why=values.why,
    )


def platform_and_workflow(given: Mapping[str, Any], inferred: Inferred) -> tuple[str | None, str | None]:
    """The platform and the file that publishes, as far as they are known before anybody is asked."""
    from trustpub.workflow.generate.table import WORKFLOWS

    platform, workflow = given.get("platform"), given.get("workflow")
    if platform is None and "platform" in inferred.answers:
        platform = str(inferred.answers["platform"].value)
    if workflow is None and "workflow" in inferred.answers:
        workflow = str(inferred.answers["workflow"].value)
    return platform, workflow or (None if platform is None else WORKFLOWS.get(platform))


class _Values:
    """One round of questions."""

    def __init__(self, given: Mapping[str, Any], recalled: Mapping[str, Any], inferred: Inferred, *, ask: bool) -> None:
        self._given = given
        self._recalled = recalled
        self._inferred = inferred.answers
        self._ask = ask
        self.said: dict[str, Any] = dict(given)
        self.why: dict[str, str] = {}

    def answers(self, declared: Declared) -> Answers:
        from trustpub.workflow.generate.answers import PLATFORMS, TRIGGERS, Answers
        from trustpub.workflow.generate.faults import trials, triggers
        from trustpub.workflow.generate.table import WORKFLOWS

        platform = self._one("platform", "Where are releases made", PLATFORMS, None)
        if platform not in PLATFORMS:
            raise Misuse(
                "Nothing says where releases are made." if platform is None
                else f"{quoted(str(platform))} is no platform.",
                hint=f"Say --platform {'|'.join(PLATFORMS)}.",
            )  # fmt: skip
        owner, repository = self._repository(platform)
        project = self._text("project", "The name of the project", None)
        if project is None:
            raise Misuse("pyproject.toml says no name of the project.", hint="Say --project NAME.")
        target = self._target(declared, platform)
        trigger = self._one("trigger", "What starts a release", triggers(platform) or TRIGGERS, "tag")
        possible = trials(platform, target)
        usual = "release" if "release" in possible else "never"
        trial = self._one("trial", "Where is it tried before", possible, usual)
        tests = self._text("tests", "A command that must end well before (empty: none)", "") or None
        # Which questions are asked depends on the answers before.
        own = {
            "platform": platform, "owner": owner, "repository": repository, "project": project, "target": target,
            "trigger": trigger, "trial": trial, "tests": tests,
            "pythons": tuple(self._value("pythons", ())) if tests else (),
            "workflow": self._value("workflow", WORKFLOWS[platform]),
            "folder": self._value("folder", PurePosixPath(".")),
            "ids": self._ids(owner, repository),
            "service_account": self._if(platform == "google", "service_account", "The service account that publishes"),
            "actor": self._if(platform == "activestate", "actor", "Your user name at ActiveState"),
            "changelog": self._value("changelog", None),
        }  # fmt: skip
        if platform == "github":
            own["reviewers"] = self._sure("reviewers", "Is somebody to approve each release", usual=True)
            if trigger != "release":
                own["github_release"] = self._sure("github_release", "Make a release on GitHub as well", usual=True)
        for field in fields(Answers):
            if field.name not in own and self._value(field.name, None) is not None:
                own[field.name] = self._value(field.name, None)
        return Answers(**own)

    def usual(self) -> Mapping[str, Any]:
        """What would be answered if nobody had said anything, for the questions that have an answer then."""
        from trustpub.workflow.generate.answers import Answers

        names = {field.name for field in fields(Answers)}
        plain = ("python", "builder", "compiled", "branch", "reviewers", "github_release", "attestations", "action")
        made = Answers(platform="", project="", owner="", repository="", target=_nowhere())
        defaults = {name: getattr(made, name) for name in (*plain, "changelog", "tests", "actor")}
        return {**defaults, **{name: one.value for name, one in self._inferred.items() if name in names}}

    def _repository(self, platform: str) -> tuple[str, str]:
        given = self._given.get("repository")
        if given is None and "owner" in self._inferred and "repository" in self._inferred:
            self.why["repository"] = self._inferred["repository"].why
            return str(self._inferred["owner"].value), str(self._inferred["repository"].value)
        if given is None and self._ask and platform != "generic":
            what = {"activestate": "Organization and project", "gitlab": "Group and project"}.get(platform)
            given = click.prompt(f"{what or 'Owner and repository'} (with a slash between)", err=True)
        owner, _, name = (given or "").rpartition("/")
        if not (owner and name) and (given is not None or platform in ("github", "gitlab", "activestate")):
            raise Misuse(
                "Nothing says whose repository this is: git has no remote origin." if given is None
                else f"{quoted(given)} is not OWNER/NAME.",
                hint="Say --repository OWNER/NAME, exactly as the platform spells it.",
            )  # fmt: skip
        return owner, name

    def _target(self, declared: Declared, platform: str) -> Target:

        given = self._given.get("index")
        if given is None and "index" in self._inferred:
            target: Target = self._inferred["index"].value
            self.why["index"] = self._inferred["index"].why
        else:
            if given is None and self._ask:
                given = click.prompt("The index (pypi, testpypi, or a URL)", default="pypi", err=True)
            target = _target(given or "pypi", declared)
        if "audience" in self._given:
            target = replace(target, audience=self._given["audience"])
        if platform not in _WITH_ENVIRONMENTS:
            return replace(target, environment=None)
        return replace(target, environment=self._environment(target, declared))

    def _environment(self, target: Target, declared: Declared) -> str | None:
        from trustpub.workflow.infer.existing import as_written

        if "environment" in self._given:
            return self._given["environment"] or None
        known = declared.indexes.get(target.name)
        if known is not None and known.publisher is not None:
            return as_written(declared, known).get("environment")
        usual = target.name if target.public else OWN_ENVIRONMENT
        found = self._text("environment", "The environment of the job that publishes", usual)
        return found or None

    def _ids(self, owner: str, repository: str) -> Mapping[str, str]:
        """Ids that are declared are those of the repository that is declared."""
        found = dict(self._given.get("ids") or {})
        known = self._inferred.get("ids")
        same = all(
            name not in self._inferred or self._inferred[name].value == value
            for name, value in (("owner", owner), ("repository", repository))
        )
        return {**(known.value if known is not None and same else {}), **found}

    def _value(self, name: str, usual: Any) -> Any:
        if name in self._given:
            self.why[name] = "given"
            return self._given[name]
        if name in self._recalled:
            self.why[name] = "answered before"
            return self._recalled[name]
        if name in self._inferred:
            self.why[name] = self._inferred[name].why
            return self._inferred[name].value
        return usual

    def _known(self, name: str) -> bool:
        return name in self._given or name in self._recalled or name in self._inferred

    def _asked(self, name: str, usual: Any, ask: Callable[[], Any]) -> Any:
        if self._known(name) or not self._ask:
            return self._value(name, usual)
        answer = ask()
        self.why[name] = "answered"
        if answer != usual:
            self.said[name] = answer
        return answer

    def _one(self, name: str, text: str, among: Sequence[str], usual: str | None) -> Any:
        if len(among) == 1 and not self._known(name):
            return among[0]
        choice = click.Choice(list(among))
        return self._asked(name, usual, lambda: click.prompt(text, type=choice, default=usual, err=True))

    def _text(self, name: str, text: str, usual: str | None) -> str | None:
        found = self._asked(name, usual, lambda: click.prompt(text, default=usual, show_default=bool(usual), err=True))
        return None if found is None else str(found)

    def _sure(self, name: str, text: str, *, usual: bool) -> bool:
        return bool(self._asked(name, usual, lambda: click.confirm(text, default=usual, err=True)))

    def _if(self, wanted: bool, name: str, text: str) -> Any:
        """The answer to a question that is asked only sometimes."""
        if not wanted or self._known(name) or not self._ask:
            return self._value(name, None)
        return self._text(name, text, None)


def _nowhere() -> Target:
    from trustpub.workflow.generate.answers import Target

    return Target(name="pypi")


def _target(given: str, declared: Declared) -> Target:
    """The index that is named, or whose URL is given."""
    from trustpub.client import indexes
    from trustpub.workflow.generate.answers import Target

    index = indexes.resolve(given, declared)
    if index.built_in and index.name is not None:
        return Target(name=index.name)
    known = declared.indexes.get(index.name or "")
    name = index.name or _name(index.host, declared)
    url = index.upload_url if known is None or known.url is None else known.url
    return Target(name=name, url=url, audience=index.audience)


def _name(host: str, declared: Declared) -> str:
    """What an index that has no name yet is called: by the first part of its host that is a name."""
    parts = [*host.split("."), host]
    for part in parts:
        name = re.sub(r"[^a-z0-9_-]", "-", part.lower())[:64]
        free = name not in declared.indexes and name not in ("pypi", "testpypi", "www", "upload")
        if free and re.match(r"[a-z][a-z0-9_-]*\Z", name):
            return name
    return "own"


def _of_action(answers: Answers) -> Sequence[str]:
    if answers.action != "pypa" or answers.target.public:
        return ()
    return (f"The PyPI action knows PyPI and TestPyPI, and would not publish to {answers.target.name}.",)


def _of_version(answers: Answers, inferred: Inferred) -> Sequence[str]:
    """Releases that set the version must know where it stands."""
    if inferred.version.kind != "unknown":
        return ()
    why = printable(inferred.version.why, 300)
    if answers.trigger == "dispatch":
        return (f"A dispatched release writes the version, and {why}.",)
    if answers.trial == "every-push":
        return (f"Each push to TestPyPI needs a version of its own, and {why}.",)
    return ()
