// SPDX-License-Identifier: Apache-2.0
// How fast the instruction-level model is: instructions per second functional, core-cycles per second timed (a
// core-cycle is one core advanced by one cycle), and the same loop on qemu-riscv32. The programs come from the preset
// rv32-gcc; where it has not been built, or there is no qemu, the benchmarks say so.
#include <benchmark/benchmark.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "tessera/sim/machine.hpp"

using namespace tessera::sim;

namespace {

std::filesystem::path programs() {
  const char* const folder = std::getenv("TESSERA_SIM_PROGRAMS");
  return folder != nullptr ? folder : TESSERA_SIM_PROGRAMS;
}

std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A program with its inputs set. Null if it has not been built.
struct loaded {
  std::vector<std::uint8_t> bytes;
  std::unique_ptr<machine> model;
};
loaded load(const std::string& program, const configuration& c, std::uint32_t cores, std::uint32_t rounds) {
  loaded l{read_file(programs() / ("bench_" + program + "_" + c.name + ".elf")), std::make_unique<machine>(c)};
  if (l.model->load_elf(l.bytes.data(), l.bytes.size())) return {};
  l.model->write(l.model->symbol("cores").address, &cores, 4);
  l.model->write(l.model->symbol("rounds").address, &rounds, 4);
  return l;
}

std::uint64_t instructions(const machine& m) {
  std::uint64_t sum = 0;
  for (std::uint32_t core = 0; core < m.cores(); ++core) sum += m.core(core).instructions;
  return sum;
}

/// One iteration is a whole run of the program; the result is checked against the other mode's before.
void run_model(benchmark::State& state, const std::string& program, const configuration& c, std::uint32_t cores,
               std::uint32_t rounds, mode how) {
  const loaded other = load(program, c, cores, 2);
  const loaded same = load(program, c, cores, 2);
  loaded timed_run = load(program, c, cores, rounds);
  if (!other.model || !same.model || !timed_run.model) {
    return state.SkipWithError("build the preset rv32-gcc first");
  }
  other.model->run(how == mode::timed ? mode::functional : mode::timed);
  same.model->run(how);
  std::uint32_t results[2] = {0, 1};
  other.model->read(other.model->symbol("result").address, &results[0], 4);
  same.model->read(same.model->symbol("result").address, &results[1], 4);
  if (results[0] != results[1]) return state.SkipWithError("the two modes differ");

  machine& m = *timed_run.model;
  std::uint64_t executed = 0;
  std::uint64_t core_cycles = 0;
  for (auto _ : state) {
    m.reset();
    if (m.run(how).reason != stop_reason::finished) return state.SkipWithError("the program did not finish");
    executed += instructions(m);
    core_cycles += m.cycle(how) * m.cores();
  }
  state.counters["instructions"] = benchmark::Counter(static_cast<double>(executed), benchmark::Counter::kIsRate);
  if (how == mode::timed) {
    state.counters["core_cycles"] = benchmark::Counter(static_cast<double>(core_cycles), benchmark::Counter::kIsRate);
  }
}

/// Runs qemu-riscv32 on a program; its exit status, or 127.
int run_qemu(const std::filesystem::path& program) {
  const pid_t child = fork();
  if (child == 0) {
    execlp("qemu-riscv32", "qemu-riscv32", program.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) return 127;
  return WEXITSTATUS(status);
}

/// The same loop, as many rounds, on qemu-riscv32: a whole process, whose start counts too.
void run_peer(benchmark::State& state, std::uint32_t rounds) {
  const loaded model = load("loop", minpool, 1, rounds);
  std::vector<std::uint8_t> bytes = read_file(programs() / "bench_loop_linux.elf");
  elf_file file;
  if (!model.model || elf_file::parse(bytes.data(), bytes.size(), file)) {
    return state.SkipWithError("build the preset rv32-gcc first");
  }
  model.model->run(mode::functional);
  std::uint32_t expected = 0;
  model.model->read(model.model->symbol("result").address, &expected, 4);
  const auto patch = [&](const char* name, std::uint32_t value) {
    const std::uint32_t address = file.find_symbol(name).address;
    for (int i = 0; i < file.segment_count(); ++i) {
      const elf_segment s = file.segment(i);
      if (!s.contains(address) || address - s.address + 4 > s.file_size) continue;
      store_bytes(const_cast<std::uint8_t*>(s.bytes) + (address - s.address), value, 4);
      return true;
    }
    return false;
  };
  if (!patch("rounds", rounds) || !patch("expected", expected)) return state.SkipWithError("cannot be patched");
  const auto path = std::filesystem::temp_directory_path() / ("tessera_loop_" + std::to_string(getpid()) + ".elf");
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  const std::uint64_t executed = model.model->core(0).instructions;
  int status = run_qemu(path);
  for (auto _ : state) {
    if (status == 0) status = run_qemu(path);
  }
  std::filesystem::remove(path);
  if (status == 127) return state.SkipWithError("there is no qemu-riscv32");
  if (status != 0) return state.SkipWithError("qemu-riscv32 computes something else");
  state.counters["instructions"] = benchmark::Counter(
      static_cast<double>(executed) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void add(const char* program, const configuration& c, std::uint32_t cores, mode how, std::uint32_t rounds) {
  const std::string id = std::string("sim/") + program + "/" + std::to_string(cores) + "_cores/" +
                         (how == mode::timed ? "timed" : "functional");
  benchmark::RegisterBenchmark(id.c_str(), run_model, program, c, cores, rounds, how)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::uint32_t qemu_rounds = 1'000'000;
  add("loop", minpool, 1, mode::functional, qemu_rounds);
  benchmark::RegisterBenchmark("sim/loop/1_cores/qemu", run_peer, qemu_rounds)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
  for (const char* program : {"loop", "matmul"}) {
    const std::uint32_t rounds = program[0] == 'l' ? 1000 : 20;
    if (program[0] != 'l') add(program, minpool, 1, mode::functional, 100 * rounds);
    add(program, minpool, 16, mode::functional, 20 * rounds);
    add(program, mempool, 256, mode::functional, 2 * rounds);
    add(program, minpool, 1, mode::timed, rounds);
    add(program, minpool, 16, mode::timed, rounds / 2);
    add(program, mempool, 256, mode::timed, rounds / 10);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
