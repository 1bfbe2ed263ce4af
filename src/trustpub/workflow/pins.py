# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Versions of the PyPI action, by commit and by tag object, as of September 2026.

Its container images are named by commit. A tag that has a message is an object of its own with another id, which git
tools find first; who pins the action to that gets `manifest unknown`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from packaging.version import InvalidVersion, Version

from trustpub.workflow.scene import Step
from trustpub.workflow.uploads import PYPI_ACTION

NEWEST = Version("1.14.2")
COMMITS: Mapping[str, str] = {
    "1.5.0": "717ba43cfbb0387f6ce311b169a825772f54d295",
    "1.5.1": "37f50c210e3d2f9450da2cd423303d6a14a6e29f",
    "1.5.2": "d7edd4c95736a5bc1260d38b5523f5d24338bc25",
    "1.6.0": "d2a2496a01f8b4b773ccd9cae8f2151589de5b62",
    "1.6.1": "5d1679fa6b895587c6eb10c3fe82205b440a580e",
    "1.6.2": "ce291dce5b39b74daf2a1a0dcb652314e3263edb",
    "1.6.3": "e71a4a4c1d3837e77d0353f9229be9217526a2c4",
    "1.6.4": "c7f29f7adef1a245bd91520e94867e5c6eedddcc",
    "1.6.5": "32b5e9370928566935e085a9154f23bd662ef41c",
    "1.7.0": "7104b6e981edc64651f8fc454998a67914173bdb",
    "1.7.1": "22b4d1f12511f2696162c08546dafbaa903448a2",
    "1.8.0": "8ef2b3d46c9ecba901fb2ae21d98e322c4089c4e",
    "1.8.1": "a3a3bafbb3e5a75a854ae1bc53ae128cf22c4af4",
    "1.8.2": "f3ce18f69986f83a044b6e618425238f6c1bb8ef",
    "1.8.3": "48b317d84d5f59668bb13be49d1697e36b3ad009",
    "1.8.4": "29930c9cf57955dc1b98162d0d8bc3ec80d9e75c",
    "1.8.5": "0bf742be3ebe032c25dd15117957dc15d0cfc38d",
    "1.8.6": "a56da0b891b3dc519c7ee3284aff1fad93cc8598",
    "1.8.7": "f5622bde02b04381239da3573277701ceca8f6a0",
    "1.8.8": "f8c70e705ffc13c3b4d1221169b84f12a75d6ca8",
    "1.8.9": "ade57f54dcc56d4858ca681c80269c26dc7b9149",
    "1.8.10": "b7f401de30cb6434a1e19f805ff006643653240e",
    "1.8.11": "2f6f737ca5f74c637829c0f5c3acd0e29ea5e8bf",
    "1.8.12": "e53eb8b103ffcb59469888563dc324e3c8ba6f06",
    "1.8.13": "741947b9cadc96c98b60dd2f32f89a5ef7fb113c",
    "1.8.14": "81e9d935c883d0b210363ab89cf05f3894778450",
    "1.9.0": "ec4db0b4ddc65acdf4bff5fa45ac92d78b56bdf0",
    "1.12.3": "67339c736fd9354cd4f8cb0b744f2b82a74b5c70",
    "1.12.4": "76f52bc884231f62b9a034ebfe128415bbaabdfc",
    "1.13.0": "ed0c53931b1dc9bd32cbe73a98c7f6766f8a527e",
    "1.14.0": "cef221092ed1bacb1cc03d23a2d87d1d172e277b",
    "1.14.2": "dc37677b2e1c63e2034f94d8a5b11f265b73ba33",
}
"""The commit of a version."""
TAG_OBJECTS: Mapping[str, str] = {
    "0fc90bca7acbb84292e0cff399f8579284fcfc7d": "1.5.0",
    "e82502a58f785c921a7a22a77e4c78c122f24081": "1.5.1",
    "24696e5c218781fafd71098a74766e72859ff780": "1.5.2",
    "c81663dec4eaf59865c114f80d045990b48cf651": "1.6.0",
    "6ab5058c87d1547a87f18c62940958e8b671eb23": "1.6.1",
    "35ac5e279d2410058ff00ffe6b1b66d97d424bde": "1.6.2",
    "3d8483b980ba862e227ad344aef53a4c8925ee6f": "1.6.3",
    "5bafe663595f0774cde1f3da2749ed0cdb80f199": "1.6.4",
    "b0e805d76ccae90f8b12938287e863fb19dbc3ea": "1.6.5",
    "c43daab09d4868a5e9976f7f635b5a401680ceb9": "1.7.0",
    "c32c76c3eb1726a8dfb21c8646d3f2e252275284": "1.7.1",
    "c885e3684f3c07e1dbfaedb92012a0eb38630bf8": "1.8.0",
    "9260449fd3b96fc37d87c2aa31ad246554e28b40": "1.8.1",
    "e4ba694d1db30f9f798255153f90d1960591a3a4": "1.8.2",
    "1b49e7cd85bc493c33c546b33b662b4670dc7754": "1.8.3",
    "4da962db6bfb895d2114452d0efeb0ead5251143": "1.8.4",
    "ec94faf661171edd10e04e17083573f3b8cec97e": "1.8.5",
    "022908f23cbfe6da2e7982feef85a9ca21ec4c0c": "1.8.6",
    "a22a47905863bf08b196e66a1a5970e0c36b077b": "1.8.7",
    "ae63f3323ae7b31c08f2805b18056cbf132ce478": "1.8.8",
    "c113c7076b790e9d026a6f3c111f4bfbb4460ba7": "1.8.9",
    "a4160796eac2c969452993d54d054b2b39b6c13c": "1.8.10",
    "f946db0f765b9ae754e44bfd5ae5b8b91cfb37ef": "1.8.11",
    "f8276ee1a254ef352db6e5f5f630adb835f2bdae": "1.8.12",
    "acce7fb5c7f715a6a8cbcf6f0dee592227e4c2ab": "1.8.13",
    "68e62d4871ad9d14a9d55f114e6ac71f0b408ec0": "1.8.14",
    "6733eb7d741f0b11ec6a39b58540dab7590f9b7d": "1.14.0",
}
"""The version of a tag object."""
_TAG_OBJECT_BEGINNINGS = {"a892a5a6": "1.14.2"}
_VERSIONS = {commit: version for version, commit in COMMITS.items()}
_VERSION = re.compile(r"v?(\d+(?:\.\d+){0,2})\Z")
_COMMENT = re.compile(r"[ \t]*#[ \t]*(?:tag=|release/)?(v?\d+(?:\.\d+){0,2})\b")


