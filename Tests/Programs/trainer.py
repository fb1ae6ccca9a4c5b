"""A trainer for the tests, of Python's standard library alone: softmax regression, one pass of single steps over a block's rows in the
order of their slots. What is named behind it makes it fail as programs of users do.

    trainer.py [--dtype F32|BF16|F16|F64] [--with-counter] [--holding FOLDER] [--fault FAULT[@REQUEST]]

Rows that it holds are files of numbers in the folder, named by the rows' locators, or their ids where they have none.
"""
import argparse
import json
import math
import os
import signal
import struct
import sys
import time

CODES = {"F32": "f", "F64": "d", "I64": "q", "F16": "e", "U8": "B"}
SIZES = {"F32": 4, "F64": 8, "I64": 8, "F16": 2, "BF16": 2, "U8": 1}


def to_bfloat(value):
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def pack(dtype, values):
    if dtype == "BF16":
        return struct.pack(f"<{len(values)}H", *map(to_bfloat, values))
    return struct.pack(f"<{len(values)}{CODES[dtype]}", *values)


def unpack(dtype, data):
    count = len(data) // SIZES[dtype]
    if dtype == "BF16":
        return [struct.unpack("<f", struct.pack("<I", word << 16))[0] for word in struct.unpack(f"<{count}H", data)]
    return list(struct.unpack(f"<{count}{CODES[dtype]}", data))


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            tensors[name] = unpack(entry["dtype"], data[8 + length + start:8 + length + end])
    return tensors


def write(path, tensors):
    header, body = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        data = pack(dtype, values)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)


parser = argparse.ArgumentParser()
parser.add_argument("--dtype", default="F32")
parser.add_argument("--with-counter", action="store_true")
parser.add_argument("--holding", default="")
parser.add_argument("--fault", default="")
options = parser.parse_args()
fault, _, at = options.fault.partition("@")
requests = open(os.environ["UNLEARN_TRAINER_REQUESTS"])
answers = open(os.environ["UNLEARN_TRAINER_ANSWERS"], "w")
features, classes, calls = 0, 0, 0


def say(message):
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def layout():
    shape = [classes, features]
    tensors = [("bias", [classes], options.dtype), ("weight", shape if fault != "layout" else shape[::-1], options.dtype)]
    return tensors + ([("steps", [1], "I64")] if options.with_counter else [])


def save(path, state, extra=None):
    tensors = {name: (dtype, shape, state[name]) for name, shape, dtype in layout()}
    write(path, {**tensors, **(extra or {})})


def logits(state, row):
    return [b + sum(w * x for w, x in zip(state["weight"][c * features:(c + 1) * features], row)) for c, b in enumerate(state["bias"])]


def held(rows):
    """The files of rows that this program holds."""
    texts = []
    for name in ("id", "locator"):
        ends = rows[name + "_end"]
        texts.append([bytes(rows[name][start:end]).decode() for start, end in zip([0] + ends, ends)])
    return [os.path.join(options.holding, locator or name) for name, locator in zip(*texts)]


def read_rows(path):
    rows = read(path)
    if options.holding:
        rows["x"] = [float(number) for file in held(rows) for number in open(file).read().split()]
    return rows


def train(message):
    state, rows = read(message["state"]), read_rows(message["rows"])
    rate = message["rate"]
    for _ in range(message["epochs"]):
        for index, label in enumerate(rows["y"]):
            row = rows["x"][index * features:(index + 1) * features]
            scores = logits(state, row)
            most = max(scores)
            powers = [math.exp(score - most) for score in scores]
            for c in range(classes):
                slope = rate * (powers[c] / sum(powers) - (c == label))
                state["bias"][c] -= slope
                for j, x in enumerate(row):
                    state["weight"][c * features + j] -= slope * x
            if options.with_counter:
                state["steps"][0] += 1
        say({"id": message["id"], "progress": 0.5})
    if fault == "random":
        state["bias"][0] += int.from_bytes(os.urandom(8), "little") / 2**64
    if fault == "memory":
        # As what an optimiser carries from block to block.
        state["bias"][0] += calls / 256
    if fault == "nan":
        state["weight"][1] = math.nan
    if fault == "frozen":
        state["weight"] = read(message["state"])["weight"]
    save(message["result"], state, {"more": ("F32", [1], [0.0])} if fault == "extra" else None)


def score(message):
    state, rows = read(message["state"]), read_rows(message["rows"])
    count = len(rows["y"])
    if fault == "loss":
        losses = []
        for index, label in enumerate(rows["y"]):
            scores = logits(state, rows["x"][index * features:(index + 1) * features])
            most = max(scores)
            losses.append(math.log(sum(math.exp(s - most) for s in scores)) + most - scores[label])
        write(message["result"], {"loss": ("F32", [count], losses)})
        return
    values = [value for index in range(count) for value in logits(state, rows["x"][index * features:(index + 1) * features])]
    write(message["result"], {"logits": ("F32", [count, classes] if fault != "scores" else [classes, count], values)})


for line in requests:
    message = json.loads(line)
    what = message["do"]
    here = at == "" or at == what
    if here and fault == "crash":
        print("out of luck", file=sys.stderr, flush=True)
        sys.exit(3)
    if here and fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if here and fault == "fork" and os.fork() == 0:
        time.sleep(600)
    if here and fault == "fork":
        os._exit(0)
    if here and fault == "flood":
        open(os.environ["TRAINER_TALKS"], "w").close()
    while here and fault == "flood":
        say({"id": message["id"], "progress": 0.5})
    if here and fault == "hang":
        time.sleep(600)
    if here and fault == "garbage":
        answers.write("loss 0.31\n")
        answers.flush()
    if here and fault == "turn":
        say({"id": message["id"] + 1, "ok": {}})
    if here and fault == "error":
        say({"id": message["id"], "error": "no memory\nleft"})
        continue
    if here and fault == "nothing" and "result" in message:
        say({"id": message["id"], "ok": {}})
        continue
    result = {}
    if what == "hello":
        features, classes = 4 if options.holding else math.prod(message["rows"]["shape"]), message["rows"]["classes"]
        result = {"protocol": 1 if fault != "protocol" else 9, "name": "softmax", "facts": {"arithmetic": "2" if fault == "facts" else str(message["worker"]) if fault == "worker" else "1"}}
        print("ready to train", flush=True)
    elif what == "describe":
        result = {"tensors": [{"name": n, "shape": s, "dtype": d, "role": "buffer" if n == "steps" else "parameter"} for n, s, d in layout()]}
    elif what == "initialise":
        save(message["result"], {"bias": [0.0] * classes, "weight": [math.sin(i + message["seed"] % 97) / 100 for i in range(features * classes)], "steps": [0]})
    elif what == "train":
        train(message)
        calls += 1
    elif what == "score":
        score(message)
    elif what == "forget":
        for file in held(read(message["rows"])):
            if os.path.exists(file):
                os.remove(file)
    say({"id": message["id"], "ok": result})
    if what == "shutdown":
        break
