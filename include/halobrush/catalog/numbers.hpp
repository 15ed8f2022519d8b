// Columns of any type as numbers.
#pragma once

#include <string>
#include <vector>

#include "halobrush/catalog/table.hpp"

namespace halobrush::catalog {

/// Throws internal_error when the column is absent.
std::vector<double> numbers(const Table& table, const std::string& name);

}  // namespace halobrush::catalog
