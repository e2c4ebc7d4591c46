// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Data sets as tab-separated text.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/network/error.hpp"
#include "tessera/network/text_file.hpp"
#include "tessera/std.hpp"

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
    const std::size_t end = min(bytes.find('\n'), bytes.size());
    std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(min(end + 1, bytes.size()));
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
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i] != name) continue;
      if (found) fail("names the column " + tessera::quoted(name) + " twice");
      found = i;
    }
    return found;
  };
  const auto text = column("text");
  const auto label_id = column("label_id");
  const auto label = column("label");
  if (!text) fail("must name the columns, and one of them 'text'; it is " + tessera::quoted(fields[0]) + "...");

  if (columns > 1) {
    while (bytes.ends_with('\n') || bytes.ends_with('\r')) bytes.remove_suffix(1);
  }
  const int largest = labels.empty() ? limits<int>::max : static_cast<int>(labels.size()) - 1;

  std::vector<labelled_text> rows;
  while (!bytes.empty()) {
    next_line();
    if (fields.size() != columns)
      fail("has " + std::to_string(fields.size()) + " fields, the first line names " + std::to_string(columns) +
           " columns");
    labelled_text row{std::string(fields[*text]), std::nullopt};
    if (label_id) {
      const auto field = fields[*label_id];
      const auto digits = field.substr(field.starts_with('-') ? 1 : 0);
      if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos)
        fail("label_id must be an integer, is " + tessera::quoted(field));
      int id = 0;
      bool fits = true;
      for (const char c : digits)
        fits = fits && !__builtin_mul_overflow(id, 10, &id) && !__builtin_add_overflow(id, c - '0', &id);
      if (!fits || id > largest || (id > 0 && digits.size() < field.size()))
        fail("label_id must lie in 0.." + std::to_string(largest) + ", is " + tessera::quoted(field));
      row.label_id = id;
    }
    if (label && !labels.empty()) {
      int known = 0;  // few labels: a linear search
      while (known <= largest && fields[*label] != labels[static_cast<std::size_t>(known)]) ++known;
      if (known > largest) fail("the label " + tessera::quoted(fields[*label]) + " is not one of the model's");
      if (row.label_id && *row.label_id != known)
        fail("label_id is " + std::to_string(*row.label_id) + ", but the model's id of " +
             tessera::quoted(fields[*label]) + " is " + std::to_string(known));
      row.label_id = known;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// `parse_tsv` of a file of at most 1 GiB.
inline std::vector<labelled_text> read_tsv(const std::string& path, std::span<const std::string> labels = {}) {
  return parse_tsv(read_text_file(path, std::size_t{1} << 30), path, labels);
}

}  // namespace tessera
