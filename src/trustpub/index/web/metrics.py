# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a server at work, in Prometheus' text format.

Every label has its values from a closed set: what is none of them is counted under one word for all others. So there
are as many series as this file allows, and whoever sends requests, of whatever kind, makes no new one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from trustpub import __version__
from trustpub.index.web.health import ALIVE_PATH, READY_PATH
from trustpub.index.web.pages import HATCH, JSON_API, SIMPLE
from trustpub.index.web.site.static_files import STATIC_PATH
from trustpub.protocol.discovery import DISCOVERY_PATH, SIGSTORE_PATH
from trustpub.protocol.exchange import (
    AUDIENCE_PATH,
    BURN_PATH,
    MINT_PATH,
    OLD_MINT_PATH,
    PREFLIGHT_PATH,
    PROBLEMS_PATH,
)
from trustpub.protocol.management.operation import BASE
from trustpub.protocol.problems import KINDS
from trustpub.protocol.upload import UPLOAD_PATH
from trustpub.trust.issuers import PROVIDERS

METRICS_PATH = "/metrics"
TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

OTHER = "other"
"""For what is none of the values that a label may have."""
UNPROVEN = "none"
"""The provider of a mint whose token names no issuer that is registered here."""
MINTED, ACCEPTED = "minted", "accepted"

_EXACT = {
    MINT_PATH: "mint", OLD_MINT_PATH: "mint", AUDIENCE_PATH: "audience", BURN_PATH: "burn",
    PREFLIGHT_PATH: "preflight", DISCOVERY_PATH: "discovery", SIGSTORE_PATH: "discovery",
    UPLOAD_PATH: "upload", UPLOAD_PATH.rstrip("/"): "upload",
    ALIVE_PATH: "health", READY_PATH: "health", METRICS_PATH: "metrics", SIMPLE: "simple", HATCH: "simple",
}  # fmt: skip
_BELOW = (
    (f"{SIMPLE}/", "simple"),
    ("/packages/", "files"),
    (f"{HATCH}/", "simple"),
    (f"{JSON_API}/", "json"),
    ("/integrity/", "provenance"),
    (f"{BASE}/", "management"),
    (PROBLEMS_PATH, "problems"),
    (STATIC_PATH, "static"),
)
PAGES = "pages"
"""The route of everything else: pages for people, and what there is not."""
ROUTES = tuple(dict.fromkeys((*_EXACT.values(), *(route for _, route in _BELOW), PAGES)))
STATUSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "none")
"""Classes of status codes; the last where whoever asked went away before there was one."""

_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_WAIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LETTERS = ("sent", "put-off", "lost")


def route_of(path: str) -> str:
    """Which of :data:`ROUTES` a request's path belongs to."""
    found = _EXACT.get(path)
    if found is not None:
        return found
    for begin, route in _BELOW:
        if path.startswith(begin):
            return route
    return PAGES


