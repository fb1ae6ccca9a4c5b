/// What Python is given to run: `Scripts/safetensors-to-onnx` word for word, so that an installed program has it with it. A test compares the two.
enum ONNXScript {
    static let text = #"""
        #!/usr/bin/env python3
        """safetensors-to-onnx FILE

        Writes the model of a .safetensors file that `unlearn export` made as an ONNX model to standard output, with Python's `onnx`; FILE may be -
        for standard input. `unlearn export --out FILE.onnx` works by this text.

        What such a model takes and gives stands in Documentation/Tables.md. It carries the file's own description of itself under `unlearn`.
        Exits 65 where the file is at fault, 69 where onnx is not there.
        """
        import sys

        # Python looks for modules first of all where it is started: in a folder of data, whatever lies there would be run.
        if sys.path[:1] == [""]:
            del sys.path[0]

        import itertools
        import json
        import math
        import os
        import signal

        WRONG_FILE, NO_ONNX = 65, 69


        class Refused(Exception):
            """What is wrong with the file, in words that follow its name."""


        try:
            import numpy as np
            from onnx import TensorProto, helper, numpy_helper
        except ImportError as fault:
            print(f"Python's onnx cannot be loaded: {fault}", file=sys.stderr)
            sys.exit(NO_ONNX)

        FORMAT = 1
        # Old enough for the runtimes that are in use, new enough for all that is needed here.
        OPSETS, IR_VERSION = {"": 17, "ai.onnx.ml": 3}, 8
        # Stands for a category whose last row was deleted; no cell holds it.
        FORGOTTEN = "\0"
        # What says, in any case, that a cell of categories is empty, unless a category is called so.
        EMPTY = ["".join(letters) for word in ("na", "n/a", "#n/a", "nan", "nat", "null", "<na>", "?") for letters in itertools.product(*zip(word, word.upper()))]
        # As the network was trained: Sources/CVectorKernels/normalisation.c, Sources/Training/Networks/ResNet.swift.
        EPSILON, GROUPS = 1e-5, 8


        class Graph:
            """Inputs, constants and operations, each under a name that nothing else has."""

            def __init__(self, outputs):
                self.names, self.inputs, self.constants, self.nodes = set(outputs), [], [], []

            def unused(self, name):
                while name in self.names or not name:
                    name += "_"
                self.names.add(name)
                return name

            def input(self, name, kind, shape, words):
                self.inputs.append(helper.make_tensor_value_info(name, kind, ["N", *shape], words))
                return name

            def constant(self, values, kind=np.float32, name="constant"):
                self.constants.append(numpy_helper.from_array(np.asarray(values, kind), self.unused(name)))
                return self.constants[-1].name

