using MixtralVk.Conversion;
using MixtralVk.Loading;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Conversion;

/// <summary>A folder for a checkpoint and the file made of it; both go with the object.</summary>
internal sealed class ConvertedFile : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mixtralvk-");
    private readonly TemporaryFile _output = new(".gguf");

    /// <summary>The checkpoint's folder.</summary>
    public string Folder => _folder.FullName;

    /// <summary>The converted file.</summary>
    public string Path => _output.Path;

    public string PathOf(string name) => System.IO.Path.Combine(Folder, name);

    /// <summary>Converts the folder and opens the result.</summary>
    public GgufFile Convert(QuantizationType type, bool pure = false, string? description = null, ImportanceMatrix? importance = null)
    {
        using ModelConversion conversion = ModelConversion.OpenCheckpoint(Folder, type, pure, importance, description);
        return Write(conversion);
    }

    /// <summary>Converts a GGUF file and opens the result.</summary>
    public GgufFile Quantize(string path, QuantizationType type, bool pure = false, ImportanceMatrix? importance = null, int threads = 0)
    {
        using ModelConversion conversion = ModelConversion.OpenGguf(path, type, pure, importance);
        return Write(conversion, threads);
    }

    public void Dispose()
    {
        _output.Dispose();
        _folder.Delete(recursive: true);
    }

    private GgufFile Write(ModelConversion conversion, int threads = 0)
    {
        using (FileStream stream = File.Create(Path)) conversion.Write(stream, threads);
        return GgufFile.Open(Path);
    }
}
