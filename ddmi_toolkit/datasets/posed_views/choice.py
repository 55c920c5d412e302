"""Which of an object's views are taken."""

import re

_SLICE = re.compile(r'(not )?(-?\d*):(-?\d*)(?::(\d*))?')


def choose_views(choice: str | None, count: int, name: str = 'the object') -> list[int]:
    """Indices of the views that a text chooses.

    Args:
        choice: A slice such as ``'::10'``, ``'40:'`` or ``'0:40:2'``; with ``'not '`` in front the
            views that it leaves; None takes all.
        count: Number of views that there are.
        name: Of the object, for the message.

    Raises:
        ValueError: The text is no such slice, or leaves no views.
    """
    if choice is None:
        return list(range(count))
    match = _SLICE.fullmatch(choice.strip()) if isinstance(choice, str) else None
    if match is None or match[4] == '0':
        raise ValueError(
            f"views={choice!r} is no choice; expected a slice such as '::10' or '40:', perhaps "
            f"with 'not ' in front"
        )
    bounds = [int(part) if part else None for part in match.groups()[1:]]
    taken = set(range(count)[slice(*bounds)])
    chosen = [i for i in range(count) if (i in taken) != bool(match[1])]
    if not chosen:
        raise ValueError(f'views={choice!r} leaves none of the {count} views of {name}')
    return chosen
