"""Judging fields by a classifier: known answers, chance, and what is missing."""

import pytest
import torch
from torch import nn

from ddmi_toolkit.evaluation import Result
from ddmi_toolkit.evaluation.attribute_accuracy import chance
from ddmi_toolkit.evaluation.judges import load_judge
from ddmi_toolkit.evaluation.weights import file_sha256
from ddmi_toolkit.models.classifiers import FieldClassifier
from ddmi_toolkit.registry import METRICS, MODELS

CONFIG = """
model = dict(
    type='_BallJudge',
    resolution=16,
    base_channels=8,
    headline=['size', 'height'],
    questions=dict(
        size=dict(small=dict(radius='small'), big=dict(radius='big')),
        height=dict(low=dict(height='low'), high=dict(height='high')),
        category=dict(ball=dict(class_name='ball'), egg=dict(class_name=['egg', '0042'])),
    ),
)
"""


class _BallJudge(FieldClassifier):
    """Knows balls: big is more than a quarter of the grid, high is above the middle."""

    def logits(self, grid):
        grid = grid.float()
        big = (grid.mean((1, 2, 3)) > 0.05).float()
        height = grid.sum((1, 3)) @ torch.arange(16.0) - 7.5 * grid.sum((1, 2, 3))
        found = dict(size=big, height=(height > 0).float(), category=0 * big)
        return {name: torch.stack([0.5 - v, v - 0.5], dim=-1) for name, v in found.items()}


@pytest.fixture
def judge_files(tmp_path, monkeypatch):
    """Config and checkpoint of a classifier that is always right about balls."""
    monkeypatch.setattr(
        MODELS, '_module_dict', {**MODELS.module_dict, 'FieldClassifier': _BallJudge}
    )
    config = tmp_path / 'configs' / 'classifiers' / 'balls.py'
    config.parent.mkdir(parents=True)
    config.write_text(CONFIG.replace('_BallJudge', 'FieldClassifier'))
    scope: dict = {}
    exec(CONFIG, scope)
    model = _BallJudge(**{k: v for k, v in scope['model'].items() if k != 'type'})
    checkpoint = tmp_path / 'iter_1.pth'
    torch.save(dict(meta=dict(iter=1), state_dict=model.state_dict()), checkpoint)
    return config, checkpoint


def metric(files, name='AttributeAccuracy', **options):
    """A metric of that classifier."""
    config, checkpoint = files
    return METRICS.build(
        dict(type=name, classifier=str(config), checkpoint=str(checkpoint), **options)
    )


def batch(sizes, heights, **meta):
    """What was asked for."""
    return dict(meta=dict(attributes=dict(radius=sizes, height=heights), **meta))


def balls(ball_field, *kinds):
    """A field of each kind: the size and where it is."""
    radius, y = dict(small=0.15, big=0.4), dict(low=-0.1, high=0.1)
    return [
        dict(field=ball_field(radius[size], (0.0, y[height], 0.0)), seed=i)
        for i, (size, height) in enumerate(kinds)
    ]


FOUR = [('small', 'low'), ('small', 'high'), ('big', 'low'), ('big', 'high')]


def test_fields_as_asked_are_all_right(judge_files, ball_field):
    """And chance is that of two even classes."""
    judged = metric(judge_files)
    judged.process(batch(*map(list, zip(*FOUR, strict=True))), balls(ball_field, *FOUR))
    found = judged.evaluate(4)
    for name in ('mean', 'exact', 'size', 'height'):
        assert found[f'attributes/{name}'] == 1
    assert found['attributes/chance'] == 0.5
    assert 'attributes/held_out' not in found


def test_wrong_fields_count_by_question(judge_files, ball_field):
    """One size and no height is wrong."""
    judged = metric(judge_files)
    asked = batch(['small', 'small', 'big', 'small'], ['low', 'high', 'low', 'high'])
    judged.process(asked, balls(ball_field, *FOUR))
    found = judged.evaluate(4)
    assert found['attributes/size'] == 0.75
    assert found['attributes/height'] == 1
    assert found['attributes/mean'] == 0.875
    assert found['attributes/exact'] == 0.75


def test_order_and_batches_do_not_matter(judge_files, ball_field):
    """The same values and protocol, one by one and backwards."""
    samples, values, protocols = balls(ball_field, *FOUR), [], []
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        judged = metric(judge_files)
        for i in order:
            judged.process(batch(['small'], [FOUR[i][1]]), [samples[i]])
        values.append(judged.evaluate(4))
        protocols.append(judged.protocol())
    assert values[0] == values[1]
    assert protocols[0] == protocols[1]


def test_only_what_a_caption_says_is_judged(judge_files, ball_field):
    """The size of the second is wrong, but nobody asked for it."""
    judged = metric(judge_files)
    stated = dict(radius=torch.tensor([True, False]), height=torch.tensor([False, True]))
    asked = batch(['small', 'big'], ['high', 'high'], stated=stated)
    judged.process(asked, balls(ball_field, ('small', 'low'), ('small', 'high')))
    found = judged.evaluate(2)
    assert found['attributes/mean'] == 1
    assert judged.protocol()['attributes']['num_asked'] == dict(size=1, height=1)


