"""zllrunning's face parser (face-parsing.PyTorch), with its names: what ``79999_iter.pth`` was saved from."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import resnet18

CLASSES = (
    *("background", "skin", "left_brow", "right_brow", "left_eye", "right_eye", "glasses", "left_ear", "right_ear"),
    *("earring", "nose", "mouth", "upper_lip", "lower_lip", "neck", "necklace", "cloth", "hair", "hat"),
)


class ConvBNReLU(nn.Module):
    def __init__(self, channels: int, out: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(features)))


class Output(nn.Module):
    def __init__(self, channels: int, middle: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(channels, middle, 3)
        self.conv_out = nn.Conv2d(middle, 19, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        return self.conv_out(self.conv(features))


class Attention(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(channels, 128, 3)
        self.conv_atten = nn.Conv2d(128, 128, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(128)

    def forward(self, features: Tensor) -> Tensor:
        features = self.conv(features)
        return features * torch.sigmoid(self.bn_atten(self.conv_atten(F.avg_pool2d(features, features.shape[2:]))))


class ContextPath(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.resnet = resnet18(weights=None)
        del self.resnet.fc
        self.arm16, self.arm32 = Attention(256), Attention(512)
        self.conv_head32, self.conv_head16 = ConvBNReLU(128, 128, 3), ConvBNReLU(128, 128, 3)
        self.conv_avg = ConvBNReLU(512, 128, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        net = self.resnet
        feat8 = net.layer2(net.layer1(net.maxpool(F.relu(net.bn1(net.conv1(image))))))
        feat16 = net.layer3(feat8)
        feat32 = net.layer4(feat16)
        average = F.interpolate(self.conv_avg(F.avg_pool2d(feat32, feat32.shape[2:])), feat32.shape[2:])
        up32 = self.conv_head32(F.interpolate(self.arm32(feat32) + average, feat16.shape[2:]))
        return feat8, self.conv_head16(F.interpolate(self.arm16(feat16) + up32, feat8.shape[2:]))


class FeatureFusion(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convblk = ConvBNReLU(256, 256, 1)
        self.conv1 = nn.Conv2d(256, 64, 1, bias=False)
        self.conv2 = nn.Conv2d(64, 256, 1, bias=False)

    def forward(self, fine: Tensor, context: Tensor) -> Tensor:
        features = self.convblk(torch.cat((fine, context), dim=1))
        attention = torch.sigmoid(self.conv2(F.relu(self.conv1(F.avg_pool2d(features, features.shape[2:])))))
        return features * attention + features


class OriginalBiSeNet(nn.Module):
    """Takes images normalized by ImageNet's mean and deviation; its classes are ``CLASSES``."""

    def __init__(self) -> None:
        super().__init__()
        self.cp = ContextPath()
        self.ffm = FeatureFusion()
        self.conv_out, self.conv_out16, self.conv_out32 = Output(256, 256), Output(128, 64), Output(128, 64)

    def forward(self, image: Tensor) -> Tensor:
        logits = self.conv_out(self.ffm(*self.cp(image)))
        return F.interpolate(logits, image.shape[2:], mode="bilinear", align_corners=True)
