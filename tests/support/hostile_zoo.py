"""Make a folder of nasty files, and print what becomes of each when it is read as a photo and written again.

    python tests/support/hostile_zoo.py /tmp/zoo

tests/photo/test_zoo.py reads the same files. Nothing here is larger than a few hundred kilobytes on disk.
"""

import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from PIL import Image, ImageCms, PngImagePlugin, features

from snadnet.errors import PhotoError
from snadnet.photo import encode_photo, photo_from_array, printable, read_photo, write_photo
from snadnet.photo.deep_writing import DEEPEST

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
HUGE_FILE: Final = 150_000_000
BOMB_BYTES: Final = 10_000_000
CUTS: Final = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9)
# What becomes of a file: it is read as a photo, or refused in these words.
PHOTO: Final = "photo"
DAMAGED: Final = "damaged or cut short|is not a photo that can be read"
NO_PHOTO: Final = "is not a photo that can be read"
TOO_LARGE: Final = "more than the limit of|far too large"
RANGELESS: Final = "floating-point or signed values, or more than 16 bits a channel"


@dataclass(frozen=True)
class Specimen:
    """A nasty file.

    Attributes:
        path: where it is, or where it only seems to be.
        outcome: `PHOTO`, or a regular expression that the one line of the refusal holds.
    """

    path: Path
    outcome: str


def build_zoo(folder: Path) -> list[Specimen]:
    """Write all specimens into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    zoo = []
    for name, content, outcome in [*_cut(), *_wrong(), *_bombs(), *_modes(), *_deep(), *_metadata(), *_frames()]:
        (folder / name).write_bytes(content)
        zoo.append(Specimen(folder / name, outcome))
    return [*zoo, *_places(folder)]


Rows = Iterator[tuple[str, bytes, str]]


def _picture(height: int = 24, width: int = 32, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def _encoded(image: Image.Image, format_name: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format_name, **options)
    return stream.getvalue()


def _formats() -> tuple[str, ...]:
    return ("JPEG", "PNG", "WEBP", "TIFF", "BMP", *(("AVIF",) if features.check("avif") else ()))


def _cut() -> Rows:
    image = Image.fromarray(_picture())
    for format_name in _formats():
        whole = _encoded(image, format_name)
        for part in CUTS:
            yield f"cut_at_{part:.0%}.{format_name.lower()}", whole[: int(len(whole) * part)], DAMAGED


def _wrong() -> Rows:
    png, jpeg = (_encoded(Image.fromarray(_picture()), format_name) for format_name in ("PNG", "JPEG"))
    yield "empty.jpg", b"", "is empty"
    yield "one_byte.png", b"\x89", NO_PHOTO
    yield "zeros.jpg", bytes(5000), NO_PHOTO
    yield "text.jpg", b"I am a photo, really.\n", NO_PHOTO
    yield "page.png", b"<html><script>alert(1)</script></html>", NO_PHOTO
    yield "pickle.jpg", b"cos\nsystem\n(S'touch /tmp/owned'\ntR.", NO_PHOTO
    yield "program.jpg", b"\x7fELF" + bytes(200), NO_PHOTO
    yield "vector.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>', NO_PHOTO
    yield "postscript.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd)(r) file\n", NO_PHOTO
    yield "animation.gif", _encoded(Image.fromarray(_picture()), "GIF"), NO_PHOTO
    yield "phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), f"HEIC photo|{DAMAGED}"
    yield "png_named.jpg", png, PHOTO
    yield "jpeg_named.TIF", jpeg, PHOTO
    yield "png_named_text.txt", png, PHOTO
    yield "signature_only.png", PNG_SIGNATURE, NO_PHOTO
    yield "two_signatures.png", PNG_SIGNATURE + png, DAMAGED
    yield "jpeg_and_zip.jpg", jpeg + b"PK\x03\x04" + bytes(500), PHOTO
    yield "flipped_bits.jpg", bytes(b ^ 0x55 if i % 7 == 0 else b for i, b in enumerate(jpeg)), DAMAGED
    yield "bad_checksum.png", png.replace(b"IDAT", b"IDAt", 1), DAMAGED


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png(
    width: int, height: int, *extras: bytes, depth: int = 8, colour: int = 2, pixels: bytes | None = None
) -> bytes:
    """A PNG by hand: whatever the header says, the pixels are these."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    rows = b"".join(b"\0" + bytes(3 * width) for _ in range(height)) if pixels is None else pixels
    return PNG_SIGNATURE + header + b"".join(extras) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _bombs() -> Rows:
    yield "bomb_64_megapixels.png", _png(8000, 8000, depth=1, colour=0, pixels=bytes(8000 * 1001)), TOO_LARGE
    yield "bomb_in_the_header.png", _png(2**31 - 1, 2**31 - 1, pixels=b""), TOO_LARGE
    yield "bomb_without_height.png", _png(5, 0, pixels=b""), DAMAGED + "|no pixels"
    yield "bomb_with_few_pixels.png", _png(6000, 6000, pixels=bytes(1000)), DAMAGED
    yield (
        "bomb.bmp",
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 60000, 60000, 1, 24, 0, 0, 1, 1, 0, 0),
        (TOO_LARGE),
    )
    jpeg = _encoded(Image.new("L", (8, 8)), "JPEG")
    place = jpeg.index(b"\xff\xc0") + 5
    yield "bomb.jpg", jpeg[:place] + b"\xff\xff\xff\xff" + jpeg[place + 4 :], TOO_LARGE
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + b"\xff\x3f\0" * 2
    body = b"WEBP" + canvas + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    yield "bomb.webp", b"RIFF" + struct.pack("<I", len(body)) + body, f"{TOO_LARGE}|{DAMAGED}"
    tiff = _encoded(Image.fromarray(_picture()), "TIFF")
    width, wide = (struct.pack("<HHII", 256, 4, 1, value) for value in (32, 2**30))
    yield "bomb.tif", tiff.replace(width, wide), TOO_LARGE
    yield "many_segments.jpg", b"\xff\xd8" + b"\xff\xfe\0\2" * 101_000 + jpeg[2:], "is made of more than"
    yield "text_bomb.png", _png(4, 4, _chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(BOMB_BYTES)))), PHOTO
    yield "profile_bomb.png", _png(4, 4, _chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(BOMB_BYTES)))), PHOTO
    yield "loop.tif", _tiff_loop(), PHOTO


