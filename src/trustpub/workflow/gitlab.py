# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which job of a project's ``.gitlab-ci.yml`` publishes it, and whether GitLab would give it an identity token.

Only this one file is read. What it includes is not: where it includes anything and no job of its own publishes, the
job that does is taken to be an included one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trustpub.errors import Misuse, NoIdentity
from trustpub.printable import printable
from trustpub.workflow import documents
from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.publishing import Step, lines, publishing_steps

CI_FILE = ".gitlab-ci.yml"
"""Where GitLab looks, unless the project's settings say otherwise."""

_NO_JOBS = frozenset(
    {"cache", "default", "image", "include", "services", "spec", "stages", "variables", "workflow"}
    | {"before_script", "after_script"}
)
_MOST_ANCESTORS = 10
"""GitLab follows ``extends`` this far."""
_MIND_NO_NAME = ("mint-token", "--identity-token")
"""Who names the variable itself may call it anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLabJob:
    """A job that publishes, as far as its identity token will say, or as decides whether it gets one."""

    file: str
    """The path of the configuration, from the top of the repository."""
    job: str
    environment: str | None = None
    """As written; may have variables (``$CI_…``), which only a pipeline knows."""
    tools: tuple[str, ...] = ()
    """What publishes, such as ``twine upload``."""
    tokens: Mapping[str, tuple[str, ...]]
    """Variables of identity tokens, and their audiences."""
    any_name: bool = False
    """Whether the job names the variable itself, so that no tool has to find it."""
    on_tags: bool = True
    """Whether a tag may start it."""
    test_index: bool = False
    """Whether it publishes to TestPyPI only."""
    commands: tuple[str, ...] = ()
    """Shell lines of all jobs."""
    lines: tuple[str, ...] = ()
    """Its own."""

    @property
    def dynamic_environment(self) -> bool:
        """Whether the environment's name is known only in a pipeline."""
        return self.environment is not None and "$" in self.environment

    @property
    def told(self) -> str:
        """For a list to choose from."""
        place = "no environment" if self.environment is None else f"environment {printable(self.environment)}"
        missing = "" if self.tokens else ", without id_tokens"
        return f"job {printable(self.job)} ({' and '.join(self.tools)}, {place}{missing})"

    @property
    def found_by_tools(self) -> bool:
        """Whether a tool that looks for the identity token by its audience finds it."""
        return self.any_name or any(
            len(audiences) == 1 and name in variables_for(audiences[0]) for name, audiences in self.tokens.items()
        )


def variables_for(audience: str) -> tuple[str, ...]:
    """The names under which tools look for an identity token for ``audience``, the best first."""
    from trustpub.ci.gitlab import variables  # it brings HTTP along, which nobody needs who only reads

    return variables(audience)


def publishing_job(root: Path, file: str | None, environment: str | None) -> tuple[GitLabJob, bool]:
    """The job that publishes, and whether it was found in the file: otherwise it is as named, or as is usual.

    Raises:
        Misuse: the file is not YAML; no job of it publishes, or several that differ in their environment.
        NoIdentity: GitLab would give the job no identity token, or one that no tool finds.
    """
    name = file or CI_FILE
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()) or not name.endswith((".yml", ".yaml")) or name[0] == "/":
        raise Misuse(f"{printable(name)} is not the path of a YAML file in the repository.", hint=f"Such as: {CI_FILE}")
    if not path.is_file():
        return _assumed(name, environment), False
    document = documents.load(path, reader="GitLab")
    jobs = tuple(publishing_jobs(name, document))
    if not jobs and "include" in document:
        return _assumed(name, environment), False
    chosen = _choose(name, jobs, environment)
    _check_tokens(chosen)
    return chosen, True


def _assumed(name: str, environment: str | None) -> GitLabJob:
    return GitLabJob(file=name, job="publish", environment=environment, tokens={})


def publishing_jobs(name: str, document: Mapping[str, Any]) -> Iterator[GitLabJob]:
    """Every job of ``document``, the file ``name``, that publishes, with and without an identity."""
    names = [str(one) for one in document if str(one) not in _NO_JOBS and not str(one).startswith(".")]
    whole = {one: _with_defaults(document, _extended(document, one)) for one in names}
    commands = tuple(line for job in whole.values() for line in lines(_step(job)))
    for one, job in whole.items():
        steps = publishing_steps([_step(job)])
        if steps:
            yield _job(name, one, job, steps, commands, document)


