// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// GDB's end of the remote serial protocol, as far as tests need it.

#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/assembler.hpp"
#include "tessera/sim/gdb.hpp"

namespace tessera::support {

inline std::string gdb_packet(const std::string& payload) {
  unsigned sum = 0;
  for (const char c : payload) sum += static_cast<std::uint8_t>(c);
  char checksum[4];
  std::snprintf(checksum, sizeof checksum, "#%02x", sum % 256);
  return "$" + payload + checksum;
}

/// The payloads in what a server has sent, joined by spaces. Throws if it is not acknowledges and packets.
inline std::string gdb_payloads(const std::string& sent) {
  std::string all;
  for (std::size_t at = 0; at < sent.size();) {
    if (sent[at] == '+' || sent[at] == '-') {
      ++at;
      continue;
    }
    const std::size_t end = sent.find('#', at);
    if (sent[at] != '$' || end == std::string::npos) throw std::runtime_error("not a packet: " + sent.substr(at));
    const std::string payload = sent.substr(at + 1, end - at - 1);
    if (payload.size() > sim::gdb_packet_bytes) throw std::runtime_error("a packet is too long");
    if (sent.substr(at, end + 3 - at) != gdb_packet(payload)) throw std::runtime_error("a packet is damaged: " + sent);
    all += (all.empty() ? "" : " ") + payload;
    at = end + 3;
  }
  return all;
}

/// A machine with a program, and GDB connected to it.
class gdb_client {
 public:
  gdb_client(const std::vector<std::uint32_t>& words, sim::mode how, const sim::configuration& c)
      : m(c), server(m, how, take, this) {
    const std::vector<std::uint8_t> bytes = to_bytes(words);
    if (!m.load_raw(bytes.data(), bytes.size())) throw std::runtime_error("the program does not fit");
  }
  gdb_client(const gdb_client&) = delete;
  gdb_client& operator=(const gdb_client&) = delete;

  /// What the server sends for these bytes, as it is.
  std::string raw(const std::string& bytes) {
    sent_.clear();
    server.receive(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    return sent_;
  }
  /// What it sends while it runs.
  std::string run(std::uint64_t cycles) {
    sent_.clear();
    server.run(cycles);
    return sent_;
  }
  /// The payloads that it sends for a packet and the run that follows.
  std::string ask(const std::string& payload) {
    std::string sent = raw(gdb_packet(payload));
    for (int i = 0; i < 1000 && server.running(); ++i) sent += run(64);
    return gdb_payloads(sent);
  }

  sim::machine m;
  sim::gdb_server server;

 private:
  static void take(void* context, const char* data, std::size_t size) {
    static_cast<gdb_client*>(context)->sent_.append(data, size);
  }
  std::string sent_;
};

}  // namespace tessera::support
