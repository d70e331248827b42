#!/usr/bin/env python3
"""Makes programs of the C++ blocks of Markdown pages, so that the tests compile and run what the documentation shows.

usage: extract_snippets.py OUTPUT_FOLDER PAGE...

Prints a line for each program: its file. A page's blocks are read in order:
- a block with `int main` is a program of its own;
- a block that begins with a declaration (class, struct, template, #include, using) stands before the page's main();
- every other block is a part of the page's main(), and may use what the blocks before it made;
- after a line `<!-- compile only -->` a block is compiled in a scope of its own, and not run (downloads, long training);
- after a line `<!-- from examples/x.cpp -->` a block is a part of that program, which is built and run as such: its lines must be there.
"""
import pathlib
import re
import sys
import textwrap

PREAMBLE = """#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

"""
ROOT = pathlib.Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(?:<!-- (compile only|from \S+) -->\s*\n)?^```cpp\n(.*?)^```$", re.S | re.M)
DECLARATION = re.compile(r"(?:class|struct|template|#include|using|namespace)\b|#include")


def first_code_line(code):
    for line in code.splitlines():
        if line.strip() and not line.lstrip().startswith("//"):
            return line
    return ""


def is_part_of(code, program):
    """Whether the lines of a block stand in a program one after another, however far they are indented there."""
    wanted, lines = code.rstrip().split("\n"), program.split("\n")
    parts = ("\n".join(lines[at:at + len(wanted)]) for at, line in enumerate(lines) if line.strip() == wanted[0].strip())
    return any(textwrap.dedent(part) == textwrap.dedent("\n".join(wanted)) for part in parts)


def programs(page):
    """Yields (suffix of the file's name, text)."""
    text = page.read_text(encoding="utf-8")
    before, inside, count = "", "", 0
    for match in BLOCK.finditer(text):
        how, code = match.groups()
        if how and how.startswith("from "):
            source = how.removeprefix("from ")
            if not is_part_of(code, (ROOT / source).read_text(encoding="utf-8")):
                sys.exit(f"{page.name}: this block is not a part of {source}:\n{code}")
            continue
        line = text.count("\n", 0, match.start(2)) + 1
        located = f'#line {line} "{page.name}"\n{code}'
        if "int main(" in code:
            count += 1
            yield f"_program{count}", located
        elif DECLARATION.match(first_code_line(code)):
            before += located
        elif how:
            inside += f"  [[maybe_unused]] auto at_{line} = [&] {{\n{located}  }};\n"
        else:
            inside += located
    if before or inside:
        yield "", f"{PREAMBLE}{before}\nint main() {{\n{inside}}}\n"


def main(folder, pages):
    folder.mkdir(parents=True, exist_ok=True)
    for page in pages:
        for suffix, text in programs(page):
            target = folder / f"{page.stem.lower().replace('-', '_')}{suffix}.cpp"
            if not target.exists() or target.read_text(encoding="utf-8") != text:
                target.write_text(text, encoding="utf-8")
            print(target)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), [pathlib.Path(page) for page in sys.argv[2:]])
