"""The writers of event files."""
import os
import time

import numpy as np

import pyxtorch
from pyxtorch.utils.tensorboard import summary

__all__ = ["FileWriter", "RecordWriter", "SummaryWriter"]


def _steps():
    edges = []
    v = 1e-12
    while v < 1e20:
        edges.append(v)
        v *= 1.1
    return [-e for e in reversed(edges)] + [0] + edges


class RecordWriter:
    """Writes byte strings to a file as records with checksums, as TensorBoard reads them: tensorboard's own writer, opened for a path."""

    def __init__(self, path):
        summary.tensorboard()
        from tensorboard.summary.writer.record_writer import RecordWriter as Writer

        self.path, self._file = path, open(path, "wb")
        self._writer = Writer(self._file)

    def write(self, data):
        """One record."""
        self._writer.write(data)

    def flush(self):
        """What was written is in the file."""
        self._writer.flush()

    def close(self):
        """The file is done."""
        self._writer.close()


class FileWriter:
    """Writes events to a new file in a folder, in a thread of its own.

    Args:
        log_dir: the folder. max_queue: how many events wait at most. flush_secs: how often they go to the disk. filename_suffix: of the file.
    Raises:
        ModuleNotFoundError: tensorboard is not installed.
    """

    def __init__(self, log_dir, max_queue=10, flush_secs=120, filename_suffix=""):
        self._proto = summary.tensorboard()
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self.event_writer = EventFileWriter(str(log_dir), max_queue, flush_secs, filename_suffix)

    def get_logdir(self):
        """The folder."""
        return self.event_writer.get_logdir()

    def add_event(self, event, step=None, walltime=None):
        """One event; its time is now unless given."""
        event.wall_time = time.time() if walltime is None else walltime
        if step is not None:
            event.step = int(step)
        self.event_writer.add_event(event)

    def add_summary(self, made, global_step=None, walltime=None):
        """One event of a summary."""
        self.add_event(self._proto.event.Event(summary=made), global_step, walltime)

    def add_graph(self, graph, walltime=None):
        """One event of a graph, as bytes."""
        self.add_event(self._proto.event.Event(graph_def=graph), None, walltime)

    def flush(self):
        """What was written is in the file."""
        self.event_writer.flush()

    def close(self):
        """The file is done."""
        self.event_writer.close()

    def reopen(self):
        """Write to another file from now on."""
        self.event_writer.reopen()


