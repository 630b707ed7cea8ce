"""Digits as they are read aloud in Mandarin: one documented reading for each.

    25         二十五              fewer than 7 digits, or grouped: a number
    1,000,000  一百万
    2024年      二零二四年           four digits before 年: digit by digit
    13812345   一三八一二三四五      7 digits and more, or a leading 0: digit by digit
    3.14       三点一四
    12.5%      百分之十二点五
    2个         两个                2 before a measure word, 千, 万 and 亿 is 两

Signs, clock times (12:30), dates with dashes and fractions have no rule of their own:
their digits are read, the rest is dropped as punctuation.
"""

import re

DIGITS = "零一二三四五六七八九"
MYRIADS = ("", "万", "亿")
LONGEST_NUMBER = 6  # digits; longer ones are telephone numbers and codes
LONGEST_GROUPED = 12  # digits of 1,000,000: what 万 and 亿 can name
MEASURES = "个只次天年位名条张件种点块倍家本辆台部米元句双座间口把岁人分秒千万亿"
PERCENT = {"%": "百分之", "‰": "千分之"}

_NUMBER = re.compile(
    rf"""(?P<year>\d{{4}}(?=([-–—~至到]\d{{4}})?年))
    |(?P<whole>\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+)
     (?:\.(?P<decimals>\d+))?
     (?P<percent>[{"".join(PERCENT)}])?
     (?P<measure>(?=[{MEASURES}](?!之)))?""",
    re.VERBOSE | re.ASCII,
)


def spell(text):
    """Replaces the digits in a text by the hanzi they are read as.

    Args:
        text: str, in Unicode form NFKC (no full-width digits).

    Returns:
        str without ASCII digits.

    Example:
        >>> spell("2024年涨了12.5%,共1,050,000元")
        '二零二四年涨了百分之十二点五,共一百零五万元'
    """
    return _NUMBER.sub(_read, text)


def digit_by_digit(digits):
    """Reads each digit by itself: '105' is '一零五'."""
    return "".join(DIGITS[int(digit)] for digit in digits)


def number(value):
    """Reads a whole number below 10^12 aloud.

    Example:
        >>> number(10), number(1010), number(20300), number(100_000_001)
        ('十', '一千零一十', '两万零三百', '一亿零一')
    """
    if value == 0:
        return DIGITS[0]
    text = ""
    gap = False  # a whole group of four digits is 0
    for myriad in reversed(range(len(MYRIADS))):
        group = value // 10_000**myriad % 10_000
        if not group:
            gap = True
            continue
        if text and (group < 1000 or gap):
            text += DIGITS[0]
        text += "两" if group == 2 and myriad else _group(group, first=not text)
        text += MYRIADS[myriad]
        gap = False
    return text


def _group(value, first):
    """Reads 1 to 9999. `first`: nothing was said before, so 12 is 十二, not 一十二."""
    text = ""
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // unit % 10
        if digit:
            text += DIGITS[digit] + name
        elif text and value % unit and text[-1] != DIGITS[0]:
            text += DIGITS[0]
    if first and text.startswith("一十"):
        text = text[1:]
    return "两" + text[1:] if text.startswith("二千") else text


def _read(match):
    """The reading of one match of `_NUMBER`."""
    if match["year"]:
        return digit_by_digit(match["year"])
    digits = match["whole"].replace(",", "")
    longest = LONGEST_GROUPED if "," in match["whole"] else LONGEST_NUMBER
    if len(digits) > longest or (len(digits) > 1 and digits[0] == "0"):
        text = digit_by_digit(digits)
    elif digits == "2" and match["measure"] is not None and not match["decimals"]:
        text = "两"
    else:
        text = number(int(digits))
    if match["decimals"]:
        text += "点" + digit_by_digit(match["decimals"])
    return PERCENT.get(match["percent"], "") + text
