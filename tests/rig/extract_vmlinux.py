#!/usr/bin/env python3
"""Takes the kernel out of its self-extracting file: QEMU then boots it in half the time.

usage: extract_vmlinux.py VMLINUZ VMLINUX
"""

import lzma
import sys
import zlib

UNPACKERS = (
    (b"\xfd7zXZ\x00", lambda data: lzma.LZMADecompressor().decompress(data)),
    (b"\x1f\x8b\x08", lambda data: zlib.decompressobj(31).decompress(data)),
)


def extract(image):
    """The ELF file that is packed somewhere in the image."""
    for magic, unpack in UNPACKERS:
        at = image.find(magic)
        while at >= 0:
            try:
                kernel = unpack(image[at:])
                if kernel.startswith(b"\x7fELF"):
                    return kernel
            except (lzma.LZMAError, zlib.error):
                pass
            at = image.find(magic, at + 1)
    sys.exit("extract_vmlinux.py: there is no packed kernel in it")


def main():
    with open(sys.argv[1], "rb") as image, open(sys.argv[2], "wb") as out:
        out.write(extract(image.read()))


if __name__ == "__main__":
    main()