class SummaryWriter:
    """Writes what a run measures for TensorBoard.

    >>> with SummaryWriter("runs/one") as writer:
    ...     writer.add_scalar("loss", loss, step)

    Args:
        log_dir: the folder; runs/DATE_HOST by default. comment: behind that name. purge_step: later events of a run before it are void.
    Raises:
        ModuleNotFoundError: tensorboard is not installed.
    """

    def __init__(self, log_dir=None, comment="", purge_step=None, max_queue=10, flush_secs=120, filename_suffix=""):
        if not log_dir:
            import socket

            log_dir = os.path.join("runs", time.strftime("%b%d_%H-%M-%S") + "_" + socket.gethostname() + comment)
        self.log_dir, self.purge_step, self._options = str(log_dir), purge_step, (max_queue, flush_secs, filename_suffix)
        self.file_writer = self.all_writers = None
        self.default_bins = _steps()
        self._get_file_writer()

    def _get_file_writer(self):
        if self.file_writer is None:
            self.file_writer = FileWriter(self.log_dir, *self._options)
            self.all_writers = {self.file_writer.get_logdir(): self.file_writer}
            if self.purge_step is not None:
                event = self.file_writer._proto.event
                self.file_writer.add_event(event.Event(step=self.purge_step, file_version="brain.Event:2"))
                self.file_writer.add_event(event.Event(step=self.purge_step, session_log=event.SessionLog(status=event.SessionLog.START)))
                self.purge_step = None
        return self.file_writer

    def get_logdir(self):
        """The folder."""
        return self.log_dir

    def _add(self, made, global_step, walltime):
        self._get_file_writer().add_summary(made, global_step, walltime)

    # ------------------------------------------------------------------------------- numbers

    def add_scalar(self, tag, scalar_value, global_step=None, walltime=None, new_style=False, double_precision=False):
        """A number: a tensor of one element, or a number of any kind."""
        self._add(summary.scalar(tag, scalar_value, new_style, double_precision), global_step, walltime)

    def add_scalars(self, main_tag, tag_scalar_dict, global_step=None, walltime=None):
        """Several numbers for one chart, by name: each in a folder of its own."""
        for name, value in tag_scalar_dict.items():
            folder = f"{self._get_file_writer().get_logdir()}/{main_tag.replace('/', '_')}_{name}"
            if folder not in self.all_writers:
                self.all_writers[folder] = FileWriter(folder, *self._options)
            self.all_writers[folder].add_summary(summary.scalar(main_tag, value), global_step, walltime)

    def add_tensor(self, tag, tensor, global_step=None, walltime=None):
        """A tensor of floats, whole."""
        x = summary.array(tensor).astype(np.float64)
        self._add(summary._one(tag, tensor=summary._tensor("DT_FLOAT", x.reshape(-1).tolist(), x.shape)), global_step, walltime)

    def add_histogram(self, tag, values, global_step=None, bins="tensorflow", walltime=None, max_bins=None):
        """How values are distributed; `bins` as `numpy.histogram` takes them, or "tensorflow"."""
        edges = self.default_bins if isinstance(bins, str) and bins == "tensorflow" else bins
        self._add(summary.histogram(tag, values, edges, max_bins), global_step, walltime)

    def add_histogram_raw(self, tag, min, max, num, sum, sum_squares, bucket_limits, bucket_counts, global_step=None, walltime=None):
        """The same from counts, one for each of the upper limits."""
        if len(bucket_limits) != len(bucket_counts):
            raise ValueError("len(bucket_limits) != len(bucket_counts), see the document.")
        self._add(summary.histogram_raw(tag, min, max, num, sum, sum_squares, bucket_limits, bucket_counts), global_step, walltime)

    def add_pr_curve(self, tag, labels, predictions, global_step=None, num_thresholds=127, weights=None, walltime=None):
        """Precision and recall at thresholds: `labels` are 0 or 1, `predictions` probabilities."""
        self._add(summary.pr_curve(tag, labels, predictions, num_thresholds, weights), global_step, walltime)

    def add_pr_curve_raw(self, tag, true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts, precision, recall, global_step=None,
                         num_thresholds=127, weights=None, walltime=None):  # fmt: skip
        """The same from counts."""
        counts = true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts
        self._add(summary.pr_curve_raw(tag, *counts, precision, recall, num_thresholds, weights), global_step, walltime)

    # ------------------------------------------------------------------- pictures and sounds

    def add_image(self, tag, img_tensor, global_step=None, walltime=None, dataformats="CHW"):
        """A picture: floats from 0 to 1, or uint8."""
        self._add(summary.image(tag, img_tensor, dataformats=dataformats), global_step, walltime)

    def add_images(self, tag, img_tensor, global_step=None, walltime=None, dataformats="NCHW"):
        """Several, in a grid."""
        self._add(summary.image(tag, img_tensor, dataformats=dataformats), global_step, walltime)

    def add_image_with_boxes(self, tag, img_tensor, box_tensor, global_step=None, walltime=None, rescale=1, dataformats="CHW", labels=None):
        """A picture with boxes, (n, 4): left, top, right, bottom."""
        labels = [labels] if isinstance(labels, str) else labels
        self._add(summary.image(tag, img_tensor, rescale, dataformats, box_tensor, labels), global_step, walltime)

    def add_figure(self, tag, figure, global_step=None, close=True, walltime=None):
        """A figure of matplotlib, or a list of them."""
        x = summary.figure_to_image(figure, close)
        self._add(summary.image(tag, x, dataformats="NCHW" if isinstance(figure, list) else "CHW"), global_step, walltime)

    def add_video(self, tag, vid_tensor, global_step=None, fps=4, walltime=None):
        """Pictures in time, (N, T, C, H, W), as a GIF."""
        self._add(summary.video(tag, vid_tensor, fps), global_step, walltime)

    def add_audio(self, tag, snd_tensor, global_step=None, sample_rate=44100, walltime=None):
        """A sound: numbers from -1 to 1."""
        self._add(summary.audio(tag, snd_tensor, sample_rate), global_step, walltime)

    def add_mesh(self, tag, vertices, colors=None, faces=None, config_dict=None, global_step=None, walltime=None):
        """Points of a space, (1, n, 3), with their colours and triangles."""
        self._add(summary.mesh(tag, vertices, colors, faces, config_dict), global_step, walltime)

    # -------------------------------------------------------------------- texts and settings

    def add_text(self, tag, text_string, global_step=None, walltime=None):
        """A text in Markdown."""
        self._add(summary.text(tag, text_string), global_step, walltime)

    def add_custom_scalars(self, layout):
        """Which charts to draw together: {category: {chart: ["Multiline" or "Margin", tags]}}."""
        self._add(summary.custom_scalars(layout), None, None)

    def add_custom_scalars_multilinechart(self, tags, category="default", title="untitled"):
        """One chart of several tags."""
        self.add_custom_scalars({category: {title: ["Multiline", tags]}})

    def add_custom_scalars_marginchart(self, tags, category="default", title="untitled"):
        """One chart of three tags: value, lower and upper limit."""
        if len(tags) != 3:
            raise AssertionError(f"add_custom_scalars_marginchart: expected 3 tags, got {len(tags)}.")
        self.add_custom_scalars({category: {title: ["Margin", tags]}})

    def add_hparams(self, hparam_dict, metric_dict, hparam_domain_discrete=None, run_name=None, global_step=None):
        """Settings of a run with what came of it, as a run of its own below this one."""
        made = summary.hparams(hparam_dict, metric_dict, hparam_domain_discrete)
        folder = os.path.join(self._get_file_writer().get_logdir(), run_name or str(time.time()))
        with SummaryWriter(log_dir=folder) as writer:
            for part in made:
                writer.file_writer.add_summary(part, global_step)
            for name, value in metric_dict.items():
                writer.add_scalar(name, value, global_step)

    def add_graph(self, model, input_to_model=None, verbose=False, use_strict_trace=True):
        """What a module runs on example arguments: the nodes of its trace."""
        from tensorboard.compat.proto import attr_value_pb2, graph_pb2, node_def_pb2, versions_pb2

        from pyxtorch.fx.node import qualified_name

        traced = pyxtorch.jit.trace(model, input_to_model, check_trace=False)
        nodes = [
            node_def_pb2.NodeDef(
                name=node.name, op=node.op if node.op != "call_function" else qualified_name(node.target), input=[used.name for used in node.all_input_nodes],
                attr={"attr": attr_value_pb2.AttrValue(s=str(node.target if node.op == "get_attr" else node.args)[:1000].encode())},
            )
            for node in traced.graph.nodes
        ]  # fmt: skip
        graph = graph_pb2.GraphDef(node=nodes, versions=versions_pb2.VersionDef(producer=22))
        self._get_file_writer().add_graph(graph.SerializeToString())

    def add_embedding(self, mat, metadata=None, label_img=None, global_step=None, tag="default", metadata_header=None):
        """Points, (n, d), for the projector, with labels and pictures, (n, C, H, W).

        Raises:
            AssertionError: their numbers differ.
        """
        x, name = summary.array(mat), f"{global_step or 0:05d}"
        folder = os.path.join(self._get_file_writer().get_logdir(), name, tag)
        os.makedirs(folder, exist_ok=True)
        lines = [f'  tensor_name: "{tag}:{name}"', f'  tensor_path: "{name}/{tag}/tensors.tsv"']
        if metadata is not None:
            if len(metadata) != len(x):
                raise AssertionError(f"#labels should equal with #data points: {len(metadata)} and {len(x)}.")
            rows = [metadata_header, *metadata] if metadata_header else metadata
            with open(os.path.join(folder, "metadata.tsv"), "w", encoding="utf-8") as file:
                file.writelines("\t".join(map(str, row)) + "\n" if metadata_header else f"{row}\n" for row in rows)
            lines.append(f'  metadata_path: "{name}/{tag}/metadata.tsv"')
        if label_img is not None:
            pictures = summary.array(label_img)
            if len(pictures) != len(x):
                raise AssertionError(f"#images should equal with #data points: {len(pictures)} and {len(x)}.")
            side = int(np.ceil(np.sqrt(len(pictures))))
            padded = np.concatenate([pictures, np.zeros((side * side - len(pictures), *pictures.shape[1:]), pictures.dtype)])
            with open(os.path.join(folder, "sprite.png"), "wb") as file:
                file.write(summary._bytes_of_picture(summary._rows_columns_channels(padded, "NCHW"))[0])
            lines += ["  sprite {", f'    image_path: "{name}/{tag}/sprite.png"', f"    single_image_dim: {pictures.shape[3]}", f"    single_image_dim: {pictures.shape[2]}", "  }"]
        with open(os.path.join(folder, "tensors.tsv"), "w") as file:
            file.writelines("\t".join(map(str, row)) + "\n" for row in x.tolist())
        with open(os.path.join(self.get_logdir(), "projector_config.pbtxt"), "a") as file:
            file.write("embeddings {\n" + "\n".join(lines) + "\n}\n")

    # --------------------------------------------------------------------------------- files

    def flush(self):
        """What was written is in the files."""
        for writer in (self.all_writers or {}).values():
            writer.flush()

    def close(self):
        """The files are done; what is written later goes to a new one."""
        for writer in (self.all_writers or {}).values():
            writer.flush()
            writer.close()
        self.file_writer = self.all_writers = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
