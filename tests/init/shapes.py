# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every shape of a release that can be asked for, and little projects to write them into."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from trustpub.workflow.generate import table
from trustpub.workflow.generate.answers import BUILDERS, PLATFORMS, TRIALS, TRIGGERS, Answers, Target
from trustpub.workflow.generate.faults import faults

ACCOUNT = "release@acme-packages.iam.gserviceaccount.com"
PYPI = Target(name="pypi", environment="pypi")
OWN = Target(
    name="packages", url="https://packages.example.com/legacy/", environment="release", audience="packages_example_com"
)
TURNS: Mapping[str, Mapping[str, object]] = {
    "compiled": {"compiled": True},
    "from-git": {"dynamic_version": True},
    "tested": {"tests": "python -m pip install . pytest\npython -m pytest", "pythons": ("3.11", "3.12")},
    "noted": {"changelog": "CHANGELOG.md"},
    "own-index": {"target": OWN},
    "in-a-folder": {"folder": PurePosixPath("packages/demo"), "tag": "demo-v{version}"},
    "bare": {"github_release": False, "reviewers": False, "attestations": False},
    "without-environment": {"target": Target(name="pypi")},
    "by-our-action": {"action": "trustpub"},
}
"""What a shape may have beside its platform, trigger, trial and builder."""


def answers(platform: str = "github", **given: object) -> Answers:
    """Those of a project ``acme/demo``."""
    usual = Answers(
        platform=platform, project="demo", owner="acme", repository="demo", target=PYPI, actor="ada",
        workflow=table.WORKFLOWS[platform], service_account=ACCOUNT,
        ids={"actor_id": "00000000-0000-1000-8000-000000000002", "sub": "111260650121185072906"},
    )  # fmt: skip
    made = replace(usual, **given)  # type: ignore[arg-type]
    if platform == "generic":
        made = replace(made, pythons=made.pythons[:1])
    return made


def every() -> Iterator[tuple[str, Answers]]:
    """Each shape, and what it is called; with the usual builder up to two turns are taken together."""
    for platform, trigger, trial, builder in itertools.product(PLATFORMS, TRIGGERS, TRIALS, BUILDERS):
        for count in range(3 if builder == BUILDERS[0] else 2):
            for turns in itertools.combinations(TURNS, count):
                given = {name: value for turn in turns for name, value in TURNS[turn].items()}
                made = answers(platform, trigger=trigger, trial=trial, builder=builder, **given)
                if not faults(made) and not unseen(made):
                    yield "-".join([platform, trigger, trial, builder, *turns]), made


def unseen(made: Answers) -> bool:
    """Whether the doctor cannot see that no environment is wanted: it reads what is declared at the top only."""
    return made.platform == "github" and made.target.environment is None and str(made.folder) != "."


def write(folder: Path, made: Answers) -> None:
    """The files of a shape, as they are to lie in a repository, and a project that declares its publishers."""
    for file in table.files(made):
        place = folder / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file.text, encoding="utf-8")
    project(folder / made.folder, made)


def project(folder: Path, made: Answers) -> None:
    """A little one that its backend builds without a network."""
    (folder / "demo").mkdir(parents=True, exist_ok=True)
    (folder / "demo" / "__init__.py").write_text('SAID = "hello"\n', encoding="utf-8")
    (folder / "README.md").write_text("# demo\n", encoding="utf-8")
    (folder / "CHANGELOG.md").write_text("# Changes\n\n## 1.1 (2026-11-21)\n\n* Says hello.\n", encoding="utf-8")
    version = "" if made.dynamic_version else 'version = "1.0"\n'
    lines = [
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n',
        f'[project]\nname = "{made.project}"\n{version}readme = "README.md"\ndescription = "Says hello"',
        'requires-python = ">=3.9"',
        *(['dynamic = ["version"]'] if made.dynamic_version else []),
        f'\n[tool.trustpub]\ntag = "{made.tag}"\ndefault-index = "{made.target.name}"',
        *_declared(made),
    ]
    text = "\n".join(lines) + "\n"
    if made.dynamic_version:
        text = text.replace('"hatchling"]', '"hatchling", "hatch-vcs"]') + '\n[tool.hatch.version]\nsource = "vcs"\n'
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def _declared(made: Answers) -> Iterator[str]:
    for one in table.registration(made):
        yield f"\n[tool.trustpub.indexes.{one.target.name}]"
        if one.target.url is not None:
            yield f'url = "{one.target.url}"'
        if one.fields:
            yield f'[tool.trustpub.indexes.{one.target.name}.publisher]\nkind = "{one.kind}"'
            yield from (f"{name.replace('_', '-')} = {json.dumps(value)}" for name, value in one.fields.items())


def committed(folder: Path) -> None:
    """Make ``folder`` a clone of acme/demo with one commit."""
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "remote", "add", "origin", "https://github.com/acme/demo.git")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "All")


def git(folder: Path, *words: str) -> str:
    """What git says."""
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgSign=false")
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1"}, check=True,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.stdout.strip()
