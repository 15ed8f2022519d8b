"""What a run may write and when: outputs that are inputs, folders or other files are refused before any work; a finished mock of another
configuration is replaced on request only; two runs never share an output; a signal at any time ends in exit code 75 or a whole result;
--dry-run's ghost fraction is that of the run."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import h5py
from runner import ENVIRONMENT, ROOT, Scratch, command, compare, expect, paint, run, sets, small_catalog, write_catalog

CONFIG, DATA, IO, STOPPED = 2, 3, 5, 75
LAW = ["painter.kind=analytic", "painter.model=", "field.mesh=32", "field.smoothing=[8]"]
SLOW = ["domain.tiles=[40,1,1]", "painter.steps=64", "field.mesh=32"]  # the demo model, long enough to be met at work
TRAIN = ["train.steps=100000", "train.interval=50", "train.checkpoint_interval=100000", "train.batch=256", "train.noise_draws=1",
         "train.denoiser_width=8", "train.encoder_width=8", "train.channels=4", "field.mesh=32"]


def started(ranks, arguments):
    return subprocess.Popen(command(ranks, arguments), cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ranks_of(launcher):
    """Process ids of the program under one mpirun."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if f"\nPPid:\t{launcher}\n" in (entry / "status").read_text() and b"halobrush" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_for(path, process, seconds=60):
    deadline = time.time() + seconds
    while not pathlib.Path(path).exists() and process.poll() is None and time.time() < deadline:
        time.sleep(0.002)


def ended(process):
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess([], process.returncode, out, err)


