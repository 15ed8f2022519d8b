"""Which host halos a model trained on.

The program draws one random number for each host halo (Philox4x32-10, Salmon et al. 2011, with seed and id as key and counter) and splits
by it; a model file keeps the seed and the fractions alone. So the numbers here must equal the program's (include/halobrush/core/random.hpp)
bit for bit, or galaxies that a model was trained on would be judged as held out. numpy.random.Philox cannot give them: it is Philox4x64,
another function. A test compares the split with the program's (tests/app/likelihood.py).
"""
import numpy as np

TRAIN_SPLIT = 9  # Purpose::train_split of core/random.hpp
TRAINING, VALIDATION, TEST = 1, 2, 3
MULTIPLIER, WEYL = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85)


def uniform(seed, ids):
    """The first number in (0, 1) of each id's stream, as the program draws it."""
    low = np.uint64(0xFFFFFFFF)
    ids = np.asarray(ids, np.int64).astype(np.uint64)
    c = [ids & low, ids >> np.uint64(32), np.zeros_like(ids), np.full_like(ids, TRAIN_SPLIT << 24)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a, b = c[0] * np.uint64(MULTIPLIER[0]), c[2] * np.uint64(MULTIPLIER[1])
        c = [(b >> np.uint64(32)) ^ c[1] ^ np.uint64(key[0]), b & low, (a >> np.uint64(32)) ^ c[3] ^ np.uint64(key[1]), a & low]
        key = [(k + w) & 0xFFFFFFFF for k, w in zip(key, WEYL)]
    bits = ((c[0] << np.uint64(32)) | c[1]) >> np.uint64(12)
    return (bits.astype(float) + 0.5) * 2.0**-52


def part_of(hosts, split):
    """TRAINING, VALIDATION or TEST for each id of a host halo [n]; `split` is the entry host_split of a model's header."""
    u = (uniform(split["seed"], hosts) + split.get("shift", 0.0)) % 1
    validation = split["validation_fraction"]
    return np.where(u < validation, VALIDATION, np.where(u < validation + split["test_fraction"], TEST, TRAINING))
