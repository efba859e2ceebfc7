"""How a message is handed over: a module a channel, with ``send(delivery, now)`` that gives the receiver's answer."""


class NotAccepted(Exception):
    """The receiver did not take it, or there was none; ``is_final``: trying again would not help.

    ``is_silent``: it said nothing, and would keep the next message waiting as long.
    """

    def __init__(self, answer: str, *, is_final: bool = False, is_silent: bool = False) -> None:
        super().__init__(answer)
        self.answer = answer
        self.is_final = is_final
        self.is_silent = is_silent


class NotSetUp(Exception):
    """This site has nothing to send it with: the message is kept."""
