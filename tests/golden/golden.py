#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of `tessera golden` from outside.

    folder     every *.npz directly in TESSERA_GOLDEN_DIR passes; status 77 (skipped) without that variable
    can-fail   a vector with one wrong element fails, and the first difference is reported where it is
    bad-input  damaged files and arrays of wrong type or shape: status 1, the file is named, the others are checked
"""
import argparse
import io
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).parent
failures = []


def expect(condition, what):
    if not condition:
        failures.append(what)
        print(f"FAILED: {what}")


def run(tool, *arguments):
    return subprocess.run([tool, "golden", *map(str, arguments)], capture_output=True, text=True, timeout=600)


def arrays(path):
    """Name -> bytes of the .npy."""
    with zipfile.ZipFile(path) as file:
        return {name[:-len(".npy")]: file.read(name) for name in file.namelist()}


def save(path, contents):
    with zipfile.ZipFile(path, "w") as file:
        for name, data in contents.items():
            file.writestr(name + ".npy", data)
    return path


def parse(npy):
    """Element type, shape and data of a version 1 .npy."""
    size = struct.unpack("<H", npy[8:10])[0]
    header = npy[10:10 + size].decode()
    shape = re.search(r"'shape': \(([^)]*)\)", header).group(1)
    extents = [int(e) for e in shape.split(",") if e.strip()]
    return re.search(r"'descr': '([^']*)'", header).group(1), extents, bytearray(npy[10 + size:])


def build(descr, shape, data):
    text = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }" % (descr, "".join(f"{e}," for e in shape))
    text += " " * (63 - (10 + len(text)) % 64) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode() + bytes(data)


def with_wrong_element(npy, flat):
    """The array with one bit of one element flipped, and that element's index."""
    descr, shape, data = parse(npy)
    item = int(descr[2:])
    data[flat * item] ^= 1
    index = []
    for extent in reversed(shape):
        index.insert(0, flat % extent)
        flat //= extent
    return build(descr, shape, data), index


def can_fail(tool, folder):
    # (file, array, element, case that must fail)
    wrong = [("ita_requant", "out_rtl", 28431, "out_rtl"),
             ("ita_gelu", "out_rtl", 700, "gelu int8 out_rtl"),
             ("ita_relu", "out_pyita", 5000, "relu int32 out_pyita"),
             ("ita_softmax", "S64_banshee", 77, "S64_banshee"),
             ("ita_softmax_corner", "rtl", 0, "rtl"),
             ("ita_mha_S64_E64_P64_F64_H1_gelu_seed1", "A_softmax", 4095, "chain A_softmax"),
             ("ita_mha_S128_E64_P128_F128_H2_identity_adds_seed5", "Out", 9000, "Out"),
             ("ita_mha_S64_E64_P64_F64_H1_relu_rq_seed2", "FF2p", 1, "chain FF2p"),
             ("ibert_ops", "soft1_y_f64", 1500, "soft1_y_f64"),
             ("ibert_ops", "ln1_y_f64", 1151, "ln1_y_f64"),
             ("ibert_layer_C128_H4_F512_T32_B2_exact_f64", "self_attn_attn_act__int", 5000, "self_attn_attn_act__int"),
             ("ibert_layer_C128_H4_F512_T32_B2_mask_fixedscale_f64", "final_layer_norm__int", 8191,
              "final_layer_norm__int"),
             ("quantlib_ops", "rq1_signed0_cmsis1_y", 199, "rq1_signed0_cmsis1_y"),
             ("quantlib_ops", "imean_axis1_y", 20, "imean_axis1_y"),
             ("deeploy_c_ops", "hswish1_rq7_33_16_y", 255, "hswish1_rq7_33_16_y (int32 input)")]
    # Computed once, by scalar code.
    constants = [("ibert_ops", "gelu1_consts", 1, "gelu1_consts"),
                 ("ibert_layer_C128_H4_F512_T32_B2_exact_f64", "fc2_act__m", 300, "fc2_act__m"),
                 ("ibert_layer_C128_H4_F512_T32_B2_exact_f64", "fc1__w_int", 12345, "fc1__w_int"),
                 ("quantlib_ops", "idiv_y", 63, "idiv_y")]  # has no kernel of its own on the host
    for name, array, flat, case in wrong + constants:
        contents = arrays(HERE / f"{name}.npz")
        contents[array], index = with_wrong_element(contents[array], flat)
        path = save(folder / f"{name}.npz", contents)
        done = run(tool, path, "--json")
        expect(done.returncode == 1, f"{name}/{array}: a wrong element gives status {done.returncode}, not 1")
        answer = json.loads(done.stdout)
        failed = [c for c in answer["cases"] if not c["ok"]]
        expect(answer["failed"] == len(failed) and answer["errors"] == [], f"{name}/{array}: counts of the summary")
        # O_acc is computed from the stored A_softmax.
        expect(all(array in c["case"] or (array, c["case"]) == ("A_softmax", "O_acc") for c in failed),
               f"{name}/{array}: other cases fail: {[c['case'] for c in failed]}")
        for target in ["reference"] if (name, array, flat, case) in constants else ["reference", "host"]:
            found = [c for c in failed if c["case"] == case and c["target"] == target]
            expect(len(found) == 1, f"{name}/{array}: {len(found)} cases '{case}' fail on {target}")
            for c in found:
                expect(c["index"] == index, f"{name}/{array}: index {c['index']}, not {index}")
                expect(c["differences"] == 1 and abs(c["expected"] - c["actual"]) == 1,
                       f"{name}/{array}: {c['differences']} differences, {c['expected']} and {c['actual']}")
        text = run(tool, path, "--target", "reference")
        where = "FAIL first difference at [%s]" % ",".join(map(str, index))
        expect(text.returncode == 1 and where in text.stdout, f"{name}/{array}: no line with '{where}'")
    print(f"{len(wrong) + len(constants)} wrong elements were found")


