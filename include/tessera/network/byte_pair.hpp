// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The merge rules of byte-pair encoding.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "tessera/std.hpp"

namespace tessera {

/// Ordered merge rules on token ids. Definition of `merge`: while some adjacent pair has a rule, take the rule that
/// was added first and replace all its occurrences, left to right and without overlap.
class byte_pair_merges {
 public:
  /// Memory that `merge` reuses from call to call; one per thread.
  struct workspace {
    struct node {
      std::int32_t id;
      std::uint32_t previous, next;
    };
    std::vector<node> nodes;
    std::vector<std::uint64_t> queue;
    std::vector<std::uint32_t> touched;
  };

  void reserve(std::size_t rules) {
    rules_.reserve(rules);
    ranks_.reserve(rules);
  }

  /// Appends the rule (left, right) -> result; ids >= 0, result differs from both. False if the pair has a rule.
  bool add(std::int32_t left, std::int32_t right, std::int32_t result) {
    const bool is_new = ranks_.emplace(key(left, right), static_cast<std::uint32_t>(rules_.size())).second;
    if (is_new) rules_.push_back({left, right, result});
    return is_new;
  }

  std::size_t size() const { return rules_.size(); }

  /// Merges `symbols` in place; negative ids have no rules. n log n time for n symbols: a queue of pairs ordered by
  /// (rank, position) over a linked list. Pairs that a round creates wait until the round's rule is used up; taking
  /// them at once would give other tokens where a rule ranks before the rule that makes its operand.
  /// Error: std::length_error from 2^31 symbols.
  void merge(std::vector<std::int32_t>& symbols, workspace& work) const {
    if (symbols.size() < 2) return;
    if (symbols.size() > std::size_t{INT32_MAX}) throw std::length_error("byte_pair_merges: a word of 2^31 symbols");
    const auto n = static_cast<std::uint32_t>(symbols.size());
    auto& nodes = work.nodes;
    auto& queue = work.queue;
    nodes.resize(n);
    queue.clear();
    for (std::uint32_t i = 0; i < n; ++i) nodes[i] = {symbols[i], i - 1, i + 1};  // nodes[0].previous is never read
    const auto push = [&](std::uint32_t at) {
      const std::uint32_t next = nodes[at].next;
      if (nodes[at].id < 0 || next == n || nodes[next].id < 0) return false;
      const auto rule = ranks_.find(key(nodes[at].id, nodes[next].id));
      if (rule == ranks_.end()) return false;
      queue.push_back(std::uint64_t{rule->second} << 32 | at);
      return true;
    };
    for (std::uint32_t i = 0; i + 1 < n; ++i) push(i);
    if (queue.empty()) return;
    std::make_heap(queue.begin(), queue.end(), std::greater<>());

    while (!queue.empty()) {
      const std::uint64_t rank = queue.front() >> 32;
      const rule now = rules_[rank];
      work.touched.clear();
      while (!queue.empty() && queue.front() >> 32 == rank) {
        const auto at = static_cast<std::uint32_t>(queue.front());
        std::pop_heap(queue.begin(), queue.end(), std::greater<>());
        queue.pop_back();
        const std::uint32_t next = nodes[at].next;
        if (nodes[at].id != now.left || next == n || nodes[next].id != now.right) continue;  // used by another merge
        nodes[at].id = now.result;
        nodes[at].next = nodes[next].next;
        nodes[next].id = merged_away;
        if (nodes[at].next != n) nodes[nodes[at].next].previous = at;
        if (at != 0) work.touched.push_back(nodes[at].previous);
        work.touched.push_back(at);
      }
      for (const std::uint32_t at : work.touched) {
        if (push(at)) std::push_heap(queue.begin(), queue.end(), std::greater<>());
      }
    }
    symbols.clear();
    for (std::uint32_t at = 0; at != n; at = nodes[at].next) symbols.push_back(nodes[at].id);
  }

 private:
  struct rule {
    std::int32_t left, right, result;
  };
  static constexpr std::int32_t merged_away = INT32_MIN;

  static std::uint64_t key(std::int32_t left, std::int32_t right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  }

  std::vector<rule> rules_;  // by rank
  std::unordered_map<std::uint64_t, std::uint32_t> ranks_;
};

}  // namespace tessera