class Metrics:
    """:class:`trustpub.index.metering.Meter`, and what the server itself counts; safe to use from any thread."""

    def __init__(self, disks: Sequence[Path], *, shared: Path | None = None) -> None:
        """``disks``: folders of which it is told how much room there is.

        ``shared``: a folder that several processes count in, whose figures are then told together, whichever is asked.
        They must have been started with ``PROMETHEUS_MULTIPROC_DIR`` set to it.
        """
        self.registry = CollectorRegistry()
        self._shared = shared
        self._scraped = _Scraped(tuple(disks))
        self._make_requests()
        self._make_exchange()
        self._make_waits()
        if shared is None:
            self.registry.register(self._scraped)
            ProcessCollector(registry=self.registry)

    def _make_requests(self) -> None:
        requests = Counter(
            "trustpub_requests", "Requests answered, by route and class of status.",
            ["route", "status"], registry=self.registry,
        )  # fmt: skip
        seconds = Histogram(
            "trustpub_request_duration_seconds", "From the head of a request to the end of its answer.",
            ["route"], buckets=_REQUEST_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._requests = {
            (route, status): requests.labels(route, status).inc for route in ROUTES for status in STATUSES
        }
        self._seconds = {route: seconds.labels(route).observe for route in ROUTES}
        self.under_way = Gauge(
            "trustpub_requests_in_progress", "Requests that are being answered.",
            registry=self.registry, multiprocess_mode="livesum",
        )  # fmt: skip

    def _make_exchange(self) -> None:
        mints = Counter(
            "trustpub_mints", "Answers to mint requests, by the kind of issuer and what came of it.",
            ["provider", "outcome"], registry=self.registry,
        )  # fmt: skip
        self._mints = _Bounded(mints.labels, (*PROVIDERS, UNPROVEN), (MINTED, *KINDS))
        uploads = Counter(
            "trustpub_uploads", "Answers to uploads, by what came of them.", ["outcome"], registry=self.registry
        )
        self._uploads = _Bounded(uploads.labels, (ACCEPTED, *KINDS))
        self._uploads.get(ACCEPTED)
        self._upload_bytes = Counter(
            "trustpub_upload_bytes", "Bytes of the requests whose uploads were accepted.", registry=self.registry
        )
        self._burns = Counter("trustpub_burns", "Tokens that were given back.", registry=self.registry)
        keys = Counter(
            "trustpub_key_requests", "How often issuers were asked for their keys, by kind and what came of it.",
            ["provider", "outcome"], registry=self.registry,
        )  # fmt: skip
        self._keys = _Bounded(keys.labels, tuple(PROVIDERS), ("answered", "failed"))
        letters = Counter(
            "trustpub_letters", "Letters, by what came of sending them.", ["outcome"], registry=self.registry
        )
        self._letters = {outcome: letters.labels(outcome).inc for outcome in _LETTERS}

    def _make_waits(self) -> None:
        store = Histogram(
            "trustpub_store_seconds", "How long a transaction took: to begin, if it reads, or to be durable.",
            ["kind"], buckets=_WAIT_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._store = {kind: store.labels(kind).observe for kind in ("read", "write")}
        self._queue = Histogram(
            "trustpub_mint_queue_seconds", "How long a mint waited for the round before it to end.",
            buckets=_WAIT_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._kept_house = Gauge(
            "trustpub_housekeeping_last_success_timestamp_seconds", "When a round of housekeeping last went well.",
            registry=self.registry, multiprocess_mode="max",
        )  # fmt: skip

    # The port

    def minted(self, provider: str, outcome: str) -> None:
        """A mint was answered."""
        self._mints.get(provider or UNPROVEN, outcome).inc()

    def burned(self) -> None:
        """A token was given back."""
        self._burns.inc()

    def queued(self, seconds: float) -> None:
        """A mint waited."""
        self._queue.observe(seconds)

    def stored(self, kind: str, seconds: float) -> None:
        """A transaction took so long."""
        self._store[kind](seconds)

    def asked_keys(self, provider: str, *, answered: bool) -> None:
        """An issuer was asked for its keys."""
        self._keys.get(provider, "answered" if answered else "failed").inc()

    # What the server counts by itself

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request of one of :data:`ROUTES` has ended; ``status`` 0: without an answer."""
        self._requests[route, STATUSES[status // 100 - 1]]()
        self._seconds[route](seconds)

    def uploaded(self, code: str, size: int) -> None:
        """An upload was answered; ``code`` is that of the problem, or empty. ``size``: bytes of the request."""
        self._uploads.get(code or ACCEPTED).inc()
        if not code:
            self._upload_bytes.inc(size)

    def lettered(self, outcome: str, number: int) -> None:
        """So many letters were ``sent``, ``put-off`` or ``lost``."""
        self._letters[outcome](number)

    def kept_house(self) -> None:
        """A round of housekeeping went well."""
        self._kept_house.set_to_current_time()

    def exposition(self) -> bytes:
        """Everything, as :data:`TEXT_TYPE`."""
        if self._shared is None:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, path=str(self._shared))  # type: ignore[no-untyped-call]
        together.register(self._scraped)
        return generate_latest(together)


class _Bounded:
    """Series of a metric, made when they are first needed, whose labels have no other values than these."""

    def __init__(self, labels: Callable[..., Counter], *allowed: Iterable[str]) -> None:
        self._labels = labels
        self._allowed = tuple(frozenset(one) for one in allowed)
        self._known: dict[tuple[str, ...], Counter] = {}

    def get(self, *values: str) -> Counter:
        """The one with these values, in the order of the labels."""
        known = self._known.get(values)
        if known is not None:
            return known
        bounded = tuple(
            value if value in allowed else OTHER for value, allowed in zip(values, self._allowed, strict=True)
        )
        found = self._labels(*bounded)
        self._known[bounded] = found  # and not under what was given, of which there may be any number
        return found


class _Scraped(Collector):
    """What is looked at when somebody asks."""

    def __init__(self, disks: Sequence[Path]) -> None:
        self._disks = disks

    def collect(self) -> Iterator[Metric]:
        """The program's version, and the room on the disks."""
        yield InfoMetricFamily("trustpub_build", "Which trustpub this is.", {"version": __version__})
        free = GaugeMetricFamily("trustpub_disk_free_bytes", "Room for the index's files.", labels=["folder"])
        whole = GaugeMetricFamily("trustpub_disk_size_bytes", "Of the disk that has them.", labels=["folder"])
        for folder in self._disks:
            try:
                found = shutil.disk_usage(folder)
            except OSError:
                continue  # told by /readyz; a figure that is missing can be alerted on
            free.add_metric([folder.name], found.free)
            whole.add_metric([folder.name], found.total)
        yield free
        yield whole
