"""Draws the first run of the demo as SVG, from a terminal's lines with escape sequences on standard input."""

import html
import re
import sys

COLUMNS, WIDTH, HEIGHT, MARGIN = 80, 8.43, 18, 16
# Lines that are kept at the beginning and at the end; a line for the others stands between.
FIRST, LAST = 7, 19
PLAIN, DIM, BACKGROUND = "#d4d4d4", "#808080", "#1e1e1e"
COLOURS = ["#808080", "#f14c4c", "#23d18b", "#e5e510", "#5c9dff", "#d670d6", "#29b8db", "#e5e5e5"]


def runs(line):
    """Pieces of a line as (text, colour, bold)."""
    colour, bold, dim = None, False, False
    for text, codes in re.findall(r"([^\x1b]+)|\x1b\[([0-9;]*)m", line):
        if text:
            yield text, DIM if dim and colour is None else colour or PLAIN, bold
            continue
        codes = [int(code or 0) for code in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                colour, bold, dim = None, False, False
            elif code == 1:
                bold = True
            elif code == 2:
                dim = True
            elif code == 22:
                bold = dim = False
            elif 30 <= code <= 37:
                colour = COLOURS[code - 30]
            elif 90 <= code <= 97:
                colour = COLOURS[code - 90]
            elif code == 39:
                colour = None
            elif code == 38 and codes[:1] == [5] and len(codes) > 1:
                colour = COLOURS[codes[1] % 8]
                del codes[:2]


def bare(line):
    return "".join(text for text, _, _ in runs(line)).rstrip()


lines = [line.rstrip("\n") for line in sys.stdin]
begin = next(n for n, line in enumerate(lines) if bare(line).startswith("--- First run: "))
end = next(n for n, line in enumerate(lines) if n > begin and bare(line).startswith("Total time: "))
command = bare(lines[begin]).removeprefix("--- First run: ")
shown = lines[begin + 1 : end + 1]
if len(shown) > FIRST + LAST:
    left_out = len(shown) - FIRST - LAST
    shown = [*shown[:FIRST], f"\x1b[2m[{left_out} more lines]\x1b[0m", *shown[-LAST:]]
shown.insert(0, f"\x1b[1m$ {command}\x1b[0m")

width, height = round(COLUMNS * WIDTH + 2 * MARGIN), len(shown) * HEIGHT + 2 * MARGIN
print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">')
print(f"<title>{html.escape(command)}</title>")
print(f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>')
print('<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14">')
for row, line in enumerate(shown):
    spans = []
    for text, colour, bold in runs(line.rstrip()):
        weight = ' font-weight="bold"' if bold else ""
        spans.append(f'<tspan fill="{colour}"{weight}>{html.escape(text, quote=False)}</tspan>')
    y = MARGIN + row * HEIGHT + 14
    print(f'<text x="{MARGIN}" y="{y}" xml:space="preserve">{"".join(spans)}</text>')
print("</g>")
print("</svg>")
