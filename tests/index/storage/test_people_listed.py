# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin user list`` and ``token list`` say what people are, and what of theirs is still used."""

from __future__ import annotations

import json
from collections.abc import Callable

from trustpub.index.bootstrap.folder import Folder
from trustpub.index.kept import MAINTAINER, User

from .conftest import Ran, a_project


def test_people_and_their_tokens_are_listed_with_what_they_are(folder: Folder, trustpub: Callable[..., Ran]) -> None:
    ada = User(id="user-1", name="ada", created=1, email="ada@example.org", administrator=True)
    ben = User(id="user-2", name="ben", created=2, suspended=86_400, email="b\x1b[31m@example.org")
    with folder.store.write() as writing:
        writing.add_user(ada)
        writing.add_user(ben)
        writing.add_project(a_project())
        writing.add_member("project-1", "user-2", MAINTAINER)
    used, _ = folder.credentials.issue_user_token(ada, scope="read")
    folder.credentials.issue_user_token(ben, scope="upload")
    with folder.store.write() as writing:
        writing.note_use(used.id, 7200)

    def admin(*words: str) -> str:
        ran = trustpub("admin", *words, "--data", folder.path)
        assert (ran.code, ran.err) == (0, "")
        return ran.out

    said = admin("user", "list")
    assert "ada <ada@example.org>  since 1970-01-01, administrator\n" in said
    assert "suspended 1970-01-02" in said
    assert "\x1b" not in said
    rows = {one["name"]: one for one in json.loads(admin("user", "list", "--json"))}
    assert (rows["ada"]["administrator"], rows["ada"]["suspended"]) == (True, None)
    assert (rows["ben"]["administrator"], rows["ben"]["suspended"]) == (False, 86_400)
    tokens = admin("token", "list")
    assert "read token of ada, valid until it is removed, last used 1970-01-01 02:00" in tokens
    assert "upload token of ben, valid until it is removed, never used" in tokens
    assert sorted(one["last_used"] or 0 for one in json.loads(admin("token", "list", "--json"))) == [0, 7200]
    assert "    maintainer ben" in admin("project", "show", "hello")
