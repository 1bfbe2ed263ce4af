# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Operations on projects, their files and their people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trustpub.errors import Declined, Misuse
from trustpub.index.desk import rows
from trustpub.index.desk.desk import Asked, Desk, Services
from trustpub.index.kept import ACTIVE, ARCHIVED, Member
from trustpub.index.manage.projects import Chosen
from trustpub.index.manage.publishing import own
from trustpub.index.ports import Reading
from trustpub.printable import quoted

SERVICES = Services()
_does = SERVICES.does

PAGE = 100
"""Rows, where nobody says how many."""
_STRIDE = 500
"""Events that an export reads at a time."""


def _chosen(asked: Asked) -> Chosen:
    return Chosen(
        version=asked.get("version"),
        filenames=tuple(asked.get("filenames", ())),
        everything=asked.get("everything", False),
    )


@_does("project.list")
def _list(desk: Desk, asked: Asked) -> Any:
    with desk.store.read() as reading:
        found = reading.search(asked.get("words", ""), after=asked.get("after", ""), limit=asked.get("limit", PAGE))
    return {"projects": [rows.project(one) for one in found]}


@_does("project.show")
def _show(desk: Desk, asked: Asked) -> Any:
    found, now = desk.projects.show(asked.project.name), desk.clock()
    publishers = found.publishers if asked.actor is None else own(found.publishers, found.project)
    return {
        "project": rows.project(found.project),
        "members": [rows.member(one) for one in found.members],
        "publishers": [rows.publisher(one, now) for one in publishers],
        "files": [rows.file(one) for one in found.files],
    }


@_does("project.files")
def _files(desk: Desk, asked: Asked) -> Any:
    with desk.store.read() as reading:
        return {"files": [rows.file(one) for one in reading.files(asked.project.id)]}


@_does("project.yank")
def _yank(desk: Desk, asked: Asked) -> Any:
    return rows.filenames(desk.projects.yank(asked.project.name, _chosen(asked), asked.get("reason", "")))


@_does("project.unyank")
def _unyank(desk: Desk, asked: Asked) -> Any:
    return rows.filenames(desk.projects.unyank(asked.project.name, _chosen(asked)))


@_does("project.delete")
def _delete(desk: Desk, asked: Asked) -> Any:
    if asked.get("dry_run", False):
        return rows.filenames(desk.projects.choose(asked.project.name, _chosen(asked)))
    return rows.filenames(desk.projects.delete(asked.project.name, _chosen(asked), asked.get("reason", "")))


@_does("project.status")
def _status(desk: Desk, asked: Asked) -> Any:
    name, status, reason = asked.project.name, asked["status"], asked.get("reason", "")
    if status == ACTIVE:
        was = asked.get("was")
        if was is None or reason:
            raise Misuse("To make a project active again, say which status it was in, and no reason.")
        return rows.project(desk.projects.reactivate(name, was))
    if "was" in asked.values:
        raise Misuse("What a project was is only said where it is made active again.")
    change = desk.projects.archive if status == ARCHIVED else desk.projects.deprecate
    return rows.project(change(name, reason))


@_does("project.quarantine")
def _quarantine(desk: Desk, asked: Asked) -> Any:
    return rows.project(desk.projects.quarantine(asked.project.name, asked.get("reason", "")))


@_does("project.release")
def _release(desk: Desk, asked: Asked) -> Any:
    return rows.project(desk.projects.release(asked.project.name))


@_does("project.policy")
def _policy(desk: Desk, asked: Asked) -> Any:
    return rows.project(
        desk.projects.set_policy(
            asked.project.name, trusted_only=asked.get("trusted_only"), attestations=asked.get("attestations")
        )
    )


@_does("member.list")
def _members(desk: Desk, asked: Asked) -> Any:
    return {"members": [rows.member(one) for one in desk.members.all(asked.project)]}


@_does("member.add")
def _add_member(desk: Desk, asked: Asked) -> Any:
    return rows.member(desk.members.add(asked.project.name, asked["user"], asked["role"]))


@_does("member.change")
def _change_member(desk: Desk, asked: Asked) -> Any:
    return rows.member(desk.members.set_role(asked.project.name, _member(desk, asked).user.id, asked["role"]))


@_does("member.remove")
def _remove_member(desk: Desk, asked: Asked) -> Any:
    return rows.member(desk.members.remove(asked.project.name, _member(desk, asked).user.id))


def _member(desk: Desk, asked: Asked) -> Member:
    wanted = asked["user"].lower()
    for one in desk.members.all(asked.project):
        if one.user.name.lower() == wanted:
            return one
    raise Declined(f"{quoted(asked['user'])} is no member of {asked.project.name}.")


@_does("project.events")
def _events(desk: Desk, asked: Asked) -> Any:
    return log(desk, asked, asked.project.id)


@_does("project.export")
def _export(desk: Desk, asked: Asked) -> Any:
    return export(desk, asked, asked.project.id)


def log(desk: Desk, asked: Asked, project_id: str | None) -> Any:
    """One page of the log of a project, or of the whole index."""
    with desk.store.read() as reading:
        return {"events": _page(reading, asked, project_id, asked.get("before"), asked.get("limit", PAGE))}


def export(desk: Desk, asked: Asked, project_id: str | None) -> Iterator[rows.Row]:
    """All of the log, read a stretch at a time: nobody waits for it, and it is never in memory as a whole."""
    before: int | None = None
    while True:
        with desk.store.read() as reading:
            found = _page(reading, asked, project_id, before, _STRIDE)
        yield from found
        if len(found) < _STRIDE:
            return
        before = found[-1]["number"]


def _page(reading: Reading, asked: Asked, project_id: str | None, before: int | None, limit: int) -> list[rows.Row]:
    kinds = tuple(one.strip() for one in asked.get("kind", "").split(",") if one.strip())
    found = reading.events(
        project_id=project_id,
        limit=limit,
        kinds=kinds[:100],
        before=before,
        since=asked.get("since"),
        until=asked.get("until"),
    )
    return [rows.event(one) for one in found]
