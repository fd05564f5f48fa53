"""Layers: objects with parameters, a forward pass and a backward pass, named as in torch.nn where it has them."""

from minivision.layers.attention import AttentionPool2d
from minivision.layers.blocks import NormalizedConvs, ResidualBlock, conv_block
from minivision.layers.convolution import Conv2d, ConvTranspose2d
from minivision.layers.layer import Layer, Parameter, Sequential
from minivision.layers.linear import Flatten, Linear
from minivision.layers.normalization import BatchNorm2d
from minivision.layers.pointwise import Dropout, ReLU, Sigmoid
from minivision.layers.pooling import AvgPool2d, GlobalAvgPool2d, GlobalMaxPool2d, MaxPool2d, MaxUnpool2d
from minivision.layers.recurrent import LSTM, Embedding
from minivision.layers.regions import RoIAlign, RoIPool
from minivision.layers.space_to_depth import PixelUnshuffle
from minivision.layers.upsampling import BedOfNails, BilinearUpsample, NearestUpsample

__all__ = [
    "AttentionPool2d",
    "AvgPool2d",
    "BatchNorm2d",
    "BedOfNails",
    "BilinearUpsample",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAvgPool2d",
    "GlobalMaxPool2d",
    "LSTM",
    "Layer",
    "Linear",
    "MaxPool2d",
    "MaxUnpool2d",
    "NearestUpsample",
    "Parameter",
    "NormalizedConvs",
    "PixelUnshuffle",
    "ReLU",
    "ResidualBlock",
    "RoIAlign",
    "RoIPool",
    "Sequential",
    "Sigmoid",
    "conv_block",
]
