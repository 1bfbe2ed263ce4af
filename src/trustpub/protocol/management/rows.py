# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the management API answers with: the shape of each kind of row. Every member is always there."""

from __future__ import annotations

from typing import Any

from trustpub.protocol.shapes import Shape, flag, named, several, table, whole


def _text(says: str) -> dict[str, Any]:
    return {"type": "string", "description": says}


def _or_none(shape: Shape) -> dict[str, Any]:
    return {**shape, "type": [shape["type"], "null"]}


def row(says: str, **members: Shape) -> dict[str, Any]:
    """An object with all of these members and no others."""
    return table(says, members, *members)


def rows(name: str, of: Shape, **more: Shape) -> dict[str, Any]:
    """An object with an array of that name, and ``more``."""
    return row(f"The {name}.", **{name: several(f"The {name}.", of)}, **more)


_TIME = whole("Unix time in seconds.")
_MOMENT = {"type": "number", "description": "Unix time in seconds, with a fraction."}
_TIME_OR_NONE = _or_none(_TIME)
_TEXTS = several("Texts.", _text("One."))

PROJECT = row(
    "A project, or a name that is held for one.",
    name=_text("As it is displayed."),
    id=_text("Stays the same for ever."),
    created=_TIME,
    pending_until=_or_none(whole("Until when the name is held for a first release; null: it has had one.")),
    status=_text("active, archived, deprecated or quarantined (PEP 792)."),
    reason=_text("Of that status; empty: none was given."),
    trusted_only=flag("Whether only minted tokens may upload."),
    attestations=_text("optional, required or once."),
    policy=_text("The last two in words."),
)
FILE = row(
    "A file.",
    filename=_text("Its name."),
    version=_text("Of its release, as its own metadata spells it."),
    size=whole("Bytes."),
    sha256=_text("In hex."),
    uploaded=_MOMENT,
    yanked=_or_none(_text("The reason; empty: yanked without one; null: not yanked.")),
    deleted=_or_none(whole("When it was deleted.")),
    attested=flag("Whether it came with an attestation."),
    origin=named("Who uploaded it, as was true then; empty: that was not kept.", _text("A claim, or a name.")),
)
MEMBER = row("A person of a project.", name=_text("Of the account."), role=_text("owner or maintainer."))
RULES = {
    "type": "object",
    "description": "The rules that are set: ref, protected_ref, events, runner.",
    "properties": {
        "ref": _text("A pattern."), "protected_ref": flag("Only protected refs."),
        "events": _TEXTS, "runner": _text("A kind of machine."),
    },
    "required": [],
    "additionalProperties": False,
}  # fmt: skip
PUBLISHER = row(
    "A publisher, as the one who asks may know it: with the projects that are theirs to see.",
    id=_text("Its id."),
    issuer=_text("Whose tokens its jobs show."),
    kind=_text("Which CI it is."),
    fields=named("What a job must be.", _text("A value.")),
    immutable=_TEXTS,
    not_pinned=several("Ids that will be taken from the first job that publishes.", _text("A field.")),
    projects=several(
        "What it may publish.",
        row(
            "A project.",
            name=_text("Of the project."),
            pending_until=_or_none(whole("Until when the name is held.")),
            rules=RULES,
        ),
    ),
    who=_text("What it is, in words."),
    what=several("What it may publish, in words.", _text("A project.")),
)
REGISTERED = row(
    "What became of a registration.",
    publisher=PUBLISHER,
    project=PROJECT,
    new=flag("Whether the identity was not registered before."),
    changes=several("What it took: publisher, project, ids, rules, owner.", _text("One of these.")),
    warnings=several("What should be looked at.", _text("A sentence.")),
)
COMPARED = row(
    "Something that was compared.",
    field=_text("What."),
    wanted=_text("By the publisher."),
    given=_or_none(_text("By the job; null: it said nothing about it.")),
    holds=flag("Whether that was enough."),
)
ATTEMPT = row(
    "An identity that was proven and refused.",
    id=_text("Its id."),
    issuer=_text("Who vouches for it."),
    kind=_text("Which CI it is."),
    claims=named("What is kept of the identity.", _text("A claim.")),
    reasons=several("Why it was refused.", _text("A sentence.")),
    first=_MOMENT,
    last=_MOMENT,
    count=whole("How often."),
    peer=_text("The address that asked last."),
    proposed=named("Fields of a publisher that would mean this job; empty: a person must choose.", _text("A value.")),
    near=several(
        "Publishers that it came near, the nearest first.",
        row(
            "One.",
            publisher=_text("Its id."),
            compared=several("Everything that was compared.", COMPARED),
        ),
    ),
)
TRIED = row(
    "An attempt, and what can be done about it.",
    attempt=ATTEMPT,
    remedy=_text("one-click, form, rules, done or none."),
    publisher=_or_none(_text("The id of the nearest publisher.")),
    mended=named("What that publisher would become; empty: it would become another.", _text("A value.")),
    proposed=named("The fields of a further publisher.", _text("A value.")),
)
EVENT = row(
    "Something that happened.",
    number=_or_none(whole("Its place in the log, which grows.")),
    at=_MOMENT,
    kind=_text("What happened, as publisher-added."),
    project_id=_or_none(_text("To which project.")),
    publisher_id=_or_none(_text("By, or to, which publisher.")),
    facts={"type": "object", "description": "More about it; `by` is who did it."},
)
ISSUER = row(
    "An identity provider that the index believes.",
    url=_text("Exactly the iss of its tokens."),
    kind=_text("Whose claims its tokens hold."),
    keys=_text("fetched or given."),
    enabled=flag("Whether its tokens are taken now."),
    own_ca=flag("Whether its keys are fetched with certificates that were given."),
    jwks_hosts=_TEXTS,
    private=flag("Whether it may be at an address of a private network."),
    algorithms=_TEXTS,
    array_audience=flag("Whether its tokens have aud as an array of one."),
    max_age=whole("Seconds that an identity token may be old."),
    max_lifetime=whole("Seconds for which an identity token may be made."),
    token_lifetime=whole("Seconds that an upload token lives."),
    shared_audience=_or_none(_text("The one audience of a CI whose jobs choose none.")),
    publishers=whole("How many publishers are registered with it."),
)
USER = row(
    "A person with an account.",
    name=_text("Of the account."),
    id=_text("Its id."),
    created=_TIME,
    email=_text("Where letters go; empty: nowhere."),
    administrator=flag("Of the whole index."),
    suspended=_or_none(whole("Since when nobody can sign in as this person.")),
)
TOKEN = row(
    "A token that a person holds; never the token itself.",
    id=_text("Its id."),
    user=_or_none(_text("Who holds it.")),
    scope=_text("read, upload or manage."),
    description=_text("What it is called."),
    created=_TIME,
    expires=_TIME_OR_NONE,
    revoked=_or_none(whole("When it was ended.")),
    last_used=_or_none(whole("When it was last taken, to the hour.")),
)
INVITATION = row(
    "That somebody may make an account, or set a new password.",
    id=_text("Its id, with which it can be taken back; not what the link has in it."),
    email=_text("Of the invited; empty: none was given."),
    administrator=flag("Whether the account will be an administrator's."),
    user_id=_or_none(_text("Whose password it sets; null: it makes an account.")),
    created=_TIME,
    expires=_TIME,
)
LINK = row("An invitation, and its link.", invitation=INVITATION, link=_text("The whole URL. It is shown this once."))
SWITCHES = row(
    "What is switched off.",
    read_only=_or_none(_text("Why nothing can be changed or uploaded; null: it can.")),
    stopped=named("Providers that no token is minted for now, and why.", _text("The reason; may be empty.")),
)
NAME = row("A name that nobody may register.", name=_text("In its normal form."), reason=_text("Told to who tries."))
CHANGED = row("Whether anything changed.", changed=flag("It did."))
ACCOUNT = row(
    "Whose token it is.",
    user=USER,
    scope=_text("Of the token."),
    projects=several(
        "What is the person's.",
        row("One.", name=_text("Of the project."), role=_text("owner or maintainer."), pending=flag("A held name.")),
    ),
)
FILENAMES = row("Files.", files=several("Their names.", _text("A name.")))
APPLIED = row(
    "What applying a file did, or would do.",
    applied=flag("Whether it was done; false: a dry run."),
    changes=several(
        "In the order of the file, issuers first.",
        row(
            "What became of an entry.",
            path=_text("Where it stands, as projects[0].publishers[1]."),
            what=_text("It, in a few words."),
            outcome=_text("added, changed or unchanged."),
            details=_TEXTS,
            warnings=_TEXTS,
        ),
    ),
    not_in_file=row(
        "What the index has and the file has not. It stays.",
        issuers=_TEXTS,
        publishers=several(
            "Publishers and what they may publish.",
            row(
                "One.",
                id=_text("Of the publisher."),
                project=_or_none(_text("The project; null: none is left.")),
                who=_text("The publisher in words."),
            ),
        ),
    ),
)
