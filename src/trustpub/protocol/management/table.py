# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every operation of the management API: the one table behind what is served, documented, and asked by clients."""

from __future__ import annotations

from collections.abc import Mapping

from trustpub.protocol.management import rows
from trustpub.protocol.management.operation import Operation
from trustpub.protocol.shapes import flag, named, several, table, text, whole

LONGEST_PAGE = 1000
"""Rows in one answer."""

_GET, _POST, _PUT, _PATCH, _DELETE = "GET", "POST", "PUT", "PATCH", "DELETE"

_REASON = text("Why.")
_LIMIT = whole("How many at most.", minimum=1, maximum=LONGEST_PAGE)
_CHOSEN = {
    "version": text("All files of this release."),
    "filenames": several("These files.", text("A name."), maxItems=LONGEST_PAGE),
    "everything": flag("All files."),
}
_RULES = {
    "ref": text("A pattern for the whole ref, as refs/tags/v*: * stands for anything but a slash."),
    "protected_ref": flag("The forge must say that the ref is protected."),
    "events": several("What may have started the run.", text("As push."), maxItems=32),
    "runner": text("What kind of machine must have run it, as github-hosted."),
}
_REGISTRATION = {
    "kind": text("Which CI it is, as github, which it is if left out."),
    "issuer": text("Whose tokens the job shows. Left out: the public issuer of that CI."),
    "fields": named("What the job must be, by the names of the provider.", text("A value, as it is typed.")),
    "immutable": several("Of a generic publisher: fields that are ids.", text("A field."), maxItems=32),
    "workload": several("Of a generic publisher: fields that say which job it is.", text("A field."), maxItems=32),
    "rules": table("What a run must be beside.", _RULES),
    "pin_on_first_use": flag("Take ids that are not given from the first job that publishes."),
}
_WHEN = {
    "kind": text("Only events of this kind, as publisher-added; several with commas between them."),
    "since": whole("Only events from this Unix time on.", minimum=0, maximum=2**53),
    "until": whole("Only events before this Unix time.", minimum=0, maximum=2**53),
}
_LOG = {
    **_WHEN,
    "before": whole("Only events older than the one with this number.", minimum=0, maximum=2**53),
    "limit": _LIMIT,
}