def refused(name, code, texts, ranks, *arguments):
    done = run(ranks, *arguments, timeout=60)
    lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
    expect(done.returncode == code and len(lines) == 1, f"{name} on {ranks} ranks: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    for text in texts:
        expect(text in lines[0], f"{name} on {ranks} ranks: '{text}' is not said: {lines[0]}")
    return lines[0]


def painting(folder, *settings):
    return ["paint", "config/demo.yaml", *sets([f"input.path={folder}/halos.list", *LAW, *settings])]


def outputs(folder):
    """Everything that is there stays as it was."""
    halos, config = folder / "halos.list", folder / "my.yaml"
    config.write_text("seed: 1\n")
    (folder / "thesis.tex").write_text("years of work")
    (folder / "some_folder").mkdir()
    model = shutil.copy(ROOT / "models/demo.safetensors", folder / "model.safetensors")
    truth = folder / "truth.hdf5"
    paint(1, truth, f"input.path={halos}", *LAW)
    set_of = lambda *s: sets([f"input.path={halos}", *LAW, *s])
    train = lambda *s: ["train", "config/demo-train.yaml", *sets([f"input.path={halos}", f"train.catalog={truth}", *s])]
    cases = [
        ("the input", CONFIG, ["output.path", "is input.path"], painting(folder, f"output.path={halos}")),
        ("the configuration", CONFIG, ["is the configuration"], ["paint", config, *set_of(f"output.path={config}")]),
        ("the model", CONFIG, ["is painter.model"], painting(folder, f"painter.model={model}", f"output.path={model}")),
        ("another file", CONFIG, ["thesis.tex", "is no mock"], painting(folder, f"output.path={folder}/thesis.tex") + ["--overwrite"]),
        ("a folder", CONFIG, ["some_folder is a folder"], painting(folder, f"output.path={folder}/some_folder")),
        ("staging that is a file", CONFIG, ["output.staging", "is a file"], painting(folder, f"output.path={folder}/m.hdf5", f"output.staging={halos}")),
        ("dry run into a folder", CONFIG, ["is a folder"], painting(folder, f"output.path={folder}/some_folder") + ["--dry-run"]),
        ("a model that is the catalog", CONFIG, ["train.model", "is train.catalog"], train(f"train.model={truth}")),
        ("a model that is a folder", CONFIG, ["some_folder is a folder"], train(f"train.model={folder}/some_folder")),
        ("a model in no folder", IO, ["create the folder"], train(f"train.model={folder}/none/m.safetensors")),
        ("a checkpoint that is the catalog", CONFIG, ["train.checkpoint", "is train.catalog"], train(f"train.model={folder}/m.safetensors", f"train.checkpoint={truth}")),
        ("no catalog", CONFIG, ["train.catalog: is not given"], train("train.catalog=", f"train.model={folder}/m.safetensors")),
        ("a catalog converted into itself", CONFIG, ["convert.path", "is input.path"], ["convert", "config/demo.yaml", *sets([f"input.path={halos}", "convert.kind=halos", f"convert.path={halos}"])]),
        ("a catalog converted into a mock", CONFIG, ["is no converted catalog"], ["convert", "config/demo.yaml", *sets([f"input.path={halos}", "convert.kind=halos", f"convert.path={truth}"])]),
        ("densities into the catalog", CONFIG, ["--out", "the catalog"], ["loglike", "analytic", truth, "--out", truth]),
        ("an evaluation into a file", CONFIG, ["--out", "is a file"], ["evaluate", "analytic", truth, "--out", halos]),
    ]
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for k, (name, code, texts, arguments) in enumerate(cases):
        line = refused(name, code, texts, 0, *arguments)
        if k in (0, 8):
            expect(refused(name, code, texts, 3, *arguments) == line, f"{name}: not the same line on 3 ranks")
        print(f"{name}: {line}")
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    expect(before == after, f"changed: {[name for name in {**before, **after} if before.get(name) != after.get(name)]}")


def replaced_on_request_only(folder):
    mock, other = folder / "mock.hdf5", folder / "other_seed.hdf5"
    changed = painting(folder, f"output.path={mock}", "seed=2", "domain.tiles=[3,1,1]")
    paint(3, mock, f"input.path={folder}/halos.list", *LAW)
    paint(0, other, f"input.path={folder}/halos.list", *LAW, "seed=2", "domain.tiles=[3,1,1]")
    before = mock.read_bytes()
    for ranks in (0, 3):
        print(refused("another configuration", CONFIG, ["seed is 1 there and 2 here", "domain.tiles", "--overwrite"], ranks, *changed))
    expect(mock.read_bytes() == before, "the mock was changed")
    expect(run(0, *changed, "--overwrite").returncode == 0, "--overwrite does not replace a mock")
    print(compare(mock, other, "--exact"))
    again = run(0, *changed, "--overwrite")
    expect(again.returncode == 0 and "nothing to do" in again.stdout, "--overwrite paints a finished mock again")

    with h5py.File(mock, "r+") as file:
        del file["provenance"].attrs["complete"]
    print(refused("a damaged mock", DATA, [str(mock), "is damaged", "--overwrite"], 2, *changed))
    refused("info of a damaged mock", DATA, ["is damaged"], 0, "info", mock)
    expect(run(0, *changed, "--overwrite").returncode == 0, "--overwrite does not replace a damaged mock")
    print(compare(mock, other, "--exact"))

    link = folder / "link.hdf5"
    link.symlink_to("target.hdf5")
    paint(2, link, f"input.path={folder}/halos.list", *LAW, "seed=2", "domain.tiles=[3,1,1]")
    expect(link.is_symlink() and (folder / "target.hdf5").is_file(), "the link was replaced")
    print("through a link:", compare(folder / "target.hdf5", other, "--exact"))


def one_at_a_time(folder, reference):
    mock = folder / "locked.hdf5"
    lock = pathlib.Path(f"{mock}.lock")
    arguments = ["paint", "config/demo.yaml", *sets([f"input.path={folder}/halos.list", *SLOW, f"output.path={mock}"])]
    elsewhere = ["paint", "config/demo.yaml", *sets([f"input.path={folder}/halos.list", *SLOW, f"output.path={folder}/elsewhere.hdf5",
                                                     f"output.staging={mock}.staging", "seed=2"])]
    for ranks in (1, 3):
        first = started(ranks, arguments)
        wait_for(f"{mock}.staging.lock", first)
        pids = ranks_of(first.pid)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)  # so that the second one meets it
        print(refused("a second run", IO, ["output.path", "another run is at work", "host ", "process "], 4 - ranks, *arguments))
        print(refused("a run that shares the tiles", IO, ["output.staging", "another run is at work"], 0, *elsewhere))
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        first = ended(first)
        expect(first.returncode == 0 and not lock.exists(), f"the first run: {first.returncode}\n{first.stderr}")
        print(compare(mock, reference, "--exact"))
        mock.unlink()

    process = started(0, arguments)
    wait_for(f"{mock}.staging/tile_000003.bin", process)
    process.kill()
    ended(process)
    expect(lock.exists(), "a killed run left no lock")
    done = run(2, *arguments)
    expect(done.returncode == 0 and "a run ended without a word" in done.stdout, f"after a killed run: {done.returncode}\n{done.stdout}{done.stderr}")
    print("after a killed run:", compare(mock, reference, "--exact"))
    mock.unlink()
    lock.write_text("host: nowhere\nprocess: 1\nprocess_start: 1\nsince: then\n")
    print(refused("a run on another host", IO, ["host nowhere", str(lock)], 2, *arguments))
    os.utime(lock, (time.time() - 3600,) * 2)
    expect(run(0, *arguments).returncode == 0, "a lock without a sign of life lasts")
    for foreign, code in ((lock, IO), (pathlib.Path(f"{folder}/mine.hdf5.partial"), CONFIG)):
        foreign.write_text("mine\n")
        at = ["--set", f"output.path={str(foreign).rsplit('.', 1)[0]}", "--overwrite"]
        print(refused(f"a file of somebody else at {foreign.name}", code, [str(foreign), "not of halobrush" if code == CONFIG else "no lock of halobrush"], 2, *arguments, *at))
        expect(foreign.read_text() == "mine\n", f"{foreign} was changed")
        foreign.unlink()


