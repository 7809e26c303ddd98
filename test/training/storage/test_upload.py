# SPDX-License-Identifier: Apache-2.0
"""The real huggingface_hub client against a small local server that plays the Hugging Face Hub."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ser_ros.training.storage.upload import push

TOKEN = 'hf_made'
COMMIT = 'c0ffee' * 6 + 'c0ff'
OWNER = 'someone'


class StandInHub(ThreadingHTTPServer):
    """Keeps what is uploaded in memory; large files come by LFS's basic transfer, as a Hub without Xet has them."""

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), _Handler)
        self.address = f'http://127.0.0.1:{self.server_address[1]}'
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.created: list[dict] = []
        self.messages: list[str] = []
        self.large: dict[str, bytes] = {}
        self.forbids_writing = False


class _Handler(BaseHTTPRequestHandler):
    server: StandInHub
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def do_GET(self):
        if not self._allowed():
            return
        if self.path == '/api/whoami-v2':
            self._answer({'name': OWNER, 'type': 'user', 'orgs': []})
        elif '/resolve/main/' in self.path:
            self._send_file()
        else:
            self._refuse(404, 'EntryNotFound')

    do_HEAD = do_GET  # noqa: N815 - http.server asks for this name

    def do_PUT(self):
        self.server.large[self.path.rpartition('/')[2]] = self._body()
        self._answer({})

    def do_POST(self):
        body = self._body()
        if not self._allowed():
            return
        if self.path == '/api/repos/create':
            self._create(json.loads(body))
        elif self.path == '/api/validate-yaml':
            self._answer({'errors': [], 'warnings': []})
        elif '/preupload/' in self.path:
            self._answer({'files': [self._upload_mode(file) for file in json.loads(body)['files']]})
        elif self.path.endswith('.git/info/lfs/objects/batch'):
            self._answer({'transfer': 'basic', 'objects': [self._place(each) for each in json.loads(body)['objects']]})
        elif '/commit/' in self.path:
            self._commit([json.loads(line) for line in body.splitlines()])
        else:
            self._refuse(404, 'EntryNotFound')

    def _create(self, wanted: dict) -> None:
        if self.server.forbids_writing:
            self._refuse(403, '')
            return
        name = f'{wanted.get("organization") or OWNER}/{wanted["name"]}'
        self.server.created.append({**wanted, 'full': name})
        self.server.repositories.setdefault(name, {})
        self._answer({'url': f'{self.server.address}/{name}', 'name': name})

    def _upload_mode(self, file: dict) -> dict:
        large = file['path'].endswith('.safetensors')
        return {'path': file['path'], 'uploadMode': 'lfs' if large else 'regular', 'shouldIgnore': False}

    def _place(self, wanted: dict) -> dict:
        return {**wanted, 'actions': {'upload': {'href': f'{self.server.address}/large/{wanted["oid"]}'}}}

    def _commit(self, lines: list[dict]) -> None:
        name = self.path.removeprefix('/api/models/').partition('/commit/')[0]
        files = self.server.repositories[name]
        for line in lines:
            value = line['value']
            if line['key'] == 'header':
                self.server.messages.append(value['summary'])
            elif line['key'] == 'file':
                files[value['path']] = base64.b64decode(value['content'])
            elif line['key'] == 'lfsFile':
                files[value['path']] = self.server.large[value['oid']]
        address = f'{self.server.address}/{name}/commit/{COMMIT}'
        self._answer({'success': True, 'commitOid': COMMIT, 'commitUrl': address, 'hookOutput': ''})

    def _send_file(self) -> None:
        name, _, path = self.path[1:].partition('/resolve/main/')
        content = self.server.repositories.get(name, {}).get(path)
        if content is None:
            self._refuse(404, 'EntryNotFound' if name in self.server.repositories else 'RepoNotFound')
            return
        etag = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        self._answer(content, {'ETag': f'"{etag}"', 'X-Repo-Commit': COMMIT})

    def _allowed(self) -> bool:
        """Everything here is private: without the token nothing is told."""
        if self.headers.get('Authorization') == f'Bearer {TOKEN}':
            return True
        self._refuse(401, '')
        return False

    def _body(self) -> bytes:
        if self.headers.get('Transfer-Encoding') != 'chunked':
            return self.rfile.read(int(self.headers.get('Content-Length', 0)))
        body = b''
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _refuse(self, status: int, code: str) -> None:
        self._answer({'error': 'no'}, {'X-Error-Code': code} if code else {}, status)

    def _answer(self, content: dict | bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for key, value in {'Content-Length': str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)


@pytest.fixture
def hub():
    """Run a stand-in for the Hub."""
    server = StandInHub()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def run(tmp_path):
    """Run Python lines in a new process, for huggingface_hub reads its variables at import; return what they print."""

    def run_lines(*lines: str, **variables: str) -> str:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(('HF_', 'HUGGING')) and 'proxy' not in name.lower()
        }
        environment = {**kept, 'HF_HOME': str(tmp_path / 'hf'), 'HF_HUB_DISABLE_XET': '1', **variables}
        program = '\n'.join(
            [
                'from pathlib import Path',
                'from ser_ros.errors import SerError',
                'try:',
                *(f'    {line}' for line in lines),
                'except SerError as error:',
                '    print("refused:", error)',
            ]
        )
        done = subprocess.run(
            [sys.executable, '-c', program], env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run_lines


def push_lines(folder: Path, name: str) -> tuple[str, str]:
    return ('from ser_ros.training.storage.upload import push', f'print(push(Path({str(folder)!r}), {name!r}))')


def test_a_model_is_pushed_in_private_and_fetched_by_its_name(hub, run, random_weight_model, tmp_path):
    folder = tmp_path / 'my-model'
    folder.mkdir()
    for path in random_weight_model.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / 'README.md').write_text('---\nlicense: apache-2.0\n---\nA card.\n')
    (folder / 'train.csv').write_text('path,emotion\n/home/someone/secret.wav,sad\n')
    (folder / '.hidden').write_text('no')
    variables = {'HF_ENDPOINT': hub.address, 'HF_TOKEN': TOKEN}

    assert run(*push_lines(folder, 'my-model'), **variables) == f'{hub.address}/{OWNER}/my-model'
    assert [(each['full'], each['visibility']) for each in hub.created] == [(f'{OWNER}/my-model', 'private')]
    assert hub.messages == ['Upload my-model, trained with ser_ros']
    pushed = hub.repositories[f'{OWNER}/my-model']
    assert pushed == {
        path.name: path.read_bytes() for path in folder.iterdir() if path.name not in ('train.csv', '.hidden')
    }
    assert list(hub.large.values()) == [(folder / 'model.safetensors').read_bytes()]

    printed = run(
        'import torch',
        'from transformers import AutoModelForAudioClassification',
        'from ser_ros.emotions import LABELS',
        'from ser_ros.training.learning.design import design_classifier',
        'from ser_ros.training.learning.network import new_classifier',
        'from ser_ros.training.learning.recipe import FeatureExtraction, Network',
        f'made = design_classifier(Network(checkpoint="{OWNER}/my-model"), FeatureExtraction(), LABELS)',
        'fetched = new_classifier(made).state_dict()',
        f'expected = AutoModelForAudioClassification.from_pretrained({str(folder)!r}).state_dict()',
        'same = all(torch.equal(fetched[name], weight) for name, weight in expected.items())',
        'print(made.initial_weights, same, fetched.keys() == expected.keys())',
        **variables,
    )
    assert printed == f'{OWNER}/my-model True True'
    assert (tmp_path / 'hf' / 'hub' / f'models--{OWNER}--my-model').is_dir()


