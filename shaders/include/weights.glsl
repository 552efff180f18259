// How a product reads weights. Stream s is row s % RowsPerLane of this lane, of matrix s / RowsPerLane.
// Needs: weight_storage(matrix, index), weight_texel(matrix, index).

// A word of a stream; index: that of the first row of its quad. The four streams of a quad share one texel.
uint weight_word(uint stream, uint index)
{
    const uint matrix = stream / RowsPerLane, r = stream % QuadRows;
    return WeightFetch == 1u ? weight_texel(matrix, index / 4u)[r] : weight_storage(matrix, index + r);
}

// A half of a stream from a section [row] of halves, two rows a word; first: word of row 0; row: the first row of the quad.
float weight_half(uint stream, uint first, uint row)
{
    const uint matrix = stream / RowsPerLane, r = stream % QuadRows, index = first + (row + r) / 2u;
    if (QuadRows == 1u)
    {
        const vec2 pair = unpackHalf2x16(weight_storage(matrix, index));
        return (row & 1u) == 0u ? pair.x : pair.y;
    }
    if (WeightFetch == 0u) return unpackHalf2x16(weight_storage(matrix, index))[r & 1u];
    const uvec4 rows8 = weight_texel(matrix, (first + row / 2u) / 4u);
    const uvec2 rows4 = (row & 4u) == 0u ? rows8.xy : rows8.zw;
    return unpackHalf2x16(rows4[r / 2u])[r & 1u];
}