def stopped_or_whole(name, done):
    expect(done.returncode in (0, STOPPED), f"{name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    expect((done.returncode == STOPPED) == ("stopped" in done.stdout + done.stderr), f"{name}: the stop is not said\n{done.stdout}{done.stderr}")
    expect("error" not in done.stderr, f"{name}: {done.stderr}")
    return done.returncode


def signals(folder, reference):
    """Before the first tile and while the mock is assembled; between tiles: stopping.py."""
    codes, tiles = [], ".staging/tile_000039.bin"
    # mpirun passes SIGUSR1 on; at the others it ends the ranks itself.
    for ranks, sign, meets in ((0, signal.SIGUSR1, ".lock"), (0, signal.SIGINT, ".staging"), (0, signal.SIGTERM, tiles), (0, signal.SIGUSR1, ".partial"),
                               (3, signal.SIGUSR1, ".lock"), (3, signal.SIGUSR1, ".partial")):
        mock, name = folder / "signalled.hdf5", f"{sign.name} at {meets} on {ranks} ranks"
        arguments = ["paint", "config/demo.yaml", *sets([f"input.path={folder}/halos.list", *SLOW, f"output.path={mock}"])]
        process = started(ranks, arguments)
        wait_for(f"{mock}{meets}", process)
        process.send_signal(sign)
        codes.append(stopped_or_whole(name, ended(process)))
        expect(run(0, *arguments).returncode == 0, f"{name}: the run does not go on")
        compare(mock, reference, "--exact")
        left = sorted(path.name for path in folder.glob("signalled*"))
        expect(left == ["signalled.hdf5", "signalled.hdf5.json"], f"{name}: left behind: {left}")
        mock.unlink()
    expect(STOPPED in codes, f"no run was stopped: {codes}")
    print("signals:", codes)


def train_and_convert(folder):
    model = folder / "stopped.safetensors"
    settings = [f"input.path={folder}/halos.list", f"train.catalog={folder}/truth.hdf5", *TRAIN]
    train = ["train", "config/demo-train.yaml", *sets([*settings, f"train.model={model}"])]
    process = started(0, train)
    wait_for(f"{model}.lock", process)
    process.send_signal(signal.SIGUSR1)
    done = ended(process)
    expect(stopped_or_whole("train before its first step", done) == STOPPED, "train was not stopped")
    for ranks in (0, 2):
        pathlib.Path(f"{model}.losses.csv").unlink(missing_ok=True)
        process = started(ranks, train)
        wait_for(f"{model}.losses.csv", process)
        time.sleep(1)
        process.send_signal(signal.SIGUSR1)
        done = ended(process)
        expect(stopped_or_whole("train", done) == STOPPED and not model.exists(), f"train on {ranks} ranks was not stopped: {done.stdout}{done.stderr}")
        print(done.stdout.strip().splitlines()[-1])
    step = int(re.search(r"checkpoint holds step (\d+)", done.stdout).group(1))
    short = [f"train.steps={step + 20}", f"train.interval={step + 20}"]
    expect("goes on from step" in done.stdout, "the second run did not go on")
    one, two = folder / "one.safetensors", folder / "two.safetensors"
    late = run(0, "train", "config/demo-train.yaml", *sets([*settings, *short, f"train.model={two}", "limits.wall_time=0.001", "limits.margin=0"]))
    expect(late.returncode == STOPPED and "limits.wall_time" in late.stderr, f"limits.wall_time: {late.returncode} {late.stderr}")
    for path in (one, two):
        done = run(0, "train", "config/demo-train.yaml", *sets([*settings, *short, f"train.model={path}"]))
        expect(done.returncode == 0, done.stderr)
    raw = [path.read_bytes() for path in (one, two)]
    weights = [data[8 + int.from_bytes(data[:8], "little"):] for data in raw]
    expect(weights[0] == weights[1], "a stopped training gives other weights than one that was not stopped")

    catalog = folder / "converted.hdf5"
    convert = ["convert", "config/demo.yaml", *sets([f"input.path={ROOT}/data/demo/rockstar_z0_pid.list.gz", "convert.kind=halos", f"convert.path={catalog}"])]
    for meets in (".lock", ".partial"):
        process = started(0, convert)
        wait_for(f"{catalog}{meets}", process)
        process.send_signal(signal.SIGTERM)
        stopped_or_whole(f"convert at {meets}", ended(process))
        expect(sorted(p.name for p in folder.glob("converted*")) in ([], ["converted.hdf5"]), list(folder.glob("converted*")))
    expect(run(0, *convert).returncode == 0, "convert again")


def ghost_fraction(folder):
    for tiles, width in (("[2,2,2]", 60), ("[4,4,4]", 15)):
        mock = folder / "ghosts.hdf5"
        settings = [*LAW, f"domain.tiles={tiles}", f"domain.ghost_width={width}", f"output.path={mock}"]
        dry = run(0, "paint", "config/demo.yaml", "--dry-run", *sets(settings))
        expect(dry.returncode == 0, dry.stderr)
        said = float(re.search(r"ghost fraction about ([\d.]+)", dry.stdout).group(1))
        expect(run(2, "paint", "config/demo.yaml", *sets(settings), "--overwrite").returncode == 0, "painting with ghosts")
        found = json.loads(pathlib.Path(f"{mock}.json").read_text())["ghost_fraction"]
        print(f"ghosts: tiles {tiles}, width {width}: {said} said, {found:.2f} found")
        expect(abs(said - found) <= 0.06 * found, f"ghost fraction of tiles {tiles}: --dry-run says {said}, the run {found}")


def main():
    with Scratch() as folder:
        halos = write_catalog(folder / "halos.list", *small_catalog())
        outputs(folder)
        replaced_on_request_only(folder)
        reference = folder / "reference.hdf5"
        paint(2, reference, f"input.path={halos}", *SLOW)
        one_at_a_time(folder, reference)
        signals(folder, reference)
        train_and_convert(folder)
        ghost_fraction(folder)


main()
