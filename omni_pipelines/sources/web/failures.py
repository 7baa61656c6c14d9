"""Why a web page could not be fetched."""


class WebFailure(Exception):
    """There is no response. The message is the reason; `cure` is what to do about it, if that is known."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure

    @property
    def message_with_cure(self) -> str:
        """Message and cure."""
        return f"{self}; {self.cure}" if self.cure else str(self)


class Blocked(WebFailure):
    """Fetching it is not allowed: by the options of the source, the address checks or robots.txt."""


class Unavailable(WebFailure):
    """The server cannot be reached, is too slow, closes the connection, or asks to come back later."""

    def __init__(self, message: str, cure: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message, cure)
        self.retry_after = retry_after
        """Seconds after which the server wants to be asked again; 0 if it does not say."""


class TooLarge(WebFailure):
    """The response is longer than the limit."""
