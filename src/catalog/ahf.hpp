// Halos of AHF (Knollmann & Knebe 2009, arXiv:0904.3662): `*.AHF_halos`, a text list whose rows are read as those of a
// Rockstar list. Nothing but the names of its columns is said in the file.
#pragma once

#include <string>
#include <vector>

#include "halobrush/catalog/reader.hpp"
#include "rockstar_header.hpp"

namespace halobrush::catalog {

/// By the names of the first line, in lower case and without their numbers.
bool is_ahf(const std::vector<std::string>& names);

/// `path` is one whose first line has such names. Throws data_error naming columns that are absent, and what neither
/// the name of the file nor the configuration says. Not collective.
RockstarHeader parse_ahf_header(const std::string& path, const ReadOptions& options);

/// hostHalo becomes parent_id: hosts are those of 0, or of -1 where halos are numbered from 0.
void resolve_ahf_hosts(const RockstarHeader& header, Table& halos);

}  // namespace halobrush::catalog
