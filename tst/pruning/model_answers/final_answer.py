"""The part of a model's text that answers: without its thoughts, what it marks, what it states."""

from __future__ import annotations

import re
import unicodedata

from tst.core.metrics import as_number, normalise_text
from tst.core.number_text import NUMBER_WORDS

_THOUGHT_TAGS = (
    (r"<(?:think|thinking|thought|reasoning)>", r"</(?:think|thinking|thought|reasoning)>"),
    (r"\[THINK\]", r"\[/THINK\]"),
    (r"◁think▷", r"◁/think▷"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
)
_FINAL_CHANNEL = re.compile(r"^.*(?:<\|channel\|>final<\|message\|>|assistantfinal)", re.DOTALL)
_OTHER_CHANNEL = re.compile(r"<\|channel\|>(?!final).*", re.DOTALL)
_CONTROL_TOKEN = re.compile(r"<\|[a-z_]+\|>|</?s>|<end_of_turn>|<eos>")
_TAGGED = re.compile(r"<answer>(.*?)(?:</answer>|$)", re.DOTALL | re.IGNORECASE)
_HTML = re.compile(r"</?(?:b|i|u|em|strong|p|br|span|code|div)\s*/?>", re.IGNORECASE)
_FONT = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mathsf|mathbb|operatorname|boldsymbol|bf|rm)"
    r"\s*\{([^{}]*)\}"
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_LATEX_SPACE = re.compile(r"\\[,;:! ]|~|\\q?quad\b")
_DEGREE = re.compile(r"\^\s*\{?\s*\\circ\s*\}?")
_MARKUP = re.compile(r"[*_`#$]+|\\[()\[\]]")
_PLAIN_SIGNS = str.maketrans("−﹣－⁄。、【】「」『』“”„‘’", '---/.,()()()"""\'\'')
"""Signs that NFKC leaves as they are, and their plain form."""

_VULGAR_FRACTION = re.compile(r"(\d)([¼½¾⅓⅔⅕-⅞])")

