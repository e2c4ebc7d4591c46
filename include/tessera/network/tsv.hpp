// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Data sets as tab-separated text.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tessera/network/error.hpp"
#include "tessera/network/text_file.hpp"

namespace tessera {

/// One example of a data set.
struct labelled_text {
  std::string text;
  std::optional<int> label_id;  ///< absent where the data set has no labels
};

/// Parses a data set: the first line names the columns, each further line is one example, fields are separated by
/// tabs and never quoted. The column `text` is needed; `label_id` and `label` are optional, other columns are ignored.
/// A UTF-8 byte order mark and carriage returns before line ends are skipped, and so are blank lines at the end where
/// there is more than one column (with one column a blank line is the empty text).
///
/// `labels` is the model's list of names (id2label). If given, label_id must lie in it; without a column label_id,
/// names in `label` are looked up in it; with both columns they must agree, so that a data set made for another order
/// of classes is noticed. Without `labels` the column `label` is ignored.
///
/// Errors: data_error with `file` and the line: empty file, missing or repeated column, wrong number of fields,
/// label_id not an integer or out of range, unknown or contradicting label.
inline std::vector<labelled_text> parse_tsv(std::string_view bytes, std::string_view file,
                                            std::span<const std::string> labels = {}) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (bytes.find_first_not_of("\r\n") == bytes.npos) throw data_error(file, "", "is empty");

  std::size_t line_number = 0;
  const auto fail = [&](const std::string& reason) {
    throw data_error(file, "line " + std::to_string(line_number), reason);
  };
  std::vector<std::string_view> fields;
  const auto next_line = [&] {
    ++line_number;
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    fields.clear();
    for (std::size_t tab = line.find('\t'); tab != line.npos; tab = line.find('\t')) {
      fields.push_back(line.substr(0, tab));
      line.remove_prefix(tab + 1);
    }
    fields.push_back(line);
  };

  next_line();
  const std::size_t columns = fields.size();
  const auto column = [&](std::string_view name) -> std::optional<std::size_t> {
    const auto it = std::find(fields.begin(), fields.end(), name);
    if (it == fields.end()) return std::nullopt;
    if (std::find(it + 1, fields.end(), name) != fields.end())
      fail("names the column " + tessera::quoted(name) + " twice");
    return static_cast<std::size_t>(it - fields.begin());
  };
  const auto text = column("text");
  const auto label_id = column("label_id");
  const auto label = column("label");
  if (!text) fail("must name the columns, and one of them 'text'; it is " + tessera::quoted(fields[0]) + "...");

  if (columns > 1) {
    while (bytes.ends_with('\n') || bytes.ends_with('\r')) bytes.remove_suffix(1);
  }
  std::unordered_map<std::string_view, int> id_of;
  for (std::size_t i = 0; i < labels.size(); ++i) id_of.emplace(labels[i], static_cast<int>(i));
  const int largest = labels.empty() ? std::numeric_limits<int>::max() : static_cast<int>(labels.size()) - 1;

  std::vector<labelled_text> rows;
  while (!bytes.empty()) {
    next_line();
    if (fields.size() != columns)
      fail("has " + std::to_string(fields.size()) + " fields, the first line names " + std::to_string(columns) +
           " columns");
    labelled_text row{std::string(fields[*text]), std::nullopt};
    if (label_id) {
      const auto field = fields[*label_id];
      int id = 0;
      const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), id);
      const bool whole = end == field.data() + field.size();
      if (!whole || error == std::errc::invalid_argument)
        fail("label_id must be an integer, is " + tessera::quoted(field));
      if (error != std::errc() || id < 0 || id > largest)
        fail("label_id must lie in 0.." + std::to_string(largest) + ", is " + tessera::quoted(field));
      row.label_id = id;
    }
    if (label && !labels.empty()) {
      const auto known = id_of.find(fields[*label]);
      if (known == id_of.end()) fail("the label " + tessera::quoted(fields[*label]) + " is not one of the model's");
      if (row.label_id && *row.label_id != known->second)
        fail("label_id is " + std::to_string(*row.label_id) + ", but the model's id of " +
             tessera::quoted(fields[*label]) + " is " + std::to_string(known->second));
      row.label_id = known->second;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// `parse_tsv` of a file of at most 1 GiB.
inline std::vector<labelled_text> read_tsv(const std::filesystem::path& path,
                                           std::span<const std::string> labels = {}) {
  return parse_tsv(read_text_file(path, std::size_t{1} << 30), path.string(), labels);
}

}  // namespace tessera
