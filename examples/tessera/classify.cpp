// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "commands.hpp"
#include "progress.hpp"
#include "run_network.hpp"
#include "tessera/network/ibert_constants.hpp"
#include "tessera/network/ibert_loader.hpp"
#include "tessera/network/tokenizer.hpp"
#include "tessera/network/tsv.hpp"

namespace {

using namespace tessera;

struct options {
  std::filesystem::path model;
  std::vector<std::string> texts;
  std::filesystem::path tsv;
  std::filesystem::path dump;
  std::string target = "host";
  index_t threads = 1;
  bool batch = false;
  bool json = false;
  bool all_logits = false;
  bool no_truncation = false;
};

/// Sequences that run together with --batch.
constexpr std::size_t batch_size = 32;

struct run_result {
  std::vector<classification> results;
  double seconds = 0;
};

std::vector<encoding> encode_all(const tokenizer& words, const std::vector<labelled_text>& inputs, index_t longest,
                                 bool no_truncation) {
  std::vector<encoding> encoded;
  std::size_t truncated = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    encoded.push_back(words.encode(inputs[i].text, longest));
    if (!encoded.back().truncated) continue;
    if (no_truncation) {
      throw std::runtime_error(fmt::format("text {} has more than the network's {} tokens", i + 1, longest));
    }
    ++truncated;
  }
  if (truncated != 0) {
    fmt::print(stderr, "tessera: warning: {} of {} texts have more than {} tokens and were cut\n", truncated,
               inputs.size(), longest);
  }
  return encoded;
}

run_result run_all(const ibert_network& network, const std::vector<encoding>& texts, const options& o,
                   npz_writer* writer) {
  const batch_runner run = o.target == "host" ? run_on_host : run_on_reference;
  const std::size_t step = o.batch ? batch_size : 1;
  const std::size_t count = (texts.size() + step - 1) / step;
  run_result result;
  result.results.resize(texts.size());
  // Sentences of like length run together, so that little is computed for padding; a recording keeps the texts' order.
  std::vector<std::size_t> order(texts.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (step > 1 && writer == nullptr) {
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return texts[a].ids.size() < texts[b].ids.size(); });
  }
  progress_bar bar("classify", texts.size());
  std::atomic<std::size_t> next = 0;
  std::size_t done = 0;
  std::mutex mutex;
  std::exception_ptr failure;

  const auto work = [&] {
    try {
      ibert_classifier classifier(network);
      for (std::size_t i = next++; i < count; i = next++) {
        const std::size_t first = i * step;
        const std::size_t size = std::min(step, texts.size() - first);
        std::vector<encoding> chosen;
        for (std::size_t k = first; k < first + size; ++k) chosen.push_back(texts[order[k]]);
        const encoded_batch batch = pad_batch(chosen, network.config.pad_token_id);
        const batch_recording recording{writer, fmt::format("{}{}/", o.batch ? "batch" : "s", i)};
        auto answers = run(classifier, network, batch, recording);
        for (std::size_t k = 0; k < size; ++k) result.results[order[first + k]] = std::move(answers[k]);
        const std::lock_guard lock(mutex);
        bar.update(done += size);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
      next = count;
    }
  };
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> workers;
    for (index_t t = 1; t < o.threads; ++t) workers.emplace_back(work);
    work();
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (failure) std::rethrow_exception(failure);
  return result;
}

std::optional<double> accuracy(const std::vector<labelled_text>& inputs, const std::vector<classification>& results) {
  std::size_t known = 0;
  std::size_t right = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].label_id) continue;
    ++known;
    if (*inputs[i].label_id == results[i].label) ++right;
  }
  if (known == 0) return std::nullopt;
  return static_cast<double>(right) / static_cast<double>(known);
}

const std::string& label_of(const ibert_network& network, const classification& c) {
  return network.config.labels[static_cast<std::size_t>(c.label)];
}

void print_json(const ibert_network& network, const std::vector<labelled_text>& inputs,
                const std::vector<encoding>& texts, const run_result& run, const options& o) {
  nlohmann::json document;
  document["results"] = nlohmann::json::array();
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    const classification& c = run.results[i];
    nlohmann::json entry = {
        {"label", label_of(network, c)}, {"label_id", c.label}, {"score", c.score()}, {"logits", c.logits}};
    if (texts[i].truncated) entry["truncated"] = true;
    document["results"].push_back(std::move(entry));
  }
  if (const auto a = accuracy(inputs, run.results)) document["accuracy"] = *a;
  document["target"] = o.target;
  document["seconds"] = run.seconds;
  fmt::print("{}\n", document.dump());
}

