// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The merge rules of byte-pair encoding.

#include <cstddef>
#include <cstdint>
#include <queue>
#include <stdexcept>
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
    struct later {
      bool operator()(std::uint64_t a, std::uint64_t b) const { return a > b; }
    };
    std::vector<node> nodes;
    std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, later> queue;  // least first
    std::vector<std::uint32_t> touched;
  };

  void reserve(std::size_t rules) {
    rules_.reserve(rules);
    grow(rules);
  }

  /// Appends the rule (left, right) -> result; ids >= 0, result differs from both. False if the pair has a rule.
  bool add(std::int32_t left, std::int32_t right, std::int32_t result) {
    if (rank(left, right) >= 0) return false;
    grow(rules_.size() + 1);
    rules_.push_back({left, right, result});
    insert(static_cast<std::int32_t>(rules_.size() - 1));
    return true;
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
    while (!queue.empty()) queue.pop();  // not empty only after an exception

    for (std::uint32_t i = 0; i < n; ++i) nodes[i] = {symbols[i], i - 1, i + 1};  // nodes[0].previous is never read
    const auto push = [&](std::uint32_t at) {
      const std::uint32_t next = nodes[at].next;
      if (nodes[at].id < 0 || next == n || nodes[next].id < 0) return;
      const std::int32_t found = rank(nodes[at].id, nodes[next].id);
      if (found >= 0) queue.push(static_cast<std::uint64_t>(found) << 32 | at);
    };
    for (std::uint32_t i = 0; i + 1 < n; ++i) push(i);
    if (queue.empty()) return;

    while (!queue.empty()) {
      const std::uint64_t round = queue.top() >> 32;
      const rule now = rules_[round];
      work.touched.clear();
      while (!queue.empty() && queue.top() >> 32 == round) {
        const auto at = static_cast<std::uint32_t>(queue.top());
        queue.pop();
        const std::uint32_t next = nodes[at].next;
        if (nodes[at].id != now.left || next == n || nodes[next].id != now.right) continue;  // used by another merge
        nodes[at].id = now.result;
        nodes[at].next = nodes[next].next;
        nodes[next].id = merged_away;
        if (nodes[at].next != n) nodes[nodes[at].next].previous = at;
        if (at != 0) work.touched.push_back(nodes[at].previous);
        work.touched.push_back(at);
      }
      for (const std::uint32_t at : work.touched) push(at);
    }
    symbols.clear();
    for (std::uint32_t at = 0; at != n; at = nodes[at].next) symbols.push_back(nodes[at].id);
  }

 private:
  struct rule {
    std::int32_t left, right, result;
  };
  static constexpr std::int32_t merged_away = INT32_MIN;

  // A hash table of ranks with linear probing, at most half full; its size is a power of two. std::unordered_map is
  // slower to search and to compile.
  std::size_t slot(std::int32_t left, std::int32_t right) const {
    const std::uint64_t key = std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
    const std::uint64_t mixed = (key ^ key >> 32) * 0x9E3779B97F4A7C15;  // 2^64 / golden ratio
    return static_cast<std::size_t>(mixed >> 32) & (slots_.size() - 1);
  }

  /// Rank of the rule for a pair, or -1.
  std::int32_t rank(std::int32_t left, std::int32_t right) const {
    if (slots_.empty()) return -1;
    for (std::size_t at = slot(left, right);; at = (at + 1) & (slots_.size() - 1)) {
      const std::int32_t found = slots_[at];
      if (found < 0) return -1;
      const rule& r = rules_[static_cast<std::size_t>(found)];
      if (r.left == left && r.right == right) return found;
    }
  }

  void insert(std::int32_t rank) {
    const rule& r = rules_[static_cast<std::size_t>(rank)];
    std::size_t at = slot(r.left, r.right);
    while (slots_[at] >= 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = rank;
  }

  /// Makes the table large enough for `rules` rules.
  void grow(std::size_t rules) {
    if (2 * rules <= slots_.size()) return;
    std::size_t size = 64;
    while (size < 2 * rules) size *= 2;
    slots_.assign(size, -1);
    for (std::size_t i = 0; i < rules_.size(); ++i) insert(static_cast<std::int32_t>(i));
  }

  std::vector<rule> rules_;          // by rank
  std::vector<std::int32_t> slots_;  // ranks, -1 = free
};

}  // namespace tessera
