# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub init --migrate WORKFLOW``: from a stored token to the identity of the job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from trustpub.cli.show import screen
from trustpub.cli.writing import How, Writing, encoded
from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.cli.registration import Told
    from trustpub.workflow.findings import Finding
    from trustpub.workflow.generate.answers import Answers
    from trustpub.workflow.generate.change import Change
    from trustpub.workflow.generate.registration import Registration
    from trustpub.workflow.infer.conclusion import Inferred
    from trustpub.workflow.migrating import Migration

_ANSWERED = frozenset({"environment", "repository", "project", "tag", "ids", "compiled"})
"""Questions that a migration asks, too; what else is answered, the workflow says already."""


def migrate(folder: Path, name: str, given: Mapping[str, Any], how: How) -> int:
    """Change one workflow, declare its publisher, and say what to register, delete and revoke: the exit code.

    Raises:
        Misuse: the workflow cannot be changed so, or nothing says whose repository it is.
    """
    from trustpub.workflow.infer.project import infer
    from trustpub.workflow.migrating import migrate as migrating

    strange = sorted(set(given) - _ANSWERED)
    if strange:
        options = " and ".join(f"--{one.replace('_', '-')}" for one in strange)
        raise Misuse(f"--migrate changes one workflow by as little as it takes: {options} cannot be answered with it.")
    inferred = infer(folder)
    environment = given.get("environment")
    usual = {"pypi": "pypi", "testpypi": "testpypi"}
    environments = usual if environment is None else {"pypi": environment or None, "testpypi": None}
    if environment:
        environments["testpypi"] = usual["testpypi"]
    found = migrating(inferred.root, name, environments.items())
    answers, registrations = _registrations(found, inferred, given)
    changes = tuple(_changes(found, inferred, answers, registrations))
    wrote = Writing(how).write(inferred.root, changes)
    for note in found.notes:
        screen().warning(note)
    told, examined = _told(registrations, answers, how), _examined(inferred) if wrote else None
    if how.as_json:
        screen().result(encoded(_document(found, changes, told, examined, answers, wrote)))
    else:
        _show(found, told, examined, answers)
    return 1 if examined is not None and any(one.severity == "error" for one in examined[1]) else 0


def _registrations(
    found: Migration, inferred: Inferred, given: Mapping[str, Any]
) -> tuple[Answers, tuple[Registration, ...]]:
    """The publisher that the workflow is from now on, on each of its indexes."""
    from trustpub import declared
    from trustpub.workflow.generate.answers import Answers, Target
    from trustpub.workflow.generate.registration import Registration

    known = declared.find(inferred.folder)
    values = {name: one.value for name, one in inferred.answers.items()}
    slug = given.get("repository") or f"{values.get('owner', '')}/{values.get('repository', '')}"
    owner, _, repository = slug.partition("/")
    project = given.get("project") or values.get("project")
    if not (owner and repository) or "/" in repository or values.get("platform", "github") != "github":
        raise Misuse(
            "Nothing says which repository on GitHub this is.",
            hint="Say --repository OWNER/NAME, exactly as it is there.",
        )
    if project is None:
        raise Misuse("pyproject.toml says no name of the project.", hint="Say --project NAME.")
    main = next((name for name in found.indexes if name != "testpypi"), found.indexes[0])
    environments = dict(found.environments)
    targets = {}
    for name in found.indexes:
        index = known.indexes.get(name)
        url = None if index is None or name in ("pypi", "testpypi") else index.url
        targets[name] = Target(name=name, url=url, environment=environments.get(name))
    answers = Answers(
        platform="github", project=str(project), owner=owner, repository=repository, target=targets[main],
        workflow=PurePosixPath(found.path).name, tag=given.get("tag") or values.get("tag") or "v{version}",
        compiled=bool(given.get("compiled", values.get("compiled", False))), trial="never", ids=given.get("ids", {}),
    )  # fmt: skip
    fields = {"repository": f"{owner}/{repository}", "workflow": answers.workflow, **answers.ids}
    return answers, tuple(
        Registration(
            target=target, kind="github", trial=name != main,
            fields=fields if target.environment is None or "${{" in target.environment
            else {**fields, "environment": target.environment},
        )
        for name, target in targets.items()
    )  # fmt: skip


