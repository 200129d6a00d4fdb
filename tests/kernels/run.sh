#!/bin/sh
# Runs portreuse on other kernels. Fetches kernels of Debian, boots each in qemu, two at a time, with a
# static portreuse and busybox as all there is, and asks each what job-main.sh and job-plain.sh say: the
# catalogue as root and as an ordinary user, the matrix, the property test, and the live commands, these
# also without sock_diag and with hidepid=2; on the first and the last kernel all without any module and
# without IPv6. At last gVisor. Prints one table, scenario by kernel, and all that is not as expected; with
# --docs also writes docs/kernels.md.
#
# usage: tests/kernels/run.sh [--docs | --short] [SUITE:VERSION...]
#
# --short is for CI: only the catalogue as root, the matrix, and what needs no modules. It is skipped where
# KVM is not (ACCEL=icount runs it all the same).
#
# VERSION is the beginning of one (6.1, 7.0), of which the newest is taken, or `newest`; `gvisor` alone
# stands for gVisor's runsc. Without arguments: all of the list below. The verdict is that of everything:
# exit status 1 if anything failed, 77 if nothing could be run, with the reason. gVisor's answers are its
# own and fail nothing.
#
# Needs qemu-system-x86, busybox-static, cpio, xz-utils, zstd, python3 and a mirror of Debian in the
# machine's apt sources. The kernels, and the results as JSON, are kept in build-kernels/; nothing of the
# machine is changed. Without KVM a kernel takes three to five minutes of a processor: KEEP=yes keeps what was
# measured, and asks only the kernels that are missing.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$top/build-kernels
results=$work/results
default="bullseye:5.10 bookworm:6.1 trixie:6.12 trixie-backports:6.16 trixie-backports:6.18
  sid:newest experimental:newest gvisor"

give_up() {
  echo "SKIP: $*"
  exit 77
}

# step KERNEL WORD...: says how far a kernel is.
step() {
  echo "$(date +%T) $*" >&2
}

build() {
  if ! cmake -S "$top" -B "$work/build" -DPORTREUSE_STATIC=ON -DPORTREUSE_TESTS=ON \
    -DCMAKE_BUILD_TYPE=Release >"$work/build.log" 2>&1 ||
    ! cmake --build "$work/build" -j "$(nproc)" \
      --target portreuse portreuse_property portreuse_situation >>"$work/build.log" 2>&1; then
    tail -n 20 "$work/build.log" >&2
    exit 2
  fi
}

kvm() { [ -w /dev/kvm ] && [ ! -d /sys/module/kvm_pvm ]; }

# accelerator: kvm if a guest boots with it. Where KVM is that of a virtual machine itself (PVM, or
# without nested pages), a plain kernel may not.
accelerator() { # KERNEL
  printf 'true\n' >"$work/nothing"
  if kvm && ACCEL=kvm LIMIT=30 "$here/boot.sh" "$1" "$work/nothing" "$work/trial" >/dev/null 2>&1; then
    echo kvm
  else
    echo icount
  fi
}

# one_job JOB: NAME, or NAME/plain for what is asked without modules and IPv6.
one_job() {
  name=${1%/plain}
  out=$results/$1
  script=$here/job-main.sh
  append=${SHORT:+short=yes}
  if [ "$name" != "$1" ]; then
    script=$here/job-plain.sh
    append=ipv6.disable=1
  fi
  begun=$(date +%s)
  mkdir -p "$out"
  APPEND=$append "$here/boot.sh" "$work/kernels/$name" "$script" "$out" "$work/build/portreuse" \
    "$work/build/tests/property" "$work/build/tests/situation" "$here/live.sh" \
    "$top/tests/cli/scenarios/uids.scenario" 2>"$out/trouble" || step "$1: $(cat "$out/trouble")"
  echo "$(($(date +%s) - begun))" >"$out/seconds"
  step "$1: $(cat "$out/seconds") s"
}

run_gvisor() {
  out=$results/gvisor
  mkdir -p "$out"
  runsc=$(command -v runsc || echo "$work/kernels/gvisor/usr/bin/runsc")
  [ -x "$runsc" ] || "$here/fetch.sh" trixie:package=runsc "$work/kernels/gvisor" "$work/apt" 2>"$out/trouble" || {
    step "gvisor: $(cat "$out/trouble")"
    return
  }
  for report in "run --all --slow -j4" matrix "matrix --protocol udp"; do
    file=$(echo "$report" | sed -e 's/ --all --slow -j4//' -e 's/ --protocol /-/')
    state=$(mktemp -d)
    # shellcheck disable=SC2086 # to be split
    timeout 300 "$runsc" --platform=systrap --network=none --ignore-cgroups --root "$state" \
      "do" "$work/build/portreuse" $report --format json >"$out/$file.json" 2>"$out/trouble"
    rm -rf "$state"
  done
  echo gVisor >"$out/release"
}

docs=
if [ "${1:-}" = --docs ]; then
  docs=yes
  shift
elif [ "${1:-}" = --short ]; then
  export SHORT=yes
  shift
fi
# shellcheck disable=SC2086 # to be split
[ $# -gt 0 ] || set -- $default
if [ "${1:-}" = --one ]; then # what this script calls itself with
  one_job "$2"
  exit
fi
for tool in qemu-system-x86_64 busybox cpio xz zstd dpkg-deb python3 cmake; do
  command -v $tool >/dev/null ||
    give_up "$tool is missing; please install: qemu-system-x86 busybox-static cpio xz-utils zstd python3"
done
[ -z "${SHORT:-}" ] || [ -n "${ACCEL:-}" ] || kvm ||
  give_up "without KVM a kernel takes minutes: ACCEL=icount tests/kernels/run.sh --short $*"
mkdir -p "$work" "$results"
build

columns=
jobs=
gvisor=
for wanted; do
  if [ "$wanted" = gvisor ]; then
    gvisor=gvisor
    continue
  fi
  name=$(echo "$wanted" | tr : -)
  if [ -n "${KEEP:-}" ] && [ -e "$results/$name/seconds" ]; then
    columns="$columns $name"
    continue
  fi
  rm -rf "${results:?}/$name"
  if "$here/fetch.sh" "$wanted" "$work/kernels/$name" "$work/apt" 2>"$work/fetch.log"; then
    columns="$columns $name"
    jobs="$jobs $name"
    step "$wanted: $(cat "$work/kernels/$name/release")"
  else
    step "$wanted: skipped: $(tail -n 1 "$work/fetch.log")"
  fi
done
[ -n "$columns$gvisor" ] || give_up "no kernel: $(tail -n 1 "$work/fetch.log")"
[ -z "$gvisor" ] || run_gvisor & # most of the time it waits
# What has no module and no IPv6 is asked on the first and on the last.
if [ -z "${SHORT:-}" ]; then
  for name in $(echo "$columns" | xargs -n 1 | sed -n '1p;$p' | uniq); do
    [ -e "$results/$name/plain/seconds" ] || jobs="$jobs $name/plain"
  done
fi
if [ -n "$jobs" ]; then
  # shellcheck disable=SC2086 # to be split
  set -- $jobs
  ACCEL=${ACCEL:-$(accelerator "$work/kernels/${1%/plain}")}
  LIMIT=${LIMIT:-2400}
  export ACCEL LIMIT
  step "with $ACCEL"
  printf '%s\n' "$@" | xargs -P 2 -n 1 "$0" --one
fi
wait
# shellcheck disable=SC2086 # to be split
python3 "$here/table.py" ${docs:+--docs "$top/docs/kernels.md"} "$results" $columns $gvisor
