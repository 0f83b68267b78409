"""What `export` gives: the ONNX model with what one does to it."""
import re
from pathlib import Path

import pyxtorch
from pyxtorch import Tensor
from pyxtorch.onnx._graph import ELEMENT
from pyxtorch.onnx._recorder import each
from pyxtorch.onnx.errors import need

__all__ = ["ONNXProgram", "to_model"]

FOLDERS = re.compile(r"at .*/(?=[^/]*$)")  # of a line of the program: the file's name is enough
LIMIT = 2**31 - 1  # bytes that a protocol buffer holds


def _proto(onnx, name, tensor):
    """A tensor as ONNX keeps it: raw bytes, little end first."""
    tensor = tensor.detach().cpu().contiguous()
    proto = onnx.TensorProto()
    proto.name, proto.data_type = name, ELEMENT[tensor.dtype.name]
    proto.dims.extend(tensor.shape)
    if tensor.dtype == pyxtorch.bfloat16:
        proto.raw_data = tensor.view(pyxtorch.int16).numpy().tobytes()
    else:
        proto.raw_data = tensor.numpy().tobytes()
    return proto


def to_model(graph, inputs, outputs, keep_initializers_as_inputs=False, export_params=True):
    """The ModelProto of a graph.

    Args:
        inputs, outputs: [(value, shape with names for dynamic lengths)].
    """
    onnx = need("onnx")
    helper = onnx.helper
    used, nodes = {v.name for v, _ in outputs}, []
    for op, names, results, attributes, where in reversed(graph.nodes):
        if used.isdisjoint(results):
            continue
        used.update(names)
        stem = next(r for r in results if r)
        node = helper.make_node(op, names, results, name=f"{op}:{stem}" if ":" not in stem else stem, doc_string=FOLDERS.sub("at ", where))
        while node.output and not node.output[-1]:
            del node.output[-1]
        while node.input and not node.input[-1]:
            del node.input[-1]
        node.attribute.extend(helper.make_attribute(k, v) for k, v in sorted(attributes.items()))
        nodes.append(node)
    kept = [(name, tensor) for name, tensor in graph.initializers.items() if name in used]

    def info(name, dtype, shape):
        return helper.make_tensor_value_info(name, ELEMENT[dtype.name], shape)

    given = [info(v.name, v.dtype, shape) for v, shape in inputs]
    if keep_initializers_as_inputs:
        given += [info(name, tensor.dtype, list(tensor.shape)) for name, tensor in kept]
    proto = helper.make_graph(nodes[::-1], "pyxtorch", given, [info(v.name, v.dtype, shape) for v, shape in outputs], [_proto(onnx, *k) for k in kept])
    opset = helper.make_opsetid("", graph.opset)
    version = helper.find_min_ir_version_for([opset])
    return helper.make_model(proto, opset_imports=[opset], ir_version=max(version, 8), producer_name="pyxtorch", producer_version=pyxtorch.version.__version__)


