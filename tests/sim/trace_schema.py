#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a trace file must be, for Perfetto and chrome://tracing to show it as meant. `trace_schema.py FILE.json` checks
one by hand."""
import collections
import json
import re
import sys

# Names that chrome://tracing has colours for (catapult's color_scheme.html).
COLOURS = {
    "thread_state_uninterruptible", "thread_state_iowait", "thread_state_running", "thread_state_runnable",
    "thread_state_sleeping", "thread_state_unknown", "generic_work", "good", "bad", "terrible", "black", "grey",
    "white", "yellow", "olive", "rail_response", "rail_animation", "rail_idle", "rail_load", "startup",
}
# For each kind of event: its keys and their types.
KEYS = {
    "M": {"name": str, "pid": int, "tid": int, "args": dict},
    "B": {"name": str, "cat": str, "pid": int, "tid": int, "ts": int},
    "E": {"pid": int, "tid": int, "ts": int},
    "X": {"name": str, "cat": str, "pid": int, "tid": int, "ts": int, "dur": int, "args": dict},
    "C": {"name": str, "pid": int, "tid": int, "ts": int, "args": dict},
}
METADATA = {"process_name": ("name", str), "process_sort_index": ("sort_index", int),
            "thread_name": ("name", str), "thread_sort_index": ("sort_index", int)}


class Track:
    """The spans of one thread, which nest, in the order of time."""

    def __init__(self):
        self.now = 0
        self.open = []  # of each span around now: its end, None while unknown
        self.spans = []  # (category, name, begin, end)
        self.begun = []

    def of(self, category):
        return [s for s in self.spans if s[0] == category]

    def sum(self, category, name=None):
        """Cycles of all spans of a category, or of those with a name."""
        return sum(end - begin for _, n, begin, end in self.of(category) if name in (None, n))

    def close_until(self, ts):
        while self.open and self.open[-1] is not None and self.open[-1] <= ts:
            self.open.pop()

    def add(self, e):
        assert e["ts"] >= self.now, f"time goes back on a track: {e}"
        self.now = e["ts"]
        self.close_until(e["ts"])
        if e["ph"] == "E":
            assert self.open and self.open[-1] is None, f"an end within a span, or without a begin: {e}"
            self.open.pop()
            self.spans.append((*self.begun.pop(), e["ts"]))
        elif e["ph"] == "B":
            assert not self.open or self.open[-1] is None, f"begins within an event: {e}"
            self.begun.append((e["cat"], e["name"], e["ts"]))
            self.open.append(None)
        else:
            end = e["ts"] + e["dur"]
            assert e["dur"] > 0, f"an empty span: {e}"
            assert not self.open or self.open[-1] is None or self.open[-1] >= end, f"overlapping spans: {e}"
            self.spans.append((e["cat"], e["name"], e["ts"], end))
            self.open.append(end)


def check(trace):
    """Asserts the schema; returns names of threads, tracks {(pid, tid): Track} and counters {name: [(ts, value)]}."""
    assert isinstance(trace["traceEvents"], list) and trace["displayTimeUnit"] in ("ms", "ns")
    processes, threads, tracks = {}, {}, collections.defaultdict(Track)
    counters = collections.defaultdict(list)
    for e in trace["traceEvents"]:
        assert e["ph"] in KEYS, e
        for key, kind in KEYS[e["ph"]].items():
            assert type(e.get(key)) is kind, f"{key} is missing or no {kind.__name__}: {e}"
        extra = set(e) - set(KEYS[e["ph"]]) - {"ph", "cname"}
        assert not extra, f"{extra}: {e}"
        assert e["pid"] > 0 and e["tid"] >= 0 and e.get("ts", 0) >= 0, e
        key = e["pid"], e["tid"]
        if e["ph"] == "M":
            argument, kind = METADATA[e["name"]]
            assert set(e["args"]) == {argument} and type(e["args"][argument]) is kind, e
            if e["name"] == "process_name":
                assert e["pid"] not in processes, f"named twice: {e}"
                processes[e["pid"]] = e["args"]["name"]
            elif e["name"] == "thread_name":
                assert key not in threads and e["tid"] != 0, f"named twice: {e}"
                threads[key] = e["args"]["name"]
        elif e["ph"] == "C":
            assert e["args"] and all(type(v) in (int, float) for v in e["args"].values()), e
            series = counters[e["name"]]
            assert not series or series[-1][0] < e["ts"], f"a counter's time goes back: {e}"
            series.append((e["ts"], *e["args"].values()))
        else:
            assert key in threads, f"a track without a name: {e}"
            assert e.get("cname", "grey") in COLOURS, f"an unknown colour: {e}"
            if "pc" in e.get("args", {}):
                assert re.fullmatch("[0-9a-f]{8}", e["args"]["pc"]), e
            tracks[key].add(e)
        assert e["pid"] in processes, f"a process without a name: {e}"
    assert len(set(threads.values())) == len(threads), "two threads have one name"
    for key, track in tracks.items():
        track.close_until(sys.maxsize)
        assert not track.open, f"a span of {threads[key]} does not end"
    return threads, tracks, counters


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        found, spans, series = check(json.load(file))
    print(f"{len(found)} tracks, {sum(len(t.spans) for t in spans.values())} spans, {len(series)} counters: valid")
