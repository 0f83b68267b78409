"""What the inputs and outputs of an exported graph are."""
import dataclasses
import enum

__all__ = ["ExportBackwardSignature", "ExportGraphSignature", "InputKind", "InputSpec", "OutputKind", "OutputSpec", "TensorArgument"]


class InputKind(enum.Enum):
    """What a placeholder stands for."""

    USER_INPUT = 1
    PARAMETER = 2
    BUFFER = 3
    CONSTANT_TENSOR = 4


class OutputKind(enum.Enum):
    """What a result is."""

    USER_OUTPUT = 1


@dataclasses.dataclass
class TensorArgument:
    """The value of a node, by the node's name."""

    name: str


@dataclasses.dataclass
class InputSpec:
    """A placeholder: what it stands for, the node, and of a parameter or buffer the name in the module."""

    kind: InputKind
    arg: TensorArgument
    target: str | None = None
    persistent: bool | None = None


@dataclasses.dataclass
class OutputSpec:
    """A result."""

    kind: OutputKind
    arg: TensorArgument
    target: str | None = None


@dataclasses.dataclass
class ExportBackwardSignature:
    """Which results of a graph that has a backward are gradients; exported graphs have none."""

    gradients_to_parameters: dict
    gradients_to_user_inputs: dict
    loss_output: str


@dataclasses.dataclass
class ExportGraphSignature:
    """The inputs and outputs of an exported graph, in order."""

    input_specs: list
    output_specs: list

    def _inputs(self, kind):
        return [spec for spec in self.input_specs if spec.kind is kind]

    @property
    def parameters(self):
        """Names of the parameters."""
        return [spec.target for spec in self._inputs(InputKind.PARAMETER)]

    @property
    def buffers(self):
        """Names of the buffers."""
        return [spec.target for spec in self._inputs(InputKind.BUFFER)]

    @property
    def non_persistent_buffers(self):
        """Names of the buffers that state_dict leaves out."""
        return [spec.target for spec in self._inputs(InputKind.BUFFER) if not spec.persistent]

    @property
    def lifted_tensor_constants(self):
        """Names of the constants."""
        return [spec.target for spec in self._inputs(InputKind.CONSTANT_TENSOR)]

    @property
    def user_inputs(self):
        """Nodes of the program's own arguments."""
        return tuple(spec.arg.name for spec in self._inputs(InputKind.USER_INPUT))

    @property
    def user_outputs(self):
        """Nodes of the program's results."""
        return tuple(spec.arg.name for spec in self.output_specs)

    @property
    def inputs_to_parameters(self):
        """Nodes of parameters, and the parameters' names."""
        return {spec.arg.name: spec.target for spec in self._inputs(InputKind.PARAMETER)}

    @property
    def inputs_to_buffers(self):
        """Nodes of buffers, and the buffers' names."""
        return {spec.arg.name: spec.target for spec in self._inputs(InputKind.BUFFER)}

    @property
    def buffers_to_mutate(self):
        """Results that are to be written to buffers: none, the graph itself writes to them where the module did."""
        return {}

    @property
    def backward_signature(self):
        """None: a graph has no backward of its own; its results are recorded when it runs."""
        return None

    def __str__(self):
        inputs = [f"{s.arg.name}: {s.kind.name}" + (f" target={s.target!r}" if s.target else "") for s in self.input_specs]
        return "\n".join(["", "# inputs", *inputs, "", "# outputs", *[f"{s.arg.name}: {s.kind.name}" for s in self.output_specs], ""])
