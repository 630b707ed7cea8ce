"""Download a public corpus, check it, unpack it.

    python -m data_prep.download thchs30 corpora
    python -m data_prep.download thchs30 corpora --file test-noise.tgz
    python -m data_prep.download aishell corpora --mirror https://my.mirror/resources

A download that was interrupted goes on where it stopped (the file is called
`data_thchs30.tgz.part` until it is complete and checked). The mirrors are tried in
turn. What is there already is not fetched again.
"""

import argparse
import contextlib
import dataclasses
import hashlib
import http.client
import pathlib
import re
import shutil
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zlib

import tqdm

MIRRORS = (  # each holds <number>/<file>
    "https://www.openslr.org/resources",
    "https://us.openslr.org/resources",
    "https://openslr.elda.org/resources",
    "https://openslr.magicdatatech.com/resources",
)
CHUNK = 1 << 20  # bytes
TIMEOUT = 60  # seconds without an answer
PAUSE = 5  # seconds before all mirrors are tried again
UNPACKED = 1.5  # bytes on disk for each byte of an archive
UNPACKED_NESTED = 2.5  # the same where the archive holds archives


class DownloadError(ValueError):
    """What was wrong with a download or an archive, and what to do, in one line."""


@dataclasses.dataclass(frozen=True)
class Archive:
    """One file of a corpus.

    Args:
        name: File name.
        size: Bytes.
        md5: Hexadecimal digest, or None where nobody published one.
        folder: The folder that unpacking it makes.
    """

    name: str
    size: int
    md5: str | None
    folder: str


@dataclasses.dataclass(frozen=True)
class Source:
    """A corpus of openslr.org.

    Args:
        title: Its name.
        number: Its number there.
        licence: Its licence.
        archives: Its files; the first `wanted` are the corpus itself.
        wanted: How many files are fetched when none is named.
        nested: Where the archive holds further archives, as a pattern below its
            folder.
    """

    title: str
    number: int
    licence: str
    archives: tuple[Archive, ...]
    wanted: int = 1
    nested: str = ""


SOURCES = {
    "thchs30": Source(
        "THCHS-30",
        18,
        "Apache-2.0",
        (
            Archive(
                "data_thchs30.tgz",
                6_453_425_169,
                "2d2252bde5c8429929e1841d4cb95e90",
                "data_thchs30",
            ),
            Archive(
                "test-noise.tgz",
                1_971_460_210,
                "7e8a985fb965b84141b68c68556c2030",
                "test-noise",
            ),
            Archive(
                "resource.tgz",
                24_813_708,
                "c0b2a565b4970a0c4fe89fefbf2d97e1",
                "resource",
            ),
        ),
    ),
    "aishell": Source(
        "AISHELL-1",
        33,
        "Apache-2.0",
        (
            Archive(
                "data_aishell.tgz",
                15_582_913_665,
                "2f494334227864a8a8fec932999db9d8",
                "data_aishell",
            ),
            Archive(
                "resource_aishell.tgz",
                1_246_920,
                "957d480a0fcac85fc18e550756f624e5",
                "resource_aishell",
            ),
        ),
        nested="wav/*.tar.gz",
    ),
    "st-cmds": Source(
        "ST-CMDS",
        38,
        "CC BY-NC-ND, see https://www.openslr.org/38",
        (
            Archive(
                "ST-CMDS-20170001_1-OS.tar.gz",
                8_231_662_593,
                "c28ddfc8e4ebe48949bc79a0c23c5545",
                "ST-CMDS-20170001_1-OS",
            ),
        ),
    ),
    "primewords": Source(
        "Primewords",
        47,
        "see https://www.openslr.org/47",
        (
            Archive(
                "primewords_md_2018_set1.tar.gz",
                9_057_625_192,
                None,
                "primewords_md_2018_set1",
            ),
        ),
    ),
    "aidatatang": Source(
        "aidatatang_200zh",
        62,
        "see https://www.openslr.org/62",
        (Archive("aidatatang_200zh.tgz", 18_756_983_399, None, "aidatatang_200zh"),),
        nested="corpus/*/*.tar.gz",
    ),
    "magicdata": Source(
        "MagicData",
        68,
        "non-commercial, see https://www.openslr.org/68",
        (
            Archive("train_set.tar.gz", 52_627_842_921, None, "train"),
            Archive("dev_set.tar.gz", 1_035_537_823, None, "dev"),
            Archive("test_set.tar.gz", 2_201_936_013, None, "test"),
        ),
        wanted=3,
    ),
}
BY_HAND = {
    "common-voice": "Common Voice (CC0) asks for an e-mail address: download zh-CN by "
    "hand from https://commonvoice.mozilla.org/datasets",
    "aishell-sample": "the sample of AISHELL-1 is a git repository: "
    "git clone https://github.com/QianZ423/kaldi-asr-aishell-sample; put its "
    "recordings where AISHELL-1 has them (data_aishell/wav/train/S0150, "
    "wav/test/S0252) and its texts into transcript/aishell_transcript_v0.8.txt",
    "audio-cmn": "audio-cmn is a git repository: "
    "git clone https://github.com/hugolpz/audio-cmn",
    "hantts": "HanTTS is a git repository: git clone https://github.com/junzew/HanTTS",
    "dspspeech": "DSPSpeech-20 is a git repository: "
    "git clone https://github.com/zhongyuchen/DSPSpeech-20",
    "seedlingo": "seedlingo is a git repository: "
    "git clone https://github.com/nodepa/seedlingo",
}


