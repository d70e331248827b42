"""What the checking scripts share: the files of the project, and how to complain."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def files(*suffixes):
    """The files that git tracks or would track, with one of these suffixes (all where none is given)."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout
    found = [ROOT / name for name in sorted(set(listed.split("\0"))) if name]
    return [path for path in found if path.is_file() and (not suffixes or path.suffix in suffixes)]


def name(path):
    return str(path.relative_to(ROOT))


def finish(problems, what):
    """Ends the program: with the problems, or with a word that all is well."""
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        sys.exit(f"{len(problems)} problem(s): {what}")
    print(f"ok: {what}")
