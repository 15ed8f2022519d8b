// Help for error messages: the known name nearest to a mistyped one, texts as they can be printed.
#pragma once

#include <span>
#include <string>

namespace halobrush {

/// ` (nearest known: 'x')`, or an empty string when nothing is near.
std::string nearest_hint(const std::string& name, std::span<const std::string> known);

/// With '?' for control characters and for bytes that are no UTF-8: names from damaged files must not garble a terminal.
std::string printable(std::string text);
/// The same, but line ends stay.
std::string printable_lines(std::string text);

}  // namespace halobrush