def _tiff_loop() -> bytes:
    """A TIFF whose second page is its first one."""
    tiff = bytearray(_encoded(Image.fromarray(_picture()), "TIFF"))
    first = struct.unpack_from("<I", tiff, 4)[0]
    entries = struct.unpack_from("<H", tiff, first)[0]
    struct.pack_into("<I", tiff, first + 2 + 12 * entries, first)
    return bytes(tiff)


def _modes() -> Rows:
    colour = Image.fromarray(_picture())
    with_alpha = Image.fromarray(_picture(channels=4))
    yield "one_pixel.png", _encoded(Image.new("RGB", (1, 1)), "PNG"), PHOTO
    yield "one_pixel.jpg", _encoded(Image.new("RGB", (1, 1)), "JPEG"), PHOTO
    yield "wide.png", _encoded(Image.new("RGB", (20_000, 1)), "PNG"), PHOTO
    yield "tall.jpg", _encoded(Image.new("L", (1, 20_000)), "JPEG"), PHOTO
    yield "inks.jpg", _encoded(colour.convert("CMYK"), "JPEG"), PHOTO
    yield "inks.tif", _encoded(colour.convert("CMYK"), "TIFF"), PHOTO
    yield "palette.png", _encoded(colour.convert("P"), "PNG", transparency=bytes(range(256))), PHOTO
    yield "palette.tif", _encoded(colour.convert("P"), "TIFF"), PHOTO
    yield "palette_cut.png", _png(4, 4, _chunk(b"PLTE", b"\1\2\3"), colour=3, pixels=b"\0\xff\xff\xff\xff" * 4), PHOTO
    yield "grey_with_alpha.png", _encoded(with_alpha.convert("LA"), "PNG"), PHOTO
    yield "one_bit.png", _encoded(colour.convert("1"), "PNG"), PHOTO
    yield "one_bit.tif", _encoded(colour.convert("1"), "TIFF", compression="group4"), PHOTO
    yield "luma.tif", _encoded(colour.convert("YCbCr"), "TIFF"), PHOTO
    yield "lab.tif", _encoded(Image.merge("LAB", colour.split()), "TIFF"), f"{PHOTO}|unsupported kind"
    yield "float.tif", _encoded(Image.fromarray(np.ones((5, 5), np.float32)), "TIFF"), RANGELESS
    yield "integers.tif", _encoded(Image.fromarray(np.ones((5, 5), np.int32)), "TIFF"), RANGELESS
    yield "sixteen_bit_grey.png", _encoded(Image.fromarray(np.ones((5, 5), np.uint16)), "PNG"), PHOTO
    yield "sixteen_bit_grey.tif", _encoded(Image.fromarray(np.ones((5, 5), np.uint16)), "TIFF"), PHOTO
    yield "sixteen_bit.png", _png(4, 4, depth=16, pixels=(b"\0" + bytes(24)) * 4), PHOTO
    yield "jpeg_in.tif", _encoded(colour, "TIFF", compression="jpeg"), PHOTO


