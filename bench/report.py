"""Turns the rounds into quartiles, verdicts and the text of the report."""
import statistics
from collections import namedtuple

from plan import (BY_NAME, CONTENDERS, LIMIT, PASS_TARGET, TITLES, UNITS,
                  WORKLOAD_BY_NAME)

Facts = namedtuple("Facts", "machine versions rounds seconds connections missing late problems")
Ratio = namedtuple("Ratio", "low median high")
Verdict = namedtuple("Verdict", "workload server target ratio outcome")

ROUNDS_TO_JUDGE = 7


def ratios(turns, name):
    """The server's cost by the limit's of the same round, where both were measured."""
    pairs = zip(turns[name], turns[LIMIT])
    return [mine["cpu"] / its["cpu"] for mine, its in pairs if mine and its]


def quartiles(values):
    if len(values) < 2:
        return Ratio(*(values * 3)) if values else None
    return Ratio(*statistics.quantiles(values, n=4, method="inclusive"))


def median(turns, key):
    values = [turn[key] for turn in turns if turn]
    return statistics.median(values) if values else None


def judge(values, target):
    if len(values) < ROUNDS_TO_JUDGE:
        return "unproven"
    return "met" if round(quartiles(values).low, 3) <= target else "MISSED"


def verdicts(results):
    """One for each workload and server with a target. Too few rounds prove nothing."""
    found = []
    for name, turns in results.items():
        workload = WORKLOAD_BY_NAME[name]
        for server in turns:
            target = BY_NAME[server].target(workload.mode, workload.depth)
            if target is None:
                continue
            values = ratios(turns, server)
            ratio = quartiles(values)
            found.append(Verdict(workload, server, target, ratio, judge(values, target)))
    return found


def present(results):
    taking_part = {server for turns in results.values() for server in turns}
    return [name for name in CONTENDERS if name in taking_part]


def by_mode(results):
    modes = {}
    for name, turns in results.items():
        modes.setdefault(WORKLOAD_BY_NAME[name].mode, []).append((WORKLOAD_BY_NAME[name], turns))
    return modes


def head(facts):
    lines = ["wherry's benchmark", "", facts.machine]
    lines += [f"  {name}: {version}" for name, version in facts.versions.items()]
    lines += ["", f"{facts.rounds} paired rounds of {facts.seconds:g} s a server. CPU time of the "
              "server process, user and system, per message; where connections are made, of client "
              "and server in one process, per connection.",
              "A ratio is to the limit (epoll by hand) in the same round; 1.00 is the limit, "
              "higher costs more.",
              "`again` is the limit a second time: its distance from 1.00 is the noise."]
    if facts.missing:
        lines.append("Not built, left out: " + ", ".join(facts.missing) + ".")
    if facts.late:
        lines.append("Out of time, left out: " + ", ".join(facts.late) + ".")
    return lines


def overview(mode, rows, servers):
    """A line a workload: the limit's nanoseconds, and everybody's median ratio."""
    others = [name for name in servers if name != LIMIT and any(name in t for _, t in rows)]
    lines = [f"{TITLES[mode]}: median ratio to the limit", ""]
    lines.append(f"{'':26}{'limit, ns':>10}" + "".join(f"{name:>15}" for name in others))
    for workload, turns in rows:
        cost = median(turns[LIMIT], "cpu")
        line = f"{workload.short:26}" + (f"{cost:10.0f}" if cost else f"{'failed':>10}")
        for name in others:
            ratio = quartiles(ratios(turns, name)) if name in turns else None
            line += f"{ratio.median:15.2f}" if ratio else f"{'failed':>15}"
        lines.append(line)
    return lines


