"""The code blocks of README.md name programs, commands, options, keys and files that are there. PROGRAM is the built one:
    python3 readme.py PROGRAM
tests/app/newcomer.sh runs the blocks themselves."""
import ast
import pathlib
import re
import shlex
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("config", "data", "docs", "examples", "models", "tools")
PACKAGES = {"git": "git", "cmake": "cmake", "mpirun": "openmpi-bin", "python3": "python3-venv"}  # what brings a program on Debian
SHELL = ("apt-get", "bash", "cd", "export")  # there before anything is installed


def blocks(text):
    """Lines that are indented by four or more after an empty one, as lists."""
    found, block = [], None
    lines = text.splitlines()
    for before, line in zip(["", *lines], lines):
        if line.startswith("    ") and (block is not None or not before):
            if block is None:
                indent, block = len(line) - len(line.lstrip()), []
                found.append(block)
            block.append(line[indent:])
        else:
            block = None
    return found


class Known:
    def __init__(self, program):
        def says(*arguments):
            return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout
        completion = says("describe-commands")
        self.options = {name: set(words.split()) for name, words in re.findall(r'^ +(\S+)\) words="(.*)" ;;$', completion, re.M)}
        self.keys = set(re.findall(r"^([a-z][a-z_.]*) ", says("describe-config"), re.M))
        self.packages = {line.split()[0] for line in (ROOT / "tools/packages.txt").read_text().splitlines() if line and line[0] != "#"}
        package = ROOT / "python/pyproject.toml"
        self.scripts = tomllib.loads(package.read_text())["project"].get("scripts", {}) if package.exists() else {}
        self.modules = {re.split(r"[=;]", line)[0].lower() for line in (ROOT / "tools/requirements.txt").read_text().splitlines() if line and line[0] != "#"}


def program_faults(words, known):
    """Of `halobrush WORD...`."""
    command, *rest = words or [""]
    if command.startswith("--"):
        return [] if command in ("--help", "--version") else [f"halobrush has no option {command}"]
    if command not in known.options:
        return [f"halobrush has no command {command}"]
    faults = [f"halobrush {command} has no option {word}" for word in rest if word.startswith("--") and word.split("=")[0] not in known.options[command]]
    settings = [after for word, after in zip(rest, rest[1:]) if word == "--set"]
    return faults + [f"no key {setting}" for setting in settings if setting.split("=")[0] not in known.keys]


def line_faults(line, known):
    faults = []
    words = shlex.split(line, comments=True)
    for word in words:
        path = word.removeprefix("./")
        if path.split("/")[0] in FOLDERS and not (ROOT / path).exists():
            faults.append(f"no file {path}")
    while words:
        part, words = (words[:words.index("&&")], words[words.index("&&") + 1:]) if "&&" in words else (words, [])
        for at in (0, 3) if part[0] == "mpirun" else (0,):  # mpirun -np 2 PROGRAM
            name = part[at]
            if name == "halobrush":
                faults += program_faults(part[at + 1:], known)
            elif name in PACKAGES:
                faults += [] if PACKAGES[name] in known.packages else [f"tools/packages.txt does not bring {name}"]
            elif name not in SHELL and name not in known.scripts and not name.startswith("~/.local/"):
                faults.append(f"where does {name} come from?")
    return faults


def python_faults(lines, known):
    tree = ast.parse("\n".join(lines))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return [f"tools/requirements.txt does not bring {name}" for name in names if name.split(".")[0] not in known.modules]


def faults_of(text, known):
    """Faults, and how many lines were looked at."""
    faults, count = [], 0
    for block in blocks(text):
        count += len(block)
        if block[0].startswith("import "):
            faults += python_faults(block, known)
        else:
            faults += [f"{line}: {fault}" for line in block for fault in line_faults(line, known)]
    for code in re.findall(r"`(halobrush [^`]+)`", text):  # and commands within a sentence
        count += 1
        faults += [f"{code}: {fault}" for fault in program_faults(shlex.split(code)[1:], known)]
    return faults, count


def main():
    known = Known(sys.argv[1])
    text = (ROOT / "README.md").read_text()
    faults, count = faults_of(text, known)
    print("\n".join(faults) or f"{count} lines of code in README.md")
    # Each kind of fault is found.
    for right, wrong in (("bash tools/demo.sh", "bash tools/demos.sh"), ("halobrush info out", "halobrush inform out"), ("paint config/lensing.yaml", "paint config/shear.yaml"),
                         ("--dry-run", "--dry-runs"), ("--set field.mesh", "--set field.cells"), ("import h5py", "import h6py"), ("    cmake --install", "    make --install")):
        if right not in text or not faults_of(text.replace(right, wrong), known)[0]:
            faults.append(f"{wrong} was not found wrong")
            print(faults[-1])
    sys.exit(bool(faults) or count < 10)


main()
