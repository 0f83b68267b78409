"""The container of a checkpoint: a zip file of uncompressed records, each starting at a multiple of 64 bytes.

Nothing in the directory of a file that is read is trusted: places and sizes are checked against the
file before they are used, records may not overlap, and no name is ever used as a path.
"""
import struct

from pyxtorch.serialization.checksum import crc32

ALIGNMENT = 64
_WIDE = 0xFFFFFFFF  # stands for a number that is kept in the zip64 field
_LIMIT = _WIDE  # sizes and places from here on are
_LOCAL = struct.Struct("<4s5H3L2H")  # signature, version, flags, method, time, date, crc, sizes, lengths of name and extra
_ENTRY = struct.Struct("<4s6H3L5H2L")  # the same in the directory, with attributes and the place of the local header
_END = struct.Struct("<4s4H2LH")  # signature, disks, counts, size and place of the directory, length of the comment
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_UTF8 = 0x800
_ENCRYPTED = 0x1
_CHUNK = 1 << 20


def _short(n):
    return n if n < _LIMIT else _WIDE


class ArchiveError(RuntimeError):
    """The file is no intact checkpoint."""


class Writer:
    """Writes records one after the other by `write(bytes)`, then the directory."""

    def __init__(self, write):
        self._write, self._place, self._directory = write, 0, []

    def _put(self, data):
        data = memoryview(data).cast("B")
        while data:
            written = self._write(data)
            if not isinstance(written, int) or written >= len(data):  # file-like objects may return None
                written = len(data)
            self._place += written
            data = data[written:]

    def add(self, name, data, checksum=True):
        """One record: `data` is bytes or whatever has the buffer protocol; its checksum may be left out."""
        data = memoryview(data).cast("B")
        name, start, size = name.encode(), self._place, len(data)
        extra = struct.pack("<2H2Q", 1, 16, size, size) if size >= _LIMIT else b""
        # Four bytes of head, then padding: an extra field by which the data starts at a multiple of 64.
        gap = -(start + _LOCAL.size + len(name) + len(extra) + 4) % ALIGNMENT
        extra += struct.pack("<2s H", b"FB", gap) + b"Z" * gap
        crc, short = crc32(data) if checksum else 0, _short(size)
        self._put(_LOCAL.pack(b"PK\3\4", 45, _UTF8, 0, 0, 0x21, crc, short, short, len(name), len(extra)) + name + extra)
        self._put(data)
        self._directory.append((name, crc, size, start))

    def finish(self):
        """Write the directory, the end of the file."""
        start = self._place
        for name, crc, size, place in self._directory:
            large = [n for n in (size, size, place) if n >= _LIMIT]
            extra = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
            short = _short(size)
            fields = (b"PK\1\2", 45, 45, _UTF8, 0, 0, 0x21, crc, short, short, len(name), len(extra), 0, 0, 0, 0, _short(place))
            self._put(_ENTRY.pack(*fields) + name + extra)
        count, size, end = len(self._directory), self._place - start, self._place
        if count >= 0xFFFF or start >= _LIMIT or size >= _LIMIT:
            self._put(_END64.pack(b"PK\6\6", _END64.size - 12, 45, 45, 0, 0, count, count, size, start))
            self._put(_LOCATOR.pack(b"PK\6\7", 0, end, 1))
        short = min(count, 0xFFFF)  # and the same for its count
        self._put(_END.pack(b"PK\5\6", 0, 0, short, short, _short(size), _short(start), 0))


