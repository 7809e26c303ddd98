# SPDX-License-Identifier: Apache-2.0
"""How a corpus names its files, and the clips that are found by it."""

import filecmp
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ser_ros.emotions import LABELS
from ser_ros.errors import SerError
from ser_ros.places import files_below
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.problems import refuse_together

SUFFIXES = ('.wav', '.flac', '.ogg', '.mp3')
"""Of the files that are looked at, in any case."""

Fields = Mapping[str, str]
"""What is known of a clip: codes by FIELDS."""

FIELDS = ('emotion', 'speaker', 'sex', 'intensity', 'statement', 'repetition')
"""What a scheme can tell of a clip; see Clip."""

_CLIP = 'clip_name'
"""Group around a scheme's pattern."""


@dataclass(frozen=True)
class Scheme:
    """The declaration of a corpus.

    Attributes:
        key: What the command line calls it.
        name: What reports call it.
        languages: Codes of ISO 639-1.
        pattern: Regular expression for the end of a clip's path below the corpus's folder, with `/` between folders and
            without the file's suffix. Its named groups are some of FIELDS; what it matches is the clip's name.
        clip_name: The clip's name as a template of `re.Match.expand`, where copies of a corpus write it differently; ''
            for what `pattern` matches.
        example: A path that it matches, without the suffix.
        codes: For some of FIELDS, what each code means; a field without codes is taken as it is written. The clips of
            an emotion that means '' are counted and left out: it is none that a model learns here.
        source: Where the scheme and the counts are from.
        licence: Its identifier on the Hugging Face Hub, or the terms in words; '' if none are stated.
        clips: How many there are, as published; None if that is not known.
        speakers: How many there are, as published; None if that is not known.
        clips_each: How many each speaker has, if all have the same number; None otherwise.
        sexes: Speaker -> 'female' or 'male', if published and not in the name.
        table: For a corpus whose file names do not tell everything: reads the corpus's folder and returns the fields of
            each clip by what `pattern` matches, from its named groups joined by `/`. Clips without a row are left out.
    """

    key: str
    name: str
    languages: tuple[str, ...]
    pattern: str
    example: str
    codes: Mapping[str, Mapping[str, str]]
    source: str
    licence: str = ''
    clip_name: str = ''
    clips: int | None = None
    speakers: int | None = None
    clips_each: int | None = None
    sexes: Mapping[str, str] = field(default_factory=dict)
    table: Callable[[Path], Mapping[str, Fields]] | None = None


@dataclass(frozen=True)
class Found:
    """What a folder holds of a corpus.

    Attributes:
        clips: At least one, ordered by name.
        remarks: Sentences on what is left out, and on what differs from the published counts.
    """

    clips: tuple[Clip, ...]
    remarks: tuple[str, ...]


def find_clips(scheme: Scheme, folder: Path) -> Found:
    """Return the clips of a corpus below `folder`, at any depth; files with other names are left out.

    Some downloads hold each clip twice, in two folders; of copies the first is taken, for both would be in training and
    test at once. Hidden files and folders, as of macOS, count for nothing.

    Raises:
        SerError: There is no clip, names hold codes that the corpus does not have, or two files that differ are named
            as the same clip.
    """
    if not folder.is_dir():
        raise SerError(f'the data folder {folder} does not exist; give the folder of {scheme.name}')
    rows = scheme.table(folder) if scheme.table else None
    by_name: dict[str, Clip] = {}
    problems = []
    without_row = 0
    copies: list[tuple[str, str]] = []
    others = 0
    for path, match in _sound_files(scheme, folder):
        if match is None:
            others += 1
            continue
        fields = _fields(match, rows)
        if fields is None:
            without_row += 1
            continue
        try:
            clip = _clip(scheme, path, _name(scheme, match), fields)
        except KeyError as error:
            problems.append(f"{path} has the code '{error.args[0]}', which {scheme.name} does not have at that place")
            continue
        twin = by_name.setdefault(clip.name, clip)
        if twin is clip:
            continue
        if _are_copies(path, twin.path):
            copies.append((str(path.relative_to(folder)), str(twin.path.relative_to(folder))))
        else:
            problems.append(f'{path} and {twin.path} are named as the same clip, and differ')
    refuse_together(f'{folder} has files that {scheme.name} does not have, rename or remove what is listed', problems)
    clips = [by_name[name] for name in sorted(by_name)]
    learnable = tuple(clip for clip in clips if clip.emotion)
    if not learnable:
        raise SerError(
            f'{folder} holds no clip of {scheme.name} (such as {scheme.example}.wav); give its folder, unpacked, or a '
            'CSV table of other recordings'
        )
    left_out = left_out_sentences(copies, others, scheme.name)
    return Found(learnable, (*_remarks(scheme, clips, without_row), *left_out))


