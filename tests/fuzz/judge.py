"""How a run of the program is judged, and what it read."""
import re

import h5py

REFUSALS = (2, 3, 4, 5)


def converted(path):
    """(columns, simulation) of what the program wrote."""
    with h5py.File(path) as file:
        columns = {name: file["data"][name][:] for name in file["data"]}
        simulation = {name: value for name, value in file["provenance/simulation"].attrs.items()}
    return columns, simulation


def fault_of_exit(done, folder):
    """What is wrong with how the program ended, whatever the input means; None: nothing."""
    if done.code is None:
        return "hangs"
    if done.code < 0 or done.code > 128:
        return f"signal {abs(done.code)}"
    if done.code == 0:
        return "error line, but exit 0" if done.errors() else None
    if done.code not in REFUSALS:
        return f"exit {done.code}"
    if len(done.errors()) != 1:
        return f"{len(done.errors())} error lines"
    others = [line for line in done.err.splitlines() if not line.startswith("halobrush: error:") and " warning: " not in line]
    if done.code == 2:  # all problems of a configuration are listed together
        others = [line for line in others if not re.match(r"\S+:\d+: |\S+: ", line)]
    if others and "mpirun" not in done.err:
        return "more than the error line"
    if str(folder) not in done.errors()[0] and not re.search(r"cannot be opened|(input|convert|output|field|domain|seed|density|cosmology|painter)\b", done.errors()[0]):
        return "the error names no file"
    if not done.errors()[0].isprintable():
        return "the error has control characters"
    return None