            def add(self, operation, *inputs, output=None, **attributes):
                output = output or self.unused(f"{operation.lower()}{len(self.nodes)}")
                self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))
                return output


        class Table:
            """From a table's columns to features (N, features): numbers, dates and booleans all at once, then each column of categories."""

            def __init__(self, graph, columns):
                self.graph = graph
                # One of each for each input that is a number; `owners` names the input whose gap is this one's.
                self.numbers, self.means, self.deviations, self.owners = [], [], [], []
                self.categories, self.features = [], []
                # The columns' own names come first: names that are made up give way to them.
                for name, column in zip([graph.unused(column["name"]) for column in columns], columns):
                    self.read(name, column)

            def read(self, name, column):
                if column["kind"] == "categories":
                    width = len(column["categories"]) + column.get("pooled", False)
                    self.features += [(2 + len(self.categories), place) for place in range(width)]
                    self.categories.append((self.graph.input(name, TensorProto.STRING, [1], "text, without blanks around it"), column["categories"], width))
                    return
                words = {"number": "number", "boolean": "1 for true, -1 for false", "date": "days since 1970-01-01"}[column["kind"]]
                owner = len(self.numbers)
                self.number(name, words + "; NaN where it is missing", column.get("mean", 0), column.get("deviation", 1), owner)
                if "time_mean" in column:
                    name = self.graph.unused(name + "_seconds")
                    self.number(name, "seconds of the day; NaN where there is no time", column["time_mean"], column["time_deviation"], owner)
                if column.get("gaps"):
                    self.features.append((1, owner))

            def number(self, name, words, mean, deviation, owner):
                self.features.append((0, len(self.numbers)))
                self.numbers.append(self.graph.input(name, TensorProto.FLOAT, [1], words))
                self.means.append(mean)
                self.deviations.append(deviation)
                self.owners.append(owner)

            def values_and_gaps(self):
                add, constant = self.graph.add, self.graph.constant
                given = add("Concat", *self.numbers, axis=1)
                missing = add("IsNaN", given)
                # In double precision, as the program does it. A date without a time is midnight; one that is missing has none.
                filled = add("Cast", add("Where", missing, constant(0), given), to=TensorProto.DOUBLE)
                scaled = add("Div", add("Sub", filled, constant(self.means, np.float64)), constant(self.deviations, np.float64))
                gone = add("Gather", missing, constant(self.owners, np.int64), axis=1)
                values = add("Where", gone, constant(0), add("Cast", scaled, to=TensorProto.FLOAT))
                return [values, add("Cast", missing, to=TensorProto.FLOAT)]

            def one_hot(self, text, names, width):
                add, constant = self.graph.add, self.graph.constant
                places = {name: place for place, name in enumerate(names) if name != FORGOTTEN}
                if "" in places:
                    places = {word: places[""] for word in EMPTY} | places
                # Every other text is the pooled feature, which is the last; where there is none it lies outside, and all features are 0.
                place = add("LabelEncoder", text, domain="ai.onnx.ml", keys_strings=list(places), values_int64s=list(places.values()), default_int64=len(names))
                return add("Flatten", add("OneHot", place, constant(width, np.int64), constant([0, 1])))

            def encoded(self):
                parts = (self.values_and_gaps() if self.numbers else []) + [self.one_hot(*column) for column in self.categories]
                widths = [len(self.numbers)] * 2 + [width for _, _, width in self.categories]
                starts = [0, *itertools.accumulate(widths)]
                order = [starts[part] + place for part, place in self.features]
                return self.graph.add("Gather", self.graph.add("Concat", *parts, axis=1), self.graph.constant(order, np.int64), axis=1)


        class Network:
            """The layers of the program's networks, by the names of their tensors."""

            def __init__(self, graph, tensors, description):
                self.graph, self.tensors, self.description = graph, tensors, description
                self.names = {name: graph.constant(values, name=name) for name, values in tensors.items() if ".norm." not in name}

            def activation(self, x):
                add, constant, function = self.graph.add, self.graph.constant, self.description["activation"]
                if function != "gelu":
                    return add({"tanh": "Tanh", "relu": "Relu"}[function], x)
                inner = add("Add", x, add("Mul", constant(0.044715), add("Mul", x, add("Mul", x, x))))
                tanh = add("Tanh", add("Mul", constant(math.sqrt(2 / math.pi)), inner))
                return add("Mul", add("Mul", constant(0.5), x), add("Add", constant(1), tanh))

            def dense(self, x, *layers):
                x = self.graph.add("Flatten", x)
                for layer in layers:
                    x = self.graph.add("Gemm", x, self.names[layer + ".weight"], self.names[layer + ".bias"], transB=1)
                    x = self.activation(x) if layer != layers[-1] else x
                return x

            def convolution(self, x, layer, padding, stride=1):
                parameters = [self.names[name] for name in (layer + ".weight", layer + ".bias") if name in self.names]
                return self.graph.add("Conv", x, *parameters, pads=[padding] * 4, strides=[stride] * 2)

            def normalisation(self, x, layer):
                """By groups of channels; each group is one channel of an instance normalisation, which all versions of ONNX have."""
                add, constant = self.graph.add, self.graph.constant
                grouped = add("Reshape", x, constant([0, GROUPS, -1], np.int64))
                normal = add("InstanceNormalization", grouped, constant(np.ones(GROUPS)), constant(np.zeros(GROUPS)), epsilon=EPSILON)
                gain, bias = (constant(self.tensors[f"{layer}.norm.{name}"][:, None, None]) for name in ("gain", "bias"))
                return add("Add", add("Mul", add("Reshape", normal, add("Shape", x)), gain), bias)

            def shortcut(self, x, stride, channels):
                """Every stride-th pixel, on the first of twice as many channels."""
                add, constant = self.graph.add, lambda values: self.graph.constant(values, np.int64)
                if stride == 1:
                    return x
                pixels = add("Slice", x, constant([0, 0]), constant([2**31 - 1] * 2), constant([2, 3]), constant([stride] * 2))
                return add("Pad", pixels, constant([0, 0, 0, 0, 0, channels // 2, 0, 0]))

            def logistic(self, x, shape):
                return self.dense(x, "linear")

            def mlp(self, x, shape):
                return self.dense(x, *[f"hidden{i + 1}" for i in range(len(self.description["hidden"]))], "output")

            def lenet5(self, x, shape):
                pooling = {"average": "AveragePool", "max": "MaxPool"}[self.description["pooling"]]
                for layer, padding in [("conv1", 0 if min(shape["height"], shape["width"]) >= 32 else 2), ("conv2", 0)]:
                    x = self.activation(self.convolution(x, layer, padding))
                    x = self.graph.add(pooling, x, kernel_shape=[2, 2], strides=[2, 2])
                return self.dense(x, "dense1", "dense2", "dense3")

            def resnet20(self, x, shape):
                x = self.activation(self.normalisation(self.convolution(x, "conv0", 1), "conv0"))
                for stage, block in itertools.product((1, 2, 3), repeat=2):
                    name, stride = f"stage{stage}.block{block}.conv", 2 if stage > 1 and block == 1 else 1
                    y = self.activation(self.normalisation(self.convolution(x, name + "1", 1, stride), name + "1"))
                    y = self.normalisation(self.convolution(y, name + "2", 1), name + "2")
                    x = self.activation(self.graph.add("Add", y, self.shortcut(x, stride, len(self.tensors[name + "2.weight"]))))
                return self.dense(self.graph.add("GlobalAveragePool", x), "output")


        def pixels(graph, model):
            """Rows that are no table's: images, or plain features, as bytes or as they are."""
            shape, scaling = model["shape"], model.get("pixels")
            sides = [shape["width"]] if shape["channels"] == shape["height"] == 1 else [shape["channels"], shape["height"], shape["width"]]
            x = graph.input(graph.unused("x"), TensorProto.FLOAT, sides, "values from 0 to 255" if scaling else "features, as they were trained on")
            if scaling:
                x = graph.add("Add", graph.add("Mul", x, graph.constant(scaling["scale"])), graph.constant(scaling["shift"]))
            return x


        def converted(tensors, model, text):
            """The ONNX model of tensors and their description."""
            graph = Graph(["class", "probabilities"])
            x = Table(graph, model["table"]["columns"]).encoded() if model.get("table") else pixels(graph, model)
            network = Network(graph, tensors, model["network"])
            build = {"logistic": network.logistic, "mlp": network.mlp, "lenet5": network.lenet5, "resnet20": network.resnet20}[model["network"]["model"]]
            graph.add("Softmax", build(x, model["shape"]), output="probabilities", axis=1)
            names = graph.constant([name.encode() for name in model["class_names"]], object)
            graph.add("Gather", names, graph.add("ArgMax", "probabilities", axis=1, keepdims=0), output="class")
            outputs = [helper.make_tensor_value_info("class", TensorProto.STRING, ["N"], "the likeliest"),
                       helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(model["class_names"])], ", ".join(model["class_names"]))]
            whole = helper.make_graph(graph.nodes, "unlearn", graph.inputs, outputs, graph.constants)
            made = helper.make_model(whole, producer_name="unlearn", producer_version=model["program_version"], ir_version=IR_VERSION,
                                     opset_imports=[helper.make_opsetid(domain, version) for domain, version in OPSETS.items()])
            helper.set_model_props(made, {"unlearn": text})
            return made.SerializeToString()


        def read(data):
            """The tensors of a .safetensors file, what it says of its model, and the text in which it says so."""
            start = 8 + int.from_bytes(data[:8], "little")
            try:
                header = json.loads(data[8:start])
                text = header.pop("__metadata__")["unlearn"]
                model = json.loads(text)
                places = {name: (spec["shape"], start + spec["data_offsets"][0]) for name, spec in header.items()}
                tensors = {name: np.frombuffer(data, "<f4", math.prod(shape), place).reshape(shape) for name, (shape, place) in places.items()}
            except (AttributeError, KeyError, TypeError, ValueError):
                raise Refused("is no .safetensors file that 'unlearn export' wrote; export it again")
            if model.get("format") != FORMAT:
                raise Refused(f"describes its model in format {model.get('format')}, this script reads {FORMAT}; take that of the version that wrote it")
            return tensors, model, text


        def main(arguments):
            if len(arguments) != 1 or arguments[0].startswith("--"):
                print(__doc__, file=sys.stderr)
                return 2
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            path = arguments[0]
            # Who hands over an open file knows its name, and says it.
            name = b"" if path == "-" else os.fsencode(path) + b" "
            try:
                with open(0 if path == "-" else path, "rb", closefd=path != "-") as stream:
                    data = stream.read()
                sys.stdout.buffer.write(converted(*read(data)))
                sys.stdout.buffer.flush()
                return 0
            except Refused as fault:
                sys.stderr.buffer.write(name + f"{fault}\n".encode())
                return WRONG_FILE
            except OSError as fault:
                sys.stderr.buffer.write(name + f"cannot be converted: {fault.strerror or fault}\n".encode())
                return 1


        if __name__ == "__main__":
            sys.exit(main(sys.argv[1:]))

        """#
}
