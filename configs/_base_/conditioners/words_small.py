"""Words of the training captions, encoded by a small transformer that is trained along.

The vocabulary is taken from the captions by ``VocabularyHook`` when training begins.
"""

model = dict(
    conditioner=dict(
        type='WordConditioner',
        channels=128,
        depth=2,
        num_heads=4,
        max_words=32,
        max_vocabulary=256,
        drop_probability=0.1,
    )
)
