#!/usr/bin/env python3
"""How long it takes to take all ports of a range, by the ways that a client has: as many connections to one
listener as the range has ports, each closed at once, so that its port is in TIME-WAIT. Prints a row of a
Markdown table for each way, with the time and the processor time; both are those of client and server.

usage: unshare -rn tests/bench/fill.py [SECONDS]    (the limit for each, default 30)"""
import os
import resource
import socket
import struct
import subprocess
import sys
import time

RANGES = [(40000, 49999), (32768, 60999), (1024, 65535)]
LISTENER = ('127.0.0.1', 1000)
NO_PORT, PORT_RANGE, SLICE = 24, 51, 100  # IP_BIND_ADDRESS_NO_PORT, IP_LOCAL_PORT_RANGE, ports per slice


def set_sysctl(name, value):
    with open(f'/proc/sys/net/ipv4/{name}', 'w', encoding='ascii') as file:
        file.write(value)


def alone(client, low, count, i):
    pass


def set_range(client, low, high):
    client.setsockopt(socket.IPPROTO_IP, PORT_RANGE, struct.pack('I', high << 16 | low))


def whole_range(client, low, count, i):
    set_range(client, low, low + count - 1)


def slices(client, low, count, i):
    first = low + i // SLICE * SLICE
    set_range(client, first, min(first + SLICE, low + count) - 1)


def addresses(number):
    def way(client, low, count, i):
        client.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
        client.bind((f'127.0.0.{2 + i % number}', 0))
    return way


def by_number(client, low, count, i):
    client.bind(('127.0.0.2', low + i))


def by_number_shared(client, low, count, i):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind(('127.0.0.2', low + i))


WAYS = [('connect() alone', alone),
        ('`IP_LOCAL_PORT_RANGE` over the range, then connect()', whole_range),
        (f'`IP_LOCAL_PORT_RANGE` over slices of {SLICE} ports, one after the other', slices),
        ('two source addresses, half the ports of each', addresses(2)),
        ('four source addresses, a quarter of the ports of each', addresses(4)),
        ('bind() to each port by its number', by_number),
        ('the same with `SO_REUSEADDR`', by_number_shared)]


def processor():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def fill(way, low, high, limit):
    """In a network namespace of its own, as TIME-WAIT lasts a minute."""
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    set_sysctl('ip_local_port_range', f'{low} {high}')
    set_sysctl('ip_unprivileged_port_start', '0')
    set_sysctl('tcp_tw_reuse', '0')
    server = socket.create_server(LISTENER)
    count, begin, before = high - low + 1, time.monotonic(), processor()
    for i in range(count):
        client = socket.socket()
        way(client, low, count, i)
        client.connect(LISTENER)
        peer = server.accept()[0]
        client.close()
        peer.close()
        if time.monotonic() - begin > limit:
            return f'{i + 1:,} ports in {limit} s'
    return f'{time.monotonic() - begin:.1f} s ({processor() - before:.1f} s)'


def main():
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    if len(sys.argv) == 5:
        print(fill(WAYS[int(sys.argv[2])][1], int(sys.argv[3]), int(sys.argv[4]), limit))
        return
    print('| | ' + ' | '.join(f'{high - low + 1:,} ports' for low, high in RANGES) + ' |')
    print('|---' * (len(RANGES) + 1) + '|')
    for i, (name, _) in enumerate(WAYS):
        cells = [subprocess.run(['unshare', '-n', sys.executable, __file__, str(limit), str(i), str(low), str(high)],
                                check=True, capture_output=True, text=True).stdout.strip() for low, high in RANGES]
        print(f'| {name} | ' + ' | '.join(cells) + ' |', flush=True)


if __name__ == '__main__':
    main()
