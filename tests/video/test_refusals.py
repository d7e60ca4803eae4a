"""What cannot be read says why, and what to give instead."""

from __future__ import annotations

import os
import subprocess

import pytest

from conviqt_cli.errors import InputError
from conviqt_cli.plans.schedule import schedule
from conviqt_cli.plans.time_plan import SPARSE
from conviqt_cli.video.probe import probe

_KEY = ("-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb", "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")
_ENCRYPTION = ("-encryption_scheme", "cenc-aes-ctr", *_KEY)
_HLS = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n"


def refusal(path) -> str:
    with pytest.raises(InputError) as caught:
        probe(str(path))
    text = str(caught.value)
    assert text.startswith(f"{path}: ") and "\n" not in text
    return text.removeprefix(f"{path}: ")


@pytest.fixture
def copy(make_video, ffmpeg, tmp_path):
    """Copy a small video's packets into another file."""
    source = make_video(tmp_path / "source.mp4")

    def make(name, *options):
        command = [ffmpeg, "-v", "error", "-i", source, "-c", "copy", *options, name]
        subprocess.run(command, check=True, cwd=tmp_path)
        return tmp_path / name

    return make


@pytest.mark.parametrize("name", ["a.mp4", "fragmented.mp4"])
def test_encrypted_pictures_are_never_decoded(copy, name):
    fragments = ("-movflags", "frag_keyframe+empty_moov+default_base_moof") if name.startswith("f") else ()
    assert refusal(copy(name, *_ENCRYPTION, *fragments)).startswith("encrypted")


def test_a_scrambled_transport_stream(copy):
    path = copy("a.ts")
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), 188):
        if data[at + 1] & 0x1F == 1 and data[at + 2] == 0:  # the video's packets
            data[at + 3] |= 0x80
            data[at + 12 : at + 188] = bytes(byte ^ 0x5A for byte in data[at + 12 : at + 188])
    path.write_bytes(data)
    assert refusal(path).startswith("encrypted")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.m3u8", _HLS, "an HLS playlist, not a video: give the files that it names, or the playlist as a URL: file://"),
        ("a.mp4", _HLS, "an HLS playlist, not a video"),
        ("b.m3u8", _HLS.replace(b"#EXTINF", b"#EXT-X-KEY:METHOD=AES-128\n#EXTINF"), "an HLS playlist of encrypted"),
        ("a.m3u", b"\xef\xbb\xbfa.mp4\r\nb.mp4\r\n", "an M3U playlist"),
        ("a.mpd", b'<?xml version="1.0"?>\n<!-- made here -->\n<MPD xmlns="urn:mpeg:dash">', "a DASH manifest"),
        ("a.pls", b"[playlist]\nFile1=a.mp4\n", "a PLS playlist"),
        ("a.cue", b'REM GENRE x\r\nFILE "a.mp4" WAVE\r\n', "a cue sheet"),
        ("a.ffconcat", b"ffconcat version 1.0\nfile a.mp4\n", "a list of files for ffmpeg"),
        ("a.asx", b'<ASX version="3.0">', "an ASX playlist"),
        ("a.xspf", b'<?xml version="1.0"?><playlist version="1">', "an XSPF playlist"),
    ],
)  # fmt: skip
def test_playlists_and_manifests(tmp_path, name, content, what):
    (tmp_path / name).write_bytes(content)
    assert refusal(tmp_path / name).startswith(what)


def test_the_url_that_is_named_for_a_playlist_works(copy, tmp_path):
    playlist = copy("a list.m3u8", "-hls_time", "1")
    assert probe(refusal(playlist).split("as a URL: ")[1]).width == 96


def test_initialisation_and_media_segments(copy, tmp_path):
    copy(
        "a.m3u8", "-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4", "-hls_segment_filename", "%d.m4s"
    )
    assert refusal(tmp_path / "init.mp4").startswith(
        "only a header, such as an initialisation segment, without pictures"
    )
    assert refusal(tmp_path / "0.m4s").startswith("a segment without its initialisation segment")
    both = tmp_path / "both.mp4"
    both.write_bytes((tmp_path / "init.mp4").read_bytes() + (tmp_path / "0.m4s").read_bytes())
    assert probe(str(both)).width == 96


def test_a_segment_of_an_encrypted_stream(tmp_path):
    (tmp_path / "0.ts").write_bytes(os.urandom(188 * 64))
    assert "segment of an encrypted HLS stream" in refusal(tmp_path / "0.ts")


def test_a_start_after_the_end_says_how_long_the_video_is(make_video, tmp_path):
    info = probe(str(make_video(tmp_path / "a.mp4")))
    with pytest.raises(InputError, match=r"there is no picture at 9 s: the video is 0.80 s long"):
        schedule(info, SPARSE, start=9)
