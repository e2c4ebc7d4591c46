// SPDX-License-Identifier: Apache-2.0
// tessera::network brings the include folders and libraries of its third parties.
#include <utf8proc.h>
#include <zlib.h>

#include "tessera/core/tensor_view.hpp"

#if !__has_include(<Eigen/Core>) || !__has_include(<nlohmann/json.hpp>)
#error "tessera::network must bring Eigen and nlohmann-json"
#endif

int main() {
  const bool zlib = crc32(0, nullptr, 0) == 0;
  const bool utf8proc = utf8proc_category('A') == UTF8PROC_CATEGORY_LU;
  return zlib && utf8proc ? 0 : 1;
}
