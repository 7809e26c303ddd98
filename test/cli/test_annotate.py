# SPDX-License-Identifier: Apache-2.0
"""The script that annotates recorded sessions, on a random-weight model: its answers mean nothing, all else is real."""

import csv
import json
import math

import pytest
import soundfile
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from ser_ros.affect import valence_arousal
from ser_ros.annotation import table
from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.cli import annotate
from ser_ros.cli.annotate import main
from ser_ros.emotions import LABELS
from ser_ros.resources import share_folder

DEMO = share_folder() / 'demo' / 'recording.flac'


@pytest.fixture
def run(random_weight_model, capsys):
    """Return run(*arguments): (exit code, stdout, stderr) with the random-weight model."""

    def call(*arguments):
        code = main([*map(str, arguments), '--model', str(random_weight_model), '--device', 'cpu'])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def said():
    return json.loads(DEMO.with_suffix('.json').read_text())['utterances']


@pytest.fixture
def interview(tmp_path):
    """Return the path of a copy of the demo's recording at another rate and with two channels."""
    sound = soundfile.read(DEMO, dtype='float32')[0].repeat(3)
    path = tmp_path / 'interview.wav'
    soundfile.write(path, sound.reshape(-1, 1).repeat(2, axis=1), 3 * SAMPLE_RATE)
    return path


