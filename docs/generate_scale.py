# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The page that says how large an index gets: benchmarks/scale.py, over what was measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from figures import KEPT

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
from beside.curves import Curve, drawing, exponent
from scale import SETUPS, tables

_PAGE = """# How large it gets, and what breaks first

A company, a large forge and PyPI differ by hundreds in projects and by tens of thousands in requests. What would each
need to run this index? A program reckons it, `benchmarks/scale.py`: it simulates a week of each, with what one
request was measured to cost. The numbers on this page, limits and order included, are written by that program.

## In short

{short}
Uploads and mints are few even where downloads are countless. What grows is reading, and reading is what caches in
front take over.

## Who is simulated

{sites}
Where PyPI's numbers are from:

1. [PyPI in 2025: A Year in Review](https://blog.pypi.org/posts/2025-12-31-pypi-2025-in-review/), 31 December 2025. In
   that year, more than 3.9 million new files and more than 130,000 new projects; 2.56 trillion requests, 81,000 a
   second on average; 1.92 exabytes. More than 50,000 projects use Trusted Publishing, more than 20 % of the files
   came by it, and 17 % with an attestation.
2. [How AWS Powers PyPI and the PSF](https://blog.pypi.org/posts/2026-08-14-how-aws-powers-pypi-and-the-psf/), 14
   August 2026. More than six billion requests a day, some thirteen with downloads of files; some 10 PB a day; caches
   answer just under 99 %, so that one request in seventy reaches the servers; about 100 TB of archives.
3. [Dispatch from PyPI Land: A Year (and a Half!) as the Inaugural PyPI Support
   Specialist](https://blog.pypi.org/posts/2026-01-26-a-year-and-a-half-as-inaugural-pypi-support-specialist/), 26
   January 2026. More than a million users, more than 700,000 projects.
4. [Incident Report: LiteLLM/Telnyx supply-chain attacks, with
   guidance](https://blog.pypi.org/posts/2026-04-02-incident-report-litellm-telnyx-supply-chain-attack/), 2 April
   2026. 700 to 800 new projects a day.

What is assumed is assumed: nobody publishes how a day at PyPI goes. The company has 500 people; each starts 20 jobs a
day, which ask for 20 pages and 5 files each, and there are no caches in front. The forge has a seventh of PyPI's
projects and a seventieth of its reading.

## What one request costs

Milliseconds of processor time, of the index and of its database, as `benchmarks/growth.py` measured them with {sizes}
projects; for other sizes they lie on the line through these, both axes logarithmic. The part of each that is the
database's, and what a megabyte adds, `benchmarks/traces.py` measured ({traced}).
The largest index that was measured has {largest} projects: what is said of larger ones is said by the line.

{costs}
How each grows with the projects in the index, in orders of magnitude:

```{{image}} ../benchmarks/growth.svg
:alt: What is in the table below, as curves
```

The exponent is the slope of a line through what was measured ({grown}): 0 is flat, 1 in proportion. The list of all
projects is an answer that grows by itself, and is kept ready in memory.

{exponents}
A cold page is one that nobody asked for lately. The list of all projects is made anew by each worker that is
asked for it after a project was added.

## How the week goes

By the minute: releases and requests come by chance, more of them at midday, fewer at the weekend, many in the first
minute of an hour, when jobs start by the clock. One release in fifty is of many projects at once. A job mints if it
publishes so, uploads its files one after the other, looks at the page, and burns its token.

The busiest part of the week goes request by request: each to any worker, where it waits for its turn, then to the
database, whose processors have one queue. Workers are added until the busiest minute takes no more than 60 % of their
time and 99 of 100 requests wait no longer than 250 ms; the database's processors, until they are half idle. The seed
is always the same. A test holds the queues against what can be reckoned without them: Pollaczek and Khinchine's
waiting, Erlang's, and Little's law.

Caches in front come in two kinds. The index answers pages with `Cache-Control: no-cache`, so that a new file shows at
once: caches that *ask* keep a page but ask about it each time, and take files that they do not have from the index.
Caches that *keep* are told otherwise in their own settings: pages for a minute or until a release, and files from the
bucket.

## What it takes

{needs}
Of the index's machines there is one more than needed. Connections in use are those that wait for the database or its
disk; what may be open is `postgres.pool`, and one more, for each worker.

## What a year leaves

{storage}
Tokens, and notes that an identity token was used, go after a day; files, and the log of events, stay. In bytes, with
indexes:

{traces}
An attested file has 20 kB more: its provenance. PostgreSQL's log is counted without the images of whole pages that it
has, too, after each checkpoint.

## What breaks first

In order. What is reached *at 3 times the load* holds until three times as much is asked, or there are three times as
many projects; what piles up holds for years, at this year's pace. Limits are of what can be had everywhere: a line of
1 Gbit/s and a disk of 2 TB for the company's machine, 10 Gbit/s for each of the others, one PostgreSQL server with 64
cores, 2 TB and 500 connections.

{breaks}
## What this does not know

- Two processors that were measured are taken for any number of them. Nobody has run 16 workers on a machine for this
  page, nor two machines.
- Measured pages have two files. A project with thousands has a page of a megabyte, and costs accordingly.
- A worker is a queue here. In truth uploads are worked on beside other requests, so that short ones wait less and
  uploads longer.
- Nobody signs in, searches or reads project pages here, and there is no attack. Rate limits are for that.
- Mints and uploads that meet in PostgreSQL and are done again are in no unit cost; at this many a second they seldom
  meet.
- Locks, disks and lines have no queue; only processors have.

## Do it again

```sh
python benchmarks/growth.py --keep docs/benchmarks/growth.json
python benchmarks/traces.py --keep docs/benchmarks/traces.json
python benchmarks/scale.py
make docs
```
"""


