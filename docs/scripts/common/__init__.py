"""What the scripts of docs/scripts share; they import nothing of each other.

Importing it puts python/ of this checkout on the path, so that the scripts take the package halobrush from there: an environment may have
none, or that of another checkout.
"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "python"))