def _job(
    file: str, name: str, job: Mapping[str, Any], steps: Sequence[Step], commands: tuple[str, ...],
    document: Mapping[str, Any],
) -> GitLabJob:  # fmt: skip
    tokens = {
        str(variable): tuple(str(one) for one in listed(mapping(given).get("aud")))
        for variable, given in mapping(job.get("id_tokens")).items()
    }
    own = lines(_step(job))
    return GitLabJob(
        file=file,
        job=name,
        environment=_environment(job),
        tools=tuple(dict.fromkeys(step.tool for step in steps)),
        tokens=tokens,
        any_name=any(word in line for line in own for word in _MIND_NO_NAME),
        on_tags=_on_tags(job, document),
        test_index=all(step.test_index for step in steps),
        commands=commands,
        lines=own,
    )


def _extended(document: Mapping[str, Any], name: str, depth: int = 0) -> Mapping[str, Any]:
    """The job with what it extends in this file; mappings are merged, lists replaced."""
    own = mapping(document.get(name))
    merged: Mapping[str, Any] = {}
    if depth < _MOST_ANCESTORS:
        for parent in listed(own.get("extends")):
            merged = _merged(merged, _extended(document, str(parent), depth + 1))
    return _merged(merged, own)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> Mapping[str, Any]:
    both = {
        name: _merged(under[name], value) if isinstance(value, dict) and isinstance(under.get(name), dict) else value
        for name, value in over.items()
    }
    return {**under, **both}


def _with_defaults(document: Mapping[str, Any], job: Mapping[str, Any]) -> Mapping[str, Any]:
    inherited = mapping(job.get("inherit")).get("default", True)
    return job if inherited is False else {**mapping(document.get("default")), **job}


def _step(job: Mapping[str, Any]) -> Mapping[str, Any]:
    """The job as one step of a workflow: its shell lines and variables."""
    written = [
        line
        for part in ("before_script", "script", "after_script")
        for line in _flat(job.get(part))
        if line is not None
    ]
    return {"run": "\n".join(str(line) for line in written), "env": job.get("variables")}


def _flat(value: Any) -> Iterator[Any]:
    """Lists in lists are one list to GitLab."""
    for one in listed(value):
        if isinstance(one, list):
            yield from _flat(one)
        else:
            yield one


def _environment(job: Mapping[str, Any]) -> str | None:
    given = job.get("environment")
    name = given.get("name") if isinstance(given, dict) else given
    return str(name) if name not in (None, "") else None


def _on_tags(job: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether the rules speak of tags; a release without any rule may as well begin with one."""
    rules = [job.get("rules"), job.get("only"), mapping(document.get("workflow")).get("rules")]
    stated = [rule for rule in rules if rule]
    return not stated or any("CI_COMMIT_TAG" in str(rule) or "tags" in str(rule) for rule in stated)


def _choose(file: str, jobs: Sequence[GitLabJob], environment: str | None) -> GitLabJob:
    left = [job for job in jobs if environment is None or job.dynamic_environment or job.environment == environment]
    if not left:
        what = "with the environment named" if jobs else "a package"
        raise Misuse(
            f"No job of {printable(file)} publishes {what}.",
            hint=_choices(jobs) if jobs else "Write a job with `id_tokens:` that runs `trustpub publish`.",
        )
    left = [job for job in left if job.tokens] or left
    left = [job for job in left if not job.test_index] or left
    if len({job.environment for job in left}) > 1:
        raise Misuse("Several jobs publish, each as somebody else.", hint=_choices(left))
    chosen = left[0]
    if chosen.dynamic_environment:
        if environment is None:
            raise Misuse(
                f"The environment of job {printable(chosen.job)} in {printable(file)} has a variable in it, "
                "whose value only a pipeline knows.",
                hint="Say which one is meant with --environment.",
            )
        chosen = replace(chosen, environment=environment)
    return chosen


def _choices(jobs: Sequence[GitLabJob]) -> str:
    listing = "\n".join(f"  {job.told}" for job in jobs)
    return f"Choose with --environment NAME. These publish:\n{listing}"


def _check_tokens(job: GitLabJob) -> None:
    if job.found_by_tools:
        return
    audience = next((one for audiences in job.tokens.values() for one in audiences), None)
    audience = audience or ("testpypi" if job.test_index else "pypi")
    if not job.tokens:
        said = f"GitLab would give job {printable(job.job)} of {printable(job.file)} no identity token."
    else:
        said = (
            f"No tool would find the identity token of job {printable(job.job)} of {printable(job.file)}: "
            "the variable's name does not follow from the audience, or there are several audiences."
        )
    raise NoIdentity(
        said,
        hint="Give this job:\n    id_tokens:\n"
        f"      {printable(variables_for(audience)[0])}:\n        aud: {printable(audience)}",
    )
