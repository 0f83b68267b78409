"""Finding and checking the files of data sets. Nothing is downloaded."""
import gzip
import hashlib
import os
import tarfile

__all__ = ["check_integrity", "missing", "verify_str_arg"]


def verify_str_arg(value, arg=None, valid_values=None, custom_msg=None):
    """`value`, if it is a string and among `valid_values`; a ValueError else."""
    if not isinstance(value, str):
        raise ValueError(f"Expected type str{'' if arg is None else f' for argument {arg}'}, but got type {type(value)}.")
    if valid_values is not None and value not in valid_values:
        raise ValueError(custom_msg or f"Unknown value '{value}'{'' if arg is None else f' for argument {arg}'}. Valid values are {{{', '.join(valid_values)}}}.")
    return value


def calculate_md5(fpath, chunk_size=1024 * 1024):
    """The MD5 digest of a file."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(fpath, "rb") as file:
        while chunk := file.read(chunk_size):
            digest.update(chunk)
    return digest.hexdigest()


def check_md5(fpath, md5, **kwargs):
    """Whether a file has that digest."""
    return md5 == calculate_md5(fpath, **kwargs)


def check_integrity(fpath, md5=None):
    """Whether a file is there, and has the digest, if one is given."""
    return os.path.isfile(fpath) and (md5 is None or check_md5(fpath, md5))


def missing(dataset, folder, files, source, download):
    """The error to raise where files of a data set are not there.

    Args:
        files: their names, of which any that are there may be packed.
        source: where they are published.
    """
    start = f"{dataset}: download=True, but nothing is downloaded here" if download else f"{dataset}: Dataset not found"
    return RuntimeError(f"{start}. Put {', '.join(files)} into {os.path.abspath(folder)}; published at {source}.")


def damaged(path, what):
    """The error to raise for a file that is not what it should be."""
    return RuntimeError(f"{path}: Dataset corrupted: {what}.")


def read_packed(path, limit):
    """The bytes of a file, or of the file beside it with `.gz` at the end; None where neither is there.

    Raises:
        RuntimeError: more than `limit` bytes, or a damaged archive.
    """
    if os.path.isfile(path):
        opened = open(path, "rb")
    elif os.path.isfile(f"{path}.gz"):
        path, opened = f"{path}.gz", gzip.open(f"{path}.gz")
    else:
        return None
    with opened as file:
        try:
            data = file.read(limit + 1)
        except (OSError, EOFError) as error:
            raise damaged(path, str(error)) from error
    if len(data) > limit:
        raise damaged(path, f"more than {limit} bytes")
    return data


class Files:
    """Files in a folder `root`/`folder`, or in the archive `root`/`archive` where there is no such folder."""

    def __init__(self, root, folder, archive):
        self.folder, self.archive, self.inside = os.path.join(root, folder), os.path.join(root, archive), folder

    def lacking(self, names):
        """Those of `names` that are not there."""
        if os.path.isdir(self.folder) or not os.path.isfile(self.archive):
            return [name for name in names if not os.path.isfile(os.path.join(self.folder, name))]
        with tarfile.open(self.archive) as archive:
            found = set(archive.getnames())
        return [name for name in names if f"{self.inside}/{name}" not in found]

    def read(self, name, limit):
        """The bytes of one file."""
        path = os.path.join(self.folder, name)
        if os.path.isfile(path):
            return read_packed(path, limit)
        try:
            with tarfile.open(self.archive) as archive:
                member = archive.getmember(f"{self.inside}/{name}")
                if not member.isfile() or member.size > limit:
                    raise damaged(self.archive, f"{name} is no file of at most {limit} bytes")
                return archive.extractfile(member).read()
        except (OSError, EOFError, KeyError, tarfile.TarError) as error:
            raise damaged(self.archive, str(error)) from error