def _deep() -> Rows:
    """Files of more than 8 bits: cut, lying, and such as say one thing here and another there."""
    values = np.random.default_rng(0).integers(0, 65536, (24, 32, 4), dtype=np.uint16)
    files = {}
    for channels in (1, 2, 3, 4):
        photo = photo_from_array(np.ascontiguousarray(values[..., : channels if channels > 2 else 1]).squeeze())
        if channels == 2:
            photo = replace(photo, alpha=np.ascontiguousarray(values[..., 1]))
        files |= {(channels, name): encode_photo(photo, name) for name in ("PNG", "TIFF")}
    if "AVIF" in DEEPEST:
        files[3, "AVIF"] = encode_photo(photo_from_array(values[..., :3].copy()), "AVIF")
    for (channels, name), whole in files.items():
        for part in CUTS:
            yield f"deep_{channels}_cut_at_{part:.0%}.{name.lower()}", whole[: int(len(whole) * part)], DAMAGED
    tiff, pairs = bytearray(files[3, "TIFF"]), bytearray(files[2, "TIFF"])
    for name, tag, value in (
        ("wide", 256, 2**20),
        ("tall", 257, 2**20),
        ("planes", 284, 2),
        ("unknown_planes", 284, 9),
        ("inks", 262, 5),
        ("samples", 277, 2),
        ("packed", 259, 5),
        ("bits", 258, 12),
    ):
        for channels, content in ((3, tiff), (2, pairs)):
            lying = _with_tag(content, tag, value)
            yield f"deep_{channels}_lies_of_{name}.tif", lying, f"{PHOTO}|{TOO_LARGE}|{DAMAGED}|unsupported kind"
    yield "deep_without_pixels.png", _png(40, 40, depth=16, colour=4, pixels=b""), DAMAGED
    yield "deep_pairs.png", _png(4, 4, depth=16, colour=4, pixels=(b"\0" + bytes(16)) * 4), PHOTO
    yield "deep_key.png", _png(4, 4, _chunk(b"tRNS", bytes(6)), depth=16, pixels=(b"\0" + bytes(24)) * 4), PHOTO
    yield "deep_key_cut.png", _png(4, 4, _chunk(b"tRNS", b"\1"), depth=16, pixels=(b"\0" + bytes(24)) * 4), DAMAGED
    yield "bomb_of_16_bits.png", _png(8000, 8000, depth=16, pixels=bytes(1000)), TOO_LARGE


def _with_tag(tiff: bytearray, wanted: int, value: int) -> bytes:
    """The TIFF with one number of its first directory changed."""
    changed = bytearray(tiff)
    first = struct.unpack_from("<I", changed, 4)[0]
    for entry in range(struct.unpack_from("<H", changed, first)[0]):
        place = first + 2 + 12 * entry
        tag, kind, _ = struct.unpack_from("<HHI", changed, place)
        if tag == wanted:
            struct.pack_into("<H" if kind == 3 else "<I", changed, place + 8, value & (0xFFFF if kind == 3 else -1))
    return bytes(changed)


def _metadata() -> Rows:
    image = Image.fromarray(_picture())
    endless = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\0\0\0\0"
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "x" * 3_000_000
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for format_name in ("JPEG", "PNG", "WEBP", "TIFF"):
        suffix = format_name.lower()
        yield f"broken_profile.{suffix}", _encoded(image, format_name, icc_profile=b"not a profile"), PHOTO
        yield f"cut_profile.{suffix}", _encoded(image, format_name, icc_profile=profile[:200]), PHOTO
        if format_name != "TIFF":
            yield f"broken_exif.{suffix}", _encoded(image, format_name, exif=b"Exif\0\0II*\0\xff\xff"), PHOTO
            yield f"endless_exif.{suffix}", _encoded(image, format_name, exif=endless), PHOTO
    yield "huge_exif.png", _encoded(image, "PNG", exif=exif), PHOTO
    yield "orientation_99.jpg", _encoded(image, "JPEG", exif=_orientation(99)), PHOTO
    yield (
        "orientation_as_text.jpg",
        _encoded(image, "JPEG", exif=_orientation(6).replace(b"\x03\0\x01", b"\2\0\1")),
        PHOTO,
    )
    png = _encoded(image, "PNG")
    for key in (
        b"transparency",
        b"icc_profile",
        b"dpi",
        b"exif",
        b"xmp",
        b"gamma",
        b"interlace",
        b"Raw profile type exif",
    ):
        yield f"text_named_{key.decode().replace(' ', '_')}.png", _with_chunk(png, b"tEXt", key + b"\0surprise"), PHOTO
    yield "bad_text_checksum.png", _with_chunk(png, b"tEXt", b"k\0v")[:-30].replace(b"k\0v", b"k\0w") + png[-30:], PHOTO
    entities = b'<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><rdf:RDF>&b;</rdf:RDF>'
    yield "entities.jpg", _encoded(image, "JPEG", xmp=entities), PHOTO
    chunks = PngImagePlugin.PngInfo()
    for number in range(3000):
        chunks.add_text(f"key {number}", "x" * 100)
    yield "many_texts.png", _encoded(image, "PNG", pnginfo=chunks), PHOTO
    yield "short_jfif.jpg", b"\xff\xd8\xff\xe0\0\6JFIF" + _encoded(image, "JPEG")[2:], PHOTO