def parse_clip(scheme: Scheme, path: Path) -> Clip | None:
    """Return the clip at `path` by its name alone; None if the name is not one of the corpus's.

    Raises KeyError with a code that the corpus does not have. Not for schemes with a table.
    """
    match = _pattern(scheme).fullmatch(path.with_suffix('').as_posix())
    fields = _fields(match, None) if match else None
    return _clip(scheme, path, _name(scheme, match), fields) if match and fields else None


def _pattern(scheme: Scheme) -> re.Pattern[str]:
    return re.compile(rf'(?:.*/)?(?P<{_CLIP}>{scheme.pattern})')


def _sound_files(scheme: Scheme, folder: Path) -> Iterator[tuple[Path, re.Match[str] | None]]:
    """Yield the sound files below `folder`, in order, each with its match if it is named as the corpus's clips are."""
    pattern = _pattern(scheme)
    for path in files_below(folder):
        if path.suffix.lower() in SUFFIXES:
            yield path, pattern.fullmatch(path.relative_to(folder).with_suffix('').as_posix())


def _name(scheme: Scheme, match: re.Match[str]) -> str:
    return match.expand(scheme.clip_name) if scheme.clip_name else match[_CLIP]


def _are_copies(path: Path, other: Path) -> bool:
    try:
        return filecmp.cmp(path, other, shallow=False)
    except OSError as error:
        raise SerError(f'{path} and {other} cannot be compared ({error.strerror}); remove one of them') from None


def _fields(match: re.Match[str], rows: Mapping[str, Fields] | None) -> Fields | None:
    """Return the codes of a clip by FIELDS; None if the corpus has a table and the clip no row in it."""
    groups = {name: text for name, text in match.groupdict().items() if name != _CLIP and text is not None}
    if rows is None:
        return groups
    return rows.get('/'.join(groups.values()))


def _clip(scheme: Scheme, path: Path, name: str, fields: Fields) -> Clip:
    """Return the clip that `fields` describe. Raises KeyError with a code that the corpus does not have."""
    told = {key: scheme.codes[key][code] if key in scheme.codes else code for key, code in fields.items()}
    speaker, repetition = told.get('speaker'), told.get('repetition')
    return Clip(
        path=path,
        name=name,
        emotion=told['emotion'],
        speaker=int(speaker) if speaker and speaker.isdecimal() else speaker,
        intensity=told.get('intensity', ''),
        statement=told.get('statement', ''),
        repetition=int(repetition) if repetition and repetition.isdecimal() else None,
        sex=told.get('sex') or scheme.sexes.get(speaker or '', ''),
        corpus=scheme.name,
    )


def _remarks(scheme: Scheme, clips: list[Clip], without_row: int) -> Iterator[str]:
    of_speaker = Counter(clip.speaker for clip in clips if clip.speaker is not None)
    if scheme.clips is not None and len(clips) != scheme.clips:
        yield f'{scheme.name} has {scheme.clips} clips, here are {len(clips)}'
    if scheme.speakers is not None and len(of_speaker) != scheme.speakers:
        yield f'{scheme.name} has {scheme.speakers} speakers, here are {len(of_speaker)}'
    if scheme.clips_each is not None:
        different = [(who, count) for who, count in sorted(of_speaker.items()) if count != scheme.clips_each]
        counts = ', '.join(f'speaker {who} has {count}' for who, count in different)
        if counts:
            yield f'each speaker of {scheme.name} has {scheme.clips_each} clips, here {counts}'
    left_out = sum(not clip.emotion for clip in clips)
    if left_out:
        yield f'{left_out} clips of {scheme.name} are left out: their emotion is none of {", ".join(LABELS)}'
    if without_row:
        yield f'{without_row} files of {scheme.name} are left out: its tables do not name them'


def left_out_sentences(copies: Sequence[tuple[str, str]], others: int, name: str) -> Iterator[str]:
    """Yield what is said of files of the corpus `name` that were passed over.

    Args:
        copies: Files that are the same as a clip, each with that clip.
        others: How many sound files have names that the corpus does not have.
        name: What reports call the corpus.
    """
    if copies:
        copy, clip = copies[0]
        yield (
            f'{len(copies)} files of {name} are left out: they are copies of clips in other folders, such as {copy} '
            f'of {clip}'
        )
    if others:
        yield f'{others} sound files beside the clips of {name} are left out: their names are none of its clips'
