namespace MixtralVk.Cpu.Bytes;

/// <summary>
/// The operations of one instruction set that products of bytes are made of. A register holds a 32-bit word of each of several rows. Sums
/// of products are exact integers, and what is done with their floats rounds after each operation: so all instruction sets give the same
/// bits.
/// </summary>
/// <typeparam name="TRegister">A register of 32-bit integers.</typeparam>
internal unsafe interface IByteLanes<TRegister> where TRegister : struct
{
    /// <summary>Whether this processor has the instructions.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>Words of a register: a divisor of 16.</summary>
    static abstract int Count { get; }

    /// <summary>Words of neighbouring rows.</summary>
    static abstract TRegister Load(int* words);

    /// <summary>Writes the words of neighbouring rows.</summary>
    static abstract void Store(TRegister register, int* words);

    /// <summary>The low nibbles of each byte, or the high ones.</summary>
    static abstract TRegister Nibbles(TRegister words, bool high);

    /// <summary>The same word for every row.</summary>
    static abstract TRegister Broadcast(int* word);

    /// <summary>The form of a level that stands for zero that <see cref="Start"/> takes.</summary>
    static abstract TRegister Zero(int level);

    /// <summary>
    /// An open sum that begins with minus zero * the activations: (level - zero) * activation is summed as level * activation. An open sum
    /// may have less bits than 32: <see cref="Quantization.LevelSum"/> says how much can be added before it is closed.
    /// </summary>
    static abstract TRegister Start(int pairs, TRegister zero);

    /// <summary>An open sum plus four products of a level (0 .. 63) and an activation.</summary>
    static abstract TRegister Add(TRegister open, TRegister levels, TRegister activations);

    /// <summary>A 32-bit sum plus four products of a signed byte and an activation.</summary>
    static abstract TRegister AddSigned(TRegister sum, TRegister bytes, TRegister activations);

    /// <summary>The 32-bit sum of an open one.</summary>
    static abstract TRegister Close(TRegister open);

    /// <summary>The 32-bit sum of an open one times each row's scale; a word holds the scale (-128 .. 127) in both 16-bit halves.</summary>
    static abstract TRegister Close(TRegister open, int* scales);

    /// <summary>a + b of 32-bit integers.</summary>
    static abstract TRegister Plus(TRegister a, TRegister b);

    /// <summary>sums[row] + products[row] * (scales[row] * scale); sums are floats.</summary>
    static abstract TRegister Accumulate(TRegister products, float* scales, float scale, TRegister sums);

    /// <summary>sums[row] + products[row] * (scales[row] * scale) + offsets[row] * activations; sums are floats.</summary>
    static abstract TRegister Accumulate(TRegister products, float* scales, float scale, float* offsets, float activations, TRegister sums);
}
