"""What names of pixel formats say."""

from __future__ import annotations

import subprocess

from conviqt_cli.video.pixel_formats import bit_depth, has_alpha


def test_depth_and_transparency_are_those_of_ffmpegs_own_table(ffmpeg):
    table = subprocess.run([ffmpeg, "-hide_banner", "-pix_fmts"], capture_output=True, text=True, check=True).stdout
    seen = 0
    for fields in map(str.split, table.splitlines()):
        if len(fields) != 5 or not fields[2].isdigit() or fields[4] == "0":
            continue
        name, components, depths = fields[1], int(fields[2]), [int(each) for each in fields[4].split("-")]
        # Of a mosaic ffmpeg states the share of a component in a pixel; a palette has transparency in its colours.
        if not name.startswith(("bayer", "pal8")):
            assert (bit_depth(name), has_alpha(name)) == (max(depths), components in (2, 4)), name
            seen += 1
    assert seen > 150
