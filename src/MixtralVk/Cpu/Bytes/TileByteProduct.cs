using System.Runtime.CompilerServices;
using MixtralVk.Quantization;

namespace MixtralVk.Cpu.Bytes;

/// <summary>
/// 64 rows of levels by a few tokens of bytes. Sums of 32 columns are exact; their products with the scales are added by ascending columns,
/// each operation rounded: so token count, threads and instruction set change no bit.
/// </summary>
internal static unsafe class TileByteProduct<TLanes, TRegister> where TLanes : IByteLanes<TRegister> where TRegister : struct
{
    private const int Rows = RowTileLayout.TileRows;

    // From so many tokens on it is faster to unpack nibbles once, through memory, than once for every four tokens.
    private const int ManyTokens = 8;

    /// <summary>See <see cref="ByteProduct.Run"/>.</summary>
    [SkipLocalsInit]
    public static void Run(in TiledMatrix matrix, LevelCoding levels, int tile, byte* next, ActivationBlock** inputs,
        int tokens, float* sums)
    {
        byte* scratch = stackalloc byte[LevelPanels.Bytes + 63], data = matrix.Tile(tile);
        var panels = new LevelPanels((byte*)((nint)(scratch + 63) & ~(nint)63));
        BlockFormat format = BlockFormat.Of(matrix.Layout.Format);
        new Span<float>(sums, tokens * Rows).Clear();
        int cols = matrix.Layout.Cols, count = cols / ActivationBlock.Cols;
        for (int first = 0; first < count; first += LevelPanels.Most)
        {
            panels.Count = Math.Min(LevelPanels.Most, count - first);
            format.Unpack(data, cols, first, ref panels);
            if (tokens >= ManyTokens) panels.UnpackNibbles();
            Ahead ahead = first + LevelPanels.Most < count
                ? new Ahead(format, data, count, first + LevelPanels.Most, panels.AreCopies)
                : new Ahead(format, next, count, 0, withLevels: true);
            switch (levels.Sum)
            {
                case LevelSum.Centred: Packed<Centred>(levels.Zero, panels, ahead, inputs, first, tokens, sums); break;
                case LevelSum.Offset: Packed<Offset>(levels.Zero, panels, ahead, inputs, first, tokens, sums); break;
                case LevelSum.OffsetHalves: Tokens<OffsetHalves, ByteLevels, ByteLevels>(levels.Zero, panels, ahead, inputs, first,
                    tokens, sums); break;
                case LevelSum.ScaledHalves: Tokens<ScaledHalves, ByteLevels, ByteLevels>(levels.Zero, panels, ahead, inputs, first,
                    tokens, sums); break;
                case LevelSum.Signed: Tokens<Signed, ByteLevels, ByteLevels>(levels.Zero, panels, ahead, inputs, first,
                    tokens, sums); break;
            }
        }
    }

    private static void Packed<TSum>(int zero, in LevelPanels panels, Ahead ahead, ActivationBlock** inputs, int first,
        int tokens, float* sums)
        where TSum : ILevelSum
    {
        switch (panels.Packing)
        {
            case LevelPacking.Bytes: Tokens<TSum, ByteLevels, ByteLevels>(zero, panels, ahead, inputs, first, tokens, sums); break;
            case LevelPacking.NibbleHalves: Tokens<TSum, NibbleHalves, NibbleHalves>(zero, panels, ahead, inputs, first,
                tokens, sums); break;
            case LevelPacking.NibblePairs: Tokens<TSum, LowNibbles, HighNibbles>(zero, panels, ahead, inputs, first, tokens, sums); break;
        }
    }

    private static void Tokens<TSum, TEven, TOdd>(int zero, in LevelPanels panels, Ahead ahead, ActivationBlock** inputs, int first,
        int tokens, float* sums)
        where TSum : ILevelSum where TEven : ILevelSource where TOdd : ILevelSource
    {
        int t = 0;
        for (; t <= tokens - 4; t += 4, sums += 4 * Rows, ahead = default)
            FourTokens<TSum, TEven, TOdd>(zero, panels, ahead, inputs[t] + first, inputs[t + 1] + first, inputs[t + 2] + first,
                inputs[t + 3] + first, sums);
        for (; t < tokens; t++, sums += Rows, ahead = default) OneToken<TSum, TEven, TOdd>(zero, panels, ahead, inputs[t] + first, sums);
    }

