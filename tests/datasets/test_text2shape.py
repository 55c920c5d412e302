"""Text2Shape: the quirks of its captions, joined with shapes, and the real files."""

import numpy as np
import pytest
from test_shapenet_occupancy import write_shape

from ddmi_toolkit.datasets.caption_files import read_captions
from ddmi_toolkit.datasets.occnet_format import write_split
from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.structures import Draw

HEADER = 'id,modelId,description,category,topLevelSynsetId,subSynsetId\n'
ROWS = """\
1,aa,"A chair, with ""two"" arms",Chair,03001627,04331277
2,aa,A BROWN CHAIR,Chair,03001627,04331277
3,aa,a brown chair.,Chair,03001627,04331277
4,bb,It is  a chiar.It is grey,Table,4379243,4379243
5,bb,,Table,4379243,4379243
6,bb,...,Table,4379243,4379243
7,,a chair,Chair,03001627,03001627
8,zz,a sofa,Chair,03001627,03001627
"""


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / 'captions.csv'
    path.write_text(HEADER + ROWS, encoding='utf-8')
    return path


@pytest.fixture
def root(tmp_path):
    """Two shapes with captions and one without, of two classes."""
    for class_id, name in [('03001627', 'aa'), ('03001627', 'cc'), ('04379243', 'bb')]:
        write_shape(tmp_path / 'shapes' / class_id / name)
    write_split(tmp_path / 'shapes/03001627/train.lst', ['aa', 'cc'])
    write_split(tmp_path / 'shapes/04379243/train.lst', ['bb'])
    return tmp_path / 'shapes'


def build(csv, root, **changes):
    pipeline = [dict(type='DrawCaption'), dict(type='PackShape', cond='caption')]
    return DATASETS.build(
        dict(type='Text2Shape', captions=str(csv), shapes=dict(root=str(root)), pipeline=pipeline)
        | changes
    )


def test_quirks_of_the_file(csv):
    """Capitals, quoted commas, repetitions, nothing said, lost zeros; misspellings stay."""
    file = read_captions(csv)
    assert file.captions == dict(
        aa=['A chair, with "two" arms', 'a brown chair'],
        bb=['It is a chiar.It is grey'],
        zz=['a sofa'],
    )
    assert file.classes['aa'] == ('03001627', 'chair')
    assert file.classes['bb'] == ('04379243', 'table')
    assert file.left_out == dict(empty=3, repeated=1)


def test_captions_are_joined_with_their_shapes(csv, root, monkeypatch):
    """One line says what has no partner."""
    lines = []
    monkeypatch.setattr(
        'ddmi_toolkit.datasets.text2shape.print_log', lambda text, **_: lines.append(text)
    )
    data = build(csv, root)
    assert [data[i]['meta']['name'] for i in range(2)] == ['03001627/aa', '04379243/bb']
    assert data[1]['cond'] == 'It is a chiar.It is grey'
    assert data[1]['meta']['label'] == 1
    assert sorted(data.captions()) == [
        'A chair, with "two" arms',
        'It is a chiar.It is grey',
        'a brown chair',
    ]
    assert lines == [
        'captions.csv: 3 captions of 2 shapes; 1 shapes have none, 1 shapes with captions are not '
        "in split 'train'; captions left out: 3 empty, 1 repeated"
    ]


def test_a_caption_is_drawn_at_every_visit(csv, root):
    drawn = [build(csv, root)[Draw(0, visit)]['cond'] for visit in range(12)]
    assert set(drawn) == {'A chair, with "two" arms', 'a brown chair'}


def test_long_captions_are_left_out(csv, root):
    """Shapes that have no other go with them."""
    data = build(csv, root, max_words=3)
    assert len(data) == 1
    assert data[0]['cond'] == 'a brown chair'
    with pytest.raises(ValueError, match='at most max_words=1 words'):
        build(csv, root, max_words=1)


def test_errors_name_the_remedy(csv, root, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.csv do not exist; .*text2shape'):
        build(tmp_path / 'none.csv', root)
    (tmp_path / 'other.csv').write_text('shape,text\na,b\n')
    with pytest.raises(
        ValueError, match=r"no column \['modelId', 'description'\]; it has \['shape'"
    ):
        build(tmp_path / 'other.csv', root)
    (tmp_path / 'empty.csv').write_text(HEADER)
    with pytest.raises(ValueError, match='holds no caption'):
        build(tmp_path / 'empty.csv', root)
    (tmp_path / 'foreign.csv').write_text(HEADER + '1,qq,a chair,Chair,03001627,03001627\n')
    with pytest.raises(
        ValueError, match=r"e\.g\. \['qq'\], is among the 3 .* e\.g\. \['aa', 'cc'\]"
    ):
        build(tmp_path / 'foreign.csv', root)


def test_real_captions_and_their_preprocessed_copy_agree(data_root):
    """The same shapes and classes, though the copy lost the synsets' zeros."""
    folder = data_root / 'text2shape_sample'
    raw = read_captions(folder / 'captions.tablechair.sample.csv')
    copy = read_captions(folder / 'test_captions.csv')
    assert set(copy.captions) < set(raw.captions)
    for shape in copy.captions:
        assert raw.classes[shape] == copy.classes[shape]
    assert raw.captions['1dffc3840500e89ab8e1b99345a5afd4'] == [
        'a clear glass top and gray wooden center table'
    ]


def test_real_voxels_stand_upright(data_root, tmp_path):
    """Tables are widest near their top; chairs have mirror symmetry across x, not across z."""
    pytest.importorskip('nrrd')
    from ddmi_toolkit.geometry.shape_files import load_voxels

    folder = data_root / 'text2shape_sample/nrrd_32_solid'
    table = load_voxels(folder / 'df5b55da209637624b3c42e318f3affc.nrrd', '')
    height = np.flatnonzero(table.any((0, 2)))
    assert table[:, height[-1]].sum() > 2 * table[:, height[1]].sum()
    chair = load_voxels(folder / '6730f663d0e012506f525e79a05bbcb3.nrrd', '')
    used = [np.flatnonzero(chair.any(tuple({0, 1, 2} - {a}))) for a in range(3)]
    chair = chair[np.ix_(*used)]
    overlap = [(chair & np.flip(chair, a)).sum() / chair.sum() for a in (0, 2)]
    assert overlap[0] > 0.8 > 0.6 > overlap[1]
