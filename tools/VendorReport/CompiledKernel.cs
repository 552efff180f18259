using System.Text.Json.Serialization;
using MixtralVk.Kernels;
using MixtralVk.Quantization;

namespace VendorReport;

/// <summary>A kernel as a compiler made it.</summary>
/// <param name="Name">Name of the variant.</param>
/// <param name="SubgroupSize">Lanes of a subgroup.</param>
/// <param name="Registers">Vector registers of a lane (Intel: most 32-byte registers live at once).</param>
/// <param name="ScalarRegisters">Scalar registers, 0 where there are none.</param>
/// <param name="Spills">Registers spilled.</param>
/// <param name="ScratchBytes">Private memory of a lane.</param>
/// <param name="SharedBytes">Shared memory of a workgroup.</param>
/// <param name="Instructions">Instructions of the program.</param>
/// <param name="StatedOccupancy">Subgroups per SIMD as the driver states it, 0 where it does not.</param>
/// <param name="Product">Which matrix product it is.</param>
/// <param name="WeightsPerPass">Weights that a lane takes in a pass through the main loop.</param>
/// <param name="Loop">The main loop of a kernel that reads weights.</param>
internal sealed record CompiledKernel(string Name, int SubgroupSize, int Registers, int ScalarRegisters, int Spills,
    int ScratchBytes, int SharedBytes,
    int Instructions, int StatedOccupancy, Product? Product, int WeightsPerPass, LoopProfile? Loop)
{
    /// <summary>True where registers did not suffice.</summary>
    [JsonIgnore]
    public bool Spilled => Spills > 0 || ScratchBytes > 0;
}

/// <summary>What a device runs for a matrix before anybody tunes it.</summary>
/// <param name="Matrix">Name of the matrix.</param>
/// <param name="Format">Its weights.</param>
/// <param name="Tokens">Class of the step.</param>
/// <param name="Kernel">Name of the compiled kernel.</param>
internal sealed record ShippedProduct(string Matrix, WeightFormat Format, TokenClass Tokens, string Kernel);

/// <summary>Everything compiled for a target, with what its driver says of the device.</summary>
internal sealed record CompiledTarget(string Target, string Device, string Driver, int MinSubgroupSize, int MaxSubgroupSize,
    bool Dot4x8Accelerated,
    bool CooperativeMatrix, IReadOnlyList<ShippedProduct> Shipped, IReadOnlyList<string> ShippedKernels,
    IReadOnlyList<CompiledKernel> Kernels)
{
    private Dictionary<string, CompiledKernel>? _byName;

    /// <summary>A kernel by its name.</summary>
    public CompiledKernel this[string name] => (_byName ??= Kernels.ToDictionary(k => k.Name))[name];
}

[JsonSerializable(typeof(CompiledTarget))]
internal sealed partial class CompiledJson : JsonSerializerContext;
