"""Writes ASDF files as AbacusSummit does, after the standard (https://asdf-standard.readthedocs.io), and reads their tables."""
import ctypes
import ctypes.util
import hashlib
import re
import struct

import numpy as np


def piece(data):
    """A buffer of c-blosc 1 whose content is a plain copy, behind its length."""
    buffer = struct.pack("<4B3I", 2, 1, 2, 4, len(data), max(len(data), 1), len(data) + 16) + data
    return struct.pack(">I", len(buffer)) + buffer


def block(values, blosc=True, md5=True, pieces=3, order="<", compression=None, claim=None):
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    stored = data
    if blosc:
        cuts = np.linspace(0, len(data), pieces + 1).astype(int) // 8 * 8
        cuts[-1] = len(data)
        stored = b"".join(piece(data[a:b]) for a, b in zip(cuts, cuts[1:]) if b > a)
    name = compression or (b"blsc" if blosc else b"\0\0\0\0")
    head = struct.pack(">I4s3Q", 0, name, len(stored), len(stored), claim or len(data)) + (hashlib.md5(data).digest() if md5 else bytes(16))
    return b"\xd3BLK" + struct.pack(">H", len(head)) + head + stored


def write(path, columns, header, text=None, order="<", **options):
    lines = ["#ASDF 1.0.0", "#ASDF_STANDARD 1.5.0", "%YAML 1.1", "%TAG ! tag:stsci.edu:asdf/", "--- !core/asdf-1.1.0", "data:"]
    for k, (name, values) in enumerate(columns.items()):
        lines += [f"  {name}: !core/ndarray-1.0.0", f"    source: {k}", f"    datatype: {values.dtype.name}", f"    byteorder: {'little' if order == '<' else 'big'}",
                  f"    shape: {list(values.shape)}"]
    lines += ["header:"] + [f"  {key}: {value}" for key, value in header.items()] + ["  SODensity: [200, 800]", "..."]
    blocks = b"".join(block(values, order=order, **options) for values in columns.values())
    path.write_bytes((text or "\n".join(lines) + "\n").encode() + blocks + b"#ASDF BLOCK INDEX\n%YAML 1.1\n---\n- 1\n...\n")
    return path


def table_in(path):
    """The columns of an astropy table; None without Debian's libblosc."""
    name = ctypes.util.find_library("blosc")
    if name is None:
        return None
    inflate = ctypes.CDLL(name).blosc_decompress_ctx
    file = path.read_bytes()
    at = end = file.index(b"\n...\n") + 5
    blocks = []
    while file[at:at + 4] == b"\xd3BLK":
        size, (allocated, used) = struct.unpack(">H", file[at + 4:at + 6])[0], struct.unpack(">2Q", file[at + 14:at + 30])
        stored, data = file[at + 6 + size:at + 6 + size + used], b""
        while stored:
            length, bytes_here = struct.unpack(">I", stored[:4])[0], struct.unpack("<I", stored[8:12])[0]
            out = ctypes.create_string_buffer(bytes_here)
            assert inflate(stored[4:4 + length], out, ctypes.c_size_t(bytes_here), 1) == bytes_here
            data, stored = data + out.raw, stored[4 + length:]
        blocks.append(data)
        at += 6 + size + allocated
    pattern = r"source: (\d+)\n\s+datatype: (\w+)\n\s+byteorder: little\n\s+shape: \[([\d, ]+)\]\n\s+name: (\w+)"
    found = {}
    for source, dtype, shape, column in re.findall(pattern, file[:end].decode()):
        shape = [int(n) for n in shape.split(",")]
        if len(blocks[int(source)]) == np.prod(shape) * np.dtype(dtype).itemsize:
            found[column] = np.frombuffer(blocks[int(source)], dtype).reshape(shape)
    return found
