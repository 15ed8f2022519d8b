"""halobrush align --in-place: the same bits as a copy has, on any ranks; killed at any moment the same command goes on; --restore gives the file back byte for
byte; a file is never aligned twice."""
import contextlib
import hashlib
import random
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np

from diffsky_mock import mock
from runner import ENVIRONMENT, ROOT, Scratch, command, expect, sets, small_disk

ENDING = ".before-align"


def words(*arguments, ranks=1, settings=()):
    return command(ranks if ranks > 1 else 0, ["align", *arguments, *sets(settings)])


def align(*arguments, ranks=1, settings=(), code=0, says=""):
    done = subprocess.run(words(*arguments, ranks=ranks, settings=settings), cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    said = done.stdout + done.stderr
    expect(done.returncode == code and says in said, f"exit code {done.returncode}, wanted {code} and '{says}':\n{said}")
    return said


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def backup_of(path):
    return path.with_name(path.name + ENDING)


def state_of(path):
    """Of the backup: none, empty, unfinished, finished: a page of text, then records: checksum, number of the page, page."""
    if not backup_of(path).exists():
        return "none"
    records = backup_of(path).read_bytes()[4096:]
    if records and len(records) % 4112 == 0 and records[-4104:-4096] == b"\xff" * 8:
        return "finished"
    return "unfinished" if len(records) >= 4112 else "empty"


def is_as_before(path, before):
    expect(sha256(path) == before and not backup_of(path).is_symlink() and not backup_of(path).exists(), f"{path} is not as it was before, or its backup is still there")


def everything(path):
    """All values and attributes."""
    found = {}
    def look(name, item):
        values = (item.dtype.str, item.shape, item[()].tobytes()) if isinstance(item, h5py.Dataset) else ()
        found[name] = values, sorted((k, str(v)) for k, v in item.attrs.items())
    with h5py.File(path) as file:
        file.visititems(look)
    return found


def same_as_copy(path, copy):
    a, b = everything(path), everything(copy)
    for found in (a, b):
        found["halobrush"] = [(k, v) for k, v in found["halobrush"][1] if k != "original"]
    expect(a == b, f"{path} and {copy} differ: {[name for name in a.keys() | b.keys() if a.get(name) != b.get(name)]}")


def stored_otherwise(source, path, libver=None, chunk=None):
    """The same columns in compressed chunks, or in one piece."""
    with h5py.File(source) as old, h5py.File(path, "w", libver=libver) as new:
        for name, column in old["data"].items():
            storage = {"compression": "gzip", "chunks": (chunk, *column.shape[1:])} if chunk else {}
            made = new.create_dataset(f"data/{name}", data=column[()], **storage)
            made.attrs.update(column.attrs)
    return path


def wrong_options(good, folder):
    for options, says in ((), "give one of --out"), (("--in-place", "--out", folder), "give one of --out"), (("--in-place", "--overwrite"), "--overwrite"), (("--restore", "--backup", folder), "--backup"):
        align(good, *options, code=2, says=says)
    align(good, good, "--in-place", code=2, says="give it once")


def as_copies(originals, scratch):
    """One rank and three, a second time, with other settings, and back."""
    align(*originals, "--out", scratch / "copies")
    for ranks in (1, 3):
        folder = scratch / f"ranks{ranks}"
        folder.mkdir()
        files = [shutil.copy(file, folder / file.name) for file in originals]
        said = align(*files, "--in-place", ranks=ranks)
        expect(said.count("columns are as they were") == len(files), said)
        for file in files:
            same_as_copy(file, scratch / "copies" / file.name)
    changed = [sha256(file) for file in files]
    align(*files, "--in-place", ranks=3, says=f"{len(files)} catalogs, {len(files)} of them done before")
    align(*files, "--in-place", settings=["seed=7"], code=2, says="--restore")
    align(files[0], "--out", scratch / "never", code=3, says="was aligned already")
    expect([sha256(file) for file in files] == changed, "a file was changed by a run that had nothing to do")
    align(*files[:2], "--restore", ranks=2, says="byte for byte")
    align(*files, "--restore", says="2 of them done before")
    for file, original in zip(files, originals):
        is_as_before(file, sha256(original))
    print("in place: the bits of copies, on 1 and 3 ranks; once only; back byte for byte")


def backups(original, scratch):
    """In a folder of their own; gone; of a file that was changed since; where the file is a link."""
    folder, disk = scratch / "here", scratch / "disk"
    folder.mkdir()
    file, link, before = shutil.copy(original, folder / original.name), scratch / "link.hdf5", sha256(original)
    link.symlink_to(file)
    align(link, "--in-place", "--backup", disk)
    expect(backup_of(file).is_symlink() and (disk / backup_of(file).name).is_file(), "the backup is not where it should be")
    (disk / backup_of(file).name).rename(disk / "away")
    align(file, "--restore", code=5, says="leads to")
    (disk / "away").rename(disk / backup_of(file).name)
    align(file, "--restore", says="byte for byte")
    is_as_before(file, before)
    expect(not list(disk.iterdir()), "a backup was left")

    align(file, "--in-place")
    with h5py.File(file, "r+") as opened:
        opened["data/lsst_i"][0] += 1
    changed = sha256(file)
    align(file, "--restore", code=3, says="would lose what was changed since")
    expect(sha256(file) == changed, "a refused file was changed")
    backup_of(file).unlink()
    align(file, "--restore", code=2, says="there is no")
    align(file, "--in-place", says="1 of them done before")
    align(file, "--in-place", settings=["seed=7"], code=2, says="its backup is gone")


def failures(original, scratch):
    """What cannot be aligned stays as it is: a wrong row far behind, a file that is open elsewhere, a disk without room."""
    bad = shutil.copy(original, scratch / "bad.hdf5")
    with h5py.File(bad, "r+") as opened:
        opened["data/logsm_obs"][-1] = np.nan
    before = sha256(bad)
    align(bad, "--in-place", code=3, says="logsm_obs is nan")
    is_as_before(bad, before)
    good = shutil.copy(original, scratch / "good.hdf5")
    with h5py.File(good):
        align(good, "--in-place", code=5, says="has it open")
    is_as_before(good, sha256(original))
    with small_disk(scratch / "small", good.stat().st_size * 5 // 4) as disk:
        if disk:
            shutil.copy(good, disk / "good.hdf5")
            align(disk / "good.hdf5", "--in-place", code=5, says="are needed")
            is_as_before(disk / "good.hdf5", sha256(original))


def start(*arguments, settings=()):
    return subprocess.Popen(words(*arguments, settings=settings), cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for_backup(job, file, least_bytes=0, after_ns=0):
    """Not for one that an earlier run left."""
    while job.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            found = backup_of(file).stat()
            if found.st_size >= least_bytes and found.st_mtime_ns > after_ns:
                return
        time.sleep(0.0005)


def kill_at_random(draw, file, seconds, options=("--in-place",), settings=(), least_bytes=0):
    """Within so many seconds from the time when the backup has so many bytes; in a run that restores, from its start."""
    began = time.time_ns()
    job = start(file, *options, settings=settings)
    if options == ("--in-place",):
        wait_for_backup(job, file, least_bytes, began)
    time.sleep(draw.uniform(0, seconds))
    job.kill()
    return job.wait() == -signal.SIGKILL


def killed(originals, scratch, kills):
    """Early types are told by a column that is replaced: what a second run draws with must be the old values."""
    settings, draw, runs, torn = ["align.early=ellipticity_disk > 0.5"], random.Random(5), 0, 0
    for original in originals:
        before = sha256(original)
        align(original, "--out", scratch / "whole", settings=settings)
        file = shutil.copy(original, scratch / f"killed-{original.name}")
        job = start(file, "--in-place", settings=settings)
        wait_for_backup(job, file)
        began = time.monotonic()
        while job.poll() is None and state_of(file) != "finished":
            time.sleep(0.002)
        seconds = time.monotonic() - began
        expect(job.wait() == 0, "a run that was not killed failed")
        align(file, "--restore")
        k, torn_before = 0, torn
        while k < kills or (torn == torn_before and k < 40):  # from the beginning; where pages are being overwritten
            if state_of(file) == "finished":
                align(file, "--restore")
            window = {"seconds": 1.1 * seconds} if k % 2 == 0 else {"seconds": 0.2 * seconds, "least_bytes": 5000}
            kill_at_random(draw, file, settings=settings, **window)
            torn += state_of(file) == "unfinished" and sha256(file) != before
            k, runs = k + 1, runs + 1
        if backup_of(file).exists():  # of what is left to be put back
            kill_at_random(draw, file, seconds, options=("--restore",))
        align(file, "--in-place", settings=settings)
        same_as_copy(file, scratch / "whole" / original.name)
        align(file, "--restore")
        is_as_before(file, before)
    print(f"{runs} runs were killed, {torn} of them in the middle of a file: the same bits in the end, and back byte for byte")
    expect(torn >= len(originals), "no kill came in the middle of a file")


def half_changed(original, scratch):
    """Until the run goes on, nothing takes the file for a catalog of its own; a run may be undone, too."""
    file = shutil.copy(original, scratch / "half.hdf5")
    while state_of(file) != "unfinished":
        align(file, "--restore")
        job = start(file, "--in-place")
        while job.poll() is None and state_of(file) in ("none", "empty"):
            pass
        job.kill()
        job.wait()
    align(file, "--out", scratch / "never", code=3, says="has not ended")
    for word in ("info", "check", "checksum"):
        done = subprocess.run(command(0, [word, file]), cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
        expect(done.returncode != 0 and "has not ended" in done.stdout + done.stderr, f"{word}: {done.returncode} {done.stdout}{done.stderr}")
    align(file, "--restore", says="byte for byte")
    is_as_before(file, sha256(original))


def asked_to_stop(original, scratch):
    files = [shutil.copy(original, scratch / f"stop{k}.hdf5") for k in range(3)]
    job = start(*files, "--in-place")
    while job.poll() is None and not any(backup_of(file).exists() for file in files):
        time.sleep(0.002)
    job.send_signal(signal.SIGTERM)
    expect(job.wait() == 75, f"exit code {job.returncode} after SIGTERM")
    align(*files, "--in-place", says="of them done before")
    align(*files, "--restore")


def main():
    with Scratch() as scratch:
        small = [mock(scratch / "lc_cores-400.1.diffsky_gals.hdf5", 3000, seed=1), mock(scratch / "lc_cores-400.2.diffsky_gals.hdf5", 700, seed=2),
                 mock(scratch / "lc_cores-400.1.diffsky_gals.synthetic_halos.hdf5", 800, synthetic=True, seed=3)]
        wrong_options(small[0], scratch / "never")
        as_copies(small, scratch)
        backups(small[0], scratch)
        failures(small[0], scratch)
        asked_to_stop(small[0], scratch)
        large = mock(scratch / "large.hdf5", 60000, seed=6)
        half_changed(large, scratch)
        killed([large, stored_otherwise(small[0], scratch / "compressed.hdf5", chunk=500), stored_otherwise(small[0], scratch / "v110.hdf5", libver=("v110", "v110"))], scratch, 4)


main()
