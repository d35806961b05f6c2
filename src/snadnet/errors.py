"""The errors a user of snadnet can meet.

Every one of them says in one line what is wrong, with which file or argument, and what to do about it. The
command line prints that line and exits; it never shows a traceback for them.
"""


class SnadnetError(Exception):
    """Base of all errors that snadnet raises on purpose; ``str(error)`` is one line fit for a user."""


class PhotoError(SnadnetError):
    """A photo cannot be read or written; the message names the file and the remedy."""


class VideoError(SnadnetError):
    """A clip cannot be read or written; the message names the file and the remedy."""


class OutputExistsError(SnadnetError):
    """An output file exists already and overwriting was not asked for."""


class WeightsError(SnadnetError):
    """A weights file is missing, damaged or of another model."""


class ModelError(SnadnetError):
    """A model name is unknown, or a model was asked for something that it cannot do (size, device)."""


class DataError(SnadnetError):
    """A data folder is missing, empty or unreadable."""


class ConfigError(SnadnetError):
    """A configuration file or an option has an invalid value."""


class TrainingError(SnadnetError):
    """A training cannot go on: its loss or its weights are no longer finite, or another of its processes failed."""


class UsageError(ConfigError):
    """What was asked for contradicts itself or cannot be carried out, which shows before any work.

    Args:
        message: The line for the user.
        argument: What it is about, as the command line writes it, such as "--name".
    """

    def __init__(self, message: str, *, argument: str) -> None:
        super().__init__(message)
        self.argument = argument
