# SPDX-License-Identifier: Apache-2.0
"""Parameters of any type and value: taken, or refused in a sentence, at start and while the node lives."""

import pytest
import rclpy
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.node import Node
from rclpy.parameter import Parameter

from ser_ros.errors import SerError
from ser_ros.node.node import SerNode
from ser_ros.node.parameter_spec import declare_parameters
from ser_ros.node.parameters import SPECS
from ser_ros.node.settings import read_parameters

FAST = settings(max_examples=150, deadline=None, derandomize=True)

names = st.sampled_from([spec.name for spec in SPECS])
texts = st.one_of(
    st.sampled_from(
        ['', 'auto', 'cpu', 'cuda', 'cuda:99999999999', 'file', 'topic', '/', '//', 'a b', '~/x', '\0', '-1']
    ),
    st.text(st.characters(blacklist_categories=['Cs'], blacklist_characters='\0'), max_size=30),
)
values = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    texts,
    st.lists(st.integers(0, 255), min_size=1, max_size=3),
    st.lists(st.floats(), min_size=1, max_size=3),
)


@pytest.fixture(scope='module')
def context(ros_domain):
    made = rclpy.Context()
    rclpy.init(context=made)
    # With a node that stays, DDS's participant does too: to make and destroy one for each example takes long, and Fast
    # DDS has been seen waiting for ever in the end of one.
    lasting = Node('lasting', context=made)
    yield made
    lasting.destroy_node()
    rclpy.shutdown(context=made)


@pytest.fixture(scope='module')
def node(context):
    made = SerNode(context=context)
    yield made
    made.destroy_node()


def is_sentence(text: str) -> bool:
    return 10 < len(text) < 500


@FAST
@given(given_values=st.dictionaries(names, values, min_size=1, max_size=3))
def test_at_start_they_are_taken_or_refused_in_a_sentence(context, given_values):
    overrides = [Parameter(name, value=value) for name, value in given_values.items()]
    node = Node('fuzzed', context=context, parameter_overrides=overrides, start_parameter_services=False)
    try:
        declare_parameters(node, SPECS)
    except SerError as error:
        assert is_sentence(str(error))
    else:
        read_parameters(node)
    finally:
        node.destroy_node()


@FAST
@given(changes=st.lists(st.tuples(names, values), min_size=1, max_size=4))
def test_while_it_lives_they_are_taken_or_refused_and_nothing_between(node, changes):
    before = {spec.name: node.get_parameter(spec.name).value for spec in SPECS}
    results = node.set_parameters([Parameter(name, value=value) for name, value in changes])
    after = dict(before)
    for (name, value), result in zip(changes, results, strict=True):
        if result.successful:
            after[name] = value
        else:
            assert is_sentence(result.reason)
    assert {spec.name: node.get_parameter(spec.name).value for spec in SPECS} == after
    assert node._settings == read_parameters(node)
