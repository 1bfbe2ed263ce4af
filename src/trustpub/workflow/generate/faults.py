# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Answers that cannot be meant: words that no platform takes, and releases that none makes.

What is answered goes into YAML, into shell lines and into expressions. It is kept so plain here that nothing in it can
mean anything there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustpub.addresses import is_loopback
from trustpub.errors import TrustpubError
from trustpub.http import split
from trustpub.printable import quoted
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.provider import BadFields
from trustpub.workflow.generate import table
from trustpub.workflow.generate.answers import BUILDERS, PLATFORMS, TRIGGERS, Answers, Target

_PROJECT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9])?\Z")
_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,98}[A-Za-z0-9_])?\Z")
_OWNERS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}){0,20}\Z")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")
_INDEX = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?\Z")
_ENVIRONMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._/-]{0,98}[A-Za-z0-9._-])?\Z")
_AUDIENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}\Z")
_FILE = re.compile(r"[A-Za-z0-9_.-]+\.ya?ml\Z")
_PATH = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*\Z")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}\Z")
_TAG = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._/@-]*)?\{version\}[A-Za-z0-9._/@-]*\Z")
_PYTHON = re.compile(r"3\.[1-9][0-9]\Z")
_ANY_PYTHON = re.compile(r"(?:pypy)?3\.[1-9]?[0-9]t?\Z")
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]*@(?:[a-z0-9-]+\.)+gserviceaccount\.com\Z")
_EVERYBODYS = re.compile(r"\d+-compute@developer\.|@cloudbuild\.|@appspot\.")
_ACTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")
_LEAST_PYTHON = 11

_TRIALS = {
    "github": ("never", "release", "every-push", "own"),
    "gitlab": ("never", "release", "every-push"),
    "google": ("never", "release", "own"),
    "activestate": ("never", "release"),
    "generic": ("never", "release"),
}
_NO_TRIAL = {
    ("gitlab", "own"): "A job of GitLab has identity tokens for audiences that its file names, and an index that is "
    "started in the job makes up its own: try on TestPyPI.",
    ("google", "every-push"): "Cloud Build numbers no builds, and each push would need a version of its own.",
    ("activestate", "every-push"): "ActiveState's platform builds what it is told to, and hears of no push.",
    ("activestate", "own"): "ActiveState's platform publishes by itself, and does not reach an index in a job.",
    ("generic", "every-push"): "Which variable of this CI numbers its runs is not known here.",
    ("generic", "own"): "How this CI makes identity tokens is not known here: `trustpub serve --ephemeral` can be "
    "tried by hand.",
}


def triggers(platform: str) -> tuple[str, ...]:
    """What can start a release on ``platform``, the usual first."""
    return TRIGGERS if platform == "github" else TRIGGERS[:1]


def trials(platform: str, target: Target) -> tuple[str, ...]:
    """What can be tried on ``platform`` before a release to ``target``. Not every one is worth its while."""
    of_testpypi = ("release", "every-push")
    return tuple(one for one in _TRIALS[platform] if target.name == "pypi" or one not in of_testpypi)


def faults(answers: Answers) -> tuple[str, ...]:
    """Why files cannot be written for ``answers``, in whole sentences; empty where they can."""
    if answers.platform not in PLATFORMS:
        return (f"{quoted(answers.platform)} is no platform; there are {', '.join(PLATFORMS)}.",)
    found = [
        *_of_target(answers.target), *_of_names(answers), *_of_places(answers), *_of_pythons(answers),
        *_of_release(answers), *_of_platform(answers),
    ]  # fmt: skip
    return tuple(dict.fromkeys(found or _of_registration(answers)))


def _of_target(target: Target) -> Iterator[str]:
    named = target.name in ("pypi", "testpypi")
    if not _INDEX.match(target.name):
        yield f"{quoted(target.name)} is no name of an index: small letters, digits, - and _, the first a letter."
    if target.url is None and not named:
        yield f"The index {quoted(target.name)} has no URL."
    if target.url is not None and named:
        yield f"The address of {target.name} is known: leave the URL away, or give this index another name."
    if target.url is not None and not named and not _fits(target.url):
        yield f"{quoted(target.url)} is no URL of an index, such as https://packages.example.com/legacy/."
    if target.environment is not None and not _ENVIRONMENT.match(target.environment):
        yield f"{quoted(target.environment)} is no name of an environment: letters, digits, blanks, and . _ / -."
    if target.audience is not None and not _AUDIENCE.match(target.audience):
        yield f"{quoted(target.audience)} is no audience: letters, digits, and . _ : / -."


def _fits(url: str) -> bool:
    try:
        parts = split(url)
    except TrustpubError:
        return False
    return bool(_URL.match(url)) and (parts.scheme == "https" or is_loopback(parts.hostname or ""))


def _of_names(answers: Answers) -> Iterator[str]:
    if not _PROJECT.match(answers.project):
        yield f"{quoted(answers.project)} is no name of a project: letters, digits, and . _ - between them."
    if answers.platform in ("google", "generic") and not answers.owner and not answers.repository:
        return
    owners = _OWNERS if answers.platform == "gitlab" else _OWNER
    if not owners.match(answers.owner):
        yield f"{quoted(answers.owner)} is no owner of a repository."
    if not _REPOSITORY.match(answers.repository) or answers.repository in (".", ".."):
        yield f"{quoted(answers.repository)} is no name of a repository, without its owner."