    /// <summary>The sums of some rows stay in registers for all panels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneToken<TSum, TEven, TOdd>(int zero, in LevelPanels panels, Ahead ahead, ActivationBlock* x, float* sums)
        where TSum : ILevelSum where TEven : ILevelSource where TOdd : ILevelSource
    {
        int lanes = TLanes.Count;
        TRegister minusZero = TLanes.Zero(zero);
        for (int r = 0; r < Rows; r += 4 * lanes)
        {
            int* to = (int*)sums + r;
            TRegister a = TLanes.Load(to), b = TLanes.Load(to + lanes), c = TLanes.Load(to + 2 * lanes), d = TLanes.Load(to + 3 * lanes);
            for (int panel = 0; panel < panels.Count; panel++)
            {
                if (r == 0) ahead.Fetch(panel);
                if (typeof(TOdd) != typeof(HighNibbles))
                    Panel<TSum, TEven>(panels, panel, r, minusZero, x + panel, ref a, ref b, ref c, ref d);
                else if (panel % 2 == 0) TwoPanels<TSum>(panels, panel, r, minusZero, x + panel, ref a, ref b, ref c, ref d);
            }
            TLanes.Store(a, to);
            TLanes.Store(b, to + lanes);
            TLanes.Store(c, to + 2 * lanes);
            TLanes.Store(d, to + 3 * lanes);
        }
    }

