"""How the Python files stand to each other: modules of the package import in one direction, commands import no commands, scripts of
docs/scripts and bench import no scripts beside them; and the package, CMakeLists.txt, CHANGELOG.md and CITATION.cff name one version."""
import ast
import graphlib
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python/halobrush"


def imports(path):
    """The modules that a file imports, wherever in it it does."""
    for node in ast.walk(ast.parse(path.read_text(), path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            yield node.module


def commands():
    """The modules that run.py and the entry points run, but for the tests that other commands contain."""
    return {path.stem for path in PACKAGE.glob("*.py") if "ArgumentParser" in path.read_text()} - {"two_sample", "rotation_two_sample"}


def wrong_imports():
    graph = {}
    for path in PACKAGE.glob("*.py"):
        graph[path.stem] = {name.split(".")[1] for name in imports(path) if name.startswith("halobrush.")} & {p.stem for p in PACKAGE.glob("*.py")}
        for name in graph[path.stem] & commands():
            yield f"{path.name} imports the command {name}"
        if beside := {name for name in imports(path) if (PACKAGE / f"{name}.py").exists()}:
            yield f"{path.name} imports {beside.pop()} without the name of the package"
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as cycle:
        yield f"the package imports in a circle: {', '.join(cycle.args[1])}"
    for folder in ("docs/scripts", "bench", "tools"):
        scripts = {path.stem for path in (ROOT / folder).glob("*.py")}
        for path in (ROOT / folder).glob("*.py"):
            yield from (f"{folder}/{path.name} imports the script {name}" for name in sorted(scripts.intersection(imports(path))))


VERSION = {
    "CMakeLists.txt": r"^project\(halobrush VERSION ([\d.]+)",
    "python/halobrush/__init__.py": r'^__version__ = "([\d.]+)"',
    "CITATION.cff": r"^version: ([\d.]+)",
    "CHANGELOG.md": r"^## (?:Unreleased \()?([\d.]+)",
}


def main():
    versions = {name: re.search(pattern, (ROOT / name).read_text(), re.M) for name, pattern in VERSION.items()}
    versions = {name: found and found.group(1) for name, found in versions.items()}
    faults = list(wrong_imports())
    if len(set(versions.values())) > 1 or None in versions.values():
        faults.append(f"versions differ: {versions}")
    print("\n".join(faults) or f"imports go one way; version {versions['CMakeLists.txt']} everywhere")
    sys.exit(bool(faults))


main()
