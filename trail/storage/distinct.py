"""Number the distinct texts of Arrow columns, so that names are looked up once and not by record.

Hashing each column once costs a fraction of what joins on texts cost for every record.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Places = npt.NDArray[np.int64]


def distinct(table: pa.Table, names: Sequence[str]) -> tuple[Places, pa.Table]:
    """Return for each row the place of its texts among the distinct ones, and those.

    The second has the columns *names* and `place` (from 0). The columns must have no nulls.
    """
    places = np.zeros(table.num_rows, np.int64)
    for name in names:
        codes, number = _codes(table[name])
        places, _ = _codes(pa.array(places * max(number, 1) + codes))
    # Assigned backwards, so that the first row of each place remains.
    rows = np.zeros(int(places.max(initial=-1)) + 1, np.int64)
    rows[places[::-1]] = np.arange(table.num_rows - 1, -1, -1)
    found = table.select(list(names)).take(pa.array(rows))
    return places, found.append_column("place", pa.array(np.arange(len(rows))))


def spread(found: pa.Table, places: Places) -> pa.Table:
    """Return for each of *places* the row of *found*, which has one for each place, in order.

    Texts become dictionaries.
    """
    rows = pa.array(places)
    columns = {}
    for name, values in zip(found.column_names, found.columns, strict=True):
        one = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
        is_text = pa.types.is_string(one.type)
        columns[name] = pa.DictionaryArray.from_arrays(rows, one) if is_text else one.take(rows)
    return pa.table(columns)


def _codes(values: pa.Array | pa.ChunkedArray) -> tuple[Places, int]:
    encoded = values.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # of no rows
        return np.zeros(0, np.int64), 0
    return encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)
