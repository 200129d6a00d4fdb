#!/bin/sh
# What is asked on each kernel, from the inside: the live commands without sock_diag for TCP; then with
# all modules the catalogue as root and as an ordinary user, the matrices, the property test, the live
# commands, and these again with hidepid=2. Each piece of the results is sent as soon as it is there. Where
# Debian has lost the modules of a kernel, all of it is asked without them.
say() { # NAME STATUS
  echo "$1: exit $2 at $(cut -d ' ' -f 1 /proc/uptime) s" | tee /dev/ttyS0
  /bin/send
}
as_user() { su -s /bin/sh nobody -c "$*"; }

live() { # NAME
  sh /bin/live.sh "$1" >"/out/$1.tap" 2>"/out/$1.err"
  say "$1" $?
}

# The short form, for CI: the catalogue without slow scenarios, and the matrix.
grep -q 'short=yes' /proc/cmdline && short=yes || short=
ifconfig lo up
uname -r >/out/release
uname -v >/out/uname
live live-no-diag
for module in inet_diag tcp_diag udp_diag unix_diag mptcp_diag veth llc stp bridge dummy; do
  [ ! -e "/modules/$module.ko" ] || insmod "/modules/$module.ko" || echo "module $module: $?"
done
portreuse version -v >/out/version.txt 2>&1
say version $?
if [ -e /modules/tcp_diag.ko ]; then
  live live
else
  echo yes >/out/no-modules
fi
slow=--slow
[ -z "$short" ] || slow=
# shellcheck disable=SC2086 # one word or none
portreuse run --all $slow -j8 -q --output /out/run.json
say run $?
portreuse matrix --output /out/matrix.json >/out/matrix.txt
say matrix $?
portreuse matrix --protocol udp --device none --output /out/matrix-udp.json >/dev/null
say matrix-udp $?
[ -z "$short" ] || exit 0
# Ubuntu has it so: a process can look into its descendants only.
echo 1 >/proc/sys/kernel/yama/ptrace_scope
as_user portreuse run --all -j8 -q --output /out/run-user.json
say run-user $?
portreuse run -q /bin/uids.scenario --output /out/uids.json
say uids $?
property --binds "${BINDS:-3000}" >/out/property.scenario 2>/out/property.tap
say property $?
mount -o remount,hidepid=2 /proc
live live-hidepid
