#!/bin/sh
# Four network namespaces on a bridge, made with ip(8), and two of them cut off: what
# partition.scenario needs before its roles do anything.
set -eu
[ "${1:-}" = inside ] || exec unshare -rnm sh "$0" inside
mount -t tmpfs none /run
ip link add switch up type bridge
for n in 1 2 3 4; do
  ip netns add "h$n"
  ip link add "port$n" up master switch type veth peer name eth0 netns "h$n"
  ip -n "h$n" link set lo up
  ip -n "h$n" link set eth0 up
  ip -n "h$n" address add "10.0.0.$n/24" dev eth0
done
ip link set port3 type bridge_slave state 0
ip link set port4 type bridge_slave state 0
for n in 1 2 3 4; do
  ip netns delete "h$n"
done