def tag_object(ref: str) -> str | None:
    """The version whose tag object, not commit, ``ref`` is."""
    ref = ref.lower()
    return TAG_OBJECTS.get(ref) or _TAG_OBJECT_BEGINNINGS.get(ref[:8])


def pinned(version: str | Version) -> str | None:
    """What to write after the @ for ``version``: its commit, and the version for people; None where not known."""
    commit = COMMITS.get(str(version))
    return None if commit is None else f"{commit} # v{version}"


def version_of(step: Step) -> Version | None:
    """The version of the action that ``step`` uses: by its tag, by the known commit, else by the comment after it."""
    if step.action is None:
        return None
    ref = step.action.ref
    if step.action.name == PYPI_ACTION and (known := _VERSIONS.get(ref.lower()) or tag_object(ref)):
        return Version(known)
    match = _VERSION.match(ref)
    if match is None and step.action.pinned:
        spot = step.file.value(step.value, "uses").spot
        match = _COMMENT.match(step.file.text, spot.end)
    try:
        return Version(match[1]) if match else None
    except InvalidVersion:
        return None


def exact(ref: str) -> bool:
    """Whether ``ref`` names one version: `v1.8.6`, and not `v1` or a branch."""
    return re.fullmatch(r"v?\d+\.\d+\.\d+", ref) is not None
