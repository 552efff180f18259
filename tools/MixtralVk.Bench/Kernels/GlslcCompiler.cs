using System.ComponentModel;
using System.Diagnostics;

namespace MixtralVk.Bench;

/// <summary>
/// Compiles with Shaderc's program glslc, which builds the engine's own shaders: for machines whose libshaderc is missing or does not load
/// (Debian 12's lacks symbols).
/// </summary>
internal sealed class GlslcCompiler : ShaderCompiler
{
    private readonly string _program, _sources;

    private GlslcCompiler(string program)
    {
        _program = program;
        _sources = Directory.CreateTempSubdirectory("mixtralvk-glsl-").FullName;
        foreach (string name in EmbeddedNames)
        {
            string file = Path.Combine(_sources, name);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, Embedded(name)!);
        }
    }

    /// <summary>The compiler, or null where glslc is neither on the path nor in the Vulkan SDK.</summary>
    public static GlslcCompiler? TryFind()
    {
        string? sdk = Environment.GetEnvironmentVariable("VULKAN_SDK");
        string[] programs = sdk is null ? ["glslc"] : ["glslc", Path.Combine(sdk, "Bin", "glslc"), Path.Combine(sdk, "bin", "glslc")];
        return programs.FirstOrDefault(Runs) is { } program ? new GlslcCompiler(program) : null;
    }

    /// <inheritdoc/>
    public override byte[] Compile(string path, bool optimize)
    {
        string output = Path.Combine(_sources, "user.spv");
        string[] folders = [.. Above(Path.GetDirectoryName(Path.GetFullPath(path))), _sources];
        using Process process = Start(_program, ["--target-env=vulkan1.3", "-fshader-stage=compute", optimize ? "-O" : "-O0",
            .. folders.SelectMany(f => (string[])["-I", f]), "-o", output, path]);
        string messages = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? File.ReadAllBytes(output) : throw Refused(path, messages);
    }

    /// <inheritdoc/>
    public override void Dispose() => Directory.Delete(_sources, recursive: true);

    private static bool Runs(string program)
    {
        try
        {
            using Process process = Start(program, ["--version"]);
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false; // there is no such program
        }
    }

    private static Process Start(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        Process process = Process.Start(start)!;
        process.StandardOutput.Close(); // errors and warnings go to stderr
        return process;
    }
}