class ONNXProgram:
    """An exported program.

    Attributes:
        model_proto: the ModelProto of the package `onnx`.
        exported_program: None; the program is recorded, not exported to another form between.
    Call it with the arguments of the module to run it with onnxruntime: a tuple of the output tensors.
    """

    exported_program = None

    def __init__(self, model_proto, input_names, output_names):
        self.model_proto, self._input_names, self._output_names = model_proto, input_names, output_names
        self._session = None

    def __repr__(self):
        graph = self.model_proto.graph
        return f"ONNXProgram({len(graph.node)} nodes, inputs {self._input_names}, outputs {self._output_names})"

    @property
    def model(self):
        """The model in memory: `model_proto`."""
        return self.model_proto

    def save(self, destination, *, include_initializers=True, keep_initializers_as_inputs=False, external_data=None):
        """Write the model to a file.

        Args:
            destination: path, or a file opened for writing bytes.
            include_initializers: write the parameters; without them the file is the graph alone.
            keep_initializers_as_inputs: name parameters among the inputs too, so that callers may replace them.
            external_data: put the parameters into a second file beside it, `destination` + ".data"; by default where the file would pass 2 GB.
        """
        onnx = need("onnx")
        model = onnx.ModelProto()
        model.CopyFrom(self.model_proto)
        graph = model.graph
        if keep_initializers_as_inputs or not include_initializers:
            have = {i.name for i in graph.input}
            graph.input.extend([onnx.helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)) for t in graph.initializer if t.name not in have])
        if not include_initializers:
            del graph.initializer[:]
        if external_data is None:
            external_data = sum(len(t.raw_data) for t in graph.initializer) > LIMIT - (1 << 20)
        if not isinstance(destination, (str, Path)):
            if external_data:
                raise ValueError("ONNXProgram.save: parameters in a second file need a path, not an open file.")
            destination.write(model.SerializeToString())
            return
        path = str(destination)
        if external_data:
            onnx.save_model(model, path, save_as_external_data=True, all_tensors_to_one_file=True, location=Path(path).name + ".data", size_threshold=1024)
        else:
            onnx.save_model(model, path)

    def apply_weights(self, state_dict):
        """Put other parameters in, by the names that they have in the module.

        Raises:
            KeyError: the model has no such parameter.
            ValueError: it has another shape or dtype.
        """
        onnx = need("onnx")
        held = {t.name: t for t in self.model_proto.graph.initializer}
        for name, tensor in state_dict.items():
            if name not in held:
                raise KeyError(f"ONNXProgram.apply_weights: the model has no parameter {name!r}; it has {sorted(held)}.")
            fresh = _proto(onnx, name, tensor)
            if list(fresh.dims) != list(held[name].dims) or fresh.data_type != held[name].data_type:
                raise ValueError(f"ONNXProgram.apply_weights: {name!r} is of shape {list(held[name].dims)} in the model, but {list(fresh.dims)} was given, or of another dtype.")
            held[name].CopyFrom(fresh)
        self._session = None

    def rename_axes(self, rename_mapping):
        """Give names of dynamic lengths other names: {"batch": "N"}."""
        graph = self.model_proto.graph
        for value in [*graph.input, *graph.output, *graph.value_info]:
            for d in value.type.tensor_type.shape.dim:
                if d.dim_param in rename_mapping:
                    d.dim_param = str(rename_mapping[d.dim_param])

    def call_reference(self, *args, **kwargs):
        """Run it with onnx's own evaluator, slow and plain: a tuple of the output tensors."""
        need("onnx")
        from onnx.reference import ReferenceEvaluator

        return self._results(ReferenceEvaluator(self.model_proto).run(self._output_names, self._feed(args, kwargs)))

    def initialize_inference_session(self, initializer=None):
        """Make the session of onnxruntime that calls run in; `initializer` makes one from a model's bytes."""
        runtime = need("onnxruntime")
        if initializer is None:

            def initializer(data):
                return runtime.InferenceSession(data, providers=["CPUExecutionProvider"])

        self._session = initializer(self.model_proto.SerializeToString())

    def release(self):
        """Let go of the session."""
        self._session = None

    def __call__(self, *args, **kwargs):
        if self._session is None:
            self.initialize_inference_session()
        wanted = {i.name for i in self._session.get_inputs()}
        feed = {name: x for name, x in self._feed(args, kwargs).items() if name in wanted}
        return self._results(self._session.run(self._output_names, feed))

    def _feed(self, args, kwargs):
        given = [x for x in each((args, kwargs)) if isinstance(x, Tensor)]
        if len(given) != len(self._input_names):
            raise ValueError(f"ONNXProgram: takes the {len(self._input_names)} tensors {self._input_names}, but got {len(given)}.")
        return {name: x.detach().cpu().numpy() for name, x in zip(self._input_names, given)}

    def _results(self, arrays):
        return tuple([pyxtorch.from_numpy(y.copy()) if y.ndim else pyxtorch.tensor(y.item(), dtype=pyxtorch.from_numpy(y.reshape(1)).dtype) for y in arrays])
