"""Catalogs made of the demo catalog."""
import h5py
import numpy as np

from runner import CATALOG, expect, run, sets


def replicated(source, target, times, torn=False):
    """The catalog `times` over along each axis, whole groups; `torn`: one satellite is moved 100 Mpc/h from its host."""
    with h5py.File(source) as one, h5py.File(target, "w") as many:
        for name in one:
            if name != "data":
                one.copy(name, many)
        box = one["provenance/simulation"].attrs["box"][:]
        data = {name: column[:] for name, column in one["data"].items()}
        step = int(data["id"].max()) + 1
        # Groups across the box's edge in one piece.
        row = {halo: i for i, halo in enumerate(data["id"])}
        host = np.arange(len(row))
        while np.any(data["parent_id"][host] >= 0):
            host = np.array([row[data["parent_id"][h]] if data["parent_id"][h] >= 0 else h for h in host])
        for axis, name in enumerate("xyz"):
            centre = data[name][host]
            data[name] = data[name] - box[axis] * np.round((data[name] - centre) / box[axis])
        shifts = [(i, j, k) for i in range(times) for j in range(times) for k in range(times)]
        group = many.create_group("data", track_order=True)
        for name, values in data.items():
            parts = []
            for r, shift in enumerate(shifts):
                part = values
                if name in ("id", "parent_id"):
                    part = np.where(values >= 0, values + r * step, values)
                if name in "xyz":
                    axis = "xyz".index(name)
                    part = np.mod(values + box[axis] * shift[axis], times * box[axis])
                parts.append(part)
            column = np.concatenate(parts)
            if torn and name == "x":
                satellite = np.flatnonzero(np.tile(data["parent_id"], len(shifts)) >= 0)[0]
                column[satellite] = np.mod(column[satellite] + 100, times * box[0])
            made = group.create_dataset(name, data=column)
            made.attrs.update(one["data"][name].attrs)
        many["provenance/simulation"].attrs["box"] = times * box
        many["header/file"].attrs["region_p2"] = times * box
    return target


def with_cluster(path, members):
    """The heaviest host of an HDF5 catalog gets so many satellites, copies of other subhalos moved around it."""
    draw = np.random.default_rng(1)
    with h5py.File(path, "r+") as file:
        data = file["data"]
        box = file["provenance/simulation"].attrs["box"][:]
        ids, parent, mass = (data[name][:] for name in ("id", "parent_id", "mass"))
        host = np.flatnonzero(parent < 0)[np.argmax(mass[parent < 0])]
        subhalos = np.flatnonzero(parent >= 0)
        rows = subhalos[np.arange(members) % len(subhalos)]
        for name in list(data):
            values, attributes = data[name][:], dict(data[name].attrs)
            more = values[rows]
            if name == "id":
                more = ids.max() + 1 + np.arange(members)
            elif name == "parent_id":
                more = np.full(members, ids[host])
            elif name in "xyz":
                more = np.mod(values[host] + 0.6 * draw.normal(size=members), box["xyz".index(name)])
            del data[name]
            data.create_dataset(name, data=np.concatenate([values, more.astype(values.dtype)])).attrs.update(attributes)
    return path


def converted(scratch):
    """The demo catalog in our own format."""
    path = scratch / "demo.hdf5"
    done = run(1, "convert", "config/demo.yaml", *sets([f"input.path={CATALOG}", "convert.kind=halos", f"convert.path={path}"]))
    expect(done.returncode == 0, done.stderr)
    return path
