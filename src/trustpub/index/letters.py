# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Letters to those who answer for a project or an account, written in the transaction of what they tell of.

They go to the owners of a project, whoever of them did it: that is how they notice what none of them did; and about an
account to its person. There is one short template for each kind of event in :data:`TEMPLATES`; what is filled in is
one printable line each, so that nothing from outside can become a header or a letter of its own.

No letter holds a secret, but for the link of an invitation, which is what its reader is waiting for. Who sends them,
and when, is another matter (:mod:`trustpub.index.manage.posting`).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from trustpub.index.kept import OWNER, Event, Letter, Project, User
from trustpub.index.ports import Reading, Writing
from trustpub.printable import printable
from trustpub.secret import Secret
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.publishers import Publisher
from trustpub.trust.values import worded

DAY_SECONDS = 86_400
ENVIRONMENT_SECONDS = 14 * DAY_SECONDS
"""For so long nobody is told again that the environment of a publisher's jobs is not looked at."""
KNOWN_SECONDS = 90 * DAY_SECONDS
"""For so long a browser at an address is known after somebody signed in with it."""
NEW_ACCOUNT_SECONDS = 600
"""Who has just made an account need not be told that somebody signed in to it."""
LONGEST_SUBJECT = 150
_LONGEST = 300
_MOST_FIELDS = 40

ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]\x00-\x20\x7f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?\Z")
"""An e-mail address that a letter can go to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What is written, with names in braces for what is filled in."""

    subject: str
    body: str


_SEE = "Publishers of the project: {url}/manage/project/{normalized}/settings/publishing/"
_NOT_YOU = (
    "If it was not you: set another password at {url}/manage/account/password/ and end the sessions you do not know at "
    "{url}/manage/account/, or ask an administrator of the index."
)

TEMPLATES: Mapping[str, Template] = {
    "publisher-added": Template(
        subject="{project}: a publisher was added",
        body=f"From now on, this identity may publish {{project}}:\n\n{{details}}\n\nDone by: {{who}}\n\n"
        f"If you did not expect it, remove it at once.\n{_SEE}",
    ),
    "publisher-removed": Template(
        subject="{project}: a publisher was removed",
        body=f"This identity may no longer publish {{project}}:\n\n{{details}}\n\nDone by: {{who}}\n\n{_SEE}",
    ),
    "publisher-rules-changed": Template(
        subject="{project}: the rules of a publisher were changed",
        body=f"What a job must be to publish {{project}} was changed.\n\n{{details}}\n\nDone by: {{who}}\n\n{_SEE}",
    ),
    "project-added": Template(
        subject="{project}: the first release is here",
        body="A pending publisher has published {project} for the first time ({filename}). The project is real now, "
        "and yours.\n\n{details}\n\nThe project: {url}/project/{normalized}/",
    ),
    "name-nearly-up": Template(
        subject="{project}: the name is held until {until} only",
        body="The name {project} is held for its pending publishers, and there is no release of it yet. On {until} it "
        "is free for everybody, and the publishers are gone.\n\nPublish a first release before, or register it again "
        "afterwards: {url}/manage/account/publishing/",
    ),
    "environment-ignored": Template(
        subject="{project}: the environment of your jobs is not looked at",
        body="A job that ran in the environment {ran_in} has just published {project}. Its publisher names no "
        "environment: a job without that environment, and without the approvals it may ask for, could publish as well."
        f"\n\n{{details}}\n\nTo have only that environment publish, constrain the publisher to it.\n{_SEE}",
    ),
    "provenance-changed": Template(
        subject="{project} {version} was published otherwise than the release before",
        body="{said}\n\nIf you know why, there is nothing to do. If not, yank the release and find out who did it:\n"
        "{url}/project/{normalized}/{version}/\n{url}/manage/project/{normalized}/log/",
    ),
    "signed-in": Template(
        subject="You signed in to {host} from somewhere new",
        body=f"Somebody signed in as {{user}}, from where nobody did in the last months.\n\nAddress: {{peer}}\n"
        f"Browser: {{agent}}\nTime: {{at}}\n\n{_NOT_YOU}",
    ),
    "password-changed": Template(
        subject="Your password for {host} was changed",
        body=f"The password of {{user}} was changed. All other sessions ended.\n\nTime: {{at}}\n\n{_NOT_YOU}",
    ),
    "password-reset": Template(
        subject="Your password for {host} was set anew",
        body=f"The password of {{user}} was set anew by a link from an administrator; the second factor, and any "
        f"sign-in from elsewhere, are gone with the old one.\n\nTime: {{at}}\n\n{_NOT_YOU}",
    ),
    "second-factor-removed": Template(
        subject="Your second factor for {host} was removed",
        body=f"Whoever has the password of {{user}} can sign in now.\n\nTime: {{at}}\n\n{_NOT_YOU}",
    ),
    "openid-linked": Template(
        subject="You can sign in to {host} from elsewhere",
        body=f"An account at {{issuer}} was linked with {{user}}, and can sign in as it.\n\nTime: {{at}}\n\n{_NOT_YOU}",
    ),
}
"""By kind of event."""

