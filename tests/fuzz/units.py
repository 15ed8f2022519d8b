"""Spellings of units, with what a number is multiplied by. The oracle knows these and no others: an edit draws from them, and a text that an
edit of bytes leaves is known or is none."""
import re

# Without blanks. (power of ten, power of h, power of the scale factor) to Msun/h, comoving Mpc/h, km/s.
MASS = {"Msun/h": (0, 0, 0), "h^-1Msun": (0, 0, 0), "Msun": (0, 1, 0), "1e10Msun/h": (10, 0, 0), "1e10Msun": (10, 1, 0), "10^10Msun/h": (10, 0, 0)}
LENGTH = {"Mpc/h": (0, 0, 0), "cMpc/h": (0, 0, 0), "kpc/h": (-3, 0, 0), "ckpc/h": (-3, 0, 0), "Mpc": (0, 1, 0), "kpc": (-3, 1, 0), "Gpc/h": (3, 0, 0),
          "h^-1Mpc": (0, 0, 0)}
VELOCITY = {"km/s": (0, 0, 0), "100km/s": (2, 0, 0), "kms^-1": (0, 0, 0), "m/s": (-3, 0, 0)}
COMOVING, PHYSICAL = {"comoving"}, {"physical", "proper"}


def factor(text, table, h, a):
    """What numbers in this unit are multiplied by; None: the text is no unit that is known here."""
    words = re.findall(r"\(([A-Za-z, ]*)\)", text)
    bare = re.sub(r"\([A-Za-z, ]*\)", "", text)
    remarks = {word.strip() for part in words for word in part.split(",") if word.strip()}
    key = "".join(bare.split()).rstrip(".")
    times = 1.0
    if table is LENGTH and (prefix := re.fullmatch(r"(1e\d)(\D.*)", key)):
        times, key = float(prefix[1]), prefix[2]
    if key not in table or not remarks <= COMOVING | PHYSICAL | {"peculiar"}:
        return None
    if table is not VELOCITY and "peculiar" in remarks and not remarks & PHYSICAL:
        return None
    power, of_h, of_a = table[key]
    if table is LENGTH:
        if remarks & COMOVING and remarks & PHYSICAL or (key.startswith("c") and remarks & PHYSICAL):
            return None
        of_a = -1 if remarks & PHYSICAL else 0
    elif remarks & COMOVING:
        return None
    return times * 10.0 ** power * h ** of_h * a ** of_a
