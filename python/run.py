"""Runs a command of the package in this folder, which need not be installed: python run.py two_sample TRUTH PAINTED

The first word is a module of the package, the others are its arguments. The programs halobrush validate, evaluate and calibrate draw and
compare through this file, in a checkout and in share/halobrush of an installation.
"""
import pathlib
import runpy
import sys

if len(sys.argv) < 2:
    sys.exit(__doc__)
# Before all other folders: another version of the package may be installed.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
runpy.run_module(f"halobrush.{sys.argv.pop(1)}", run_name="__main__", alter_sys=True)
