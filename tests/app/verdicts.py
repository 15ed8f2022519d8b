"""The verdicts of halobrush validate: another draw of the same law passes against the truth, orientations that are shuffled or half as
aligned fail, satellites turned by 20 degrees fail though pairs do not tell, and so does a catalog with a broken column; the page has its figures, or says why not."""
import html

import numpy as np

from runner import Scratch, expect, paint
from validation import AXES, FAILED, QUICK, changed, columns_of, measured


# ---- wrong mocks ----


def projected(frames, q, s):
    m = np.einsum("nik,nk,njk->nij", frames, np.stack([np.ones_like(q), q**2, s**2], 1), frames)
    norm = m[:, 0, 0] + m[:, 1, 1] + 2 * np.sqrt(np.maximum(m[:, 0, 0] * m[:, 1, 1] - m[:, 0, 1] ** 2, 0))
    return (m[:, 0, 0] - m[:, 1, 1]) / norm, 2 * m[:, 0, 1] / norm


def with_frames(mock, copy, frames, c):
    e1, e2 = projected(frames, c["b_to_a"].astype(float), c["c_to_a"].astype(float))
    axes = {f"galaxy_axis{'ABC'[a]}_{'xyz'[k]}": frames[:, k, a] for a in range(3) for k in range(3)}
    return changed(mock, copy, ellipticity_1=e1, ellipticity_2=e2, **axes)


def frames_of(c):
    return np.stack([c[name] for name in AXES], 1).astype(float).reshape(-1, 3, 3).swapaxes(1, 2)


def random_frames(n, rng):
    q = np.linalg.qr(rng.normal(size=(n, 3, 3)))[0]
    return q * np.sign(np.linalg.det(q))[:, None, None]


def shuffled(mock, copy):
    c, _ = columns_of(mock)
    return with_frames(mock, copy, np.random.default_rng(1).permutation(frames_of(c)), c)


def halved(mock, copy):
    """Half of the galaxies point anywhere, so that the alignment with positions is half of what it was."""
    c, _ = columns_of(mock)
    rng, frames = np.random.default_rng(2), frames_of(c)
    lost = rng.random(len(frames)) < 0.5
    frames[lost] = random_frames(lost.sum(), rng)
    return with_frames(mock, copy, frames, c)