PROJECTS = (
    Operation(
        name="project.list", method=_GET, path="/projects", action="index.read",
        says="Projects that have had a release, by name.",
        query={
            "words": text("Only those with all of these words in their name."),
            "after": text("Only those behind this name."),
            "limit": _LIMIT,
        },
        answer=rows.rows("projects", rows.PROJECT),
        more="For the next page, ask for those after the last name.",
    ),
    Operation(
        name="project.show", method=_GET, path="/projects/{project}", action="project.manage",
        says="A project with its people, its publishers and all its files, deleted ones too.",
        answer=rows.row(
            "A project.", project=rows.PROJECT,
            members=several("Its people.", rows.MEMBER),
            publishers=several("Its publishers.", rows.PUBLISHER),
            files=several("Its files.", rows.FILE),
        ),
    ),
    Operation(
        name="project.files", method=_GET, path="/projects/{project}/files", action="project.read",
        says="The files of a project that are served.", answer=rows.rows("files", rows.FILE),
    ),
    Operation(
        name="project.yank", method=_POST, path="/projects/{project}/yank", action="project.yank",
        says="Have installers pass files by, unless they are asked for that very version (PEP 592).",
        body=table("Which files.", {**_CHOSEN, "reason": _REASON}), answer=rows.FILENAMES,
        more="Files are named in exactly one way: by version, by filenames, or everything.",
    ),
    Operation(
        name="project.unyank", method=_POST, path="/projects/{project}/unyank", action="project.yank",
        says="Offer yanked files again.", body=table("Which files.", _CHOSEN), answer=rows.FILENAMES,
    ),
    Operation(
        name="project.delete", method=_POST, path="/projects/{project}/delete", action="project.delete",
        says="Delete files for good. Nobody can ever upload a file of one of these names again.",
        body=table("Which files.", {**_CHOSEN, "reason": _REASON, "dry_run": flag("Only say which files.")}),
        answer=rows.FILENAMES,
    ),
    Operation(
        name="project.status", method=_PUT, path="/projects/{project}/status", action="project.archive",
        says="Archive or deprecate a project, or take that back (PEP 792).",
        body=table(
            "The status.",
            {
                "status": text("Which.", enum=["active", "archived", "deprecated"]),
                "was": text("With active: the status that is taken back.", enum=["archived", "deprecated"]),
                "reason": _REASON,
            },
            "status",
        ),
        answer=rows.PROJECT,
    ),
    Operation(
        name="project.quarantine", method=_PUT, path="/projects/{project}/quarantine", action="project.quarantine",
        says="Serve no file of a project and take none, until it is released.",
        body=table("Why.", {"reason": _REASON}), answer=rows.PROJECT,
    ),
    Operation(
        name="project.release", method=_DELETE, path="/projects/{project}/quarantine", action="project.quarantine",
        says="Let a project out of quarantine, to the status it had before.", answer=rows.PROJECT,
    ),
    Operation(
        name="project.policy", method=_PATCH, path="/projects/{project}/policy", action="project.policy",
        says="What uploads to a project must bring.",
        body=table(
            "What is to be changed.",
            {
                "trusted_only": flag("Only minted tokens may upload."),
                "attestations": text("Of files.", enum=["optional", "required", "once"]),
            },
        ),
        answer=rows.PROJECT,
    ),
    Operation(
        name="member.list", method=_GET, path="/projects/{project}/members", action="project.members.read",
        says="The people of a project: owners first, then by name.", answer=rows.rows("members", rows.MEMBER),
    ),
    Operation(
        name="member.add", method=_POST, path="/projects/{project}/members", action="project.members",
        says="Make somebody a member of a project.",
        body=table("Who.", {"user": text("The account's name."), "role": text("owner, maintainer.")}, "user", "role"),
        answer=rows.MEMBER,
    ),
    Operation(
        name="member.change", method=_PUT, path="/projects/{project}/members/{user}", action="project.members",
        says="Give a member another role.", body=table("Which.", {"role": text("owner or maintainer.")}, "role"),
        answer=rows.MEMBER,
    ),
    Operation(
        name="member.remove", method=_DELETE, path="/projects/{project}/members/{user}", action="project.members",
        says="Take somebody out of a project. A project always keeps an owner.", answer=rows.MEMBER,
    ),
    Operation(
        name="project.events", method=_GET, path="/projects/{project}/events", action="project.audit",
        says="What happened to a project, the newest first.", query=_LOG, answer=rows.rows("events", rows.EVENT),
    ),
    Operation(
        name="project.export", method=_GET, path="/projects/{project}/events/export", action="project.audit",
        says="All that happened to a project, the newest first.", query=_WHEN, answer=rows.EVENT, lines=True,
    ),
)  # fmt: skip

