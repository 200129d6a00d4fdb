#!/bin/sh
# Boots a kernel in qemu, runs a job in it as root, and unpacks what the job left in /out, which it may
# send piece by piece (/bin/send). The guest has busybox and the given programs, and nothing else.
#
# usage: tests/kernels/boot.sh DIR JOB OUT PROGRAM...
#
# DIR is what fetch.sh made. Environment: APPEND, more of the kernel's command line; LIMIT, seconds of
# wall time (600); ACCEL, kvm or icount (default: kvm if it works). With icount the guest's clock counts
# its own instructions: no result depends on how busy the host is, and idle time is skipped. Exit
# status 0 if the job came to its end.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kernel=$1
job=$2
mkdir -p "$3"
out=$(cd "$3" && pwd)
shift 3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

root=$tmp/root
for name in bin proc sys dev modules tmp out etc; do
  mkdir -p "$root/$name"
done
busybox=$(command -v busybox)
cp "$busybox" "$root/bin/busybox"
for applet in $("$busybox" --list); do
  [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
printf 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$root/etc/passwd"
[ $# = 0 ] || cp "$@" "$root/bin/"
find "$kernel/modules" -name '*.ko' -exec cp {} "$root/modules/" \;
cp "$here/guest-init" "$root/init"
cp "$here/guest-send" "$root/bin/send"
cp "$job" "$root/job"
chmod 755 "$root" "$root/init" "$root/bin/send"
(cd "$root" && find . | sort | cpio -o -H newc -R 0:0 --quiet | gzip -1) >"$tmp/initrd"

accel=${ACCEL:-}
if [ -z "$accel" ]; then
  accel=icount
  [ ! -w /dev/kvm ] || accel=kvm
fi
case $accel in
  kvm) set -- -accel kvm -cpu qemu64 ;;
  *) set -- -accel tcg -cpu "${CPU:-max}" -icount shift=1,sleep=off ;;
esac
status=0
timeout -k 5 "${LIMIT:-600}" nice -n 1 qemu-system-x86_64 -M pc "$@" -m 512 -smp 1 -nodefaults -no-user-config -display none \
  -no-reboot -monitor none -net none -kernel "$kernel/vmlinuz" -initrd "$tmp/initrd" \
  -append "console=ttyS0 loglevel=3 panic=-1 rdinit=/init no_timer_check mitigations=off init_on_alloc=0 ${APPEND:-}" \
  -serial "file:$out/console" -serial "file:$tmp/out.tgz" </dev/null 2>"$tmp/qemu" || status=$?
# What came before the guest ended too early is kept.
[ ! -s "$tmp/out.tgz" ] || tar -C "$out" -xzif "$tmp/out.tgz" 2>/dev/null || true
if ! grep -q '@@DONE' "$out/console" 2>/dev/null; then
  echo "the guest did not come to its end (qemu $status): $(cat "$tmp/qemu") $(tail -n 1 "$out/console" 2>/dev/null)" >&2
  exit 1
fi
