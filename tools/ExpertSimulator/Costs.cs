namespace ExpertSimulator;

/// <summary>What the parts of a decoded token take, in seconds.</summary>
/// <param name="GpuExpert">An expert on the GPU.</param>
/// <param name="CpuExpert">An expert on the processor.</param>
/// <param name="Upload">Bringing one to the GPU.</param>
/// <param name="Dense">Everything outside the experts, per layer.</param>
/// <param name="HandOver">Router results to the host and outputs back, of a layer that does not have all of its experts.</param>
internal readonly record struct Costs(double GpuExpert, double CpuExpert, double Upload, double Dense, double HandOver)
{
    /// <summary>From bytes and rates: decoding reads each weight once.</summary>
    public static Costs Of(Card card, Shape shape) => new(
        shape.ExpertBytes / card.VideoRate, shape.ExpertBytes / card.MainRate, shape.ExpertBytes / card.LinkRate,
        shape.DenseBytesPerToken / card.VideoRate / shape.Layers, card.HandOver);
}

/// <summary>What the parts of a prompt's chunk take, in seconds: rows multiply, and weights are read once.</summary>
/// <param name="GpuRow">A row of an expert on the GPU.</param>
/// <param name="CpuRow">A row of an expert on the processor.</param>
/// <param name="DenseRow">A row of everything outside the experts, per layer.</param>
/// <param name="Decode">Reading weights, uploading and handing over.</param>
internal readonly record struct PromptCosts(double GpuRow, double CpuRow, double DenseRow, Costs Decode)
{
    public static PromptCosts Of(Card card, Shape shape) => new(
        shape.ExpertWeights / card.GpuProducts, shape.ExpertWeights / card.CpuProducts, shape.DenseWeightsPerLayer / card.GpuProducts,
        Costs.Of(card, shape));
}

/// <summary>A gaming PC. Rates in bytes per second, of reading weights.</summary>
/// <param name="Name">What it is like.</param>
/// <param name="VideoBytes">Video memory.</param>
/// <param name="VideoRate">Of it.</param>
/// <param name="MainRate">Of the processor's kernels from main memory.</param>
/// <param name="LinkRate">From main to video memory.</param>
/// <param name="HandOver">Seconds: two submissions, two waits and small copies.</param>
/// <param name="GpuProducts">Multiply-adds of its kernels a second, in prompts.</param>
/// <param name="CpuProducts">Those of the processor's kernels.</param>
internal sealed record Card(string Name, long VideoBytes, double VideoRate, double MainRate, double LinkRate, double HandOver,
    double GpuProducts, double CpuProducts)
{
    /// <summary>
    /// What a thread of the kernels reaches on the machine of docs/performance.md with AVX2, times the eight cores of a usual processor.
    /// </summary>
    private const double EightCores = 8 * 85e9;

    /// <summary>
    /// 70 % of the data sheets' rates of reading on the GPU and 40 % of its multiply-adds, 80 % of dual-channel memory, PCIe as copies
    /// reach it.
    /// </summary>
    public static IReadOnlyList<Card> All { get; } =
    [
        new("8 GB, DDR4-3200, PCIe 3.0 x16 (as an RTX 2070)", 8L << 30, 0.7 * 448e9, 0.8 * 51.2e9, 12e9, 100e-6, 0.4 * 3.7e12, EightCores),
        new("12 GB, DDR4-3200, PCIe 4.0 x16 (as an RTX 3060)", 12L << 30, 0.7 * 360e9, 0.8 * 51.2e9, 24e9, 100e-6,
            0.4 * 6.4e12, EightCores),
        new("16 GB, DDR5-5600, PCIe 4.0 x16 (as an RX 6800)", 16L << 30, 0.7 * 512e9, 0.8 * 89.6e9, 24e9, 100e-6, 0.4 * 8.1e12, EightCores),
        new("24 GB, DDR5-5600, PCIe 4.0 x16 (as an RTX 4090)", 24L << 30, 0.7 * 1008e9, 0.8 * 89.6e9, 24e9, 100e-6,
            0.4 * 41e12, EightCores),
    ];
}

/// <summary>A mixture's sizes in bytes.</summary>
/// <param name="Layers">Layers.</param>
/// <param name="ExpertBytes">One expert.</param>
/// <param name="DenseBytes">All other weights.</param>
/// <param name="DenseBytesPerToken">Those of them a token reads: without the embedding.</param>
/// <param name="KvBytes">Keys and values of the conversations.</param>
/// <param name="ExpertWeights">Weights of one expert, each of which a row multiplies once.</param>
/// <param name="DenseWeightsPerLayer">All others of a layer.</param>
internal sealed record Shape(int Layers, long ExpertBytes, long DenseBytes, long DenseBytesPerToken, long KvBytes, long ExpertWeights,
    long DenseWeightsPerLayer)
{
    /// <summary>Mixtral 8x7B in Q4_0 with 4096 tokens of context in 16 bits.</summary>
    public static Shape Mixtral { get; } =
        new(32, 3L * 4096 * 14336 * 18 / 32, 904L << 20, 830L << 20, 512L << 20, 3L * 4096 * 14336, (4096 + 2 * 1024 + 4096) * 4096);
}
