// SPDX-License-Identifier: Apache-2.0
#include "sim_gdb.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <utility>

using namespace tessera::sim;

namespace {

[[noreturn]] void fail(std::uint16_t port, const char* what) {
  throw std::runtime_error(fmt::format("--gdb: {} port {} of 127.0.0.1: {}", what, port, std::strerror(errno)));
}

class socket_handle {
 public:
  explicit socket_handle(int fd) : fd_(fd) {}
  socket_handle(socket_handle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  socket_handle& operator=(socket_handle&&) = delete;
  ~socket_handle() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// Listens where only programs of this computer can connect: GDB may do with the program what it wants.
socket_handle listen_on(std::uint16_t port) {
  socket_handle listener(::socket(AF_INET, SOCK_STREAM, 0));
  if (listener.get() < 0) fail(port, "cannot open");
  const int yes = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail(port, "cannot use");
  if (::listen(listener.get(), 1) != 0) fail(port, "cannot listen on");
  return listener;
}

std::uint16_t port_of(const socket_handle& listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) fail(0, "cannot find");
  return ntohs(address.sin_port);
}

/// The first to connect; nobody else can while it stays.
socket_handle wait_for_client(const socket_handle& listener, std::uint16_t port) {
  int fd = -1;
  do fd = ::accept(listener.get(), nullptr, nullptr);
  while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (fd < 0) fail(port, "cannot accept a connection on");
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return socket_handle(fd);
}

/// What cannot be sent because GDB is gone is lost; then reading ends, too.
void send_all(void* context, const char* data, std::size_t size) {
  const int fd = *static_cast<const int*>(context);
  while (size != 0) {
    const ssize_t sent = ::send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return;
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

/// Cycles after which to look for a Ctrl-C: some hundredths of a second.
std::uint64_t slice_of(const machine& m, mode how) {
  if (how == mode::timed) return std::max(200'000 / m.cores(), 100u);
  return std::uint64_t{std::max(4'000'000 / functional::quantum / m.cores(), 1u)} * functional::quantum;
}

}  // namespace

gdb_session debug(machine& m, mode how, std::uint16_t port, const std::filesystem::path& program) {
  int connection = -1;
  const auto client = [&] {
    const socket_handle listener = listen_on(port);
    const std::uint16_t actual = port_of(listener);
    fmt::print(stderr, "Waiting for GDB on port {}:\n  gdb-multiarch -ex 'target remote :{}' {}\n", actual, actual,
               program.string());
    std::fflush(stderr);
    return wait_for_client(listener, actual);
  }();
  connection = client.get();

  gdb_server server(m, how, send_all, &connection);
  const std::uint64_t slice = slice_of(m, how);
  while (server.session() == gdb_session::active) {
    pollfd waiting = {connection, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, server.running() ? 0 : -1);
    if (ready > 0) {
      std::uint8_t bytes[4096];
      const ssize_t received = ::recv(connection, bytes, sizeof bytes, 0);
      if (received < 0 && errno == EINTR) continue;
      if (received <= 0) return gdb_session::killed;
      server.receive(bytes, static_cast<std::size_t>(received));
    }
    if (server.running()) server.run(slice);
  }
  return server.session();
}
