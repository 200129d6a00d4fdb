#!/bin/sh
# What containers allow, as docs/ci.md tells it: the capabilities that Docker leaves to root, the
# system calls that its seccomp profile refuses, /proc/sys read-only. (AppArmor is not tried here.)
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
cp "$helpers/refuse" "$work/refuse"
chmod 755 "$work/refuse"

if ! unshare -rm setpriv --bounding-set=-all true 2>/dev/null; then
  skip "what containers allow" "no user and mount namespace could be made to try it in"
  finish
fi

# Docker's own: https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities
left=+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw
left=$left,+sys_chroot,+mknod,+audit_write,+setfcap

# contained [OPTION...] COMMAND...: as in a container without options of `docker run`, but for these.
contained() {
  caps=-all,$left
  filter="$work/refuse seccomp"
  sys=ro
  for option; do
    case $option in
      --privileged) caps=+all filter='' sys=rw ;;
      --cap-add=SYS_ADMIN) caps=$caps,+sys_admin filter='' ;;
      --cap-add=NET_ADMIN) caps=$caps,+net_admin ;;
      seccomp=unconfined) filter='' ;;
      systempaths=unconfined) sys=rw ;;
      *) break ;;
    esac
    shift
  done
  # shellcheck disable=SC2086 # the filter's words are to be parted
  unshare -rm sh -c 'mount --bind /proc/sys /proc/sys && mount -o "remount,bind,$1" /proc/sys &&
    shift && exec "$@"' - $sys setpriv --bounding-set=$caps --inh-caps=-all $filter "$@"
}

run contained "$portreuse" run --tag seed
ok "as it comes, a container lets nothing run" first_line_starts \
  "SKIP 5 scenarios: address-in-use: no private namespace, a seccomp filter refuses"
# With ports of its own: refused.sh may be using those of the scenario in the same network namespace.
"$portreuse" show time-wait-rebind | sed 's/127\.0\.0\.1:121/127.0.0.1:122/' | scenario elsewhere
run contained "$portreuse" run --net=current --must-run "$work/elsewhere.scenario"
ok "but in its own namespace, what needs no sysctl" first_line_starts "PASS elsewhere: "

for way in seccomp=unconfined --cap-add=SYS_ADMIN; do
  run contained $way "$portreuse" run --must-run time-wait-rebind
  ok "with $way all runs that writes no sysctl" first_line_starts "PASS time-wait-rebind: "
  run contained $way "$portreuse" run ephemeral-bind
  ok "and what writes one is skipped" first_line_starts \
    "SKIP ephemeral-bind: /proc/sys is read-only here, as in a container"
  run contained $way systempaths=unconfined "$portreuse" run --must-run --tag seed
  ok "with systempaths=unconfined that runs too" first_line_starts "PASS 5 scenarios: "
done
run contained --cap-add=SYS_ADMIN --cap-add=NET_ADMIN systempaths=unconfined "$portreuse" version -v
ok "with both capabilities no user namespace is needed" out_matches "network namespace +yes$"
ok "and /proc/sys can be written" out_matches "sysctls can be written +yes"
run contained --privileged "$portreuse" run --must-run --tag seed
ok "so it does with --privileged" first_line_starts "PASS 5 scenarios: "

finish