def obtain(
    source: Source,
    archive: Archive,
    folder: pathlib.Path,
    mirrors: tuple[str, ...] = MIRRORS,
) -> pathlib.Path:
    """Download and unpack one archive, as far as that is not done yet.

    Args:
        source: The corpus.
        archive: One of its files.
        folder: Where the archive and its contents go.
        mirrors: Addresses to which `/<number>/<file>` is added, in order.

    Returns:
        The folder that the archive unpacks to.

    Raises:
        DownloadError: No mirror gave the file, it is damaged, or the disk is full.
    """
    top = folder / archive.folder
    done = _done(archive, folder)
    file = folder / archive.name
    begun = file.exists() or _part(file).exists()
    if not done.exists() and (begun or not top.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        check_space(source, archive, folder)
        if file.exists():
            check(file, archive)
        else:
            urls = [f"{mirror}/{source.number}/{archive.name}" for mirror in mirrors]
            download(archive, folder, urls)
        unpack(file, folder)
        done.touch()
    if source.nested:
        unpack_nested(top, source.nested)
    return top


def download(archive: Archive, folder: pathlib.Path, urls: list[str]) -> pathlib.Path:
    """Fetch a file, going on with what an earlier run left, and check it.

    The addresses are tried in turn, again and again while any of them gives more.

    Args:
        archive: Name, size and digest of the file.
        folder: Where it goes.
        urls: Addresses of the same file.

    Returns:
        Its path.

    Raises:
        DownloadError: A whole round gave nothing; or the file is damaged.
    """
    file = folder / archive.name
    part = _part(file)
    if _size(part) > archive.size:
        part.unlink()
    while _size(part) < archive.size:
        before, reasons = _size(part), []
        for url in urls:
            try:
                fetch(url, part, archive.size)
                break
            except (OSError, http.client.HTTPException, DownloadError) as error:
                reasons.append(f"{url}: {_reason(error)}")
        if _size(part) == before:
            raise DownloadError(
                f"{archive.name}: no mirror gives it ({'; '.join(reasons)}); try again "
                f"later or name another with --mirror; {before:,} bytes are kept"
            )
        if _size(part) < archive.size:
            time.sleep(PAUSE)
    try:
        check(part, archive)
    except DownloadError:
        part.unlink()
        raise
    return part.rename(file)


def fetch(url: str, part: pathlib.Path, size: int) -> None:
    """Append to a partial file what is missing, by one HTTP request.

    Args:
        url: Address of the whole file.
        part: The partial file; need not exist.
        size: Bytes of the whole file.

    Raises:
        OSError, http.client.HTTPException: The server or the line failed.
        DownloadError: The server has another file, or sent less than the whole.
    """
    start = _size(part)
    headers = {"User-Agent": "zhasr"} | ({"Range": f"bytes={start}-"} if start else {})
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        first, offered = _offered(response.headers)
        if offered != size or first not in (0, start):
            raise DownloadError(
                f"expected {size:,} bytes from {start:,} on, the server has "
                f"{offered:,} from {first:,} on"
            )
        if first < start:  # the server knows no ranges and sends all of it
            _skip(response, start)
        with part.open("ab") as file, _bar(size, start) as bar:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    if _size(part) != size:
        raise DownloadError(f"the connection broke after {_size(part):,} bytes")


def check(file: pathlib.Path, archive: Archive) -> None:
    """Compare size and MD5 of a file with the published ones.

    Raises:
        DownloadError: They differ.
    """
    if _size(file) != archive.size:
        raise DownloadError(
            f"{file}: expected {archive.size:,} bytes, found {_size(file):,}; "
            "delete it and run the command again"
        )
    if archive.md5 is None:
        return
    digest = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as stream, _bar(archive.size, 0, "check") as bar:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            bar.update(len(chunk))
    if digest.hexdigest() != archive.md5:
        raise DownloadError(
            f"{archive.name}: expected MD5 {archive.md5}, found {digest.hexdigest()}: "
            "the file is damaged; delete it if it is still there and run the command "
            "again"
        )


def unpack(file: pathlib.Path, folder: pathlib.Path) -> None:
    """Unpack an archive; files that are there in full are left as they are.

    Args:
        file: A tar archive, compressed or not.
        folder: Where its contents go. Members that would land outside are refused.

    Raises:
        DownloadError: It is damaged, or not safe to unpack.
    """
    size = file.stat().st_size
    try:
        with file.open("rb") as stream, tarfile.open(fileobj=stream) as archive:
            with _bar(size, 0, f"unpack {file.name}") as bar:
                for member in archive:
                    if not _is_there(folder / member.name, member):
                        archive.extract(member, folder, filter="data")
                    bar.update(stream.tell() - bar.n)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DownloadError(
            f"{file}: expected a tar archive that unpacks into {folder}, found "
            f"{error}; delete it and run the command again"
        ) from error


def unpack_nested(top: pathlib.Path, pattern: str) -> None:
    """Unpack the archives of an archive (AISHELL: one for each speaker).

    Each is unpacked beside itself and then deleted: the outer archive still has it.

    Args:
        top: The unpacked folder.
        pattern: Where the archives lie below it.
    """
    files = sorted(top.glob(pattern))
    for file in tqdm.tqdm(files, desc="unpack speakers", disable=None):
        unpack(file, file.parent)
        file.unlink()


def check_space(source: Source, archive: Archive, folder: pathlib.Path) -> None:
    """Make sure that the disk takes the archive and its contents.

    Raises:
        DownloadError: It does not.
    """
    file = folder / archive.name
    here = max(_size(file), _size(_part(file)))
    factor = UNPACKED_NESTED if source.nested else UNPACKED
    needed = archive.size - here + int(archive.size * factor)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DownloadError(
            f"{folder}: expected about {needed / 1e9:.1f} GB free for {archive.name} "
            f"and its contents, found {free / 1e9:.1f} GB; choose another disk"
        )


def _offered(headers: http.client.HTTPMessage) -> tuple[int, int]:
    """Return the first byte of an answer and the size of the whole file."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range", ""))
    if match:
        return int(match[1]), int(match[2])
    return 0, int(headers.get("Content-Length", 0))


def _skip(response: http.client.HTTPResponse, count: int) -> None:
    """Read so many bytes and forget them."""
    while count and (chunk := response.read(min(count, CHUNK))):
        count -= len(chunk)


def _done(archive: Archive, folder: pathlib.Path) -> pathlib.Path:
    """Where it is noted that an archive was unpacked."""
    return folder / f"{archive.name}.unpacked"


def _part(file: pathlib.Path) -> pathlib.Path:
    return file.with_name(f"{file.name}.part")


def _size(path: pathlib.Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _is_there(path: pathlib.Path, member: tarfile.TarInfo) -> bool:
    return member.isfile() and path.is_file() and _size(path) == member.size


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {error.reason}"
    return str(getattr(error, "reason", error)) or type(error).__name__


@contextlib.contextmanager
def _bar(total, start, what="download"):
    """Show progress in bytes; quiet when the output is not a terminal."""
    with tqdm.tqdm(
        total=total,
        initial=start,
        unit="B",
        unit_scale=True,
        desc=what,
        disable=None,
        leave=False,
    ) as bar:
        yield bar


def _wanted(source: Source, names: list[str]) -> list[Archive]:
    """Return the archives of a corpus with these names, or its main ones."""
    if not names:
        return list(source.archives[: source.wanted])
    found = [archive for archive in source.archives if archive.name in names]
    if len(found) < len(set(names)):
        known = ", ".join(archive.name for archive in source.archives)
        raise DownloadError(f"expected a file of {source.title} ({known}), got {names}")
    return found


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m data_prep.download")
    parser.add_argument("corpus", choices=[*SOURCES, *BY_HAND])
    parser.add_argument("folder", type=pathlib.Path, help="where the corpus goes")
    parser.add_argument(
        "--file", action="append", default=[], help="a file other than the main one"
    )
    parser.add_argument(
        "--mirror",
        action="append",
        default=[],
        metavar="URL",
        help="try URL/<number>/<file> first",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit status: 0, or 2 after an error."""
    arguments = _arguments(argv)
    try:
        if arguments.corpus in BY_HAND:
            raise DownloadError(BY_HAND[arguments.corpus])
        source = SOURCES[arguments.corpus]
        archives = _wanted(source, arguments.file)
        print(f"{source.title}: licence {source.licence}")
        mirrors = (*(url.rstrip("/") for url in arguments.mirror), *MIRRORS)
        for archive in archives:
            top = obtain(source, archive, arguments.folder, mirrors)
            if _done(archive, arguments.folder).exists():
                print(f"{archive.name}: unpacked in {top}")
            else:  # such as a sample of the corpus
                print(
                    f"{top}: was there, nothing was fetched; move it away to download "
                    f"{archive.name}"
                )
    except (DownloadError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
