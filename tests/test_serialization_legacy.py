"""load: files of PyTorch before 1.6, pickles one after the other. The one here was written by PyTorch 2.13 in that format."""
import base64
import io
import pickle
import zlib

import pytest

import pyxtorch as torch
from pyxtorch import nn

FILE = zlib.decompress(base64.b85decode(
    b"c-nQ5OK;Oa5XbGclfXhtc~hRHP--|tPTD3^LZSy$Az3_XF1}QjakjOQ>-DV1<sntdC8FgsaNx*S<0Bw(VAiI9L|A)Pn(_Gepa1Tded5`V&zs*D-h6#I-yO4O"
    b"-z?e>z;J>&!!QaZQN}V0_k}7`nS)6U!3=%LQp8MzA|Itu4(u@CRK)j%2+Q<?D8V`a+X-4!EEA~^S{@55%F-O6?b(5?88Y96j%QcZv8GAYcVNaSRh)Fg3e&9Q"
    b"p%SmFG#iB|@=~gBzt4d=PSDYC>Wp>;Sj{hdGm{a%YKk1}V3vB;SKamD!?j+oKkU0MwCXwHqM|w4&k;IXp5e78aKbYuaPlZ7yP1fQ+?M=>8VMyvPtq7U@cTZT"
    b"LOAWiOpQ?TEzBk~Nn#~amChuM!rYd}JT`%|TH)MLqCw{oF8FY<cAUVa2J_3r(<s~d?cwqt@^G*^a94%{7p@T5BJ#YR-I~BvO}^HUuOr;>;bu)P;MRZ6vWQf)"
    b"Cr~I33;%l1N-Kl4ULS6g5+kKWtwbK~Xr;T2(h|ZwAC?d6#Q6xcKhRgXt*>&*)aEn+Htpmr(bXqhuSfb}$C)vHtfOuGy>!jkpqFAy@nz#D<CnP>"
))  # fmt: skip
DAMAGE = (RuntimeError, pickle.UnpicklingError, EOFError)


def load(data=FILE, **options):
    return torch.load(io.BytesIO(data), **options)


@pytest.mark.parametrize("weights_only", [None, False])
def test_what_is_in_the_file(weights_only, tmp_path):
    (tmp_path / "old.pt").write_bytes(FILE)
    found = torch.load(tmp_path / "old.pt", weights_only=weights_only)
    assert found["x"].tolist() == [0, 1, 2, 3, 4, 5] and found["h"].dtype == torch.float16 and found["h"].tolist() == [1] * 3
    assert type(found["p"]) is nn.Parameter and found["p"].requires_grad and found["p"].tolist() == [1, 1]
    found["x"].fill_(7)
    assert found["row"].tolist() == [7, 7]
    places = []
    moved = load(map_location=lambda storage, location: places.append(location), weights_only=weights_only)
    assert places == ["cpu"] * 3 and torch.equal(moved["h"], found["h"]) and load(map_location="meta", weights_only=weights_only)["x"].is_meta
    elsewhere = load(map_location=lambda storage, location: torch.UntypedStorage(storage.nbytes()), weights_only=weights_only)
    assert elsewhere["row"].tolist() == [2, 3]
    with pytest.raises(ZeroDivisionError):
        load(map_location=lambda storage, location: 1 / 0)


def test_the_other_byte_order():
    little = b"little_endianq\x02\x88"
    assert FILE.count(little) == 1
    at = FILE.index(b"\x06\x00\x00\x00\x00\x00\x00\x00" + torch.arange(6.0).numpy().tobytes())
    swapped = bytearray(FILE.replace(little, little[:-1] + b"\x89"))
    ends = {6: 4, 3: 2, 2: 4}
    start = min(FILE.index(n.to_bytes(8, "little") + torch.full((n,), 1.0, dtype=d).numpy().tobytes()) for n, d in ((3, torch.float16), (2, torch.float32)))
    start = min(start, at)
    while start < len(FILE):
        n = int.from_bytes(FILE[start : start + 8], "little")
        swapped[start : start + 8] = n.to_bytes(8, "big")
        for i in range(n):
            item = slice(start + 8 + i * ends[n], start + 8 + (i + 1) * ends[n])
            swapped[item] = FILE[item][::-1]
        start += 8 + n * ends[n]
    found = load(bytes(swapped))
    assert found["x"].tolist() == [0, 1, 2, 3, 4, 5] and found["h"].tolist() == [1] * 3 and found["p"].tolist() == [1, 1]


@pytest.mark.parametrize("weights_only", [None, False])
def test_damage_is_an_error(weights_only):
    for end in range(len(FILE)):
        with pytest.raises(DAMAGE):
            load(FILE[:end], weights_only=weights_only)
    large = b"K\x06N"                                   # the number of elements of a storage, from 6 to 2^31 - 1
    assert FILE.count(large) == 2
    with pytest.raises(RuntimeError, match="more bytes than the file"):
        load(FILE.replace(large, b"J\xff\xff\xff\x7fN"), weights_only=weights_only)
    with pytest.raises(DAMAGE):
        load(FILE.replace(large, b"K\x05N"), weights_only=weights_only)
    with pytest.raises(pickle.UnpicklingError, match="old format"):
        load(FILE.replace(b"M\xe9\x03.", b"M\xe8\x03."), weights_only=weights_only)
    random = torch.Generator().manual_seed(0)
    for _ in range(300 if weights_only is None else 0):  # of what is not trusted, whatever it says
        data = bytearray(FILE)
        for place, byte in zip(torch.randint(4, len(FILE), (3,), generator=random).tolist(), torch.randint(0, 256, (3,), generator=random).tolist()):
            data[place] = byte
        try:
            load(bytes(data))
        except DAMAGE + (NotImplementedError,):
            pass


def test_calls_are_refused():
    evil = pickle.dumps({"x": Calls()}, 2)
    parts = pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2), pickle.dumps({"little_endian": True}, 2), evil, pickle.dumps([], 2)
    with pytest.raises(pickle.UnpicklingError, match="divmod"):
        load(b"".join(parts))
    assert load(b"".join(parts), weights_only=False) == {"x": (3, 1)}


class Calls:
    def __reduce__(self):
        return divmod, (7, 2)
