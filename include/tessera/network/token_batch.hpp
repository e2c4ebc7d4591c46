// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Token ids of one text, and of several texts padded to one rectangle.

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "tessera/std.hpp"

namespace tessera {

/// One text as token ids: cls, the text, sep (`<s> ... </s>`).
struct encoding {
  std::vector<std::int32_t> ids;
  bool truncated = false;  ///< ids beyond max_length were dropped
};

/// B texts as one rectangle of T = longest text columns.
struct encoded_batch {
  index_t rows = 0;                     ///< B
  index_t columns = 0;                  ///< T
  std::vector<std::int32_t> ids;        ///< (B, T) row-major, filled up with the pad id
  std::vector<std::uint8_t> mask;       ///< (B, T) row-major: 1 = token, 0 = padding
  std::vector<index_t> lengths;         ///< (B): tokens of each row, without padding
  std::vector<std::uint8_t> truncated;  ///< (B): 1 where ids were dropped
};

/// Puts encoded texts into one rectangle.
inline encoded_batch pad_batch(std::span<const encoding> texts, std::int32_t pad_id) {
  encoded_batch batch;
  batch.rows = static_cast<index_t>(texts.size());
  std::size_t columns = 0;
  for (const auto& text : texts) columns = max(columns, text.ids.size());
  batch.columns = static_cast<index_t>(columns);
  if (columns > 0 && texts.size() > batch.ids.max_size() / columns) throw std::length_error("pad_batch: too large");
  batch.ids.assign(texts.size() * columns, pad_id);
  batch.mask.assign(texts.size() * columns, 0);
  for (std::size_t row = 0; row < texts.size(); ++row) {
    const auto& ids = texts[row].ids;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      batch.ids[row * columns + i] = ids[i];
      batch.mask[row * columns + i] = 1;
    }
    batch.lengths.push_back(static_cast<index_t>(ids.size()));
    batch.truncated.push_back(texts[row].truncated);
  }
  return batch;
}

}  // namespace tessera
