namespace MixtralVk.Testing.Fuzzing;

/// <summary>
/// A parser of data from strangers, with what is needed to make up such data. A further parser is one more entry in <see cref="All"/>.
/// </summary>
public abstract class FuzzTarget
{
    /// <summary>The parsers.</summary>
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new GgufTarget(),
        new PackedTarget(),
        new SplitGgufTarget(),
        new TokenizerTarget(),
        new SafetensorsTarget(),
        new SentencePieceTarget(),
        new TokenizerJsonTarget(),
        new SaveTarget(),
    ];

    /// <summary>Name for the command line and the folder of found cases.</summary>
    public abstract string Name { get; }

    /// <summary>Good inputs to begin with.</summary>
    public abstract IReadOnlyList<byte[]> Seeds { get; }

    /// <summary>An input built anew by the format's own rules, with lies in it.</summary>
    public abstract byte[] Generate(Random random);

    /// <summary>
    /// Most bytes of managed memory that an input of this length may cost: what is kept (dictionaries, strings, arrays of what the file
    /// states once per some bytes) is a small multiple of the file.
    /// </summary>
    public virtual long AllowedBytes(int length) => (2 << 20) + 64L * length;

    /// <summary>Changes an input; the default damages bytes anywhere.</summary>
    public virtual byte[] Mutate(Random random, byte[] input) => Mutation.OfBytes(random, input, input.Length);

    /// <summary>
    /// Parses the input and uses what came of it. A refusal is a <see cref="MixtralException"/>; any other exception is a finding.
    /// <paramref name="folder"/> is for inputs that must lie in files.
    /// </summary>
    public abstract void Run(byte[] input, string folder);
}
