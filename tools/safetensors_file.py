"""The JSON header of a model file (safetensors): eight bytes of length, then the header, then raw tensors."""
import json
import os
import struct

KEY = "halobrush"  # of __metadata__: what the program says about its model


def parts(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        return json.loads(file.read(size)), file.read()


def read_header(path):
    return json.loads(parts(path)[0]["__metadata__"][KEY])


def rewrite_header(path, spec):
    """Tensors stay byte for byte; written to a temporary name and renamed."""
    header, tensors = parts(path)
    header["__metadata__"][KEY] = json.dumps(spec)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of eight
    with open(f"{path}.partial", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + tensors)
    os.replace(f"{path}.partial", path)
