#!/usr/bin/env bash
# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# See to it that there is what an index is run with, for the tests of deploy/: nginx, Caddy, Prometheus with promtool, and
# systemd's own linter: `make operations`. It never fails: what it cannot get is said in one line, and the tests that need
# it are skipped, which STRICT=1 forbids.
set -u

installs() { # installs PACKAGE: by apt, where that may be; its service is not started
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  echo "Installing $1 (once) …"
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get install -y -qq --no-install-recommends "$1" >/dev/null 2>&1 ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$1"; } >/dev/null 2>&1
}

needs() { # needs PROGRAM PACKAGE WHAT
  PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null || installs "$2" ||
    echo "NO $1: $3 is not tried. As root, where apt is: make operations; else install $2." >&2
}

needs nginx nginx-light "nginx in front of an index"
needs caddy caddy "Caddy in front of an index"
needs promtool prometheus "reading figures with Prometheus"
needs systemd-analyze systemd "the systemd unit"
exit 0
