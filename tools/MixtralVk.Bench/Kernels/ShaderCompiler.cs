using System.Reflection;

namespace MixtralVk.Bench;

/// <summary>
/// Compiles a user's GLSL as the build compiles ours. An include is looked for beside the file that asks for it, in each folder above it
/// (so a file in a checkout's <c>shaders/</c> finds its neighbours), and last among the sources this program was built from. Not
/// thread-safe.
/// </summary>
internal abstract class ShaderCompiler : IDisposable
{
    /// <summary>What the names of the sources begin with that this program was built from.</summary>
    protected const string EmbeddedPrefix = "glsl/";

    /// <summary>
    /// libshaderc, or the program glslc where there is none that loads. Throws <see cref="BenchException"/> where there is neither.
    /// </summary>
    public static ShaderCompiler Find() =>
        (ShaderCompiler?)ShadercCompiler.TryLoad() ?? GlslcCompiler.TryFind() ?? throw new BenchException(
        "There is no shader compiler on this machine, neither libshaderc nor glslc; install Debian's package glslc or libshaderc1, or the Vulkan SDK on Windows.");

    /// <summary>
    /// The SPIR-V of a compute shader; errors as a <see cref="BenchException"/> with one <c>file:line: message</c> a detail.
    /// </summary>
    /// <param name="path">The GLSL file.</param>
    /// <param name="optimize">False keeps names and what is not used: for looking at the interface.</param>
    public abstract byte[] Compile(string path, bool optimize);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>A file among the sources this program was built from, or null.</summary>
    protected static byte[]? Embedded(string name)
    {
        using Stream? stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(EmbeddedPrefix + name);
        if (stream is null) return null;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    /// <summary>Names of all these sources.</summary>
    protected static IEnumerable<string> EmbeddedNames =>
        Assembly.GetExecutingAssembly().GetManifestResourceNames().Where(n => n.StartsWith(EmbeddedPrefix, StringComparison.Ordinal))
            .Select(n => n[EmbeddedPrefix.Length..]);

    /// <summary>A folder and those above it.</summary>
    protected static IEnumerable<string> Above(string? folder)
    {
        for (; folder is not null; folder = Path.GetDirectoryName(folder)) yield return folder;
    }

    /// <summary>The compiler's messages as an exception.</summary>
    protected static BenchException Refused(string path, string messages) =>
        new($"{path} does not compile.", messages.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
