# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros predict FILE...`: the emotions in sound files, without ROS."""

import argparse
import sys

from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.signals import loading
from ser_ros.emotions import UNKNOWN

with loading():
    from ser_ros.audio.file import check_recording, read_recording
    from ser_ros.cli.adaptation_option import adaptation_config, add_adaptation
    from ser_ros.cli.answer_option import add_answer_with
    from ser_ros.cli.bars import probability_bars
    from ser_ros.cli.several_files import SeveralFiles
    from ser_ros.recognition.adapting_classifier import AdaptingClassifier
    from ser_ros.recognition.classifier import Classifier
    from ser_ros.recognition.models import find_model
    from ser_ros.speech.recording import segment_recording


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Print every utterance of every file with its emotion; return 1 if a file could not be answered."""
    parser = argparse.ArgumentParser(
        prog='predict',
        description='Print the emotion of every utterance in WAV or FLAC files.',
        epilog='example: ros2 run ser_ros predict interview.wav --model hubert-large',
    )
    parser.add_argument('files', nargs='+', metavar='FILE', help='WAV or FLAC')
    parser.add_argument('--model', default='', help='model folder or name (default: the embedded model)')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    parser.add_argument('--backend', default='auto', help='auto, torch or onnx (the form that `optimize` made)')
    parser.add_argument('--channel', type=int, default=0, help='channel, from 0; -1 for the mean of all (default: 0)')
    add_answer_with(parser)
    add_adaptation(parser)
    options = parser.parse_args(args)
    files = SeveralFiles('predict')
    good = []
    for file in dict.fromkeys(options.files):
        with files.attempt():
            check_recording(file, channel=options.channel)
            good.append(file)
    if not good:
        return files.exit_code
    model = find_model(options.model)
    classifier = Classifier.load(model, options.device, options.backend, chosen_labels=options.answer_with)
    for file in good:
        with files.attempt():
            _answer(file, classifier, options, files)
    return files.exit_code


def _answer(file: str, classifier: Classifier, options: argparse.Namespace, files: SeveralFiles) -> None:
    remarks: list[str] = []
    samples = read_recording(file, channel=options.channel, remarks=remarks)
    for remark in remarks:
        files.tell(f'{file} {remark}')
    print(file)
    recogniser = AdaptingClassifier(classifier, adaptation_config(options))
    utterances = segment_recording(samples)
    for utterance in utterances:
        estimate = recogniser.classify(utterance.samples)
        recogniser.hear(estimate)
        says = UNKNOWN if estimate.outlier else estimate.label
        print(
            f'  {utterance.start_time:7.2f} s  {utterance.duration:5.2f} s of speech  {says} {estimate.confidence:.0%}'
        )
        print(probability_bars(estimate.labels, estimate.probabilities))
    if not utterances:
        print('  no speech')


if __name__ == '__main__':
    sys.exit(main())
