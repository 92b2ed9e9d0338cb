"""What is measured: the servers, the workloads, and the targets that wherry is held to."""
from collections import namedtuple

RAW, FRAMED, CONNECT = "raw", "framed", "connect"
LIMIT = "limit"

# A form of idle connection: what it is called, and the arguments that make the server serve so.
Variant = namedtuple("Variant", "title arguments")
PLAIN = (Variant("connections", []),)
STREAMS = (Variant("bare streams", []),)
ROSTER = (Variant("streams of a roster", []),)
PEERS = (Variant("a server's peers", []), Variant("with a parked handler", ["--parked"]))

# target: the ratio to the limit that is promised, by mode and depth; peers promise nothing.
Server = namedtuple("Server", "name program arguments modes target memory")


def no_target(_mode, _depth):
    return None


def stream_target(mode, depth):
    if mode == CONNECT:
        return 1.10
    return 1.10 if mode == FRAMED and depth > 1 else 1.05


def roster_target(mode, depth):
    return 1.10 if mode == FRAMED and depth > 1 else 1.05


def handler_target(_mode, _depth):
    return 1.10


BOTH = (RAW, FRAMED)
ALL = (RAW, FRAMED, CONNECT)
SERVERS = (
    Server(LIMIT, "limit", [], ALL, no_target, PLAIN),
    # The limit a second time, as a process of its own: how far from 1.00 it comes is what the
    # method cannot resolve on this machine.
    Server("again", "limit", [], ALL, no_target, ()),
    Server("send-each", "limit", ["--send-each"], (FRAMED,), no_target, ()),
    Server("wherry-stream", "wherry-stream", [], ALL, stream_target, STREAMS),
    Server("wherry-handler", "wherry-handler", [], ALL, handler_target, PEERS),
    Server("wherry-roster", "wherry-roster", [], BOTH, roster_target, ROSTER),
    Server("libuv", "libuv", [], BOTH, no_target, PLAIN),
    Server("libev", "libev", [], BOTH, no_target, PLAIN),
    Server("libevent", "libevent", [], BOTH, no_target, PLAIN),
)
CONTENDERS = [server.name for server in SERVERS]
BY_NAME = {server.name: server for server in SERVERS}


class Workload(namedtuple("Workload", "mode connections size depth")):
    """What is counted are messages, sent over so many connections; or in the mode `connect` the
    connections, of which so many are made at a time, for one byte each way."""
    @property
    def name(self):
        return f"{self.mode}-{self.connections}x{self.size}-d{self.depth}"

    @property
    def title(self):
        return f"{self.mode} {self.short}"

    @property
    def short(self):
        if self.mode == CONNECT:
            return f"{self.connections:,} at a time"
        size = f"{self.size} B" if self.size < 1024 else f"{self.size // 1024} KiB"
        return f"{self.connections:,} x {size}, depth {self.depth}"


WORKLOADS = [Workload(mode, connections, size, depth)
             for mode in BOTH
             for depth in (1, 16)
             for size in (64, 1024, 16384)
             for connections in (1, 50, 1000)]
WORKLOADS += [Workload(CONNECT, connections, 1, 1) for connections in (1, 50, 1000)]
QUICK = ["raw-50x64-d1", "raw-1000x64-d1", "raw-50x16384-d1", "raw-50x64-d16",
         "framed-50x64-d1", "framed-50x64-d16", "framed-50x1024-d16", "connect-50x1-d1"]
# How much more a serviced pass may cost among 10,000 connections than among 10, of which 10 are
# ready.
PASS_TARGET = 1.5
TITLES = {RAW: "raw echo", FRAMED: "framed echo", CONNECT: "connecting"}
UNITS = {RAW: "message", FRAMED: "message", CONNECT: "connection"}
WORKLOAD_BY_NAME = {workload.name: workload for workload in WORKLOADS}
