#!/usr/bin/env python3
"""Makes docs/capabilities.md: which test shows which capability.

A test names a row of the table by a comment above it, `// capability: 7.2` or `# capability: 7.2`. usage: capabilities.py [--check]
"""
import re
import sys

import project

PAGE = project.ROOT / "docs" / "capabilities.md"
MARK = re.compile(r"^// capability: ([\d., ]+)\n(?:.*\n)*?(?:TEST(?:_F|_P)?\((\w+), (\w+)\))", re.M)
HEAD = """# Capabilities

Which test shows what, made by `tools/capabilities.py` from the marks `// capability: N` above the tests. Rows without a test are open.

| | capability | tests |
|---|---|---|
"""
ROWS = """
1.1 Sequential: add() one by one and list constructor
1.2 Input(shape), output shapes inferred
1.3 Functional API: Model(input, output)
1.4 Models by sub-classing
1.5 Layers by sub-classing, recursive, weights tracked
1.6 training reaches nested layers by itself
1.7 Several inputs and outputs, shared layers, branches
1.8 The same network in three styles gives equal numbers
1.9 Conv2D with filters, kernel, strides, padding, activation
1.10 TensorFlow's asymmetric 'same' padding
1.11 MaxPooling2D, strides as the pool
1.12 AveragePooling2D
1.13 GlobalMaxPooling2D, GlobalAveragePooling2D
1.14 BatchNormalization with moving statistics
1.15 Dropout
1.16 Dense, Dense with softmax
1.17 Concatenate, Flatten, nn.relu
1.18 Channels last
1.19 compile with objects
1.20 fit with a partial last batch
1.21 evaluate and predict with verbose 0, 1, 2
1.22 The progress bar
1.23 MNIST
1.24 CIFAR-10
1.25 Array operations
1.26 to_categorical
1.27 Pretrained weights, grey repeated to three channels
2.1 The blocks of MiniInception
2.2 Lists of weights
2.3 Weights made at the first call
2.4 Building by an empty batch
2.5 build(input_shape)
2.6 Automatic unique names
2.7 summary()
2.8 call() on a symbolic Input
2.9 Plot of the model graph
2.10 Further arguments of call
2.11 Choices of down-sampling
3.1 from_tensor_slices
3.2 shuffle, anew each epoch, seedable
3.3 batch with the last part kept
3.4 map, prefetch, cache, repeat, take, enumerate
3.5 Iteration with steps
3.6 A grid of sample images with class names
3.7 train_test_split
4.1 Variable, assign
4.2 GradientTape, persistent
4.3 Operators; nested lists are tensors
4.4 The printed form of tensors
4.5 watch, nested and higher orders, custom gradients
4.6 apply_gradients
4.7 Adam and the SGD family
4.8 CategoricalCrossentropy on probabilities or logits
4.9 CategoricalAccuracy; update_state, result, reset_state
4.10 Custom metrics and losses
4.11 Eager, and compiled by function()
4.12 Metrics and summaries inside of a compiled step
4.13 Training loops of one's own
4.14 The line of an epoch
4.15 Metrics reset at the end of an epoch
4.16 Mixed precision
4.17 Image augmentation
4.18 Learning-rate schedules
4.19 Devices
5.1 create_file_writer, as_default
5.2 summary::scalar
5.3 callbacks::TensorBoard
5.4 Image summaries
5.5 Hyper-parameters
5.6 Embedding projector
5.7 Model graph
5.8 Readable while it is written
6.1 save as a folder
6.2 Loaded without the class's source
6.3 load_model without compile
6.4 Optimizer, losses and metrics stored
6.5 After loading: train on, evaluate, infer
6.6 HDF5 with custom objects
6.7 get_config, from_config
6.8 save_weights, load_weights
6.9 The error of load_weights before variables exist
6.10 ONNX
6.11 Checkpoints; the best one again
7.1 predict over a test set
7.2 classification_report
7.3 Precision, recall, F1
7.4 LabelBinarizer and ROC AUC of several classes
7.5 confusion_matrix
7.6 Annotated heat map
7.7 An image from a file
7.8 Class names
8.1 Autograd and GradientTape
8.2 Several inputs and outputs with losses of their own
8.3 Choosing loss and metric
8.4 The best checkpoint again
8.5 Dense on the last axis
8.6 Functional and Sequential
8.7 Fast small inputs
8.8 Grad-CAM
8.9 Attention with LSTM and GRU
8.10 Data sets and arrays, generators, directories
8.11 Binary classification
8.12 Quantization-aware training
8.13 add_loss, activity regularization
"""

PYTHON = re.compile(r"^ *# capability: ([\d., ]+)\n(?:[ @][^\n]*\n)*? *def (test_\w+)\(", re.M)
PROGRAM = re.compile(r"strata_program_test\((\w+)[^\n]*# capability: ([\d., ]+)|# capability: ([\d., ]+)\n\s*strata_program_test\((\w+)")


def shown_by():
    """{row: [test]}"""
    tests = {}

    def add(rows, test):
        for row in re.findall(r"\d+\.\d+", rows):
            tests.setdefault(row, []).append(f"`{test}`")

    for path in project.files(".cpp", ".py"):
        if not project.name(path).startswith("tests/"):
            continue
        text = path.read_text(encoding="utf-8")
        for rows, suite, name in MARK.findall(text):
            add(rows, f"{suite}.{name}")
        for rows, name in PYTHON.findall(text) if path.suffix == ".py" else []:
            add(rows, f"{path.stem}.{name}")
    for a, rows, rows_above, b in PROGRAM.findall((project.ROOT / "tests" / "CMakeLists.txt").read_text(encoding="utf-8")):
        add(rows or rows_above, f"programs.{a or b}")
    return tests


def page():
    tests = shown_by()
    lines = []
    for line in ROWS.strip().splitlines():
        row, what = line.split(" ", 1)
        lines.append(f"| {row} | {what} | {', '.join(sorted(tests.pop(row, []))) or '*open*'} |")
    if tests:
        sys.exit(f"tests name rows that are not in the table: {', '.join(sorted(tests))}")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
            sys.exit("docs/capabilities.md is not what the tests say: run tools/capabilities.py")
    else:
        PAGE.write_text(page(), encoding="utf-8")