def _of_places(answers: Answers) -> Iterator[str]:
    if answers.platform == "github" and not _FILE.match(answers.workflow):
        yield f"{quoted(answers.workflow)} is no name of a workflow file, such as release.yml."
    elif answers.platform in ("gitlab", "google") and not (
        _inside(answers.workflow) and answers.workflow.endswith((".yml", ".yaml"))
    ):
        yield f"{quoted(answers.workflow)} is no path of a YAML file in the repository."
    if str(answers.folder) != "." and not _inside(str(answers.folder)):
        yield f"{quoted(str(answers.folder))} is no folder in the repository."
    if answers.changelog is not None and not _inside(answers.changelog):
        yield f"{quoted(answers.changelog)} is no file in the project."
    if not _BRANCH.match(answers.branch) or ".." in answers.branch:
        yield f"{quoted(answers.branch)} is no name of a branch: letters, digits, and . _ / -."
    if not _TAG.match(answers.tag) or ".." in answers.tag:
        yield f"{quoted(answers.tag)} does not say how tags are made: v{{version}}, of letters, digits, . _ / @ -."


def _of_registration(answers: Answers) -> Iterator[str]:
    """What the form of an index would not take. What is missing there, a person has yet to find out."""
    for one in table.registration(answers):
        try:
            PROVIDERS[one.kind].spell(one.fields)
        except BadFields as error:
            for fault in error.faults:
                if fault.field in one.fields:
                    hint = f" ({fault.hint.rstrip('.')})" if fault.hint else ""
                    given = quoted(one.fields[fault.field])
                    yield f"The {fault.field.replace('_', ' ')} {given} {fault.problem}{hint}."


def _inside(path: str) -> bool:
    return bool(_PATH.match(path)) and ".." not in path.split("/") and not path.startswith("-")


def _of_pythons(answers: Answers) -> Iterator[str]:
    if not _PYTHON.match(answers.python) or int(answers.python[2:]) < _LEAST_PYTHON:
        yield f"{quoted(answers.python)} does not build a release: trustpub needs Python 3.{_LEAST_PYTHON} or newer."
    if answers.pythons and answers.tests is None:
        yield "It is said on which Pythons the tests run, and not which tests."
    for one in answers.pythons:
        wanted = _ANY_PYTHON if answers.platform == "github" else _PYTHON
        if not wanted.match(one):
            yield f"{quoted(one)} is no Python that tests run on there, such as 3.13."
    if answers.tests is not None and (
        not answers.tests.strip()
        or answers.tests[0] in " \n#"
        or "${{" in answers.tests
        or not all(one.isprintable() or one == "\n" for one in answers.tests)
    ):
        yield "The tests are a command for a shell, in printable characters, beginning with a word and without ${{ }}."


def _of_release(answers: Answers) -> Iterator[str]:
    platform, trial = answers.platform, answers.trial
    if answers.builder not in BUILDERS:
        yield f"{quoted(answers.builder)} builds nothing; there are {', '.join(BUILDERS)}."
    if answers.action not in (None, "pypa", "trustpub"):
        yield f"{quoted(answers.action)} is nobody's action: pypa or trustpub."
    if answers.trigger not in TRIGGERS:
        yield f"{quoted(answers.trigger)} starts nothing; there are {', '.join(TRIGGERS)}."
    elif answers.trigger not in triggers(platform):
        yield {
            "release": f"Nothing on {platform} starts where a release is published: its tag does.",
            "dispatch": f"A release that is asked for by hand is written for GitHub only; on {platform}, push its tag.",
        }[answers.trigger]
    if trial not in _TRIALS["github"]:
        yield f"{quoted(trial)} tries nothing; there are {', '.join(_TRIALS['github'])}."
    elif (platform, trial) in _NO_TRIAL:
        yield _NO_TRIAL[platform, trial]
    elif trial not in trials(platform, answers.target):
        yield (
            f"What is meant for {answers.target.name} would be tried on TestPyPI, where everybody sees it: try never, "
            "or on an index of the job's own."
        )


def _of_platform(answers: Answers) -> Iterator[str]:
    platform, target = answers.platform, answers.target
    if platform == "github" and answers.action == "pypa" and target.public and not answers.attestations:
        yield "PyPI's action is told to attest nothing where something is wrong: without attestations, take trustpub's."
    if answers.compiled and platform not in ("github", "activestate"):
        yield f"Wheels for each system need a machine of each: they are written for GitHub, and not for {platform}."
    if platform in ("gitlab", "activestate") and target.audience is None and not target.public:
        who = "GitLab" if platform == "gitlab" else "The build script"
        yield (
            f"{who} must know the audience of {target.name} beforehand: its operator knows it, and "
            "`curl INDEX/_/oidc/audience` shows it."
        )
    if platform == "google":
        if not _ACCOUNT.match(answers.service_account or ""):
            yield "Google Cloud publishes as a service account, NAME@PROJECT.iam.gserviceaccount.com: say which."
        elif _EVERYBODYS.search(answers.service_account or ""):
            yield f"{answers.service_account} is what every build runs as: make an account that only releases have."
    if platform == "activestate":
        if answers.actor is not None and not _ACTOR.match(answers.actor):
            yield f"{quoted(answers.actor)} is no user of ActiveState's."
        if answers.tests is not None:
            yield "ActiveState's platform runs no tests of the project."
    if platform == "generic" and len(answers.pythons) > 1:
        yield "How this CI runs one job on several Pythons is not known here: name one."
