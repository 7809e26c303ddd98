# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros view`: a page that shows what a node hears, until Ctrl-C or SIGTERM."""

import argparse
import os
import sys
import webbrowser

from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.signals import loading

with loading():
    from ser_ros.cli.ros_arguments import init_ros, own_arguments
    from ser_ros.extras import require_extra
    from ser_ros.view.followed import Followed


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Serve the page until a signal; return 0."""
    options = _parse(args)
    followed = Followed.named(options.node)
    require_extra('view', 'the view')
    # Imported late, so that `--help` and what is above does not wait for it.
    with loading():
        import rclpy

        from ser_ros.view.link import Link
        from ser_ros.view.server import PageServer, is_local, listen

    listening = listen(options.host, options.port)
    init_ros(args)
    link = Link(followed)
    server = PageServer(link, options.host, listening)
    try:
        server.start()
        print(f'{followed.name} is shown on {server.address} until Ctrl-C', flush=True)
        if not is_local(options.host):
            print('whoever reaches this address can see it all and change the parameters', flush=True)
        if options.open:
            webbrowser.open(server.address)
        server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.stop()
        link.close()
        rclpy.try_shutdown()
    return 1


def _parse(args: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='view',
        description='Show in a browser what a `ser` node hears: curves, answers, mood, diagnostics, settings.',
        epilog='example: ros2 run ser_ros view --node robot/ser; from another machine, '
        '`ssh -L 8080:localhost:8080 ROBOT` and http://localhost:8080 there',
    )
    parser.add_argument('--node', default='ser', help='the node, with its namespace (default: ser)')
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on (default: this machine alone)')
    parser.add_argument('--port', type=_port, help='port to listen on (default: the first free one from 8080 on)')
    has_desktop = bool(os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY'))
    parser.add_argument(
        '--open',
        action=argparse.BooleanOptionalAction,
        default=has_desktop,
        help='open the page in a browser (default: where there is a desktop)',
    )
    parser.add_argument('--no-browser', dest='open', action='store_false', help='the same as --no-open')
    return parser.parse_args(own_arguments(args))


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError(f'{text} is not a port; give a number from 1 to 65535, or 0 for any free one')
    return number


if __name__ == '__main__':
    sys.exit(main())