void print_text(const ibert_network& network, const std::vector<labelled_text>& inputs, const run_result& run,
                const options& o) {
  std::size_t width = 0;
  for (const std::string& label : network.config.labels) width = std::max(width, label.size());
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    const classification& c = run.results[i];
    fmt::print("{:<{}} {:.3f}  {}\n", label_of(network, c), width, c.score(), inputs[i].text);
    if (o.all_logits) {
      fmt::print("  logits:");
      for (const double v : c.logits) fmt::print(" {:.6f}", v);
      fmt::print("\n");
    }
  }
  if (const auto a = accuracy(inputs, run.results)) fmt::print("accuracy {:.4f}\n", *a);
  if (run.results.size() > 1) {
    fmt::print("{} sentences in {:.4f} s on {}: {:.0f} per second\n", run.results.size(), run.seconds, o.target,
               static_cast<double>(run.results.size()) / run.seconds);
  }
}

void classify(const options& o) {
  if (o.texts.empty() == o.tsv.empty()) throw usage_error("classify: give either --text or --tsv");
  if (o.threads > 1 && !o.dump.empty()) throw usage_error("classify: --dump needs --threads 1, to keep its order");
  const ibert_network network = load_ibert(o.model);
  const tokenizer words = tokenizer::from_directory(o.model);
  if (words.vocab_size() > network.config.vocab_size) {
    throw data_error((o.model / "vocab.json").string(), "",
                     fmt::format("it has ids up to {}, the network's vocab_size is {}", words.vocab_size() - 1,
                                 network.config.vocab_size));
  }
  const auto agree = [&](const char* key, std::int32_t configured, std::int32_t used) {
    if (configured == used) return;
    throw data_error((o.model / "config.json").string(), fmt::format("'{}'", key),
                     fmt::format("is {}, but the tokenizer's files say {}", configured, used));
  };
  agree("pad_token_id", network.config.pad_token_id, words.pad_id());
  agree("bos_token_id", network.config.bos_token_id, words.bos_id());
  agree("eos_token_id", network.config.eos_token_id, words.eos_id());
  std::vector<labelled_text> inputs;
  for (const std::string& text : o.texts) inputs.push_back({text, std::nullopt});
  if (!o.tsv.empty()) inputs = read_tsv(o.tsv, network.config.labels);
  if (inputs.empty()) throw data_error(o.tsv.string(), "", "it has no text");
  const std::vector<encoding> texts = encode_all(words, inputs, network.config.max_length(), o.no_truncation);

  npz_writer writer;
  const run_result run = run_all(network, texts, o, o.dump.empty() ? nullptr : &writer);
  if (!o.dump.empty()) {
    write_constants(network, writer);
    writer.save(o.dump);
  }
  if (o.json) {
    print_json(network, inputs, texts, run, o);
  } else {
    print_text(network, inputs, run, o);
  }
}

}  // namespace

void add_classify(CLI::App& program) {
  const auto o = std::make_shared<options>();
  CLI::App& command = *program.add_subcommand("classify", "Classify sentences with an I-BERT network");
  command.add_option("--model", o->model, "Folder with config.json, model.safetensors, vocab.json, merges.txt")
      ->required();
  command.add_option("--text", o->texts, "Sentences to classify, one or more");
  command.add_option("--tsv", o->tsv, "File of sentences; its header names the columns: text, and label_id or label");
  command.add_option("--target", o->target, "Who computes: reference (scalar definition) or host (vector units)")
      ->check(CLI::IsMember({"reference", "host"}))
      ->capture_default_str();
  command.add_option("--threads", o->threads, "Sentences or batches at the same time")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command.add_flag("--batch", o->batch, fmt::format("Run up to {} sentences at once, padded", batch_size));
  command.add_flag("--json", o->json, "Print one JSON object: results, accuracy, target, seconds");
  command.add_flag("--logits", o->all_logits, "Print the logits of every sentence");
  command.add_flag("--no-truncation", o->no_truncation, "Refuse texts longer than the network's positions");
  command.add_option("--dump", o->dump, "Write every intermediate tensor and constant to this .npz");
  command.footer(
      examples("  tessera classify --model examples/networks/wordnet-ibert --text 'a small dog' --logits\n"
               "  tessera classify --model DIR --tsv test.tsv --batch --threads 2\n"
               "  tessera classify --model DIR --text 'a small dog' --target reference --dump tensors.npz"));
  command.callback([o] { classify(*o); });
}