def bad_input(tool, folder):
    good = HERE / "ita_relu.npz"
    whole = good.read_bytes()
    files = {
        "empty.npz": b"",
        "text.npz": b"not an archive\n" * 40,
        "truncated.npz": whole[:len(whole) // 2],
        "flipped.npz": whole[:300] + bytes([whole[300] ^ 0xff]) + whole[301:],
    }
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("input_0.npy", build("|i1", [2], b"\0\1"))
    files["other.npz"] = other.getvalue()
    for name, data in files.items():
        (folder / name).write_bytes(data)
        done = run(tool, folder / name, good)
        expect(done.returncode == 1, f"{name}: status {done.returncode}, not 1")
        expect(name in done.stderr, f"{name} is not named: {done.stderr!r}")
        expect("relu int8 out_rtl" in done.stdout, f"{name}: the file after it is not checked")
    expect("docs/golden.md" in run(tool, folder / "other.npz").stderr, "an unknown schema does not say where to read")
    answer = json.loads(run(tool, folder / "empty.npz", good, "--json").stdout)
    expect(len(answer["errors"]) == 1 and answer["failed"] == 0 and answer["passed"] > 0, "errors of --json")
    expect(run(tool).returncode == 2 and run(tool, good, "--target", "moon").returncode == 2, "wrong usage is not 2")

    # Every array in turn: missing, of another shape, of another type, empty, and with extreme values.
    tried = 0
    for name in ("ita_mha_S64_E64_P64_F64_H1_gelu_seed1", "ita_requant", "ita_gelu", "ita_softmax_corner", "quantlib_ops",
                 "deeploy_c_ops", "ibert_ops"):
        contents = arrays(HERE / f"{name}.npz")
        for key, npy in contents.items():
            descr, shape, data = parse(npy)
            item = int(descr[2:])
            count = len(data) // item
            changes = {"missing": None, "flat": build(descr, [count, 1, 1, 1, 1], data),
                       "text": build("|b1", [count], b"\1" * count), "empty": build(descr, [0], b"")}
            if descr[1] == "i" and len(shape) < 2:
                changes["largest"] = build(descr, shape, (b"\xff" * (item - 1) + b"\x7f") * count)
                changes["smallest"] = build(descr, shape, (b"\0" * (item - 1) + b"\x80") * count)
            if descr[1] == "f":
                changes["nan"] = build(descr, shape, b"\xff" * len(data))
                changes["zero"] = build(descr, shape, bytes(len(data)))
            paths = {}
            for change, changed in changes.items():
                mutant = dict(contents)
                del mutant[key]
                if changed is not None:
                    mutant[key] = changed
                paths[change] = str(save(folder / f"{change}.npz", mutant))
                tried += 1
            done = run(tool, *paths.values(), "--target", "reference", "--json")
            expect(done.returncode in (0, 1), f"{name}/{key}: status {done.returncode}: {done.stderr}")
            if done.returncode not in (0, 1):
                continue
            answer = json.loads(done.stdout)
            errors = {e["file"] for e in answer["errors"]}
            for change, path in paths.items():
                checked = any(c["file"] == path for c in answer["cases"])
                expect(checked or path in errors, f"{name}/{key} {change}: neither checked nor refused")
                expect(path not in errors or f"{path}: " in done.stderr, f"{name}/{key} {change}: no message")
    print(f"{len(files)} damaged files, {tried} damaged arrays")


def folder_of_user(tool):
    folder = os.environ.get("TESSERA_GOLDEN_DIR")
    if not folder:
        print("TESSERA_GOLDEN_DIR is not set")
        return 77
    files = sorted(pathlib.Path(folder).glob("*.npz"))
    expect(len(files) > 0, f"no *.npz in {folder}")
    if files:
        done = run(tool, *files)
        print(done.stdout, done.stderr, sep="")
        expect(done.returncode == 0, f"status {done.returncode}")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True)
    parser.add_argument("test", choices=["folder", "can-fail", "bad-input"])
    args = parser.parse_args()
    if args.test == "folder":
        return folder_of_user(args.tool)
    with tempfile.TemporaryDirectory() as folder:
        {"can-fail": can_fail, "bad-input": bad_input}[args.test](args.tool, pathlib.Path(folder))
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
