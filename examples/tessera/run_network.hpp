// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "tessera/network/ibert_classifier.hpp"
#include "tessera/network/npz_writer.hpp"

/// Runs one batch on one target, and optionally records it. Each target is its own translation unit (run_*.cpp).
struct batch_recording {
  tessera::npz_writer* writer = nullptr;  ///< null: not recorded
  std::string prefix;                     ///< of the keys, e.g. `s0/`
};

using batch_runner = std::vector<tessera::classification> (*)(tessera::ibert_classifier&, const tessera::ibert_network&,
                                                              const tessera::encoded_batch&, const batch_recording&);

std::vector<tessera::classification> run_on_reference(tessera::ibert_classifier&, const tessera::ibert_network&,
                                                      const tessera::encoded_batch&, const batch_recording&);
std::vector<tessera::classification> run_on_host(tessera::ibert_classifier&, const tessera::ibert_network&,
                                                 const tessera::encoded_batch&, const batch_recording&);