def test_a_sound_file_gets_a_table_and_labels_beside_it(run, interview, said):
    code, out, err = run(interview)
    assert (code, err) == (0, '')
    with interview.with_suffix('.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert [float(row['start']) for row in rows] == pytest.approx([one['start'] for one in said], abs=0.15)
    assert [float(row['duration']) for row in rows] == pytest.approx([one['duration'] for one in said], abs=0.3)
    labels = [line.split('\t') for line in interview.with_suffix('.txt').read_text().splitlines()]
    for row, (start, end, label) in zip(rows, labels, strict=True):
        assert label == row['emotion'] and label in LABELS
        assert float(start) == pytest.approx(float(row['start']), abs=0.001)
        assert float(end) == pytest.approx(float(row['end']), abs=0.001)
        probabilities = [float(row[f'probability_{name}']) for name in LABELS]
        assert sum(probabilities) == pytest.approx(1.0, abs=0.001)
        assert max(probabilities) == float(row['confidence']) == float(row[f'probability_{label}'])
    assert str(interview.with_suffix('.csv')) in out and '6 utterances' in out and 'as fast as real time' in out


def test_several_files_go_to_one_folder_and_nothing_else_is_written(run, interview, made_sound, tmp_path):
    quiet = tmp_path / 'quiet.wav'
    soundfile.write(quiet, made_sound('silence', 2.0), SAMPLE_RATE)
    assert run(interview, quiet, '--out', tmp_path / 'made' / 'tables')[0] == 0
    names = ['interview.csv', 'interview.txt', 'quiet.csv', 'quiet.txt']
    assert sorted(path.name for path in (tmp_path / 'made' / 'tables').iterdir()) == names
    assert sorted(path.name for path in tmp_path.iterdir()) == ['interview.wav', 'made', 'quiet.wav']
    assert (tmp_path / 'made' / 'tables' / 'quiet.txt').read_text() == ''


def test_low_confidence_is_unknown(run, interview):
    run(interview, '--min-confidence', '0.99')
    assert {line.split('\t')[2] for line in interview.with_suffix('.txt').read_text().splitlines()} == {'unknown'}


def test_an_answer_is_one_of_the_labels_that_are_chosen(run, interview):
    run(interview, '--answer-with', 'angry, neutral, happy')
    with interview.with_suffix('.csv').open(newline='') as file:
        columns = csv.DictReader(file).fieldnames
    assert columns[5:] == ['probability_neutral', 'probability_happy', 'probability_angry']


def assert_one_sentence(result, *texts):
    code, out, err = result
    assert (code, out) == (1, '')
    assert err.startswith('annotate: ') and err.count('\n') == 1 and err.endswith('\n')
    assert [text for text in texts if text not in err] == []


def test_a_file_that_is_there_is_kept(run, interview):
    transcript = interview.with_suffix('.txt')
    transcript.write_text('I really miss my old friend.')
    assert_one_sentence(run(interview), 'interview.txt', 'exists already', '--out')
    assert transcript.read_text() == 'I really miss my old friend.'
    assert not interview.with_suffix('.csv').exists()


def tables(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in ('.csv', '.txt')}


def test_of_several_files_the_good_ones_are_answered_and_a_second_run_adds_the_rest(
    run, interview, made_sound, tmp_path
):
    bad = tmp_path / 'bad.wav'
    bad.write_text('Dear robot')
    quiet = tmp_path / 'quiet.wav'
    soundfile.write(quiet, made_sound('silence', 2.0), SAMPLE_RATE)
    code, out, err = run(bad, interview, quiet)
    assert code == 1 and err.count('\n') == 1
    assert err.startswith('annotate: ') and 'bad.wav cannot be read as sound' in err
    assert out.count('as fast as real time') == 2
    first = tables(tmp_path)
    assert sorted(first) == ['interview.csv', 'interview.txt', 'quiet.csv', 'quiet.txt']

    code, out, err = run(bad, interview, quiet)
    assert (code, out) == (1, '') and tables(tmp_path) == first
    assert err.count('is left out, because') == 2 and 'bad.wav cannot be read as sound' in err

    soundfile.write(bad, made_sound('silence', 2.0), SAMPLE_RATE)
    code, out, err = run(bad, interview, quiet)
    assert code == 0 and out.count('as fast as real time') == 1
    assert err.count('is left out, because') == err.count('\n') == 2 and 'give another folder with --out' in err
    assert {name: text for name, text in tables(tmp_path).items() if name in first} == first
    assert sorted(tables(tmp_path).keys() - first) == ['bad.csv', 'bad.txt']

    assert run(bad, interview, quiet)[0] == 0


def test_what_a_file_lacks_is_told(run, tmp_path):
    content = DEMO.read_bytes()
    (tmp_path / 'cut.flac').write_bytes(content[: len(content) // 2])
    code, out, err = run(tmp_path / 'cut.flac')
    assert code == 0 and '3 utterances' in out
    assert err.startswith('annotate: ') and 'cut.flac breaks off at' in err and err.count('\n') == 1


def test_of_tables_that_cannot_both_be_written_none_is_left(run, interview, tmp_path, monkeypatch):
    write_text = table.write_text

    def write_until_the_disk_is_full(file, text):
        if file.suffix == '.txt':
            raise OSError(28, 'No space left on device')
        write_text(file, text)

    monkeypatch.setattr(table, 'write_text', write_until_the_disk_is_full)
    assert_one_sentence(run(interview), 'interview.txt', 'No space left')
    assert tables(tmp_path) == {}


def test_what_cannot_be_done_is_one_sentence_and_nothing_is_written(run, interview, tmp_path):
    (tmp_path / 'letter.wav').write_text('Dear robot')
    (tmp_path / 'folder').mkdir()
    before = sorted(tmp_path.rglob('*'))
    assert_one_sentence(run(tmp_path / 'letter.wav'), 'letter.wav', 'cannot be read as sound')
    assert_one_sentence(run(tmp_path / 'nowhere.wav'), 'does not exist')
    assert_one_sentence(run(interview, '--channel', 2), 'so --channel 2 does not exist')
    assert_one_sentence(run(interview, '--topic', '/audio'), '--topic is for bags')
    assert_one_sentence(run(interview, '--min-confidence', '50'), '--min-confidence 50')
    assert_one_sentence(run(interview, '--ordinary-share', '1'), '--ordinary-share 1')
    assert_one_sentence(run(interview, interview), 'same table')
    assert_one_sentence(run(interview, '--out', interview), 'cannot be written (Not a directory)')
    assert_one_sentence(run(tmp_path / 'folder'), 'folder', 'metadata.yaml')
    assert_one_sentence(run(interview, tmp_path / 'folder'), 'one bag at a time')
    assert_one_sentence(run(tmp_path / 'nowhere.mcap'), 'nowhere.mcap does not exist')
    assert sorted(tmp_path.rglob('*')) == before


def test_ctrl_c_ends_with_130_and_no_traceback(run, interview, monkeypatch):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(annotate, 'annotate', interrupt)
    assert run(interview) == (130, '', '')


def test_help_holds_examples(capsys):
    with pytest.raises(SystemExit) as ended:
        main(['--help'])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert 'ros2 run ser_ros annotate rosbag2' in out and 'interview.wav' in out


@pytest.fixture
def bag(tmp_path):
    """Return the path of a bag with the demo's sound on /audio, received as soon as captured, and with /words."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types = store.types
    sound = soundfile.read(DEMO, dtype='int16')[0]
    path = tmp_path / 'session'
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        audio = writer.add_connection('/audio', 'std_msgs/msg/Int16MultiArray', typestore=store)
        words = writer.add_connection('/words', 'std_msgs/msg/String', typestore=store)
        for number in range(len(sound) // 800):
            received = 1_700_000_000_000_000_000 + (number + 1) * 50_000_000
            layout = types['std_msgs/msg/MultiArrayLayout'](dim=[], data_offset=0)
            samples = sound[number * 800 : (number + 1) * 800]
            message = types['std_msgs/msg/Int16MultiArray'](layout=layout, data=samples)
            writer.write(audio, received, store.serialize_cdr(message, 'std_msgs/msg/Int16MultiArray'))
            word = types['std_msgs/msg/String'](data=f'word {number}')
            writer.write(words, received + 1, store.serialize_cdr(word, 'std_msgs/msg/String'))
    return path


def messages_in(bag, topics):
    """Return (connection, nanoseconds, message) of the topics of a bag, read with what the bag itself defines."""
    with AnyReader([bag]) as reader:
        chosen = [connection for connection in reader.connections if connection.topic in topics]
        return [
            (connection, at, reader.deserialize(data, connection.msgtype))
            for connection, at, data in reader.messages(chosen)
        ]


def raw(bag):
    with Reader(bag) as reader:
        return [
            (found.topic, found.msgtype, at, data) for found, at, data in reader.messages() if found.topic != '/emotion'
        ]


def seconds(time):
    return time.sec + time.nanosec / 1e9


def test_a_bag_gets_a_copy_with_emotions_at_the_right_times(run, bag, said, random_weight_model):
    code, out, err = run(bag)
    assert (code, err) == (0, '')
    copy = bag.with_name('session_emotion')
    assert str(copy) in out and '6 utterances' in out and 'as fast as real time' in out
    assert raw(copy) == raw(bag)
    found = messages_in(copy, ['/emotion'])
    assert [message.utterance for _, _, message in found] == [1, 2, 3, 4, 5, 6]
    for (connection, at, message), one in zip(found, said, strict=True):
        assert connection.msgtype == 'ser_msgs/msg/Emotion'
        stamp, duration, latency = map(seconds, (message.header.stamp, message.duration, message.latency))
        assert stamp - 1_700_000_000 == pytest.approx(one['start'], abs=0.15)
        assert duration == pytest.approx(one['duration'], abs=0.3)
        assert stamp + duration + latency == pytest.approx(at / 1e9, abs=0.01) and latency == 0.5
        assert message.header.frame_id == 'microphone' and message.is_final
        assert message.labels == list(LABELS) and message.model == random_weight_model.name
        assert message.emotion == LABELS[int(message.probabilities.argmax())]
        assert message.confidence == message.probabilities.max()
        assert message.probabilities.sum() == pytest.approx(1.0, abs=1e-4)
        place = valence_arousal(LABELS, message.probabilities)
        assert (message.valence, message.arousal) == pytest.approx(place, abs=1e-4)
        assert math.isnan(message.direction)


def test_a_second_run_is_the_same_to_the_byte(run, bag, tmp_path):
    for name in 'ab':
        assert run(bag, '--out', tmp_path / name / 'copy')[0] == 0
    a, b = (tmp_path / name / 'copy' / 'copy.mcap' for name in 'ab')
    assert a.read_bytes() == b.read_bytes()


def test_the_new_topic_can_have_another_name(run, bag, tmp_path):
    assert run(bag, '--out', tmp_path / 'once')[0] == 0
    assert_one_sentence(run(tmp_path / 'once', '--out', tmp_path / 'twice'), '/emotion already', '--emotion-topic')
    options = ('--emotion-topic', '/robot/emotion', '--min-confidence', '1')
    assert run(tmp_path / 'once', '--out', tmp_path / 'twice', *options)[0] == 0
    found = messages_in(tmp_path / 'twice', ['/robot/emotion'])
    assert [message.emotion for _, _, message in found] == ['unknown'] * 6
    assert len(messages_in(tmp_path / 'twice', ['/emotion'])) == 6


def test_what_cannot_be_done_with_a_bag_is_one_sentence_and_nothing_is_written(run, bag, tmp_path):
    (tmp_path / 'there').mkdir()
    before = sorted(tmp_path.rglob('*'))
    assert_one_sentence(run(bag, '--out', tmp_path / 'there'), 'exists already')
    assert_one_sentence(run(bag, '--topic', '/words'), 'no topic /words with audio messages')
    assert_one_sentence(run(bag, '--channel', '1'), 'so --channel 1 does not exist')
    assert_one_sentence(run(bag, '--rate', '100'), '100 Hz')
    (file,) = bag.glob('*.mcap')
    file.write_bytes(file.read_bytes()[:-1000])
    assert_one_sentence(run(bag), 'cannot be read', 'ros2 bag reindex')
    assert sorted(tmp_path.rglob('*')) == before
