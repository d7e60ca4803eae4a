"""Reading ffmpeg's stderr."""

from __future__ import annotations

from fractions import Fraction

from conviqt_cli.video.messages import DecoderLog, FrameFacts, Line, parse_colour, repaired_frames

FRAME = (
    "[Parsed_showinfo_0 @ 0x7f5] [info] n:  47 pts:     47 pts_time:1.88    duration:      1 duration_time:0.04    "
    "fmt:yuv420p cl:left sar:16/11 s:96x64 i:P iskey:0 type:P "
)
CORRUPT = "[in#0/avi @ 0x55a] [warning] Packet corrupt (stream = 0, dts = 47)."


def test_a_message_inside_another_threads_line_is_not_lost():
    frame, trouble = Line.split(FRAME + CORRUPT)
    facts = FrameFacts.parse(frame)
    assert facts is not None and (facts.pixel_format, facts.width, facts.height) == ("yuv420p", 96, 64)
    assert facts.sample_aspect == Fraction(16, 11)
    log = DecoderLog()
    log.add(trouble)
    assert log.cut_short == "the last packet is incomplete"


def test_components_that_speak_for_others_stay_one_message():
    (line,) = Line.split("[vist#0:0/mpeg4 @ 0x55a] [dec:mpeg4 @ 0x55b] [warning] corrupt decoded frame")
    assert (line.who, line.level) == ("dec:mpeg4", "warning")
    (plain,) = Line.split("  Stream #0:0 -> #0:0 (h264 (native) -> rawvideo (native))")
    assert plain.who == "" and plain.text.startswith("  Stream")


def test_lost_packets_of_a_transport_stream_are_damage_not_the_end():
    log = DecoderLog()
    log.add(Line.parse("[in#0/mpegts @ 0x55a] [warning] Packet corrupt (stream = 0, dts = 279084)."))
    assert log.cut_short is None


def test_the_decoders_own_count_is_read():
    log = DecoderLog()
    text = "  Input stream #0:0 (video): 100 packets read (118050 bytes); 97 frames decoded; 3 decode errors; "
    log.add(Line.parse("[in#0/mov @ 0x55a] [verbose] " + text))
    assert (log.packets, log.frames, log.errors) == (100, 97, 3)


def test_colour_names_survive_a_message_that_follows_without_a_gap():
    text = "color_range:tv color_space:bt2020ncstream 0, offset 0x4841: partial file"
    assert parse_colour([Line("Parsed_showinfo_0", "info", text)]) == {"range": "tv", "space": "bt2020nc"}


def test_the_repaired_frame_is_the_one_that_the_decoder_hands_on_next():
    said = [
        "[vist#0:0/h264 @ 0x1] [dec:h264 @ 0x2] [info] decoder -> pts:23 pts_time:0.023 pkt_dts:NOPTS keyframe:0",
        "[h264 @ 0x3] [info] concealing 72 DC, 72 AC, 72 MV errors in P frame",
        "[vist#0:0/h264 @ 0x1] [dec:h264 @ 0x2] [info] decoder -> pts:24 pts_time:0.024 pkt_dts:NOPTS keyframe:0",
        "[vist#0:0/h264 @ 0x1] [dec:h264 @ 0x2] [warning] corrupt decoded frame",
        "[h264 @ 0x3] [info] concealing 72 DC, 72 AC, 72 MV errors in P frame",
        "[vist#0:0/h264 @ 0x1] [dec:h264 @ 0x2] [info] decoder -> pts:25 pts_time:0.025 pkt_dts:NOPTS keyframe:0",
        "[warning] b.mkv: corrupt decoded frame in stream 0",
        "[info] decoder -> ist_index:0 type:video frame_pts:26 frame_pts_time:1.04 best_effort_ts:26 keyframe:0",
    ]
    assert repaired_frames(Line.parse(each) for each in said) == [25, 26]
    log = DecoderLog()
    for each in said:
        log.add(Line.parse(each))
    assert log.damaged == 2
