"""Model files: tensors in the safetensors format, with what the program says about its model as JSON in the metadata."""
import json
import os

from safetensors import safe_open
from safetensors.numpy import save_file

KEY = "halobrush"  # of the metadata


def read_header(path):
    """What the program says about a model: its inputs, labels, split of hosts and provenance."""
    with safe_open(path, framework="np") as file:
        return json.loads(file.metadata()[KEY])


def read_tensors(path):
    """{name: values} of a model."""
    with safe_open(path, framework="np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def write(path, header, tensors):
    """A model file, written to a temporary name and renamed."""
    save_file(tensors, f"{path}.partial", metadata={KEY: json.dumps(header)})
    os.replace(f"{path}.partial", path)


def rewrite_header(path, header):
    """Gives a model another header; the values of its tensors stay bit for bit."""
    write(path, header, read_tensors(path))