def rotations(axes, angles):
    """[n,3,3] by Rodrigues' formula."""
    cross = np.zeros((len(axes), 3, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        cross[:, i, j], cross[:, j, i] = -axes[:, k], axes[:, k]
    s, c = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    return np.eye(3) + s * cross + (1 - c) * cross @ cross


def satellites_turned(mock, copy):
    """Satellites turned by 20 degrees about random axes: what aligned them is an eighth weaker, which pairs do not tell."""
    c, _ = columns_of(mock)
    rng, frames, satellites = np.random.default_rng(3), frames_of(c), np.flatnonzero(~c["is_central"])
    axes = rng.normal(size=(len(satellites), 3))
    axes /= np.linalg.norm(axes, axis=1)[:, None]
    frames[satellites] = rotations(axes, np.full(len(satellites), np.radians(20))) @ frames[satellites]
    return with_frames(mock, copy, frames, c)


def satellites_torn(mock, copy):
    """Satellites of the same mean cos^2 to their host, but of another distribution: some point at it, the others anywhere."""
    c, box = columns_of(mock)
    rng, frames, satellites = np.random.default_rng(4), frames_of(c), np.flatnonzero(~c["is_central"])
    radial = radial_frames(c, box, rng)[satellites]
    mean = ((frames[satellites][:, :, 0] * radial[:, :, 0]).sum(1) ** 2).mean()
    points = rng.random(len(satellites)) < (mean - 1 / 3) / (1 - 1 / 3)
    frames[satellites] = np.where(points[:, None, None], radial, random_frames(len(satellites), rng))
    return with_frames(mock, copy, frames, c)


def radial_frames(c, box, rng):
    """Right-handed frames whose major axis points at the host."""
    x = np.stack([c[k] for k in "xyz"], 1)
    order = np.argsort(c["halo_id"])
    d = x[order[np.searchsorted(c["halo_id"][order], c["host_halo_id"])]] - x
    d -= box * np.round(d / box)
    q = np.linalg.qr(np.concatenate([d[:, :, None], rng.normal(size=(len(d), 3, 2))], 2))[0]
    return q * np.sign(np.linalg.det(q))[:, None, None]


# ---- verdicts ----


def failures(result):
    return [r["name"] for r in result["requirements"] if not r["pass"]]


def check_verdicts(scratch):
    truth, other = scratch / "truth.hdf5", scratch / "other.hdf5"
    # All halos, as in docs/validation.md: how much is seen of satellites that are turned depends on how many there are.
    paint(2, truth, "input.min_particles=0", config="config/demo-truth.yaml")
    paint(2, other, "seed=202", "input.min_particles=0", config="config/demo-truth.yaml")
    good = measured(2, other, scratch / "good", ["field.mesh=32"], [truth])
    expect(good["pass"] and len(good["requirements"]) > 60, failures(good))
    page = html.unescape((scratch / "good/index.html").read_text())
    expect("direction to the host halo's centre" in page, "the page has no table of misalignments")
    expect(page.count("data:image/png;base64,") >= 8 and "http" not in page.split("<style>")[1], "figures are not in the page")
    print(f"another seed: {len(good['requirements'])} requirements hold")
    for name, wrong in (("shuffled", shuffled), ("halved", halved)):
        bad = measured(1, wrong(other, scratch / f"{name}.hdf5"), scratch / name, QUICK, [truth], code=FAILED)
        lost = failures(bad)
        page = html.unescape((scratch / name / "index.html").read_text())
        failing, folded, figures = (page.index(text) for text in ("<h2>Requirements that do not hold", "requirements that hold</summary>", "<h2>Figures"))
        expect(failing < folded < figures and "FAIL" in page[failing:folded] and "PASS" not in page[failing:folded], "the page does not begin with what does not hold")
        expect(not bad["pass"] and any(n.startswith("ed_A") for n in lost) and any(n.startswith("wgplus") for n in lost), lost)
        print(f"{name}: {len(lost)} requirements fail: {lost[:3]} ...")
    for name, wrong, broken in (("turned", satellites_turned, "p-value"), ("torn", satellites_torn, "KS distance")):
        bad = measured(1, wrong(other, scratch / f"{name}.hdf5"), scratch / name, QUICK, [truth], code=FAILED)
        lost = failures(bad)
        expect(any(n.startswith("misalignment major_host") and n.endswith(broken) for n in lost), f"satellites {name}: {lost}")
        if name == "turned":
            expect(all(n.startswith("misalignment") for n in lost), f"pairs tell already, the test shows nothing of the angles: {lost}")
        print(f"satellites {name}: {len(lost)} requirements fail: {lost[:3]} ...")
    c, _ = columns_of(other)
    left = changed(other, scratch / "left.hdf5", **{f"galaxy_axisC_{k}": -c[f"galaxy_axisC_{k}"] for k in "xyz"})
    ids = changed(other, scratch / "ids.hdf5", galaxy_id=np.where(np.arange(len(c["galaxy_id"])) == 5, c["galaxy_id"][6], c["galaxy_id"]))
    nan = changed(other, scratch / "nan.hdf5", color_gr=np.where(np.arange(len(c["color_gr"])) == 5, np.nan, c["color_gr"]))
    for path, name in ((left, "left-handed"), (ids, "galaxy_id"), (nan, "color_gr: fraction of NaN")):
        bad = measured(1, path, scratch / "broken", [*QUICK, "stats.jackknife=0", "stats.r.max=2", "stats.rp.max=2", "stats.pi_max=2"], code=FAILED)
        expect(len(failures(bad)) == 1 and name in failures(bad)[0], f"{path}: {failures(bad)}")


def main():
    with Scratch() as scratch:
        check_verdicts(scratch)


main()
