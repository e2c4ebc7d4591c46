// SPDX-License-Identifier: Apache-2.0
// Which kernel each operator resolves to. A new kernel changes this table, and nothing else does.
#include <doctest/doctest.h>

#include "tessera/kernel/divide/reference.hpp"
#include "tessera/kernel/embedding/xsimd.hpp"
#include "tessera/kernel/map/ita_xsimd.hpp"
#include "tessera/kernel/map/quantlib_xsimd.hpp"
#include "tessera/kernel/matmul/xsimd.hpp"
#include "tessera/kernel/mean/xsimd.hpp"
#include "tessera/kernel/row/ibert_xsimd.hpp"
#include "tessera/kernel/row/ita_xsimd.hpp"
#include "tessera/kernel/row/quantlib_xsimd.hpp"
#include "tessera/target/reference.hpp"

using namespace tessera;
using quantlib::variant;

namespace {

struct entry {
  const char* id;
  int host;       ///< the tier that the table promises
  int found;      ///< tier on target::host
  int reference;  ///< tier on target::reference
};

template <class Op>
constexpr entry line(const char* id, int host) {
  return {id, host, kernel_tier<Op, target::host>, kernel_tier<Op, target::reference>};
}

template <class First, class Second>
using then_op = map_op<then<First, Second>, int32_t, int8_t>;
using plain = tensor_view<const int8_t, dynamic_extents<2>>;
using turned = tensor_view<const int8_t, dynamic_extents<2>, col_major>;
template <class A, class B, class Policy>
using product = matmul_op<A, B, Policy, int8_t, default_tile>;
using residual = add_residual<ibert::dyadic_channels, ibert::dyadic, saturating, int8_t>;

constexpr entry table[] = {
    line<map_op<saturating, int32_t, int8_t>>("requantize/i32i8_saturating", 1),
    line<map_op<ibert::dyadic, int32_t, int8_t>>("requantize/i32i8_ibert_dyadic", 1),
    line<map_op<ibert::dyadic, int8_t, int8_t>>("requantize/i8i8_ibert_dyadic", 1),
    line<map_op<ibert::dyadic_channels, int32_t, int8_t>>("requantize/i32i8_ibert_dyadic_channels", 1),
    line<map_op<ibert::dyadic_channels, int64_t, int8_t>>("requantize/i64i8_ibert_dyadic_channels", 1),
    line<map_op<ibert::rescale, int32_t, int64_t>>("requantize/i32i64_ibert_rescale", 1),
    line<map_op<ibert::gelu, int32_t, int64_t>>("gelu/i32i64_ibert", 1),
    line<map_op<ibert::gelu_channels, int32_t, int64_t>>("gelu/i32i64_ibert_channels", 1),
    line<then_op<ibert::gelu_channels, ibert::dyadic_channels>>("gelu/i32i8_ibert_channels", 1),
    line<map_op<residual, int32_t, int32_t>>("add/i32i32_ibert", 1),
    line<map_op<ita::requant, int32_t, int8_t>>("requantize/i32i8_ita", 1),
    line<map_op<ita::gelu, int8_t, int8_t>>("gelu/i8i8_ita", 1),
    line<then_op<ita::requant, ita::gelu>>("gelu/i32i8_ita", 1),
    line<then_op<ita::requant, ita::relu>>("relu/i32i8_ita", 1),
    line<then_op<ita::requant, ita::identity>>("requantize/i32i8_ita_identity", 1),
    line<map_op<quantlib::requant_shift, int32_t, int8_t>>("requantize/i32i8_quantlib", 1),
    line<map_op<quantlib::requant_shift_channels, int32_t, int8_t>>("requantize/i32i8_quantlib_channels", 1),
    line<map_op<by_row<quantlib::requant_shift_channels>, int32_t, int8_t>>("requantize/i32i8_quantlib_by_row", 1),
    line<map_op<quantlib::igelu, int8_t, int32_t>>("gelu/i8i32_quantlib", 1),
    line<map_op<quantlib::igelu, int32_t, int32_t>>("gelu/i32i32_quantlib", 1),
    line<map_op<quantlib::ihardswish, int32_t, int32_t>>("hardswish/i32i32_quantlib", 1),
    line<map_op<quantlib::offset, int32_t, int32_t>>("requantize/i32i32_quantlib_offset", 1),
    line<map_op<quantlib::true_integer_div, int32_t, int32_t>>("divide/i32i32_quantlib_true", 1),

    line<row_op<ibert::softmax<>, int32_t, uint8_t>>("softmax/i32u8_ibert", 1),
    line<row_op<ibert::softmax<ibert::exp_multiplier_of_quotient>, int32_t, uint8_t>>("softmax/i32u8_ibert_quotient",
                                                                                      1),
    line<row_op<ibert::layer_norm, int32_t, int64_t>>("layer_norm/i32i64_ibert", 1),
    line<row_op<ita::streaming_softmax, int8_t, uint8_t>>("softmax/i8u8_ita", 1),
    line<row_op<ita::mempool_softmax, int8_t, uint8_t>>("softmax/i8u8_mempool", 1),
    line<row_op<quantlib::itamax, int8_t, uint8_t>>("softmax/i8u8_itamax", 1),
    line<row_op<quantlib::itapartialmax<>, int8_t, uint8_t>>("softmax/i8u8_itapartialmax", 1),
    line<row_op<quantlib::isoftmax, int8_t, uint8_t>>("softmax/i8u8_isoftmax", 1),
    line<row_op<quantlib::ilayer_norm<>, int8_t, int8_t>>("layer_norm/i8i8_quantlib", 1),
    line<row_op<quantlib::ilayer_norm<variant::deeploy>, int8_t, int8_t>>("layer_norm/i8i8_deeploy", 1),
    line<row_op<quantlib::irms_norm, int8_t, int8_t>>("rms_norm/i8i8_quantlib", 1),
    line<row_op<quantlib::inonorm<>, int8_t, int8_t>>("inonorm/i8i8_quantlib", 1),
    line<row_op<quantlib::inonorm<variant::deeploy>, int8_t, int8_t>>("inonorm/i8i8_deeploy", 1),

    line<product<plain, plain, ibert::dyadic_channels>>("matmul/i8i8i8_ibert", 1),
    line<product<plain, turned, ibert::dyadic_channels>>("linear/i8i8i8_ibert", 1),
    line<product<plain, turned, ita::requant>>("linear/i8i8i8_ita", 1),
    line<product<plain, turned, quantlib::requant_shift_channels>>("linear/i8i8i8_quantlib", 1),
    line<embedding_op>("embedding/i8", 1),
    line<sum_op<int8_t, axis::rows>>("mean/i8_rows", 1),
    line<sum_op<int32_t, axis::columns>>("mean/i32_columns", 1),
    line<divide_op<quantlib::integer_div<>, int32_t>>("divide/i32i32_quantlib", 0),
};

constexpr bool as_promised() {
  for (const entry& e : table) {
    if (e.found != e.host || e.reference != 0) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("kernel tiers") {
  for (const entry& e : table) {
    INFO(e.id);
    CHECK(e.found == e.host);
    CHECK(e.reference == 0);
  }
  CHECK(as_promised());
}
