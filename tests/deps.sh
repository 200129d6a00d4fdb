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

# Waits while another program, such as unattended-upgrades, has the lock of the packages or of their index.
apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"
}
apt_update() {
  for _ in $(seq 30); do
    wrong=$(apt update 2>&1) && return 0
    case "$wrong" in
      *lists/lock*) sleep 10 ;;
      *) break ;;
    esac
  done
  echo "$wrong" >&2
  return 1
}

# An image of Alpine, Arch or Debian has no index of the packages at first, or an old one.
echo "$0: installing$packages" >&2
# shellcheck disable=SC2086 # to be split into words
case "$manager" in
  apt-get)
    apt install -y --no-install-recommends $packages >/dev/null 2>&1 ||
      { apt_update && apt install -y --no-install-recommends $packages >/dev/null; }
    ;;
  dnf) $as_root dnf install -y $packages ;;
  apk) $as_root apk add --no-cache $packages ;;
  pacman)
    index=
    [ -n "$(find /var/lib/pacman/sync -name '*.db' 2>/dev/null)" ] || index=y
    $as_root pacman -S$index --needed --noconfirm $packages
    ;;
  zypper) $as_root zypper --non-interactive install $packages ;;
esac || {
  echo "$0: that failed; please install:$packages" >&2
  exit 1
}