def details(mode, rows, servers):
    """A line a workload and server: cost, rate, and the quartiles of the ratio."""
    lines = [f"{TITLES[mode]}: quartiles", ""]
    lines.append(f"{'':26}{'':16}{'ns/' + UNITS[mode]:>13}{UNITS[mode] + 's/s':>14}"
                 f"{'lower':>9}{'median':>9}{'upper':>9}")
    for workload, turns in rows:
        title = workload.short
        for name in servers:
            if name not in turns:
                continue
            cost, rate = median(turns[name], "cpu"), median(turns[name], "rate")
            ratio = quartiles(ratios(turns, name))
            line = f"{title:26}{name:16}"
            line += f"{cost:13.0f}{rate:14,.0f}" if cost else f"{'failed':>13}"
            if ratio and name != LIMIT:
                line += f"{ratio.low:9.3f}{ratio.median:9.3f}{ratio.high:9.3f}"
            lines.append(line)
            title = ""
    return lines


def judgement(results):
    found = verdicts(results)
    if not found:
        return ["Targets", "", "No server with a target took part."]
    lines = ["Targets: met if the lower quartile of the ratio is within; "
             f"unproven with fewer than {ROUNDS_TO_JUDGE} rounds", ""]
    for verdict in found:
        quarter = (f"{verdict.ratio.low:.3f} ({verdict.ratio.median:.3f}, {verdict.ratio.high:.3f})"
                   if verdict.ratio else "not measured")
        lines.append(f"{verdict.outcome:10}{verdict.server:16}"
                     f"{verdict.workload.title:33}{verdict.target:.2f} x: {quarter}")
    met = sum(verdict.outcome == "met" for verdict in found)
    lines += ["", f"{met} of {len(found)} targets met."]
    return lines


def idle(facts, memory):
    lines = ["Memory of an idle connection: bytes in user space, "
             f"{facts.connections:,} connections", "",
             f"{'':46}{'as opened':>12}{'after a message':>18}"]
    for name, figures in memory.items():
        if figures is None:
            lines.append(f"{name:46}{'failed':>12}")
            continue
        lines.append(f"{name:46}{figures['opened'][0]:12,.0f}{figures['used'][0]:18,.0f}")
    return lines


SIMULATION = {
    "events_per_second": "events a second, 50 clients in conversation: {:,.0f}",
    "virtual_to_real": "seconds of theirs in one of CPU time: {:,.1f}",
    "quiet_minute_seconds": "seconds of CPU time for a minute of 100 quiet clients: {:.4f}",
}


def simulated(figures):
    return ["The simulator, on one core (medians)", ""] + [
        line.format(figures[name]) for name, line in SIMULATION.items() if name in figures]


PASSES = {
    "pass_of_few_ns": "nanoseconds of a serviced pass, 10 ready of 10: {:,.0f}",
    "pass_of_many_ns": "nanoseconds of a serviced pass, 10 ready of 10,000: {:,.0f}",
    "stepped_passes_per_second": "passes a second of a stepped loop with 10 step tasks: {:,.0f}",
}


def driven(figures):
    lines = ["Passes that the caller drives, on one core (medians)", ""] + [
        line.format(figures[name]) for name, line in PASSES.items() if name in figures]
    ratio = figures["pass_of_many_ns"] / figures["pass_of_few_ns"]
    outcome = "met" if ratio <= PASS_TARGET else "missed"
    return lines + [f"{outcome:10}10,000 connections by 10   {PASS_TARGET:.2f} x: {ratio:.2f}"]


def text(facts, results, memory, simulation, passes):
    servers, blocks = present(results), [head(facts)]
    for mode, rows in by_mode(results).items():
        blocks.append(overview(mode, rows, servers))
    if results:
        blocks.append(judgement(results))
    if memory:
        blocks.append(idle(facts, memory))
    if simulation:
        blocks.append(simulated(simulation))
    if passes:
        blocks.append(driven(passes))
    for mode, rows in by_mode(results).items():
        blocks.append(details(mode, rows, servers))
    if facts.problems:
        blocks.append(["Problems", ""] + facts.problems)
    return "\n\n\n".join("\n".join(block) for block in blocks) + "\n"
