# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Another secret for an index that is served: what dies, what lives on, and for how long."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from trustpub.errors import Misuse
from trustpub.index.accounts.second_factor import kept_about
from trustpub.index.adapters.keyring import Keyring, next_to
from trustpub.index.adapters.rotating import DAY_SECONDS, rotate
from trustpub.index.adapters.sealing import SECRETS, Sealer
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import Login
from trustpub.index.web.site.signing import Signing

from ..storage.conftest import Ran, Served, SetClock  # noqa: TID252
from .conftest import Halves

Trustpub = Callable[..., Ran]
Serve = Callable[..., Served]


def status(served: Served, token: str) -> int:
    """Of the root of the private index with this token."""
    asked = urllib.request.Request(f"{served.url}/simple/", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code


def test_with_drain_an_upload_in_flight_finishes_and_a_token_from_before_dies_on_time(
    serve: Serve, trustpub: Trustpub, token: Callable[..., str]
) -> None:
    served = serve("--private")
    lasting = token(served)
    reading, brief = token(served, scope="read"), token(served, "--expires", "1m", scope="read")
    assert [status(served, one) for one in (reading, brief)] == [200, 200]
    flying = Halves(served, lasting, "1.0")
    rotated = trustpub("admin", "rotate-secret", "--drain", "--data", served.data)
    assert rotated.code == 0, rotated.err
    assert "Tokens from before are good in their own time" in rotated.out
    assert flying.end()[0] == 200
    assert [status(served, one) for one in (reading, brief, token(served, scope="read"))] == [200, 200, 200]
    assert Halves(served, lasting, "1.1").end()[0] == 200
    # Its minute is over in the server's own time, which is not ours to set: the test of the clock is below.
    served.stop()
    with open_folder(served.data, create=True, local_url=served.url, clock=lambda: time.time() + 61) as later:
        credentials = later.credentials
        assert not hasattr(credentials.check_header(f"Bearer {reading}"), "code")
        assert "expired" in credentials.check_header(f"Bearer {brief}").detail  # type: ignore[union-attr]
    with open_folder(served.data, create=False, clock=lambda: time.time() + 8 * DAY_SECONDS) as later:
        assert later.credentials.check_header(f"Bearer {reading}").code == "invalid-credentials"  # type: ignore[union-attr]


def test_without_drain_every_token_dies_at_once(serve: Serve, trustpub: Trustpub, token: Callable[..., str]) -> None:
    served = serve("--private")
    before, uploading = token(served, scope="read"), token(served)
    flying = Halves(served, uploading, "1.0")
    assert status(served, before) == 200
    rotated = trustpub("admin", "rotate-secret", "--data", served.data)
    assert (rotated.code, "every token from before is void; 2 that" in rotated.err) == (0, True)
    assert status(served, before) == 401
    code, answer = flying.end()
    assert (code, "was burned" in answer) == (403, True)
    assert status(served, token(served, scope="read")) == 200
    assert not next_to(served.data / "secret")[1].exists()
    events = json.loads(trustpub("admin", "events", "--json", "--data", served.data).out)
    assert [one["facts"]["tokens_ended"] for one in events if one["kind"] == "secret-replaced"] == [2]


def test_second_factors_are_sealed_again_and_forms_and_cookies_go_on_in_a_drain(folder: Folder) -> None:
    ada = folder.people.add("ada")
    keys, path = folder.root_keys, folder.secret_path
    sealed = Sealer(keys.keys_for(SECRETS)).seal(b"twenty bytes of a key", kept_about(ada.id))
    with folder.store.write() as writing:
        writing.put_login(Login(user_id=ada.id, totp=sealed))
    signing = Signing(lambda: keys.keys_for("cookies and forms"), secure=True)
    form = signing.form_token("a cookie")
    now = SetClock(time.time())
    first = rotate(folder.store, path, now, drain_days=1)
    assert (first.sealed, first.ended, keys.key_id) == (1, 0, first.key_id)
    with folder.store.read() as reading:
        login = reading.login(ada.id)
    assert login is not None
    assert login.totp not in (None, sealed)
    current = Sealer(keys.keys_for(SECRETS)[:1])
    assert current.unseal(login.totp or "", kept_about(ada.id)) == b"twenty bytes of a key"
    assert signing.form_token_fits(form, "a cookie")
    assert signing.form_token("a cookie") != form
    # Time passes, and the old secret is good for nothing.
    later = Keyring(path, folder.store, SetClock(now.now + DAY_SECONDS))
    assert (len(later.keys_for("x")), later.root_of(first.before, "id")) == (1, None)
    assert not Signing(lambda: later.keys_for("cookies and forms"), secure=True).form_token_fits(form, "a cookie")


def test_only_one_secret_drains_at_a_time(folder: Folder) -> None:
    keys, path, clock = folder.root_keys, folder.secret_path, time.time
    first = rotate(folder.store, path, clock, drain_days=7)
    second = rotate(folder.store, path, clock, drain_days=7)
    assert second.before == first.key_id
    assert keys.root_of(first.before, "id") is None
    assert keys.root_of(second.before, "id") is not None
    rotate(folder.store, path, clock, drain_days=None)
    assert keys.root_of(second.key_id, "id") is None
    assert sorted(one.name for one in path.parent.glob("secret*")) == ["secret"]


def test_a_rotation_that_was_stopped_before_or_after_its_transaction_leaves_an_index_that_works(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, before = folder.secret_path, folder.root_keys.key_id
    replace = os.replace

    def no_replace(source: object, target: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", no_replace)
    with pytest.raises(Misuse, match="cannot be replaced there"):
        rotate(folder.store, path, time.time, drain_days=None)
    # The fact says the new one already. Who serves goes on with what was read; who starts finishes it.
    assert folder.root_keys.key_id == before
    monkeypatch.setattr(os, "replace", replace)
    with open_folder(folder.path, create=True) as again:
        assert again.root_keys.key_id != before
        assert not next_to(path)[0].exists()
    assert folder.root_keys.key_id == again.root_keys.key_id
    # And what was stopped before it changes nothing.
    next_to(path)[0].write_text("0" * 64)
    next_to(path)[0].chmod(0o600)
    with open_folder(folder.path, create=True) as again:
        assert again.root_keys.key_id == folder.root_keys.key_id


def test_another_secret_is_refused_and_one_in_a_folder_that_cannot_be_written_to_stays(
    folder: Folder, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_text("ab" * 32)
    other.chmod(0o600)
    with pytest.raises(Misuse, match="is not the one this index was made with"):
        rotate(folder.store, other, time.time, drain_days=None)
    with pytest.raises(Misuse, match="There is no secret"):
        rotate(folder.store, tmp_path / "nowhere" / "secret", time.time, drain_days=None)