    /// <summary>Two panels that share words, which are read once: memory never rests.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TwoPanels<TSum>(in LevelPanels panels, int panel, int r, TRegister minusZero, ActivationBlock* x,
        ref TRegister sumsA, ref TRegister sumsB,
        ref TRegister sumsC, ref TRegister sumsD) where TSum : ILevelSum
    {
        int lanes = TLanes.Count;
        int* words = panels.Words + panel * panels.WordStep + r, halfScales = panels.HalfScales + panel * 2 * Rows, low = (int*)x,
            high = (int*)(x + 1);
        float* scales = panels.Scales + panel * panels.ScaleStep, nextScales = scales + panels.ScaleStep;
        float* offsets = panels.Offsets + panel * Rows, nextOffsets = offsets + Rows;
        float scale = x->Scale, sum = x->Sum, nextScale = x[1].Scale, nextSum = x[1].Sum;
        TRegister a0 = Start<TSum>(x, false, minusZero), b0 = a0, c0 = a0, d0 = a0, a1 = Start<TSum>(x + 1, false, minusZero),
            b1 = a1, c1 = a1, d1 = a1;
        for (int w = 0; w < 8; w++)
        {
            TRegister y0 = TLanes.Broadcast(low + w), y1 = TLanes.Broadcast(high + w);
            int* from = words + w * Rows;
            TRegister a = TLanes.Load(from), b = TLanes.Load(from + lanes), c = TLanes.Load(from + 2 * lanes),
                d = TLanes.Load(from + 3 * lanes);
            a0 = Add<TSum>(a0, TLanes.Nibbles(a, high: false), y0);
            a1 = Add<TSum>(a1, TLanes.Nibbles(a, high: true), y1);
            b0 = Add<TSum>(b0, TLanes.Nibbles(b, high: false), y0);
            b1 = Add<TSum>(b1, TLanes.Nibbles(b, high: true), y1);
            c0 = Add<TSum>(c0, TLanes.Nibbles(c, high: false), y0);
            c1 = Add<TSum>(c1, TLanes.Nibbles(c, high: true), y1);
            d0 = Add<TSum>(d0, TLanes.Nibbles(d, high: false), y0);
            d1 = Add<TSum>(d1, TLanes.Nibbles(d, high: true), y1);
        }
        sumsA = Close<TSum>(a0, a0, halfScales, scales, offsets, scale, sum, r, sumsA);
        sumsB = Close<TSum>(b0, b0, halfScales, scales, offsets, scale, sum, r + lanes, sumsB);
        sumsC = Close<TSum>(c0, c0, halfScales, scales, offsets, scale, sum, r + 2 * lanes, sumsC);
        sumsD = Close<TSum>(d0, d0, halfScales, scales, offsets, scale, sum, r + 3 * lanes, sumsD);
        sumsA = Close<TSum>(a1, a1, halfScales, nextScales, nextOffsets, nextScale, nextSum, r, sumsA);
        sumsB = Close<TSum>(b1, b1, halfScales, nextScales, nextOffsets, nextScale, nextSum, r + lanes, sumsB);
        sumsC = Close<TSum>(c1, c1, halfScales, nextScales, nextOffsets, nextScale, nextSum, r + 2 * lanes, sumsC);
        sumsD = Close<TSum>(d1, d1, halfScales, nextScales, nextOffsets, nextScale, nextSum, r + 3 * lanes, sumsD);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Panel<TSum, TSource>(in LevelPanels panels, int panel, int r, TRegister minusZero, ActivationBlock* x,
        ref TRegister sumsA,
        ref TRegister sumsB, ref TRegister sumsC, ref TRegister sumsD) where TSum : ILevelSum where TSource : ILevelSource
    {
        int lanes = TLanes.Count;
        int* words = panels.Words + panel * panels.WordStep + r, halfScales = panels.HalfScales + panel * 2 * Rows, levels = (int*)x;
        float* scales = panels.Scales + panel * panels.ScaleStep, offsets = panels.Offsets + panel * Rows;
        float scale = x->Scale, sum = x->Sum;
        TRegister a = Start<TSum>(x, false, minusZero), b = a, c = a, d = a;
        for (int w = 0; w < 4; w++)
        {
            TRegister bytes = TLanes.Broadcast(levels + w);
            int* from = words + w * Rows;
            a = Add<TSum>(a, TSource.Load<TLanes, TRegister>(from, false), bytes);
            b = Add<TSum>(b, TSource.Load<TLanes, TRegister>(from + lanes, false), bytes);
            c = Add<TSum>(c, TSource.Load<TLanes, TRegister>(from + 2 * lanes, false), bytes);
            d = Add<TSum>(d, TSource.Load<TLanes, TRegister>(from + 3 * lanes, false), bytes);
        }
        TRegister a0 = a, b0 = b, c0 = c, d0 = d;
        if (TSum.InHalves) a = b = c = d = Start<TSum>(x, true, minusZero);
        for (int w = 0; w < 4; w++)
        {
            TRegister bytes = TLanes.Broadcast(levels + 4 + w);
            int* from = words + w * Rows;
            a = Add<TSum>(a, TSource.Load<TLanes, TRegister>(from, true), bytes);
            b = Add<TSum>(b, TSource.Load<TLanes, TRegister>(from + lanes, true), bytes);
            c = Add<TSum>(c, TSource.Load<TLanes, TRegister>(from + 2 * lanes, true), bytes);
            d = Add<TSum>(d, TSource.Load<TLanes, TRegister>(from + 3 * lanes, true), bytes);
        }
        sumsA = Close<TSum>(a0, a, halfScales, scales, offsets, scale, sum, r, sumsA);
        sumsB = Close<TSum>(b0, b, halfScales, scales, offsets, scale, sum, r + lanes, sumsB);
        sumsC = Close<TSum>(c0, c, halfScales, scales, offsets, scale, sum, r + 2 * lanes, sumsC);
        sumsD = Close<TSum>(d0, d, halfScales, scales, offsets, scale, sum, r + 3 * lanes, sumsD);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourTokens<TSum, TEven, TOdd>(int zero, in LevelPanels panels, Ahead ahead, ActivationBlock* x0,
        ActivationBlock* x1, ActivationBlock* x2,
        ActivationBlock* x3, float* sums) where TSum : ILevelSum where TEven : ILevelSource where TOdd : ILevelSource
    {
        TRegister minusZero = TLanes.Zero(zero);
        for (int panel = 0; panel < panels.Count; panel++)
        {
            ahead.Fetch(panel);
            if (panel % 2 == 0) Panel<TSum, TEven>(panels, panel, minusZero, x0 + panel, x1 + panel, x2 + panel, x3 + panel, sums);
            else Panel<TSum, TOdd>(panels, panel, minusZero, x0 + panel, x1 + panel, x2 + panel, x3 + panel, sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Panel<TSum, TSource>(in LevelPanels panels, int panel, TRegister minusZero, ActivationBlock* x0,
        ActivationBlock* x1, ActivationBlock* x2,
        ActivationBlock* x3, float* sums) where TSum : ILevelSum where TSource : ILevelSource
    {
        int lanes = TLanes.Count;
        int* words = panels.Words + panel * panels.WordStep, halfScales = panels.HalfScales + panel * 2 * Rows;
        float* scales = panels.Scales + panel * panels.ScaleStep, offsets = panels.Offsets + panel * Rows;
        for (int r = 0; r < Rows; r += 2 * lanes)
        {
            TRegister a0 = Start<TSum>(x0, false, minusZero), a1 = Start<TSum>(x1, false, minusZero), b0 = a0, b1 = a1;
            TRegister a2 = Start<TSum>(x2, false, minusZero), a3 = Start<TSum>(x3, false, minusZero), b2 = a2, b3 = a3;
            for (int w = 0; w < 4; w++)
            {
                int* from = words + w * Rows + r;
                TRegister a = TSource.Load<TLanes, TRegister>(from, false), b = TSource.Load<TLanes, TRegister>(from + lanes, false);
                TRegister y0 = TLanes.Broadcast((int*)x0 + w), y1 = TLanes.Broadcast((int*)x1 + w);
                TRegister y2 = TLanes.Broadcast((int*)x2 + w), y3 = TLanes.Broadcast((int*)x3 + w);
                a0 = Add<TSum>(a0, a, y0);
                b0 = Add<TSum>(b0, b, y0);
                a1 = Add<TSum>(a1, a, y1);
                b1 = Add<TSum>(b1, b, y1);
                a2 = Add<TSum>(a2, a, y2);
                b2 = Add<TSum>(b2, b, y2);
                a3 = Add<TSum>(a3, a, y3);
                b3 = Add<TSum>(b3, b, y3);
            }
            TRegister c0 = a0, c1 = a1, c2 = a2, c3 = a3, d0 = b0, d1 = b1, d2 = b2, d3 = b3;
            if (TSum.InHalves)
            {
                a0 = b0 = Start<TSum>(x0, true, minusZero);
                a1 = b1 = Start<TSum>(x1, true, minusZero);
                a2 = b2 = Start<TSum>(x2, true, minusZero);
                a3 = b3 = Start<TSum>(x3, true, minusZero);
            }
            for (int w = 0; w < 4; w++)
            {
                int* from = words + w * Rows + r;
                TRegister a = TSource.Load<TLanes, TRegister>(from, true), b = TSource.Load<TLanes, TRegister>(from + lanes, true);
                TRegister y0 = TLanes.Broadcast((int*)x0 + 4 + w), y1 = TLanes.Broadcast((int*)x1 + 4 + w);
                TRegister y2 = TLanes.Broadcast((int*)x2 + 4 + w), y3 = TLanes.Broadcast((int*)x3 + 4 + w);
                a0 = Add<TSum>(a0, a, y0);
                b0 = Add<TSum>(b0, b, y0);
                a1 = Add<TSum>(a1, a, y1);
                b1 = Add<TSum>(b1, b, y1);
                a2 = Add<TSum>(a2, a, y2);
                b2 = Add<TSum>(b2, b, y2);
                a3 = Add<TSum>(a3, a, y3);
                b3 = Add<TSum>(b3, b, y3);
            }
            CloseInto<TSum>(c0, a0, halfScales, scales, offsets, x0->Scale, x0->Sum, r, sums);
            CloseInto<TSum>(d0, b0, halfScales, scales, offsets, x0->Scale, x0->Sum, r + lanes, sums);
            CloseInto<TSum>(c1, a1, halfScales, scales, offsets, x1->Scale, x1->Sum, r, sums + Rows);
            CloseInto<TSum>(d1, b1, halfScales, scales, offsets, x1->Scale, x1->Sum, r + lanes, sums + Rows);
            CloseInto<TSum>(c2, a2, halfScales, scales, offsets, x2->Scale, x2->Sum, r, sums + 2 * Rows);
            CloseInto<TSum>(d2, b2, halfScales, scales, offsets, x2->Scale, x2->Sum, r + lanes, sums + 2 * Rows);
            CloseInto<TSum>(c3, a3, halfScales, scales, offsets, x3->Scale, x3->Sum, r, sums + 3 * Rows);
            CloseInto<TSum>(d3, b3, halfScales, scales, offsets, x3->Scale, x3->Sum, r + lanes, sums + 3 * Rows);
        }
    }

    /// <summary>The sum of all columns, or of one half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TRegister Start<TSum>(ActivationBlock* x, bool second, TRegister minusZero) where TSum : ILevelSum =>
        TSum.HasZero ? TLanes.Start(TSum.InHalves ? second ? x->SecondPairs : x->FirstPairs : x->Pairs, minusZero) : default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TRegister Add<TSum>(TRegister sum, TRegister levels, TRegister activations) where TSum : ILevelSum =>
        TSum.IsSigned ? TLanes.AddSigned(sum, levels, activations) : TLanes.Add(sum, levels, activations);

    /// <summary>
    /// Scales the sums of both halves, or the sum of all columns, which is the second one, and adds them to the rows' sums.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TRegister Close<TSum>(TRegister first, TRegister second, int* halfScales, float* scales, float* offsets,
        float scale, float sum, int row,
        TRegister sums) where TSum : ILevelSum
    {
        TRegister products = second;
        if (TSum.IsScaled) products = TLanes.Plus(TLanes.Close(first, halfScales + row), TLanes.Close(second, halfScales + Rows + row));
        else if (TSum.InHalves) products = TLanes.Plus(TLanes.Close(first), TLanes.Close(second));
        else if (!TSum.IsSigned) products = TLanes.Close(second);
        return TSum.HasOffsets ? TLanes.Accumulate(products, scales + row, scale, offsets + row, sum, sums)
            : TLanes.Accumulate(products, scales + row, scale, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CloseInto<TSum>(TRegister first, TRegister second, int* halfScales, float* scales, float* offsets,
        float scale, float sum, int row,
        float* sums) where TSum : ILevelSum
    {
        int* to = (int*)sums + row;
        TLanes.Store(Close<TSum>(first, second, halfScales, scales, offsets, scale, sum, row, TLanes.Load(to)), to);
    }
}
