"""The two ways in which a program fails; both texts are sentences."""


class UserError(Exception):
    """Something that the user can change: the job ends in error with this sentence (exit code 1)."""


class ApplicationError(Exception):
    """Something that the user cannot change; the details go to the log (exit code 2)."""