def scale_pages() -> dict[str, str]:
    """Path below ``docs/reference`` and text; nothing where nothing was measured."""
    kept = [KEPT / "growth.json", KEPT / "traces.json"]
    if not all(one.exists() for one in kept):
        return {}
    figures, traces = (json.loads(one.read_text(encoding="utf-8")) for one in kept)
    made = dict(tables(figures, traces))
    sizes = [f"{one:,}" for one in figures["sizes"]]
    breaks = "\n".join(f"### {one.name[0].upper()}{one.name[1:]}\n\n{made[one.name]}" for one in SETUPS)
    curves = [
        Curve(title=f"{name}, {unit}", lines={index: points[name] for index, points in figures["indexes"].items()})
        for name, unit in figures["units"].items()
    ]
    text = _PAGE.format(
        grown=f"medians of {figures['rounds']}, {figures['date']}, {figures['machine']}",
        exponents=_exponents(figures),
        **{name: made[name] for name in ("short", "sites", "costs", "needs", "storage", "traces")},
        sizes=f"{', '.join(sizes[:-1])} and {sizes[-1]}" if sizes[1:] else sizes[0],
        largest=sizes[-1],
        traced=f"{traces['date']}, {traces['machine']}",
        breaks=breaks,
    )
    return {
        "../explanation/scale.md": f"<!-- Written by docs/generate.py. -->\n\n{text}",
        "../benchmarks/growth.svg": drawing("Cost against projects in the index", figures["sizes"], curves),
    }


def _exponents(figures: Mapping[str, Any]) -> str:
    """A table: every point, and the exponent of each curve."""
    sizes = figures["sizes"]
    head = ["", *(f"{size:,}" for size in sizes), "exponent"]
    rows = [head, ["---"] * len(head)]
    for index, curves in figures["indexes"].items():
        for name, points in curves.items():
            told = [f"{point:,.0f}" if point >= 100 else f"{point:.2f}" for point in points]
            rows.append([f"{index}: {name}, {figures['units'][name]}", *told, f"{exponent(sizes, points):.2f}"])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
