using MixtralVk.Loading;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Loading;

/// <summary>Models split over several files: opened by any part, refused by a message that names the part that is wrong.</summary>
public sealed class GgufPartsTests : IDisposable
{
    private static readonly SyntheticModel Model = new() { Layers = 1, Experts = 2, Vocab = 40 };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mixtralvk-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AnyPartOpensTheWholeModel(int part)
    {
        Write(Model.ToWriter().Split(3));
        using TemporaryFile whole = Model.WriteTemporary();
        using GgufFile split = GgufFile.Open(PathOf(part)), one = GgufFile.Open(whole.Path);
        Assert.Equal((3, 1), (split.PartCount, one.PartCount));
        Assert.Equal(Enumerable.Range(1, 3).Sum(i => new FileInfo(PathOf(i)).Length), split.Length);
        Assert.Equal(one.Tensors.Keys.Order(), split.Tensors.Keys.Order());
        foreach (string name in one.Tensors.Keys)
        {
            GgufTensor expected = one.Tensors[name], found = split.Tensors[name];
            Assert.Equal(one.Rows(expected, 0, (int)expected.RowCount).ToArray(), split.Rows(found, 0, (int)found.RowCount).ToArray());
        }
        using ModelSource source = ModelSource.Open(PathOf(part));
        Assert.Equal((40, split.Length), (source.Config.VocabSize, source.Describe().FileBytes));
    }

    [Fact]
    public void FirstPartMayHoldNoTensors()
    {
        GgufWriter[] parts = Model.ToWriter().Split(1);
        GgufWriter first = Model.ToWriter().Add("split.no", 0).Add("split.count", 2);
        foreach (string name in Model.TensorNames) first.RemoveTensor(name);
        first.Save(PathOf(1, 2));
        parts[0].Remove("split.no", "split.count", "split.tensors.count").Add("split.no", 1).Add("split.count", 2).Save(PathOf(2, 2));
        using ModelSource source = ModelSource.Open(PathOf(1, 2));
        Assert.Equal(40, source.Config.VocabSize);
    }

    [Fact]
    public void MissingPartIsNamed()
    {
        Write(Model.ToWriter().Split(3));
        File.Delete(PathOf(2));
        Refused(PathOf(3), "part 2 of 3", "model-00002-of-00003.gguf");
    }

    [Fact]
    public void RenamedPartIsRefused()
    {
        Write(Model.ToWriter().Split(3));
        string renamed = Path.Combine(_folder.FullName, "first.gguf");
        File.Move(PathOf(1), renamed);
        Refused(renamed, "part 1 of 3", "-00001-of-00003.gguf");
    }

    [Fact]
    public void SwappedPartsAreRefused()
    {
        GgufWriter[] parts = Model.ToWriter().Split(3);
        Write([parts[0], parts[2], parts[1]]);
        Refused(PathOf(1), "model-00002-of-00003.gguf", "split.no is 2, not 1");
    }

    [Fact]
    public void PartOfAModelWithMorePartsIsRefused()
    {
        GgufWriter[] parts = Model.ToWriter().Split(3);
        Write([parts[0], Model.ToWriter().Split(4)[1], parts[2]]);
        Refused(PathOf(1), "model-00002-of-00003.gguf", "split.count is 4, not 3");
    }

    [Fact]
    public void PartOfAnotherModelIsRefused()
    {
        GgufWriter[] parts = Model.ToWriter().Split(3), larger = (Model with { Layers = 4 }).ToWriter().Split(3);
        Write([parts[0], larger[1], parts[2]]);
        Refused(PathOf(1), "of different models");
        Write([parts[0], parts[1], larger[0].Remove("split.no").Add("split.no", 2)]);
        Refused(PathOf(1), "tensor 'token_embd.weight' is in model-00001-of-00003.gguf too");
    }

    [Fact]
    public void WholeFileInPlaceOfAPartIsRefused()
    {
        GgufWriter[] parts = Model.ToWriter().Split(3);
        Write([parts[0], new GgufWriter(), parts[2]]);
        Refused(PathOf(1), "model-00002-of-00003.gguf", "split.count is missing");
    }

    [Theory]
    [InlineData("split.count", 100000u, "split.count is 100000")]
    [InlineData("split.count", 4294967295u, "split.count is 4294967295")]
    [InlineData("split.no", 3u, "split.no is 3")]
    public void AbsurdNumberIsRefused(string key, uint value, string cause)
    {
        GgufWriter[] parts = Model.ToWriter().Split(3);
        parts[0].Remove(key).Add(key, value);
        Write(parts);
        Refused(PathOf(1), cause);
    }

    [Fact]
    public void DamagedPartIsNamed()
    {
        Write(Model.ToWriter().Split(3));
        File.WriteAllBytes(PathOf(3), File.ReadAllBytes(PathOf(3))[..^200]);
        Refused(PathOf(1), "model-00003-of-00003.gguf", "truncated");
        using FileStream released = new(PathOf(1), FileMode.Open, FileAccess.Write, FileShare.None);
        Assert.True(released.CanWrite);
    }

    private void Write(GgufWriter[] parts)
    {
        for (int i = 0; i < parts.Length; i++) parts[i].Save(PathOf(i + 1, parts.Length));
    }

    private string PathOf(int part, int count = 3) => Path.Combine(_folder.FullName, $"model-{part:D5}-of-{count:D5}.gguf");

    private static void Refused(string path, params string[] causes)
    {
        string message = Assert.Throws<ModelFileException>(() => ModelSource.Open(path).Dispose()).Message;
        Assert.All(causes, cause => Assert.Contains(cause, message));
    }
}
