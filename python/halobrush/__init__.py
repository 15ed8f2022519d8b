"""Mock galaxy catalogs of halobrush in Python: opened, drawn, compared and judged. See docs/python.md.

    import halobrush
    mock = halobrush.open_mock("mock.hdf5")
    mock["log_stellar_mass"], mock.unit("log_stellar_mass")
"""
from halobrush.mock import Mock, open_mock
from halobrush.tables import BadTable

__version__ = "0.1.0"
__all__ = ["BadTable", "Mock", "open_mock"]
