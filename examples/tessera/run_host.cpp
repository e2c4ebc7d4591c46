// SPDX-License-Identifier: Apache-2.0
#include "run_network_impl.hpp"
#include "tessera/kernel/encoder/xsimd.hpp"

std::vector<tessera::classification> run_on_host(tessera::ibert_classifier& classifier,
                                                 const tessera::ibert_network& network,
                                                 const tessera::encoded_batch& batch,
                                                 const batch_recording& recording) {
  return run_batch<tessera::target::host>(classifier, network, batch, recording);
}
