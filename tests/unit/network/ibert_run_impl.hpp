// SPDX-License-Identifier: Apache-2.0
#pragma once

// The definition of an `ibert_target`; include the target's kernels first.

#include "ibert_run.hpp"
#include "tessera/network/ibert_recorder.hpp"

namespace tessera::test {

template <Target T>
constexpr ibert_target make_ibert_target(const char* name) {
  return {name,
          [](const ibert_network& network, const encoded_batch& batch) {
            npz_writer writer(npz_compression::stored);
            ibert_classifier classifier(network);
            ibert_recorder recorder(network, writer, "", batch);
            ibert_run run;
            run.results = classifier.classify<T>(batch, &recorder);
            recorder.head(classifier, run.results);
            run.output = classifier.encode<T>(batch);
            run.recorded = writer.bytes();
            return run;
          },
          [](ibert_classifier& classifier, const encoded_batch& batch) { return classifier.classify<T>(batch); },
          [](ibert_classifier& classifier, const encoded_batch& batch) { return classifier.encode<T>(batch); },
          [](const ibert_network& network, const encoder_input& input, scratch_span arena, std::int8_t* y) {
            const auto stages = network.stage_views();
            return op::encoder<T>(network.shape(), input, network.embedding_view(), stages.data(),
                                  static_cast<index_t>(stages.size()), arena,
                                  matrix(y, input.batch * input.sequence, network.config.hidden_size));
          }};
}

}  // namespace tessera::test
