#!/bin/sh
# Runs the scenarios on other kernels: boots each in qemu, with a static portreuse and busybox as all
# there is, and prints what it says. Takes a minute or two for each kernel without KVM.
#
# usage: tests/kernels/run.sh [KERNEL.deb...]
#
# Without arguments the cloud kernels that this Debian offers are downloaded. Needs qemu-system-x86,
# busybox-static, cpio, xz-utils and dpkg. Nothing is left but build-kernels/.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$top/build-kernels
mkdir -p "$work"

for tool in qemu-system-x86_64 busybox cpio xz dpkg-deb; do
  command -v $tool >/dev/null || {
    echo "$0: $tool is missing; please install: qemu-system-x86 busybox-static cpio xz-utils dpkg" >&2
    exit 2
  }
done

download() { # the newest cloud kernel of each series
  cd "$work"
  for series in linux-image-cloud-amd64 linux-image-6.12-cloud-amd64; do
    package=$(apt-cache depends "$series" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' |
      head -n 1)
    [ -z "$package" ] || ls "$package"_*.deb 2>/dev/null || apt-get download "$package" >&2
  done
  ls "$work"/linux-image-*.deb
}

cmake -S "$top" -B "$work/build" -DCMAKE_EXE_LINKER_FLAGS=-static >/dev/null
cmake --build "$work/build" -j "$(nproc)" --target portreuse >/dev/null

# initramfs DIRECTORY: what the kernel starts, with the modules of the package unpacked there.
initramfs() {
  root=$1/root
  rm -rf "$root"
  mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/modules" "$root/scenarios"
  cp "$(command -v busybox)" "$root/bin/busybox"
  cp "$work/build/portreuse" "$root/bin/portreuse"
  cp "$top"/scenarios/*.scenario "$top"/tests/cli/scenarios/every-verb.scenario \
    "$top"/tests/cli/scenarios/uids.scenario "$root/scenarios"
  for module in inet_diag tcp_diag veth; do
    found=$(find "$1" -name "$module.ko*" | head -n 1)
    case $found in
      *.xz) xz -dc "$found" >"$root/modules/$module.ko" ;;
      *.ko) cp "$found" "$root/modules/$module.ko" ;;
    esac
  done
  cp "$here/init" "$root/init"
  chmod 755 "$root/init"
  (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$1/initramfs"
}

run_kernel() { # KERNEL.deb
  directory=$work/$(basename "$1" .deb)
  rm -rf "$directory"
  mkdir -p "$directory"
  dpkg-deb -x "$1" "$directory"
  initramfs "$directory"
  echo "== $(basename "$1" .deb)"
  timeout 1200 qemu-system-x86_64 -m 512 -smp 1 -nographic -no-reboot -nodefaults -serial stdio \
    -kernel "$(find "$directory/boot" -name 'vmlinuz-*')" -initrd "$directory/initramfs" \
    -append "console=ttyS0 quiet panic=-1 loglevel=3" </dev/null | tr -d '\r' | tee "$directory/log"
  grep -q '^verdict: 0$' "$directory/log"
}

status=0
for package in "${@:-}"; do
  [ -n "$package" ] || continue
  run_kernel "$package" || status=1
done
if [ $# = 0 ]; then
  for package in $(download); do
    run_kernel "$package" || status=1
  done
fi
exit $status
