# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which identities may publish, and what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from trustpub.errors import Declined
from trustpub.index.kept import Issuer
from trustpub.index.manage.behalf import by
from trustpub.index.manage.enrolment import Registered, check, check_ids, link_to, register, set_rules
from trustpub.index.manage.issuers import issuer_at
from trustpub.index.manage.notes import note
from trustpub.index.manage.people import project_called
from trustpub.index.names import free
from trustpub.index.ports import Clock, Forge, ForgeSilent, Reading, Store
from trustpub.index.registration import Registration, Wanted, missing_ids, read, read_rules
from trustpub.packages.names import normalize
from trustpub.printable import quoted
from trustpub.trust.publishers import Link, Publisher, Rules


class NoIds(Declined):
    """A registration without ids, and nobody who could tell them."""

    def __init__(self, reason: str, wanted: Registration, missing: Sequence[str]) -> None:
        self.missing = tuple(missing)
        options = " and ".join(_option(name) for name in missing)
        self.reason = reason
        super().__init__(
            f"{reason} Without ids, whoever gets the names {wanted.called!r} later would be trusted as well.",
            hint=f"Give {options}, or add --pin-on-first-use to take them from the first job that publishes.",
        )


class Publishers:
    """Changes to publishers on behalf of whoever may run commands beside the index."""

    def __init__(self, store: Store, clock: Clock, *, forge: Forge | None = None) -> None:
        """``forge`` is asked for ids that are not given; None: nobody is."""
        self._store = store
        self._clock = clock
        self._forge = forge

    def add(self, wanted: Wanted, *, unless: Callable[[Reading], None] = lambda reading: None) -> Registered:
        """Let an identity publish a project; with ``pending``, a project that its first release will create.

        An identity that is registered already gets the project in addition.

        ``unless`` is called before anything is done, and again in the transaction that does it; what it raises is the
        end of both.

        Raises:
            Misuse: a field is not what its provider allows.
            Declined: the project, the owner, the issuer or the ids are not there, the name may not be registered, or
                there is nothing to add.
        """
        registration = read(wanted)
        with self._store.read() as reading:
            # All that can be refused is, before anybody else is asked.
            unless(reading)
            check(reading, registration, int(self._clock()))
            self._check_new(reading, registration)
        ids = self.find_ids(registration)
        with self._store.write() as writing:
            # Once more, now that nobody else can come between.
            unless(writing)
            self._check_new(writing, registration)
            return register(writing, registration, ids, self._clock())

    def replace(self, publisher_id: str, wanted: Wanted) -> Registered:
        """Let another identity publish a project in place of this publisher, in one step.

        The publisher keeps its other projects. Left with none it is gone, with every token it was minted. One that is
        the same identity, as after its repository was renamed in letters' case only, stays.

        Raises:
            Misuse: a field is not what its provider allows.
            Declined: as :meth:`add`; or there is no such publisher, or it has not this project.
        """
        registration, now = read(wanted), self._clock()
        with self._store.read() as reading:
            _links(_publisher(reading, publisher_id), registration.project)
            check(reading, registration, int(now))
        ids = self.find_ids(registration)
        with self._store.write() as writing:
            before = _publisher(writing, publisher_id)
            (link, *_) = _links(before, registration.project)
            done = register(writing, registration, ids, now)
            if done.publisher.id == before.id:
                if not done.changes:
                    raise Declined(f"This publisher is registered for project {done.project.name!r} already.")
                return done
            writing.unlink_publisher(before.id, link.project_id)
            facts = {
                **before.fields,
                "issuer": before.issuer,
                "project": link.project,
                "replaced_by": done.publisher.id,
            }
            note(writing, now, "publisher-removed", project_id=link.project_id, publisher_id=before.id, facts=facts)
        return done

    def find_ids(self, wanted: Registration, issuer: Issuer | None = None) -> Mapping[str, str]:
        """The ids not given: none if the same identity has them already, else the forge's.

        ``issuer``: the one that is meant, where it is not known to the index yet. To be asked outside a transaction.

        Raises:
            Declined: they differ from those given.
            NoIds: nobody knows them, and they are not to be pinned at first use.
        """
        missing = wanted.missing_ids
        if not missing or wanted.pin_on_first_use:
            return {}
        with self._store.read() as reading:
            known = wanted.same_identity(reading)
            issuer = issuer or issuer_at(reading, wanted.issuer)
        if known is not None and (known.pin_on_first_use or not missing_ids(known)):
            return {}
        if self._forge is None:
            raise NoIds(f"Nobody can be asked for the ids of {wanted.called!r}.", wanted, missing)
        try:
            found = self._forge.ids(issuer, wanted.provider.kind, wanted.fields)
        except ForgeSilent as silence:
            raise NoIds(str(silence), wanted, missing) from None
        for name in wanted.provider.ids:
            if name in wanted.fields and wanted.fields[name] != found.get(name, wanted.fields[name]):
                raise Declined(
                    f"The {name.replace('_', ' ')} of {wanted.called} is {found[name]}, not {wanted.fields[name]}."
                )
        if silent := [name for name in missing if name not in found]:
            raise NoIds(f"The forge does not say all ids of {wanted.called!r}.", wanted, silent)
        return {name: found[name] for name in missing}

    def all(self, project: str | None = None) -> Sequence[Publisher]:
        """All, or those of a project.

        Raises:
            Declined: there is no such project.
        """
        with self._store.read() as reading:
            if project is not None:
                project_called(reading, project)
            return reading.publishers(project)

    def get(self, publisher_id: str) -> Publisher:
        """The publisher with this id.

        Raises:
            Declined: there is none.
        """
        with self._store.read() as reading:
            return _publisher(reading, publisher_id)

    def set_rules(self, publisher_id: str, project: str, rules: Rules) -> Publisher:
        """Give a publisher's link to a project these rules and no others. Holds from the next mint on.

        Raises:
            Misuse: no run could keep them, or any would.
            Declined: there is no such publisher, it has not this project, or it has these rules.
        """
        with self._store.write() as writing:
            publisher = _publisher(writing, publisher_id)
            links = _links(publisher, project)
            read_rules(rules, publisher.kind)
            if not set_rules(writing, publisher, links[0], rules, self._clock()):
                raise Declined(f"The publisher {publisher_id} has these rules for {links[0].project!r} already.")
            return _publisher(writing, publisher_id)

    def remove(self, publisher_id: str, project: str | None = None) -> Publisher:
        """Take one project, or all, from a publisher. Left with none it is gone, with every token it was minted.

        A name that was held for it alone is free again. Returns the publisher as it was.

        Raises:
            Declined: there is no such publisher, or it has not this project.
        """
        now = self._clock()
        with self._store.write() as writing:
            publisher = _publisher(writing, publisher_id)
            leaving = publisher.links if project is None else _links(publisher, project)
            if not leaving:
                # One that lost its only project to another's first release.
                writing.unlink_publisher(publisher_id, "")
                facts = {**publisher.fields, "issuer": publisher.issuer}
                note(writing, now, "publisher-removed", publisher_id=publisher_id, facts=facts)
            for link in leaving:
                held = writing.project_by_id(link.project_id)
                if held is not None and held.pending_until is not None and len(writing.publishers(held.name)) == 1:
                    free(writing, held, now, by())
                    continue
                writing.unlink_publisher(publisher_id, link.project_id)
                facts = {**publisher.fields, "issuer": publisher.issuer, "project": link.project}
                note(
                    writing,
                    now,
                    "publisher-removed",
                    project_id=link.project_id,
                    publisher_id=publisher_id,
                    facts=facts,
                )
        return publisher

    def _check_new(self, reading: Reading, wanted: Registration) -> None:
        """That there is something to add: the same again is no error in a file, but is one when it is typed."""
        known, project = wanted.same_identity(reading), reading.project(wanted.project)
        if known is None or project is None or (link := link_to(known, project.id)) is None:
            return
        if not link.live(int(self._clock())):
            return
        check_ids(known, {name: wanted.fields[name] for name in wanted.provider.ids if name in wanted.fields})
        hint = f"Its id is {known.id}."
        if link.rules != wanted.rules:
            hint += f" To change its rules: trustpub admin publisher rules {known.id} {project.name} …"
        raise Declined(f"This publisher is registered for project {project.name!r} already.", hint=hint)


def _publisher(reading: Reading, publisher_id: str) -> Publisher:
    publisher = reading.publisher(publisher_id)
    if publisher is None:
        raise Declined(
            f"There is no publisher {quoted(publisher_id)} here.", hint="See them with: trustpub admin publisher list"
        )
    return publisher


def _links(publisher: Publisher, project: str) -> Sequence[Link]:
    """The publisher's links to this project: one.

    Raises:
        Declined: it has none.
    """
    links = [link for link in publisher.links if normalize(link.project) == normalize(project)]
    if not links:
        raise Declined(f"The publisher {publisher.id} is not one of project {quoted(project)}.")
    return links


def _option(field: str) -> str:
    """How the command line takes a field."""
    return "--" + field.replace("_", "-") if field in ("owner_id", "repository_id") else f"--field {field}=…"