PUBLISHERS = (
    Operation(
        name="project.publishers", method=_GET, path="/projects/{project}/publishers",
        action="project.publishers.read", says="Who may publish a project.",
        answer=rows.rows("publishers", rows.PUBLISHER),
    ),
    Operation(
        name="publisher.add", method=_POST, path="/projects/{project}/publishers",
        action="project.publishers.change", says="Let one more identity publish a project.",
        body=table("Who.", _REGISTRATION, "fields"), answer=rows.REGISTERED,
    ),
    Operation(
        name="publisher.rules", method=_PUT, path="/projects/{project}/publishers/{publisher}/rules",
        action="project.publishers.change", says="Give a publisher of a project these rules and no others.",
        body=table("The rules; none: any run of the publisher will do.", _RULES), answer=rows.PUBLISHER,
    ),
    Operation(
        name="publisher.constrain", method=_POST, path="/projects/{project}/publishers/{publisher}/constrain",
        action="project.publishers.change",
        says="Let only jobs of one environment publish, where any could before.",
        body=table("Which.", {"environment": text("Its name.")}, "environment"), answer=rows.REGISTERED,
    ),
    Operation(
        name="publisher.unlink", method=_DELETE, path="/projects/{project}/publishers/{publisher}",
        action="project.publishers.change",
        says="Let a publisher publish this project no more. With none left it is gone, and its tokens with it.",
        answer=rows.row("What is left.", gone=flag("It had no other project.")),
    ),
    Operation(
        name="attempt.list", method=_GET, path="/projects/{project}/attempts", action="project.publishers.read",
        says="Identities that were proven and refused, and came near a project; the last seen first.",
        query={"limit": _LIMIT}, answer=rows.rows("attempts", rows.ATTEMPT),
    ),
    Operation(
        name="attempt.show", method=_GET, path="/projects/{project}/attempts/{attempt}",
        action="project.publishers.read", says="A refused attempt, and what would let it in.", answer=rows.TRIED,
    ),
    Operation(
        name="attempt.mend", method=_POST, path="/projects/{project}/attempts/{attempt}/mend",
        action="project.publishers.change",
        says="Make the nearest publisher what the refused job was. Only where the attempt's remedy is one-click.",
        answer=rows.REGISTERED,
    ),
    Operation(
        name="attempt.register", method=_POST, path="/projects/{project}/attempts/{attempt}/register",
        action="project.publishers.change",
        says="Register the refused job beside the others. Only where the attempt's remedy is one-click.",
        answer=rows.REGISTERED,
    ),
    Operation(
        name="publisher.list", method=_GET, path="/publishers", action="index.publishers",
        says="Every publisher of the index.", answer=rows.rows("publishers", rows.PUBLISHER),
    ),
    Operation(
        name="publisher.show", method=_GET, path="/publishers/{publisher}", action="index.publishers",
        says="A publisher, with all that it may publish.", answer=rows.PUBLISHER,
    ),
    Operation(
        name="publisher.remove", method=_DELETE, path="/publishers/{publisher}", action="index.publishers",
        says="Remove a publisher from all its projects, and every token it was minted.", answer=rows.PUBLISHER,
    ),
    Operation(
        name="pending.add", method=_POST, path="/pending", action="account.pending",
        says="Hold a name for a first release by an identity.",
        body=table(
            "Who, and what.",
            {
                "name": text("Of the project."),
                **_REGISTRATION,
                "owner": text("For administrators: who owns the project once it is real."),
                "hold_days": whole("For administrators: for how many days the name is held."),
            },
            "name", "fields",
        ),
        answer=rows.REGISTERED,
        more="Publishers of a held name are changed and removed as those of any project. Of an administrator's token "
        "the name is nobody's unless an owner is named.",
    ),
)  # fmt: skip

ACCOUNT = (
    Operation(
        name="account.show", method=_GET, path="/account", action="account.read",
        says="Whose token this is, and what is theirs.", answer=rows.ACCOUNT,
    ),
    Operation(
        name="account.tokens", method=_GET, path="/account/tokens", action="account.tokens.read",
        says="Tokens that the person holds.", answer=rows.rows("tokens", rows.TOKEN),
        more="They are made and ended in the browser alone: whoever got hold of one could stay for good.",
    ),
    Operation(
        name="account.pending", method=_GET, path="/account/publishers", action="account.pending.read",
        says="Names that are held for the person's first releases, and their publishers.",
        answer=rows.rows(
            "held",
            rows.row("One.", project=rows.PROJECT, publishers=several("Who may make it.", rows.PUBLISHER)),
        ),
    ),
)  # fmt: skip

_FILE = text("Text.", maxLength=262_144)
_URL = {"url": text("Exactly the iss of its tokens.")}

