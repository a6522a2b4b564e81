"""Credentials that stand in no setting are masked by the place where they stand."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_probe.redaction import MASK, Redactor

PAIR = base64.b64encode(b"shop:pa55word").decode()
M = MASK


@pytest.mark.parametrize(
    ("text", "told"),
    [
        # URLs
        ("postgres://shop:hunter2@db/x", f"postgres://shop:{M}@db/x"),
        ("postgres://shop:postgres@db/x", f"postgres://shop:{M}@db/x"),
        ("postgres://shop:pa@ss@db/x", f"postgres://shop:{M}@db/x"),
        ("redis://:x@h:6379/0", f"redis://:{M}@h:6379/0"),
        ("mysql+pymysql://u:it's@h", f"mysql+pymysql://u:{M}@h"),
        ("['amqp://u:a1@h:1', 'b@c']", f"['amqp://u:{M}@h:1', 'b@c']"),
        ('{"url": "amqp://u:a1@h", "to": "b@c"}', f'{{"url": "amqp://u:{M}@h", "to": "b@c"}}'),
        ("https://ghp_abcdef1234567@git.example.com/x", f"https://{M}@git.example.com/x"),
        ("x://a:b1@c x://d:e2@f", f"x://a:{M}@c x://d:{M}@f"),
        # Connection strings
        ("host=db password=hunter2 dbname=y", f"host=db password={M} dbname=y"),
        ("host=db password=postgres dbname=y", f"host=db password={M} dbname=y"),
        ("password='hun ter2' dbname=y", f"password='{M}' dbname=y"),
        ("Server=x;Uid=u;Pwd=hunter2;Db=z", f"Server=x;Uid=u;Pwd={M};Db=z"),
        ("redis:6379,password=ab.cd1,ssl=True", f"redis:6379,password={M},ssl=True"),
        ("(host=db password=hunter2)", f"(host=db password={M}"),
        ("password=$ecret1 x", f"password={M} x"),
        ("PGPASSWORD=hunter2 psql", f"PGPASSWORD={M} psql"),
        # Queries of URLs
        ("/x?token=abc123def&page=2", f"/x?token={M}&page=2"),
        ("/x?page=2&sig=ab%2F12&se=1", f"/x?page=2&sig={M}&se=1"),
        ("/x?X-Amz-Signature=fe5f80&y", f"/x?X-Amz-Signature={M}&y"),
        ("/x?api_key=k1234567", f"/x?api_key={M}"),
        # Headers
        ("Authorization: Bearer abcdefghij", f"Authorization: Bearer {M}"),
        ("authorization: bearer ab.cd.ef", f"authorization: bearer {M}"),
        (f"Authorization: Basic {PAIR}", f"Authorization: Basic {M}"),
        (f"Basic {PAIR} was refused", f"Basic {M} was refused"),
        ("{'Authorization': 'Bearer ab12', 'Host': 'x'}", f"{{'Authorization': 'Bearer {M}', 'Host': 'x'}}"),
        ('"Proxy-Authorization":"Token 9a8b7c"', f'"Proxy-Authorization":"Token {M}"'),
        ("'HTTP_AUTHORIZATION': 'ab12cd34ef'", f"'HTTP_AUTHORIZATION': '{M}'"),
        ("[(b'authorization', b'Bearer ab12')]", f"[(b'authorization', b'Bearer {M}')]"),
        ('Authorization: Digest username="a", response="66"\nHost: x', f"Authorization: Digest {M}\nHost: x"),
        ("Authorization: AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=f5", f"Authorization: AWS4-HMAC-SHA256 {M}"),
        ("got Bearer eyJhbGciOi.eyJzdWIi.Sfl_xw-J back", f"got Bearer {M} back"),
        ("curl -H 'Authorization: Bearer ab12' x", f"curl -H 'Authorization: Bearer {M}' x"),
        ("Set-Cookie: sessionid=abc123; Path=/\nDate: x", f"Set-Cookie: {M}\nDate: x"),
        ("{'Cookie': 'sessionid=abc; a=b', 'Host': 'y'}", f"{{'Cookie': '{M}', 'Host': 'y'}}"),
        ("> X-Api-Key: k1234567\n> Host: x", f"> X-Api-Key: {M}\n> Host: x"),
        ("x-auth-token: 998877665544, more", f"x-auth-token: {M}, more"),
        ("db:\n  password: hunter22\n  port: 5432", f"db:\n  password: {M}\n  port: 5432"),
        # Tokens that tell themselves
        ("got eyJhbGciOiJI.eyJzdWIiOiIx.SflKxw-RJSM_ back", f"got eyJ{M} back"),
        # Dicts and JSON
        ("{'password': 'hunter2', 'user': 'x'}", f"{{'password': '{M}', 'user': 'x'}}"),
        ('{"access_token": "ab12cd34", "n": 1}', f'{{"access_token": "{M}", "n": 1}}'),
        (json.dumps(json.dumps({"password": "hunter2"})), f'"{{\\"password\\": \\"{M}\\"}}"'),
        ("{'X-Api-Key': b'k123456'}", f"{{'X-Api-Key': b'{M}'}}"),
        ("Login(password='hunt\\'er2')", f"Login(password='{M}')"),
        ("{'password': 'cut in the midd", f"{{'password': '{M}"),
    ],
)  # fmt: skip
def test_a_credential_is_masked_where_it_stands(text, told):
    assert Redactor().redact(text) == told
    assert Redactor().redact(told) == told
    assert Redactor().scrub(f"before {text}") == f"before {told}"


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.example.com/path?email=me@example.com",
        "http://localhost:8000/ and me@example.com",
        "ssh://git@git.example.com/shop.git",
        "postgres: password authentication failed for user postgres",
        "the password is wrong: try again",
        "'password': ['This field is required.']",
        '<input type="password" name="password">',
        "Bearer authentication is needed, basic authentication failed",
        "Authorization: required",
        "WWW-Authenticate: Bearer realm=api",
        "a cookie: missing, no cookie, a=b",
        "max_tokens=4096, tokens: 12, {'tokens': 12}",
        "password=None, token=null, secret='', 'password': '***'",
        "test_password_reset, shop.Token.test_secret_key, bypass=1",
        "token_type=bearer&expires_in=3600",
        "Token: invalid, password: required, api_key: missing, secret: rotated",
        "tokens: 123456 of 200000, token: https://shop.example.com/v1",
        "a file eyJa.txt",
        # Source lines of tracebacks.
        "    def login(self, password: str, token: Optional[bytes] = None, secret: SecretStr):",
        "    connect(host=HOST, password=settings.PASSWORD)",
        "    login(user, password=password)",
        "    login(user, password=self.password, timeout=5)",
        "    token=get_token(user))",
        '    headers={"Authorization": f"Bearer {token}"},',
        '    headers["Authorization"] = "Bearer " + token',
        '    dsn = f"password={password} host={host}"',
        '    "password=%s" % password',
        "    assert token == 'abc' and key == 'x'",
        "    sorted(rows, key=len, reverse=True)",
    ],
)
def test_words_and_source_stay_readable(text):
    assert Redactor().scrub(text) == text


def test_a_credential_that_the_cut_goes_through_leaves_nothing():
    secret = "aB3" * 40
    for offset in range(0, 130, 5):
        text = "x" * (4096 - offset) + f"postgres://u:{secret}@h " + "y" * 20_000
        told = Redactor().scrub(text, 8192)
        assert "aB3aB3" not in told
        assert "characters cut …]" in told


@settings(max_examples=400, deadline=None, database=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *(
                    "password",
                    "token",
                    "=",
                    "'",
                    '"',
                    "\\",
                    "://",
                    "@",
                    ":",
                    "a",
                    " ",
                    "\n",
                    ";",
                    ",",
                ),
                *(
                    "Authorization: ",
                    "Bearer ",
                    "Basic ",
                    "cookie=",
                    "(",
                    ")",
                    "{",
                    "}",
                    "key=",
                    "é",
                ),
            ]
        ),
        max_size=40,
    )
)
def test_any_text_is_told_without_a_fault_and_no_longer_than_masks_make_it(parts):
    text = "".join(parts)
    told = Redactor().redact(text)
    assert len(told) <= len(text) + len(MASK) * (len(parts) + 1)
    assert text.count("\n") == told.count("\n")


@pytest.mark.parametrize(
    "piece", ["a", "=", "'", "\\", ": ", "://", "://a:", "password=", "cookie:x=", "Bearer a"]
)
def test_no_text_takes_long(piece):
    text = f"password='@:// Bearer {piece * (60_000 // len(piece))}"
    began = time.process_time()
    Redactor().scrub(text)
    assert time.process_time() - began < 5
