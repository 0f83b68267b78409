"""TensorBoard's messages from values: numbers, distributions, pictures, sounds, texts, tables, settings, meshes."""
import io
import json

import numpy as np

import pyxtorch


def tensorboard():
    """The modules of the package that messages are made of.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        from tensorboard.compat import proto  # noqa: F401
        from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2
    except ImportError as error:
        raise ModuleNotFoundError("utils.tensorboard needs the package tensorboard, which is not installed: pip install pyxtorch[tensorboard]", name="tensorboard") from error
    from types import SimpleNamespace

    return SimpleNamespace(
        event=event_pb2, Summary=summary_pb2.Summary, Metadata=summary_pb2.SummaryMetadata, Histogram=summary_pb2.HistogramProto, Tensor=tensor_pb2.TensorProto,
        Shape=tensor_shape_pb2.TensorShapeProto,
    )


def array(x):
    """A NumPy array of a tensor, an array, a number or a list."""
    if isinstance(x, pyxtorch.Tensor):
        x = x.detach().cpu()
        return (x.float() if x.dtype in (pyxtorch.bfloat16, pyxtorch.float16) else x).numpy()
    return np.asarray(x)


def _one(tag, **value):
    return tensorboard().Summary(value=[tensorboard().Summary.Value(tag=tag, **value)])


def _tensor(dtype, values, shape):
    t = tensorboard()
    field = {"DT_FLOAT": "float_val", "DT_STRING": "string_val", "DT_INT32": "int_val"}[dtype]
    return t.Tensor(dtype=dtype, **{field: values}, tensor_shape=t.Shape(dim=[t.Shape.Dim(size=n) for n in shape]))


def _metadata(plugin, content=b""):
    t = tensorboard()
    return t.Metadata(plugin_data=t.Metadata.PluginData(plugin_name=plugin, content=content))


def scalar(name, value, new_style=False, double_precision=False):
    """A number; in the newer form, a tensor of one element."""
    value = array(value)
    if value.size != 1:
        raise AssertionError(f"add_scalar: scalar should be 0D, but has shape {list(value.shape)}.")
    number = float(value.reshape(()))
    if new_style:
        return _one(name, tensor=_tensor("DT_FLOAT", [number], ()), metadata=_metadata("scalars"))
    return _one(name, simple_value=number)


def histogram(name, values, bins, max_bins=None):
    """How many values fall between which limits."""
    values = array(values).astype(np.float64).reshape(-1)
    if values.size == 0:
        raise ValueError("The input has no element.")
    edges = bins
    if isinstance(bins, str) and bins == "tensorflow":
        steps = 1e-12 * 1.1 ** np.arange(int(np.log(1e20 / 1e-12) / np.log(1.1)) + 1)
        edges = np.concatenate([-steps[::-1], [0], steps])
    counts, limits = np.histogram(values, bins=edges)
    if max_bins is not None and len(counts) > max_bins:
        step = len(counts) // max_bins
        parts = [counts[i : i + step].sum() for i in range(0, len(counts), step)]
        limits = np.append(limits[:-1][::step], limits[-1])
        counts = np.array(parts)
    full = np.nonzero(counts)[0]
    first, last = (full[0], full[-1]) if len(full) else (0, 0)
    counts, limits = np.concatenate([[0], counts[first : last + 1]]), limits[first : last + 2]
    return histogram_raw(name, values.min(), values.max(), values.size, values.sum(), values @ values, limits.tolist(), counts.tolist())


def histogram_raw(name, min, max, num, sum, sum_squares, bucket_limits, bucket_counts):
    """The same from counts."""
    made = tensorboard().Histogram(min=min, max=max, num=num, sum=sum, sum_squares=sum_squares, bucket_limit=bucket_limits, bucket=bucket_counts)
    return _one(name, histo=made)


# ----------------------------------------------------------------------------------- pictures

def _rows_columns_channels(x, dataformats):
    """Pictures in any order of dimensions as one of (H, W, 3)."""
    order = dataformats.upper()
    if len(set(order)) != len(order) or len(order) != x.ndim:
        raise AssertionError(f"size of input tensor and input format are different: tensor shape {x.shape}, dataformats {dataformats}")
    if "N" in order:
        x = x.transpose([order.index(c) for c in "NCHW"])
        if x.shape[1] == 1:
            x = np.repeat(x, 3, 1)
        count, _, height, width = x.shape
        columns = int(np.ceil(np.sqrt(count)))
        rows = -(-count // columns)
        grid = np.zeros((rows * columns, 3, height, width), x.dtype)
        grid[:count] = x[:, :3]
        return grid.reshape(rows, columns, 3, height, width).transpose(0, 3, 1, 4, 2).reshape(rows * height, columns * width, 3)
    if "C" in order:
        x = x.transpose([order.index(c) for c in "HWC"])
    else:
        x = x.transpose([order.index(c) for c in "HW"])[..., None]
    return np.repeat(x, 3, 2) if x.shape[2] == 1 else x


def _bytes_of_picture(x, rescale=1, boxes=None, labels=None):
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise ModuleNotFoundError("utils.tensorboard: pictures need the package Pillow, which is not installed: pip install pyxtorch[vision]", name="PIL") from error
    x = x if x.dtype == np.uint8 else (x.astype(np.float32) * 255).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(x)
    if boxes is not None:
        draw = ImageDraw.Draw(picture)
        for i, box in enumerate(array(boxes)):
            draw.rectangle([tuple(box[:2]), tuple(box[2:])], outline="red", width=2)
            if labels is not None:
                draw.text(tuple(box[:2]), labels[i], fill="red")
    size = int(picture.height * rescale), int(picture.width * rescale)
    picture = picture.resize(size[::-1]) if rescale != 1 else picture
    data = io.BytesIO()
    picture.save(data, format="PNG")
    return data.getvalue(), size


def image(tag, tensor, rescale=1, dataformats="NCHW", boxes=None, labels=None):
    """A picture, or several in a grid: floats from 0 to 1 or uint8."""
    x = _rows_columns_channels(array(tensor), dataformats)
    data, (height, width) = _bytes_of_picture(x, rescale, boxes, labels)
    return _one(tag, image=tensorboard().Summary.Image(height=height, width=width, colorspace=x.shape[2], encoded_image_string=data))


def video(tag, tensor, fps=4):
    """Pictures in time as an animated GIF: (N, T, C, H, W), N beside each other."""
    from PIL import Image

    x = array(tensor)
    count, frames, channels, height, width = x.shape
    columns = 2 ** int(np.ceil(np.log2(count) / 2))
    rows = -(-count // columns)
    grid = np.zeros((rows * columns, frames, channels, height, width), x.dtype)
    grid[:count] = x
    grid = grid.reshape(rows, columns, frames, channels, height, width).transpose(2, 0, 4, 1, 5, 3).reshape(frames, rows * height, columns * width, channels)
    grid = grid if grid.dtype == np.uint8 else (grid.astype(np.float32) * 255).clip(0, 255).astype(np.uint8)
    grid = np.repeat(grid, 3, 3) if channels == 1 else grid
    pictures, data = [Image.fromarray(frame) for frame in grid], io.BytesIO()
    pictures[0].save(data, format="GIF", save_all=True, append_images=pictures[1:], duration=1000 // fps, loop=0)
    return _one(tag, image=tensorboard().Summary.Image(height=grid.shape[1], width=grid.shape[2], colorspace=3, encoded_image_string=data.getvalue()))


def figure_to_image(figures, close=True):
    """An array (C, H, W), or (N, C, H, W) of a list, of figures of matplotlib."""
    from matplotlib import pyplot
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    def drawn(figure):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        data = np.asarray(canvas.buffer_rgba())[:, :, :3].transpose(2, 0, 1)
        if close:
            pyplot.close(figure)
        return data

    return np.stack([drawn(f) for f in figures]) if isinstance(figures, list) else drawn(figures)


def audio(tag, tensor, sample_rate=44100):
    """A sound: numbers from -1 to 1."""
    import wave

    x = array(tensor).astype(np.float64).squeeze()
    if x.ndim != 1:
        raise AssertionError(f"input tensor should be 1 dimensional, got shape {list(x.shape)}.")
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes((x.clip(-1, 1) * 32767).astype("<i2").tobytes())
    made = tensorboard().Summary.Audio(sample_rate=sample_rate, num_channels=1, length_frames=len(x), encoded_audio_string=data.getvalue(), content_type="audio/wav")
    return _one(tag, audio=made)


# -------------------------------------------------------------------------- texts and settings

def text(tag, string):
    """A text in Markdown."""
    from tensorboard.plugins.text.plugin_data_pb2 import TextPluginData

    return _one(f"{tag}/text_summary", tensor=_tensor("DT_STRING", [string.encode()], (1,)), metadata=_metadata("text", TextPluginData(version=0).SerializeToString()))


def custom_scalars(layout):
    """Which charts to draw together."""
    from tensorboard.plugins.custom_scalar import layout_pb2

    categories = []
    for title, charts in layout.items():
        made = []
        for name, (kind, tags) in charts.items():
            if kind == "Margin":
                series = layout_pb2.MarginChartContent.Series(value=tags[0], lower=tags[1], upper=tags[2])
                made.append(layout_pb2.Chart(title=name, margin=layout_pb2.MarginChartContent(series=[series])))
            else:
                made.append(layout_pb2.Chart(title=name, multiline=layout_pb2.MultilineChartContent(tag=list(tags))))
        categories.append(layout_pb2.Category(title=title, chart=made))
    data = layout_pb2.Layout(category=categories).SerializeToString()
    return _one("custom_scalars__config__", tensor=_tensor("DT_STRING", [data], ()), metadata=_metadata("custom_scalars"))


def pr_curve(tag, labels, predictions, num_thresholds=127, weights=None):
    """Precision and recall at thresholds, from labels 0 or 1 and probabilities."""
    labels, predictions = array(labels).astype(np.float64).reshape(-1), array(predictions).astype(np.float64).reshape(-1)
    weights = np.ones_like(labels) if weights is None else array(weights).astype(np.float64).reshape(-1) * np.ones_like(labels)
    places = np.floor(predictions * (num_thresholds - 1)).astype(np.int64)
    positive, negative = (np.histogram(places, bins=num_thresholds, range=(0, num_thresholds - 1), weights=w)[0] for w in (labels * weights, (1 - labels) * weights))
    tp, fp = positive[::-1].cumsum()[::-1], negative[::-1].cumsum()[::-1]
    return pr_curve_raw(tag, tp, fp, fp[0] - fp, tp[0] - tp, tp / np.maximum(1e-7, tp + fp), tp / np.maximum(1e-7, tp[0]), num_thresholds)


def pr_curve_raw(tag, tp, fp, tn, fn, precision, recall, num_thresholds=127, weights=None):
    """The same from counts."""
    from tensorboard.plugins.pr_curve.plugin_data_pb2 import PrCurvePluginData

    rows = np.stack([array(x).astype(np.float64) for x in (tp, fp, tn, fn, precision, recall)])
    content = PrCurvePluginData(version=0, num_thresholds=min(num_thresholds, 127)).SerializeToString()
    return _one(tag, tensor=_tensor("DT_FLOAT", rows.reshape(-1).tolist(), rows.shape), metadata=_metadata("pr_curves", content))


def hparams(hparam_dict, metric_dict, hparam_domain_discrete=None):
    """Settings of a run: three messages, of the experiment, of its start and of its end.

    Raises:
        TypeError: not dicts. ValueError: a value that is no number, string, bool or tensor of one element.
    """
    from google.protobuf import struct_pb2
    from tensorboard.plugins.hparams import api_pb2
    from tensorboard.plugins.hparams.metadata import EXPERIMENT_TAG, SESSION_END_INFO_TAG, SESSION_START_INFO_TAG
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

    if not isinstance(hparam_dict, dict) or not isinstance(metric_dict, dict):
        raise TypeError("parameter: hparam_dict and metric_dict should be dictionaries, nothing logged.")
    kinds, start = {bool: ("bool_value", "DATA_TYPE_BOOL"), str: ("string_value", "DATA_TYPE_STRING"), float: ("number_value", "DATA_TYPE_FLOAT64")}, SessionStartInfo()
    infos = []
    for name, value in hparam_dict.items():
        if value is None:
            continue
        if isinstance(value, (pyxtorch.Tensor, np.generic, np.ndarray)):
            value = array(value).item()
        value = value if isinstance(value, (bool, str)) else float(value) if isinstance(value, (int, float)) else None
        if value is None:
            raise ValueError("value should be one of int, float, str, bool, or torch.Tensor")
        field, kind = kinds[type(value)]
        setattr(start.hparams[name], field, value)
        domain = None
        if hparam_domain_discrete and name in hparam_domain_discrete:
            domain = struct_pb2.ListValue(values=[struct_pb2.Value(**{field: v}) for v in hparam_domain_discrete[name]])
        infos.append(api_pb2.HParamInfo(name=name, type=api_pb2.DataType.Value(kind), domain_discrete=domain))
    metrics = [api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag)) for tag in metric_dict]
    contents = (
        (EXPERIMENT_TAG, {"experiment": api_pb2.Experiment(hparam_infos=infos, metric_infos=metrics)}), (SESSION_START_INFO_TAG, {"session_start_info": start}),
        (SESSION_END_INFO_TAG, {"session_end_info": SessionEndInfo(status=api_pb2.Status.Value("STATUS_SUCCESS"))}),
    )  # fmt: skip
    return [_one(tag, metadata=_metadata("hparams", HParamsPluginData(version=0, **content).SerializeToString())) for tag, content in contents]


def mesh(tag, vertices, colors, faces, config_dict):
    """Points of a space, (1, n, 3), with colours and triangles."""
    from tensorboard.plugins.mesh import metadata
    from tensorboard.plugins.mesh.plugin_data_pb2 import MeshPluginData

    parts = [(kind, array(x)) for kind, x in ((MeshPluginData.VERTEX, vertices), (MeshPluginData.FACE, faces), (MeshPluginData.COLOR, colors)) if x is not None]
    components, values = metadata.get_components_bitmask([kind for kind, _ in parts]), []
    for kind, x in parts:
        content = metadata.create_summary_metadata(tag, tag, kind, components, x.shape, json_config=json.dumps(config_dict, sort_keys=True))
        values.append(tensorboard().Summary.Value(
            tag=metadata.get_instance_name(tag, kind), metadata=content,
            tensor=_tensor("DT_INT32" if kind == MeshPluginData.FACE else "DT_FLOAT", x.reshape(-1).tolist(), x.shape),
        ))  # fmt: skip
    return tensorboard().Summary(value=values)
