// The one place where the text of a unit becomes a factor. Every reader asks here.
#pragma once

#include <limits>
#include <string>

namespace halobrush::catalog {

/// Of the simulation, for units with and without h, comoving and physical. NaN: unknown.
struct UnitScales {
  double h = std::numeric_limits<double>::quiet_NaN(), scale_factor = h;
};

/// What numbers in the unit `text` ("1e10 Msun / h", "ckpc/h", "h^-1 Mpc (physical)", "dex(Msun)") are
/// multiplied by to be in the unit `wanted`, which is one of ours: comoving where it has an h ("Mpc/h"), else
/// physical ("kpc"), unless it says so itself. A text that says neither means what is wanted. Throws
/// data_error, beginning with `where`, for what it does not know, of another dimension, with two meanings, or
/// in need of an h or a scale factor that is unknown.
double unit_factor(const std::string& where, const std::string& text, const std::string& wanted,
                   const UnitScales& scales);

/// Whether the text is a unit that is known here.
bool is_unit(const std::string& text);

/// The unit for OpenCosmo and astropy, which knows little h as `littleh` and takes `h` for an hour: empty for
/// a text that is no unit known here, because OpenCosmo takes an unknown one for none without a word.
std::string opencosmo_unit(const std::string& text);

}  // namespace halobrush::catalog
