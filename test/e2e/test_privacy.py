# SPDX-License-Identifier: Apache-2.0
"""What a running node has open: DDS's sockets, and no file that it could write a voice into."""

import os
import re
import subprocess
import sys
from pathlib import Path

BARE_NODE = """
import rclpy
rclpy.init()
node = rclpy.create_node('bare')
print('up', flush=True)
rclpy.spin(node)
"""

INODE_COLUMN = {'unix': 6, 'netlink': 9, 'packet': 8}
"""Of the tables in /proc/net; 9 for the others (proc(5))."""

FAST_DDS = range(7000, 7400)
"""Ports of which Fast DDS takes one for each process, a bare node's too."""

FAMILIES = ('tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6', 'packet', 'netlink', 'unix')


def sockets_of(pid: int) -> set[str]:
    """Return 'family' for each socket of the process, and the port too where it is UDP."""
    inodes = set()
    for entry in Path(f'/proc/{pid}/fd').iterdir():
        try:
            match = re.fullmatch(r'socket:\[(\d+)\]', str(entry.readlink()))
        except OSError:
            continue
        inodes |= {match[1]} if match else set()
    found = set()
    for family in FAMILIES:
        table = Path(f'/proc/{pid}/net/{family}')
        for line in table.read_text().splitlines()[1:] if table.is_file() else []:
            fields = line.split()
            if inodes & {fields[INODE_COLUMN.get(family, 9)]}:
                found.add(f'{family} {int(fields[1].partition(":")[2], 16)}' if family.startswith('udp') else family)
    return found


def rtps_ports(domain: int) -> range:
    """Return the ports that DDSI-RTPS gives to a domain (OMG formal/2022-04-01, 9.6.2.4)."""
    return range(7400 + 250 * domain, 7400 + 250 * (domain + 1))


def written_files(pid: int) -> set[str]:
    """Return the regular files that the process has open for writing, without shared memory and its own output."""
    found = set()
    for entry in Path(f'/proc/{pid}/fd').iterdir():
        try:
            target = str(entry.readlink())
            flags = int(re.search(r'flags:\s*(\d+)', Path(f'/proc/{pid}/fdinfo/{entry.name}').read_text())[1], 8)
        except OSError:
            continue
        if flags & os.O_ACCMODE and target.startswith('/') and not target.startswith(('/dev/', '/memfd:')):
            found.add(target)
    return found


def families(sockets: set[str]) -> set[str]:
    return {socket.split()[0] for socket in sockets}


def test_the_node_has_no_sockets_but_those_of_dds(start_node, observe, recording, ros_domain):
    bare = subprocess.Popen([sys.executable, '-c', BARE_NODE], stdout=subprocess.PIPE, text=True)
    try:
        assert bare.stdout.readline() == 'up\n'
        of_dds = families(sockets_of(bare.pid))
    finally:
        bare.kill()
        bare.wait()
    node = start_node(autostart=False, audio__source='file', audio__file=str(recording), model__path='')
    observer = observe()
    assert observer.configure() and observer.activate()
    seen = set()

    def two_answered() -> bool:
        seen.update(sockets_of(node.pid))
        return len(observer.finals) >= 2

    observer.wait_until(two_answered, 'two utterances are answered')
    ports = {int(socket.split()[1]) for socket in seen if socket.startswith('udp')}
    domain = rtps_ports(int(os.environ['ROS_DOMAIN_ID']))
    ephemeral = int(Path('/proc/sys/net/ipv4/ip_local_port_range').read_text().split()[0])
    assert families(seen) <= of_dds
    assert not families(seen) & {'tcp', 'tcp6', 'raw', 'raw6', 'packet'}
    assert {port for port in ports if port < ephemeral and port not in domain and port not in FAST_DDS} == set()
    assert {port for port in ports if port in domain}, 'DDS was not seen at all'


def test_nothing_is_recorded_unless_it_was_asked_for(start_node, observe, recording, tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path / 'log'))
    monkeypatch.chdir(tmp_path)
    node = start_node(autostart=False, audio__source='file', audio__file=str(recording), model__path='')
    observer = observe()
    assert observer.configure() and observer.activate()
    seen = set()

    def two_answered() -> bool:
        seen.update(written_files(node.pid))
        return len(observer.finals) >= 2

    observer.wait_until(two_answered, 'two utterances are answered')
    assert {path for path in seen if not path.startswith(str(tmp_path / 'log')) and path != str(node.log)} == set()
    left = [path for path in tmp_path.rglob('*') if path.is_file() and path != node.log]
    assert [path for path in left if path.parent != tmp_path / 'log'] == []
