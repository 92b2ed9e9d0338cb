"""Starts servers and loads, and reads what a server cost: its CPU time and its memory.

Every wait has an end, and what is ended is only what was started here, by its process.
"""
import contextlib
import os
import platform
import random
import select
import signal
import subprocess
import time

from plan import CONNECT

PATIENCE = 60   # seconds for any one answer of a program
WARM_UP = 0.05  # seconds of a turn that does not count
SLICE_MS = 25   # what disturbs the machine for longer than this disturbs all servers alike


class Failure(Exception):
    """A program did not do its part."""


class Program:
    """A child on one CPU that is talked to by lines. Use in a `with`: it ends there."""

    def __init__(self, command, cpu, ends_with_input=False):
        self.command, self.ends_with_input = command, ends_with_input
        self.pending = b""
        self.process = subprocess.Popen(
            command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        if self.ends_with_input:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(5)
        self.process.stdout.close()

    @property
    def pid(self):
        return self.process.pid

    def name(self):
        return " ".join([os.path.basename(self.command[0])] + self.command[1:])

    def tell(self, line):
        try:
            self.process.stdin.write(line.encode() + b"\n")
        except BrokenPipeError:
            raise Failure(f"{self.name()} has ended") from None

    def expect(self, word):
        """The words of the next line, which starts with that word."""
        end = time.monotonic() + PATIENCE
        while b"\n" not in self.pending:
            left = end - time.monotonic()
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            more = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not more:
                raise Failure(f"{self.name()}: no `{word}`" + ("" if ready else " in time"))
            self.pending += more
        line, self.pending = self.pending.split(b"\n", 1)
        words = line.decode().split()
        if words[:1] != [word]:
            raise Failure(f"{self.name()}: `{line.decode()}` in place of `{word}`")
        return words


def cpu_time(pid):
    """Nanoseconds that a process has used, all threads, user and system. This is the scheduler's
    own account, exact even while the process runs; clock_getcpuclockid(3) makes the same number."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def private_memory(pid):
    """Bytes in (Private_Dirty, Anonymous) of the process."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            name, _, rest = line.partition(":")
            if name in ("Private_Dirty", "Anonymous"):
                found[name] = int(rest.split()[0]) * 1024
    return found["Private_Dirty"], found["Anonymous"]


def wait_for_descriptors(pid, count):
    """Connected is not yet accepted: waits until the server holds as many descriptors."""
    end = time.monotonic() + PATIENCE
    while len(os.listdir(f"/proc/{pid}/fd")) < count:
        if time.monotonic() > end:
            raise Failure("the server does not accept all connections")
        time.sleep(0.02)


def settled_memory(pid):
    """The memory once it no longer changes: accepting and closing go on behind the load's back."""
    last = None
    for _ in range(50):
        time.sleep(0.1)
        now = private_memory(pid)
        if now == last:
            break
        last = now
    return now


class Turn:
    """What one server does in one round: a few slices of time, between those of the others. Its
    load has its connections already."""

    def __init__(self, name, program, load, workload):
        self.name, self.program, self.load = name, program, load
        self.once = workload.connections * workload.depth
        self.cpu = self.number = self.nanoseconds = 0

    def go_on(self):
        """One slice. One depth of messages on each connection comes before it, since the others
        have taken the cache meanwhile. The clock is read when nothing is under way."""
        self.load.tell(f"count {self.once}")
        self.load.expect("done")
        before = cpu_time(self.program.pid)
        self.load.tell(f"for {SLICE_MS}")
        _, number, nanoseconds = self.load.expect("done")
        self.cpu += cpu_time(self.program.pid) - before
        self.number += int(number)
        self.nanoseconds += int(nanoseconds)
        return True

    def figures(self):
        """CPU nanoseconds of the process for one, and how many a second there were."""
        return {"cpu": self.cpu / self.number, "rate": self.number / self.nanoseconds * 1e9}


class Bench:
    def __init__(self, programs):
        cpus = sorted(os.sched_getaffinity(0))
        self.programs = programs
        self.server_cpu, self.load_cpu = cpus[0], cpus[1 % len(cpus)]
        self.began = time.monotonic()
        self.problems = []
        if len(cpus) < 2:
            self.problems.append("one CPU only: the load stands on the server's")
        os.sched_setaffinity(0, {self.load_cpu})

    def path(self, program):
        return os.path.join(self.programs, program)

    def server(self, server, mode, arguments=()):
        framed = ["--framed"] if mode == "framed" else []
        command = [self.path(server.program), *server.arguments, *framed, *arguments]
        return Program(command, self.server_cpu)

    def connector(self, server, at_a_time):
        """Client and server in one."""
        return Program([self.path("connect-" + server.program), "--at-a-time", str(at_a_time)],
                       self.server_cpu, ends_with_input=True)

    def load(self, port, connections, size=64, depth=1, mode="raw"):
        framed = ["--framed"] if mode == "framed" else []
        return Program([self.path("load"), "127.0.0.1", port, "--connections", str(connections),
                        "--size", str(size), "--depth", str(depth), *framed, "--control"],
                       self.load_cpu, ends_with_input=True)

    def figures(self, program):
        """The figures that the program prints, by name; none if it is missing or fails."""
        if not os.path.exists(self.path(program)):
            return {}
        done = subprocess.run([self.path(program)], timeout=300, text=True, check=False,
                              stdout=subprocess.PIPE)
        if done.returncode != 0:
            self.problems.append(f"{program}: it ended with an error")
            return {}
        return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}

    def versions(self, servers):
        found = {}
        for server in servers:
            done = subprocess.run([self.path(server.program), "--version"], timeout=10, text=True,
                                  stdout=subprocess.PIPE, check=False)
            found[server.name] = done.stdout.strip()
        return found

    def begin(self, stack, server, workload):
        """A server's turn, with processes and connections of its own."""
        program = stack.enter_context(self.connector(server, workload.connections)
                                      if workload.mode == CONNECT else
                                      self.server(server, workload.mode))
        port = program.expect("listening")[1]
        if workload.mode == CONNECT:
            return Turn(server.name, program, program, workload)
        load = stack.enter_context(self.load(port, workload.connections, workload.size,
                                             workload.depth, workload.mode))
        load.expect("ready")
        return Turn(server.name, program, load, workload)

    def round(self, workload, servers, seconds):
        """The figures of all turns, by server, without those that failed. All have the same number
        of slices; the order is drawn anew for each, so that nobody always follows the same
        neighbour, and so is the order in which they start."""
        def guarded(server, action):
            return self.guarded(f"{workload.name}, {server}", action)

        with contextlib.ExitStack() as stack:
            order = random.sample(servers, len(servers))
            turns = [guarded(server.name, lambda server=server:
                             self.begin(stack, server, workload)) for server in order]
            turns = [turn for turn in turns if turn]
            while turns and min(turn.nanoseconds for turn in turns) < seconds * 1e9:
                turns = [turn for turn in random.sample(turns, len(turns))
                         if guarded(turn.name, turn.go_on)]
            return {turn.name: turn.figures() for turn in turns}

    def rounds(self, workload, servers, count, seconds):
        """Each server's turns, round by round. Who fails once is out of this workload. A short
        round comes first that does not count: it finds the kernel without the memory it will use.
        """
        turns = {server.name: [] for server in servers}
        done = self.round(workload, servers, WARM_UP)
        for _ in range(count):
            servers = [server for server in servers if server.name in done]
            done = self.round(workload, servers, seconds)
            for server in servers:
                turns[server.name].append(done.get(server.name))
        return turns

    def guarded(self, what, action):
        try:
            return action()
        except (Failure, OSError) as problem:
            self.problems.append(f"{what}: {problem}")
            return None

    def memory(self, server, variant, connections):
        return self.guarded(f"memory, {server.name}, {variant.title}",
                            lambda: self.idle(server, variant, connections))

    def idle(self, server, variant, connections):
        """Bytes a connection, as opened and after one message of 64 B on each. One connection
        comes and goes first, so that what a server allocates once is not counted."""
        mode = "framed" if "--framed" in variant.arguments else "raw"
        with self.server(server, "raw", variant.arguments) as program:
            port = program.expect("listening")[1]
            with self.load(port, 1, mode=mode) as load:
                load.expect("ready")
                load.tell("count 1")
                load.expect("done")
            empty = settled_memory(program.pid)
            standing = len(os.listdir(f"/proc/{program.pid}/fd"))
            with self.load(port, connections, mode=mode) as load:
                load.expect("ready")
                wait_for_descriptors(program.pid, standing + connections)
                opened = settled_memory(program.pid)
                load.tell(f"count {connections}")
                load.expect("done")
                used = settled_memory(program.pid)

        def each(now):
            return [round((a - b) / connections, 1) for a, b in zip(now, empty)]
        return {"opened": each(opened), "used": each(used)}


def machine(bench):
    model = "unknown processor"
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as info:
        names = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
        model = names[0] if names else model
    return (f"{model}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}; "
            f"server on CPU {bench.server_cpu}, load on CPU {bench.load_cpu}")
