# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading .zst files with the zstd library that quanta itself needs."""
import ctypes
import ctypes.util


class _Buffer(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]


def read(path):
    """The bytes that a .zst file holds."""
    lib = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    lib.ZSTD_createDStream.restype = ctypes.c_void_p
    lib.ZSTD_freeDStream.argtypes = [ctypes.c_void_p]
    lib.ZSTD_decompressStream.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Buffer), ctypes.POINTER(_Buffer)]
    lib.ZSTD_decompressStream.restype = ctypes.c_size_t
    lib.ZSTD_isError.argtypes = [ctypes.c_size_t]
    with open(path, "rb") as f:
        packed = f.read()
    stream = lib.ZSTD_createDStream()
    source = _Buffer(ctypes.cast(ctypes.c_char_p(packed), ctypes.c_void_p), len(packed), 0)
    room = ctypes.create_string_buffer(1 << 20)
    out = []
    while True:
        target = _Buffer(ctypes.cast(room, ctypes.c_void_p), len(room), 0)
        result = lib.ZSTD_decompressStream(stream, ctypes.byref(target), ctypes.byref(source))
        if lib.ZSTD_isError(result):
            raise OSError(f"{path}: not valid zstd data")
        out.append(room.raw[:target.pos])
        if source.pos == source.size and target.pos < len(room):
            break
    lib.ZSTD_freeDStream(stream)
    return b"".join(out)