def _changes(
    found: Migration, inferred: Inferred, answers: Answers, registrations: Sequence[Registration]
) -> Iterator[Change]:
    from trustpub import declared
    from trustpub.workflow.generate import declaration
    from trustpub.workflow.generate.change import Change, read

    before = read(inferred.root, PurePosixPath(found.path))
    if before is None or before.removeprefix("\ufeff") != found.before:
        raise Misuse(f"{printable(found.path)} was changed while it was read.", hint="Run this again.")
    mark = before[: len(before) - len(found.before)]
    yield Change(path=PurePosixPath(found.path), before=before, after=mark + found.after)
    path = PurePosixPath(inferred.folder.relative_to(inferred.root).as_posix()) / declared.FILE
    text = read(inferred.root, path)
    yield Change(path=path, before=text, after=declaration.put(text, answers, registrations))


def _told(registrations: Sequence[Registration], answers: Answers, how: How) -> tuple[Told, ...]:
    from trustpub.cli.registration import tell

    return tell(registrations, answers, issuer=None, online=how.online is True)


def _examined(inferred: Inferred) -> tuple[int, tuple[Finding, ...]]:
    from trustpub.workflow.doctor import examine

    scene, found = examine(inferred.root)
    return len(scene.files) + len(scene.broken), found


def _secrets(found: Migration, answers: Answers) -> Iterator[tuple[str, str | None]]:
    """Every secret that goes: its name, and the command that deletes it; None where it is used elsewhere."""
    for name in found.secrets:
        command = f"gh secret delete {name} --repo {answers.owner}/{answers.repository}"
        yield name, None if name in found.kept else command


def _pages(told: Sequence[Told]) -> tuple[str, ...]:
    """Where tokens are revoked."""
    from trustpub.client.indexes import tokens_page

    return tuple(dict.fromkeys(page for one in told if (page := tokens_page(one.index)) is not None))


def _show(
    found: Migration, told: Sequence[Told], examined: tuple[int, tuple[Finding, ...]] | None, answers: Answers
) -> None:
    from trustpub.workflow import telling

    seen = screen()
    for one in told:
        seen.result("\n".join(["", *one.lines()]))
    seen.result("\nOnce a release has gone through without it:")
    for name, command in _secrets(found, answers):
        if command is None:
            seen.result(f"  The secret {printable(name, 100)} is used elsewhere in this repository: look there first.")
        else:
            seen.result(f"  $ {command}")
    if not found.secrets:
        seen.result("  delete the secret that held the token (its name is not in this workflow)")
    for page in _pages(told):
        seen.result(f"  revoke the token: {page}")
    if examined is not None:
        seen.result("")
        for line in telling.text(examined[1]):
            seen.result(line)
        seen.result(f"trustpub doctor: {telling.summary(examined[1], examined[0])}")


def _document(
    found: Migration, changes: Sequence[Change], told: Sequence[Told],
    examined: tuple[int, tuple[Finding, ...]] | None, answers: Answers, wrote: bool,
) -> dict[str, Any]:  # fmt: skip
    from trustpub.workflow import telling

    return {
        "jobs": list(found.jobs),
        "files": [
            {"path": str(one.path), "change": one.kind, "difference": one.difference, "text": one.after}
            for one in changes
        ],
        "wrote": wrote,
        "registration": [one.document() for one in told],
        "secrets": [
            {"name": name, "used_elsewhere": command is None, "delete": command}
            for name, command in _secrets(found, answers)
        ],
        "revoke": list(_pages(told)),
        "notes": list(found.notes),
        "findings": None if examined is None else telling.document(examined[1])["findings"],
    }
