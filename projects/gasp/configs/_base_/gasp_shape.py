"""GASP on shapes, in sizes for CPUs; published sizes are in gasp_shapenet_chair_paper.py.

Sets are uniform points of the box with their occupancies. As published, the generated network has
the coordinates themselves as its input.
"""

_base_ = './gasp_image.py'
model = dict(
    layout=dict(
        _delete_=True,
        axes=[dict(name=a, size=32, low=-0.55, high=0.55) for a in 'xyz'],
        planes=['xy'],
        latent_stride=32,
    ),
    generator=dict(
        out_channels=1,
        width=48,
        # Values are logits; the discriminator is shown their probabilities.
        network=dict(num_frequencies=0, is_bounded=False),
    ),
    adversarial=dict(
        set=dict(
            is_binary=True,
            layers=[
                dict(channels=24, num_neighbors=12),
                dict(num_points=192, num_neighbors=12),
                dict(channels=48, num_neighbors=16),
                dict(num_points=48, num_neighbors=16),
                dict(channels=96, num_neighbors=16),
                dict(num_points=12, num_neighbors=16),
            ],
        )
    ),
)