INVITED = Template(
    subject="You are invited to {host}",
    body="You may make an account on {url}, a Python package index. This link is good once, until {until}:"
    "\n\n{link}\n\n"
    "Who does not know what this is need do nothing.",
)
RESET = Template(
    subject="Set a new password for {host}",
    body="An administrator of {url} lets you set a new password for {user}. This link is good once, until {until}:"
    "\n\n{link}\n\nWith it the second factor is removed, and you are signed out everywhere.",
)

MOVED = Template(
    subject="Letters of {host} no longer come here",
    body="The e-mail address of {user} was changed, and letters go elsewhere from now on.\n\nTime: {at}\n\n" + _NOT_YOU,
)


def tell(writing: Writing, event: Event) -> None:
    """Write to those who have to know of ``event``, if anybody has; in the transaction that leaves the event."""
    template = TEMPLATES.get(event.kind)
    if template is None:
        return
    if event.project_id is not None:
        _tell_owners(writing, template, event, event.project_id)
    elif (user := writing.user(str(event.facts.get("user", "")))) is not None and _is_news(writing, event, user):
        values = {name: _line(event.facts.get(name)) for name in ("peer", "agent", "issuer")}
        _write(writing, template, [user], event.at, {**values, "user": user.name, "at": moment(event.at)})


def ignored_environment(
    writing: Writing, publisher: Publisher, project_ids: Iterable[str], seen: Mapping[str, str], at: float
) -> None:
    """Note, and write, that the job's environment made no difference, once in :data:`ENVIRONMENT_SECONDS`.

    Args:
        writing: the transaction of the mint.
        publisher: whom the job was taken for.
        project_ids: what it may publish.
        seen: claims of the job that are kept.
        at: Unix time.
    """
    for project_id in untold_of_environment(writing, publisher, project_ids, seen, at):
        ran_in = printable(seen["environment"], 100)
        facts = {**publisher.fields, "issuer": publisher.issuer, "ran_in": ran_in}
        event = Event(at=at, kind="environment-ignored", project_id=project_id, publisher_id=publisher.id, facts=facts)
        writing.add_event(event)
        tell(writing, event)


def untold_of_environment(
    reading: Reading, publisher: Publisher, project_ids: Iterable[str], seen: Mapping[str, str], at: float
) -> Sequence[str]:
    """Of which of these projects nobody was told lately that the job's environment made no difference, though it made
    none.
    """
    provider = PROVIDERS.get(publisher.kind)
    if not seen.get("environment") or "environment" in publisher.fields or provider is None:
        return []
    if all(one.name != "environment" for one in provider.fields):
        return []
    since, kinds = at - ENVIRONMENT_SECONDS, ("environment-ignored",)
    return [
        project_id
        for project_id in project_ids
        if all(
            one.publisher_id != publisher.id
            for one in reading.events(project_id=project_id, kinds=kinds, since=since, limit=20)
        )
    ]


