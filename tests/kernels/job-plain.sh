#!/bin/sh
# On a kernel without IPv6 (ipv6.disable=1) and without any module: the catalogue, and the live commands.
say() { echo "$1: exit $2 at $(cut -d ' ' -f 1 /proc/uptime) s" | tee /dev/ttyS0; }
ifconfig lo up
portreuse run --all -j8 -q --output /out/run-plain.json
say run-plain $?
for module in inet_diag tcp_diag; do
  insmod "/modules/$module.ko"
done
portreuse matrix --output /out/matrix-no-ipv6.json >/dev/null
say matrix-no-ipv6 $?
sh /bin/live.sh live-no-ipv6 >/out/live-no-ipv6.tap 2>/out/live-no-ipv6.err
say live-no-ipv6 $?
