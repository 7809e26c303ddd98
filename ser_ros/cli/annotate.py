# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros annotate BAG` or `... FILE...`: what was said in recorded sessions, without ROS."""

import argparse
import sys
from pathlib import Path

from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.signals import loading

with loading():
    from ser_ros.annotation.bag import Bag, is_bag
    from ser_ros.annotation.bag_copy import copy_bag
    from ser_ros.annotation.bag_source import BagSource
    from ser_ros.annotation.bag_topics import check_new_topic, choose_topics
    from ser_ros.annotation.emotion_message import emotion_topic, emotion_types
    from ser_ros.annotation.existing_files import has_tables, refuse_existing
    from ser_ros.annotation.listening import annotate
    from ser_ros.annotation.table import write_tables
    from ser_ros.audio.block import BLOCK_DURATION, SAMPLE_RATE
    from ser_ros.audio.file import FileSource, check_recording
    from ser_ros.audio.packets import StreamFormat
    from ser_ros.cli.adaptation_option import adaptation_config, add_adaptation
    from ser_ros.cli.answer_option import add_answer_with
    from ser_ros.cli.progress import ProgressLine
    from ser_ros.cli.several_files import SeveralFiles
    from ser_ros.errors import SerError
    from ser_ros.places import check_can_be_made
    from ser_ros.recognition.adapting_classifier import AdaptingClassifier
    from ser_ros.recognition.classifier import Classifier
    from ser_ros.recognition.models import find_model

_BAG_OPTIONS = ('topic', 'info_topic', 'rate', 'channels', 'emotion_topic')


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Annotate one bag, or sound files."""
    parser = _parser()
    options = parser.parse_args(args)
    if not 0.0 <= options.min_confidence <= 1.0:
        raise SerError(f'--min-confidence {options.min_confidence:g} is not a probability; give one from 0 to 1')
    bags = [path for path in options.paths if is_bag(path)]
    if bags and len(options.paths) > 1:
        raise SerError(f'{bags[0]} is a bag, and only one bag at a time is annotated; give only that')
    return _annotate_bag(options) if bags else _annotate_files(options)


def _annotate_files(options: argparse.Namespace) -> int:
    given = [name for name in _BAG_OPTIONS if getattr(options, name) is not None]
    if given:
        raise SerError(f'--{given[0].replace("_", "-")} is for bags, and {options.paths[0]} is not one; leave it out')
    targets = {path: _tables_of(path, options.out) for path in options.paths}
    if len(set(targets.values())) < len(options.paths):
        raise SerError('two of the files would have the same table; give them one by one with an --out for each')
    files = SeveralFiles('annotate')
    durations = {}
    for path, tables in targets.items():
        with files.attempt():
            if has_tables(tables):
                files.tell(
                    f'{path} is left out, because {tables[0]} and {tables[1].name} exist already; to annotate it anew, '
                    'remove them or give another folder with --out'
                )
            else:
                for table in tables:
                    check_can_be_made(table)
                durations[path] = check_recording(path, channel=options.channel)
    if not durations:
        return files.exit_code
    classifier = _load(options)
    _make_folder(options.out)
    for path, seconds in durations.items():
        with files.attempt():
            source = FileSource(path, realtime=False, channel=options.channel, clock=lambda: 0.0)
            progress = ProgressLine(str(path), seconds / BLOCK_DURATION)
            annotations = annotate(
                source,
                AdaptingClassifier(classifier, adaptation_config(options)),
                min_confidence=options.min_confidence,
                on_progress=progress,
            )
            refuse_existing(targets[path])  # made meanwhile, by another run
            write_tables(targets[path], annotations, classifier.labels)
            progress.end(len(annotations), seconds, targets[path][0])
            if source.remark:
                files.tell(source.remark)
    return files.exit_code


def _annotate_bag(options: argparse.Namespace) -> int:
    (path,) = options.paths
    out = options.out or path.with_name(f'{path.stem if path.is_file() else path.name}_emotion')
    refuse_existing([out])
    check_can_be_made(out)
    with Bag(path) as bag:
        topics = choose_topics(bag, options.topic, options.info_topic)
        new_topic = check_new_topic(bag, options.emotion_topic or '/emotion')
        assumed = StreamFormat(options.rate or SAMPLE_RATE, options.channels or 1)
        if topics.kind.needs_info and not topics.info:
            print(
                f'{path} has no AudioInfo: {topics.name} is taken as {assumed.sample_rate} Hz with {assumed.channels} '
                f'channel(s) of {assumed.sample_format}; change this with --rate and --channels',
                file=sys.stderr,
            )
        source = BagSource(bag, topics, assumed=assumed, channel=options.channel)
        source.open()
        classifier = _load(options)
        progress = ProgressLine(str(path), source.block_count)
        recogniser = AdaptingClassifier(classifier, adaptation_config(options))
        annotations = annotate(source, recogniser, min_confidence=options.min_confidence, on_progress=progress)
        store = emotion_types()
        added = emotion_topic(new_topic, annotations, store, model=classifier.name, frame_id=source.frame_id)
        copying = ProgressLine(f'writing {out}', bag.message_count)
        copy_bag(bag, out, added=added, store=store, on_progress=lambda done: copying(done, len(annotations)))
        progress.end(len(annotations), (bag.end - bag.start) / 1e9, out)
        for loss, count in source.losses.items():
            if count:
                print(f'  in the sound: {count} {loss}')
        if source.remark:
            print(f'annotate: {source.remark}', file=sys.stderr)
    return 0


def _tables_of(path: Path, out: Path | None) -> tuple[Path, Path]:
    folder = out or path.parent
    return folder / f'{path.stem}.csv', folder / f'{path.stem}.txt'


def _make_folder(folder: Path | None) -> None:
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SerError(f'the folder {folder} cannot be made ({error.strerror}); give another --out') from None


def _load(options: argparse.Namespace) -> Classifier:
    return Classifier.load(
        find_model(options.model), options.device, options.backend, chosen_labels=options.answer_with
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='annotate',
        description='Classify the utterances in a bag (a copy with /emotion) or in audio files (CSV table and labels).',
        epilog='examples: ros2 run ser_ros annotate rosbag2_2026_11_23 --topic /audio; '
        'ros2 run ser_ros annotate interview.wav --out labels',
    )
    add = parser.add_argument
    add('paths', nargs='+', type=Path, metavar='PATH', help='one rosbag2 (folder, .mcap or .db3), or WAV or FLAC files')
    add(
        '--out',
        type=Path,
        help='folder of the copy (default: BAG_emotion beside it), or of the tables (beside each file)',
    )
    add('--model', default='', help='model folder or name (default: the embedded model)')
    add('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    add('--backend', default='auto', help='auto, torch or onnx (the form that `optimize` made)')
    add('--channel', type=int, default=0, help='channel, from 0; -1 for the mean of all (default: 0)')
    add(
        '--min-confidence',
        type=float,
        default=0.0,
        metavar='P',
        help='below this the emotion is unknown (default: 0, so that all are named; that of the node is 0.5)',
    )
    add_answer_with(parser)
    add_adaptation(parser)
    bags = parser.add_argument_group('for bags')
    add = bags.add_argument
    add('--topic', help='topic with the audio; needed only if the bag has several')
    add('--info-topic', help='topic with AudioInfo; needed only if the bag has several')
    add('--rate', type=int, help='Hz, if the messages do not contain it (default: 16000)')
    add('--channels', type=int, metavar='N', help='if the messages do not contain it (default: 1)')
    add('--emotion-topic', help='name of the new topic (default: /emotion)')
    return parser


if __name__ == '__main__':
    sys.exit(main())
