"""How a message is handed over: a module a channel, with ``send(delivery, now)`` that gives the receiver's answer."""


class NotAccepted(Exception):
    """The receiver did not take it, or there was none; ``is_final``: trying again would not help."""

    def __init__(self, answer: str, *, is_final: bool = False) -> None:
        super().__init__(answer)
        self.answer = answer
        self.is_final = is_final


class NotSetUp(Exception):
    """This site has nothing to send it with: the message is kept."""