def test_a_repository_that_is_there_gets_another_commit(hub, run, random_weight_model):
    hub.repositories['lab/voices'] = {'config.json': b'old', 'notes.txt': b'kept'}
    printed = run(*push_lines(random_weight_model, 'lab/voices'), HF_ENDPOINT=hub.address, HF_TOKEN=TOKEN)
    assert printed == f'{hub.address}/lab/voices'
    files = hub.repositories['lab/voices']
    assert files['config.json'] == (random_weight_model / 'config.json').read_bytes()
    assert files['notes.txt'] == b'kept'


@pytest.mark.parametrize(
    ('variables', 'texts'),
    [
        ({}, ('no token', 'hf auth login', 'HF_TOKEN')),
        ({'HF_TOKEN': 'hf_other'}, ('does not allow it', '401', 'hf auth login')),
        ({'HF_TOKEN': TOKEN, 'HF_ENDPOINT': 'http://127.0.0.1:9'}, ('connection failed', 'check the network')),
        ({'HF_TOKEN': TOKEN, 'HF_HUB_OFFLINE': '1'}, ('HF_HUB_OFFLINE', 'unset')),
    ],
    ids=['no token', 'bad token', 'no network', 'offline'],
)
def test_without_an_account_one_sentence_tells_what_to_do(hub, run, random_weight_model, variables, texts):
    printed = run(*push_lines(random_weight_model, 'my-model'), **{'HF_ENDPOINT': hub.address, **variables})
    assert printed.startswith('refused: ') and '\n' not in printed
    assert [text for text in texts if text not in printed] == [], printed
    assert hub.created == []


@pytest.mark.parametrize(
    ('name', 'texts'),
    [('some one/else/again', ('name does not fit', 'owner/name')), ('lab/voices', ('403', 'lab/voices'))],
)
def test_a_name_that_cannot_be_written_is_refused(hub, run, random_weight_model, name, texts):
    hub.forbids_writing = True
    printed = run(*push_lines(random_weight_model, name), HF_ENDPOINT=hub.address, HF_TOKEN=TOKEN)
    assert printed.startswith('refused: ') and '\n' not in printed
    assert [text for text in texts if text not in printed] == [], printed
    assert hub.repositories == {}


def test_what_is_no_whole_model_is_refused_before_the_network_is_asked(refuses, tmp_path):
    with refuses(f'there is no folder {tmp_path / "nowhere"}'):
        push(tmp_path / 'nowhere', 'my-model')
    with refuses('holds no config.json'):
        push(tmp_path, 'my-model')
    for fold in (1, 2):
        (tmp_path / f'fold-{fold}').mkdir()
        (tmp_path / f'fold-{fold}' / 'config.json').write_text('{}')
    with refuses('the models of 2 folds', str(tmp_path / 'fold-1'), '--protocol full'):
        push(tmp_path, 'my-model')
    with refuses('no .safetensors weights'):
        push(tmp_path / 'fold-1', 'my-model')
