"""The report as one SVG: for each workload a bar from the lower to the upper quartile of every
server's ratio, a dot at the median, and lines where the limit and the targets are."""
from html import escape

from plan import LIMIT, TITLES, UNITS
from report import by_mode, present, quartiles, ratios

COLOURS = {"again": "#9a9a9a", "send-each": "#c9b458", "wherry-stream": "#0b6fb8",
           "wherry-handler": "#c2410c", "libuv": "#5b8c5a", "libev": "#8e6bb0",
           "libevent": "#b07d62"}
OTHER = "#555555"

LOW, HIGH = 0.80, 1.60                     # what the scale shows; beyond it stands the figure
COLUMN, LABEL, SCALE, MARGIN = 640, 175, 400, 20
LANE, GAP, TOP = 9, 12, 150


def place(x, ratio):
    return x + LABEL + (min(max(ratio, LOW), HIGH) - LOW) / (HIGH - LOW) * SCALE


def label(x, y, text, size=11, anchor="start", colour="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{colour}">{escape(text)}</text>')


def line(x1, y1, x2, y2, colour, width=1, dashes=""):
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"{dashed}/>')


def box(x, y, width, height, colour):
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'fill="{colour}"/>')


def grid(x, top, bottom):
    parts = []
    for tick in (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6):
        parts.append(line(place(x, tick), top, place(x, tick), bottom, "#e4e4e4"))
        parts.append(label(place(x, tick), top - 5, f"{tick:.1f}", 10, "middle", "#777"))
    parts.append(line(place(x, 1.0), top, place(x, 1.0), bottom, "#222", 1.2))
    for target in (1.05, 1.10):
        parts.append(line(place(x, target), top, place(x, target), bottom, "#c00", 1, "3 3"))
    return parts


def lane(x, y, name, ratio):
    colour = COLOURS.get(name, OTHER)
    parts = [line(place(x, ratio.low), y, max(place(x, ratio.high), place(x, ratio.low) + 1), y,
                  colour, 5)]
    if ratio.median > HIGH:
        parts.append(label(x + LABEL + SCALE + 6, y + 3, f"{ratio.median:.1f}", 9, "start", colour))
    elif ratio.median < LOW:
        parts.append(label(x + LABEL - 4, y + 3, f"{ratio.median:.2f}", 9, "end", colour))
    else:
        parts.append(f'<circle cx="{place(x, ratio.median):.1f}" cy="{y:.1f}" r="3.2" '
                     f'fill="#fff" stroke="{colour}" stroke-width="1.8"/>')
    return parts


def workload_lanes(turns, servers):
    lanes = [(name, quartiles(ratios(turns, name)))
             for name in servers if name != LIMIT and name in turns]
    return [(name, ratio) for name, ratio in lanes if ratio]


def column(x, top, mode, rows, servers):
    """One mode's chart; also says where it ends."""
    body, y = [], top + 14
    for workload, turns in rows:
        lanes = workload_lanes(turns, servers)
        body.append(label(x, y + len(lanes) * LANE / 2, workload.short))
        for number, (name, ratio) in enumerate(lanes):
            body += lane(x, y + number * LANE, name, ratio)
        y += len(lanes) * LANE + GAP
    title = f"{TITLES[mode]}: CPU time per {UNITS[mode]}, ratio to the limit"
    return [label(x, top - 26, title, 14)] + grid(x, top, y) + body, y


def legend(y, servers):
    parts, x = [], MARGIN
    for name in servers:
        if name == LIMIT:
            continue
        parts.append(box(x, y - 8, 14, 8, COLOURS.get(name, OTHER)))
        parts.append(label(x + 19, y, name))
        x += 40 + 7 * len(name)
    parts.append(line(x, y - 4, x + 18, y - 4, "#c00", 1, "3 3"))
    parts.append(label(x + 23, y, "targets 1.05 and 1.10"))
    return parts


def bars(top, facts, memory):
    known = {name: figures for name, figures in memory.items() if figures}
    parts = [label(MARGIN, top, "bytes of user space per idle connection, as opened "
                   f"({facts.connections:,} connections)", 14)]
    longest = max([figures["opened"][0] for figures in known.values()] + [1])
    for number, (name, figures) in enumerate(known.items()):
        y, value = top + 14 + number * 18, max(figures["opened"][0], 0)
        colour = COLOURS.get(name.split(":", 1)[0], OTHER)
        parts.append(label(MARGIN, y + 10, name))
        parts.append(box(MARGIN + 300, y, max(value / longest * 700, 1), 12, colour))
        parts.append(label(MARGIN + 306 + value / longest * 700, y + 10, f"{value:,.0f}"))
    return parts, top + 30 + len(known) * 18


def svg(facts, results, memory):
    servers, parts, bottom = present(results), [], TOP
    for number, (mode, rows) in enumerate(by_mode(results).items()):
        drawn, end = column(MARGIN + number * COLUMN, TOP, mode, rows, servers)
        parts += drawn
        bottom = max(bottom, end)
    if memory:
        drawn, bottom = bars(bottom + 40, facts, memory)
        parts += drawn
    parts += [label(MARGIN, 28, "wherry's benchmark", 18), label(MARGIN, 48, facts.machine, 11),
              label(MARGIN, 64, f"bars: lower to upper quartile of {facts.rounds} paired rounds; "
                    "dot: median; left is cheaper; `again` is the limit measured twice")]
    parts += legend(84, servers)
    width, height = max(2, len(by_mode(results))) * COLUMN + MARGIN, bottom + MARGIN
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0f}" '
            f'viewBox="0 0 {width} {height:.0f}" font-family="sans-serif">\n'
            + box(0, 0, width, height, "#fff") + "\n" + "\n".join(parts) + "\n</svg>\n")
