#!/bin/sh
# The unit tests on other processors: 32 bits (i686), another one of 64 bits (aarch64), and a big-endian
# one (s390x). Cross compilers build them; the machine itself runs those of i686, and QEMU's user mode the
# others, but for those of user-mode.tsv. Prints TAP.
#
# usage: tests/kernels/processors.sh [i686 | aarch64 | s390x]...
#
# Needs gcc-i686-linux-gnu, gcc-aarch64-linux-gnu, gcc-s390x-linux-gnu with libc6-dev-*-cross,
# qemu-user-static, and a mirror of Debian in the machine's apt sources, for the cmocka of each processor.
# What is missing is reported as skipped. The builds are kept in build-portable/.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
count=0
failures=0
[ $# -gt 0 ] || set -- i686 aarch64 s390x
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

skip() { # NAME REASON
  count=$((count + 1))
  echo "ok $count - $1 # SKIP $2"
}

verdict() { # STATUS NAME
  count=$((count + 1))
  if [ "$1" = 0 ]; then
    echo "ok $count - $2"
  else
    failures=$((failures + 1))
    echo "not ok $count - $2"
    sed 's/^/# | /' "$work/log"
  fi
}

# only_known PROGRAM: whether all that failed in the log is listed in user-mode.tsv; says what.
only_known() {
  grep '^not ok .* - ' "$work/log" | grep -v '# SKIP' | sed 's/^not ok [0-9]* - //' | grep -v '^tests$' >"$work/failed"
  [ -s "$work/failed" ] || return
  while read -r test; do
    grep -q "^$1	$test	" "$here/user-mode.tsv" || return
  done <"$work/failed"
  while read -r test; do
    echo "# note: $processor: not unit/$1: $test: $(sed -n "s/^$1	$test	//p" "$here/user-mode.tsv")"
  done <"$work/failed"
}

units() { # PROCESSOR DEBIAN'S-NAME
  build=$top/build-portable/units-$1
  libraries=$build/cmocka/usr/lib/$3
  set -- "$1" "$2" "$3" "$1-linux-gnu-gcc"
  command -v "$4" >/dev/null || {
    skip "the unit tests on $1" "$4 is not installed"
    return
  }
  emulator=
  [ "$1" = i686 ] || emulator=qemu-$1-static
  [ -z "$emulator" ] || command -v "$emulator" >/dev/null || {
    skip "the unit tests on $1" "$emulator is not installed"
    return
  }
  suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  if [ ! -e "$libraries/libcmocka.so.0" ] &&
    ! ARCH=$2 "$here/fetch.sh" "$suite:package=libcmocka0" "$build/cmocka" "$top/build-kernels/apt" 2>"$work/log"; then
    skip "the unit tests on $1" "no cmocka for $1: $(tail -n 1 "$work/log")"
    return
  fi
  targets=$(cd "$top/tests/unit" && for file in test_*.c; do echo "portreuse_${file%.c}"; done)
  status=0
  # shellcheck disable=SC2086 # to be split
  { cmake -S "$top" -B "$build" -DCMAKE_C_COMPILER="$4" -DPORTREUSE_TESTS=ON -DPORTREUSE_WERROR=ON \
    -DCMAKE_BUILD_TYPE=Debug -DPORTREUSE_CMOCKA="$libraries/libcmocka.so.0" &&
    cmake --build "$build" -j "$(nproc)" --target $targets; } >"$work/log" 2>&1 || status=$?
  [ $status = 0 ] || sed -i -n '/error:\|warning:/p' "$work/log"
  verdict $status "$1: the unit tests build without warnings"
  [ $status = 0 ] || return
  root=/usr/$1-linux-gnu
  for program in "$build"/tests/unit/test_*; do
    if [ -z "$emulator" ]; then
      set -- "$1" "$root/lib/ld-linux.so.2" --library-path "$root/lib:$libraries" "$program"
    else
      set -- "$1" "$emulator" -L "$root" -E "LD_LIBRARY_PATH=$libraries" "$program"
    fi
    processor=$1
    shift
    status=0
    CI='' timeout 900 "$here/../tap.sh" "$@" >"$work/log" 2>&1 </dev/null || status=$?
    set -- "$processor"
    name=$(basename "$program" | sed 's/^test_//')
    if [ $status = 77 ]; then
      skip "$1: unit/$name" "$(sed -n 's/.*# SKIP *//p' "$work/log" | head -n 1)"
    elif [ $status != 0 ] && [ -n "$emulator" ] && only_known "$name"; then
      verdict 0 "$1: unit/$name, but for what QEMU's user mode lacks"
    else
      verdict $status "$1: unit/$name"
    fi
  done
}

for processor; do
  case $processor in
    i686) units i686 i386 i386-linux-gnu ;;
    aarch64) units aarch64 arm64 aarch64-linux-gnu ;;
    s390x) units s390x s390x s390x-linux-gnu ;;
    *)
      echo "$0: unknown processor '$processor'" >&2
      exit 2
      ;;
  esac
done
echo "1..$count"
[ $failures = 0 ]
