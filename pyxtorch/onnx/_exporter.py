"""`export`: a module or a function to ONNX."""
import warnings

import pyxtorch
from pyxtorch import Tensor, compiler
from pyxtorch.nn import Module
from pyxtorch.onnx import _compare, _examples, _recorder
from pyxtorch.onnx._graph import Value
from pyxtorch.onnx._program import ONNXProgram, to_model
from pyxtorch.onnx._recorder import Ref, each
from pyxtorch.onnx._sizes import Float, Int
from pyxtorch.onnx._translate import Translation
from pyxtorch.onnx.errors import OnnxExporterError, need

__all__ = ["export", "is_in_onnx_export"]

DEFAULT_OPSET, LEAST_OPSET = 18, 18


def is_in_onnx_export():
    """Whether a program runs because it is being exported."""
    return compiler.is_exporting()


def export(
    model, args=(), f=None, *, kwargs=None, verbose=None, input_names=None, output_names=None, opset_version=None, dynamo=True,
    external_data=None, dynamic_shapes=None, custom_translation_table=None, report=False, optimize=True, verify=False, profile=False,
    dump_exported_program=False, artifacts_dir=".", export_params=True, keep_initializers_as_inputs=False, dynamic_axes=None, training=None,
    operator_export_type=None, do_constant_folding=True, custom_opsets=None, export_modules_as_functions=False, autograd_inlining=True,
):  # fmt: skip
    """Export a module, or a function of tensors, to ONNX.

    It runs on the example with every operation recorded, and again at other sizes and on other values, so that what depends on them is
    known to; the record is translated. docs/onnx.md says what can be exported.

    Args:
        model: Module (run in eval mode, and left in the mode it was in) or function.
        args: tuple of its arguments; tensors in it, in containers too, are the inputs, in this order, other values are fixed.
        f: path or open file to write to.
        kwargs: further arguments by name.
        verbose: print the model.
        input_names, output_names: names of inputs and outputs, in order; by default the parameters' names and "output", "output_1" ...
        opset_version: of ONNX's operators, 18 by default and at least: where an older one is asked for, 18 is written, with a warning.
        external_data: write the parameters into a file of their own, `f` + ".data"; by default where one file could not hold them.
        dynamic_shapes: which lengths may vary: a dict by parameter, or a tuple as `args`, of dicts {axis: name} or sequences with a name or
            None for each axis. A name may be a string, or an object with `__name__`, and `min` and `max` if it has them.
        dynamic_axes: the same by input names: {"x": {0: "batch"}} or {"x": [0]}.
        verify: run the model with onnxruntime, at all sizes tried, and compare.
        export_params: False leaves parameters and buffers out of the file: they become inputs.
        keep_initializers_as_inputs: name parameters among the inputs too, with their values as defaults.
        training: `TrainingMode.EVAL` (0, default), or `PRESERVE` (1) to leave the mode as it is.
        dynamo, optimize, report, profile, dump_exported_program, artifacts_dir, operator_export_type, do_constant_folding, autograd_inlining:
            taken for PyTorch's sake; there is one way to export.
    Returns:
        ONNXProgram.
    Raises:
        OnnxExporterError: something cannot be exported; the message names the operation and its line in the program.
        ModuleNotFoundError: the package onnx is not installed.
    """
    onnx = need("onnx")
    opset = DEFAULT_OPSET if opset_version is None else opset_version
    if opset > onnx.defs.onnx_opset_version():
        raise ValueError(f"export: opset_version is at most {onnx.defs.onnx_opset_version()} with the installed onnx, but got {opset}.")
    if opset < LEAST_OPSET:
        warnings.warn(f"export: opset_version={opset} is older than what is written; the model is of opset {LEAST_OPSET}.", stacklevel=2)
        opset = LEAST_OPSET
    if custom_translation_table or custom_opsets or export_modules_as_functions:
        raise NotImplementedError("export: custom_translation_table, custom_opsets and export_modules_as_functions are not taken.")
    if operator_export_type is not None and int(operator_export_type) != 0:
        raise NotImplementedError("export: operator_export_type: only ONNX's own operators are written (OperatorExportTypes.ONNX).")
    mode = int(training) if training is not None else 0
    if mode == 2:
        raise NotImplementedError("export: training mode cannot be exported; batch statistics and dropout would change what the file computes. Use TrainingMode.EVAL.")
    example = _examples.Example(model, args, kwargs, input_names, dynamic_shapes, dynamic_axes)
    with _State(model, keep_mode=mode == 1) as state:
        runs, tried = _runs(model, example, export_params, state)
    program = _compare.compare(runs, example.told_apart(tried))
    results = _results(program)
    names = _names(len(results), output_names, example.names)
    translation = Translation(program, opset, names)
    inputs = [(value, example.named_shape(value.name, value.shape)) for value in translation.inputs()]
    outputs = _outputs(translation, results, names, lambda lengths: example.name_of(lengths, tried), runs)
    proto = to_model(translation.g, inputs, outputs, keep_initializers_as_inputs)
    _check(onnx, proto)
    result = ONNXProgram(proto, [v.name for v, _ in inputs], [v.name for v, _ in outputs])
    if verify:
        _verify(result, runs, tried)
    if verbose:
        print(onnx.printer.to_text(proto))
    if f is not None:
        result.save(f, external_data=external_data)
    return result


