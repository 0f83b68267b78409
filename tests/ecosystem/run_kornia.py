"""kornia: colours, filters, geometry, features, losses and augmentations of images, each with its gradient."""
import kornia
import kornia.augmentation as K
import torch
from agree import agree, numbers
from kornia.geometry import (
    affine,
    get_perspective_transform,
    get_rotation_matrix2d,
    resize,
    rotate,
    transform_points,
    undistort_points,
    warp_affine,
    warp_perspective,
)

image = torch.sigmoid(numbers(2, 3, 24, 20))
other = torch.sigmoid(numbers(2, 3, 24, 20, seed=1))
corners = torch.tensor([[[0.0, 0], [19, 0], [19, 23], [0, 23]]]).expand(2, -1, -1)
moved = corners + torch.tensor([[1.0, 2], [-2, 1], [-1, -3], [2, -1]])
matrix = get_rotation_matrix2d(torch.tensor([[9.5, 11.5]] * 2), torch.tensor([30.0, -10.0]), torch.ones(2, 2))

CALLS = {
    "grey": kornia.color.rgb_to_grayscale,
    "hsv and back": lambda x: kornia.color.hsv_to_rgb(kornia.color.rgb_to_hsv(x) * 0.9),
    "lab": kornia.color.rgb_to_lab,
    "ycbcr": kornia.color.rgb_to_ycbcr,
    "brighter": lambda x: kornia.enhance.adjust_brightness(x, 0.2),
    "gamma": lambda x: kornia.enhance.adjust_gamma(x, 1.7),
    "hue": lambda x: kornia.enhance.adjust_hue(x, 0.3),
    "equalised in tiles": lambda x: kornia.enhance.equalize_clahe(x, grid_size=(2, 2)),
    "normalised": lambda x: kornia.enhance.normalize(x, torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.2, 0.3])),
    "gaussian": lambda x: kornia.filters.gaussian_blur2d(x, (5, 3), (1.5, 0.8)),
    "median": lambda x: kornia.filters.median_blur(x, 3),
    "bilateral": lambda x: kornia.filters.bilateral_blur(x, 3, 0.1, (1.0, 1.0)),
    "sobel": kornia.filters.sobel,
    "laplacian": lambda x: kornia.filters.laplacian(x, 3),
    "canny": lambda x: kornia.filters.canny(x)[0],
    "unsharp": lambda x: kornia.filters.unsharp_mask(x, (3, 3), (1.0, 1.0)),
    "resized": lambda x: resize(x, (13, 17), antialias=True),
    "rotated": lambda x: rotate(x, torch.tensor([20.0, 70.0])),
    "affine": lambda x: affine(x, matrix),
    "warped": lambda x: warp_perspective(x, get_perspective_transform(corners, moved), (24, 20)),
    "warped by an affine matrix": lambda x: warp_affine(x, matrix, (18, 18), mode="bicubic", padding_mode="reflection"),
    "pyramid": lambda x: kornia.geometry.build_pyramid(x, 3)[2],
    "dilated": lambda x: kornia.morphology.dilation(x, torch.ones(3, 3)),
    "opened": lambda x: kornia.morphology.opening(x, torch.ones(3, 3)),
    "harris": kornia.feature.harris_response,
    "ssim": lambda x: kornia.losses.ssim_loss(x, other, 5),
    "psnr": lambda x: kornia.losses.psnr_loss(x, other, 1.0),
    "total variation": kornia.losses.total_variation,
    "dct": lambda x: kornia.enhance.jpeg_codec_differentiable(x[..., :16, :16], torch.tensor([50.0, 50.0])),
}  # fmt: skip


def calls():
    """The mean and the spread of each result, and those of its gradient."""
    for name, call in CALLS.items():
        x = image.clone().requires_grad_()
        result = call(x)
        figures = [result.mean().item(), result.abs().max().item()]
        if not result.requires_grad:                            # by tables, or by yes and no
            agree(name, figures, rtol=2e-3, atol=1e-4)
            continue
        result.square().sum().backward()
        agree(name, [*figures, x.grad.mean().item(), x.grad.norm().item()], rtol=2e-3, atol=1e-4)


def geometry():
    points = transform_points(get_perspective_transform(corners, moved), corners)
    agree("corners where they were sent", points, moved, atol=1e-3)
    camera = torch.tensor([[[30.0, 0, 10], [0, 30.0, 12], [0, 0, 1]]])
    agree("undistorted", undistort_points(corners[:1], camera, torch.tensor([[0.1, -0.05, 0.001, 0.002]])), rtol=1e-3)
    rotation = kornia.geometry.axis_angle_to_rotation_matrix(torch.tensor([[0.1, 0.2, 0.3]]))
    agree("rotation and back", kornia.geometry.rotation_matrix_to_axis_angle(rotation), [[0.1, 0.2, 0.3]])
    q = kornia.geometry.quaternion.Quaternion.from_axis_angle(torch.tensor([[0.1, 0.2, 0.3]]))
    agree("quaternion", q.matrix() - rotation, torch.zeros(1, 3, 3).tolist())
    first, second = numbers(1, 12, 2), transform_points(torch.tensor([[[1.1, 0.1, 0.3], [-0.1, 0.9, 0.2], [0.05, 0.0, 1.0]]]), numbers(1, 12, 2))
    found = kornia.geometry.find_homography_dlt(first, second)
    agree("homography", found, [[[1.1, 0.1, 0.3], [-0.1, 0.9, 0.2], [0.05, 0.0, 1.0]]], atol=2e-3)


def features():
    detector = kornia.feature.ScaleSpaceDetector(num_features=5, resp_module=kornia.feature.BlobHessian())
    frames, responses = detector(torch.nn.functional.interpolate(image[:1, :1], scale_factor=3, mode="bicubic"))
    assert frames.shape == (1, 5, 2, 3) and responses.shape == (1, 5)
    agree("responses", responses.sort(descending=True).values[0], rtol=1e-2)
    distances, pairs = kornia.feature.match_mnn(numbers(8, 16), numbers(8, 16)[[3, 1, 0, 2, 7, 6, 5, 4]] + 0.01)
    assert pairs.tolist() == [[0, 2], [1, 1], [2, 3], [3, 0], [4, 7], [5, 6], [6, 5], [7, 4]] and distances.max() < 0.1


def augmentations():
    torch.manual_seed(0)
    pipeline = K.AugmentationSequential(
        K.RandomHorizontalFlip(p=1.0), K.RandomAffine(20, translate=(0.1, 0.1), scale=(0.8, 1.2), p=1.0), K.ColorJiggle(0.1, 0.1, 0.1, 0.1, p=1.0),
        K.RandomGaussianNoise(std=0.05, p=0.5), K.RandomErasing(p=0.5), data_keys=["input", "keypoints"],
    )  # fmt: skip
    x = image.clone().requires_grad_()
    result, points = pipeline(x, corners)
    assert result.shape == x.shape and points.shape == (2, 4, 2)
    result.sum().backward()
    assert x.grad.abs().sum() > 0
    again, _ = pipeline(image, corners, params=pipeline._params)
    assert torch.equal(again, result)
    flip = K.RandomHorizontalFlip(p=1.0)
    assert torch.equal(flip(image), image.flip(-1)) and torch.equal(flip.inverse(flip(image)), image)
    cut = K.CenterCrop(10)(image)
    agree("centre", (cut - image[..., 7:17, 5:15]).abs().max().item(), 0.0, atol=1e-5)


if __name__ == "__main__":
    calls()
    geometry()
    features()
    augmentations()
