"""Credentials that their place gives away: in URLs, headers, connection strings, JSON.

A secret that stands in no setting (what a service has answered, say) is known by
what stands before it. Only that one place is masked: the same text elsewhere
may be a word.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable

__all__ = ["MASK", "SHORTEST", "CredentialMask", "is_plain", "looks_random"]

MASK = "********************"
"""What Django's debug page puts in the place of a secret."""
SHORTEST = 6
"""Values shorter than this are left: masking them would turn a report into nonsense."""

_PLAIN = re.compile(r"(?:[a-z]{1,20}|[A-Z][a-z]{0,19}|[A-Z]{1,20})(?:[ _./:-]|$)")

# In an URL; an unquoted @ may stand in the password.
_USERINFO = re.compile(r"://([^\s/?#@:\"<>]*)(:?)((?:[^\s/?#\"<>'\\]|['\\](?![,)\]}\s:;]|$))*)@")

_ONE_WORD = "Basic|Bearer|Token|JWT|Api-?Key|Key|Negotiate|NTLM|vapid|GoogleLogin"
_PARAMETERS = "AWS4-HMAC-SHA256|Digest|OAuth|Hawk|Signature|SCRAM-SHA-[0-9]+"
_AFTER_NAME = r"(?:\\?[\"']\]?\s*[:=,]|\s*[:=])\s*"
_QUOTE = r"(?:b?\\?[\"'])?"
_AUTHORIZATION = re.compile(
    rf"(?P<before>uthorization{_AFTER_NAME}{_QUOTE})"
    rf"(?:(?P<scheme>(?:{_ONE_WORD})\s+)(?P<token>[^\s\"'\\,;)}}\]]+)"
    rf"|(?P<long_scheme>(?:{_PARAMETERS})\s+)(?P<parameters>[^\r\n']+)"
    r"|(?P<bare>[^\s\"'\\,;)}\]]{8,}))",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(bearer\s+)([\w.~+/-]{8,}=*)(?![\w=])", re.IGNORECASE)
_BASIC = re.compile(r"\b(basic\s+)([A-Za-z0-9+/]{8,}={0,2})(?![\w+/=])", re.IGNORECASE)
_COOKIE = re.compile(
    rf"(cookie{_AFTER_NAME}b?(?P<quote>\\?[\"'])?)[\w.-]+=(?(quote)(?:(?!(?P=quote)).)+|.+)",
    re.IGNORECASE,
)

_NAMES = (
    r"(?:(?<![a-z])pass|pass(?:word|wd|phrase)|pwd|secret|token|signature|credential)s?"
    r"|(?<=[?&])sig|(?:api|access|private|auth|secret)[_-]?key"
)
_VALUE = (
    r"(?:b?\"(?P<double>(?:\\.|[^\"\\\r\n])+)|b?'(?P<single>(?:\\.|[^'\\\r\n])+)"
    r"|\\[\"'](?P<escaped>[^\"'\\\r\n]+)"
)
_NAMED = re.compile(
    rf"(?P<name>{_NAMES})"
    rf"(?:(?:\\?[\"']\]?\s*[:=]\s*|=){_VALUE})|=(?P<bare>[^\s;&,\"'<>=\\][^\s;&,\"'<>\\]*))",
    re.IGNORECASE,
)
# ``X-Api-Key: …``: with a digit in it, or it may be a word, or a type in a line of source.
_TOLD = re.compile(
    rf"((?:{_NAMES})\s*:[ \t]+)(?=[^\s\"',;]*\d)(?P<told>[^\s\"',;]{{6,}})", re.IGNORECASE
)
# What tells by its own form: a JSON Web Token, by the "{" that it begins with.
_WEB_TOKEN = re.compile(r"\b(eyJ)[\w-]{8,}(?:\.[\w-]{8,}){2,4}")

_ENDS = tuple(
    "authorization password passwords passwd passwds passphrase passphrases pass pwd pwds secret"
    " secrets token tokens signature signatures credential credentials sig cookie apikey accesskey"
    " privatekey authkey secretkey api_key access_key private_key auth_key secret_key api-key"
    " access-key private-key auth-key secret-key".split()
)
"""How, in lower case, what stands before ``=``, ``:`` or a quote ends where a pattern can match."""
_ENDINGS = frozenset(f"{end}{escape}"[-3:] for end in _ENDS for escape in ("", "\\"))

# What stands for a value in source code, in a form or in a format, and is none.
_NO_VALUE = re.compile(r"(?:None|null|nil|true|false|undefined|\*+|\.+|…|-+)\W*", re.IGNORECASE)
_NAME_IN_CODE = re.compile(r"([A-Za-z_]+(?:\.[A-Za-z_]+)*)([(\[].*|\)*)")
_PLACEHOLDER = re.compile(r"(?:%[srd]|%\(\w+\)s|\$?\{[\w.!:\[\]()]*\}|<[\w -]+>)\W*")


def is_plain(value: str) -> bool:
    """Tell words (``Bearer``, ``token_type``, ``HTTP_AUTHORIZATION``) from a random string."""
    position = 0
    while position < len(value):
        word = _PLAIN.match(value, position)
        if word is None:
            return False
        position = word.end()
    return True


def looks_random(part: str) -> bool:
    """Tell a token from a word, in the path of a web hook, before the host of a URL."""
    return len(part) >= 12 and bool(re.search(r"\d", part) and re.search(r"[A-Za-z]", part))


class CredentialMask:
    """Mask what is secret by the place where it stands, in any text.

    Args:
        names: more names whose values are secret, whatever their case:
            ``iban`` masks ``iban=…``, ``"customer_iban": "…"`` and ``IBAN: …``.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        own = sorted({name.lower() for name in names}, key=len, reverse=True)
        self._own = _pattern_of(own) if own else None
        self._hints = tuple(own)

    def may_find(self, text: str) -> bool:
        """Return whether a quick look cannot tell that text holds none."""
        if "@" in text and "://" in text:
            return True
        lower = text.lower()
        if "bearer " in lower or "basic " in lower or "eyj" in lower:
            return True
        for hint in self._hints:
            if hint in lower:
                return True
        # To look at what ends before each quotation mark and the like is quicker than to look for
        # each name.
        for piece in lower.replace("'", ":").replace('"', ":").replace("=", ":").split(":"):
            if piece[-3:] in _ENDINGS and piece.rstrip("\\").endswith(_ENDS):
                return True
        return False

    def masked(self, text: str) -> str:
        """Return text with each credential replaced by ``MASK``: for what ``may_find()`` picks."""
        for pattern, replacement in _RULES:
            text = pattern.sub(replacement, text)
        return self._own.sub(_group_masked, text) if self._own else text


def _pattern_of(names: list[str]) -> re.Pattern[str]:
    """Return what finds the values of names that a project has added."""
    one_of = "|".join(map(re.escape, names))
    return re.compile(
        rf"(?:{one_of})[\w.-]*"
        rf"(?:\\?[\"']?\]?\s*[:=]\s*{_VALUE}|(?P<bare>[^\s;&,\"'{{}}()\[\]]+)))",
        re.IGNORECASE,
    )


def _userinfo_masked(match: re.Match[str]) -> str:
    user, colon, password = match.groups()
    if colon:
        return f"://{user}:{MASK}@" if password else match[0]
    return f"://{MASK}@" if looks_random(user) else match[0]


def _authorization_masked(match: re.Match[str]) -> str:
    scheme = match["scheme"] or match["long_scheme"] or ""
    value = match["token"] or match["parameters"] or match["bare"]
    if _PLACEHOLDER.fullmatch(value) or (
        match["bare"] and (is_plain(value) or _is_code(match, "authorization"))
    ):
        return match[0]
    return f"{match['before']}{scheme}{MASK}"


def _bearer_masked(match: re.Match[str]) -> str:
    return match[0] if is_plain(match[2]) else f"{match[1]}{MASK}"


def _basic_masked(match: re.Match[str]) -> str:
    try:
        told = base64.b64decode(match[2] + "=" * (-len(match[2]) % 4))
    except ValueError:
        return match[0]
    is_pair = b":" in told and told.isascii() and told.decode("ascii").isprintable()
    return f"{match[1]}{MASK}" if is_pair else match[0]


def _named_masked(match: re.Match[str]) -> str:
    is_password = match["name"].lower().startswith(("pass", "pwd"))
    value = match[str(match.lastgroup)]
    if _PLACEHOLDER.fullmatch(value) or _NO_VALUE.fullmatch(value):
        return match[0]
    if match["bare"] and (_is_code(match, match["name"]) or (not is_password and value.isdigit())):
        return match[0]
    return match[0] if len(value) < 4 and not is_password else _group_masked(match)


def _told_masked(match: re.Match[str]) -> str:
    value = match["told"]
    is_number = value.isdigit() and len(value) < 10
    is_harmless = is_number or _PLACEHOLDER.fullmatch(value) or "://" in value
    return match[0] if is_harmless else _group_masked(match)


def _rest_masked(match: re.Match[str]) -> str:
    """Leave what tells the kind, and mask the rest."""
    return f"{match[1]}{MASK}"


def _is_code(match: re.Match[str], name: str) -> bool:
    """Tell ``password=self.password)`` in a line of source from a connection string."""
    code = _NAME_IN_CODE.fullmatch(match["bare"])
    if code is None or not (code[2] or match.string[match.end() : match.end() + 1] == ","):
        return False
    is_variable = "." in code[1] or "_" in code[1] or code[1].lower() == name.lower()
    return is_variable or code[2].startswith(("(", "["))


def _group_masked(match: re.Match[str]) -> str:
    """Return what has matched with its value masked."""
    group = str(match.lastgroup)
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    return f"{match[0][:start]}{MASK}{match[0][end:]}"


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_USERINFO, _userinfo_masked),
    (_AUTHORIZATION, _authorization_masked),
    (_BEARER, _bearer_masked),
    (_BASIC, _basic_masked),
    (_COOKIE, _rest_masked),
    (_NAMED, _named_masked),
    (_TOLD, _told_masked),
    (_WEB_TOKEN, _rest_masked),
)