ISSUERS = (
    Operation(
        name="issuer.list", method=_GET, path="/issuers", action="index.issuers",
        says="Identity providers that the index believes.", answer=rows.rows("issuers", rows.ISSUER),
    ),
    Operation(
        name="issuer.show", method=_GET, path="/issuer", action="index.issuers",
        says="How tokens of an issuer are taken.", query=_URL, required=("url",), answer=rows.ISSUER,
    ),
    Operation(
        name="issuer.put", method=_PUT, path="/issuer", action="index.issuers",
        says="Believe an issuer, or give a known one other keys or terms.",
        body=table(
            "The issuer, whole: what is left out is as its kind has it.",
            {
                **_URL,
                "kind": text("Whose claims its tokens hold, as github, which it is if left out."),
                "jwks": {"type": "object", "description": "Its keys (RFC 7517); then they are never fetched."},
                "ca": text("Certificates (PEM) to fetch its keys with.", maxLength=262_144),
                "algorithms": several("What it signs with.", text("One.", enum=["RS256", "ES256"]), maxItems=2),
                "array_audience": flag("Its tokens have aud as an array of one."),
                "max_age": whole("Seconds that an identity token may be old."),
                "max_lifetime": whole("Seconds for which an identity token may be made."),
                "token_lifetime": whole("Seconds that an upload token lives."),
                "jwks_hosts": several("Where its keys may be, beside its own host.", text("A host."), maxItems=32),
                "private": flag("It is at an address of a private network."),
                "audience": text("The one audience of a CI whose jobs choose none."),
            },
            "url",
        ),
        answer=rows.row(
            "What became of it.", issuer=rows.ISSUER, new=flag("It was not known."),
            replaced=flag("The keys of a known issuer come from elsewhere now: whoever holds them can be each of its "
                          "publishers."),
        ),
    ),
    Operation(
        name="issuer.remove", method=_DELETE, path="/issuer", action="index.issuers",
        says="Believe an issuer no more. Not while publishers depend on it.",
        query=_URL, required=("url",), answer=rows.CHANGED,
    ),
    Operation(
        name="issuer.switch", method=_POST, path="/issuer/switch", action="index.issuers",
        says="Take tokens of an issuer, or of all, from now on or no more. Tokens minted before live on.",
        body=table("What.", {"url": text("Whose; left out: of all."), "on": flag("From now on.")}, "on"),
        answer=rows.row("What changed.", switched=several("Issuers that were otherwise.", text("A URL."))),
    ),
    Operation(
        name="issuer.forget-keys", method=_POST, path="/issuer/forget-keys", action="index.issuers",
        says="Have the keys of an issuer fetched anew before the next token of it is believed.",
        body=table("Which.", _URL, "url"), answer=rows.CHANGED,
    ),
)  # fmt: skip

PEOPLE = (
    Operation(
        name="user.list", method=_GET, path="/users", action="index.users", says="All accounts.",
        answer=rows.rows("users", rows.USER),
    ),
    Operation(
        name="user.add", method=_POST, path="/users", action="index.users",
        says="Add an account, with which nobody can sign in until its password was set (see user.reset).",
        body=table("Who.", {"name": text("Of the account.")}, "name"), answer=rows.USER,
    ),
    Operation(
        name="user.change", method=_PATCH, path="/users/{user}", action="index.users",
        says="Change what an account is: one thing at a time.",
        body=table(
            "One of these.",
            {
                "email": text("Where letters go; empty: nowhere."),
                "administrator": flag("Of the whole index."),
                "suspended": flag("Nobody can sign in, and no token is taken."),
            },
        ),
        answer=rows.USER,
    ),
    Operation(
        name="user.reset", method=_POST, path="/users/{user}/reset", action="index.users",
        says="A link with which somebody sets a new password for an account, without a second factor.",
        answer=rows.LINK,
    ),
    Operation(
        name="invitation.list", method=_GET, path="/invitations", action="index.users",
        says="Invitations that are good, the newest first.", answer=rows.rows("invitations", rows.INVITATION),
    ),
    Operation(
        name="invitation.add", method=_POST, path="/invitations", action="index.users",
        says="A link with which somebody makes an account.",
        body=table(
            "Who.", {"email": text("Of the invited."), "administrator": flag("The account will be an administrator's.")}
        ),
        answer=rows.LINK,
    ),
    Operation(
        name="invitation.remove", method=_DELETE, path="/invitations/{invitation}", action="index.users",
        says="Take an invitation back.", answer=rows.CHANGED,
    ),
    Operation(
        name="token.list", method=_GET, path="/tokens", action="index.users",
        says="Tokens that people hold; never the tokens themselves.", answer=rows.rows("tokens", rows.TOKEN),
    ),
    Operation(
        name="token.add", method=_POST, path="/tokens", action="index.users", says="Make a token for somebody.",
        body=table(
            "What for.",
            {
                "user": text("Who holds it."),
                "scope": text("What it is good for.", enum=["read", "upload", "manage"]),
                "project": text("Only for this project."),
                "lifetime": whole("Seconds; left out: until it is removed.", minimum=1, maximum=3650 * 86_400),
            },
            "user", "scope",
        ),
        answer=rows.row(
            "The token.", token=rows.TOKEN, secret=text("The token itself. It is shown this once."),
            member=flag("Whether it can do anything with its project yet."),
        ),
    ),
    Operation(
        name="token.remove", method=_DELETE, path="/tokens/{token}", action="index.users",
        says="End a token that a person holds.", answer=rows.TOKEN,
    ),
)  # fmt: skip