_NOUNS = (
    r"(?:answer|option|choice|response|solution|antwort|lösung|respuesta|réponse|resposta|risposta|"
    r"ответ|答案|答え|回答|选项|正确选项|정답|답)"
)
_SAYS = (
    r"(?:\s+(?:to|for|of) (?:the|this|that) (?:question|problem))?\s*[\"']?\s*"
    r"(?:is\s*:?|:|=|would be|should be|must be|ist\s*:?|lautet\s*:?|es\s*:|est\s*:|é\s*:|è\s*:|"
    r"是\s*:?|为\s*:?|は\s*:?|은\s*:?|는\s*:?)"
)
_STATED = re.compile(
    r"(?<![A-Za-z])(?:(?P<kind>final|endgültige|最终)|correct|best|right|richtige|正确|最佳)?\s*"
    rf"(?:{_NOUNS}{_SAYS}|[(\[]{_NOUNS}[)\]]\s*:?)"
    r"(?=\s*(?P<rest>[^\n]*(?:\n\s*[^\n]*)?))",
    re.IGNORECASE,
)
_JUDGED = re.compile(
    r"(?:^|(?<=[.!?;,\n:]))\s*(?:(?:so|thus|therefore|hence|and|but)\s*,?\s+)?"
    r"(?P<said>[^.!?;,\n]+?)\s+is\s+(?:clearly |most likely |probably |therefore )?"
    r"(?:the\s+)?(?:correct|right|best|most (?:likely|plausible|suitable)|answer)\b",
    re.IGNORECASE,
)
_CHOSEN = re.compile(r"(?:我选|应选|故选|所以选|因此选|选择|选)\s*:?\s*(?P<rest>[^\n]*)")
_SO = (
    r"(?:so|thus|therefore|hence|then|ergo|accordingly|consequently|(?:in )?conclusion|in summary)"
)
_I_SAY = (
    r"i\s*(?:would|will|'d|'ll|am going to)?\s*(?:have to\s+)?"
    r"(?:choose|pick|select|go with|say|think|believe|guess|vote for|answer(?: with)?|conclude)"
    r"|i'm going with|(?:i )?chose|let's (?:go with|pick|choose)|(?:we )?(?:go|going) with"
    r"|my (?:best )?(?:choice|pick|guess)\s*(?:is|:|would be)"
)
_IT_IS = (
    r"(?:it|this|that|which)(?:'s| is| must be| has to be| should be| would be| leaves| makes it"
    r"| means| gives)"
)
_CONCLUDED = re.compile(
    rf"(?:^|(?<=[.!?;,\n:]))\s*(?:(?:and|but)\s+)?(?:{_SO}\s*[,:]?\s*)?"
    rf"(?:(?:{_I_SAY})\s*:?\s*(?:that\s+)?(?:(?:{_IT_IS})\s*)?|(?<!\w)(?:{_IT_IS})\s+)"
    r"(?=(?P<said>[^\n]+))"
    rf"|(?:^|(?<=[.!?;,\n:]))\s*{_SO}\b\s*[,:]?\s*(?:it's\s+)?(?=(?P<so>[^\n]+))",
    re.IGNORECASE,
)
DENIAL = re.compile(
    r"\b(?:not|no|neither|nor|never|cannot|without|except|\w+n['’]t)\b", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")


def spoken_part(text: str) -> str:
    """The text without thoughts, in compatibility form (full-width letters and signs are plain).

    A thought that is never closed reaches to the end, one that is never opened from the beginning:
    what stands in it is no answer.
    """
    text = _VULGAR_FRACTION.sub(r"\1 \2", text)
    text = unicodedata.normalize("NFKC", text).translate(_PLAIN_SIGNS)
    if _FINAL_CHANNEL.match(text):
        text = _FINAL_CHANNEL.sub("", text)
    text = _OTHER_CHANNEL.sub("", text)
    for opening, closing in _THOUGHT_TAGS:
        text = re.sub(rf"{opening}.*?{closing}", " ", text, flags=re.DOTALL | re.IGNORECASE)
        text = re.sub(rf"^.*{closing}", " ", text, flags=re.DOTALL | re.IGNORECASE)
        text = re.sub(rf"{opening}.*$", " ", text, flags=re.DOTALL | re.IGNORECASE)
    return _CONTROL_TOKEN.sub(" ", text).strip()


def marked_answers(spoken: str) -> list[str]:
    """What a text puts into answer tags, or else into LaTeX boxes, in order, without markup."""
    found = [m.strip() for m in _TAGGED.findall(spoken)]
    boxes = [box for part in found or [spoken] for box in _boxes(part)]
    return [without_markup(m).strip() for m in boxes or found]


def _boxes(text: str) -> list[str]:
    """The contents of every ``\\boxed{...}``; braces may nest, the last may be cut off."""
    found = []
    for start in re.finditer(r"\\(?:boxed|fbox)\s*\{", text):
        depth, end = 1, start.end()
        while end < len(text) and depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        found.append(text[start.end() : end - (depth == 0)])
    return found


def without_markup(text: str) -> str:
    """A text without Markdown, HTML and LaTeX around its words."""
    text = _HTML.sub(" ", text)
    for _ in range(4):  # fonts nest
        text = _FONT.sub(r"\1", text)
    text = _FRACTION.sub(r"\1/\2", text)
    text = _DEGREE.sub("°", _LATEX_SPACE.sub(" ", text).replace("\\%", "%"))
    text = re.sub(r"\\(?:boxed|fbox)\s*\{([^{}]*)\}", r"\1", text)
    return _MARKUP.sub("", text)


def stated_answers(text: str) -> list[tuple[str, str]]:
    """What follows each "the answer is", and what follows that line.

    text: spoken, without markup. Those called final stand alone where there are any.
    """
    matches = list(_STATED.finditer(text))
    ends = [*(m.start() for m in matches[1:]), len(text)]
    found = [
        (m["kind"] or "", text[m.start("rest") : min(m.end("rest"), end)], text[m.end() :])
        for m, end in zip(matches, ends, strict=False)
        if m["rest"].strip()
    ]
    found += [("", m["rest"], text[m.end() :]) for m in _CHOSEN.finditer(text)]
    final = [(rest, after) for kind, rest, after in found if kind]
    return final or [(rest, after) for _, rest, after in found]


def concluded_answers(text: str) -> list[str]:
    """What follows "so", "therefore", "I choose", "I think it's" and the like, to the line's end;
    and what is said to be correct.
    """
    found = [(m["said"] or m["so"]).strip() for m in _CONCLUDED.finditer(text)]
    found += [m["said"].strip() for m in _JUDGED.finditer(text)]
    return found


def first_sentence(text: str) -> str:
    """What stands before the first full stop, question or exclamation mark, or line break."""
    return _SENTENCE_END.split(text.strip().partition("\n")[0], maxsplit=1)[0]


def sentences(text: str) -> list[str]:
    """The sentences of a text; a line break ends one."""
    parts = (part for line in text.splitlines() for part in _SENTENCE_END.split(line))
    return [part.strip() for part in parts if part.strip()]


def fold(text: str) -> str:
    """Lower case words without punctuation and articles; number words as digits."""
    number = as_number(text)
    if number is not None:
        return f"{number:g}"
    words = normalise_text(unicodedata.normalize("NFKC", text)).split()
    return " ".join(str(NUMBER_WORDS.get(word, word)) for word in words)
