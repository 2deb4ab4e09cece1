"""Sample files a customer can send from the phone page, made by hand so that none is shipped."""

from __future__ import annotations

import struct
import zlib

SAMPLES = ("image", "audio", "document")


def sample(kind: str) -> tuple[bytes, str, str]:
    """Bytes, MIME type and file name; raises KeyError for an unknown kind."""
    if kind == "image":
        return receipt_png(), "image/png", "comprovante.png"
    if kind == "audio":
        return silent_ogg(seconds=3), "audio/ogg; codecs=opus", "audio.ogg"
    if kind == "document":
        return one_page_pdf(), "application/pdf", "contrato.pdf"
    raise KeyError(kind)


def receipt_png(width: int = 240, height: int = 320) -> bytes:
    """A pale sheet with dark bars, like the photo of a receipt."""
    rows = []
    for y in range(height):
        line = bytearray(b"\x00")
        for x in range(width):
            bar = (
                24 < x < width - 24
                and y % 28 < 8
                and 30 < y < height - 30
                and x < width - 24 - (y * 7) % 90
            )
            edge = x < 6 or y < 6 or x >= width - 6 or y >= height - 6
            line += b"\x35\x55\x4f" if bar else (b"\xd9\xd2\xc5" if edge else b"\xfb\xf8\xf1")
        rows.append(bytes(line))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + body


def silent_ogg(*, seconds: int) -> bytes:
    """An Ogg/Opus voice note of silence: 20 ms frames, mono, 48 kHz."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 7) + b"sandbox" + struct.pack("<I", 0)
    pages = [_ogg_page([head], 0, 0, flags=2), _ogg_page([tags], 0, 1, flags=0)]
    frames = [b"\xf8\xff\xfe"] * (seconds * 50)
    for index in range(0, len(frames), 50):
        chunk = frames[index : index + 50]
        last = index + 50 >= len(frames)
        granule = (index + len(chunk)) * 960
        pages.append(_ogg_page(chunk, granule, len(pages), flags=4 if last else 0))
    return b"".join(pages)


def _ogg_page(packets: list[bytes], granule: int, sequence: int, *, flags: int) -> bytes:
    lacing = b"".join(bytes([255] * (len(p) // 255) + [len(p) % 255]) for p in packets)
    head = (
        b"OggS" + struct.pack("<BBqIIIB", 0, flags, granule, 1, sequence, 0, len(lacing)) + lacing
    )
    page = head + b"".join(packets)
    return page[:22] + struct.pack("<I", _ogg_crc(page)) + page[26:]


def _ogg_crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def one_page_pdf() -> bytes:
    text = b"BT /F1 18 Tf 60 760 Td (Contrato de exemplo - Mercante Demo) Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out, offsets = b"%PDF-1.4\n", []
    for index, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (index, body)
    table = b"".join(b"%010d 00000 n \n" % o for o in offsets)
    start = len(out)
    return (
        out
        + b"xref\n0 6\n0000000000 65535 f \n"
        + table
        + (b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start)
    )
