"""Images in files and in bytes, by Pillow: tensors (C, H, W), uint8, or uint16 where a PNG has 16 bits."""
import io
from enum import Enum

import numpy as np

import pyxtorch as torch
from pyxtorch.vision._pillow import from_array, pillow

__all__ = [
    "ImageReadMode", "decode_avif", "decode_gif", "decode_heic", "decode_image", "decode_jpeg", "decode_png", "decode_webp", "encode_jpeg", "encode_png",
    "read_file", "read_image", "write_file", "write_jpeg", "write_png",
]  # fmt: skip


class ImageReadMode(Enum):
    """The channels that an image is wanted with."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4
    RGBA = RGB_ALPHA


_MODES = {ImageReadMode.GRAY: "L", ImageReadMode.GRAY_ALPHA: "LA", ImageReadMode.RGB: "RGB", ImageReadMode.RGB_ALPHA: "RGBA"}


def _bytes(data):
    return torch.from_numpy(np.frombuffer(data, np.uint8).copy())


def read_file(path):
    """The bytes of a file, uint8, (N)."""
    with open(path, "rb") as file:
        return _bytes(file.read())


def write_file(filename, data):
    """Write bytes, uint8, (N), to a file."""
    _check_bytes("write_file", data)
    with open(filename, "wb") as file:
        file.write(data.cpu().numpy().tobytes())


def _check_bytes(name, data):
    if not isinstance(data, torch.Tensor):
        raise TypeError(f"{name}: a tensor of bytes is needed, not {type(data).__name__}.")
    if data.dtype != torch.uint8 or data.ndim != 1:
        raise RuntimeError(f"{name}: bytes are needed, uint8 of one dimension; got {data.dtype} of shape {tuple(data.shape)}.")


def _open(name, input, formats, apply_exif_orientation=False):
    """The image of Pillow in some bytes."""
    _check_bytes(name, input)
    image_module = pillow()
    try:
        image = image_module.open(io.BytesIO(input.cpu().numpy().tobytes()), formats=formats)
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError, image_module.DecompressionBombError) as error:
        raise RuntimeError(f"{name}: not an image that can be read ({' or '.join(formats)}): {error}") from error
    return pillow("ImageOps").exif_transpose(image) if apply_exif_orientation else image


def _to_tensor(image, mode):
    """Pixels as (C, H, W), in the channels that `mode` says."""
    mode = ImageReadMode[mode.upper()] if isinstance(mode, str) else mode
    if image.mode.startswith("I"):  # PNG of 16 bits
        grey = np.asarray(image).astype(np.uint16)
        colors = 3 if mode in (ImageReadMode.RGB, ImageReadMode.RGB_ALPHA) else 1
        alpha = [np.full_like(grey, 65535)] * (mode in (ImageReadMode.GRAY_ALPHA, ImageReadMode.RGB_ALPHA))
        return torch.from_numpy(np.stack([grey] * colors + alpha))
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode in ("P", "PA"):
        image = image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    elif "transparency" in image.info and image.mode in ("L", "RGB"):  # one colour is transparent
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    wanted = _MODES.get(mode, image.mode)
    if image.mode != wanted:
        image = image.convert(wanted)
    return torch.from_numpy(np.array(np.atleast_3d(np.asarray(image)).transpose(2, 0, 1), order="C"))


def decode_png(input, mode=ImageReadMode.UNCHANGED, apply_exif_orientation=False):
    """The image in a PNG's bytes.

    Args:
        input: uint8, (N).
        mode: an `ImageReadMode` or its name. apply_exif_orientation: turn it as the file says.
    Raises:
        RuntimeError: no PNG.
    """
    return _to_tensor(_open("decode_png", input, ["PNG"], apply_exif_orientation), mode)


def decode_jpeg(input, mode=ImageReadMode.UNCHANGED, device="cpu", apply_exif_orientation=False):
    """The image in a JPEG's bytes, or those of a list of such.

    Raises:
        RuntimeError: no JPEG. ValueError: an empty list, or one with other things than tensors.
    """
    if isinstance(input, list):
        if not input:
            raise ValueError("Input list must contain at least one element")
        if not all(isinstance(t, torch.Tensor) for t in input):
            raise ValueError("All elements of the input list must be tensors.")
        return [decode_jpeg(t, mode, device, apply_exif_orientation) for t in input]
    return _to_tensor(_open("decode_jpeg", input, ["JPEG"], apply_exif_orientation), mode).to(device)


def decode_webp(input, mode=ImageReadMode.UNCHANGED):
    """The image in a WebP's bytes."""
    return _to_tensor(_open("decode_webp", input, ["WEBP"]), mode)


