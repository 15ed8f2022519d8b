"""A run finds all tiles staged: it writes the mock without reading halos. What is damaged or odd in the staging folder is named, painted anew or passed
over; tiles of another processor are refused unless that is accepted, and then said; a key cannot reach files that are not the run's own."""
import json
import os
import pathlib
import shutil
import subprocess
import time

from runner import ENVIRONMENT, ROOT, Scratch, command, compare, expect, run, sets, small_catalog, write_catalog

LAW = ["painter.kind=analytic", "painter.model=", "field.mesh=32", "domain.tiles=[8,1,1]"]
NOT_READ = "the halos are not read again"


class Folder:
    """A staging folder in which all tiles are: its run was killed before it wrote the mock."""

    def __init__(self, scratch):
        self.scratch, self.output = scratch, scratch / "mock.hdf5"
        self.staging, self.kept = pathlib.Path(f"{self.output}.staging"), scratch / "kept"
        self.settings = [*LAW, f"input.path={write_catalog(scratch / 'halos.list', *small_catalog())}"]
        for attempt in range(30):
            if self.killed_in_assembly():
                break
        shutil.copytree(self.staging, self.kept)
        expect(len(list(self.kept.glob("tile_*"))) == 8, "no run was killed between its last tile and its mock")
        self.reference = scratch / "reference.hdf5"
        done = run(1, "paint", "config/demo.yaml", *sets([*self.settings, f"output.path={self.reference}"]))
        expect(done.returncode == 0, done.stderr)

    def killed_in_assembly(self):
        """Kills a run as soon as it has recorded its last tile; whether it was quick enough."""
        for left in (self.output, pathlib.Path(f"{self.output}.json")):
            left.unlink(missing_ok=True)
        shutil.rmtree(self.staging, ignore_errors=True)
        process = subprocess.Popen(command(0, ["paint", "config/demo.yaml", *sets([*self.settings, f"output.path={self.output}"])]), cwd=ROOT,
                                   env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ledger = self.staging / "ledger.0.jsonl"
        while process.poll() is None and not (ledger.exists() and ledger.read_text().count("\n") >= 8):
            time.sleep(0.0005)
        process.kill()
        process.wait()
        return not self.output.exists() and ledger.exists() and ledger.read_text().count("\n") == 8

    def paint(self, ranks, *settings, options=()):
        return run(ranks, "paint", "config/demo.yaml", *sets([*self.settings, f"output.path={self.output}", *settings]), *options)

    def after(self, change, *settings, ranks=1, code=0, says="", error=""):
        """The next run after `change` was made in the folder."""
        for left in (self.output, pathlib.Path(f"{self.output}.json")):
            left.unlink(missing_ok=True)
        shutil.rmtree(self.staging, ignore_errors=True)
        shutil.copytree(self.kept, self.staging, symlinks=True)
        change(self.staging)
        done = self.paint(ranks, *settings)
        where = f"{change.__name__} {settings}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        expect(done.returncode == code and says in done.stdout and error in done.stderr, where)
        if code == 0:
            compare(self.reference, self.output, "--exact")
        return done


def nothing(folder):
    pass


def replaced(name, old, new):
    def change(folder):
        text = (folder / name).read_text()
        expect(old in text, f"{name} has no {old}")
        (folder / name).write_text(text.replace(old, new, 1))
    change.__name__ = f"{name}: {old} -> {new}"
    return change


def ledger_is_a_folder(folder):
    (folder / "ledger.7.jsonl").mkdir()


def ledger_is_a_dangling_link(folder):
    (folder / "ledger.7.jsonl").symlink_to("nowhere")


def identity_is_a_folder(folder):
    os.remove(folder / "identity.json")
    (folder / "identity.json").mkdir()


def inputs_is_a_folder(folder):
    os.remove(folder / "inputs.json")
    (folder / "inputs.json").mkdir()


def backup_of_a_ledger(folder):
    (folder / "ledger.0.jsonl~").write_text("{")


def tile_is_damaged(folder):
    with open(folder / "tile_000003.bin", "r+b") as file:
        file.seek(100)
        file.write(b"damage")


def main():
    with Scratch() as scratch:
        folder = Folder(scratch)
        for ranks in (1, 3):
            folder.after(nothing, ranks=ranks, says=NOT_READ)
        for change in (replaced("plan.json", '\\"vx\\"', '\\"wx\\"'), replaced("plan.json", "omega_m", "omega_n"),
                       replaced("inputs.json", '"bytes":', '"bytes":"x", "b":'), inputs_is_a_folder,
                       ledger_is_a_dangling_link, backup_of_a_ledger):
            done = folder.after(change)
            expect(NOT_READ not in done.stdout or "plan" not in change.__name__, f"{change.__name__}: a damaged plan was believed")
        sha = json.loads((folder.kept / "inputs.json").read_text())["sha256"]
        folder.after(replaced("inputs.json", sha, sha[::-1]), says=NOT_READ)
        folder.after(tile_is_damaged, says="tile 3 is damaged on disk and is painted again")
        folder.after(identity_is_a_folder, code=3, error="identity.json: is damaged")
        folder.after(ledger_is_a_folder, says="galaxies in")
        print("damaged and odd entries: named, painted anew or passed over")

        summary = pathlib.Path(f"{folder.output}.json")
        for lost, says in ((False, "nothing to do"), (True, NOT_READ)):
            folder.after(nothing)
            shutil.copytree(folder.kept, folder.staging)
            if lost:
                summary.unlink()
            done = folder.paint(1)
            expect(done.returncode == 0 and says in done.stdout, f"{done.stdout}{done.stderr}")
            compare(folder.reference, folder.output, "--exact")
            expect(summary.exists() and not folder.staging.exists(), "a run that was killed after its mock was in place was not cleared up")
        print("killed before or after the summary, the mock in its place: completed, and the tiles go")

        identity = json.loads((folder.kept / "identity.json").read_text())
        other = replaced("identity.json", f'"processor": "{identity["processor"]}"', '"processor": "abacus"')
        folder.after(other, code=2, error="processor is abacus there")
        folder.after(other, "output.accept=[threads]", code=2, error="allow it by output.accept")
        folder.after(other, "output.accept=[processor]", says="the tiles were not all painted alike")
        said = json.loads(pathlib.Path(f"{folder.output}.json").read_text())["warnings"]
        expect(any("processor is abacus there" in warning for warning in said), f"the mock does not say so: {said}")
        print("tiles of another processor: refused, or accepted and said")

        precious = scratch / "precious.txt"
        precious.write_text("precious")
        for setting, named in (("limits.stop_file=../precious.txt", "limits.stop_file"), (f"limits.stop_file={precious}", "limits.stop_file"),
                               ("limits.stop_file=tile_000002.bin", "limits.stop_file"), ("limits.stop_file=", "limits.stop_file"),
                               ("output.hints={cb_nodes: 0}", "output.hints"), ("output.hints={striping_unit: 4 MiB}", "output.hints"),
                               ("output.alignment=1000000000000", "output.alignment"), ("output.accept=[seed]", "output.accept")):
            folder.after(nothing, setting, code=2, error=named)
        expect(precious.read_text() == "precious", "a file of the user is gone")


main()
