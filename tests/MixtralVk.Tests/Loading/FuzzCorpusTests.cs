using MixtralVk.Testing.Fuzzing;

namespace MixtralVk.Tests.Loading;

/// <summary>What tools/fuzz.sh found once, and a short run of it with a fixed course.</summary>
public sealed class FuzzCorpusTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mixtralvk-");

    public void Dispose() => _folder.Delete(recursive: true);

    public static TheoryData<string> Parsers => [.. FuzzTarget.All.Select(target => target.Name)];

    [Theory, MemberData(nameof(Parsers))]
    public void SeedsAreAccepted(string parser)
    {
        FuzzCheck[] checks = [.. Target(parser).Seeds.Select(seed => FuzzCheck.Run(Target(parser), seed, _folder.FullName))];
        Assert.All(checks, check => Assert.Null(check.Problem));
        Assert.Contains("accepted", checks.Select(check => check.Outcome));
    }

    [Theory, MemberData(nameof(Parsers))]
    public void FoundInputsAreRefusedOrAccepted(string parser)
    {
        string corpus = Path.Combine(AppContext.BaseDirectory, "Loading", "corpus", parser);
        foreach (string file in Directory.Exists(corpus) ? Directory.GetFiles(corpus) : [])
            Assert.True(FuzzCheck.Run(Target(parser), File.ReadAllBytes(file), _folder.FullName) is { Problem: null }, file);
    }

    [Theory, MemberData(nameof(Parsers))]
    public void DamagedInputsAreRefusedOrAccepted(string parser)
    {
        FuzzTarget target = Target(parser);
        var random = new Random(20240111);
        int refused = 0;
        for (int i = 0; i < 400; i++)
        {
            byte[] input = i % 2 == 0 ? target.Generate(random) : target.Mutate(random, target.Seeds[i % target.Seeds.Count]);
            FuzzCheck check = FuzzCheck.Run(target, input, _folder.FullName);
            Assert.True(check.Problem is null, $"input {i}: {check.Problem}");
            if (check.Refused) refused++;
        }
        Assert.InRange(refused, 1, 400);
    }

    /// <summary>An exception of another kind, and memory out of proportion, are noticed.</summary>
    [Fact]
    public void WhatIsLookedForIsFound()
    {
        Assert.StartsWith("FormatException", FuzzCheck.Run(new Faulty(() => throw new FormatException()), [1], _folder.FullName).Problem);
        Assert.StartsWith("allocated", FuzzCheck.Run(new Faulty(() => GC.KeepAlive(new byte[16 << 20])), [1], _folder.FullName).Problem);
        FuzzCheck refused = FuzzCheck.Run(new Faulty(() => throw new MixtralException("'x' is 5")), [1], _folder.FullName);
        Assert.Equal((null, "MixtralException  is ", true), (refused.Problem, refused.Outcome, refused.Refused));
    }

    private static FuzzTarget Target(string name) => FuzzTarget.All.Single(target => target.Name == name);

    private sealed class Faulty(Action run) : FuzzTarget
    {
        public override string Name => "faulty";
        public override IReadOnlyList<byte[]> Seeds => [];
        public override byte[] Generate(Random random) => [];
        public override void Run(byte[] input, string folder) => run();
    }
}
