"""Writes GenericIO files, after the layout of GenericIO.h: a small part of it, byte by byte."""
import struct

import numpy as np

TABLE = np.arange(256, dtype=np.uint64)
for _ in range(8):
    TABLE = np.where(TABLE & np.uint64(1), (TABLE >> np.uint64(1)) ^ np.uint64(0xC96C5795D7870F42), TABLE >> np.uint64(1))
TABLE = [int(entry) for entry in TABLE]
ONES = 2 ** 64 - 1


def checksum(data):
    """CRC-64/XZ."""
    state = ONES
    for byte in data:
        state = TABLE[(state ^ byte) & 255] ^ (state >> 8)
    return state ^ ONES


def sealed(data):
    """With the bytes behind it that leave nothing of the checksum."""
    return data + struct.pack("<Q", checksum(data) ^ ONES)


def stored_by_blosc(data, order):
    """A buffer of c-blosc 1 whose content is a plain copy, behind the checksum of the content."""
    header = struct.pack("<4B3I", 2, 1, 2, 4, len(data), max(len(data), 1), len(data) + 16)
    return struct.pack(order + "Q", checksum(data)) + header + data


def flags_of(name, dtype):
    flags = (dtype.kind == "f") + 2 * (dtype.kind != "u")
    return flags + sum(4 << k for k, axis in enumerate("xyz") if name == f"fof_halo_center_{axis}")


def write(path, columns, ranks=(1.0,), box=(150.0,) * 3, origin=(0.0,) * 3, blosc=False, big=False, old=False, numbers=None, magic=None, edit=None):
    """`ranks`: the share of the rows of each writing rank; `old`: a header without what was added later; `edit` changes the
    header before its checksum is made."""
    order = ">" if big else "<"
    rows = len(next(iter(columns.values())))
    cuts = np.round(np.concatenate([[0], np.cumsum(ranks)]) * rows).astype(int)
    global_bytes, variable_bytes, rank_bytes = (104, 272, 40) if old else (168, 280, 48)
    variables_at = global_bytes
    ranks_at = variables_at + variable_bytes * len(columns)
    blocks_at = ranks_at + rank_bytes * len(ranks)
    header_bytes = blocks_at + (48 * len(columns) * len(ranks) if blosc else 0)

    data, starts, blocks = b"", [], b""
    for first, last in zip(cuts, cuts[1:]):
        starts.append(header_bytes + 8 + len(data))
        for values in columns.values():
            plain = values[first:last].astype(values.dtype.newbyteorder(order)).tobytes()
            packed = stored_by_blosc(plain, order) if blosc and last > first else plain
            filters = (b"BLOSC" if packed is not plain else b"").ljust(32, b"\0")
            blocks += filters + struct.pack(order + "2Q", header_bytes + 8 + len(data), len(packed))
            data += sealed(packed)

    header = (magic or (b"HACC01B\0" if big else b"HACC01L\0"))
    header += struct.pack(order + "12Q", header_bytes, rows, len(ranks), 1, 1, len(columns), variable_bytes, variables_at, len(ranks), rank_bytes, ranks_at, global_bytes)
    if not old:
        header += struct.pack(order + "6d2Q", *origin, *box, *((48, blocks_at) if blosc else (0, 0)))
    for name, values in columns.items():
        header += name.encode().ljust(256, b"\0") + struct.pack(order + "3Q", flags_of(name, values.dtype), values.itemsize, values.itemsize)[:variable_bytes - 256]
    for k, start in enumerate(starts):
        header += struct.pack(order + "6Q", k, 0, 0, cuts[k + 1] - cuts[k], start, numbers[k] if numbers else k)[:rank_bytes]
    header = bytearray(header + (blocks if blosc else b""))
    if edit:
        edit(header)
    path.write_bytes(sealed(bytes(header)) + data)
    return path


def write_split(path, columns, ranks, part_of_rank, **options):
    """FILE, which maps ranks to parts, and FILE#0, FILE#1, ..."""
    rows = len(next(iter(columns.values())))
    cuts = np.round(np.concatenate([[0], np.cumsum(ranks)]) * rows).astype(int)
    write(path, {"$rank": np.arange(len(ranks), dtype="i4"), "$partition": np.array(part_of_rank, "i4")}, [1 / len(ranks)] * len(ranks), **options)
    for part in sorted(set(part_of_rank)):
        mine = [rank for rank, its in enumerate(part_of_rank) if its == part]
        here = {name: np.concatenate([values[cuts[r]:cuts[r + 1]] for r in mine]) for name, values in columns.items()}
        total = max(sum(cuts[r + 1] - cuts[r] for r in mine), 1)
        write(path.with_name(f"{path.name}#{part}"), here, [(cuts[r + 1] - cuts[r]) / total for r in mine], numbers=mine, **options)
    return path