INDEX = (
    Operation(
        name="index.events", method=_GET, path="/events", action="index.audit", says="What happened, the newest first.",
        query=_LOG, answer=rows.rows("events", rows.EVENT),
    ),
    Operation(
        name="index.export", method=_GET, path="/events/export", action="index.audit",
        says="All that happened, the newest first.", query=_WHEN, answer=rows.EVENT, lines=True,
    ),
    Operation(
        name="index.attempts", method=_GET, path="/attempts", action="index.audit",
        says="Identities that were proven and refused, and came near no project; the last seen first.",
        query={"limit": _LIMIT}, answer=rows.rows("attempts", rows.ATTEMPT),
    ),
    Operation(
        name="switch.show", method=_GET, path="/switches", action="index.switches", says="What is switched off.",
        answer=rows.SWITCHES,
    ),
    Operation(
        name="switch.read-only", method=_PUT, path="/switches/read-only", action="index.switches",
        says="Take no uploads, mint nothing and leave projects as they are, until further notice; or go on.",
        body=table("What.", {"on": flag("From now on."), "reason": _REASON}, "on"), answer=rows.SWITCHES,
    ),
    Operation(
        name="switch.minting", method=_PUT, path="/switches/minting", action="index.switches",
        says="Mint no token for jobs of a provider, whoever vouches for them, until further notice; or mint again.",
        body=table(
            "What.",
            {
                "kind": text("The provider, as github."),
                "stopped": flag("From now on."),
                "reason": _REASON,
            },
            "kind", "stopped",
        ),
        answer=rows.SWITCHES,
    ),
    Operation(
        name="name.list", method=_GET, path="/names", action="index.names",
        says="Names that nobody may register, beside those of Python's standard library.",
        answer=rows.rows("names", rows.NAME),
    ),
    Operation(
        name="name.prohibit", method=_POST, path="/names", action="index.names",
        says="Keep everybody from registering a name, in any spelling. A project that has it stays.",
        body=table("Which.", {"name": text("In any spelling."), "reason": _REASON}, "name"),
        answer=rows.row(
            "What has the name.",
            project={**rows.PROJECT, "type": ["object", "null"], "description": "It stays as it is; null: nothing."},
        ),
    ),
    Operation(
        name="name.permit", method=_DELETE, path="/names/{name}", action="index.names",
        says="Let a name be registered again.", answer=rows.CHANGED,
    ),
    Operation(
        name="name.hold-days", method=_GET, path="/hold-days", action="index.names",
        says="How long a name is held for a pending publisher.", answer=rows.row("It.", days=whole("Days.")),
    ),
    Operation(
        name="name.set-hold-days", method=_PUT, path="/hold-days", action="index.names",
        says="Hold names that are registered from now on for so long.",
        body=table("How long.", {"days": whole("Days.")}, "days"), answer=rows.row("It.", days=whole("Days.")),
    ),
    Operation(
        name="index.apply", method=_POST, path="/apply", action="index.apply",
        says="Make issuers, projects and publishers be as a file says: all of it, or nothing.",
        body=table(
            "The file.",
            {
                "document": {"type": "object", "description": "What is in it: see the reference of apply files."},
                "files": named("What is in the files that it names, by their names in it.", _FILE),
                "dry_run": flag("Only say what would change."),
            },
            "document",
        ),
        answer=rows.APPLIED,
    ),
)  # fmt: skip

OPERATIONS: Mapping[str, Operation] = {
    one.name: one for one in (*PROJECTS, *PUBLISHERS, *ACCOUNT, *ISSUERS, *PEOPLE, *INDEX)
}
"""By name, in the order in which they are documented."""
