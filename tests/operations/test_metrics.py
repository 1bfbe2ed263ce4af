# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a server, who may read them, and that nobody makes new series."""

from __future__ import annotations

import json
import re
import secrets
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from trustpub.index.web.metrics import OTHER, ROUTES, STATUSES, Metrics, route_of
from trustpub.protocol.problems import KINDS
from trustpub.trust.issuers import PROVIDERS

from .conftest import DEPLOY, Index, a_wheel, ask, basic, eventually, form, free_port, program, run_index

TOKEN = "a-token-that-reads-figures"
SERIES = re.compile(r"^([a-z_]+(?:\{[^}]*\})?) ([0-9.e+-]+)$", re.MULTILINE)
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    settings = '[metrics]\nnetworks = ["127.0.0.2"]\n'
    folder = tmp_path_factory.mktemp("metrics")
    with run_index(folder, settings, "--rehearsal", env={"TRUSTPUB_METRICS_TOKEN": TOKEN}) as served:
        served.register()
        yield served


def figures(index: Index) -> dict[str, float]:
    """Each series and its value."""
    answer = index.ask("/metrics", source="127.0.0.2")
    assert answer.status == 200
    return {name: float(value) for name, value in SERIES.findall(answer.text)}


def test_the_figures_are_for_the_networks_and_the_token_that_were_named(index: Index) -> None:
    assert index.ask("/metrics", source="127.0.0.2").status == 200
    assert index.ask("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status == 200
    assert index.ask("/metrics", headers={"Authorization": f"bearer {TOKEN}"}).status == 200
    for wrong in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": TOKEN}):
        refused = index.ask("/metrics", headers=wrong)
        assert refused.status == 401
        assert refused.headers["www-authenticate"] == 'Bearer realm="metrics"'
        assert refused.json()["errors"][0]["code"] == "unauthorized"
    # Nobody was named as a proxy, so who says that he is one has no say: not for others, and not for himself.
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        assert index.ask("/metrics", headers={name: "127.0.0.2"}).status == 401
        assert index.ask("/metrics", headers={name: "127.0.0.2"}, source="127.0.0.2").status == 401
    assert index.ask("/metrics", method="POST", source="127.0.0.2").status == 405
    assert TOKEN not in index.ask("/metrics", source="127.0.0.2").text + index.log()


def test_without_the_section_there_is_nothing_to_read(tmp_path: Path) -> None:
    with run_index(tmp_path, "") as plain:
        assert plain.ask("/metrics").status == 404


def test_a_mint_an_upload_and_a_burn_are_counted(index: Index) -> None:
    before = figures(index)
    minted = index.mint(number=secrets.randbelow(10**9))
    assert minted.status == 200, minted.text
    assert index.mint(number=secrets.randbelow(10**9), environment="elsewhere").status == 422
    assert index.ask("/_/oidc/mint-token", method="POST", body=b"{}").status == 422
    token = minted.json()["token"]
    body, kind = form(a_wheel("hello", "1.0"), "hello-1.0-py3-none-any.whl")
    headers = {"Authorization": basic(token), "Content-Type": kind}
    assert index.ask("/legacy/", method="POST", body=body, headers=headers).status == 200
    assert index.ask("/legacy/", method="POST", body=body, headers={"Content-Type": kind}).status == 403
    burn = json.dumps({"token": token}).encode()
    assert index.ask("/_/oidc/burn-token", method="POST", body=burn).status == 202
    after = figures(index)

    def more(series: str) -> float:
        return after.get(series, 0) - before.get(series, 0)

    assert more('trustpub_mints_total{outcome="minted",provider="github"}') == 1
    assert more('trustpub_mints_total{outcome="invalid-publisher",provider="github"}') == 1
    assert more('trustpub_mints_total{outcome="invalid-payload",provider="none"}') == 1
    assert more('trustpub_uploads_total{outcome="accepted"}') == 1
    assert sum(more(one) for one in after if one.startswith("trustpub_uploads_total")) == 2
    assert more("trustpub_upload_bytes_total") == len(body)
    assert more("trustpub_burns_total") == 1
    assert more('trustpub_requests_total{route="mint",status="2xx"}') == 1
    assert more('trustpub_requests_total{route="mint",status="4xx"}') == 2
    assert more('trustpub_request_duration_seconds_count{route="mint"}') == 3
    assert more('trustpub_store_seconds_count{kind="write"}') >= 3
    assert more("trustpub_mint_queue_seconds_count") >= 3
    assert after["trustpub_requests_in_progress"] == 1  # this very one
    assert after["trustpub_housekeeping_last_success_timestamp_seconds"] > 1.7e9
    assert 0 < after['trustpub_disk_free_bytes{folder="index"}'] < after['trustpub_disk_size_bytes{folder="index"}']
    assert after["process_open_fds"] > 3


def test_no_request_however_odd_makes_a_series_of_its_own(index: Index) -> None:
    for _ in range(2):  # so that whatever there can be is there
        _volley(index, "first")
    before = figures(index)
    _volley(index, "second")
    after = figures(index)
    assert set(after) == set(before)
    told = index.ask("/metrics", source="127.0.0.2").text
    assert "hostile" not in told
    allowed = {
        "route": {*ROUTES}, "status": {*STATUSES}, "provider": {*PROVIDERS, "none", OTHER},
        "outcome": {*KINDS, "minted", "accepted", "sent", "put-off", "lost", "answered", "failed", OTHER},
        "kind": {"read", "write"}, "folder": {"index"},
    }  # fmt: skip
    for name, value in LABEL.findall("\n".join(after)):
        assert name in ("le", "version") or value in allowed[name], (name, value)


def test_what_is_none_of_the_known_words_is_counted_under_one() -> None:
    metrics = Metrics(())
    for number in range(500):
        metrics.minted(f"provider-{number}", f"code-{number}")
        metrics.uploaded(f"code-{number}", 1)
        metrics.asked_keys(f"provider-{number}", answered=False)
    told = metrics.exposition().decode()
    assert 'trustpub_mints_total{outcome="other",provider="other"} 500.0' in told
    assert 'trustpub_uploads_total{outcome="other"} 500.0' in told
    assert 'trustpub_key_requests_total{outcome="failed",provider="other"} 500.0' in told
    assert "code-" not in told


def test_every_path_has_a_route() -> None:
    for path in ("", "/", "/x", "/simple", "/simple/", "/simplex", "/legacy/+simple/hello", "/api/v1/x", "/a" * 4000):
        assert route_of(path) in ROUTES
    assert (route_of("/simple/hello/"), route_of("/simplex"), route_of("/packages/a")) == ("simple", "pages", "files")


def test_the_figures_can_be_on_a_port_of_their_own(tmp_path: Path) -> None:
    port = free_port()
    with run_index(tmp_path, f"[metrics]\nport = {port}\n") as served:
        answer = ask(port, "/metrics")
        assert answer.status == 200
        assert "trustpub_requests_total" in answer.text
        assert ask(port, "/").status == 404
        assert served.ask("/metrics").status == 404
        # Whoever holds a connection without a word keeps nobody else from asking.
        with socket.create_connection(("127.0.0.1", port)):
            assert ask(port, "/metrics").status == 200


def test_a_port_of_their_own_keeps_to_who_was_named(tmp_path: Path) -> None:
    port = free_port()
    settings = f'[metrics]\nport = {port}\nnetworks = ["127.0.0.2"]\n'
    with run_index(tmp_path, settings, env={"TRUSTPUB_METRICS_TOKEN": TOKEN}):
        assert ask(port, "/metrics").status == 401
        assert ask(port, "/metrics", source="127.0.0.2").status == 200
        assert ask(port, "/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status == 200


def test_promtool_finds_nothing_to_say_about_the_figures(index: Index) -> None:
    promtool = program("promtool")
    told = index.ask("/metrics", source="127.0.0.2").body
    done = subprocess.run([promtool, "check", "metrics"], input=told, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("arguments", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")])
def test_the_rules_say_what_they_should(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [program("promtool"), *arguments], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_ask_for_figures_that_there_are(index: Index) -> None:
    wanted = set(re.findall(r"\btrustpub_[a-z_]+", (DEPLOY / "prometheus" / "alerts.yml").read_text()))
    told = index.ask("/metrics", source="127.0.0.2").text
    for name in wanted:
        family = re.sub(r"_(?:total|bucket)$", "", name)
        assert f"# TYPE {name} " in told or f"# TYPE {family} " in told, name


def test_each_rule_leads_to_a_place_in_the_page_for_the_night() -> None:
    page = (DEPLOY.parent / "docs/how-to/something-is-wrong.md").read_text().lower()
    looks = re.findall(r'look: "something-is-wrong: ([^"]+)"', (DEPLOY / "prometheus" / "alerts.yml").read_text())
    assert len(looks) == 10
    for look in looks:
        assert f"## {look}" in page, look


def test_prometheus_reads_them_as_its_example_says(index: Index, tmp_path: Path) -> None:
    prometheus, port = program("prometheus"), free_port()
    (tmp_path / "token").write_text(TOKEN)
    example = (DEPLOY / "prometheus" / "scrape.yml").read_text()
    example = example.replace("/etc/prometheus/trustpub-token", str(tmp_path / "token"))
    example = example.replace("127.0.0.1:8080", f"127.0.0.1:{index.port}")
    (tmp_path / "prometheus.yml").write_text(f"global:\n  scrape_interval: 1s\n{example}")
    (tmp_path / "alerts.yml").write_text((DEPLOY / "prometheus" / "alerts.yml").read_text())
    argv = [
        prometheus, f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/series",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(argv, stdout=log, stderr=log) as running:
        try:

            def is_up() -> bool:
                query = urllib.parse.quote('up{job="trustpub"} == 1')
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={query}") as answer:
                        return bool(json.load(answer)["data"]["result"])
                except OSError:
                    return False

            eventually(is_up)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/rules") as answer:
                (group,) = json.load(answer)["data"]["groups"]
            assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
            assert len(group["rules"]) == 10
        finally:
            running.terminate()
            running.wait(30)


def _volley(index: Index, word: str) -> None:
    """Everything in which a client may put words of its own."""

    def odd() -> str:
        return f"hostile-{word}-{secrets.token_hex(4)}"

    for prefix in ("/", "/simple/", "/packages/", "/pypi/", "/api/v1/", "/integrity/", "/problems/", "/legacy/", "/_/"):
        for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
            index.ask(f"{prefix}{odd()}?{odd()}={odd()}", method=method, headers={"Host": odd(), "X-Request-ID": odd()})
    for claims in ({"iss": f"https://{odd()}"}, {"aud": odd()}, {"repository": odd()}, {"sub": odd()}):
        assert index.mint(number=secrets.randbelow(10**9), **claims).status in (200, 422, 429)
    for body in (b"", odd().encode(), json.dumps({"token": odd(), "features": [odd()]}).encode(), b"\xff" * 300):
        for path in ("/_/oidc/mint-token", "/_/oidc/github/mint-token", "/_/oidc/burn-token", "/api/v1/preflight"):
            index.ask(path, method="POST", body=body, headers={"Content-Type": odd(), "Accept": "*/*"})
    for authorization in (basic(odd()), f"Bearer {odd()}", odd()):
        index.ask("/legacy/", method="POST", body=b"x", headers={"Authorization": authorization, "Content-Type": odd()})
    for raw in (f"{odd()} / HTTP/1.1\r\nHost: x\r\n\r\n", f"GET {odd()} HTTP/9.9\r\n\r\n", odd()):
        with socket.create_connection(("127.0.0.1", index.port)) as connection:
            connection.sendall(raw.encode())
            connection.settimeout(0.2)
            try:
                connection.recv(1000)
            except TimeoutError:
                pass
    index.ask(f"/{odd()}", method=odd().upper())
