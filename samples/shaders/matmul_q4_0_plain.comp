#version 460
#extension GL_GOOGLE_include_directive : require
// A shader to try beside ours and to start from: the Q4_0 product written down plainly, one lane a row and a token.
//
//     mixtralvk kernels --shader samples/shaders/matmul_q4_0_plain.comp --kernel matmul_q4_0 --filter "1024x4096x1 shipped" --watch
//
// The interface is that of shaders/matmul/matmul_head.glsl: bindings, specialisation constants and push constants by their numbers. What a
// shader has no use for may be left out; the grid is made for our kernels (Lanes * RowsPerLane rows and TokensPerPass tokens a workgroup).
layout(local_size_x_id = 0) in;
layout(constant_id = 2) const uint RowsPerLane = 1;
layout(constant_id = 3) const uint TokensPerPass = 1;
layout(constant_id = 9) const uint Cols = 1;
layout(push_constant) uniform Push { uint outputRows; uint firstRow; uint outputStride; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Weights { uint w[]; };
layout(std430, set = 0, binding = 3) readonly buffer Input { float x[]; };
layout(std430, set = 0, binding = 6) buffer Output { float y[]; };

const uint Blocks = Cols / 32u;                                         // of a row
const uint TileWords = (Blocks * 64u * 18u + 255u) / 256u * 64u;        // 64 rows, padded to 256 bytes

// 32 columns at a time: 4 words of nibbles and a scale a row, neighbouring rows side by side (docs/design.md, "Weights").
float product(uint tile, uint row, uint token)
{
    float sum = 0.0;
    for (uint block = 0u; block < Blocks; ++block)
    {
        const vec2 scales = unpackHalf2x16(w[tile * TileWords + Blocks * 256u + block * 32u + row / 2u]);
        float part = 0.0;
        for (uint word = 0u; word < 4u; ++word)
        {
            const uint nibbles = w[tile * TileWords + (block * 4u + word) * 64u + row], column = token * Cols + block * 32u + word * 4u;
            for (uint i = 0u; i < 4u; ++i)
            {
                part += (float(nibbles >> (8u * i) & 15u) - 8.0) * x[column + i];
                part += (float(nibbles >> (8u * i + 4u) & 15u) - 8.0) * x[column + 16u + i];
            }
        }
        sum += part * ((row & 1u) == 0u ? scales.x : scales.y);
    }
    return sum;
}

void main()
{
    for (uint s = 0u; s < RowsPerLane; ++s)
        for (uint t = 0u; t < TokensPerPass; ++t)
        {
            const uint row = gl_GlobalInvocationID.x * RowsPerLane + s, token = gl_WorkGroupID.y * TokensPerPass + t;
            if (row < outputRows && token < rowCount) y[token * outputStride + firstRow + row] = product(row / 64u, row % 64u, token);
        }
}
