"""A mock galaxy catalog as columns with units."""
import numpy as np

from halobrush.tables import BadTable, box_of, offsets, open_table, rows_of, stack


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


class Mock:
    """The galaxies of a file that halobrush paint or convert wrote. A column is read when it is first asked for.

    names               the columns
    mock["x"]           the values of a column, one for each galaxy
    len(mock)           the number of galaxies
    box                 the sides of the periodic box [3] in comoving Mpc/h, or None where the file does not say
    redshift            of the snapshot, or None
    cosmology           {name: number}: h, omega_m, omega_b, omega_l, sigma_8 and others that the file states
    """

    def __init__(self, path, rows=None):
        """rows: which rows of the file, as numbers; all of them where it is None."""
        self.path, self._rows, self._columns = path, rows, {}
        with open_table(path) as file:
            data = file["data"]
            self.names = [name for name, item in data.items() if hasattr(item, "shape")]
            self._units = {name: text(data[name].attrs.get("unit", "")) for name in self.names}
            self._descriptions = {name: text(data[name].attrs.get("description", "")) for name in self.names}
            self._size = (data[self.names[0]].shape[0] if self.names else 0) if rows is None else len(rows)
            self.box = box_of(file)
            header = file["header/file"].attrs if "header/file" in file else {}
            self.redshift = float(header["redshift"]) if "redshift" in header else None
            cosmology = "header/simulation/cosmology"
            self.cosmology = {name: float(value) for name, value in file[cosmology].attrs.items()} if cosmology in file else {}

    def __len__(self):
        return self._size

    def __contains__(self, name):
        return name in self._units

    def __repr__(self):
        return f"<Mock {self.path}: {len(self)} galaxies, {len(self.names)} columns>"

    def _known(self, name):
        if name not in self:
            raise KeyError(f"{self.path}: has no column '{name}'; it has {', '.join(self.names)}")
        return name

    def __getitem__(self, name):
        if name not in self._columns:
            self._known(name)
            with open_table(self.path) as file:
                values = file["data"][name][()]
            self._columns[name] = values if self._rows is None else values[self._rows]
        return self._columns[name]

    def unit(self, name):
        """The unit of a column as the file states it, such as "comoving Mpc/h" or "dex(Msun)"; empty for a number without one."""
        return self._units[self._known(name)]

    def description(self, name):
        """What a column is, in the words of the file."""
        return self._descriptions[self._known(name)]

    def vectors(self, name):
        """Three columns NAME_x, NAME_y, NAME_z side by side [n,3], in their unit; "position" (comoving Mpc/h) and "velocity"
        (peculiar, km/s) are x, y, z and vx, vy, vz."""
        columns = {"position": "xyz", "velocity": ("vx", "vy", "vz")}.get(name, [f"{name}_{c}" for c in "xyz"])
        return stack({column: self[column] for column in columns}, columns)

    def select(self, rows):
        """The galaxies of some rows, as a Mock: `rows` is a mask such as mock["is_central"], or numbers."""
        rows = np.asarray(rows)
        if rows.dtype == bool and len(rows) != len(self):
            raise ValueError(f"{self.path}: a mask of {len(rows)} for {len(self)} galaxies")
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        part = Mock(self.path, rows if self._rows is None else self._rows[rows])
        part._columns = {name: values[rows] for name, values in self._columns.items()}
        return part

    def host_rows(self):
        """The row of the galaxy at the centre of each galaxy's host halo, its own for a central; -1 where these galaxies lack it."""
        return rows_of(self["host_halo_id"], self["halo_id"])

    def offsets_from_hosts(self):
        """Positions [n,3] in comoving Mpc/h from the galaxy at the centre of the host halo to the nearest image; NaN where host_rows is -1."""
        host, position = self.host_rows(), self.vectors("position")
        return np.where((host >= 0)[:, None], offsets(position, position[host], self.box), np.nan)


def open_mock(path):
    """Opens the mock at `path` (see Mock). Raises BadTable, with what is wrong in one line, where it is none."""
    mock = Mock(path)
    if lacking := [name for name in ("halo_id", "host_halo_id", "x", "y", "z") if name not in mock]:
        raise BadTable(f"{path}: has no column '{lacking[0]}'; give a mock of halobrush")
    return mock
