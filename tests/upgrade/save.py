# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Make the folders of earlier versions anew, with their own programs: ``python -m tests.upgrade.save``.

README.md says what for. Needs the repository with its history, and packages that the old programs run with.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..proofs.signing import Sigstore  # noqa: TID252 - pytest gives these folders no absolute name
from .job import ISSUER, SIGNED, Index, Signer, sdist, serving, wheel

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COMMITS = {
    "issue-2": "994b32cc43",
    "issue-3": "3d25f91a32",
    "issue-4": "4a7e47e207",
    "issue-5": "8f84d5d2c7",
    "issue-6": "57a591899c",
    "issue-7": "82dcd6cc3c",
}
"""The last of each issue that changed what an index keeps."""
URL = "https://index.example"


@dataclass(frozen=True)
class Old:
    """A program of an earlier version, and its folder."""

    source: Path
    data: Path

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.source / "src")}

    def run(self, *words: object) -> str:
        command = [sys.executable, "-m", "trustpub", *map(str, words)]
        done = subprocess.run(command, env=self.env, cwd=self.source, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{words}: {done.stderr}")
        return done.stdout

    def admin(self, *words: object) -> str:
        return self.run("admin", *words, "--data", self.data)

    def knows(self, *words: str) -> bool:
        """Whether it has this command of admin."""
        command = [sys.executable, "-m", "trustpub", "admin", *words, "--help"]
        done = subprocess.run(command, env=self.env, cwd=self.source, capture_output=True, check=False)
        return done.returncode == 0

    def served(self) -> AbstractContextManager[Index]:
        return serving(self.data, env=self.env, cwd=self.source, public_url=URL)


def stock(old: Old) -> dict[str, Any]:
    """Put into the index what its version can keep. Returns what a later version must still show and take."""
    signer, sigstore = Signer.new(), Sigstore()
    with old.served():
        pass
    keys = old.data.parent / "jwks.json"
    keys.write_text(json.dumps(signer.jwks))
    old.admin("issuer", "add", ISSUER, "--kind", "github", "--jwks", keys)
    old.admin("user", "add", "anna")
    publisher = ["--repository", "octo/hello", "--workflow", "release.yml", "--environment", "release"]
    publisher += ["--owner-id", "123456", "--repository-id", "456789"]
    old.admin("publisher", "add", "hello", "--pending", "--owner", "anna", *publisher)
    upload = old.admin("token", "create", "anna", "--scope", "upload").strip()
    read = old.admin("token", "create", "anna", "--scope", "read").strip()
    attests, manages = old.knows("trust", "add"), old.knows("project", "yank")
    if attests:
        root = old.data.parent / "root.json"
        root.write_text(json.dumps(sigstore.trusted_root()))
        # Only what is signed with that instance gets a document for every reader (PEP 740).
        old.admin("trust", "add", "public-good", root)
    with old.served() as index:
        minted = index.mint(signer)
        for filename, content in (sdist("hello", "1.0"), wheel("hello", "1.0")):
            index.upload(minted, filename, content)
        if attests:
            filename, content = wheel("hello", "1.1")
            digest = hashlib.sha256(content).hexdigest()
            index.upload(index.mint(signer), filename, content, sigstore.attest(SIGNED, filename, digest))
        index.burn(minted)
        for version in ("1.0", "2.0"):
            index.upload(upload, *wheel("world", version))
        if manages:
            index.upload(upload, *wheel("world", "0.9"))
            old.admin("project", "yank", "world", "--version", "1.0", "--reason", "broken")
            old.admin("project", "delete", "world", "--version", "0.9", "--yes")
            old.admin("project", "deprecate", "world", "--reason", "use hello")
        pages = {path: index.json(path, read) for path in ("/simple/", "/simple/hello/", "/simple/world/")}
        texts: dict[str, str] = {}
        if attests:
            file = next(one for one in pages["/simple/hello/"]["files"] if one.get("provenance"))
            path = file["provenance"].removeprefix(URL)
            texts[path] = index.get(path, token=read)[1].decode()
    return {
        "key": signer.pem, "upload": upload, "read": read, "burned": minted, "pages": pages, "texts": texts,
        "deleted": "world-0.9-py3-none-any.whl" if manages else None,
    }  # fmt: skip


def save(issue: str, commit: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        above = Path(name)
        source = above / "source"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(source), commit], check=True)
        try:
            old = Old(source, above / "index")
            known = {"issue": issue, "commit": commit, **stock(old)}
        finally:
            subprocess.run([*git, "remove", "--force", str(source)], check=True)
        target = HERE / "folders" / f"{issue}.tar.gz"
        target.parent.mkdir(exist_ok=True)
        with tarfile.open(target, "w:gz", compresslevel=9) as archive:
            text = json.dumps(known, indent=1).encode()
            entry = tarfile.TarInfo("known.json")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
            for path in sorted(old.data.rglob("*")):
                below = path.relative_to(old.data)
                if path.is_file() and below.parts[0] not in ("lock", "tls", "staging"):
                    archive.add(path, f"index/{below}", filter=_nobody)
        sys.stdout.write(f"{target.relative_to(ROOT)}: {target.stat().st_size} bytes, of {commit}\n")


def _nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    for one in sys.argv[1:] or COMMITS:
        save(one, COMMITS[one])
