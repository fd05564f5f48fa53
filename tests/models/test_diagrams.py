"""Diagrams of networks: their shapes, losses and gradients are those of the models."""

import numpy as np
import pytest

from minivision.data import InMemory, Scenes, collate
from minivision.layers.watching import named_layers, watch
from minivision.models import make_model, system_class, systems
from minivision.models.diagrams import diagram

JOINTS = {"keypoint_names": ("hand", "foot"), "keypoint_classes": ("person",)}


def model_of(system):
    classes = ("background", "person") if system == "pose" else ("background", "disc", "person")
    return make_model(system, classes, **(JOINTS if system == "mask-rcnn" else {}))


@pytest.mark.parametrize("system", systems())
def test_every_parameter_lies_in_exactly_one_node(system):
    """A part that is added to a model and not to its diagram is found; containers of a drawn part are no nodes."""
    model = model_of(system)
    parts = [node.part for node in diagram(model).nodes if node.part]
    assert len(set(parts)) == len(parts)
    lacking = [
        name
        for name, layer in named_layers(model)
        if list(layer.parameters()) and not list(layer.parts())
        if not any(name == part or name.startswith(f"{part}.") for part in parts)
    ]
    beside = {"sliding-window": "net.layers.", "encoder-decoder": "narrow."}  # normalization, narrow 1 x 1 filters
    assert [name for name in lacking if not name.startswith(beside.get(system, "/"))] == []


@pytest.mark.parametrize("system", systems())
def test_the_losses_are_those_of_a_training_step(system):
    scenes = Scenes("easy", "val", **{"classes": ("disc", "person")} | system_class(system).scene_options)
    few = InMemory.collect((scenes[k] for k in range(4)), [(128, 128)] * 4, like=scenes)
    model = make_model(system, few.classes)
    dataset = model.prepare(few) or few
    losses = model.step(collate([dataset[k] for k in range(4)]))
    assert {node.title for node in diagram(model).nodes if node.kind == "loss"} == set(losses)


@pytest.mark.parametrize("system", systems())
def test_a_gradient_reaches_every_layer_along_the_arrows_and_no_image(system):
    network = diagram(model_of(system))
    kinds = [node.kind for node in network.nodes]
    for k, kind in enumerate(kinds):
        leaving = [arrow for arrow in network.arrows if arrow.start == k]
        if kind == "layer":
            assert any(arrow.gradient for arrow in leaving), network.nodes[k]
        if kind in ("image", "crop"):
            assert leaving and not any(arrow.gradient for arrow in leaving)
        if kind == "loss":
            assert not leaving


def test_shapes_are_those_of_the_forward_pass_and_change_with_the_image():
    seen = {}

    def remember(name, layer, result):
        seen[name] = result

    for size in ((64, 96), (128, 128)):
        model = model_of("faster-rcnn")
        nodes = {node.part: node for node in diagram(model, size).nodes if node.part}
        with watch(model, "forward", after=remember):
            model.predict([np.zeros((*size, 3), np.uint8)])
        for part in ("backbone.layers.0", "backbone.layers.2", "rpn.objectness", "rpn.deltas"):
            assert nodes[part].shape == seen[part].shape[1:]
        assert nodes["head.pool"].shape == seen["head.pool"].shape[1:] and nodes["head.pool"].regions


def test_options_change_the_diagram():
    with_skips, without = (diagram(make_model("encoder-decoder", ("background", "a"), skips=s)) for s in (True, False))
    assert len(with_skips.arrows) == len(without.arrows) + 2
    assert any(
        "max-unpool" == n.title
        for n in diagram(make_model("encoder-decoder", ("b", "a"), upsampling="max-unpool")).nodes
    )
    assert len(diagram(make_model("ssd", ("background", "a"), maps=4)).nodes) == len(diagram(model_of("ssd")).nodes) + 2
    plain = diagram(make_model("yolov2", ("background", "a"), passthrough=False))
    assert not any("passthrough" in node.title for node in plain.nodes)
    assert "RoI pooling" in {n.title for n in diagram(make_model("mask-rcnn", ("b", "a"), pooling="pool")).nodes}
