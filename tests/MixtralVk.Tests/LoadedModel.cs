namespace MixtralVk.Tests;

/// <summary>The shipped model on the CPU, loaded once for the tests that use it one after the other.</summary>
public sealed class LoadedModel : IDisposable
{
    // Room for three full conversations; the prefill chunk is small so that prompts take several.
    public MixtralModel Model { get; } =
        MixtralModel.Load(ShippedModel.Path,
        new MixtralOptions { Device = DeviceKind.Cpu, CpuThreads = 2, KvCacheTokens = 3 * 512, ChunkTokens = 16 });

    public void Dispose() => Model.Dispose();
}

[CollectionDefinition(nameof(LoadedModel))]
public sealed class LoadedModelTests : ICollectionFixture<LoadedModel>;