def _check(onnx, model):
    """Let onnx check a model, its shapes included; large parameters stand as inputs, so that their elements are not copied.

    Raises:
        OnnxExporterError: it is not valid.
    """
    light = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    light.graph.name = model.graph.name
    light.graph.node.extend(model.graph.node)
    light.graph.input.extend(model.graph.input)
    light.graph.output.extend(model.graph.output)
    have = {i.name for i in model.graph.input}
    for t in model.graph.initializer:
        if len(t.raw_data) < 1 << 14:
            light.graph.initializer.append(t)
        elif t.name not in have:
            light.graph.input.append(onnx.helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)))
    try:
        onnx.checker.check_model(light, full_check=True)
    except Exception as error:
        raise OnnxExporterError(f"export: the model is not valid, which is a fault of the exporter; please report it: {error}") from error


class _State:
    """While a module runs for its export it is in eval mode; afterwards it is as it was, with all its attributes."""

    def __init__(self, model, keep_mode):
        self.modules = list(model.modules()) if isinstance(model, Module) else []
        self.keep_mode = keep_mode

    def __enter__(self):
        compiler._state["exporting"] = True
        self.random = pyxtorch.get_rng_state()
        self.saved = [(m, dict(vars(m)), dict(m._parameters), dict(m._buffers)) for m in self.modules]
        self.kept = [(b, b._version, b.detach().clone()) for m in self.modules for b in m._buffers.values() if b is not None]
        if not self.keep_mode:
            for m in self.modules:
                m.training = False
        self.running = [dict(vars(m)) for m in self.modules]
        return self

    def restore(self, running=True):
        for (m, before, parameters, buffers), attributes in zip(self.saved, self.running):
            vars(m).clear()
            vars(m).update(attributes if running else before)
            for own, before in ((m._parameters, parameters), (m._buffers, buffers)):
                own.clear()
                own.update(before)

    def __exit__(self, *exc):
        self.restore(running=False)
        with pyxtorch.no_grad():
            for buffer, version, values in self.kept:
                if buffer._version != version:
                    buffer.copy_(values)
        pyxtorch.set_rng_state(self.random)
        compiler._state["exporting"] = False


def _runs(model, example, export_params, state):
    """[(recorder, result)] on the example and at other sizes, and the tensors given to each."""
    held = dict([*model.named_parameters(), *model.named_buffers()]) if isinstance(model, Module) else {}

    def run(tensors):
        inputs = dict(zip(example.names, tensors))
        if not export_params:
            inputs.update(held)
        try:
            versions = {name: _recorder.version(t) for name, t in held.items()}
            recorded = _recorder.run(lambda: example.call(model, tensors), inputs, held)
            changed = next((name for name, t in held.items() if _recorder.version(t) != versions[name]), None)
        finally:
            state.restore()
        if changed is not None:
            raise OnnxExporterError(f"export: the program writes into {changed!r}, which the module keeps between calls; an exported program keeps nothing.")
        return recorded

    tried = [[t.detach().clone() for t in example.tensors]]
    runs = [run([t.clone() for t in tried[0]])]
    others, more, sizes = _at_other_sizes(run, example, runs[0][0])
    runs += others
    tried += more
    for seed in range(2, 9):  # as many elements found in every run: by chance?
        fixed = _compare.found_by_chance(runs)
        if fixed is None:
            return runs, tried
        more = example.varied(sizes[-1], seed, "thinned")
        try:
            runs.append(run([t.clone() for t in more]))
        except OnnxExporterError:
            raise
        except Exception:  # 0 is nothing that the program takes here
            continue
        tried.append(more)
    raise OnnxExporterError(
        f"export: the size of the result of {fixed.full} at {fixed.line} depends on the elements of its input, but came out the same for all that were tried. "
        "Give an example in which some elements are chosen and some are not."
    )


