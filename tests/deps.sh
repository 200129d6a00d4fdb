#!/bin/sh
# Installs what is missing to build portreuse (with the argument `tests`: to test it), with the
# system's package manager. If it may not install anything, it says what to install. Runs from any
# directory.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }

have_cmocka() {
  for header in /usr/include/cmocka.h /usr/local/include/cmocka.h; do
    [ -e "$header" ] && return 0
  done
  printf '#include <stdarg.h>\n#include <stddef.h>\n#include <setjmp.h>\n#include <stdint.h>\n#include <cmocka.h>\n' |
    cc -E -x c - >/dev/null 2>&1
}

# What is missing of a compiler, make, CMake and (for tests) cmocka.
missing=
have cc || missing="$missing compiler"
have make || have ninja || missing="$missing make"
have cmake || missing="$missing cmake"
if [ "${1:-}" = tests ]; then
  have_cmocka || missing="$missing cmocka"
fi
[ -n "$missing" ] || exit 0

manager=none
for name in apt-get dnf apk pacman zypper; do
  if have "$name"; then
    manager=$name
    break
  fi
done

package() { # WHAT: the name of its package with this manager
  case "$manager:$1" in
    apt-get:compiler) echo gcc libc6-dev ;;
    apt-get:cmocka) echo libcmocka-dev ;;
    dnf:compiler | zypper:compiler) echo gcc glibc-devel ;;
    dnf:cmocka | zypper:cmocka) echo libcmocka-devel ;;
    apk:compiler) echo gcc musl-dev linux-headers ;;
    apk:cmocka) echo cmocka-dev ;;
    *:compiler) echo gcc ;;
    *) echo "$1" ;;
  esac
}

packages=
for what in $missing; do
  packages="$packages $(package "$what")"
done

as_root=
if [ "$(id -u)" != 0 ]; then
  as_root=sudo
fi
if [ "$manager" = none ] || { [ -n "$as_root" ] && ! have sudo; }; then
  echo "$0: please install:$packages" >&2
  exit 1
fi

echo "$0: installing$packages" >&2
# shellcheck disable=SC2086 # to be split into words
case "$manager" in
  apt-get)
    export DEBIAN_FRONTEND=noninteractive
    $as_root apt-get install -y --no-install-recommends $packages >/dev/null 2>&1 || {
      $as_root apt-get update >/dev/null
      $as_root apt-get install -y --no-install-recommends $packages >/dev/null
    }
    ;;
  dnf) $as_root dnf install -y $packages ;;
  apk) $as_root apk add $packages ;;
  pacman) $as_root pacman -S --needed --noconfirm $packages ;;
  zypper) $as_root zypper --non-interactive install $packages ;;
esac || {
  echo "$0: that failed; please install:$packages" >&2
  exit 1
}
