"""What can go wrong, as the caller sees it.

Every error a user can cause is a :class:`ConviqtError` whose text is one line: what was wrong, with which file,
and what to do. Anything else that escapes is a bug.

>>> from conviqt_cli.errors import DecodeError
>>> error = DecodeError("holiday.mp4: the file is truncated after 12.3 s; get a complete copy")
>>> error.code
'decode_failed'
"""

from __future__ import annotations


class ConviqtError(Exception):
    """Base of all errors meant for the user; ``str(error)`` is one clear line.

    ``setting`` is the setting at fault or the one that helps, where there is one: a keyword of
    :func:`conviqt_cli.load`, or a field of the settings that the code in question takes. The text does not name
    command-line options; the command line adds the option that stands for the setting.
    """

    #: Stable machine-readable name, written to CSV and JSON.
    code = "error"

    def __init__(self, text: str, setting: str | None = None) -> None:
        super().__init__(text)
        self.setting = setting


class InputError(ConviqtError):
    """The input cannot be opened as a video: missing, empty, not media, no video stream."""

    code = "unreadable"


class DecodeError(ConviqtError):
    """Decoding began but did not reach the end: damaged, truncated, or the decoder stopped."""

    code = "decode_failed"


class LimitError(ConviqtError):
    """The input is beyond a stated limit: picture too small or too large, too slow to decode."""

    code = "limit"


class MismatchError(ConviqtError):
    """Videos that are to be compared do not show the same."""

    code = "mismatch"


class BundleError(ConviqtError):
    """A weight bundle is missing, damaged, or not of a kind this version reads."""

    code = "bundle"


class RegressorError(ConviqtError):
    """A regressor file is damaged, unsafe, or belongs to another encoder."""

    code = "regressor"


class LabelError(ConviqtError):
    """A set of opinion scores cannot be used as it is."""

    code = "labels"


class UsageError(ConviqtError):
    """Settings that contradict each other or are out of range; the command line exits with 2."""

    code = "usage"
