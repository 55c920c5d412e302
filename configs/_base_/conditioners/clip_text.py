"""Frozen text tower of CLIP: one token per word for cross-attention, and the pooled vector."""

model = dict(
    conditioner=dict(
        type='TextConditioner', model='ViT-L-14', pretrained='openai', drop_probability=0.1
    )
)
