#!/usr/bin/env python3
"""Times shell commands beside each other, and finds how much memory one needs.

measure.py RUNS [--prepare COMMAND] NAME=COMMAND...
    One round to warm up, then RUNS rounds; in each, every command once, each round beginning with another one, so that what
    slows the machine down for a while slows all of them. Prints medians, and their ratio to that of the first. The time
    of the COMMAND of --prepare, which runs before each, does not count; CONTENDER in its environment is the place of the
    command to come: 1, 2, … Output goes to /dev/null.

measure.py --percentiles RUNS NAME=COMMAND...
    Runs each command by itself, without a shell, RUNS times after one to warm up, and prints percentiles.

measure.py --peak PROGRAM ARGUMENT...
    Runs a program once and prints the peak of its own resident memory (VmHWM of /proc; Linux only).

measure.py --peak-all SHELL_COMMAND
    Runs a command once and prints the peak of the resident memory of all its processes together, looked at every 5 ms.

measure.py --refresh SECONDS PROGRAM ARGUMENT...
    Lets a program that prints a line again and again do so for a while, ends it with SIGINT, and prints how much time of
    CPUs it took for each line, what it did in between included.
"""

import os
import resource
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time

QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}


def once(command, contender=0):
    # Not a pipe: whoever reads it would be woken by every line, and take a core from what is measured.
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        env = {**os.environ, "CONTENDER": str(contender)}
        status = subprocess.run(["sh", "-c", command], stderr=errors, env=env, **QUIET)
        elapsed = time.perf_counter() - start
        if status.returncode != 0:
            errors.seek(0)
            text = errors.read().decode(errors="replace")[-2000:]
            sys.exit(f"{command}\nended with {status.returncode}: {text}")
        return elapsed


def compare(runs, prepare, commands):
    times = {name: [] for name, _ in commands}
    for run in range(runs + 1):
        first = run % len(commands)
        for name, command in commands[first:] + commands[:first]:
            if prepare:
                once(prepare, 1 + [name for name, _ in commands].index(name))
            elapsed = once(command)
            if run > 0:
                times[name].append(elapsed)
    base = statistics.median(times[commands[0][0]])
    print(f"| | median of {runs} | fastest | slowest | ratio |")
    print("|---|---|---|---|---|")
    for name, _ in commands:
        median = statistics.median(times[name])
        print(f"| {name} | {median:.3f} s | {min(times[name]):.3f} s | {max(times[name]):.3f} s | {median / base:.2f} |")


def percentiles(runs, commands):
    print(f"| | p50 of {runs} | p95 | slowest |")
    print("|---|---|---|---|")
    for name, command in commands:
        argv, times = shlex.split(command), []
        for _ in range(runs + 1):
            start = time.perf_counter()
            status = subprocess.run(argv, stderr=subprocess.DEVNULL, **QUIET)
            times.append(1000 * (time.perf_counter() - start))
            if status.returncode != 0:
                sys.exit(f"{command}\nended with {status.returncode}")
        times = sorted(times[1:])
        at = lambda share: times[int((len(times) - 1) * share)]
        print(f"| {name} | {at(0.5):.1f} ms | {at(0.95):.1f} ms | {at(1):.1f} ms |")


def peak(argv):
    child = subprocess.Popen(argv, stderr=subprocess.DEVNULL, **QUIET)
    highest = None
    while child.poll() is None:
        # The high-water mark never falls: the last reading before the end is the one that counts.
        try:
            with open(f"/proc/{child.pid}/status", encoding="ascii", errors="replace") as status:
                lines = [line for line in status if line.startswith("VmHWM:")]
        except OSError:
            lines = []
        if lines:
            highest = int(lines[0].split()[1])
        time.sleep(0.002)
    if child.returncode != 0:
        sys.exit(f"{argv} ended with {child.returncode}")
    if highest is None:
        sys.exit("its memory could not be read from /proc")
    print(f"peak resident memory: {highest / 1024:.1f} MiB")


def peak_all(command):
    child = subprocess.Popen(["sh", "-c", command], stderr=subprocess.DEVNULL, start_new_session=True, **QUIET)
    page, highest = os.sysconf("SC_PAGE_SIZE"), 0
    while child.poll() is None:
        total = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
                    fields = stat.read().rpartition(") ")[2].split()
            except OSError:
                continue
            # The session, and the resident pages.
            if int(fields[3]) == child.pid:
                total += int(fields[21]) * page
        highest = max(highest, total)
        time.sleep(0.005)
    if child.returncode != 0:
        sys.exit(f"{command} ended with {child.returncode}")
    print(f"peak resident memory of all processes: {highest / 1e6:.1f} MB")


def refresh(seconds, argv):
    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = used()
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    # The first line is not counted, nor is what came before it.
    child.stdout.readline()
    with open(f"/proc/{child.pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(") ")[2].split()
    started = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    time.sleep(seconds)
    child.send_signal(signal.SIGINT)
    lines = child.stdout.read().count(b"\n")
    child.wait()
    if lines == 0:
        sys.exit(f"{argv} printed one line and no more")
    spent = used() - before - started
    print(f"{lines} refreshes in {seconds} s: {1000 * spent / lines:.1f} ms of CPUs each")


def main(arguments):
    if arguments[:1] == ["--peak"] and len(arguments) > 1:
        return peak(arguments[1:])
    if arguments[:1] == ["--peak-all"] and len(arguments) == 2:
        return peak_all(arguments[1])
    if arguments[:1] == ["--refresh"] and len(arguments) > 2 and arguments[1].isdigit():
        return refresh(int(arguments[1]), arguments[2:])
    each = arguments[:1] == ["--percentiles"]
    if each:
        arguments = arguments[1:]
    if len(arguments) < 2 or not arguments[0].isdigit() or int(arguments[0]) < 1:
        sys.exit(__doc__)
    runs, rest, prepare = int(arguments[0]), arguments[1:], None
    if rest[0] == "--prepare":
        prepare, rest = rest[1], rest[2:]
    commands = [tuple(argument.split("=", 1)) for argument in rest]
    if not commands or any(len(command) != 2 for command in commands):
        sys.exit(__doc__)
    if each:
        return percentiles(runs, commands)
    compare(runs, prepare, commands)


main(sys.argv[1:])
