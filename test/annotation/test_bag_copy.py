# SPDX-License-Identifier: Apache-2.0
"""That a copy holds every message of the original unchanged, and that a bad bag or a bad disk is told."""

import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from rosbags.interfaces import (
    MessageDefinitionFormat,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import CompressionMode, Reader, StoragePlugin, Writer

from ser_ros.annotation.bag import Bag, is_bag
from ser_ros.annotation.bag_copy import AddedTopic, copy_bag
from ser_ros.annotation.emotion_message import EMOTION, QOS, emotion_types

NOTHING = AddedTopic('/emotion', EMOTION, QOS, [])


def copy(path: Path, out: Path, added: AddedTopic = NOTHING) -> Path:
    with Bag(path) as bag:
        copy_bag(bag, out, added=added, store=emotion_types(), on_progress=lambda done: None)
    return out


@pytest.mark.parametrize('mcap', [False, True])
def test_every_message_is_unchanged_and_the_new_ones_stand_in_time(make_bag, tmp_path, contents, mcap):
    path = make_bag(mcap=mcap).write()
    times = [at for *_, at, _ in contents(path)]
    added = [(times[0] - 5, b'\0\1\0\0first'), (times[100] + 1, b'\0\1\0\0middle'), (times[-1] + 5, b'\0\1\0\0last')]
    out = copy(path, tmp_path / 'deep' / 'copy', AddedTopic('/emotion', EMOTION, QOS, added))
    assert contents(out, without=['/emotion']) == contents(path)
    found = contents(out)
    assert [(at, bytes(data)) for topic, *_, at, data in found if topic == '/emotion'] == added
    assert [at for *_, at, _ in found] == sorted(at for *_, at, _ in found)
    assert [entry.name for entry in out.parent.iterdir()] == ['copy']
    assert len(list(out.glob('copy.mcap' if mcap else 'copy.db3'))) == 1
    with Reader(out) as reader:
        assert reader.message_count == len(found)
        (emotion,) = [found for found in reader.connections if found.topic == '/emotion']
        assert emotion.ext.offered_qos_profiles == [QOS]


@pytest.mark.parametrize('mode', [CompressionMode.FILE, CompressionMode.MESSAGE])
def test_a_compressed_bag_stays_one(make_bag, tmp_path, contents, mode):
    path = make_bag().write(compression=mode)
    out = copy(path, tmp_path / 'copy')
    assert contents(out) == contents(path)
    with Reader(out) as reader:
        assert reader.compression_mode == mode.name.lower()


def test_what_the_recorder_noted_is_kept(make_bag, tmp_path):
    with Bag(copy(make_bag().write(), tmp_path / 'copy')) as bag:
        assert bag.custom_data == {'robot': 'r2'}


@pytest.mark.parametrize('file', ['bag.mcap', 'bag.db3'])
def test_a_single_file_is_a_bag_too(make_bag, tmp_path, contents, file):
    path = make_bag(mcap=file.endswith('mcap')).write()
    assert is_bag(path / file) and is_bag(path) and not is_bag(path / 'metadata.yaml')
    assert contents(copy(path / file, tmp_path / 'copy')) == contents(path)


def old_bag(path: Path) -> Path:
    """Make a bag as ROS 2 Humble does: its database holds no definitions; one type is nobody's."""
    forever = QosTime(2147483647, 4294967295)
    qos = Qos(
        *(QosHistory.KEEP_LAST, 1, QosReliability.BEST_EFFORT, QosDurability.TRANSIENT_LOCAL, forever, forever),
        *(QosLiveliness.AUTOMATIC, forever, False),
    )
    store = emotion_types()
    with Writer(path, version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        string = writer.add_connection('/words', 'std_msgs/msg/String', typestore=store, offered_qos_profiles=[qos])
        mine = writer.add_connection('/mine', 'my_msgs/msg/Mine', msgdef='', rihs01='RIHS01_x')
        word = store.types['std_msgs/msg/String'](data='word')
        writer.write(string, 1_000, store.serialize_cdr(word, 'std_msgs/msg/String'))
        writer.write(mine, 2_000, b'\0\1\0\0whatever')
    with sqlite3.connect(path / f'{path.name}.db3') as database:
        database.execute('DELETE FROM message_definitions')
    return path


def test_types_that_nobody_defines_are_copied_raw(tmp_path, contents):
    path = old_bag(tmp_path / 'old')
    found = contents(copy(path, tmp_path / 'copy'))
    kept = [(topic, kind, ext, at, data) for topic, kind, _, ext, at, data in found]
    assert kept == [(topic, kind, ext, at, data) for topic, kind, _, ext, at, data in contents(path)]
    definitions = {kind: definition.format for _, kind, definition, *_ in found}
    assert definitions == {
        'std_msgs/msg/String': MessageDefinitionFormat.MSG,
        'my_msgs/msg/Mine': MessageDefinitionFormat.NONE,
    }


def test_an_mcap_without_definitions_is_copied_too(tmp_path, contents):
    path = tmp_path / 'raw'
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        mine = writer.add_connection('/mine', 'my_msgs/msg/Mine', msgdef='', rihs01='RIHS01_x')
        writer.write(mine, 2_000, b'\0\1\0\0whatever')
    assert contents(copy(path, tmp_path / 'copy')) == contents(path)


def test_out_that_is_there_is_kept(make_bag, tmp_path, refuses):
    path = make_bag().write()
    (tmp_path / 'copy').mkdir()
    with refuses('exists already', '--out'):
        copy(path, tmp_path / 'copy')
    assert list((tmp_path / 'copy').iterdir()) == []


def test_out_that_cannot_be_written_is_told(make_bag, tmp_path, refuses):
    (tmp_path / 'file').write_text('no folder')
    path = make_bag().write()
    with refuses('cannot be written', '--out'):
        copy(path, tmp_path / 'file' / 'copy')


@pytest.mark.parametrize('mcap', [False, True])
def test_a_full_disk_leaves_nothing(make_bag, tmp_path, mcap):
    path = make_bag(mcap=mcap).write()
    code = f"""
import resource
from pathlib import Path
from ser_ros.annotation.bag import Bag
from ser_ros.annotation.bag_copy import AddedTopic, copy_bag
from ser_ros.annotation.emotion_message import EMOTION, QOS, emotion_types
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
with Bag(Path({str(path)!r})) as bag:
    added = AddedTopic('/emotion', EMOTION, QOS, [])
    copy_bag(bag, Path({str(tmp_path / 'copy')!r}), added=added, store=emotion_types(), on_progress=lambda done: None)
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert resource.getrlimit(resource.RLIMIT_FSIZE) != (200_000, 200_000)
    last = done.stderr.splitlines()[-1]
    assert last.startswith('ser_ros.errors.SerError') and 'cannot be written' in last and '--out' in last
    assert [entry.name for entry in tmp_path.iterdir()] == ['bag']


def test_what_is_no_bag_is_told(tmp_path, refuses):
    with refuses('does not exist', 'rosbag2'), Bag(tmp_path / 'nowhere'):
        pass
    (tmp_path / 'folder').mkdir()
    with refuses('metadata.yaml', 'ros2 bag reindex'), Bag(tmp_path / 'folder'):
        pass
    for name in ('x.mcap', 'x.db3'):
        (tmp_path / name).write_text('Dear robot')
        with refuses(name, 'cannot be read'), Bag(tmp_path / name):
            pass
    for text in ('', '}{', 'a: 1', 'rosbag2_bagfile_information: {version: 5}'):
        (tmp_path / 'folder' / 'metadata.yaml').write_text(text)
        with refuses('folder', 'cannot be read'), Bag(tmp_path / 'folder'):
            pass


@pytest.mark.parametrize('number', ['many', '-.inf', '[]'])
def test_numbers_that_are_none_are_told(make_bag, refuses, number):
    path = make_bag().write()
    metadata = path / 'metadata.yaml'
    metadata.write_text(metadata.read_text().replace('message_count: 90', f'message_count: {number}'))
    with refuses(str(path), 'message counts'), Bag(path):
        pass


@pytest.mark.parametrize('mcap', [False, True])
@pytest.mark.parametrize('share', [0.0, 0.05, 0.5, 0.95])
def test_a_bag_that_was_cut_off_is_told_and_leaves_nothing(make_bag, tmp_path, refuses, mcap, share):
    path = make_bag(mcap=mcap).write()
    (file,) = [entry for entry in path.iterdir() if entry.suffix in ('.db3', '.mcap')]
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    with refuses(str(path), 'ros2 bag reindex'):
        copy(path, tmp_path / 'copy')
    assert [entry.name for entry in tmp_path.iterdir()] == ['bag']


def test_a_bag_that_holds_less_than_it_says_is_told(make_bag, tmp_path, refuses):
    path = make_bag().write()
    with sqlite3.connect(path / 'bag.db3') as database:
        database.execute('DELETE FROM messages WHERE id > 300')
    with refuses('300 of the', 'cut off'):
        copy(path, tmp_path / 'copy')
