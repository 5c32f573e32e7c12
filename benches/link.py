#!/usr/bin/env python3
"""A link with a distance, for a kernel without netem: link.py NEAR FAR ONE_WAY_MS [MBIT_PER_FLOW]

Makes two TUN devices of these names and carries packets between them, each later by ONE_WAY_MS; with MBIT_PER_FLOW, the packets of
each TCP port of the server side at no more than this rate, for links on which every connection has its own limit. Prints "ready"
when the devices are there. Needs root.
"""

import collections
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
# A flow whose packets wait longer than this loses them, as in a router; seconds.
LONGEST_QUEUE = 0.4


def device(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def flow(packet):
    """The two ports of a TCP packet over IPv4; None for others."""
    if packet[0] >> 4 != 4 or packet[9] != 6:
        return None
    header = (packet[0] & 15) * 4
    return packet[header : header + 4]


def main(near, far, one_way_ms, mbit=0):
    delay, seconds_a_byte = float(one_way_ms) / 1000, 8 / (float(mbit) * 1e6) if float(mbit) else 0
    ends = [device(near), device(far)]
    waiting = {ends[0]: collections.deque(), ends[1]: collections.deque()}
    # With a rate, the packets of each flow are in order, but those of all flows are not.
    free = {}
    print("ready", flush=True)
    while True:
        now = time.monotonic()
        due = [queue[0][0] for queue in waiting.values() if queue]
        timeout = max(0, min(due) - now) if due else None
        readable, _, _ = select.select(ends, [], [], timeout)
        for fd in readable:
            other = ends[1] if fd == ends[0] else ends[0]
            for _ in range(64):
                try:
                    packet = os.read(fd, 65536)
                except BlockingIOError:
                    break
                start = now = time.monotonic()
                key = flow(packet) if seconds_a_byte else None
                if key:
                    start = max(now, free.get((fd, key), now))
                    if start - now > LONGEST_QUEUE:
                        continue
                    start += len(packet) * seconds_a_byte
                    free[fd, key] = start
                queue = waiting[other]
                queue.append((start + delay, packet))
                # Nearly always in order already.
                at = len(queue) - 1
                while at and queue[at - 1][0] > queue[at][0]:
                    queue[at - 1], queue[at] = queue[at], queue[at - 1]
                    at -= 1
        now = time.monotonic()
        for fd, queue in waiting.items():
            while queue and queue[0][0] <= now:
                try:
                    os.write(fd, queue.popleft()[1])
                except OSError:
                    # The device has no room or is not up: the packet is lost, as on any link.
                    pass


if __name__ == "__main__":
    if not 4 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
