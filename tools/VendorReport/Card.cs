namespace VendorReport;

/// <summary>
/// A graphics card. Cores, clock and bandwidth are the maker's specification (boost clock; for UHD 630 two channels of DDR4-2666); the
/// latency is an assumption: what a load from memory takes on a busy card, in the range of published pointer-chasing measurements and not
/// measured here.
/// </summary>
/// <param name="Name">As sold.</param>
/// <param name="Target">Whose compiled code it runs.</param>
/// <param name="Architecture">Its limits.</param>
/// <param name="Cores">Compute units, streaming multiprocessors, subslices or Xe cores.</param>
/// <param name="GigaHertz">Clock.</param>
/// <param name="GigaBytesPerSecond">Memory bandwidth.</param>
/// <param name="LatencyNanoseconds">Assumed latency of a load from memory under load.</param>
/// <param name="Source">Where the numbers are from.</param>
internal sealed record Card(string Name, string Target, Architecture Architecture, int Cores, double GigaHertz, double GigaBytesPerSecond,
    double LatencyNanoseconds, string Source)
{
    /// <summary>Share of the specified bandwidth that a long read reaches.</summary>
    public const double ReachableShare = 0.85;

    public static IReadOnlyList<Card> All { get; } =
    [
        new("RX 580", "polaris10", Architecture.Polaris, 36, 1.340, 256, 600, "AMD product page"),
        new("RX 6700 XT", "navi21", Architecture.Rdna2, 40, 2.581, 384, 500, "AMD product page"),
        new("RX 7900 XTX", "gfx1100", Architecture.Rdna3, 96, 2.500, 960, 600, "AMD product page"),
        new("GTX 1060", "turing", Architecture.Pascal, 10, 1.708, 192, 600, "NVIDIA product page (6 GB)"),
        new("RTX 3060", "ampere", Architecture.Ampere, 28, 1.777, 360, 500, "NVIDIA product page (12 GB)"),
        new("RTX 4070", "ada", Architecture.Ada, 46, 2.475, 504, 500, "NVIDIA product page"),
        new("UHD 630", "skl", Architecture.Gen9, 3, 1.150, 42.7, 250, "Intel ARK, Core i7-8700"),
        new("Arc A770", "dg2", Architecture.XeHpg, 32, 2.100, 560, 700, "Intel ARK (16 GB)"),
    ];
}
