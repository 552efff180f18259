namespace VendorReport;

/// <summary>
/// The numbers of a GPU generation that limit how many subgroups are resident and how fast they issue. A core is AMD's compute unit,
/// NVIDIA's streaming multiprocessor, Intel's subslice or Xe core; a SIMD is what one scheduler feeds (Intel: EU, vector engine). From
/// AMD's ISA guides and Mesa's ac_gpu_info, NVIDIA's CUDA C++ Programming Guide ("Compute Capabilities", "Arithmetic Instructions") and
/// Intel's architecture white papers.
/// </summary>
/// <param name="Simds">SIMDs of a core.</param>
/// <param name="MaxSubgroups">Subgroups resident on a SIMD at most.</param>
/// <param name="RegisterLanes">Vector registers of a SIMD times their lanes, 0 where each subgroup has its own fixed share (Intel).</param>
/// <param name="RegisterGranule">What a subgroup's registers times lanes are rounded up to.</param>
/// <param name="SharedBytes">Shared memory of a core.</param>
/// <param name="MaxWorkgroups">Workgroups resident on a core at most.</param>
/// <param name="LanesPerClock">Float lanes a SIMD works on in a clock.</param>
/// <param name="ConvertLanesPerClock">Lanes of integer-to-float conversion.</param>
/// <param name="AddLatency">Clocks from a multiply-add to the next that needs its sum.</param>
internal sealed record Architecture(int Simds, int MaxSubgroups, int RegisterLanes, int RegisterGranule, int SharedBytes, int MaxWorkgroups,
    int LanesPerClock, int ConvertLanesPerClock, int AddLatency)
{
    public static Architecture Polaris { get; } = new(4, 8, 256 * 64, 4 * 64, 64 << 10, 16, 16, 16, 4);
    public static Architecture Vega { get; } = new(4, 10, 256 * 64, 4 * 64, 64 << 10, 16, 16, 16, 4);
    public static Architecture Rdna1 { get; } = new(2, 20, 1024 * 32, 8 * 32, 64 << 10, 16, 32, 32, 5);
    public static Architecture Rdna2 { get; } = new(2, 16, 1024 * 32, 16 * 32, 64 << 10, 16, 32, 32, 5);
    public static Architecture Rdna3 { get; } = new(2, 16, 1536 * 32, 24 * 32, 64 << 10, 16, 32, 32, 5);
    public static Architecture Gen9 { get; } = new(8, 7, 0, 0, 64 << 10, 16, 8, 8, 8);
    public static Architecture Xe { get; } = new(16, 7, 0, 0, 128 << 10, 16, 8, 8, 8);
    public static Architecture XeHpg { get; } = new(16, 8, 0, 0, 128 << 10, 32, 8, 8, 8);
    public static Architecture Xe2 { get; } = new(8, 8, 0, 0, 128 << 10, 32, 16, 16, 8);
    public static Architecture Pascal { get; } = new(4, 16, 512 * 32, 8 * 32, 96 << 10, 32, 32, 8, 6);
    public static Architecture Turing { get; } = new(4, 8, 512 * 32, 8 * 32, 64 << 10, 16, 16, 4, 4);
    public static Architecture Ampere { get; } = new(4, 12, 512 * 32, 8 * 32, 100 << 10, 16, 32, 4, 4);
    public static Architecture Ada { get; } = new(4, 12, 512 * 32, 8 * 32, 100 << 10, 24, 32, 4, 4);

    /// <summary>Subgroups of a kernel resident on a SIMD, as registers, shared memory and the limits of workgroups allow.</summary>
    public int Occupancy(int registers, int subgroupSize, int sharedBytes, int subgroupsPerWorkgroup)
    {
        int byRegisters = RegisterLanes == 0 || registers == 0
            ? MaxSubgroups : RegisterLanes / RoundUp(registers * subgroupSize, RegisterGranule);
        int workgroups = sharedBytes == 0 ? MaxWorkgroups : Math.Min(MaxWorkgroups, SharedBytes / sharedBytes);
        // A workgroup of one subgroup has no barrier and takes none of the slots for workgroups.
        int byWorkgroups = subgroupsPerWorkgroup == 1 && sharedBytes == 0 ? MaxSubgroups : workgroups * subgroupsPerWorkgroup / Simds;
        return Math.Max(1, Math.Min(MaxSubgroups, Math.Min(byRegisters, byWorkgroups)));
    }

    private static int RoundUp(int value, int to) => (value + to - 1) / to * to;
}