def test_the_protocol_names_the_classifier(judge_files, ball_field):
    """Its weights, grid, threshold and headline."""
    judged = metric(judge_files, questions=['size'], threshold=0.3)
    judged.process(batch(['small'], ['low']), balls(ball_field, FOUR[0]))
    judged.evaluate(1)
    found = judged.protocol()['attributes']
    assert found['classifier'] == 'classifiers/balls'
    assert len(found['checksum']) == 16
    assert found['grid'] == 'centers of 16^3 cells of the cube +-0.55'
    assert found['threshold'] == 0.3
    assert found['headline'] == ('size',)
    Result(metrics={'attributes/mean': 1.0}, protocol=judged.protocol())


def test_the_classifiers_own_accuracy_is_told(judge_files, ball_field, tmp_path):
    """Of its test result beside the file, if that is about this file."""
    values = {'classifier/mean': 0.9, 'classifier/size': 0.98, 'classifier/height': 0.96}
    for digest, expected in ((file_sha256(judge_files[1])[:16], 0.97), ('0' * 16, None)):
        Result(metrics=values, protocol=dict(classifier={}), checkpoint_hash=digest).save(
            tmp_path / 'result.json'
        )
        judged = metric(judge_files)
        judged.process(batch(['small'], ['low']), balls(ball_field, FOUR[0]))
        assert judged.evaluate(1).get('attributes/held_out') == (
            None if expected is None else pytest.approx(expected)
        )


def test_classes_are_judged_by_name_or_by_label(judge_files, ball_field):
    """Balls are balls; eggs are never seen."""
    by_name = metric(judge_files, 'ClassAccuracy')
    by_name.process(dict(meta=dict(class_name=['ball', '0042'])), balls(ball_field, *FOUR[:2]))
    by_label = metric(judge_files, 'ClassAccuracy', classes=['egg', 'ball'])
    by_label.process(dict(cond=torch.tensor([1, 0])), balls(ball_field, *FOUR[:2]))
    for judged in (by_name, by_label):
        assert judged.evaluate(2) == {
            'class/accuracy': 0.5,
            'class/chance': 0.5,
            'class/ball': 1.0,
            'class/egg': 0.0,
        }
        assert judged.protocol()['class']['num_asked'] == dict(ball=1, egg=1)


def test_chance_is_the_accuracy_of_shuffled_conditions():
    """Averaged over all permutations, by hand."""
    pairs = [(dict(a=s), dict(a=t)) for s, t in [(0, 0), (0, 1), (1, 1), (0, 2)]]
    seen, asked = [0, 0, 1, 0], [0, 1, 1, 2]
    by_hand = sum(s == t for s in seen for t in asked) / 16
    assert chance(pairs, 'a') == pytest.approx(by_hand)


def test_a_missing_condition_is_named(judge_files, ball_field):
    """With what the batch has, and where conditions come from."""
    judged = metric(judge_files)
    with pytest.raises(ValueError, match=r"no meta\['attributes'\].*has \['name'\].*SeedDataset"):
        judged.process(dict(meta=dict(name=['a'])), balls(ball_field, FOUR[0]))
    judged = metric(judge_files, 'ClassAccuracy')
    with pytest.raises(ValueError, match=r"class of sample 0.*reads \['class_name'\].*\['ball'"):
        judged.process(dict(meta=dict(class_name=['car'])), balls(ball_field, FOUR[0]))
    with pytest.raises(ValueError, match=r"ClassAccuracy judges fields; .* \['pred'\]"):
        judged.process(dict(meta=dict(class_name=['egg'])), [dict(pred=0)])


def test_nothing_asked_is_an_error(judge_files, ball_field):
    """No caption says a headline attribute."""
    judged = metric(judge_files)
    stated = dict(radius=torch.tensor([False]), height=torch.tensor([False]))
    judged.process(batch(['small'], ['low'], stated=stated), balls(ball_field, FOUR[0]))
    with pytest.raises(ValueError, match=r"none of \['size', 'height'\] was asked of any of 1"):
        judged.evaluate(1)


def test_unknown_questions_are_named(judge_files):
    """With those that there are."""
    with pytest.raises(ValueError, match=r"\['color'\]; the classifier classifiers/balls has"):
        metric(judge_files, questions=['color'])
    with pytest.raises(ValueError, match=r"question='color'; .*\['category', 'height', 'size'\]"):
        metric(judge_files, 'ClassAccuracy', question='color')


def test_an_untrained_classifier_says_how_to_train_it(judge_files, tmp_path, monkeypatch):
    """Before anything is generated."""
    monkeypatch.chdir(tmp_path)
    config, _ = judge_files
    with pytest.raises(FileNotFoundError, match=r'tools/train.py configs/classifiers/balls.py'):
        load_judge(config)
    with pytest.raises(
        FileNotFoundError, match=r'nowhere.py does not exist; .*configs/classifiers'
    ):
        load_judge('nowhere.py')
    other = tmp_path / 'other.py'
    other.write_text("model = dict(type='D2CVAE')")
    with pytest.raises(ValueError, match=r"has model\.type='D2CVAE'; expected 'FieldClassifier'"):
        load_judge(other)


def test_the_newest_checkpoint_of_the_work_folder_judges(judge_files, tmp_path, monkeypatch):
    """Where training writes it."""
    monkeypatch.chdir(tmp_path)
    config, checkpoint = judge_files
    folder = tmp_path / 'work_dirs' / 'classifiers' / 'balls'
    folder.mkdir(parents=True)
    checkpoint.rename(folder / 'iter_1.pth')
    judge = load_judge(config)
    assert judge.name == 'classifiers/balls'
    assert not any(p.requires_grad for p in judge.model.parameters())
    assert not any(isinstance(m, nn.Module) and m.training for m in judge.model.modules())
