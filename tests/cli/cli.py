#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the command-line tool as a user would: help, exit status (0 done, 1 bad data, 2 wrong usage), what it prints,
and that no input makes it crash."""
import argparse
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

TOOL = None
MODEL = None
COMMANDS = ("classify", "golden", "inspect", "pack", "sim", "tokenize")
TEXTS = ("a small dog", "the act of walking", "of or relating to the moon")


def read_safetensors(path):
    """The header as a dictionary, and the bytes after it."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8:8 + length]), data[8 + length:]


def write_safetensors(path, header, data):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class ToolTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_tool(self, *arguments, status=0, stdin=b"", says=()):
        """Runs the tool, checks its exit status and that standard error has each piece of `says`."""
        done = subprocess.run([TOOL, *map(os.fspath, arguments)], input=stdin, capture_output=True, timeout=300)
        context = f"{arguments}\nstdout: {done.stdout[:500]!r}\nstderr: {done.stderr[:2000]!r}"
        self.assertGreaterEqual(done.returncode, 0, "killed by a signal: " + context)
        self.assertEqual(done.returncode, status, context)
        error = done.stderr.decode(errors="replace")
        for piece in says:
            self.assertIn(piece, error, context)
        if status != 0:
            self.assertTrue(error.strip(), "a failure without a message: " + context)
            self.assertNotIn("terminate called", error, context)
        return done

    def classify(self, *arguments, model=None, **keywords):
        return self.run_tool("classify", "--model", model or MODEL, *arguments, **keywords)

    def classify_json(self, *arguments, **keywords):
        return json.loads(self.classify("--json", *arguments, **keywords).stdout)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def copy_of_model(self):
        target = self.folder / "model"
        shutil.copytree(MODEL, target)
        for file in target.iterdir():
            file.chmod(0o644)
        return target