def invite(writing: Writing, to: str, link: Secret, *, expires: float, at: float, user: str = "") -> None:
    """Send the link of an invitation; with ``user``, of one to set that user's password."""
    url = _url(writing)
    values = {"link": link.reveal(), "until": moment(expires), "user": _line(user), "url": url, "host": _host(url)}
    _add(writing, RESET if user else INVITED, to, at, values)


def moved(writing: Writing, before: User, at: float) -> None:
    """Tell the address of before that letters for this person go elsewhere, or nowhere, from now on."""
    _write(writing, MOVED, [before], at, {"user": before.name, "at": moment(at)})


def moment(at: float) -> str:
    """A time for people, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _tell_owners(writing: Writing, template: Template, event: Event, project_id: str) -> None:
    project = writing.project_by_id(project_id)
    if project is None or (event.kind == "project-added" and event.publisher_id is None):
        return  # who makes a project by an upload of their own knows it
    owners = [one.user for one in writing.memberships(project_id) if one.role == OWNER]
    values = {
        **{name: _line(event.facts.get(name)) for name in ("filename", "ran_in", "version", "said")},
        "project": project.name,
        "normalized": project.normalized,
        "until": "" if project.pending_until is None else moment(project.pending_until),
        "who": _who(event, project),
        "details": _details(event),
    }
    _write(writing, template, owners, event.at, values)


def _write(writing: Writing, template: Template, users: Iterable[User], at: float, values: Mapping[str, str]) -> None:
    url = _url(writing)
    for user in users:
        if user.email and user.suspended is None:
            _add(writing, template, user.email, at, {**values, "url": url, "host": _host(url)})


def _add(writing: Writing, template: Template, to: str, at: float, values: Mapping[str, str]) -> None:
    if not ADDRESS.match(to):
        return  # of an account from before addresses were looked at
    body = template.body.format_map(values)
    writing.add_letter(
        Letter(
            id=str(uuid.uuid4()),
            to=to,
            subject=printable(template.subject.format_map(values), LONGEST_SUBJECT),
            body=f"{body}\n\n-- \nThis is the index {values['url']}. It does not read answers.\n",
            created=int(at),
        )
    )


def _is_news(reading: Reading, event: Event, user: User) -> bool:
    """Of everything but a sign-in, always."""
    if event.kind != "signed-in":
        return True
    if event.at - user.created < NEW_ACCOUNT_SECONDS:
        return False
    here = tuple(event.facts.get(name) for name in ("user", "peer", "agent"))
    before = reading.events(kinds=("signed-in",), since=event.at - KNOWN_SECONDS, limit=1000)
    alike = [one for one in before if tuple(one.facts.get(name) for name in ("user", "peer", "agent")) == here]
    return len(alike) <= 1  # the event itself is one of them


def _who(event: Event, project: Project) -> str:
    by = event.facts.get("by")
    if isinstance(by, Mapping):
        return _line(by.get("name"))
    if event.kind == "publisher-removed" and project.pending_until is not None and project.pending_until <= event.at:
        return "nobody; the time for a first release was up"
    return "an administrator, at the server"


def _details(event: Event) -> str:
    """The identity, or the rules, one line for each thing it says."""
    found: list[str] = []
    for name, value in event.facts.items():
        if isinstance(value, Mapping) and name in ("rules", "before"):
            said = "; ".join(f"{rule.replace('_', ' ')} {_line(one)}" for rule, one in value.items()) or "none"
            found.append(f"  {'Rules before' if name == 'before' else 'Rules'}: {printable(said, _LONGEST)}")
        elif isinstance(value, str) and name not in _NOT_DETAILS:
            found.append(f"  {_line(name).replace('_', ' ').capitalize()}: {_line(worded(value))}")
    return "\n".join(found[:_MOST_FIELDS])


_NOT_DETAILS = frozenset(
    {"by", "project", "user", "filename", "version", "said", "change", "replaced_by", "until", "ran_in"}
)


def _line(value: object) -> str:
    if isinstance(value, list | tuple):
        return printable(", ".join(map(str, value)), _LONGEST)
    return "" if value is None else printable(str(value), _LONGEST)


def _url(reading: Reading) -> str:
    return reading.fact("public_url") or ""


def _host(url: str) -> str:
    return url.partition("://")[2]
