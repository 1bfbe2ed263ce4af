#!/usr/bin/env bash
# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# See to it that there is a browser for the tests of the pages, and axe-core, which looks at them there: `make browser`.
# It never fails: what it cannot get is said in one line, and the tests that need it are skipped, which STRICT=1 forbids.
set -u
cd "$(dirname "$0")/.."
axe=.venvs/axe-core

installs() { # installs PACKAGE: by apt, where that may be
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  echo "Installing $1 (once) …"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -qq --no-install-recommends "$1" >/dev/null 2>&1 ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$1"; } >/dev/null 2>&1
}

have() { # have PROGRAM...: any of them
  for program in "$@"; do command -v "$program" >/dev/null && return; done
  return 1
}

fetches_axe() {
  mkdir -p "$axe" && cp requirements/npm/package.json requirements/npm/package-lock.json "$axe" &&
    (cd "$axe" && npm ci --ignore-scripts --no-audit --no-fund >/dev/null 2>&1) && touch "$axe/installed"
}

have chromium chromium-browser google-chrome || installs chromium ||
  echo "NO CHROMIUM: no page is looked at in a browser. As root, where apt is: make browser; else install Chromium." >&2

if [ ! "$axe/installed" -nt requirements/npm/package-lock.json ]; then
  echo "Setting up $axe (once) …"
  { have npm || installs npm; } && fetches_axe ||
    echo "NO AXE-CORE: no page is checked for accessibility. It needs npm and the registry: make browser" >&2
fi
exit 0
