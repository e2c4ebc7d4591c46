// SPDX-License-Identifier: Apache-2.0
#pragma once

// Runs of a network on one target, each in its own translation unit (ibert_reference.cpp, ibert_host.cpp).

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tessera/network/ibert_classifier.hpp"

namespace tessera::test {

struct ibert_run {
  std::vector<std::int8_t> output;      ///< (B * T, C)
  std::vector<classification> results;  ///< (B)
  std::vector<std::byte> recorded;      ///< a .npz of every tensor, keys `NAME`
};

/// One target's ways to run a batch.
struct ibert_target {
  const char* name;
  ibert_run (*record)(const ibert_network&, const encoded_batch&);
  std::vector<classification> (*classify)(ibert_classifier&, const encoded_batch&);
  std::vector<std::int8_t> (*encode)(ibert_classifier&, const encoded_batch&);
  /// The encoder alone, in the caller's arena; types and positions are for one sequence of `ids.size()` tokens.
  status (*encode_in)(const ibert_network&, const encoder_input&, scratch_span arena, std::int8_t* y);
};

extern const ibert_target on_reference;
extern const ibert_target on_host;

}  // namespace tessera::test
