#!/bin/sh
# On a kernel without IPv6 (ipv6.disable=1) and without any module: the catalogue, and the matrix; then
# with sock_diag the live commands.
say() { # NAME STATUS
  echo "$1: exit $2 at $(cut -d ' ' -f 1 /proc/uptime) s" | tee /dev/ttyS0
  /bin/send
}
ifconfig lo up
portreuse run --all -j8 -q --output /out/run-plain.json
say run-plain $?
portreuse matrix --output /out/matrix-plain.json >/dev/null
say matrix-plain $?
for module in inet_diag tcp_diag; do
  [ ! -e "/modules/$module.ko" ] || insmod "/modules/$module.ko"
done
sh /bin/live.sh live-no-ipv6 >/out/live-no-ipv6.tap 2>/out/live-no-ipv6.err
say live-no-ipv6 $?