class Usage(ToolTest):
    def test_help_of_every_command(self):
        text = self.run_tool("--help").stdout.decode()
        for command in COMMANDS:
            self.assertIn(command, text)
            help_text = self.run_tool(command, "--help").stdout.decode()
            self.assertIn("Examples:\n  ", help_text)
            self.assertIn(f"tessera {command} ", help_text.split("Examples:")[1])
            # Each option says what it does.
            for line in help_text.splitlines():
                if line.lstrip().startswith("--"):
                    self.assertRegex(line.strip(), r"^\S+.* {2,}\S|^\S{2,}.*\s\S+$")

    def test_version(self):
        self.assertRegex(self.run_tool("--version").stdout.decode(), r"^tessera \d+\.\d+\.\d+\n$")

    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_output_that_cannot_be_written(self):
        for command in (["classify", "--model", MODEL, "--text", "x"], ["tokenize", "--model", MODEL],
                        ["inspect", MODEL], ["--version"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([TOOL, *command], input=b"x\n", stdout=full, stderr=subprocess.PIPE, timeout=300)
            self.assertEqual(done.returncode, 1, command)
            self.assertIn(b"tessera: ", done.stderr)

    def test_wrong_usage_is_status_2(self):
        text = ("--text", "x")
        for arguments, says in [
            ((), "subcommand"),
            (("dance",), ""),
            (("--nonsense",), ""),
            (("classify",), "--model"),
            (("classify", "--model"), "--model"),
            (("classify", "--model", MODEL), "--text"),
            (("classify", "--model", MODEL, *text, "--tsv", "x.tsv"), "--text"),
            (("classify", "--model", MODEL, *text, "--nonsense"), "--nonsense"),
            (("classify", "--model", MODEL, *text, "--target", "gpu"), "--target"),
            (("classify", "--model", MODEL, *text, "--target", ""), "--target"),
            (("classify", "--model", MODEL, *text, "--threads", "0"), "--threads"),
            (("classify", "--model", MODEL, *text, "--threads", "-1"), "--threads"),
            (("classify", "--model", MODEL, *text, "--threads", "many"), "--threads"),
            (("classify", "--model", MODEL, *text, "--threads", "2", "--dump", "x.npz"), "--dump"),
            (("tokenize",), "--model"),
            (("tokenize", "--model", MODEL, "extra"), "extra"),
            (("inspect",), "path"),
            (("inspect", MODEL, "extra"), "extra"),
            (("pack", "--model", MODEL), "--out"),
            (("pack", "--model", MODEL, "--out", MODEL), "--out"),
            (("golden",), ""),
        ]:
            with self.subTest(arguments=arguments):
                done = self.run_tool(*arguments, status=2, says=[says])
                self.assertEqual(done.stdout, b"")


class Classify(ToolTest):
    def test_text(self):
        for target in ("reference", "host"):
            out = self.classify("--text", *TEXTS, "--target", target).stdout.decode().splitlines()
            self.assertEqual(len(out), len(TEXTS) + 1)
            self.assertRegex(out[0], r"^noun\.animal +0\.\d{3}  a small dog$")
            self.assertRegex(out[-1], rf"^3 sentences in .* on {target}: \d+ per second$")
        out = self.classify("--text", TEXTS[0], "--logits").stdout.decode().splitlines()
        self.assertEqual(len(out), 2)
        self.assertEqual(len(out[1].split()), 1 + 41)

    def test_json(self):
        answers = {}
        for target in ("reference", "host"):
            for flags in ((), ("--batch",), ("--threads", "2"), ("--batch", "--threads", "3")):
                d = self.classify_json("--text", *TEXTS, "--target", target, *flags)
                self.assertEqual(d["target"], target)
                self.assertGreater(d["seconds"], 0)
                self.assertNotIn("accuracy", d)
                self.assertEqual(len(d["results"]), len(TEXTS))
                for result in d["results"]:
                    self.assertEqual(set(result), {"label", "label_id", "score", "logits"})
                    self.assertEqual(len(result["logits"]), 41)
                    self.assertEqual(result["label_id"], result["logits"].index(max(result["logits"])))
                    self.assertTrue(0 < result["score"] <= 1)
                answers[target, flags] = [r["logits"] for r in d["results"]]
        first = answers["reference", ()]
        for key, logits in answers.items():
            self.assertEqual(logits, first, key)
        self.assertEqual(d["results"][0]["label"], "noun.animal")

    def test_tsv(self):
        by_id = self.write("id.tsv", "label_id\ttext\n4\ta small dog\n0\tthe act of walking\n")
        self.assertEqual(self.classify_json("--tsv", by_id)["accuracy"], 0.5)
        by_name = self.write("name.tsv", "text\tlabel\na small dog\tnoun.animal\n")
        self.assertEqual(self.classify_json("--tsv", by_name)["accuracy"], 1.0)
        self.assertIn(b"accuracy 1.0000\n", self.classify("--tsv", by_name).stdout)
        plain = self.write("plain.tsv", "text\na small dog\n")
        self.assertNotIn("accuracy", self.classify_json("--tsv", plain))
        windows = self.write("windows.tsv", "\ufefftext\tlabel_id\r\na small dog\t4\r\n")
        self.assertEqual(self.classify_json("--tsv", windows)["accuracy"], 1.0)

    def test_order_of_many_batches(self):
        texts = [f"{'very ' * (i * 7 % 23)}small dog number {i}" for i in range(70)]
        table = self.write("many.tsv", "text\n" + "".join(t + "\n" for t in texts))
        alone = [r["logits"] for r in self.classify_json("--tsv", table)["results"]]
        self.assertEqual([r["logits"] for r in self.classify_json("--tsv", table, "--batch")["results"]], alone)
        self.assertEqual(
            [r["logits"] for r in self.classify_json("--tsv", table, "--batch", "--threads", "2")["results"]], alone)

    def test_bad_tsv(self):
        for content, says in [
            ("", "is empty"),
            ("\n", "is empty"),
            ("text\n", "no text"),
            ("sentence\nx\n", "'text'"),
            ("text\tlabel\nx\tno.such\n", "'no.such'"),
            ("text\tlabel_id\nx\t41\n", "0..40"),
            ("text\tlabel_id\nx\t-1\n", "0..40"),
            ("text\tlabel_id\nx\tfour\n", "'four'"),
            ("text\tlabel_id\nx\n", "line 2"),
            ("text\ttext\nx\ty\n", "twice"),
            ("text\tlabel\tlabel_id\nx\tnoun.animal\t5\n", "noun.animal"),
            (b"\x00\xff\xfe", "'text'"),
        ]:
            with self.subTest(content=content):
                path = self.write("bad.tsv", content)
                self.classify("--tsv", path, status=1, says=["bad.tsv: ", says])
        self.classify("--tsv", self.folder / "none.tsv", status=1, says=["none.tsv: no such file"])
        self.classify("--tsv", self.folder, status=1, says=["is a directory"])

    def test_any_bytes_are_a_text(self):
        for text in (b"\xff\xfe\x80", b"\xed\xa0\x80", b"", b" ", b"\xf4\x90\x80\x80 x", "ünïcödé 漢字 🙂".encode()):
            with self.subTest(text=text):
                self.assertEqual(len(self.classify_json("--text", text)["results"]), 1)
        table = self.write("bytes.tsv", b"text\n\xff\xfe\x80\nplain\n")
        self.assertEqual(len(self.classify_json("--tsv", table)["results"]), 2)
        self.classify("--tsv", table)

    def test_truncation(self):
        long = "dog " * 500
        done = self.classify("--text", long, "a dog", "--json", says=["warning", "1 of 2 texts", "128"])
        results = json.loads(done.stdout)["results"]
        self.assertTrue(results[0]["truncated"])
        self.assertNotIn("truncated", results[1])
        self.classify("--text", "a dog", long, "--no-truncation", status=1, says=["text 2", "128"])
        self.classify("--text", "a dog", "--no-truncation")

    def test_dump(self):
        path = self.folder / "s.npz"
        self.classify("--text", *TEXTS[:2], "--dump", path, "--target", "reference")
        with zipfile.ZipFile(path) as archive:
            self.assertIsNone(archive.testzip())
            names = {n[:-4] for n in archive.namelist()}
        for prefix in ("s0/", "s1/"):
            for key in ("input_ids", "attention_mask", "embeddings.LayerNorm.var", "layer0.attention.self.softmax.probs",
                        "layer1.intermediate.intermediate_act_fn.out", "layer1.output.output_activation.out",
                        "head.cls", "logits"):
                self.assertIn(prefix + key, names)
        self.assertIn("const/layer0.attention.self.softmax.c_int", names)
        self.assertFalse([n for n in names if not n.startswith(("s0/", "s1/", "const/"))])
        other = self.folder / "host.npz"
        self.classify("--text", *TEXTS[:2], "--dump", other, "--target", "host")
        self.assertEqual(path.read_bytes(), other.read_bytes(), "the dumps of two targets differ")
        self.classify("--text", *TEXTS, "--batch", "--dump", path)
        with zipfile.ZipFile(path) as archive:
            names = {n[:-4] for n in archive.namelist()}
        self.assertIn("batch0/logits", names)
        self.assertFalse([n for n in names if not n.startswith(("batch0/", "const/"))])
        self.classify("--text", "x", "--dump", self.folder / "none" / "x.npz", status=1,
                      says=["x.npz: cannot be created"])


class BadNetworks(ToolTest):
    """Every command that reads a network says which file, which tensor and why."""

    def refused(self, model, *says):
        self.classify("--text", "x", model=model, status=1, says=says)
        self.run_tool("inspect", model, status=1, says=says)

    def test_folders(self):
        self.refused(self.folder / "none", "none")
        self.refused(self.folder, "config.json: no such file")
        file = self.write("file", "x")
        self.classify("--text", "x", model=file, status=1, says=["file"])
        self.run_tool("tokenize", "--model", file, status=1, says=["is not a folder"])
        self.run_tool("tokenize", "--model", self.folder / "none", status=1, says=["is not a folder"])

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_unreadable_folder(self):
        model = self.copy_of_model()
        model.chmod(0)
        self.addCleanup(model.chmod, 0o755)
        self.refused(model, "ermission denied")

    def test_missing_and_empty_files(self):
        for name in ("config.json", "model.safetensors", "vocab.json", "merges.txt"):
            model = self.copy_of_model()
            (model / name).unlink()
            self.classify("--text", "x", model=model, status=1, says=[name])
            (model / name).write_bytes(b"")
            self.classify("--text", "x", model=model, status=1, says=[name])
            (model / name).unlink()
            (model / name).mkdir()
            self.classify("--text", "x", model=model, status=1, says=[name, "is a directory"])
            shutil.rmtree(model)

    def test_damaged_safetensors(self):
        model = self.copy_of_model()
        path = model / "model.safetensors"
        good = path.read_bytes()
        header, data = read_safetensors(path)

        for cut in (0, 1, 7, 8, 9, 1000, len(good) // 2, len(good) - 1):
            path.write_bytes(good[:cut])
            self.refused(model, "model.safetensors: ")
        path.write_bytes(struct.pack("<Q", len(good)) + good[8:])
        self.refused(model, "model.safetensors: the header should have", "are left")
        path.write_bytes(struct.pack("<Q", 2**63) + good[8:])
        self.refused(model, "model.safetensors: the header should have", "limit")
        path.write_bytes(b"PK\x03\x04" + good[4:])
        self.refused(model, "model.safetensors: ")

        def changed(**tensors):
            new = json.loads(json.dumps(header))
            for name, change in tensors.items():
                change(new[name])
            return new

        key = "ibert.encoder.layer.0.attention.self.key.weight"
        write_safetensors(path, changed(**{key: lambda t: t.update(data_offsets=[0, 128 * 128])}), data)
        self.refused(model, "model.safetensors: tensor '", "overlap")
        write_safetensors(path, changed(**{key: lambda t: t.update(shape=[128, 64])}), data)
        self.refused(model, f"model.safetensors: tensor '{key}': its shape (128, 64)")
        write_safetensors(path, changed(**{key: lambda t: t.update(shape=[64, 256])}), data)
        self.refused(model, f"model.safetensors: tensor '{key}': its shape is (64, 256)", "asks for (128, 128)")
        write_safetensors(path, changed(**{key: lambda t: t.update(dtype="I4")}), data)
        self.refused(model, f"model.safetensors: tensor '{key}': its dtype 'I4' is not supported")
        renamed = {("other" if name == key else name): tensor for name, tensor in header.items()}
        write_safetensors(path, renamed, data)
        self.refused(model, f"model.safetensors: tensor '{key}': there is no tensor of this name")

    def test_values_that_cannot_be_executed(self):
        model = self.copy_of_model()
        path = model / "model.safetensors"
        header, data = read_safetensors(path)
        layer = "ibert.encoder.layer.1."
        for name, value, says in [
            (layer + "attention.self.query.bias", float("nan"), "not finite"),
            (layer + "attention.self.query.weight_peak", float("inf"), "not finite"),
            (layer + "output.LayerNorm.weight", 0.0, "is zero"),
            (layer + "output.LayerNorm.shift", 1.5, "not an integer in 0..31"),
            (layer + "attention.self.softmax.act.x_max", 1.0, "padding"),
        ]:
            with self.subTest(tensor=name):
                begin = header[name]["data_offsets"][0]
                item = struct.pack("<d" if header[name]["dtype"] == "F64" else "<f", value)
                write_safetensors(path, header, data[:begin] + item + data[begin + len(item):])
                self.refused(model, f"model.safetensors: tensor '{name}': ", says)

    def test_configurations(self):
        model = self.copy_of_model()
        path = model / "config.json"
        good = json.loads(path.read_text())
        for change, says in [
            ({"hidden_size": 10**12}, "'hidden_size': must lie in 1..16384"),
            ({"hidden_size": 0}, "'hidden_size'"),
            ({"hidden_size": 129}, "'hidden_size'"),
            ({"vocab_size": -5}, "'vocab_size'"),
            ({"vocab_size": "4096"}, "'vocab_size': must be an integer"),
            ({"vocab_size": 4000}, "word_embeddings.weight"),
            ({"num_hidden_layers": 3}, "layer.2"),
            ({"num_attention_heads": 5}, "heads"),
            ({"quant_mode": False}, "'quant_mode'"),
            ({"model_type": "bert"}, "'model_type'"),
            ({"hidden_act": "relu"}, "'hidden_act'"),
            ({"num_labels": 7}, "'num_labels'"),
        ]:
            with self.subTest(change=change):
                path.write_text(json.dumps({**good, **change}))
                self.refused(model, says)
        for text in ("{", "[]", "null", '{"a": 1, "a": 2}', "[" * 100000):
            path.write_text(text)
            self.refused(model, "config.json: ")

    def test_vocabulary_larger_than_the_network(self):
        model = self.copy_of_model()
        path = model / "vocab.json"
        vocab = json.loads(path.read_text())
        vocab["more"] = len(vocab)
        path.write_text(json.dumps(vocab))
        self.classify("--text", "x", model=model, status=1, says=["vocab.json", "4096"])


class Tokenize(ToolTest):
    def test_lines(self):
        done = self.run_tool("tokenize", "--model", MODEL, stdin="a small dog\n\nthe moon".encode())
        lines = done.stdout.decode().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertEqual(lines[1], "0 2")
        for line in lines:
            self.assertRegex(line, r"^0( \d+)* 2$")
        self.assertEqual(self.run_tool("tokenize", "--model", MODEL).stdout, b"")

    def test_nothing_is_cut(self):
        done = self.run_tool("tokenize", "--model", MODEL, stdin=b"dog " * 1000 + b"\n")
        self.assertGreater(len(done.stdout.split()), 1000)

    def test_input_that_cannot_be_read(self):
        folder = os.open(self.folder, os.O_RDONLY)
        self.addCleanup(os.close, folder)
        done = subprocess.run([TOOL, "tokenize", "--model", MODEL], stdin=folder, capture_output=True, timeout=300)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"standard input: cannot be read", done.stderr)

    def test_any_bytes(self):
        everything = bytes(b for b in range(256) if b != 10)
        done = self.run_tool("tokenize", "--model", MODEL, stdin=everything + b"\n\x00\n")
        self.assertEqual(len(done.stdout.splitlines()), 2)


class Inspect(ToolTest):
    def test_network(self):
        text = self.run_tool("inspect", MODEL).stdout.decode()
        for piece in ("layers 2, hidden 128", "parameters", "MACs", "arena", "softmax.act.x_max"):
            self.assertIn(piece, text)

    def test_files(self):
        text = self.run_tool("inspect", MODEL / "model.safetensors").stdout.decode()
        self.assertRegex(text, r"ibert\.embeddings\.word_embeddings\.weight +int8 +\(4096, 128\) +-?\d+ \.\. \d+")
        dump = self.folder / "dump.npz"
        self.classify("--text", "x", "--dump", dump)
        text = self.run_tool("inspect", dump).stdout.decode()
        self.assertRegex(text, r"s0/logits +float64 +\(1, 41\)")
        with zipfile.ZipFile(dump) as archive:
            self.write("one.npy", archive.read("s0/logits.npy"))
        self.assertIn("one.npy", self.run_tool("inspect", self.folder / "one.npy").stdout.decode())

    def test_bad_files(self):
        for name in ("none.npz", "none.safetensors", "none.npy", "none"):
            self.run_tool("inspect", self.folder / name, status=1, says=[name])
        for name in ("x.npz", "x.npy", "x.safetensors"):
            for content in (b"", b"x", bytes(100), b"PK\x05\x06" + bytes(18), b"\x93NUMPY\x01\x00\xff\xff"):
                path = self.write(name, content)
                if content.startswith(b"PK"):
                    self.run_tool("inspect", path)  # an archive of nothing, whatever its name
                else:
                    self.run_tool("inspect", path, status=1, says=[name + ": "])
        self.run_tool("inspect", self.write("x.txt", "x"), status=1, says=["x.txt"])


class Pack(ToolTest):
    def test_packing_what_is_packed_changes_nothing(self):
        out = self.folder / "out"
        self.run_tool("pack", "--model", MODEL, "--out", out)
        self.run_tool("pack", "--model", MODEL, "--out", out)  # twice: files are replaced
        self.assertEqual((out / "model.safetensors").read_bytes(), (MODEL / "model.safetensors").read_bytes())
        self.assertEqual(self.classify_json("--text", *TEXTS, model=out)["results"],
                         self.classify_json("--text", *TEXTS)["results"])

    def test_bad_folders(self):
        self.run_tool("pack", "--model", self.folder / "none", "--out", self.folder / "out", status=1, says=["none"])
        self.assertFalse((self.folder / "out").exists())
        file = self.write("file", "x")
        self.run_tool("pack", "--model", MODEL, "--out", file, status=1, says=["file"])


def main():
    global TOOL, MODEL
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    args, rest = parser.parse_known_args()
    TOOL, MODEL = args.tool, args.model
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
