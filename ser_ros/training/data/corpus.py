# SPDX-License-Identifier: Apache-2.0
"""Reads corpora: published ones by name, RAVDESS's zip, CSV tables; one, or several together."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ser_ros.emotions import LABELS
from ser_ros.errors import SerError
from ser_ros.places import expanded
from ser_ros.training.data.archive import left_out_of, unpack_clips
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpora.acted import RAVDESS
from ser_ros.training.data.corpora.by_key import SCHEMES
from ser_ros.training.data.corpora.scheme import Scheme, find_clips
from ser_ros.training.data.dataset_card import read_dataset_card
from ser_ros.training.data.emotion_names import refuse_labels
from ser_ros.training.data.table import read_table

_ACCEPTED = (
    'give the folder of the RAVDESS speech clips, their zip, a CSV table of recordings, or KEY:FOLDER for one of '
    f'{", ".join(SCHEMES)}'
)


_TABLES = ('.csv', '.tsv')


@dataclass(frozen=True)
class Corpus:
    """Clips to train or test with.

    Attributes:
        name: For reports: of a published corpus, such as 'RAVDESS', or the stem of the table; of several joined by
            ' + '.
        clips: At least one; their names are unique.
        labels: Every emotion that they have, in the order in which a model answers.
        licences: Name of each corpus among the clips -> its licence, as it is published or from the dataset card beside
            a table; '' if none is stated.
        remarks: Sentences on what was left out, and on what differs from the published counts.
        train_only: Names of the corpora among the clips that never test.
        test_only: Names of the corpora among the clips that never train.
    """

    name: str
    clips: tuple[Clip, ...]
    labels: tuple[str, ...]
    licences: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    train_only: frozenset[str] = frozenset()
    test_only: frozenset[str] = frozenset()

    @cached_property
    def known_labels(self) -> dict[str, tuple[str, ...]]:
        """The emotions of each corpus among the clips, by its name: of the others its clips tell nothing."""
        found: dict[str, set[str]] = {}
        for clip in self.clips:
            found.setdefault(clip.corpus, set()).add(clip.emotion)
        return {name: tuple(label for label in self.labels if label in labels) for name, labels in found.items()}


def read_corpora(
    sources: Sequence[str],
    labels: Sequence[str] = (),
    *,
    for_training: bool = True,
    train_only: Sequence[str] = (),
    test_only: Sequence[str] = (),
) -> Corpus:
    """Return the corpora at `sources`, and those that only train or only test, as one; see read_corpus.

    With several, names of clips begin with `CORPUS/`, and those of speakers with `CORPUS:`.

    Raises:
        SerError: Two sources hold the same corpus, or read_corpus refuses one.
    """
    if labels:
        refuse_labels(labels, 'the labels that were given', for_training=for_training)
    read, training, testing = (
        [read_corpus(source, labels, for_training=for_training) for source in some]
        for some in (sources, train_only, test_only)
    )
    trains_only = frozenset(name for corpus in training for name in corpus.licences)
    tests_only = frozenset(name for corpus in testing for name in corpus.licences)
    read = [*read, *training, *testing]
    if len(read) == 1:
        return replace(read[0], train_only=trains_only, test_only=tests_only)
    twice = [name for name, count in Counter(name for corpus in read for name in corpus.licences).items() if count > 1]
    if twice:
        raise SerError(f'two of the data are called {twice[0]}; give each corpus once, or rename one of the tables')
    clips = tuple(
        replace(clip, name=f'{clip.corpus}/{clip.name}')
        for corpus in read
        for clip in _with_corpus_of_speakers(corpus.clips)
    )
    together = _ordered(tuple(dict.fromkeys(clip.emotion for clip in clips)), labels)
    refuse_labels(together, 'the emotions of the data', for_training=for_training)
    return Corpus(
        name=' + '.join(corpus.name for corpus in read),
        clips=clips,
        labels=together,
        licences={name: licence for corpus in read for name, licence in corpus.licences.items()},
        remarks=tuple(remark for corpus in read for remark in corpus.remarks),
        train_only=trains_only,
        test_only=tests_only,
    )


def without_people(corpus: Corpus, people: Sequence[str]) -> Corpus:
    """Return `corpus` without the clips of some people, with a remark on each.

    Args:
        corpus: With a clip of somebody else.
        people: Speakers as its clips name them, 'CORPUS:SPEAKER' or, if there is only one corpus, 'SPEAKER'; a number
            may have leading zeros.

    Raises:
        SerError: One of them has no clip, or nobody else has one.
    """
    found = Counter(name for clip in corpus.clips for name in _names(clip))
    counts = {}
    for given in people:
        name = given if given in found else _without_leading_zeros(given)
        if name not in found:
            raise SerError(
                f"{corpus.name} has no clip of the speaker '{given}'; its speakers are "
                f'{", ".join(_speakers_beside(name, corpus)):.200}'
            )
        counts[name] = found[name]
    clips = tuple(clip for clip in corpus.clips if not _names(clip) & counts.keys())
    if not clips:
        raise SerError(f'nobody is left in {corpus.name}; leave out fewer speakers')
    remarks = tuple(f'{count} clips of the speaker {name} are left out' for name, count in counts.items())
    labels = _ordered(tuple(dict.fromkeys(clip.emotion for clip in clips)), corpus.labels)
    return replace(corpus, clips=clips, labels=labels, remarks=(*corpus.remarks, *remarks))


def _without_leading_zeros(name: str) -> str:
    corpus, colon, speaker = name.rpartition(':')
    return f'{corpus}{colon}{speaker.lstrip("0") or 0}' if speaker.isdecimal() else name


def _speakers_beside(name: str, corpus: Corpus) -> list[str]:
    """Return the speakers of the corpus that `name` begins with; all if it begins with none."""
    speakers = dict.fromkeys(str(clip.speaker) for clip in corpus.clips if clip.speaker is not None)
    beside = [speaker for speaker in speakers if speaker.startswith(name.rpartition(':')[0] + ':')]
    return beside or list(speakers)


def _names(clip: Clip) -> set[str]:
    return {str(clip.speaker), clip.voice} if clip.person else set()


def read_corpus(source: str | Path, labels: Sequence[str] = (), *, for_training: bool = True) -> Corpus:
    """Return the corpus at `source`: `KEY:FOLDER` for a published one (SCHEMES), or a path.

    A path is a folder or a `.zip` of RAVDESS clips (the zip is unpacked into the cache once) or a `.csv` (see
    read_table).

    Args:
        source: Where it is.
        labels: The emotions that may occur, and their order. If none are given any may; their order is that of
            RAVDESS's codes if RAVDESS has all of them, otherwise that of their first occurrence.
        for_training: Whether there must be at least two emotions, each at least twice in a table without `labels`.

    Raises:
        SerError: There is no such corpus, or something in it is wrong.
    """
    scheme, path = _parse(str(source))
    if path.suffix.lower() in _TABLES and scheme is None:
        corpus = _read_table(path, labels, for_training=for_training)
    else:
        corpus = _read_published(scheme or RAVDESS, path)
    counts = Counter(clip.emotion for clip in corpus.clips)
    unwanted = [emotion for emotion in counts if labels and emotion not in labels]
    if unwanted:
        raise SerError(
            f"{path} has {counts[unwanted[0]]} clips of the emotion '{unwanted[0]}', which is not one of "
            f'{", ".join(labels)}; add it to the labels, or give a CSV table of the clips that are wanted'
        )
    if for_training and len(counts) < 2:
        raise SerError(f"{path} has only the emotion '{next(iter(counts))}'; give clips of at least two emotions")
    found = _ordered(tuple(counts), labels)
    refuse_labels(found, f'the emotions in {path}', for_training=for_training)
    return replace(corpus, labels=found)


def _parse(source: str) -> tuple[Scheme | None, Path]:
    """Return the scheme that `source` names, None if it names none, and the path."""
    key, colon, rest = source.partition(':')
    if colon and key in SCHEMES:
        return SCHEMES[key], expanded(rest)
    path = expanded(source)
    if not path.exists():
        raise SerError(f'the data {path} does not exist; {_ACCEPTED}')
    if not path.is_dir() and path.suffix.lower() not in ('.zip', *_TABLES):
        raise SerError(f'{path} is neither a folder nor a .zip or .csv file; {_ACCEPTED}')
    return None, path


def _read_published(scheme: Scheme, path: Path) -> Corpus:
    left_out: tuple[str, ...] = ()
    if scheme is RAVDESS and path.suffix.lower() == '.zip' and path.is_file():
        path, left_out = unpack_clips(path), left_out_of(path)
    found = find_clips(scheme, path)
    return Corpus(scheme.name, found.clips, (), {scheme.name: scheme.licence}, (*found.remarks, *left_out))


def _read_table(path: Path, labels: Sequence[str], *, for_training: bool) -> Corpus:
    clips = read_table(path, labels, for_training=for_training)
    names = dict.fromkeys(clip.corpus for clip in clips)
    if len(names) > 1:
        clips = _with_corpus_of_speakers(clips)
    published = {scheme.name: scheme.licence for scheme in SCHEMES.values()}
    licence = read_dataset_card(path.parent).licence
    return Corpus(path.stem, clips, (), {name: licence or published.get(name, '') for name in names})


def _with_corpus_of_speakers(clips: Iterable[Clip]) -> tuple[Clip, ...]:
    """Return the clips with speakers `CORPUS:SPEAKER`, so that two corpora's speakers of one name stay apart."""
    return tuple(replace(clip, speaker=':'.join(clip.person)) if clip.person else clip for clip in clips)


def _ordered(present: tuple[str, ...], labels: Sequence[str]) -> tuple[str, ...]:
    order = labels or (LABELS if set(present) <= set(LABELS) else present)
    return tuple(label for label in order if label in present)