def decode_avif(input, mode=ImageReadMode.UNCHANGED):
    """The image in an AVIF's bytes, where Pillow was built with that."""
    return _to_tensor(_open("decode_avif", input, ["AVIF"]), mode)


def decode_heic(input, mode=ImageReadMode.UNCHANGED):
    """The image in a HEIC's bytes, where a plug-in of Pillow (pillow-heif) is registered."""
    if "HEIF" not in pillow().OPEN:
        raise RuntimeError("decode_heic: Pillow cannot read HEIC by itself. Install pillow-heif and call its register_heif_opener().")
    return _to_tensor(_open("decode_heic", input, ["HEIF"]), mode)


def decode_gif(input):
    """The image in a GIF's bytes, (3, H, W), or its frames, (N, 3, H, W)."""
    image = _open("decode_gif", input, ["GIF"])
    frames = []
    for i in range(getattr(image, "n_frames", 1)):
        image.seek(i)
        frames.append(_to_tensor(image.convert("RGB"), ImageReadMode.RGB))
    return frames[0] if len(frames) == 1 else torch.stack(frames)


_STARTS = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF"}


def decode_image(input, mode=ImageReadMode.UNCHANGED, apply_exif_orientation=False):
    """The image in the bytes of a JPEG, PNG, GIF, WebP or AVIF, or in the file of a path.

    Raises:
        RuntimeError: none of these.
    """
    if not isinstance(input, torch.Tensor):
        input = read_file(input)
    _check_bytes("decode_image", input)
    start = input[:4].cpu().numpy().tobytes()
    kind = next((name for first, name in _STARTS.items() if start.startswith(first)), None)
    if kind == "GIF":
        return decode_gif(input)
    return _to_tensor(_open("decode_image", input, [kind] if kind else ["WEBP", "AVIF"], apply_exif_orientation), mode)


def read_image(path, mode=ImageReadMode.UNCHANGED, apply_exif_orientation=False):
    """The image in a file.

    Args:
        mode: an `ImageReadMode` or its name. apply_exif_orientation: turn it as the file says.
    """
    return decode_image(read_file(path), mode, apply_exif_orientation)


# ---------------------------------------------------------------------------- encoding


def _encode(name, input, **how):
    if not isinstance(input, torch.Tensor) or input.dtype != torch.uint8:
        raise RuntimeError(f"{name}: Input tensor dtype should be uint8, got {getattr(input, 'dtype', type(input).__name__)}.")
    if input.ndim != 3 or input.shape[0] not in (1, 3):
        raise RuntimeError(f"{name}: The number of channels should be 1 or 3, in a tensor (C, H, W); got shape {tuple(input.shape)}.")
    pixels = input.cpu().permute(1, 2, 0).contiguous().numpy()
    file = io.BytesIO()
    from_array(pixels[:, :, 0] if input.shape[0] == 1 else pixels).save(file, **how)
    return _bytes(file.getvalue())


def encode_png(input, compression_level=6):
    """The bytes, uint8, (N), of an image (1, H, W) or (3, H, W), uint8, as a PNG.

    Args:
        compression_level: 0 to 9.
    """
    if not 0 <= compression_level <= 9:
        raise RuntimeError(f"encode_png: Compression level should be between 0 and 9, got {compression_level}.")
    return _encode("encode_png", input, format="PNG", compress_level=compression_level)


def write_png(input, filename, compression_level=6):
    """Write an image to a PNG."""
    write_file(filename, encode_png(input, compression_level))


def encode_jpeg(input, quality=75):
    """The bytes, uint8, (N), of an image (1, H, W) or (3, H, W), uint8, as a JPEG; a list of them for a list.

    Args:
        quality: 1 to 100.
    """
    if quality < 1 or quality > 100:
        raise ValueError("Image quality should be a positive number between 1 and 100")
    if isinstance(input, list):
        if not input:
            raise ValueError("encode_jpeg requires at least one input tensor when a list is passed")
        return [encode_jpeg(image, quality) for image in input]
    return _encode("encode_jpeg", input, format="JPEG", quality=quality)


def write_jpeg(input, filename, quality=75):
    """Write an image to a JPEG."""
    write_file(filename, encode_jpeg(input, quality))
