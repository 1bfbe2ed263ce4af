# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What of a release is sent, and in which order; and how a page of an index is read."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trustpub.client.already import Page, Presence, look, page_url, presence
from trustpub.client.files import Distribution
from trustpub.client.indexes import resolve
from trustpub.client.plan import Course, Plan, plan
from trustpub.http import Http
from trustpub.protocol.upload import WHEEL, Submission


def distribution(project: str, version: str, tag: int, digest: str) -> Distribution:
    return Distribution(
        path=f"dist/{project}-{version}-py{tag}-none-any.whl",
        filename=f"{project}-{version}-py{tag}-none-any.whl",
        size=1,
        submission=Submission(
            filetype=WHEEL,
            pyversion=f"py{tag}",
            fields={"Metadata-Version": ("2.1",), "Name": (project,), "Version": (version,)},
            sha256=digest * 64,
        ),
    )


distributions = st.lists(
    st.builds(
        distribution,
        st.sampled_from(["hello", "other"]),
        st.sampled_from(["1.0", "1.1", "2.0rc1"]),
        st.integers(2, 5),
        st.sampled_from("ab"),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda one: one.filename,
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Distribution], Mapping[str, Page]]:
    """Files to publish, and pages that have some of them, alike or different or with no digest, and others."""
    files = draw(distributions)
    pages: dict[str, dict[str, str | None]] = {}
    for one in [*files, *draw(distributions)]:
        if draw(st.booleans()):
            listed = draw(st.sampled_from([one.submission.sha256, "c" * 64, None]))
            pages.setdefault(one.project, {})[one.filename] = listed
    return files, {project: Page(files=listed) for project, listed in pages.items()}


@given(situations())
def test_every_file_is_sent_or_there_or_different_and_never_two_of_these(
    situation: tuple[list[Distribution], Mapping[str, Page]],
) -> None:
    files, pages = situation
    made = plan(files, pages)
    parts = [[step.distribution for step in made.send], made.present, made.different]
    assert sorted(one.filename for part in parts for one in part) == sorted(one.filename for one in files)
    for part in parts:
        assert [one for one in files if one in part] == list(part), "in the order given"
    for one in made.present:
        assert pages[one.project].files[one.filename] == one.submission.sha256
    for one in made.different:
        assert pages[one.project].files[one.filename] not in (None, one.submission.sha256)


@given(situations())
def test_of_a_new_project_and_a_new_release_one_file_goes_alone_and_all_others_of_it_after(
    situation: tuple[list[Distribution], Mapping[str, Page]],
) -> None:
    files, pages = situation
    up: set[str] = set()
    known = {project: {name.split("-")[1] for name in page.files} for project, page in pages.items()}
    for wave in waves(plan(files, pages)):
        projects = [one.project for one in wave if not known.get(one.project)]
        releases = [(one.project, one.version) for one in wave if one.version not in known.get(one.project, set())]
        assert len(projects) == len(set(projects)), "two files make the same project at once"
        assert len(releases) == len(set(releases)), "two files make the same release at once"
        for one in wave:
            known.setdefault(one.project, set()).add(one.version)
            up.add(one.filename)
    assert up == {step.distribution.filename for step in plan(files, pages).send}, "all are sent some time"


def waves(made: Plan) -> list[list[Distribution]]:
    """What can be under way at once, if all that is under way ends at once."""
    found: list[list[Distribution]] = []
    up: set[str] = set()
    left = list(made.send)
    while left:
        now = [step for step in left if step.after is None or step.after in up]
        assert now, "each waits for another"
        up |= {step.distribution.filename for step in now}
        left = [step for step in left if step not in now]
        found.append([step.distribution for step in now])
    return found


@given(situations(), st.integers(1, 8))
def test_any_number_of_threads_take_every_step_once_and_none_before_what_it_comes_after(
    situation: tuple[list[Distribution], Mapping[str, Page]], workers: int
) -> None:
    made = plan(*situation)
    course = Course(made.send)
    taken: list[str] = []
    done: set[str] = set()
    early: list[str] = []

    def work() -> None:
        while (step := course.take()) is not None:
            taken.append(step.distribution.filename)
            if step.after is not None and step.after not in done:
                early.append(step.distribution.filename)
            done.add(step.distribution.filename)
            course.done(step)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    assert taken == [], "nothing is taken before there is a token"
    course.open()
    for thread in threads:
        thread.join(10)
    assert sorted(taken) == sorted(step.distribution.filename for step in made.send)
    assert early == []


def test_a_page_is_read_as_json_and_as_html_and_what_cannot_be_read_is_no_error(plain: Any, make: Any) -> None:
    index = resolve(plain.url)
    assert page_url(index, "hello") == f"{plain.url}/simple/hello/"
    html = (
        b'<html><a href="../../packages/hello-1.0.tar.gz#sha256=' + b"A" * 64 + b'">hello-1.0.tar.gz</a>'
        b'<a href="/x/hello-1.1%2Bcu.tar.gz#md5=0">hello</a><a>none</a></html>'
    )
    listing = {"files": [{"filename": "a.whl", "hashes": {"sha256": "b" * 64}}, {"filename": "b.whl"}, 7]}
    simple = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
    answers = [
        (make.Answer(body=html, headers={"Content-Type": "text/html; charset=utf-8"}),
         Page(files={"hello-1.0.tar.gz": "a" * 64, "hello-1.1+cu.tar.gz": None})),
        (make.Answer(body=listing, headers=simple), Page(files={"a.whl": "b" * 64, "b.whl": None})),
        (make.Answer(status=404), Page()),
        (make.Answer(status=302, headers={"Location": "https://elsewhere.example/simple/hello/"}), Page()),
        (make.Answer(status=401), Page(unread="its pages need a token")),
        (make.Answer(status=403), Page(unread="its pages need a token")),
        (make.Answer(status=500), Page(unread="its page answers 500", failed=True)),
        (make.Answer(body=b"hello"), Page(unread="its page is neither JSON nor HTML of the Simple API")),
    ]  # fmt: skip
    plain.answer("/simple/hello/", *(answer for answer, _ in answers))
    with Http(env={}) as http:
        for _, expected in answers:
            assert look(http, index, "hello", attempts=1) == expected


def test_whether_a_file_arrived_is_told_from_a_page_that_has_another_and_from_one_that_cannot_be_had(
    plain: Any, make: Any
) -> None:
    one = distribution("hello", "1.0", 3, "a")
    index = resolve(plain.url)
    simple = {"Content-Type": "application/vnd.pypi.simple.v1+json"}

    def page(sha256: str | None) -> Any:
        return make.Answer(body={"files": [{"filename": one.filename, "hashes": {"sha256": sha256}}]}, headers=simple)

    expected = [
        (page("a" * 64), Presence.THERE),
        (page("b" * 64), Presence.UNKNOWABLE),
        (page(None), Presence.UNKNOWABLE),
        (make.Answer(status=404), Presence.ABSENT),
        (make.Answer(status=401), Presence.UNKNOWABLE),
        (make.Answer(status=503), Presence.FAILED),
        (make.Answer(status=None), Presence.FAILED),
    ]
    plain.answer("/simple/hello/", *(answer for answer, _ in expected))
    with Http(env={}) as http:
        assert [presence(http, index, one) for _ in expected] == [found for _, found in expected]