def _at_other_sizes(run, example, first):
    """(runs, the tensors given, the sizes) at two other sizes at which the program runs, and takes the branches that it took `first`."""
    errors = []

    def attempt(pair):
        for how in ("drawn", "repeated"):
            tensors = [example.varied(sizes, seed, how) for seed, sizes in enumerate(pair)]
            try:
                found = [run([t.clone() for t in given]) for given in tensors]
            except OnnxExporterError:
                raise
            except Exception as error:  # the program's own: it does not take such sizes, or such elements
                errors.append(error)
                continue
            branches = next((e for recorder, _ in found if (e := _compare.otherwise(first, recorder))), None)
            if branches is None:
                return found, tensors, pair
            errors.append(branches)
        return None

    for pair in example.strategies():
        if found := attempt(pair):
            return found
    if len(example.symbols) > 1:  # each by itself, then those that are possible together
        chosen = ({}, {})
        for symbol in example.symbols.values():
            pair = next((p for p in example.alone(symbol) if attempt(p)), None)
            if pair is None:
                break
            for sizes, one in zip(chosen, pair):
                sizes[symbol.name] = one[symbol.name]
        else:
            if found := attempt(chosen):
                return found
    if branch := next((e for e in errors if isinstance(e, OnnxExporterError)), None):
        raise branch
    raise OnnxExporterError(
        f"export: the program does not run at other sizes {example.strategies()[0][0]} of the dynamic dimensions: {type(errors[0]).__name__}: {errors[0]}. "
        "Declare those dimensions dynamic that may vary, and give the same name to those that are equal."
    ) from errors[0]


def _results(program):
    """The tensors and numbers that the program gives, in order."""
    leaves = [x for x in each(program.result) if x is not None]
    for x in leaves:
        if not isinstance(x, (Ref, int, float)):
            raise OnnxExporterError(f"export: the program gives {type(x)} among its results; only tensors and numbers can be exported.")
    if not leaves:
        raise OnnxExporterError("export: the program gives no tensor.")
    return leaves


def _names(count, given, inputs):
    """Names of the outputs: those given, then "output", "output_1" ..., where no input is called so."""
    given = list(given or [])
    if len(given) > count:
        raise ValueError(f"export: {len(given)} output_names for {count} outputs.")
    for name in given:
        if name in inputs or given.count(name) > 1:
            raise ValueError(f"export: the output name {name!r} is there twice, among outputs or inputs.")
    for i in range(len(given), count):
        name = f"output_{i}" if i else "output"
        while name in inputs or name in given:
            name += "_"
        given.append(name)
    return given


def _outputs(translation, results, names, name_of, runs):
    """Translate; gives [(value, shape with names)] of the results."""
    g = translation.g
    for record in translation.needed([x.number for x in results if isinstance(x, Ref)]):
        translation.add(record)
    values = []
    for x in results:
        if isinstance(x, Ref):
            values.append(translation.value(x.number))
        else:
            value = translation.symbol(x) if isinstance(x, (Int, Float)) else x
            values.append(value.squeeze(0) if isinstance(value, Value) else g.constant(pyxtorch.tensor(value, device="cpu")))
    values[0] = translation.checked(values[0])
    out = []
    for x, value, name in zip(results, values, names):
        lengths = [tuple([r.known[x.number].shape[axis] for r, _ in runs]) for axis in range(value.ndim)] if isinstance(x, Ref) else []
        out.append((g.result(value, name), [n if n is not None else name_of(lengths[axis]) or f"{name}_dim_{axis}" for axis, n in enumerate(value.shape)]))
    return out


def _verify(program, runs, tried):
    """Compare onnxruntime's results with the recorded ones."""
    for tensors, (_, result) in zip(tried, runs):
        expected = [x for x in each(result) if x is not None]
        for name, got, want in zip(program._output_names, program(*tensors), expected):
            want = want if isinstance(want, Tensor) else pyxtorch.tensor(want)
            if got.shape != want.shape or not pyxtorch.allclose(got.double(), want.double(), rtol=1e-3, atol=1e-4, equal_nan=True):
                raise OnnxExporterError(f"export: onnxruntime's {name} differs from the program's for inputs of shapes {[tuple(t.shape) for t in tensors]}.")
