// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "run_network.hpp"
#include "tessera/network/ibert_recorder.hpp"

/// The body of run_on_*; include the target's kernels first.
template <tessera::Target T>
std::vector<tessera::classification> run_batch(tessera::ibert_classifier& classifier,
                                               const tessera::ibert_network& network,
                                               const tessera::encoded_batch& batch, const batch_recording& recording) {
  if (recording.writer == nullptr) return classifier.classify<T>(batch);
  tessera::ibert_recorder recorder(network, *recording.writer, recording.prefix, batch);
  const auto results = classifier.classify<T>(batch, &recorder);
  recorder.head(classifier, results);
  return results;
}