class Reader:
    """Reads the records of an archive that begins where the seekable `file` stands and reaches to its end."""

    def __init__(self, file):
        self._file, self._start = file, file.tell()
        self._size = file.seek(0, 2) - self._start
        place, size, count = self._end()
        self._records = self._read_directory(self._read(place, size), count, place)

    def __contains__(self, name):
        return name in self._records

    def __iter__(self):
        return iter(self._records)

    def _read(self, place, size):
        if place < 0 or size < 0 or place + size > self._size:
            raise ArchiveError(f"load: the file is damaged: it has {self._size} bytes, and {size} are asked for from byte {place}.")
        self._file.seek(self._start + place)
        data = self._file.read(size)
        if len(data) != size:
            raise ArchiveError(f"load: the file ended {size - len(data)} bytes early; is somebody writing to it?")
        return data

    def _end(self):
        """(place, size, number of entries) of the directory."""
        tail_size = min(self._size, _END.size + 0xFFFF)
        tail = self._read(self._size - tail_size, tail_size)
        at = tail.rfind(b"PK\5\6")
        if at < 0 or at + _END.size > len(tail):
            raise ArchiveError(f"load: no directory of a zip archive at the end of the file of {self._size} bytes; it was cut off or is something else.")
        _, disk, disk2, count, count2, size, place, comment = _END.unpack_from(tail, at)
        end = self._size - tail_size + at
        if end + _END.size + comment != self._size:
            raise ArchiveError("load: the file is damaged: bytes follow after the end of its zip archive.")
        if disk or disk2 or count != count2:
            raise ArchiveError("load: the zip archive is split over several files, which no checkpoint is.")
        if at >= _LOCATOR.size and tail[at - _LOCATOR.size :][:4] == b"PK\6\7":
            _, _, end64, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
            signature, _, _, _, _, _, count, count2, size, place = _END64.unpack(self._read(end64, _END64.size))
            if signature != b"PK\6\6" or count != count2 or end64 > end:
                raise ArchiveError("load: the file is damaged: its zip64 directory is not where it should be.")
            end = end64
        if place + size > end or count * _ENTRY.size > size:
            raise ArchiveError(f"load: the file is damaged: a directory of {count} entries and {size} bytes at byte {place} does not fit before byte {end}.")
        return place, size, count

    def _read_directory(self, data, count, end):
        """Name to (place of the header, size, crc, place where the next thing starts) of each record."""
        records, at = {}, 0
        for _ in range(count):
            if at + _ENTRY.size > len(data):
                raise ArchiveError("load: the file is damaged: its directory is cut off.")
            fields = _ENTRY.unpack_from(data, at)
            signature, _, _, flags, method, _, _, crc, packed, size, n_name, n_extra, n_comment, _, _, _, place = fields
            at += _ENTRY.size
            name, extra = data[at : at + n_name], data[at + n_name : at + n_name + n_extra]
            at += n_name + n_extra + n_comment
            if signature != b"PK\1\2" or at > len(data):
                raise ArchiveError("load: the file is damaged: its directory is not one.")
            packed, size, place = _wide(extra, packed, size, place)
            if flags & _ENCRYPTED or method or packed != size:
                raise ArchiveError(f"load: record {name!r} is compressed or encrypted, which records of checkpoints are not.")
            name = name.decode("utf-8", "replace")
            if name in records:
                raise ArchiveError(f"load: the file is damaged: it has two records {name!r}.")
            records[name] = (place, size, crc)
        following = end
        for name, (place, size, crc) in sorted(records.items(), key=lambda item: item[1], reverse=True):
            if place + _LOCAL.size + size > following:
                raise ArchiveError(f"load: the file is damaged: record {name!r} of {size} bytes at byte {place} reaches over byte {following}.")
            records[name] = (place, size, crc, following)
            following = place
        return records

    def size(self, name):
        """Bytes of a record."""
        return self._record(name)[1]

    def _record(self, name):
        try:
            return self._records[name]
        except KeyError:
            raise ArchiveError(f"load: the file has no record {name!r}, though it belongs to it.") from None

    def place(self, name):
        """Where the data of a record starts, in bytes from the start of the archive."""
        header, size, _, following = self._record(name)
        signature, _, flags, method, _, _, _, _, _, n_name, n_extra = _LOCAL.unpack(self._read(header, _LOCAL.size))
        place = header + _LOCAL.size + n_name + n_extra
        if signature != b"PK\3\4" or flags & _ENCRYPTED or method or place + size > following:
            raise ArchiveError(f"load: the file is damaged: the header of record {name!r} does not agree with the directory.")
        if self._read(header + _LOCAL.size, n_name).decode("utf-8", "replace") != name:
            raise ArchiveError(f"load: the file is damaged: record {name!r} has another name in its header.")
        return place

    def read(self, name):
        """The bytes of a small record, whose checksum must be right."""
        _, size, crc, _ = self._record(name)
        data = self._read(self.place(name), size)
        if crc32(data) != crc:
            raise ArchiveError(f"load: the file is damaged: the checksum of record {name!r} is wrong.")
        return data

    def read_into(self, name, memory):
        """Fill the writable `memory`, which has the record's size."""
        place = self.place(name)
        memory = memoryview(memory).cast("B")
        self._file.seek(self._start + place)
        readinto = getattr(self._file, "readinto", None)
        while memory:
            if readinto is not None:
                count = readinto(memory)
            else:
                data = self._file.read(min(len(memory), _CHUNK))
                count = len(data)
                memory[:count] = data
            if not count:
                raise ArchiveError(f"load: the file ended within record {name!r}; is somebody writing to it?")
            memory = memory[count:]


def _wide(extra, packed, size, place):
    """The three numbers, those that do not fit into 32 bits from the zip64 field."""
    if _WIDE not in (packed, size, place):
        return packed, size, place
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1 and at + 4 + length <= len(extra):
            wide = iter(struct.unpack_from(f"<{length // 8}Q", extra, at + 4))
            # The field holds the numbers that do not fit, in this order: size, packed size, place.
            size, packed, place = (next(wide, n) if n == _WIDE else n for n in (size, packed, place))
            return packed, size, place
        at += 4 + length
    return packed, size, place
