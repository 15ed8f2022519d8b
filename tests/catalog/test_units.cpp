#include <gtest/gtest.h>

#include <cmath>

#include "catalog/support.hpp"
#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/catalog/units.hpp"

namespace halobrush::catalog {
namespace {

constexpr double h = 0.7, a = 0.5;

double factor(const std::string& text, const std::string& wanted) {
  return unit_factor("f: line 3", text, wanted, {h, a});
}
void expect_refused(const std::string& text, const std::string& wanted, const std::string& why) {
  try {
    const double got = factor(text, wanted);
    ADD_FAILURE() << "'" << text << "' was taken for " << got << " '" << wanted << "'";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::data);
    EXPECT_TRUE(std::string(error.what()).starts_with("f: line 3: unit '" + text + "': " + why)) << error.what();
  }
}

TEST(Units, OfMassInEverySpelling) {
  for (const char* text :
       {"Msun/h", "Msun / h", "msun/h", "M_sun/h", "Msun h^-1", "h^-1 Msun", "h^-1Msun", "Msun h-1", "Msun h**-1",
        "M_{sun}/h", "M_\\odot h^{-1}", "$h^{-1} M_\\odot$", "solMass / littleh", "Msol/h", "Msun*h^(-1)", "M\u2609/h",
        "Solar masses / h", "Msun h\u207b\u00b9", "Msun/h (comoving)", "Msun/h0", "MSUN/h"})
    EXPECT_EQ(factor(text, "Msun/h"), 1) << text;
  for (const char* text : {"1e10 Msun/h", "10^10 Msun/h", "1E+10 Msun / h", "10**10 M_sun h^-1", "1.0e10 h^-1 Msun",
                           "10^{10} M_\\odot/h", "1e10*Msun/h", "1e10Msun/h", "(1e10 Msun)/h", "1e10\u00b7Msun/h"})
    EXPECT_EQ(factor(text, "Msun/h"), 1e10) << text;
  EXPECT_EQ(factor("Msun", "Msun/h"), h);
  EXPECT_EQ(factor("1e10 Msun", "Msun/h"), 1e10 * h);
  EXPECT_NEAR(factor("g", "Msun/h"), h / 1.98841e33, 1e-39);
  EXPECT_EQ(factor("Msun/h", "Msun"), 1 / h);
}

TEST(Units, OfLengthWithHAndFrame) {
  for (const char* text : {"Mpc/h", "Mpc / h", "cMpc/h", "comoving Mpc/h", "Mpc/h comoving", "Mpc / h (comoving)",
                           "Mpccm/h", "h^-1 Mpc", "h^-1 cMpc", "co-moving Mpc/h", "(comoving) Mpc/h", "a Mpc/h"})
    EXPECT_EQ(factor(text, "Mpc/h"), 1) << text;
  for (const char* text : {"kpc/h", "ckpc/h", "kpc / h (comoving)", "Kpc/h", "h^-1 kpc", "kpc h-1", "1e-3 Mpc/h"})
    EXPECT_EQ(factor(text, "Mpc/h"), 1e-3) << text;
  EXPECT_EQ(factor("Gpc/h", "Mpc/h"), 1e3);
  EXPECT_EQ(factor("Mpc", "Mpc/h"), h);
  EXPECT_EQ(factor("cMpc", "Mpc/h"), h);
  for (const char* text : {"Mpc/h (physical)", "proper Mpc/h", "pMpc/h", "Mpc/h physical"})
    EXPECT_EQ(factor(text, "Mpc/h"), 1 / a) << text;
  EXPECT_DOUBLE_EQ(factor("pkpc", "Mpc/h"), 1e-3 * h / a);
  EXPECT_DOUBLE_EQ(factor("ckpc/h", "kpc"), a / h);  // ours without h are physical
  EXPECT_EQ(factor("kpc", "kpc"), 1);
  EXPECT_NEAR(factor("cm", "Mpc/h"), h / 3.0856775814913673e24, 1e-39);
}

TEST(Units, OfVelocityTimeAndAngle) {
  for (const char* text : {"km/s", "km / s", "km s^-1", "km s-1", "km s**-1", "km/sec", "km/s (physical, peculiar)",
                           "km / s (physical)", "km.s-1", "kms^-1", "kms-1", "(km/s)", "km/s physical"})
    EXPECT_EQ(factor(text, "km/s"), 1) << text;
  EXPECT_EQ(factor("100 km/s", "km/s"), 100);
  EXPECT_EQ(factor("m/s", "km/s"), 1e-3);
  EXPECT_DOUBLE_EQ(factor("km/s/a", "km/s"), 1 / a);
  EXPECT_DOUBLE_EQ(factor("km sqrt(a) / s", "km/s"), std::sqrt(a));
  EXPECT_EQ(factor("Gyr", "yr"), 1e9);
  EXPECT_DOUBLE_EQ(factor("deg", "rad"), std::acos(-1.) / 180);
  EXPECT_EQ(factor("(Msun/h) * (Mpc/h) * km/s (physical)", "(Msun/h) (Mpc/h) (km/s) (physical)"), 1);
  EXPECT_DOUBLE_EQ(factor("(kpc/h) (km/s)", "(Mpc/h) (km/s) (physical)"), 1e-3);
  EXPECT_EQ(factor("dex(Msun)", "dex(Msun)"), 1);
  EXPECT_EQ(factor("log10(solMass)", "dex(Msun)"), 1);
  EXPECT_EQ(factor("dimensionless", ""), 1);
}

TEST(Units, RefusesWhatItDoesNotKnow) {
  expect_refused("Msn/h", "Msun/h", "'Msn' is not known (nearest known: 'Msun')");
  expect_refused("Msun/h70", "Msun/h", "'h70' is not known");
  expect_refused("Msun/h_70", "Msun/h", "'h_70' is not known");
  expect_refused("internal units", "Mpc/h", "'internal' is not known");
  expect_refused("", "Msun/h", "none is given");
  expect_refused("kpc/h", "Msun/h", "'Msun/h' is needed, which is something else");
  expect_refused("km", "km/s", "'km/s' is needed, which is something else");
  expect_refused("Mpc^2/h", "Mpc/h", "'Mpc/h' is needed, which is something else");
  expect_refused("dex(Msun/h)", "Msun/h", "'Msun/h' is needed, which is something else");
  expect_refused("dex(Msun/h)", "dex(Msun)", "a logarithm, to which 0.1549 would be added");
  expect_refused("Msun / h Mpc", "Msun/h", "it can be read in two ways");
  expect_refused("km a**1/2 s**-1", "km/s", "its power can be read in two ways");
  expect_refused("100 100 Mpc/h", "Mpc/h", "a number stands where a unit is expected");
  expect_refused("100 x 50 Mpc/h", "Mpc/h", "'x' is not known");
  expect_refused("Mpc/h (comoving, physical)", "Mpc/h", "it is comoving and physical at once");
  expect_refused("km/s (comoving, peculiar)", "km/s", "it is comoving and physical at once");
  expect_refused("kpc/h (peculiar)", "Mpc/h", "only velocities are peculiar: comoving or physical is meant");
  expect_refused("km/s (comoving)", "km/s", "a comoving velocity has several meanings");
  expect_refused("0 Msun/h", "Msun/h", "its number is not positive");
  for (const char* text : {"Msun/", "(Msun/h", "Msun/h)", "*Msun", "Msun^", "Msun^x", "Msun/h^", "1e999 Msun", "/", "(",
                           ")", "^", "dex(", "sqrt", "M", "Msun//h", "Msun - h", "-1 Msun", "\xff\xfe", "Msun^(1/"})
    expect_refused(text, "Msun/h", "");
}

TEST(Units, NeedHAndScaleFactorOnlyWhereTheyMatter) {
  EXPECT_EQ(unit_factor("f", "kpc/h", "Mpc/h", {}), 1e-3);
  expect_error(ExitCode::data,
               "f: unit 'kpc': its conversion needs h, which is unknown; write it as 'Mpc/h' or the like, or convert "
               "the numbers",
               [] { unit_factor("f", "kpc", "Mpc/h", {}); });
  expect_error(ExitCode::data,
               "f: unit 'pkpc/h': its conversion needs the scale factor, which is unknown; write it as 'Mpc/h' or the "
               "like, or convert the numbers",
               [] { unit_factor("f", "pkpc/h", "Mpc/h", {}); });
}

TEST(Units, OfOurOwnColumnsAreInTheTable) {
  for (const auto& column : halo_schema()) {
    EXPECT_TRUE(is_unit(column.spec.unit)) << column.spec.unit;
    EXPECT_EQ(factor(opencosmo_unit(column.spec.unit), column.spec.unit), 1);
  }
}

TEST(Units, AreWrittenAsAstropyReadsThem) {
  EXPECT_EQ(opencosmo_unit("Mpc/h"), "comoving Mpc/h");
  EXPECT_EQ(opencosmo_unit("Msun/h"), "Msun/h");
  EXPECT_EQ(opencosmo_unit("dex(1/yr)"), "dex(1/yr)");
  for (const char* text : {"", "Msun", "km/s", "mag", "dex(Msun)", "dex(kpc)", "deg", "rad", "kpc", "arcsec", "Msun/yr",
                           "Gyr", "K", "keV cm^2"})
    EXPECT_EQ(opencosmo_unit(text), text);
  EXPECT_EQ(opencosmo_unit("Msun/h/yr"), "Msun/(littleh yr)");  // "h" is an hour to astropy
  EXPECT_EQ(opencosmo_unit("M_sun h^-1"), "Msun/littleh");
  EXPECT_EQ(opencosmo_unit("10^10 M_sun"), "1e+10 Msun");
  EXPECT_EQ(opencosmo_unit("cm-3"), "1/cm^3");
  EXPECT_EQ(opencosmo_unit("km/s/a"), "");
  EXPECT_EQ(opencosmo_unit("furlongs"), "");
}

}  // namespace
}  // namespace halobrush::catalog