def _orientation(value: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def _with_chunk(png: bytes, kind: bytes, content: bytes) -> bytes:
    """The PNG with one more chunk behind its header."""
    place = len(PNG_SIGNATURE) + 25
    return png[:place] + _chunk(kind, content) + png[place:]


def _frames() -> Rows:
    pages = [Image.new("RGB", (24, 16), colour) for colour in ("red", "green", "blue")]
    for format_name in ("PNG", "WEBP", "TIFF", *(("AVIF",) if features.check("avif") else ())):
        content = _encoded(pages[0], format_name, save_all=True, append_images=pages[1:])
        yield f"three_frames.{format_name.lower()}", content, PHOTO
    yield "camera.jpg", _encoded(pages[0], "MPO", save_all=True, append_images=pages[1:]), PHOTO
    yield (
        "frames_that_are_not_there.png",
        _with_chunk(_encoded(pages[0], "PNG"), b"acTL", struct.pack(">II", 2**31 - 1, 0)),
        PHOTO,
    )
    yield "broken_frame.png", _with_chunk(_encoded(pages[0], "PNG"), b"fcTL", bytes(26) + b"\xff"), PHOTO


def _places(folder: Path) -> list[Specimen]:
    """Files that are nasty by where they are rather than by what they hold."""
    png = _encoded(Image.fromarray(_picture()), "PNG")
    named: dict[str, Callable[[Path], object]] = {
        "new\nline.png": lambda path: path.write_bytes(png),
        "bell\a and \x1b[31mred.png": lambda path: path.write_bytes(png),
        "-rf.png": lambda path: path.write_bytes(png),
        "[bold]rich[bold].png": lambda path: path.write_bytes(png),
        "Ünïcödé \N{FACE WITH TEARS OF JOY} \N{RIGHT-TO-LEFT OVERRIDE}gpj.png": lambda path: path.write_bytes(png),
        "x" * 240 + ".png": lambda path: path.write_bytes(png),
        os.fsdecode(b"latin-\xe9.png"): lambda path: path.write_bytes(png),
        "link.png": lambda path: path.symlink_to("png_named.jpg"),
    }
    refused: dict[str, tuple[Callable[[Path], object], str]] = {
        "dangling.png": (lambda path: path.symlink_to("nowhere"), "no such file"),
        "loop_of_links.png": (lambda path: path.symlink_to("loop_of_links.png"), "cannot be opened"),
        "device.png": (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        "pipe.png": (os.mkfifo, "not a regular file"),
        "folder.png": (Path.mkdir, "is a folder"),
        "huge.png": (_write_huge, "MB large"),
    }
    zoo = []
    for name, make in named.items():
        zoo.append(_placed(folder / name, make, PHOTO))
    for name, (make, outcome) in refused.items():
        zoo.append(_placed(folder / name, make, outcome))
    return [
        *zoo,
        Specimen(folder / "missing.png", "no such file"),
        Specimen(folder / ("y" * 300), "cannot be opened"),
        Specimen(folder / "nul\0.png", "cannot be opened"),
        Specimen(folder / "text.jpg" / "inside.png", "cannot be opened"),
    ]


def _placed(path: Path, make: Callable[[Path], object], outcome: str) -> Specimen:
    # Anything may be there from the time before.
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    path.unlink(missing_ok=True)
    make(path)
    return Specimen(path, outcome)


def _write_huge(path: Path) -> None:
    """A file over the limit that takes no room on the disk."""
    with path.open("wb") as file:
        file.write(PNG_SIGNATURE)
        file.truncate(HUGE_FILE)


def main(folder: Annotated[Path, typer.Argument(help="Where to make the files.", show_default=False)]) -> None:
    """Make the zoo, and print for each file what became of it."""
    zoo = build_zoo(folder)
    for specimen in zoo:
        name = printable(specimen.path.name)
        try:
            photo = read_photo(specimen.path)
            write_photo(photo, folder / "written" / "result.png", overwrite=True)
        except PhotoError as error:
            outcome = str(error).removeprefix(f"{printable(specimen.path)}: ")
        else:
            height, width = photo.pixels.shape[:2]
            outcome = "; ".join((f"a photo of {width} x {height}", *photo.notes))
        typer.echo(f"{name[:45]:45}  {outcome}")
    typer.echo(f"{len(zoo)} files")


if __name__ == "__main__":
    typer.run(main)
