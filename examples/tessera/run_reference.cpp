// SPDX-License-Identifier: Apache-2.0
#include "run_network_impl.hpp"
#include "tessera/kernel/encoder/reference.hpp"

std::vector<tessera::classification> run_on_reference(tessera::ibert_classifier& classifier,
                                                      const tessera::ibert_network& network,
                                                      const tessera::encoded_batch& batch,
                                                      const batch_recording& recording) {
  return run_batch<tessera::target::reference>(classifier, network, batch, recording);
}
